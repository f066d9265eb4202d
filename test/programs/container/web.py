"""A server that starts late and answers what a file says.

usage: web.py PORT SECONDS FILE [tls]   listens after so long; FILE holds a status, or `hang`; none is 200
"""

import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

PORT, SECONDS, FILE = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]


def certificate():
    path = os.path.join(tempfile.mkdtemp(), "both.pem")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=nobody -keyout %s -out %s.crt" % (path, path)
    subprocess.run(command.split(), check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path + ".crt", path)
    return context


def serve(connection):
    try:
        request = connection.recv(65536)
        try:
            with open(FILE) as text:
                what = text.read().strip() or "200"
        except FileNotFoundError:
            what = "200"
        if what == "hang":
            time.sleep(3600)
        if request:
            head = "HTTP/1.1 %s -\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n" % what
            connection.sendall(head.encode())
        connection.close()
    except OSError:
        pass


time.sleep(SECONDS)
context = certificate() if sys.argv[4:] == ["tls"] else None
listener = socket.create_server(("127.0.0.1", PORT))
while True:
    connection, _ = listener.accept()
    try:
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True)
    except OSError:
        continue
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
