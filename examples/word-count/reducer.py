#!/usr/bin/env python3
"""Word count, the reducer: adds up the counts of each word.

Its input is sorted by word. Its output can be added up again, so it serves as a combiner, too.
"""

import sys
from itertools import groupby
from operator import itemgetter


def pairs(lines):
    for line in lines:
        word, _, count = line.rstrip(b"\n").partition(b"\t")
        yield word, int(count)


for word, counts in groupby(pairs(sys.stdin.buffer), key=itemgetter(0)):
    total = sum(count for _, count in counts)
    sys.stdout.buffer.write(b"%b\t%d\n" % (word, total))
