"""Reads a JSON list of documents from stdin; writes what supervisord's parser makes of each of them."""
import configparser
import io
import json
import sys


class Parser(configparser.RawConfigParser):
    def __init__(self):
        super().__init__(strict=False, inline_comment_prefixes=(";", "#"))


def read(document):
    parser = Parser()
    try:
        parser.read_file(io.StringIO(document, newline=None))
    except configparser.MissingSectionHeaderError as error:
        return {"kind": "no-section", "lines": [error.lineno]}
    except configparser.ParsingError as error:
        return {"kind": "parsing", "lines": [number for number, _ in error.errors]}
    # Lists of pairs: names such as __proto__ are safe in them.
    sections = [[name, [list(item) for item in section.items()]] for name, section in parser._sections.items()]
    defaults = [list(item) for item in parser._defaults.items()]
    return {"kind": "ok", "sections": sections, "defaults": defaults}


sys.stdin.reconfigure(encoding="utf-8", errors="surrogatepass")
json.dump([read(document) for document in json.load(sys.stdin)], sys.stdout)
