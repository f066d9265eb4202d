"""Writes COUNT stack traces of LINES numbered lines of WIDTH bytes to stdout, each in one write.

usage: traces.py NAME COUNT LINES WIDTH
"""

import os
import sys
import time

name = sys.argv[1]
count, lines, width = map(int, sys.argv[2:])
for trace in range(count):
    heads = ["%s trace %d line %d " % (name, trace, line) for line in range(lines)]
    data = "".join(head + "x" * (width - 1 - len(head)) + "\n" for head in heads).encode()
    if os.write(1, data) != len(data):
        raise SystemExit("not written at once")
    time.sleep(0.001)
