#!/usr/bin/env python3
"""Join, the mapper: marks each line `key TAB row` with the side that it belongs to.

The left side are the files whose address contains the program's argument, and the right side are all others.
"""

import os
import sys

side = b"L" if sys.argv[1] in os.environ["mapreduce_map_input_file"] else b"R"
for line in sys.stdin.buffer:
    key, _, row = line.rstrip(b"\n").partition(b"\t")
    sys.stdout.buffer.write(b"%b\t%b%b\n" % (key, side, row))
