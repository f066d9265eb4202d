"""Runs a command on a new terminal and relays: our stdin is typed on it, what it shows goes to our stdout.

usage: terminal.py COMMAND ARG...   Ends with the command's exit code, 128+n for a signal. On SIGUSR1 the terminal hangs up.
"""

import os
import pty
import select
import signal
import sys


class HangUp(Exception):
    pass


def hang_up(received, frame):
    raise HangUp


pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
sources = [0, master]
try:
    signal.signal(signal.SIGUSR1, hang_up)
    while master in sources:
        for fd in select.select(sources, [], [])[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                data = b""
            if not data:
                sources.remove(fd)
            elif fd == 0:
                os.write(master, data)
            else:
                os.write(1, data)
except HangUp:
    os.close(master)
status = os.waitpid(pid, 0)[1]
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
