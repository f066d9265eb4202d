"""A program of the soak: lives a life that its seed decides, and says what it wrote so that nothing may be missing.

usage: soak.py DIR SEED NAME ROLE [WORD...]

  flood KIND   bursts of numbered lines on stdout, KIND text, binary or json; now and then a line comes in pieces or is longer
               than log_max_line; a life ends by itself, by a signal or by TERM
  crash        a line, and a second later some end
  orphans      leaves children and grandchildren behind that end by themselves
  listener     an event listener that mostly answers OK, at times FAIL, at times dies
  ready HOW    becomes ready after a moment (notify, log, fd) and holds
  chat         a line every now and then, for ever
  fickle       exits with 0, one time in twenty with 1 (a check)

While DIR/peace exists nobody ends by himself. A numbered line is `#RUN:N:CRC:PAYLOAD`. Who ends in order notes `NAME RUN LINES` in
DIR/ended; after SIGKILL nobody can, and only gaps can be told.
"""

import os
import random
import signal
import sys
import time
import zlib

DIR, SEED, NAME, ROLE, WORDS = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]
NUMPROC = os.environ.get("SOAK_NUMBER", "")


def append(file, text):
    fd = os.open(os.path.join(DIR, file), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(fd, text.encode())
    at = os.lseek(fd, 0, os.SEEK_CUR)
    os.close(fd)
    return at


RUN = append("runs-" + NAME + NUMPROC, "x")
dice = random.Random("%s:%s:%s:%d" % (SEED, NAME, NUMPROC, RUN))
ending = []


def is_peace():
    return os.path.exists(os.path.join(DIR, "peace"))


def write(data):
    while data:
        data = data[os.write(1, data) :]


def rest(seconds):
    """Sleeps, but not past a TERM."""
    until = time.monotonic() + seconds
    while not ending and time.monotonic() < until:
        time.sleep(min(0.05, max(0.001, until - time.monotonic())))


def leave():
    """Some end: a code, or a signal."""
    if dice.random() < 0.5:
        os._exit(dice.choice([0, 1, 1, 2, 77, 255]))
    number = dice.choice([signal.SIGKILL, signal.SIGABRT, signal.SIGTERM, signal.SIGPIPE])
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def payload(kind, length):
    if kind == "binary":
        return dice.randbytes(length).replace(b"\n", b"\0")
    text = "".join(dice.choices("abcdefghij klmnop\u00e9\u20ac\U0001f600{}\"\\|", k=length))
    return text.encode()


def numbered(sequence, body):
    return b"#%d:%d:%08x:" % (RUN, sequence, zlib.crc32(body)) + body + b"\n"


def flood(kind):
    sequence = 0
    bodies = [payload(kind, dice.choice([0, 10, 80, 80, 80, 300])) for _ in range(100)]
    until = time.monotonic() + dice.uniform(2, 15)
    while not ending and (is_peace() or time.monotonic() < until):
        count = dice.choice([1, 10, 100, 1000, 10000])
        write(b"".join(numbered(sequence + each, dice.choice(bodies)) for each in range(count)))
        sequence += count
        if dice.random() < 0.2:
            long = dice.random() < 0.2
            body = payload(kind, dice.randint(50_000, 200_000) if long else 60)
            line = numbered(sequence, body)
            cut = dice.randrange(1, len(line))
            write(line[:cut])
            rest(dice.choice([0.01, 0.2, 1.4]))
            write(line[cut:])
            sequence += 1
        rest(dice.uniform(0.02, 0.4))
    append("ended", "%s %d %d\n" % (NAME, RUN, sequence))
    if ending:
        os._exit(0)
    leave()


def crash():
    write(b"about to crash\n")
    rest(dice.uniform(0.2, 1.5))
    while not ending and is_peace():
        rest(0.2)
    if ending:
        os._exit(0)
    leave()


def orphans():
    while not ending:
        for _ in range(dice.choice([1, 5, 30])):
            life = dice.uniform(0, 0.5)
            code = dice.randrange(256)
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                if os.fork() == 0:
                    time.sleep(life)
                    os._exit(code)
                os._exit(0)
            os.waitpid(child, 0)
        rest(dice.uniform(0.3, 1.5))
    os._exit(0)


def listener():
    while True:
        write(b"READY\n")
        header = sys.stdin.buffer.readline().decode()
        if not header:
            os._exit(0)
        length = dict(word.split(":") for word in header.split())["len"]
        sys.stdin.buffer.read(int(length))
        throw = dice.random()
        if throw < 0.01 and not is_peace():
            leave()
        write(b"RESULT 4\nFAIL" if throw < 0.05 else b"RESULT 2\nOK")


def ready(how):
    rest(dice.uniform(0, 0.5))
    if how == "notify":
        import socket

        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(os.environ["NOTIFY_SOCKET"])
            while True:
                sender.send(b"READY=1\nWATCHDOG=1\nSTATUS=run %d" % RUN)
                rest(0.5)
                if ending:
                    os._exit(0)
    if how == "fd":
        os.write(3, b"\n")
        os.close(3)
    if how == "log":
        write(b"now it is ready\n")
    while not ending:
        rest(1)
    os._exit(0)


def chat():
    while not ending:
        write(b"word %d\n" % dice.randrange(1000))
        rest(dice.uniform(0.05, 0.3))
    os._exit(0)


if ROLE == "fickle":
    os._exit(1 if dice.random() < 0.05 and not is_peace() else 0)
if ROLE != "listener":
    signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
{"flood": flood, "crash": crash, "orphans": orphans, "listener": listener, "ready": ready, "chat": chat}[ROLE](*WORDS)
