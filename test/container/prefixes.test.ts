/** Conformance G: what stands before a line. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { conformance } from "./harness.ts";
import { actor, GENTLE, PATH } from "./scene.ts";

describe("prefixes", { concurrency: 3 }, () => {
  conformance(
    81,
    "templates with widths and flags, for all and for one, from variables alone",
    async (box) => {
      const init = await box.init({
        env: {
          PATH,
          TSINIT_LOG_PREFIX: '"[%(program_name)-5s|%(group_name)3.2s|%(process_num)02d|%(stream)s] 100%% "',
          TSINIT_LOG_TIMESTAMPS: "rfc3339",
          TSINIT_PROGRAM_WEB: actor("web", "out:hello", "err:oops", ...GENTLE),
          TSINIT_PROGRAM_OTHER: actor("other", "out:mine", ...GENTLE),
          TSINIT_PROGRAM_OTHER__LOG_PREFIX: '"%(pid)d "',
        },
      });
      const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;
      const texts = await Promise.all([/hello/, /oops/, /mine/].map((each) => init.line(each)));
      for (const { text } of texts) assert.match(text, time);
      const { pid } = await init.event("other", "start");
      assert.deepEqual(
        texts.map(({ text }) => text.replace(time, "")),
        ["[web  | we|00|stdout] 100% hello", "[web  | we|00|stderr] 100% oops", `${pid} mine`],
      );
    },
  );

  conformance(81, "a template with a field that does not exist is an error, exit 2", async (box) => {
    const ending = await box.run({
      env: { PATH, TSINIT_LOG_PREFIX: "%(nope)s", TSINIT_PROGRAM_WEB: "/bin/true" },
    });
    assert.equal(ending.code, 2);
    assert.match(
      ending.stderr,
      /TSINIT_LOG_PREFIX.*'%\(nope\)s' has a field that does not exist; expected auto/,
    );
  });

  for (const [setting, noColor, coloured] of [
    ["auto", "", true],
    ["auto", "1", false],
    ["never", "", false],
    ["always", "1", true],
  ] as const)
    conformance(
      81,
      `log_color=${setting} on a terminal, NO_COLOR=${noColor || "(empty)"}: ${coloured ? "colours" : "none"}`,
      async (box) => {
        const init = await box.init({
          terminal: true,
          env: { PATH, NO_COLOR: noColor },
          config: `[tsinit]\nlog_color=${setting}\n[program:a]\ncommand=${actor("a", "out:said", ...GENTLE)}`,
        });
        const { text } = await init.line(/said/);
        assert.equal(text.trimEnd(), coloured ? "\x1b[36ma      |\x1b[0m said" : "a      | said");
      },
    );

  conformance(81, "log_color=always on a pipe; auto there has none", async (box) => {
    for (const [setting, expected] of [
      ["always", "\x1b[36ma      |\x1b[0m said\n"],
      ["auto", "a      | said\n"],
    ]) {
      const ending = await box.run({
        config: `[tsinit]\nlog_color=${setting}\n[program:a]\ncommand=/bin/echo said\nstartsecs=0`,
      });
      assert.equal(ending.stdout, expected);
    }
  });
});
