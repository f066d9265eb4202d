"""What starts an init and wants to hear of it: gives it sockets, or notes what it says.

usage: manager.py sockets NAMES COMMAND...    a listening socket for each name as 3, 4, ..., and the variables for them
       manager.py listen ADDRESS FILE         every notification becomes a line of the file, "|" for line ends
"""

import os
import socket
import sys


def sockets(names, command):
    for fd, name in enumerate(names.split(","), 3):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 7000 + fd))
        listener.listen()
        if listener.fileno() != fd:
            os.dup2(listener.fileno(), fd)
        os.set_inheritable(fd, True)
        listener.detach()
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names.split(","))))
    os.environ["LISTEN_FDNAMES"] = names.replace(",", ":")
    os.execv(command[0], command)


def listen(address, file):
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind("\0" + address[1:] if address[0] == "@" else address)
    os.write(1, b"listening\n")
    while True:
        text = receiver.recv(4096).decode()
        with open(file, "a") as notes:
            notes.write(text.replace("\n", "|") + "\n")


if sys.argv[1] == "sockets":
    sockets(sys.argv[2], sys.argv[3:])
listen(*sys.argv[2:])
