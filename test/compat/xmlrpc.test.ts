/** Our XML-RPC against Python's: what one writes the other reads, over HTTP as clients do it. Needs python3. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { startControlServer } from "../../src/api/server.ts";
import {
  parseCall,
  parseResponse,
  renderCall,
  renderFault,
  renderResponse,
  type Value,
} from "../../src/api/xmlrpc.ts";
import { createFakeControl, fakeServerDeps } from "../fakes/control.ts";
import { unixAddress } from "../fakes/http.ts";
import { fakeSpec } from "../fakes/plans.ts";

const run = promisify(execFile);

async function python(script: string, input: unknown): Promise<unknown> {
  const child = run("python3", ["-c", script], { maxBuffer: 64 * 1024 * 1024, timeout: 60_000 });
  child.child.stdin?.end(JSON.stringify(input));
  return JSON.parse((await child).stdout);
}

/** Values are exchanged as lists, not objects: two JSON parsers need not agree on odd keys. */
const VALUES: readonly Value[] = [
  "",
  "plain",
  " spaces and\nlines\ttabs ",
  "<&>\"'",
  "ü€😀",
  "]]>",
  "a\r\nb\rc",
  0,
  -2147483648,
  2147483647,
  4294967296,
  1.25,
  -0.001,
  true,
  false,
  [],
  [[], ["x", 1, [true]]],
];

const READ = `
import json, sys, xmlrpc.client as x
out = []
for text in json.load(sys.stdin):
    try:
        params, method = x.loads(text, use_builtin_types=True)
        out.append([method, list(params)])
    except x.Fault as fault:
        out.append(["fault", [fault.faultCode, fault.faultString]])
print(json.dumps(out))
`;

const WRITE = `
import json, sys, xmlrpc.client as x
values = json.load(sys.stdin)
print(json.dumps([[x.dumps(({"k": v},), "m", allow_none=True) if isinstance(v, list) else x.dumps((v,), "m", allow_none=True),
                   x.dumps((v,), methodresponse=True, allow_none=True)] for v in values]))
`;

test("Python reads what we write", async () => {
  const calls = VALUES.map((value) => renderCall("a.b", [value]));
  const answers = VALUES.map((value) => renderResponse(value));
  const read = await python(READ, [...calls, ...answers, renderFault({ code: 10, text: "BAD_NAME: <é>" })]);
  const expected = [
    ...VALUES.map((value) => ["a.b", [value]]),
    ...VALUES.map((value) => [null, [value]]),
    ["fault", [10, "BAD_NAME: <é>"]],
  ];
  assert.deepEqual(read, expected);
});

test("a coloured log line does not kill Python's parser", async () => {
  const read = await python(READ, [renderResponse("\u001b[31mred\u001b[0m \u0000 \ud800")]);
  assert.deepEqual(read, [[null, ["\ufffd[31mred\ufffd[0m \ufffd \ufffd"]]]);
});

test("we read what Python writes", async () => {
  // Its writer has 32-bit integers only, and CR is lost on its way, as XML has it.
  const values = VALUES.filter((value) => value !== 4294967296).map((value) =>
    typeof value === "string" ? value.replace(/\r\n?/g, "\n") : value,
  );
  const written = (await python(WRITE, values)) as [string, string][];
  for (const [index, [call, response]] of written.entries()) {
    const value = values[index];
    const { method, params } = await parseCall(call);
    assert.equal(method, "m");
    const [param] = params;
    assert.deepEqual(
      Array.isArray(value) ? { ...(param as object) } : param,
      Array.isArray(value) ? { k: value } : value,
    );
    assert.deepEqual(await parseResponse(response), { ok: true, value });
  }
});

const CLIENT = `
import http.client, json, socket, sys, xmlrpc.client as x
path = json.load(sys.stdin)
class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect(path)
class Transport(x.Transport):
    def make_connection(self, host): return Connection("localhost")
server = x.ServerProxy("http://localhost/RPC2", transport=Transport())
s = server.supervisor
def fault(call):
    try: call()
    except x.Fault as f: return [f.faultCode, f.faultString]
info = s.getProcessInfo("web")
print(json.dumps([
  s.getAPIVersion(), s.getSupervisorVersion(), s.getState()["statename"], info["statename"], info["group"], sorted(info),
  [p["name"] for p in s.getAllProcessInfo()], s.tailProcessStdoutLog("web", 0, 100), s.readProcessStdoutLog("web", -3, 0),
  fault(lambda: s.startProcess("web")), fault(lambda: s.nothing()), fault(lambda: s.startProcess()),
  fault(lambda: s.readProcessStdoutLog("web", -3, 1)), fault(lambda: s._init()),
  server.system.multicall([{"methodName": "supervisor.getPID", "params": []}, {"methodName": "supervisor.nothing"}]),
  server.system.methodSignature("supervisor.startProcess"), "supervisor.startProcess" in server.system.listMethods(),
  s.stopProcess("web"), s.startProcess("web", False), s.getAllConfigInfo()[0]["exitcodes"],
]))
`;

const PROCESS_KEYS =
  "description exitstatus group logfile name now pid spawnerr start state statename stderr_logfile " +
  "stdout_logfile stop";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "tsinit-compat-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("Python's client drives the API", async (t) => {
  const fake = createFakeControl([fakeSpec("web", { startsecs: 0 })]);
  fake.output.set("web:web", "hello\n");
  fake.boot();
  const path = join(folder(t), "s");
  const opened = await startControlServer(unixAddress(path), fakeServerDeps(fake));
  assert.ok(opened.ok);
  t.after(() => opened.server.close());
  assert.deepEqual(await python(CLIENT, path), [
    "3.0",
    "4.2.5",
    "RUNNING",
    "RUNNING",
    "web",
    PROCESS_KEYS.split(" "),
    ["web"],
    ["hello\n", 6, false],
    "lo\n",
    [60, "ALREADY_STARTED: web"],
    [1, "UNKNOWN_METHOD"],
    [2, "INCORRECT_PARAMETERS"],
    [3, "BAD_ARGUMENTS"],
    [1, "UNKNOWN_METHOD"],
    [1, { faultCode: 1, faultString: "UNKNOWN_METHOD" }],
    ["boolean", "string", "boolean"],
    true,
    true,
    true,
    [0],
  ]);
});
