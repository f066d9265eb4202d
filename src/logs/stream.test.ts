import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { kernel, type Reader, turns, withWorld } from "../../test/fakes/log-world.ts";
import { fakeGlobal, fakeSpec } from "../../test/fakes/plans.ts";

const WEB = fakeSpec("web");
const OTHER = fakeSpec("other");
const MB = 1024 * 1024;
const SMALL_BUFFER = 128 * 1024;

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function numbers(count: number): string {
  return Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");
}

function unprefixed(text: string): string {
  return text.replaceAll("web    | ", "");
}

/** Until a number has stopped growing: that nothing more happens is no event. */
async function settled(value: () => number): Promise<number> {
  for (let last = -1; ; ) {
    const now = value();
    if (now === last) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test("87: block: a stuck reader stops the program that writes, and nobody else", async () => {
  await withWorld({ programs: [WEB, OTHER], reading: false }, async ({ attach, logs, out, err }) => {
    const { child, ended } = attach(WEB, 1, "stdout").run("seq 1 1000000");
    const seen = () => logs.counters("web:web", "stdout").bytes;
    const taken = await settled(seen);
    assert.ok(taken < 4 * MB, `${taken} bytes were taken in`);
    assert.equal(child.exitCode, null);
    assert.notEqual(logs.stuckSince(), null);
    err.start();
    attach(OTHER, 2, "stderr").write("alive\n");
    logs.say("info", "own");
    const text = await err.until((all) => all.includes("alive\n") && all.includes("own\n"));
    assert.match(text, /^other {2}\| alive$/m);
    assert.equal(seen(), taken);
    out.start();
    await ended;
    const wanted = numbers(1_000_000);
    await out.untilTrue(() => out.length === wanted.length + 1_000_000 * "web    | ".length);
    assert.equal(hash(unprefixed(out.text())), hash(wanted));
    assert.equal(logs.counters("web:web", "stdout").lines, 1_000_000);
    assert.equal(logs.counters("web:web", "stdout").droppedBytes, 0);
  });
});

test("86: a line that waits in its pipe because nobody reads is not broken up", async () => {
  const global = { logBuffer: SMALL_BUFFER };
  await withWorld({ programs: [WEB], global, reading: false }, async ({ attach, logs, out, clock }) => {
    const { ended } = attach(WEB, 1, "stdout").run("seq 1 400000");
    await settled(() => logs.counters("web:web", "stdout").bytes);
    clock.advance(5000);
    out.start();
    await ended;
    const wanted = numbers(400_000);
    await out.untilTrue(() => out.length >= wanted.length + 400_000 * "web    | ".length);
    assert.equal(hash(unprefixed(out.text())), hash(wanted));
  });
});

/** Reads in small sips, with pauses. */
async function sip(reader: Reader, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    reader.start();
    await turns(2);
    reader.stop();
    await turns(5);
  }
  reader.start();
}

test("88: block: a slow reader loses nothing, whatever the last words", async () => {
  const global = { logBuffer: SMALL_BUFFER };
  await withWorld({ programs: [WEB], global, reading: false }, async ({ attach, logs, out }) => {
    const { ended } = attach(WEB, 1, "stdout").run("seq 1 300000; printf 'the end'");
    let finished = false;
    void ended.then(() => {
      logs.finish("web:web", 1);
      finished = true;
    });
    const wanted = `${numbers(300_000)}the end\n`;
    const size = wanted.length + 300_001 * "web    | ".length;
    await sip(out, () => finished && out.length >= size);
    assert.equal(hash(unprefixed(out.text())), hash(wanted));
  });
});

test("block: last words are read although the program is over its limit", async () => {
  const global = { logBuffer: SMALL_BUFFER };
  await withWorld({ programs: [WEB], global, reading: false }, async ({ attach, logs, out }) => {
    const { ended } = attach(WEB, 1, "stdout").run("seq 1 200000");
    out.start();
    await out.untilTrue(() => out.length > 0);
    out.stop();
    await settled(() => logs.counters("web:web", "stdout").bytes);
    const blocked = logs.counters("web:web", "stdout").bytes;
    assert.ok(blocked < numbers(200_000).length);
    out.start();
    await ended;
    out.stop();
    logs.finish("web:web", 1);
    assert.equal(logs.counters("web:web", "stdout").bytes, numbers(200_000).length);
    out.start();
    await out.until((all) => all.endsWith("| 200000\n"));
    assert.equal(hash(unprefixed(out.text())), hash(numbers(200_000)));
  });
});

test("block: the last words of a hundred programs that end while nobody reads are kept", async () => {
  const specs = Array.from({ length: 100 }, (_, index) => fakeSpec(`p${index}`));
  const burst = `${"x".repeat(59)}\n`.repeat(1000);
  const global = { logBuffer: SMALL_BUFFER };
  await withWorld({ programs: specs, global, reading: false }, async ({ attach, logs, out }) => {
    const ends = specs.map((spec, pid) => attach(spec, pid, "stdout"));
    for (let round = 0; round < 2; round++) {
      for (const end of ends) end.write(burst);
      await turns(20);
    }
    for (const [pid, { id }] of specs.entries()) {
      ends[pid]?.close();
      logs.finish(id, pid);
    }
    const counters = specs.map(({ id }) => logs.counters(id, "stdout"));
    assert.deepEqual(
      counters,
      specs.map(() => ({ lines: 2000, bytes: 2 * burst.length, droppedBytes: 0 })),
    );
    out.start();
    await out.untilTrue(() => out.length === 200 * (burst.length + 1000 * "tsinit | ".length));
  });
});

test("drop: the program goes on, and the stream says how much is missing", async () => {
  const global = { logBuffer: SMALL_BUFFER, logOverflow: "drop" } as const;
  await withWorld({ programs: [WEB], global, reading: false }, async ({ attach, logs, out }) => {
    const { ended } = attach(WEB, 1, "stdout").run("seq 1 1000000");
    await ended;
    logs.finish("web:web", 1);
    const { lines, bytes, droppedBytes } = logs.counters("web:web", "stdout");
    assert.equal(lines, 1_000_000);
    assert.equal(bytes, numbers(1_000_000).length);
    assert.ok(droppedBytes > MB);
    out.start();
    const text = await out.until("dropped\n");
    await settled(() => out.length);
    let [written, missing, missingBytes, last] = [0, 0, 0, 0];
    for (const line of unprefixed(text).trimEnd().split("\n")) {
      const notice = /^… (\d+) lines? \((\d+) bytes\) dropped$/.exec(line);
      if (notice) {
        missing += Number(notice[1]);
        missingBytes += Number(notice[2]);
        last += Number(notice[1]);
      } else {
        written++;
        assert.equal(Number(line), ++last);
      }
    }
    assert.equal(written + missing, 1_000_000);
    assert.equal(missingBytes, droppedBytes);
  });
});

test("drop: what a reader takes at once is not dropped, though the chunk is longer than log_buffer", async () => {
  const global = { logBuffer: 16 * 1024, logOverflow: "drop", logMaxLine: 1024 } as const;
  await withWorld({ programs: [WEB], global }, async ({ attach, logs, out }) => {
    const text = `${"x".repeat(999)}\n`.repeat(40);
    attach(WEB, 1, "stdout").write(text);
    await turns(3);
    // Nothing is on its way, so nothing would tell later what was dropped now.
    assert.equal(logs.counters("web:web", "stdout").droppedBytes, 0);
    await out.untilTrue(() => out.length === text.length + 40 * "web    | ".length);
  });
});

test("block: last words that become a hundred times as long in JSON are kept, run after run", async () => {
  const web = fakeSpec("web", { logFormat: "json" });
  const global = { logFormat: "json" } as const;
  await withWorld({ programs: [web], global, reading: false }, async ({ attach, logs, out }) => {
    const lines = 150_000;
    let written = 0;
    // The second begins before all of the first has left, and says nothing before it has.
    const run = (pid: number) => {
      const end = attach(web, pid, "stdout");
      kernel.setPipeSize(end.fd, MB);
      return end;
    };
    const first = run(1);
    first.write("\n".repeat(lines));
    logs.finish("web:web", 1);
    const second = run(2);
    out.start();
    await logs.flush(1000, null);
    await out.until((all) => all.split("\n").length > lines);
    out.stop();
    written = out.length;
    second.write("\n".repeat(lines));
    logs.finish("web:web", 2);
    assert.deepEqual(logs.counters("web:web", "stdout"), {
      lines: 2 * lines,
      bytes: 2 * lines,
      droppedBytes: 0,
    });
    out.start();
    await out.untilTrue(() => out.length === 2 * written);
  });
});

test("drop, set while a program waits for a reader that is stuck, lets it go on", async () => {
  const global = { logBuffer: SMALL_BUFFER };
  await withWorld({ programs: [WEB], global, reading: false }, async ({ attach, logs, out }) => {
    const { ended } = attach(WEB, 1, "stdout").run("seq 1 1000000");
    await settled(() => logs.counters("web:web", "stdout").bytes);
    logs.configure(fakeGlobal({ ...global, logOverflow: "drop" }), [WEB]);
    await ended;
    logs.finish("web:web", 1);
    assert.equal(logs.counters("web:web", "stdout").lines, 1_000_000);
    out.start();
    await out.until("dropped\n");
  });
});

test("block: nothing is dropped where one chunk is longer than all that log_buffer allows", async () => {
  const web = fakeSpec("web", { logFormat: "json" });
  const global = { logBuffer: 1024, logFormat: "json" } as const;
  await withWorld({ programs: [web], global, reading: false }, async ({ attach, logs }) => {
    const lines = 60_000;
    const end = attach(web, 1, "stdout");
    end.write("\n".repeat(lines));
    while (logs.counters("web:web", "stdout").bytes < lines) await turns(1);
    end.write("\n".repeat(lines));
    end.close();
    logs.finish("web:web", 1);
    assert.deepEqual(logs.counters("web:web", "stdout"), {
      lines: 2 * lines,
      bytes: 2 * lines,
      droppedBytes: 0,
    });
  });
});

test("block: a program that ends again and again with a full pipe while somebody reads loses nothing", async () => {
  const web = fakeSpec("web", { logFormat: "json" });
  await withWorld({ programs: [web], global: { logFormat: "json" } }, async ({ attach, logs }) => {
    const lines = 60_000;
    const runs = 6;
    for (let pid = 1; pid <= runs; pid++) {
      const end = attach(web, pid, "stdout");
      kernel.setPipeSize(end.fd, MB);
      end.write("\n".repeat(lines));
      // It lives until its output is read, which begins when there is room.
      while (logs.counters("web:web", "stdout").bytes <= 2 * (pid - 1) * lines) await turns(1);
      end.write("\n".repeat(lines));
      end.close();
      logs.finish("web:web", pid);
    }
    assert.deepEqual(logs.counters("web:web", "stdout"), {
      lines: 2 * runs * lines,
      bytes: 2 * runs * lines,
      droppedBytes: 0,
    });
    await logs.flush(1000, null);
  });
});

test("a program that ends again and again while nobody reads has a bound", async () => {
  const global = { logBuffer: SMALL_BUFFER };
  await withWorld({ programs: [WEB], global, reading: false }, async ({ attach, logs, out }) => {
    const burst = `${"x".repeat(59)}\n`.repeat(1000);
    for (let pid = 1; pid <= 250; pid++) {
      const end = attach(WEB, pid, "stdout");
      end.write(burst);
      end.close();
      // Sometimes it is read before it is known to have ended.
      if (pid % 2 === 0) await turns(2);
      logs.finish("web:web", pid);
    }
    const { lines, droppedBytes } = logs.counters("web:web", "stdout");
    assert.equal(lines, 250_000);
    assert.ok(droppedBytes > 2 * MB, `${droppedBytes}`);
    assert.ok(droppedBytes < 250 * burst.length - 6 * MB, `${droppedBytes}`);
    out.start();
    const text = await out.until("dropped\n");
    assert.match(
      text,
      new RegExp(`\\| … ${droppedBytes / 60} lines \\(${droppedBytes} bytes\\) dropped\\n$`),
    );
  });
});

test("own lines never wait: the oldest are dropped and counted, the newest come", async () => {
  await withWorld({ programs: [WEB], reading: false }, async ({ logs, err }) => {
    const text = (index: number) => `line ${String(index).padStart(5, "0")} ${"x".repeat(80)}`;
    for (let index = 0; index < 20_000; index++) logs.say("info", text(index));
    err.start();
    const all = await err.until(text(19_999));
    const lines = all.trimEnd().split("\n");
    const notice = lines.findIndex((line) => line.includes("dropped"));
    const [, dropped] =
      /^tsinit \| WARN … (\d+) lines \(\d+ bytes\) dropped$/.exec(lines[notice] ?? "") ?? [];
    assert.equal(lines.length - 1 + Number(dropped), 20_000);
    assert.equal(lines[notice - 1], `tsinit | INFO ${text(notice - 1)}`);
    assert.equal(lines[notice + 1], `tsinit | INFO ${text(notice + Number(dropped))}`);
    assert.ok(all.length < MB);
  });
});

test("13: a closed reader ends nothing: output is counted as dropped", async () => {
  await withWorld({ programs: [WEB] }, async ({ attach, logs, out, err }) => {
    out.close();
    err.close();
    await turns(3);
    logs.say("info", "nobody reads this");
    const { ended } = attach(WEB, 1, "stdout").run("seq 1 300000");
    await ended;
    logs.finish("web:web", 1);
    await logs.flush(1000, null);
    const { lines, bytes, droppedBytes } = logs.counters("web:web", "stdout");
    assert.equal(lines, 300_000);
    assert.equal(droppedBytes, bytes + 300_000 * "web    | ".length);
  });
});
