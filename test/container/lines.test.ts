/** Conformance G: lines stay whole and bytes what they are, in every format. docs/logs.md is what is promised. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { conformance } from "./harness.ts";
import { statusField } from "./processes.ts";
import { actor, GENTLE } from "./scene.ts";
import { ALL_BYTES, FORMATS, file, fixture, strictly, type Value } from "./written.ts";

describe("whole lines", { concurrency: 2 }, () => {
  // All of a program's traces fit into its pipe, so what is promised holds however slow the machine is.
  const PROGRAMS = ["a", "b", "c", "d"];
  const SIZES = [
    { count: 12, lines: 50, width: 80, what: "4,000 bytes" },
    { count: 1, lines: 500, width: 100, what: "50,000 bytes" },
  ];
  for (const format of FORMATS)
    for (const { count, lines, width, what } of SIZES)
      conformance(82, `${format}: a stack trace of ${what} written at once is not torn`, async (box) => {
        const programs = PROGRAMS.map(
          (name) =>
            `[program:${name}]\ncommand=${fixture("traces.py", name, count, lines, width)}\nstartsecs=0`,
        );
        const ending = await box.run({ config: `[tsinit]\nlog_format=${format}\n${programs.join("\n")}` });
        const texts = ending.stdout
          .trimEnd()
          .split("\n")
          .map((line) =>
            format === "json" ? String(JSON.parse(line).message) : line.replace(/^. +\| /, ""),
          );
        assert.equal(texts.length, PROGRAMS.length * count * lines);
        for (let at = 0; at < texts.length; at += lines) {
          const [, name, trace] = /^(\w) trace (\d+) line 0 x*$/.exec(texts[at] ?? "") ?? [];
          const head = (line: number) => `${name} trace ${trace} line ${line} `;
          assert.deepEqual(
            texts.slice(at, at + lines),
            Array.from({ length: lines }, (_, line) => head(line).padEnd(width - 1, "x")),
          );
        }
      });

  for (const format of FORMATS)
    conformance(82, `${format}: lines written byte by byte by two programs are whole`, async (box) => {
      const text = Array.from({ length: 40 }, (_, index) => `line ${index} is whole\r\n`).join("");
      const programs = ["a", "b"].map(
        (name) => `[program:${name}]\ncommand=${fixture("write.py", "@DIR@/lines", 1)}\nstartsecs=0`,
      );
      const init = await box.init({
        setup: file("@DIR@/lines", Buffer.from(text)),
        // However slow the machine is, no line is taken for an unfinished one.
        config: `[tsinit]\nlog_format=${format}\nlog_partial_timeout=60\n${programs.join("\n")}`,
      });
      const { stdout } = await init.exit();
      const seen = new Map<string, string>([
        ["a", ""],
        ["b", ""],
      ]);
      if (format === "raw") {
        assert.deepEqual(stdout.split("\n").sort(), (text + text).split("\n").sort());
        return;
      }
      for (const line of stdout.trimEnd().split("\n")) {
        const value = format === "json" ? JSON.parse(line) : { program: line[0], message: line.slice(9) };
        seen.set(value.program, `${seen.get(value.program)}${value.message}\n`);
      }
      // The CR of the last line is taken off by trimEnd.
      for (const each of seen.values()) assert.equal(each.replace(/\r?\n$/, ""), text.replace(/\r\n$/, ""));
    });

  conformance(
    83,
    "an unfinished line is shown after log_partial_timeout, its rest marked as such",
    async (box) => {
      for (const [format, first, all] of [
        ["text", "a      | Password: …", ["a      | Password: …", "a      | …secret", "a      | next"]],
        [
          "json",
          { message: "Password: ", partial: true },
          [
            { message: "Password: ", partial: true },
            { message: "secret", continued: true },
            { message: "next" },
          ],
        ],
        ["raw", "Password: ", ["Password: secret", "next"]],
      ] as const) {
        const init = await box.init({
          config:
            `[tsinit]\nlog_format=${format}\nlog_partial_timeout=0.2\n[program:a]\nforward_signals=USR1\n` +
            `command=${actor("a", "on:USR1=out:secret+out:next", "raw:Password: ", ...GENTLE)}`,
        });
        const lines = () => init.stdout.text().split("\n");
        const read = () =>
          format === "json"
            ? lines()
                .filter((line) => line !== "")
                .map((line) => {
                  const { message, partial, continued } = JSON.parse(line);
                  return { message, ...(partial && { partial }), ...(continued && { continued }) };
                })
            : lines().filter((line) => line !== "");
        await init.until("the prompt", () => read().length > 0);
        assert.deepEqual(read(), [first]);
        init.signal("SIGUSR1");
        await init.until("the rest", () => init.stdout.text().includes("next") && lines().at(-1) === "");
        assert.deepEqual(read(), all);
      }
    },
  );

  conformance(83, "the last line of a killed program gets its newline, in every format", async (box) => {
    for (const format of FORMATS) {
      const ending = await box.run({
        config: `[tsinit]\nlog_format=${format}\n[program:a]\ncommand=${actor("a", "raw:last words", "kill:KILL")}\nstartsecs=0\nautorestart=false`,
      });
      assert.equal(ending.stdout.endsWith("\n"), true);
      const line = ending.stdout.slice(0, -1);
      const text = format === "json" ? JSON.parse(line).message : line.replace("a      | ", "");
      assert.equal(text, "last words");
    }
  });

  const LONG = 10 * 1024 * 1024;
  for (const format of FORMATS)
    conformance(84, `${format}: 10 MB without a newline, cut and marked, memory bounded`, async (box) => {
      const setup = `seq 1 1700000 | tr -d '\\n' | head -c ${LONG} > @DIR@/long; printf '\\nafter\\n' >> @DIR@/long`;
      const init = await box.init({
        setup,
        config: `[tsinit]\nlog_format=${format}\nlog_partial_timeout=60\n[program:a]\ncommand=/bin/cat @DIR@/long\nstartsecs=0\n[program:b]\ncommand=/bin/sleep 1000`,
      });
      let rss = 0;
      await init.until(
        "the line after it",
        () => {
          rss = Math.max(rss, Number(statusField(init.pid, "RssAnon")?.split(" ")[0]));
          return init.stdout.lines.at(-1)?.text.includes("after");
        },
        60_000,
      );
      assert.ok(rss < 100_000, `${rss} KB of private memory`);
      const written = readFileSync(join(init.dir, "long"), "latin1").slice(0, LONG);
      const lines = init.stdout.lines.map(({ text }) => text);
      if (format === "raw") {
        assert.deepEqual(lines, [written, "after"]);
        return;
      }
      const pieces = lines.map((line) =>
        format === "json"
          ? (JSON.parse(line) as Value)
          : {
              message: line.slice("a      | ".length).replaceAll("…", ""),
              continued: line.startsWith("a      | …") || undefined,
              partial: line.endsWith("…") || undefined,
            },
      );
      const long = pieces.slice(0, -1);
      assert.equal(long.length, LONG / 65_536);
      assert.equal(long.map(({ message }) => message).join(""), written);
      for (const [index, piece] of long.entries()) {
        assert.equal(piece["continued"], index > 0 ? true : undefined, `piece ${index}`);
        assert.equal(piece["partial"], index < long.length - 1 ? true : undefined, `piece ${index}`);
      }
      const { message, continued, partial } = pieces.at(-1) ?? {};
      assert.deepEqual([message, continued, partial], ["after", undefined, undefined]);
    });
});

describe("any bytes", { concurrency: 2 }, () => {
  const text = Buffer.concat([
    ALL_BYTES,
    Buffer.from("\n\x1b[31mred\x1b[0m\r\nnul \0 and \u2028 \u0085\n"),
    Buffer.from([0xc3, 0x0a, 0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x92, 0x0a]),
  ]);
  const program = "[program:a]\ncommand=/bin/cat @DIR@/bytes\nstartsecs=0";

  conformance(
    85,
    "json: valid UTF-8, everything else U+FFFD, NUL and CR escaped, one line each",
    async (box) => {
      const init = await box.init({
        setup: file("@DIR@/bytes", text),
        config: `[tsinit]\nlog_format=json\n${program}`,
      });
      await init.exit();
      const bytes = init.stdout.bytes();
      new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      assert.equal(bytes.includes(0) || bytes.includes(13) || bytes.includes(27), false);
      assert.deepEqual(
        strictly(bytes).map((value) => value["message"]),
        text.toString("utf8").split("\n").slice(0, -1),
      );
    },
  );

  conformance(85, "raw: byte by byte what the program wrote", async (box) => {
    const init = await box.init({
      setup: file("@DIR@/bytes", text),
      config: `[tsinit]\nlog_format=raw\n${program}`,
    });
    await init.exit();
    assert.deepEqual(init.stdout.bytes(), text);
  });

  for (const format of FORMATS)
    conformance(86, `${format}: strip_ansi takes colours out, CRLF stays`, async (box) => {
      const coloured =
        "\x1b[1;31mred\x1b[0m and \x1b[38;5;200mpink\x1b[m\r\n\x1b[2K\rdone\x1b]0;title\x07\r\n";
      const plain = "red and pink\r\n\rdone\x1b]0;title\x07\r\n";
      for (const [strips, expected] of [
        ["true", plain],
        ["false", coloured],
      ] as const) {
        const init = await box.init({
          setup: file("@DIR@/bytes", Buffer.from(coloured)),
          // Byte by byte: sequences lie across reads.
          config: `[tsinit]\nlog_format=${format}\nlog_partial_timeout=60\n[supervisord]\nstrip_ansi=${strips}\n[program:a]\ncommand=${fixture("write.py", "@DIR@/bytes", 1)}\nstartsecs=0`,
        });
        const { stdout } = await init.exit();
        const lines = stdout
          .slice(0, -1)
          .split("\n")
          .map((line) => (format === "json" ? JSON.parse(line).message : line.replace("a      | ", "")));
        assert.equal(`${lines.join("\n")}\n`, expected);
      }
    });

  for (const format of FORMATS)
    conformance(86, `${format}: a progress bar of 1 MB that only ever writes CR`, async (box) => {
      const init = await box.init({
        setup: "yes 'progress  10% [####      ]' | tr '\\n' '\\r' | head -c 1000000 > @DIR@/bar",
        config: `[tsinit]\nlog_format=${format}\n[program:a]\ncommand=${fixture("write.py", "@DIR@/bar", 27)}\nstartsecs=0\n[program:b]\ncommand=/bin/sleep 1000`,
      });
      let rss = 0;
      await init.until(
        "the program to be done",
        () => {
          rss = Math.max(rss, Number(statusField(init.pid, "RssAnon")?.split(" ")[0]));
          return init.stderr.text().includes("exited: a (exit status 0");
        },
        60_000,
      );
      assert.ok(rss < 100_000, `${rss} KB of private memory`);
      const whole = readFileSync(join(init.dir, "bar"), "latin1");
      await init.until("its last newline", () => init.stdout.text().endsWith("\n"));
      const lines = init.stdout.text().slice(0, -1).split("\n");
      const pieces = lines.map((line) =>
        format === "json"
          ? String(JSON.parse(line).message)
          : line.replace(/^a {6}\| …?/, "").replace(/…$/, ""),
      );
      assert.equal(pieces.join(""), whole);
      // log_max_line alone, or a moment's pause, cuts it.
      assert.ok(format === "raw" || pieces.every((piece) => piece.length <= 65_536));
    });
});
