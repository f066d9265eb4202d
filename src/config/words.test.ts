import assert from "node:assert/strict";
import { test } from "node:test";
import { Invalid } from "./problems.ts";
import {
  isReadAnew,
  joinCommand,
  parseCommand,
  parseEnvironment,
  splitCommand,
  uncutCommand,
} from "./words.ts";

const environment = (text: string): Record<string, string> => Object.fromEntries(parseEnvironment(text));

test("conformance 95: environment= is read with POSIX quoting", () => {
  assert.deepEqual(environment(`A="x,y",B='a b',C="100%"`), { A: "x,y", B: "a b", C: "100%" });
  assert.deepEqual(environment('A="x\\"y",B=foo"bar baz",C=\'"q"\''), {
    A: 'x"y',
    B: "foobar baz",
    C: '"q"',
  });
  assert.deepEqual(environment('A=1,\n  B=""\n,C=/a/b.c:1,'), { A: "1", B: "", C: "/a/b.c:1" });
  assert.deepEqual(environment("A=1,A=2"), { A: "2" });
  assert.deepEqual(environment(""), {});
});

test("what only the older grammar reads is read by it", () => {
  assert.deepEqual(environment("A=it's"), { A: "it's" });
  assert.deepEqual(environment('DIR="C:\\tmp\\"'), { DIR: "C:\\tmp\\" });
});

test("where both grammars read environment=, and not alike, one is told", () => {
  for (const text of [`A='"q"'`, 'A="x\\\\y"', `A="'x'"`, 'A=a"b c"']) assert.ok(isReadAnew(text), text);
  for (const text of ["A=it's", 'A="x,y"', "A=1,B='a b'", 'A="C:\\tmp"', "", "A"])
    assert.ok(!isReadAnew(text), text);
});

test("errors of environment= name no value", () => {
  for (const text of ["A=1 B=secret", "A=,B=secret", 'A="secret', "secret"]) {
    assert.throws(
      () => parseEnvironment(text),
      (error) => error instanceof Invalid && !error.message.includes("secret"),
      text,
    );
  }
  assert.throws(
    () => parseEnvironment("A=1 B=2"),
    /^Error: Unexpected end of key\/value pairs in value, after A=…/,
  );
  assert.throws(() => parseEnvironment('A="1'), /No closing quotation/);
});

test("commands that cannot be run keep supervisord's words", () => {
  assert.deepEqual(parseCommand("a 'b c' \"d\\\"e\" f\\ g ''"), {
    argv: ["a", "b c", 'd"e', "f g", ""],
    error: null,
  });
  assert.deepEqual(parseCommand('"a\\\\b\\c"').argv, ["a\\b\\c"]);
  assert.equal(parseCommand("  ").error, "command is empty");
  assert.equal(parseCommand('sh -c "x').error, "can't parse command 'sh -c \"x': No closing quotation");
  assert.equal(parseCommand("x\\").error, "can't parse command 'x\\\\': No escaped character");
});

test("joined words split into the same words", () => {
  const words = ["sh", "-c", "echo 'a' \"b\" $X; # c", "", "é", "%", "a\nb", "--x=y"];
  assert.deepEqual(splitCommand(joinCommand(words)), words);
});

test("conformance 94: quotes protect a comment mark, and only quotes do", () => {
  assert.equal(uncutCommand(['sh -c "a ; b" ; comment']), 'sh -c "a ; b"');
  assert.equal(uncutCommand(["sh -c 'a # b'# c # d"]), "sh -c 'a # b'# c");
  assert.equal(uncutCommand(['sh -c "a ; b', 'c # d"']), 'sh -c "a ; b\nc # d"');
  assert.equal(uncutCommand(["it's ; open"]), null);
});
