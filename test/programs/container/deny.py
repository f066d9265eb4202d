"""Runs a command under a seccomp filter that refuses one system call with one errno.

usage: deny.py NUMBER[=FIRST-ARGUMENT] ERRNO COMMAND ARG...   (numbers of the machine's own architecture)
"""

import ctypes
import os
import struct
import sys

number, _, argument = sys.argv[1].partition("=")
errno = int(sys.argv[2])
LOAD, EQUAL, RETURN, ALLOW, ERRNO = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000
program = [(LOAD, 0, 0, 0)]
if argument:
    program += [(EQUAL, 0, 3, int(number)), (LOAD, 0, 0, 16), (EQUAL, 0, 1, int(argument))]
else:
    program += [(EQUAL, 0, 1, int(number))]
program += [(RETURN, 0, 0, ERRNO | errno), (RETURN, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
filter = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
SET_NO_NEW_PRIVS, SET_SECCOMP, MODE_FILTER = 38, 22, 2
libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
if libc.prctl(SET_SECCOMP, MODE_FILTER, ctypes.c_char_p(filter), 0, 0) != 0:
    raise SystemExit("seccomp: " + os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[3], sys.argv[3:])
