"""Reads {"command": [...], "environment": [...], "format": [[text, names]...], "match": [[pattern, name]...]} from stdin and
writes what Python makes of each: shlex.split, supervisord's environment grammar in both versions, %, fnmatch."""
import fnmatch
import json
import shlex
import sys


def attempt(function, *arguments):
    try:
        return {"ok": function(*arguments)}
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}


def pairs(text, posix):
    lexer = shlex.shlex(text, posix=posix)
    lexer.wordchars += "/.+-():"
    tokens = list(lexer)
    result = {}
    for i in range(0, len(tokens), 4):
        words = tokens[i : i + 3]
        if len(words) != 3 or words[1] != "=":
            raise ValueError("Unexpected end of key/value pairs")
        result[words[0]] = words[2] if posix else words[2].strip("'\"")
    return [list(item) for item in result.items()]


sys.stdin.reconfigure(encoding="utf-8", errors="surrogatepass")
given = json.load(sys.stdin)
json.dump(
    {
        "command": [attempt(shlex.split, text) for text in given["command"]],
        "posix": [attempt(pairs, text, True) for text in given["environment"]],
        "legacy": [attempt(pairs, text, False) for text in given["environment"]],
        "format": [attempt(lambda: text % names) for text, names in given["format"]],
        "match": [fnmatch.fnmatchcase(name, pattern) for pattern, name in given["match"]],
    },
    sys.stdout,
)
