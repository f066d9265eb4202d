"""A server on the listening socket that is its stdin: answers each connection with its pid and what it has as stdin."""
import fcntl, os, socket, stat, sys

listener = socket.socket(fileno=0)
assert stat.S_ISSOCK(os.fstat(0).st_mode)
assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
blocking = fcntl.fcntl(0, fcntl.F_GETFL) & os.O_NONBLOCK == 0
listener.setblocking(True)
print("accepting", "blocking" if blocking else "non-blocking", flush=True)
while True:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(f"{os.getpid()} {os.readlink('/proc/self/fd/0')}\n".encode())
