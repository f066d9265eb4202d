"""An event listener written with supervisor.childutils, as people write them.

listener.py ROLE [ARGUMENT...]; every event is noted in FILE, a JSON object a line, before the role acts.

record FILE            notes, and accepts
quit FILE [SIGNAL]     signals its parent, then accepts
shutdown FILE          asks for a shutdown over RPC, then accepts
fail FILE              rejects the first event once
die FILE               dies in the middle of the first event, once for each file
mute FILE              does not answer
slow FILE SECONDS      takes its time
deaf FILE              says READY, and never reads
state FILE             asks over RPC for the state of the program that the event is about
restart FILE PROGRAM   as superlance's httpok and memmon: at a tick stops and starts the program over RPC, once
mail FILE              as superlance's crashmail: notes who crashed
"""
import json
import os
import signal
import sys
import time

from supervisor import childutils

role, path = sys.argv[1], sys.argv[2]
rest = sys.argv[3:]


def note(**fields):
    with open(path, "a") as file:
        file.write(json.dumps(fields) + "\n")


def rpc():
    return childutils.getRPCInterface(os.environ).supervisor


note(started=os.getpid(), parent=os.getppid(), uid=os.getuid())
if role == "deaf":
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    time.sleep(1000)
failed = False
while True:
    headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
    note(headers=headers, payload=payload)
    if role == "quit":
        os.kill(os.getppid(), getattr(signal, rest[0] if rest else "SIGQUIT"))
    elif role == "shutdown":
        rpc().shutdown()
    elif role == "fail" and not failed:
        failed = True
        childutils.listener.fail(sys.stdout)
        continue
    elif role == "die" and not os.path.exists(path + ".died"):
        open(path + ".died", "w").close()
        os._exit(1)
    elif role == "mute":
        time.sleep(1000)
    elif role == "slow":
        time.sleep(float(rest[0]))
    elif role == "state":
        fields, _ = childutils.eventdata(payload + "\n")
        name = "%(groupname)s:%(processname)s" % fields
        note(state=rpc().getProcessInfo(name)["statename"], name=name)
    elif role == "restart" and not failed:
        failed = True
        before = rpc().getProcessInfo(rest[0])
        assert any(info["name"] == rest[0] for info in rpc().getAllProcessInfo())
        rpc().stopProcess(rest[0])
        rpc().startProcess(rest[0])
        after = rpc().getProcessInfo(rest[0])
        note(name=rest[0], restarted=[before["pid"], after["pid"], after["statename"]])
    elif role == "mail":
        fields, _ = childutils.eventdata(payload + "\n")
        if not int(fields["expected"]):
            note(name="%(processname)s in group %(groupname)s exited" % fields, state=fields["from_state"])
    childutils.listener.ok(sys.stdout)
