import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { HISTORY_LINES, openHistory } from "./history.ts";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "tsinit-history-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const fail = (reason: string): never => assert.fail(reason);

test("lines come back in the next session, and only the owner may read them", (t) => {
  const path = join(folder(t), "h");
  const first = openHistory(path, fail);
  assert.deepEqual(first.lines, []);
  first.add("status");
  first.add("tail web");
  assert.deepEqual(openHistory(path, fail).lines, ["status", "tail web"]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("two sessions lose nothing of each other, and the file does not grow for ever", (t) => {
  const path = join(folder(t), "h");
  const [one, two] = [openHistory(path, fail), openHistory(path, fail)];
  one.add("a");
  two.add("b");
  assert.deepEqual(openHistory(path, fail).lines, ["a", "b"]);
  const many = Array.from({ length: 2 * HISTORY_LINES + 1 }, (_, index) => `line ${index}`);
  writeFileSync(path, `${many.join("\n")}\n`);
  assert.equal(openHistory(path, fail).lines.length, HISTORY_LINES);
  assert.equal(readFileSync(path, "utf8"), `${many.slice(-HISTORY_LINES).join("\n")}\n`);
});

test("a file that cannot be kept is told once and costs nothing else", (t) => {
  const path = folder(t);
  for (const bad of [path, join(path, "no", "such")]) {
    const reasons: string[] = [];
    const history = openHistory(bad, (reason) => reasons.push(reason));
    history.add("a");
    history.add("b");
    assert.deepEqual(history.lines, []);
    assert.equal(reasons.length, 1);
    assert.match(reasons[0] ?? "", /EISDIR|ENOENT/);
  }
  openHistory(null, fail).add("x");
});
