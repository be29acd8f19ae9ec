#!/usr/bin/env python3
"""Word count, the mapper: writes each word of its input with a one."""

import sys

for line in sys.stdin.buffer:
    for word in line.split():
        sys.stdout.buffer.write(word + b"\t1\n")
