"""Writes 60 pieces of 7 to 31 bytes, each once the one before was read: whoever reads gets them one by one."""

import fcntl
import os
import termios
import time


def unread():
    return int.from_bytes(fcntl.ioctl(1, termios.FIONREAD, bytes(4)), "little")


for i in range(60):
    os.write(1, (str(i % 10) * (7 + i * 5 % 23) + "\n" * (i % 3)).encode())
    while unread():
        time.sleep(0.001)
