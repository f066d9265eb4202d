"""A tiny actor: plays the steps of its command line and writes what happens to it into an events file.

usage: actor.py EVENTS NAME STEP...   (one line an event: name, event, monotonic ns, pid, pgid, sid, data; tab-separated)

  on:SIG=STEP+STEP   note the signal, then play the steps (none: carry on); on:all= notes every signal that can be caught
  out:TEXT err:TEXT  a line;  raw:TEXT without a newline;  spew:COUNT,WIDTH  numbered lines on stdout
  sleep:S  hold  note:EVENT  exit:N  kill:SIG  ns-last-pid:N
  child:STEP~STEP    a child in the same group;  orphan:…  its parent is gone;  session:…  gone from the group as well
  show:WHAT          notes `env`, `argv`, `fds`, `status`, `cwd`, `ids` or `limits` as data
  notify:TEXT   sent to $NOTIFY_SOCKET; `;` is a line end, `@self` the pid;  send:ADDRESS=TEXT  to that one
  barrier   waits until all that was sent is dealt with, and notes that;  uid:N  becomes that user
  flood:COUNT,TEXT   so many of these to $NOTIFY_SOCKET, none of them waited for
  turn:FILE=STEP|STEP   plays the n-th alternative at the n-th run (counted in FILE), the last one from then on
"""

import os
import signal
import sys
import time

EVENTS, NAME, STEPS = sys.argv[1], sys.argv[2], sys.argv[3:]


def note(event, data=""):
    line = "\t".join(
        [NAME, event, str(time.monotonic_ns()), str(os.getpid()), str(os.getpgrp()), str(os.getsid(0)), data]
    )
    fd = os.open(EVENTS, os.O_WRONLY | os.O_APPEND)
    os.write(fd, (line + "\n").encode("utf-8", "surrogateescape"))
    os.close(fd)


def number(name):
    return int(name) if name.isdigit() else getattr(signal, "SIG" + name)


def write(fd, data):
    while data:
        data = data[os.write(fd, data) :]


def show(what):
    import json

    if what == "env":
        value = {k.decode("latin1"): v.decode("latin1") for k, v in os.environb.items()}
    elif what == "argv":
        value = sys.argv
    elif what == "fds":
        import fcntl

        value = []
        for fd in range(1024):
            try:
                fcntl.fcntl(fd, fcntl.F_GETFD)
                value.append(fd)
            except OSError:
                pass
    elif what == "status":
        value = dict(line.rstrip("\n").split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
    elif what == "cwd":
        value = os.getcwd()
    elif what == "ids":
        value = {"uid": os.getresuid(), "gid": os.getresgid(), "groups": os.getgroups()}
    elif what == "limits":
        import resource

        value = resource.getrlimit(resource.RLIMIT_NOFILE)
    else:
        raise SystemExit("show what? " + what)
    note("show:" + what, json.dumps(value))


def on(text):
    names, steps = text.split("=", 1)

    def heard(received, frame):
        note(signal.Signals(received).name[3:])
        play([step for step in steps.split("+") if step])

    wanted = range(1, 32) if names == "all" else [number(name) for name in names.split(",")]
    for each in wanted:
        if each not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
            signal.signal(each, heard)


def fork(steps, gone, session):
    global NAME
    if os.fork() > 0:
        if gone:
            os.wait()
        return
    if session:
        os.setsid()
    if gone and os.fork() > 0:
        os._exit(0)
    NAME += ".child"
    for each in range(1, 32):
        if each not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(each, signal.SIG_DFL)
    begin(steps.split("~"))
    os._exit(0)


def send(address, text, fds=(), wait=True):
    import array
    import socket

    where = "\0" + address[1:] if address[0] == "@" else address
    message = text.replace(";", "\n").replace("@self", str(os.getpid())).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(wait)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sender.sendmsg([message], rights, 0, where)


def barrier():
    reader, writer = os.pipe()
    send(os.environ["NOTIFY_SOCKET"], "BARRIER=1", [writer])
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    note("barrier")


def flood(text):
    count, message = text.split(",", 1)
    sent = 0
    for _ in range(int(count)):
        try:
            send(os.environ["NOTIFY_SOCKET"], message, wait=False)
            sent += 1
        except BlockingIOError:
            pass
    note("flooded", str(sent))


def turn(text):
    file, steps = text.split("=", 1)
    choices = steps.split("|")
    with open(file, "a+") as counter:
        counter.write("x")
        counter.flush()
        run = counter.tell()
    play(choices[min(run, len(choices)) - 1].split("+"))


def play_one(verb, text):
    if verb == "on":
        on(text)
    elif verb == "out":
        write(1, os.fsencode(text + "\n"))
    elif verb == "err":
        write(2, os.fsencode(text + "\n"))
    elif verb == "raw":
        write(1, os.fsencode(text))
    elif verb == "spew":
        count, width = map(int, text.split(","))
        for index in range(count):
            line = "%s %08d " % (NAME, index)
            write(1, (line + "x" * (width - len(line)) + "\n").encode())
    elif verb == "sleep":
        time.sleep(float(text))
    elif verb == "hold":
        while True:
            signal.pause()
    elif verb == "note":
        note(text)
    elif verb == "exit":
        os._exit(int(text))
    elif verb == "kill":
        signal.signal(number(text), signal.SIG_DFL) if text not in ("KILL", "9") else None
        os.kill(os.getpid(), number(text))
    elif verb == "ns-last-pid":
        with open("/proc/sys/kernel/ns_last_pid", "w") as last:
            last.write(text)
    elif verb in ("child", "orphan", "session"):
        fork(text, verb != "child", verb == "session")
    elif verb == "show":
        show(text)
    elif verb == "notify":
        send(os.environ["NOTIFY_SOCKET"], text)
    elif verb == "send":
        send(*text.split("=", 1))
    elif verb == "barrier":
        barrier()
    elif verb == "flood":
        flood(text)
    elif verb == "uid":
        os.setresuid(int(text), int(text), int(text))
    elif verb == "turn":
        turn(text)
    else:
        raise SystemExit("what is " + verb)


def play(steps):
    for step in steps:
        verb, _, text = step.partition(":")
        play_one(verb, text)


def begin(steps):
    handlers = [step for step in steps if step.startswith("on:")]
    play(handlers)
    note("start")
    play([step for step in steps if not step.startswith("on:")])


begin(STEPS)
