#!/usr/bin/awk -f
# Word count, the reducer: adds up the counts of each word, by which its input is sorted.
# Its output can be added up again, so it serves as a combiner, too.

BEGIN { FS = OFS = "\t" }

# As text: awk would take 1 and 1.0 for the same word.
NR > 1 && $1 "" != word { printf "%s\t%.0f\n", word, count; count = 0 }
{ word = $1 ""; count += $2 }
END { if (NR > 0) printf "%s\t%.0f\n", word, count }
