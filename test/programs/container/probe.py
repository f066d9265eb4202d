"""Asks from inside a container's namespaces: one JSON request a line on stdin, one JSON answer a line on stdout.

{"id":1,"kind":"http","path":"/livez","host":"127.0.0.1","port":9180,"headers":{},"timeout":5}
{"id":2,"kind":"rpc","socket":"/run/tsinit.sock","method":"supervisor.getState","params":[],"timeout":5}
{"id":3,"kind":"connect","socket":"/run/tsinit.sock","uid":1234}
{"id":4,"kind":"drop","socket":"/run/tsinit.sock","text":"POST /RPC2 HTTP/1.1\\r\\n"}   goes away in the middle; `port` for TCP
"""

import http.client
import json
import os
import socket
import sys
import threading
import time

lock = threading.Lock()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(connection, method, path, body, headers):
    began = time.monotonic()
    connection.request(method, path, body=body, headers=headers)
    reply = connection.getresponse()
    text = reply.read().decode("utf-8", "replace")
    connection.close()
    return {
        "status": reply.status,
        "headers": {name.lower(): value for name, value in reply.getheaders()},
        "body": text,
        "ms": (time.monotonic() - began) * 1000,
    }


def http_request(request):
    connection = http.client.HTTPConnection(request["host"], request["port"], timeout=request["timeout"])
    headers = request.get("headers", {})
    return ask(connection, request.get("method", "GET"), request["path"], request.get("body"), headers)


def rpc(request):
    import xmlrpc.client

    body = xmlrpc.client.dumps(tuple(request["params"]), request["method"]).encode()
    connection = UnixConnection(request["socket"], request["timeout"])
    reply = ask(connection, "POST", "/RPC2", body, {"Content-Type": "text/xml"})
    if reply["status"] != 200:
        return {"error": "HTTP %d: %s" % (reply["status"], reply["body"])}
    try:
        return {"value": xmlrpc.client.loads(reply["body"])[0][0]}
    except xmlrpc.client.Fault as fault:
        return {"fault": fault.faultCode, "text": fault.faultString}


def connect(request):
    """Connects as another user, in a forked child: ids are a process's, threads share them."""
    read, write = os.pipe()
    if os.fork() == 0:
        answer = "internal"
        try:
            os.setgroups([])
            os.setresgid(request["uid"], request["uid"], request["uid"])
            os.setresuid(request["uid"], request["uid"], request["uid"])
            connection = UnixConnection(request["socket"], 3)
            answer = "HTTP %d" % ask(connection, "GET", "/api/v1", None, {})["status"]
        except PermissionError:
            answer = "EACCES"
        except (OSError, http.client.HTTPException) as error:
            answer = "closed: " + repr(error)
        finally:
            os.write(write, answer.encode())
            os._exit(0)
    os.close(write)
    answer = b""
    while piece := os.read(read, 4096):
        answer += piece
    os.close(read)
    os.wait()
    return {"value": answer.decode()}


def drop(request):
    over_tcp = "port" in request
    with socket.socket(socket.AF_INET if over_tcp else socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(request["timeout"])
        client.connect(("127.0.0.1", request["port"]) if over_tcp else request["socket"])
        client.sendall(request["text"].encode())
        time.sleep(request.get("stay", 0))
    return {"value": "dropped"}


def serve(request):
    try:
        answer = {"http": http_request, "rpc": rpc, "connect": connect, "drop": drop}[request["kind"]](request)
    except (OSError, http.client.HTTPException) as error:
        answer = {"error": repr(error)}
    answer["id"] = request["id"]
    with lock:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


for line in sys.stdin:
    threading.Thread(target=serve, args=(json.loads(line),), daemon=True).start()
