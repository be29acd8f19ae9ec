#!/usr/bin/env python3
"""Inverted index, the mapper: writes each word of its split once, with the address of the file it reads.

The reducer makes lists with commas, so a comma in an address is written as %2C.
"""

import os
import sys

file = os.environb[b"mapreduce_map_input_file"].replace(b",", b"%2C")
words = {word for line in sys.stdin.buffer for word in line.split()}
for word in words:
    sys.stdout.buffer.write(b"%b\t%b\n" % (word, file))
