import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isStruct,
  parseCall,
  parseResponse,
  renderCall,
  renderFault,
  renderResponse,
  type Value,
  XmlRpcError,
} from "./xmlrpc.ts";

async function roundTrip(value: Value): Promise<Value> {
  const response = await parseResponse(renderResponse(value));
  assert.ok(response.ok);
  return response.value;
}

const call = (value: string): string =>
  `<methodCall><methodName>m</methodName><params><param>${value}</param></params></methodCall>`;

async function param(value: string): Promise<Value> {
  const [first] = (await parseCall(call(value))).params;
  assert.notEqual(first, undefined);
  return first ?? null;
}

test("what is written can be read", async () => {
  const values: Value[] = [
    "",
    " a\tb\nc\r\nd ",
    "<&>\"'",
    "ü€😀",
    0,
    -1,
    2147483647,
    2147483648,
    1.5,
    true,
    false,
    [],
    [1, [2]],
  ];
  for (const value of values) assert.deepEqual(await roundTrip(value), value);
  const struct = await roundTrip({ a: 1, "b c": ["x"], constructor: "mine" });
  assert.deepEqual({ ...(struct as object) }, { a: 1, "b c": ["x"], constructor: "mine" });
});

test("a call goes over with its name and parameters, a fault with its code", async () => {
  assert.deepEqual(await parseCall(renderCall("a.b", ["x", 1])), { method: "a.b", params: ["x", 1] });
  const answer = await parseResponse(renderFault({ code: 10, text: "BAD_NAME: <x>" }));
  assert.deepEqual(answer, { ok: false, fault: { code: 10, text: "BAD_NAME: <x>" } });
});

test("characters that XML cannot hold become U+FFFD", async () => {
  assert.equal(
    await roundTrip("\u001b[31mred\u0000\ud800x\udc00\ufffe"),
    "\ufffd[31mred\ufffd\ufffdx\ufffd\ufffd",
  );
});

test("every type of the protocol is read", async () => {
  assert.equal(await param("<value>bare</value>"), "bare");
  assert.equal(await param("<value/>"), "");
  assert.equal(await param("<value><string/></value>"), "");
  assert.equal(await param("<value> <i4> 7 </i4> </value>"), 7);
  assert.equal(await param("<value><boolean>1</boolean></value>"), true);
  assert.equal(await param("<value><boolean>true</boolean></value>"), false);
  assert.equal(await param("<value><double>-1.5e3</double></value>"), -1500);
  assert.equal(await param("<value><base64>aGk=</base64></value>"), "hi");
  assert.equal(await param("<value><nil/></value>"), null);
  assert.equal(await param("<value><string><![CDATA[<b>]]>&#65;<!-- no --></string></value>"), "<b>A");
  assert.equal(
    await param("<value><dateTime.iso8601>20260101T00:00:00</dateTime.iso8601></value>"),
    "20260101T00:00:00",
  );
});

test("parameters may be left out", async () => {
  assert.deepEqual(await parseCall("<methodCall><methodName> m </methodName></methodCall>"), {
    method: "m",
    params: [],
  });
});

test("a member called __proto__ is a member", async () => {
  const member =
    "<member><name>__proto__</name><value><struct><member><name>x</name><value>1</value></member></struct></value></member>";
  const struct = await param(`<value><struct>${member}</struct></value>`);
  assert.ok(isStruct(struct));
  assert.deepEqual(Object.keys(struct), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(struct), null);
  assert.equal(({} as { x?: unknown }).x, undefined);
});

const BROKEN: readonly string[] = [
  "",
  "nonsense",
  "<methodCall>",
  "<methodResponse/>",
  "<methodCall></methodCall>",
  "<methodCall><methodName></methodName></methodCall>",
  "<methodCall><params/><methodName>m</methodName></methodCall>",
  "<methodCall><methodName>m</methodName><params/><params/></methodCall>",
  "<methodCall><methodName>m<b/></methodName></methodCall>",
  call("<value><string>a</strin></value>"),
  call("<value><int>5x</int></value>"),
  call("<value><int>99999999999999999999</int></value>"),
  call("<value><double/></value>"),
  call("<value>text<int>1</int></value>"),
  call("<value><int>1</int><int>2</int></value>"),
  call("<value><unknown>1</unknown></value>"),
  call("<value><struct><member><name>a</name></member></struct></value>"),
  call("<value><array><int>1</int></array></value>"),
  call("<value>&entity;</value>"),
  call("<value>&#0;</value>"),
  `<!DOCTYPE m [<!ENTITY a "aaaa">]>${call("<value>&a;</value>")}`,
  call(`${"<value><array><data>".repeat(100)}${"</data></array></value>".repeat(100)}`),
];

test("what is not XML-RPC is refused, never guessed at", async () => {
  for (const xml of BROKEN) await assert.rejects(parseCall(xml), XmlRpcError, xml.slice(0, 80));
});

test("a megabyte of anything is dealt with quickly", async () => {
  const million = 1_000_000;
  const shapes = [
    "<a>".repeat(million / 4),
    "<!--".repeat(million / 4),
    call(`<value>${"\r".repeat(million)}</value>`),
    call(`<value>${"&amp;".repeat(million / 5)}</value>`),
    call(`<value>${"😀".repeat(million / 4)}</value>`),
    call(`<value><array><data>${"<value>1</value>".repeat(million / 16)}</data></array></value>`),
    `<a ${'b="c" '.repeat(million / 6)}/>`,
  ];
  for (const xml of shapes) {
    const started = process.hrtime.bigint();
    await parseCall(xml).catch((error) => assert.ok(error instanceof XmlRpcError));
    const millis = Number(process.hrtime.bigint() - started) / 1e6;
    assert.ok(millis < 10_000, `${xml.slice(0, 20)}… took ${millis} ms`);
  }
});
