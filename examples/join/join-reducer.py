#!/usr/bin/env python3
"""Join, the reducer: writes each pair of a left and a right row that have the same key.

It keeps the rows of one key at a time in memory.
"""

import sys
from itertools import groupby
from operator import itemgetter


def pairs(lines):
    for line in lines:
        key, _, row = line.rstrip(b"\n").partition(b"\t")
        yield key, row


for key, rows in groupby(pairs(sys.stdin.buffer), key=itemgetter(0)):
    sides = {b"L": [], b"R": []}
    for _, row in rows:
        sides[row[:1]].append(row[1:])
    for left in sides[b"L"]:
        for right in sides[b"R"]:
            sys.stdout.buffer.write(b"%b\t%b\t%b\n" % (key, left, right))
