"""Runs the real supervisorctl and Python's xmlrpc.client for the suite, a fork for each question: a line of JSON on the
socket named by the first word, the answer comes back as JSON until the end."""
import io
import json
import os
import signal
import socketserver
import sys
import tempfile
import xmlrpc.client

from supervisor import supervisorctl, supervisord
from supervisor.xmlrpc import SupervisorTransport


def into(out):
    """Both streams to the file, as in a process of its own."""
    sys.stdout.flush()
    os.dup2(out.fileno(), 1)
    os.dup2(out.fileno(), 2)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", write_through=True)


def run_refusal(question):
    """supervisord with a config that it refuses: {code, out}. One that it takes ends by the alarm."""
    os.environ.clear()
    os.environ.update(question["env"])
    os.chdir(question["cwd"])
    sys.argv = ["supervisord"]
    signal.alarm(20)
    with tempfile.TemporaryFile() as out:
        into(out)
        try:
            supervisord.main(question["args"])
            code = 0
        except SystemExit as end:
            code = end.code
        out.seek(0)
        return {"code": code, "out": out.read().decode("utf-8", "replace")}


def run_ctl(question):
    """The command as a process of its own would run it: {code, out}."""
    with tempfile.TemporaryFile() as out:
        into(out)
        sys.stdin = io.StringIO(question["stdin"])
        sys.argv = ["supervisorctl"]
        if question["interrupt"]:
            # ^C of a person who has seen enough.
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            signal.setitimer(signal.ITIMER_REAL, question["interrupt"])
        try:
            supervisorctl.main(question["args"])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except KeyboardInterrupt:
            code = 130
        sys.stdout.flush()
        out.seek(0)
        return {"code": code, "out": out.read().decode("utf-8", "replace")}


def run_rpc(question):
    """{value}, {fault: [code, text]} or {error: text}."""
    transport = SupervisorTransport(question["username"], question["password"], question["url"])
    server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
    method = server
    for part in question["method"].split("."):
        method = getattr(method, part)
    try:
        return {"value": method(*question["params"])}
    except xmlrpc.client.Fault as fault:
        return {"fault": [fault.faultCode, fault.faultString]}
    except xmlrpc.client.ProtocolError as error:
        return {"error": f"HTTP {error.errcode}"}
    except Exception as error:
        return {"error": type(error).__name__}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        question = json.loads(self.rfile.readline())
        answer = {"ctl": run_ctl, "rpc": run_rpc, "refusal": run_refusal}[question["do"]](question)
        self.wfile.write(json.dumps(answer).encode())


class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 128


with Server(sys.argv[1], Handler) as server:
    server.serve_forever(poll_interval=60)
