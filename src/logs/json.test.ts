import assert from "node:assert/strict";
import { test } from "node:test";
import type { GlobalSpec } from "../core/spec.ts";
import { JsonLines, type JsonPart } from "./json.ts";
import { presetOf } from "./json-presets.ts";
import type { Severity } from "./severity.ts";

type Keys = GlobalSpec["logKeys"];

const TIME = "2026-11-22T07:49:48.562Z";
const NANOSECONDS = "1795333788562000000";
const ORIGIN = { program: "web", group: "site", pid: 12, stream: "stdout" } as const;
const LABELS = { program: "web", group: "site", stream: "stdout" };
const GCP_LABELS = { ...LABELS, pid: "12" };
const RESOURCE = { "service.name": "web", "service.namespace": "site", "process.pid": 12 };

/** The line and what it holds; every key once. */
function render(keys: Keys, text: string, severity: Severity = "info", part?: JsonPart) {
  const json = new JsonLines(presetOf(keys), ORIGIN);
  json.stamp(Date.parse(TIME));
  const line = part === undefined ? json.line(text, severity) : json.piece(text, severity, part);
  assert.equal(line.indexOf("\n"), line.length - 1, "one line");
  return { line, value: JSON.parse(line) as Record<string, unknown> };
}

const parsed = (keys: Keys, text: string, severity?: Severity) => render(keys, text, severity).value;

test("plain: a line becomes the message", () => {
  const { line } = render("plain", 'say "hi"\t\u0000\r');
  assert.equal(
    line,
    `{"time":"${TIME}","level":"info","program":"web","group":"site","pid":12,"stream":"stdout",` +
      '"message":"say \\"hi\\"\\t\\u0000\\r"}\n',
  );
  assert.equal(parsed("plain", "")["message"], "");
});

test("ecs: dotted names, the first three where the specification wants them", () => {
  const { line } = render("ecs", "hello", "warn");
  assert.equal(
    line,
    `{"@timestamp":"${TIME}","log.level":"warn","message":"hello","ecs.version":"8.11.0","service.name":"web",` +
      '"process.pid":12,"labels":{"program":"web","group":"site","stream":"stdout"}}\n',
  );
});

test("gcp: severities of the enum, labels that are texts", () => {
  assert.deepEqual(parsed("gcp", "hello", "warn"), {
    time: TIME,
    severity: "WARNING",
    message: "hello",
    "logging.googleapis.com/labels": GCP_LABELS,
  });
  const severities: readonly Severity[] = [
    "emergency",
    "alert",
    "critical",
    "error",
    "warn",
    "notice",
    "info",
    "debug",
    "trace",
    "fatal",
  ];
  assert.deepEqual(
    severities.map((severity) => parsed("gcp", "x", severity)["severity"]),
    ["EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG", "DEBUG", "CRITICAL"],
  );
  assert.deepEqual(
    severities.map((severity) => parsed("otel", "x", severity)["SeverityNumber"]),
    [21, 19, 18, 17, 13, 10, 9, 5, 1, 21],
  );
});

test("otel: the fields of the data model", () => {
  assert.deepEqual(parsed("otel", "hello", "notice"), {
    Timestamp: NANOSECONDS,
    SeverityText: "NOTICE",
    SeverityNumber: 10,
    Body: "hello",
    Resource: RESOURCE,
    Attributes: { "log.iostream": "stdout" },
  });
});

test("pieces of a line say that they are, and are never merged", () => {
  const part = { continued: true, partial: true };
  const piece = (keys: Keys) => render(keys, '{"a":1}', "info", part).value;
  assert.deepEqual(piece("plain"), { time: TIME, level: "info", ...ORIGIN, message: '{"a":1}', ...part });
  assert.deepEqual(piece("ecs")["labels"], { ...LABELS, continued: "true", partial: "true" });
  assert.deepEqual(piece("gcp")["logging.googleapis.com/labels"], {
    ...GCP_LABELS,
    continued: "true",
    partial: "true",
  });
  assert.deepEqual(piece("otel")["Attributes"], { "log.iostream": "stdout", ...part });
  assert.deepEqual(
    render("plain", "x", "info", { continued: true, partial: false }).value["partial"],
    undefined,
  );
});

test("an object is merged to the letter; its time and level win", () => {
  const { line } = render("plain", ' {"level": "warning", "id": 12345678901234567890, "x":1.50 } \r');
  assert.equal(
    line,
    `{"time":"${TIME}","level":"warning","program":"web","group":"site","pid":12,"stream":"stdout",` +
      '"id": 12345678901234567890, "x":1.50}\n',
  );
  assert.deepEqual(parsed("plain", "{}"), { time: TIME, level: "info", ...ORIGIN });
  assert.deepEqual(parsed("plain", "{ }", "error"), { time: TIME, level: "error", ...ORIGIN });
});

