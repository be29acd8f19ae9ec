#!/usr/bin/env python3
"""Inverted index, the reducer: writes each word with the files that hold it, separated by commas.

The mapper writes a comma in an address as %2C. The program serves as a combiner, too.
"""

import sys
from itertools import groupby
from operator import itemgetter


def pairs(lines):
    for line in lines:
        word, _, files = line.rstrip(b"\n").partition(b"\t")
        yield word, files.split(b",")


for word, lists in groupby(pairs(sys.stdin.buffer), key=itemgetter(0)):
    files = {file for _, files in lists for file in files}
    sys.stdout.buffer.write(b"%b\t%b\n" % (word, b",".join(sorted(files))))
