"""Asks two servers the same calls, one after the other, and prints both answers of each as JSON.

stdin: {"sockets": [path, path], "calls": [[method, [arg, ...]], ...]}; a method ":sleep" waits that many seconds.
"""
import json
import sys
import time
import xmlrpc.client

from supervisor.xmlrpc import SupervisorTransport


def server(path):
    transport = SupervisorTransport(None, None, "unix://" + path)
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)


def ask(proxy, method, args):
    if method == ":sleep":
        time.sleep(args[0])
        return None
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
