/** Ten thousand calls that were valid once, over a socket: each gets an answer, and afterwards all is as before. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { type Random, random } from "../../test/compat/generate.ts";
import { createFakeControl, fakeServerDeps } from "../../test/fakes/control.ts";
import { post } from "../../test/fakes/http.ts";
import { memoryHeld } from "../../test/fakes/memory.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import { type ServerHandle, startControlServer } from "./server.ts";
import { parseResponse, renderCall, type Value } from "./xmlrpc.ts";

const SEED = Number(process.env["SEED"] ?? 20260101);
const CALLS = 10_000;
const AT_ONCE = 32;

/** Everything but what ends the server for good. */
const ORIGINALS: readonly Buffer[] = (
  [
    ["system.listMethods", []],
    ["system.methodHelp", ["supervisor.getPID"]],
    ["system.methodSignature", ["supervisor.startProcess"]],
    ["supervisor.getAllProcessInfo", []],
    ["supervisor.getAllConfigInfo", []],
    ["supervisor.getProcessInfo", ["web"]],
    ["supervisor.startProcess", ["web", false]],
    ["supervisor.stopProcess", ["web", true]],
    ["supervisor.signalProcess", ["crew:*", "HUP"]],
    ["supervisor.readProcessStdoutLog", ["web", -10, 0]],
    ["supervisor.tailProcessStderrLog", ["web", 0, 1000]],
    ["supervisor.readLog", [0, 10]],
    ["supervisor.sendProcessStdin", ["web", "ü <&> \u{1f642}\n"]],
    ["supervisor.sendRemoteCommEvent", ["type", "data"]],
    ["supervisor.reloadConfig", []],
    ["supervisor.clearAllProcessLogs", []],
    [
      "system.multicall",
      [
        [
          { methodName: "supervisor.getPID", params: [] },
          { methodName: "supervisor.startProcess", params: ["web"] },
          { methodName: "system.multicall", params: [[]] },
        ],
      ],
    ],
  ] satisfies [string, Value[]][]
).map(([name, params]) => Buffer.from(renderCall(name, params)));

const PIECES: readonly string[] = [
  "<",
  ">",
  "&",
  "\0",
  "\ufffe",
  "]]>",
  "<!--",
  "<![CDATA[",
  "<?xml",
  "&#0;",
  "&#xd800;",
  "&x;",
  "&#99999999999;",
  "99999999999999999999",
  "-1",
  "1e999",
  "NaN",
  "__proto__",
  "constructor",
  "<value>",
  "</value>",
  "<int/>",
  "<nil/>",
  "<base64>!</base64>",
  "<struct>",
  "€",
  "\u2028",
  "\r",
];

const DOCTYPES: readonly string[] = [
  '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;">]>',
  '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
  '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd">',
];

const TYPES = ["int", "string", "boolean", "double", "base64", "i8", "dateTime.iso8601"];
const NAMES = [
  "web",
  "crew:a",
  "crew:*",
  "nobody",
  "0",
  "-1",
  "supervisor.getPID",
  "supervisor.__proto__",
  ":",
];
const PARAM =
  "<param><value><struct><member><name>a</name><value>1</value></member></struct></value></param>";

type Mutation = (bytes: Buffer, rng: Random) => Buffer;

const splice = (bytes: Buffer, from: number, to: number, piece: Buffer | string): Buffer =>
  Buffer.concat([bytes.subarray(0, from), Buffer.from(piece), bytes.subarray(to)]);

const MUTATIONS: readonly Mutation[] = [
  function flip(bytes, rng) {
    const copy = Buffer.from(bytes);
    const at = rng.below(copy.length + 1);
    if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << rng.below(8));
    return copy;
  },
  function cut(bytes, rng) {
    const from = rng.below(bytes.length + 1);
    return splice(bytes, from, Math.min(bytes.length, from + 1 + rng.below(60)), "");
  },
  function end(bytes, rng) {
    return bytes.subarray(0, rng.below(bytes.length + 1));
  },
  function double(bytes, rng) {
    const from = rng.below(bytes.length + 1);
    const part = bytes.subarray(from, from + rng.below(200));
    const times = rng.chance(0.05) ? 1 + Math.floor(50_000 / (part.length + 1)) : 1;
    return splice(bytes, from, from, Buffer.concat(Array.from({ length: times }, () => part)));
  },
  function insert(bytes, rng) {
    const at = rng.below(bytes.length + 1);
    return splice(bytes, at, at, rng.pick(PIECES));
  },
  function nest(bytes, rng) {
    const at = Math.max(0, bytes.indexOf("<value>"));
    const depth = rng.pick([1, 5, 30, 65, 1000, 20_000]);
    const [open, close] = rng.pick([
      ["<value><array><data>", "</data></array></value>"],
      ["<value><struct><member><name>a</name>", "</member></struct></value>"],
      ["<value>", "</value>"],
    ]);
    return splice(bytes, at, at, open.repeat(depth) + (rng.chance(0.5) ? close.repeat(depth) : ""));
  },
  function declare(bytes, rng) {
    const at = Math.max(0, bytes.indexOf("<methodCall"));
    return splice(splice(bytes, at, at, rng.pick(DOCTYPES)), bytes.length, bytes.length, "&d;");
  },
  function mix(bytes, rng) {
    const other = rng.pick(ORIGINALS);
    return Buffer.concat([
      bytes.subarray(0, rng.below(bytes.length + 1)),
      other.subarray(rng.below(other.length)),
    ]);
  },
];

