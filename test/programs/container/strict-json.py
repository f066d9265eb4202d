"""Reads lines of JSON on stdin as strictly as Python can: one object each, no key twice, no NaN. Prints them as an array."""

import json
import sys


def pairs(members):
    names = [name for name, _ in members]
    if len(set(names)) != len(names):
        raise SystemExit("a key is there twice: %r" % names)
    return dict(members)


def constant(word):
    raise SystemExit("no JSON: " + word)


data = sys.stdin.buffer.read()
if not data.endswith(b"\n"):
    raise SystemExit("the last line has no end")
values = []
for line in data[:-1].split(b"\n"):
    text = line.decode("utf-8")
    if len(text.splitlines()) != 1:
        raise SystemExit("more than one line for Python: %r" % text[:200])
    value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    if not isinstance(value, dict):
        raise SystemExit("no object: %r" % text[:200])
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    values.append(value)
print(json.dumps(values))
