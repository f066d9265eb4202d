"""Writes FILE to stdout in writes of SIZE bytes.

usage: write.py FILE SIZE
"""

import os
import sys

with open(sys.argv[1], "rb") as file:
    data = file.read()
size = int(sys.argv[2])
for start in range(0, len(data), size):
    piece = data[start : start + size]
    while piece:
        piece = piece[os.write(1, piece) :]