/** What stays XML-RPC and only asks for something else. */
const CHANGES: readonly Mutation[] = [
  (bytes, rng) => {
    const type = rng.pick(TYPES);
    return Buffer.from(bytes.toString().replace(/<(\/?)(?:int|string|boolean)>/g, `<$1${type}>`));
  },
  (bytes, rng) =>
    Buffer.from(
      bytes.toString().replace(/>[\w:.-]+</g, (text) => (rng.chance(0.3) ? `>${rng.pick(NAMES)}<` : text)),
    ),
  (bytes) => Buffer.from(bytes.toString().replace("</params>", `${PARAM}</params>`)),
  (bytes) => Buffer.from(bytes.toString().replace(/<param>[^]*?<\/param>\n/, "")),
  (bytes, rng) =>
    Buffer.from(bytes.toString().replace(/(?<=>)\s+(?=<)/g, rng.pick(["", " ", "<!-- -->", "\r\n"]))),
];

interface Sample {
  readonly body: Buffer;
  /** What the Content-Length says. */
  readonly length: string;
  /** The server has to wait for more than there is. */
  readonly incomplete: boolean;
}

function sample(rng: Random): Sample {
  let body = rng.pick(ORIGINALS);
  const ways = rng.chance(0.4) ? CHANGES : MUTATIONS;
  for (let count = 1 + rng.below(3); count > 0; count--) body = rng.pick(ways)(body, rng);
  const length = rng.chance(0.9)
    ? String(body.length)
    : rng.pick([
        String(rng.below(body.length + 1)),
        String(body.length + 1 + rng.below(50)),
        "-1",
        "",
        "x",
        "0x10",
        "99999999999999999999",
        `${body.length}, ${body.length}`,
      ]);
  const declared = /^\d+$/.test(length) ? Number(length) : 0;
  return { body, length, incomplete: declared > body.length && declared <= 1024 * 1024 };
}

/** All that comes back until the connection ends. */
function exchange(port: number, { body, length, incomplete }: Sample): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => {
      socket.write(`POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
      socket.write(body);
      if (incomplete) socket.end();
    });
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("end", () => socket.end());
    // Refused before it was read as a whole: the rest meets a closed door.
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

async function check(answer: string, { incomplete, length, body }: Sample): Promise<number> {
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);
  if (status === 0) {
    // Nothing to say to a client that left in the middle, or that was refused before it had sent all.
    assert.ok(incomplete || Number(length) !== body.length, "no answer");
    return 0;
  }
  if (status === 200) await parseResponse(answer.slice(answer.indexOf("\r\n\r\n") + 4));
  else assert.ok([400, 411, 413].includes(status), String(status));
  return status;
}

async function open(t: TestContext, faults: unknown[]): Promise<{ server: ServerHandle; port: number }> {
  const fake = createFakeControl([
    fakeSpec("web", { startsecs: 0 }),
    fakeSpec("a", { group: "crew", id: "crew:a", startsecs: 0 }),
  ]);
  fake.output.set("web:web", "\u001b[31mhello\0\n".repeat(100));
  fake.boot();
  const address = { kind: "inet", host: "127.0.0.1", port: 0, username: null, password: null } as const;
  const opened = await startControlServer(address, fakeServerDeps(fake, faults));
  assert.ok(opened.ok);
  t.after(() => opened.server.close());
  return { server: opened.server, port: opened.server.port ?? 0 };
}

test("ten thousand mutated calls", { timeout: 120_000 }, async (t) => {
  const rng = random(SEED);
  const faults: unknown[] = [];
  const { server, port } = await open(t, faults);
  const statuses = new Map<number, number>();
  let held = 0;
  let next = 0;
  async function client(): Promise<void> {
    while (next < CALLS) {
      const number = next++;
      const one = sample(rng);
      const began = performance.now();
      const status = await exchange(port, one)
        .then((answer) => check(answer, one))
        .catch((error) => {
          throw new Error(
            `seed ${SEED}, call ${number}, length ${one.length}: ${one.body.toString().slice(0, 2000)}`,
            { cause: error },
          );
        });
      assert.ok(performance.now() - began < 5000, `call ${number} took too long`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (number === CALLS / 10) held = memoryHeld();
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  const told = JSON.stringify([...statuses]);
  assert.deepEqual(faults, []);
  for (const status of [200, 400]) assert.ok((statuses.get(status) ?? 0) > CALLS / 10, told);
  while (server.connections() > 0) await new Promise((resolve) => setImmediate(resolve));
  const grown = memoryHeld() - held;
  assert.ok(grown < 8 * 1024 * 1024, `${grown} bytes were kept`);
  const { body } = await post({ port }, renderCall("supervisor.getPID", []));
  assert.deepEqual(await parseResponse(body), { ok: true, value: 1 });
});
