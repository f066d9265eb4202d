"""Writes LINES numbered lines of WIDTH bytes to stdout as fast as it can, then its SHA-256 to the file SUM.

usage: spew.py LINES WIDTH SUM
"""

import hashlib
import os
import sys

lines, width, target = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
digest = hashlib.sha256()
for start in range(0, lines, 500):
    text = b"".join(b"%010d %s\n" % (i, b"x" * (width - 12)) for i in range(start, min(lines, start + 500)))
    digest.update(text)
    while text:
        text = text[os.write(1, text) :]
with open(target, "w") as file:
    file.write(digest.hexdigest())