test("what only looks like an object stays text", () => {
  for (const text of [
    "{oops",
    '{"a":1} trailing',
    "[1]",
    "null",
    '"text"',
    '{"a":1}{"b":2}',
    "{'a': 1}",
    "\ufeff{}",
  ])
    assert.deepEqual(parsed("plain", text), { time: TIME, level: "info", ...ORIGIN, message: text });
});

test("who wrote the line is ours to say: a field of that name is renamed, and never to one that is there", () => {
  assert.deepEqual(parsed("plain", '{"pid":99,"pid_":1,"program":null,"message":"m"}'), {
    ...{ time: TIME, level: "info", ...ORIGIN, message: "m" },
    ...{ pid__: 99, pid_: 1, program_: null },
  });
});

test("a name that comes twice is there once, with its last value; __proto__ is a name", () => {
  const { line, value } = render("plain", '{"a":1,"__proto__":{"x":1},"\\u0061":2,"pid":1,"pid":2}');
  assert.equal(line.match(/"(a|\\u0061)":/g)?.length, 1);
  assert.equal(value["a"], 2);
  assert.equal(value["pid_"], 2);
  assert.deepEqual(Object.getOwnPropertyDescriptor(value, "__proto__")?.value, { x: 1 });
});

test("time, level and message are found under the names that loggers use", () => {
  const time = "2020-01-02T03:04:05.678901Z";
  const lines = [
    `{"@timestamp":"${time}","log.level":"warn","message":"m"}`,
    `{"timestamp":"${time}","level":"warn","event":"m"}`,
    `{"ts":1577934245.678901,"lvl":"warn","msg":"m"}`,
    `{"time":"${time}","severity":"warn","msg":"m"}`,
    `{"@t":"${time}","@l":"warn","@m":"m"}`,
    `{"asctime":"2020-01-02 03:04:05,678","timestamp":"${time}","levelname":"warn","message":"m"}`,
    `{"Timestamp":"${time}","SeverityText":"warn","Body":"m"}`,
  ];
  for (const line of lines) {
    const plain = parsed("plain", line);
    assert.deepEqual([plain["time"], plain["level"], plain["message"]], [time, "warn", "m"], line);
    const ecs = parsed("ecs", line);
    assert.deepEqual([ecs["@timestamp"], ecs["log.level"], ecs["message"]], [time, "warn", "m"], line);
    const gcp = parsed("gcp", line);
    assert.deepEqual([gcp["time"], gcp["severity"], gcp["message"]], [time, "WARNING", "m"], line);
    const otel = parsed("otel", line);
    assert.deepEqual(
      [otel["Timestamp"], otel["SeverityText"], otel["SeverityNumber"], otel["Body"]],
      ["1577934245678901000", "warn", 13, "m"],
      line,
    );
    // Moved, not copied.
    for (const value of [plain, ecs, gcp, otel])
      assert.equal(JSON.stringify(value).match(/warn"/gi)?.length ?? 1, 1, JSON.stringify(value));
  }
});

test("the preset's own name is the better one; the others stay", () => {
  const line = '{"level":30,"severity":"ERROR","msg":"other","message":"m"}';
  const gcp = parsed("gcp", line);
  assert.deepEqual([gcp["severity"], gcp["level"], gcp["message"], gcp["msg"]], ["ERROR", 30, "m", "other"]);
  const plain = parsed("plain", line);
  assert.deepEqual([plain["level"], plain["severity"]], ["info", "ERROR"]);
});

test("what is of no use under its name is not lost, and does not stand where it would be misread", () => {
  assert.deepEqual(parsed("plain", '{"time":"yesterday","level":{"x":1},"message":["m"]}'), {
    ...{ time: TIME, level: "info", ...ORIGIN },
    ...{ time_: "yesterday", level_: { x: 1 }, message_: ["m"] },
  });
  assert.deepEqual(
    parsed("plain", '{"time":"yesterday","ts":1577934245}')["time"],
    "2020-01-02T03:04:05.000Z",
  );
  const success = parsed("gcp", '{"level":"SUCCESS","severity":7000}');
  assert.deepEqual(
    [success["severity"], success["level"], success["severity_"]],
    ["DEFAULT", "SUCCESS", 7000],
  );
  assert.deepEqual(parsed("gcp", '{"severity":"SUCCESS"}')["severity_"], "SUCCESS");
  const verbose = parsed("otel", '{"level":"http"}');
  assert.deepEqual([verbose["SeverityText"], verbose["SeverityNumber"]], ["http", 0]);
});

test("levels that are numbers: pino's and bunyan's, syslog's", () => {
  const level = (keys: Keys, number: number) => parsed(keys, `{"level":${number}}`);
  assert.deepEqual(
    [10, 20, 30, 40, 50, 60, 0, 3, 7].map((number) => level("plain", number)["level"]),
    ["trace", "debug", "info", "warn", "error", "fatal", "emergency", "error", "debug"],
  );
  assert.equal(level("ecs", 50)["log.level"], "error");
  assert.equal(level("gcp", 40)["severity"], "WARNING");
  assert.equal(level("otel", 60)["SeverityNumber"], 21);
  assert.deepEqual([level("plain", 35)["level"], level("plain", 35)["level_"]], ["info", 35]);
});

test("ecs: what a logger of the same language says stays, nested or with dots; labels are joined", () => {
  const dotted = parsed(
    "ecs",
    '{"service.name":"shop","process.pid":77,"ecs.version":"1.6.0","log.logger":"x"}',
  );
  assert.deepEqual(dotted, {
    ...{ "@timestamp": TIME, "log.level": "info" },
    ...{
      "service.name": "shop",
      "process.pid": 77,
      "ecs.version": "1.6.0",
      "log.logger": "x",
      labels: LABELS,
    },
  });
  const nested = parsed(
    "ecs",
    '{"log":{"level":"WARN"},"level":"x","service":{"name":"shop"},"ecs":{"version":"8"},"labels":{"a":"b","program":"p"}}',
  );
  assert.deepEqual(nested, {
    ...{
      "@timestamp": TIME,
      log: { level: "WARN" },
      level: "x",
      service: { name: "shop" },
      ecs: { version: "8" },
    },
    ...{ "process.pid": 12, labels: { ...LABELS, a: "b", program_: "p" } },
  });
  assert.equal(parsed("ecs", '{"labels.program":"p"}')["labels.program_"], "p");
  assert.equal(parsed("ecs", '{"labels":5}')["labels_"], 5);
});

test("gcp: times in Google's own fields are not told twice, labels are joined", () => {
  for (const own of ['"timestamp":{"seconds":1,"nanos":2}', '"timestampSeconds":1,"timestampNanos":2']) {
    const value = parsed("gcp", `{${own},"logging.googleapis.com/labels":{"k":"v","pid":"9"}}`);
    assert.deepEqual(value, {
      ...(JSON.parse(`{${own}}`) as object),
      ...{ severity: "INFO", "logging.googleapis.com/labels": { ...GCP_LABELS, k: "v", pid_: "9" } },
    });
  }
});

test("otel: other fields are attributes, but for those of the data model", () => {
  const line =
    '{"msg":"m","status":200,"log.iostream":"x","trace_id":"t","SpanId":"s","span_id":"other",' +
    '"Attributes":{"status":1,"own":2},"Resource":{"host.name":"h","process.pid":9},"SeverityNumber":11}';
  assert.deepEqual(parsed("otel", line), {
    ...{
      Timestamp: NANOSECONDS,
      SeverityText: "INFO",
      SeverityNumber: 11,
      Body: "m",
      TraceId: "t",
      SpanId: "s",
    },
    Resource: { ...RESOURCE, "host.name": "h", "process.pid_": 9 },
    Attributes: {
      ...{ "log.iostream": "stdout", status: 200, "log.iostream_": "x", span_id: "other" },
      ...{ status_: 1, own: 2 },
    },
  });
  assert.deepEqual(parsed("otel", '{"Body":{"a":1},"SeverityNumber":99}'), {
    ...{
      Timestamp: NANOSECONDS,
      SeverityText: "INFO",
      SeverityNumber: 9,
      Body: { a: 1 },
      Resource: RESOURCE,
    },
    Attributes: { "log.iostream": "stdout", SeverityNumber: 99 },
  });
});

test("one renderer, lines of many shapes, each as if it were the only one", () => {
  const json = new JsonLines(presetOf("plain"), ORIGIN);
  json.stamp(Date.parse(TIME));
  const texts = Array.from(
    { length: 40 },
    (_, index) => `{"k${index % 20}":${index},"pid":${index},"msg":"m"}`,
  );
  for (const text of [...texts, "{}", ...texts, '{"pid":1}'])
    assert.equal(json.line(text, "info"), render("plain", text).line);
});

test("the time is that of the stamp", () => {
  const json = new JsonLines(presetOf("plain"), ORIGIN);
  for (const millis of [0, 1500]) {
    json.stamp(millis);
    assert.equal(JSON.parse(json.line("x", "info")).time, new Date(millis).toISOString());
    assert.equal(JSON.parse(json.line('{"a":1}', "info")).time, new Date(millis).toISOString());
  }
});
