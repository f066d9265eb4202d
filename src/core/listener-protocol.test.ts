import assert from "node:assert/strict";
import { test } from "node:test";
import { mulberry32 } from "../../test/fakes/random.ts";
import { type MemberState, ProtocolReader } from "./listener-protocol.ts";

/** What a listener's output says, with the state changes that follow and an event sent at once to whoever is ready. */
function listen(chunks: readonly Uint8Array[]): string[] {
  const reader = new ProtocolReader();
  const said: string[] = [];
  let state: MemberState = "ACKNOWLEDGED";
  for (const chunk of chunks) {
    for (let answer = reader.next(state, chunk); answer !== null; ) {
      said.push(answer.type === "result" ? `result ${answer.ok}` : answer.type);
      if (answer.type === "broken" && answer.line !== null) said.push(answer.line);
      state = answer.type === "ready" ? "BUSY" : answer.type === "result" ? "ACKNOWLEDGED" : "UNKNOWN";
      answer = reader.next(state, new Uint8Array(0));
    }
  }
  return said;
}

const say = (text: string): string[] => listen([Buffer.from(text)]);

test("ready, a result, and again", () => {
  assert.deepEqual(say("READY\nRESULT 2\nOKREADY\nRESULT 4\nFAILREADY\n"), [
    "ready",
    "result true",
    "ready",
    "result false",
    "ready",
  ]);
});

test("an empty result is one: supervisord waits for more", () => {
  assert.deepEqual(say("READY\nRESULT 0\n"), ["ready", "result false"]);
});

test("lengths are bytes", () => {
  assert.deepEqual(say("READY\nRESULT 2\nüREADY\n"), ["ready", "result false", "ready"]);
});

test("only OK is OK", () => {
  for (const body of ["O", "OKK", "ok", "OK\n", "KO"])
    assert.deepEqual(say(`READY\nRESULT ${body.length}\n${body}`), ["ready", "result false"]);
});

test("blanks around the number are no fault, as with Python's int()", () => {
  assert.deepEqual(say("READY\nRESULT  2 \r\nOK"), ["ready", "result true"]);
});

test("the first seven bytes of a result line are not looked at, as supervisord has it: listeners live by it", () => {
  for (const line of ["RESULT:2", "result 2", "Result=2", "BANANA!2", "RESULT +2", "ÜESULT2"])
    assert.deepEqual(say(`READY\n${line}\nOKREADY\n`), ["ready", "result true", "ready"]);
});

test("what has no length after them breaks the protocol", () => {
  for (const line of ["RESULT x", "RESULT", "RESULT -1", "RESULT 1.5", "RESULT2", "OK", "", "RESULT 2 2"])
    assert.deepEqual(say(`READY\n${line}\nOKREADY\n`), ["ready", "broken", line]);
  assert.deepEqual(listen([Buffer.from("READY\n"), Buffer.from([0xff, 10])]), [
    "ready",
    "broken",
    "Undecodable: b'\\xff'",
  ]);
});

test("six bytes that are not READY break it, fewer are waited for", () => {
  assert.deepEqual(say("READX\n"), ["broken"]);
  assert.deepEqual(say("hello"), []);
  assert.deepEqual(say("hello!READY\n"), ["broken"]);
});

test("nothing grows: a line without end, a body without end", () => {
  const [first, second] = listen([Buffer.from("READY\n"), Buffer.alloc(5000, "x")]);
  assert.deepEqual([first, second], ["ready", "broken"]);
  const chunks = Array.from({ length: 100 }, () => Buffer.alloc(1000));
  assert.deepEqual(listen([Buffer.from("READY\nRESULT 100000\n"), ...chunks, Buffer.from("READY\n")]), [
    "ready",
    "result false",
    "ready",
  ]);
});

test("the same whatever the chunks", () => {
  const texts = [
    "READY\nRESULT 2\nOKREADY\nRESULT 0\nREADY\nRESULT 11\nREADY\nOK\n12READY\n",
    "READY\nRESULT 2\nOKREADX\nREADY\n",
    "READY\nRESULT 3\nüOREADY\nRESULT 2x\nOK",
  ];
  for (const text of texts) {
    const bytes = Buffer.from(text);
    for (let seed = 1; seed < 200; seed++) {
      const random = mulberry32(seed);
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = at + 1 + Math.floor(random() * 5);
        chunks.push(bytes.subarray(at, end));
        at = end;
      }
      assert.deepEqual(listen(chunks), say(text), `seed ${seed}`);
    }
  }
});
