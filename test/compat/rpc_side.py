"""Asks two servers the same calls, one after the other, and prints both answers of each as JSON.

stdin: {"sockets": [path, path], "calls": [[method, [arg, ...]], ...]}; a method ":until" waits until the programs named in its
first argument are in those states and the logs in its second, [["Stdout" or "Stderr", name, bytes], ...], are of that length.
"""
import json
import sys
import time
import xmlrpc.client

from supervisor.xmlrpc import SupervisorTransport


def server(path):
    transport = SupervisorTransport(None, None, "unix://" + path)
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)


def until(proxy, states, lengths=()):
    deadline = time.monotonic() + 20
    while True:
        infos = proxy.supervisor.getAllProcessInfo()
        now = {info["name"]: info["statename"] for info in infos if info["name"] in states}
        tails = [getattr(proxy.supervisor, f"tailProcess{stream}Log")(name, 0, 0) for stream, name, _ in lengths]
        if now == states and [end for _, end, _ in tails] == [length for _, _, length in lengths]:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{now} and {tails} instead of {states} and {lengths}")
        time.sleep(0.02)


def ask(proxy, method, args):
    if method == ":until":
        return until(proxy, *args)
    target = proxy
    for part in method.split("."):
        target = getattr(target, part)
    try:
        return target(*args)
    except xmlrpc.client.Fault as fault:
        return {"fault": [fault.faultCode, fault.faultString]}
    except xmlrpc.client.ProtocolError as error:
        return {"http": error.errcode}
    except Exception as error:  # a reply that is no XML
        return {"broken": type(error).__name__}


question = json.load(sys.stdin)
proxies = [server(path) for path in question["sockets"]]
print(json.dumps([[ask(proxy, method, args) for proxy in proxies] for method, args in question["calls"]]))
