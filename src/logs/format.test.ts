import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeSpec } from "../../test/fakes/plans.ts";
import {
  autoPrefix,
  colourPrefix,
  droppedText,
  isShown,
  levelTag,
  nameWidth,
  renderPrefix,
  renderTemplate,
  renderTimestamp,
  wantsColour,
} from "./format.ts";

const VALUES = {
  program_name: "web",
  group_name: "site",
  process_num: 7,
  pid: 42,
  stream: "stdout",
} as const;

test("templates have Python's widths and flags", () => {
  const cases: [template: string, text: string][] = [
    ["%(program_name)s: ", "web: "],
    ["%(program_name)-6s|", "web   |"],
    ["%(program_name)6s|", "   web|"],
    ["%(program_name).2s|", "we|"],
    ["%(group_name)s/%(program_name)s_%(process_num)02d ", "site/web_07 "],
    ["%(process_num)-3d|", "7  |"],
    ["%(process_num)3d|%(pid)s|%(stream)s", "  7|42|stdout"],
    ["100%% ", "100% "],
    ["%(nobody)s %(stream)d %x", "%(nobody)s %(stream)d %x"],
    ["", ""],
  ];
  for (const [template, text] of cases) assert.equal(renderTemplate(template, VALUES), text, template);
});

test("the automatic prefix is as wide as the longest name, group included where it differs", () => {
  const web = fakeSpec("web");
  const worker = fakeSpec("celery:worker_0");
  assert.equal(nameWidth([]), 6);
  const width = nameWidth([web, worker]);
  assert.equal(renderPrefix(web, 1, "stdout", width), "web             | ");
  assert.equal(renderPrefix(worker, 1, "stdout", width), "celery:worker_0 | ");
  assert.equal(autoPrefix("tsinit", 6), "tsinit | ");
  assert.equal(renderPrefix(fakeSpec("web", { logPrefix: "[%(pid)d] " }), 9, "stderr", width), "[9] ");
});

test("timestamps are UTC with milliseconds, always 24 characters", () => {
  assert.equal(renderTimestamp(0), "1970-01-01T00:00:00.000Z");
  assert.equal(renderTimestamp(1_795_333_788_562), "2026-11-22T07:49:48.562Z");
});

test("colour only where a terminal shows it", () => {
  assert.equal(wantsColour("auto", true, true, undefined), true);
  assert.equal(wantsColour("auto", true, true, ""), true);
  assert.equal(wantsColour("auto", true, true, "1"), false);
  assert.equal(wantsColour("auto", false, true, undefined), false);
  assert.equal(wantsColour("auto", true, false, undefined), false);
  assert.equal(wantsColour("always", false, false, "1"), true);
  assert.equal(wantsColour("never", true, true, undefined), false);
  assert.equal(colourPrefix("web | ", 0), "\x1b[36mweb |\x1b[0m ");
  assert.equal(colourPrefix("web | ", 10), colourPrefix("web | ", 0));
});

test("levels in supervisord's order and letters", () => {
  assert.equal(isShown("info", "info"), true);
  assert.equal(isShown("debug", "info"), false);
  assert.equal(isShown("critical", "error"), true);
  assert.equal(isShown("blather", "trace"), false);
  assert.deepEqual((["critical", "error", "warn", "info", "debug"] as const).map(levelTag), [
    "CRIT",
    "ERRO",
    "WARN",
    "INFO",
    "DEBG",
  ]);
  assert.equal(droppedText(1, 5), "… 1 line (5 bytes) dropped");
});
