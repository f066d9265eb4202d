/** Conformance G: lines in JSON, for every value of `log_keys`, as a strict reader sees them. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import fc from "fast-check";
import { conformance } from "./harness.ts";
import { actor, BINARY, GENTLE } from "./scene.ts";
import { ALL_BYTES, file, strictly, type Value } from "./written.ts";

const TIME = "2020-01-02T03:04:05.678Z";
const NANOSECONDS = "1577934245678000000";

/** Lines that are no object: they are the message. */
const TEXTS: readonly (string | Buffer)[] = [
  "",
  "plain",
  'say "hi" \\ \t\x1b[31m',
  "nul \0 cr \r",
  "\u2028 \u2029 \u0085 \ufeff",
  ALL_BYTES,
  Buffer.from([0xff, 0xfe, 0xc3]),
  "[1]",
  '"text"',
  "5",
  "null",
  '{"a":1} trailing',
  '{"a":1}{"b":2}',
  '{"a":',
  "1}",
  "{'a': 1}",
  '{"a":01}',
  '{"a":NaN}',
  '{"a":"tab\there"}',
  `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
  `{"a":${"9".repeat(5000)}}`,
];

/** Lines that are one, and what of them is where: time, level, number of the level, text, and other fields. */
const OBJECTS: readonly (readonly [
  line: string,
  level: readonly [string, string, number],
  message: unknown,
  rest: Value,
])[] = [
  ["{}", ["", "", 0], undefined, {}],
  [' {"a":1,\r"b":[2]}\t\r', ["", "", 0], undefined, { a: 1, b: [2] }],
  ['{"a":1,"a":2,"__proto__":{"x":1}}', ["", "", 0], undefined, JSON.parse('{"a":2,"__proto__":{"x":1}}')],
  ['{"half":"\\ud800","pair":"\\ud83d\\ude00"}', ["", "", 0], undefined, { half: "\ufffd", pair: "😀" }],
  [`{"n":${"9".repeat(40)}}`, ["", "", 0], undefined, { n: 1e40 }],
  [
    `{"@timestamp":"${TIME}","log.level":"WARN","message":"ecs","log.logger":"x"}`,
    ["WARN", "WARNING", 13],
    "ecs",
    { "log.logger": "x" },
  ],
  [
    `{"level":50,"time":1577934245678,"hostname":"h","msg":"pino"}`,
    ["error", "ERROR", 17],
    "pino",
    { hostname: "h" },
  ],
  [
    `{"event":"structlog","level":"warning","timestamp":"${TIME}","user":"anna"}`,
    ["warning", "WARNING", 13],
    "structlog",
    { user: "anna" },
  ],
  [`{"severity":"NOTICE","ts":1577934245.678,"msg":"zap"}`, ["NOTICE", "NOTICE", 10], "zap", {}],
];

interface Read {
  readonly time: unknown;
  readonly level: unknown;
  readonly message: unknown;
  readonly program: unknown;
  readonly group: unknown;
  readonly pid: unknown;
  readonly stream: unknown;
  /** All but tsinit's own. */
  readonly rest: Value;
}

/** A line of each preset, field by field; what is not expected there fails. */
const READERS: Readonly<Record<string, (value: Value) => Read>> = {
  plain: ({ time, level, message, program, group, pid, stream, ...rest }) => {
    return { time, level, message, program, group, pid, stream, rest };
  },
  ecs: (value) => {
    const { "@timestamp": time, "log.level": level, message, "ecs.version": version, ...others } = value;
    const { "service.name": program, "process.pid": pid, labels, ...rest } = others;
    assert.equal(version, "8.11.0");
    const { program: label, group, stream, ...more } = labels as Value;
    assert.equal(label, program);
    assert.deepEqual(more, {});
    return { time, level, message, program, group, pid, stream, rest };
  },
  gcp: ({ time, severity: level, message, "logging.googleapis.com/labels": labels, ...rest }) => {
    const { program, group, pid, stream, ...more } = labels as Value;
    assert.deepEqual(more, {});
    assert.equal(typeof pid, "string");
    return { time, level, message, program, group, pid: Number(pid), stream, rest };
  },
  otel: ({ Timestamp: time, SeverityText, SeverityNumber, Body: message, Resource, Attributes, ...more }) => {
    assert.deepEqual(more, {});
    const {
      "service.name": program,
      "service.namespace": group,
      "process.pid": pid,
      ...others
    } = Resource as Value;
    assert.deepEqual(others, {});
    const { "log.iostream": stream, ...rest } = Attributes as Value;
    return { time, level: [SeverityText, SeverityNumber], message, program, group, pid, stream, rest };
  },
};

describe("json", { concurrency: 2 }, () => {
  for (const keys of ["plain", "ecs", "gcp", "otel"] as const) {
    const otel = keys === "otel";
    const isTime = otel ? /^\d{19}$/ : /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
    const defaults = {
      stdout: { plain: "info", ecs: "info", gcp: "INFO", otel: ["INFO", 9] },
      stderr: { plain: "error", ecs: "error", gcp: "ERROR", otel: ["ERROR", 17] },
    };

    conformance(
      90,
      `log_keys=${keys}: any line is one valid object, merged if it is one itself`,
      async (box) => {
        const lines = [...TEXTS, ...OBJECTS.map(([line]) => line)];
        const bytes = Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from("\n")]));
        const init = await box.init({
          setup: file("@DIR@/lines", bytes),
          config:
            `[tsinit]\nlog_format=json\nlog_keys=${keys}\n[group:site]\nprograms=web,shell\n` +
            "[program:web]\ncommand=/bin/cat @DIR@/lines\nstartsecs=0\n" +
            "[program:shell]\ncommand=/bin/sh -c 'echo oops >&2'\nstartsecs=0",
        });
        const { code } = await init.exit();
        assert.equal(code, 0);
        const read = strictly(init.stdout.bytes()).map((value) => READERS[keys]?.(value) as Read);
        const own = strictly(init.stderr.bytes()).map((value) => READERS[keys]?.(value) as Read);
        const spawned = own
          .map(({ message }) => /spawned: 'web' with pid (\d+)/.exec(String(message))?.[1])
          .find(Boolean);
        for (const { program, group, pid, stream, time } of read) {
          assert.deepEqual([program, group, pid, stream], ["web", "site", Number(spawned), "stdout"]);
          assert.match(String(time), isTime);
        }
        const { stdout, stderr } = { stdout: defaults.stdout[keys], stderr: defaults.stderr[keys] };
        for (const [index, line] of TEXTS.entries()) {
          const { level, message, rest } = read[index] as Read;
          assert.deepEqual([level, message, rest], [stdout, Buffer.from(line).toString("utf8"), {}]);
        }
        for (const [index, [line, [word, severity, number], text, others]] of OBJECTS.entries()) {
          const { level, message, rest, time } = read[TEXTS.length + index] as Read;
          const expected =
            word === ""
              ? stdout
              : otel
                ? [word === "error" ? "ERROR" : word, number]
                : keys === "gcp"
                  ? severity
                  : word;
          assert.deepEqual([level, message, rest], [expected, text, others], line);
          if (word !== "") assert.equal(time, otel ? NANOSECONDS : TIME, line);
        }
        assert.equal(read.length, lines.length);
        const oops = own.find(({ program }) => program === "shell");
        assert.deepEqual([oops?.level, oops?.message, oops?.stream], [stderr, "oops", "stderr"]);
        const mine = own.filter(({ program }) => program === "tsinit");
        assert.ok(mine.length > 3);
        for (const { group, pid, stream, time, level } of mine) {
          assert.deepEqual([group, pid, stream], ["tsinit", 1, "stderr"]);
          assert.match(String(time), isTime);
          assert.deepEqual(level, stdout);
        }
      },
    );
  }

  conformance(
    90,
    "5,000 lines of chance in every preset: each is one object, and its text or fields are there",
    async (box) => {
      const seed = Math.trunc(Math.random() * 0x7fffffff);
      const piece = fc.oneof(
        fc.json(),
        fc.json().map((json) => `{"a":${json},"level":${json.length % 9}}`),
        fc.string({ unit: "binary" }),
        fc.constantFrom("{", "}", '"', "\\", "\\ud800", "\0", "\r", ",", ":", "1", " ", "\u2028", "\ud83d"),
      );
      const text = fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join("").replaceAll("\n", ""));
      const objects = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value));
      const line = fc.oneof(
        text.map((each) => Buffer.from(each)),
        objects.map((each) => Buffer.from(each)),
        fc.uint8Array().map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10))),
      );
      const lines = fc.sample(line, { seed, numRuns: 5000 });
      const directory = mkdtempSync(join(tmpdir(), "tsinit-lines-"));
      try {
        writeFileSync(
          join(directory, "lines"),
          Buffer.concat(lines.flatMap((each) => [each, Buffer.from("\n")])),
        );
        for (const keys of ["plain", "ecs", "gcp", "otel"]) {
          const init = await box.init({
            config: `[tsinit]\nlog_format=json\nlog_keys=${keys}\nlog_max_line=1MB\n[program:web]\ncommand=/bin/cat ${directory}/lines\nstartsecs=0`,
          });
          await init.exit(60_000);
          const values = strictly(init.stdout.bytes());
          assert.equal(values.length, lines.length, `seed ${seed}`);
          for (const [index, value] of values.entries()) {
            const written = String(lines[index]);
            const read = READERS[keys]?.(value) as Read;
            assert.deepEqual([read.program, read.stream], ["web", "stdout"], `seed ${seed}, line ${index}`);
            if (!/^[ \t\r]*\{/.test(written))
              assert.equal(read.message, written, `seed ${seed}, line ${index}`);
          }
        }
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );

  conformance(90, "digits of a number are kept to the letter", async (box) => {
    const number = "1234567890123456789012345678901234567890.00";
    const ending = await box.run({
      setup: file("@DIR@/line", Buffer.from(`{"n": ${number}}\n`)),
      config: "[tsinit]\nlog_format=json\n[program:web]\ncommand=/bin/cat @DIR@/line\nstartsecs=0",
    });
    assert.ok(ending.stdout.endsWith(`,"n": ${number}}\n`), ending.stdout);
  });

  conformance(90, "one program in JSON, one raw, one in text, side by side", async (box) => {
    const init = await box.init({
      config: ["json", "raw", "text"]
        .map((format) => `[program:${format}]\ncommand=/bin/echo hello\nlog_format=${format}\nstartsecs=0`)
        .join("\n"),
    });
    const { stdout } = await init.exit();
    const lines = stdout.trimEnd().split("\n").sort();
    assert.deepEqual(lines.slice(0, 2), ["hello", "text   | hello"]);
    assert.equal(JSON.parse(lines[2] ?? "").message, "hello");
  });

  conformance(
    90,
    "log_level_prefix: <3> is the level, for all, for one, and not unless it is asked for",
    async (box) => {
      const lines = '<3>broken\nfine\n<7>{"a":1}\n<4>{"severity":"NOTICE","msg":"own"}\n';
      const program = (name: string, keys: string) =>
        `[program:${name}]\ncommand=/bin/cat @DIR@/lines\nstartsecs=0\n${keys}\n`;
      const init = await box.init({
        setup: file("@DIR@/lines", Buffer.from(lines)),
        config:
          "[tsinit]\nlog_format=json\nlog_keys=gcp\nlog_level_prefix=true\n" +
          program("json", "") +
          program("off", "log_level_prefix=false") +
          program("text", "log_format=text") +
          program("raw", "log_format=raw"),
      });
      const { stdout } = await init.exit();
      const all = stdout.trimEnd().split("\n");
      const objects = all.filter((line) => line.startsWith('{"time"')).map((line) => JSON.parse(line));
      const of = (name: string) =>
        objects
          .filter((value) => value["logging.googleapis.com/labels"].program === name)
          .map(({ severity, message }) => [severity, message ?? "-"]);
      assert.deepEqual(of("json"), [
        ["ERROR", "broken"],
        ["INFO", "fine"],
        ["DEBUG", "-"],
        ["NOTICE", "own"],
      ]);
      const written = lines.trimEnd().split("\n");
      assert.deepEqual(
        of("off"),
        written.map((line) => ["INFO", line]),
      );
      const text = all
        .filter((line) => line.startsWith("text "))
        .map((line) => line.replace("text   | ", ""));
      assert.deepEqual(
        text,
        written.map((line) => line.replace(/^<\d>/, "")),
      );
      assert.deepEqual(
        all.filter((line) => written.includes(line)),
        written,
      );
    },
  );

  conformance(90, "check knows log_keys and has nothing to say of it", async (box) => {
    const init = await box.init({
      config: `[tsinit]\nlog_format=json\nlog_keys=ecs\n[program:a]\ncommand=${actor("a", ...GENTLE)}\ncritical=true`,
    });
    const { code, stdout } = await init.run(BINARY, "check", "-c", init.configPath);
    assert.equal(code, 0);
    assert.doesNotMatch(stdout, /log_keys.*not active|later/);
    assert.match(stdout, /The configuration is valid/);
  });
});
