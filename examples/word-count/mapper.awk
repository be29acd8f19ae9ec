#!/usr/bin/awk -f
# Word count, the mapper: writes each word of its input with a one.

{ for (i = 1; i <= NF; i++) print $i "\t1" }
