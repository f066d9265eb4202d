/** Schedules on the built binary: runs by the clock, overlaps, runs by hand, reload, clock jumps, and the end in a run. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { jumpClock } from "./clock.ts";
import { boxed } from "./harness.ts";
import type { Init } from "./init.ts";
import { actor, delay, GENTLE } from "./scene.ts";

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, ...keys, ""].join("\n");

/** Runs that take so long. Each notes its start, and TERM if it is stopped. */
const job = (seconds: number, ...keys: string[]): string =>
  program("job", actor("job", "on:TERM=exit:1", `sleep:${seconds}`, "note:end"), ...keys);

const IDLE = program("idle", "/bin/sleep 1000", "startsecs=0");

async function info(init: Init, name: string): Promise<Record<string, unknown>> {
  const answer = await init.rpc("getProcessInfo", name);
  assert.ok(typeof answer === "object" && answer !== null, String(answer));
  return answer as Record<string, unknown>;
}

/** The latest year of a local time as `status` shows it: the words without it. */
function shownTime(text: string): RegExpExecArray | null {
  return /next run (\w{3} \d\d \d\d:\d\d [AP]M)/.exec(text);
}

describe("schedules", { concurrency: 4 }, () => {
  boxed("six fields: a run at each time, never two at once; status, API and metrics know", async (box) => {
    const init = await box.init({
      config: `${job(0.1, "schedule=*/2 * * * * *")}${program("night", "/bin/true", "schedule=0 3 * * *")}`,
    });
    const starts = [];
    for (let count = 1; count <= 3; count++) starts.push(await init.event("job", "start", { count }));
    for (const [n, start] of starts.entries()) {
      const gap: number = start.at - (starts[n - 1]?.at ?? start.at - 2000);
      assert.ok(gap > 1700 && gap < 2300, `${gap} ms between two runs`);
    }
    await init.event("job", "end", { count: 3 });
    const known = await init.state("job", "EXITED");
    const now = Number(known["now"]);
    assert.equal(known["schedule"], "*/2 * * * * *");
    assert.equal(known["lastresult"], "exit status 0");
    assert.ok(Number(known["nextrun"]) - now <= 2 && Number(known["nextrun"]) >= now, JSON.stringify(known));
    assert.ok(now - Number(known["lastsuccess"]) <= 2, JSON.stringify(known));
    assert.ok(shownTime(String(known["description"])), String(known["description"]));
    const status = await init.ctl("status");
    assert.match(status.stdout, /^night +STOPPED +next run \w{3} \d\d 03:00 AM$/m);
    const metrics = (await init.http("/metrics")).body;
    const value = (name: string, who: string): number =>
      Number(
        new RegExp(`^tsinit_program_${name}\\{group="${who}",program="${who}"\\} (.*)$`, "m").exec(
          metrics,
        )?.[1],
      );
    assert.ok(value("schedule_next_timestamp_seconds", "night") > now);
    assert.ok(value("schedule_next_timestamp_seconds", "job") >= now);
    assert.ok(now - value("schedule_last_timestamp_seconds", "job") <= 3);
    assert.ok(now - value("last_success_timestamp_seconds", "job") <= 3);
    assert.ok(Number.isNaN(value("last_success_timestamp_seconds", "night")));
    assert.match(metrics, /restarts_total\{group="job",program="job",reason="schedule"\} [2-9]/);
    // Not one that is missing, though neither runs.
    await init.httpStatus("/readyz", 200);
    assert.doesNotMatch(init.stderr.text(), /job is still running/);
  });

  boxed("a run that fails shows it, is not tried again, and the next one comes", async (box) => {
    const init = await box.init({
      config: program("job", actor("job", "exit:3"), "schedule=*/2 * * * * *"),
    });
    await init.event("job", "start", { count: 2 });
    await init.line(/exited: job \(exit status 3; not expected\)/);
    const known = await init.state("job", "EXITED");
    assert.match(String(known["description"]), /^exit status 3, next run \w{3} \d\d \d\d:\d\d [AP]M$/);
    assert.equal(known["lastsuccess"], 0);
    const [first, second] = init.events("job", "start");
    assert.ok((second?.at ?? 0) - (first?.at ?? 0) > 1700);
    await init.httpStatus("/readyz", 200);
  });

  boxed("overlap skip: the run is left out", async (box) => {
    const init = await box.init({ config: job(2.5, "schedule=* * * * * *") });
    await init.event("job", "end", { count: 2 });
    await init.line(/job is still running: this run of its schedule is left out/);
    const starts = init.events("job", "start");
    const ends = init.events("job", "end");
    assert.ok((starts[1]?.at ?? 0) > (ends[0]?.at ?? 0), "the second began while the first ran");
    assert.equal(init.events("job", "TERM").length, 0);
  });

  boxed("overlap queue: one run follows at once, however many were missed", async (box) => {
    const init = await box.init({
      config: job(2.5, "schedule=*/2 * * * * *", "schedule_overlap=queue"),
    });
    const second = await init.event("job", "start", { count: 2 });
    const end = await init.event("job", "end", { count: 1 });
    assert.ok(second.at >= end.at && second.at - end.at < 700, `${second.at - end.at} ms after the first`);
    await init.line(/this run of its schedule follows when it ends/);
  });

  boxed("overlap kill: the run before is stopped", async (box) => {
    const init = await box.init({
      config: job(60, "schedule=*/2 * * * * *", "schedule_overlap=kill"),
    });
    const stopped = await init.event("job", "TERM", { count: 2 });
    const starts = init.events("job", "start");
    assert.ok(starts.length >= 2);
    assert.ok((starts[0]?.at ?? 0) < stopped.at);
    await init.line(/it is stopped for this run of its schedule/);
    assert.equal(init.events("job", "end").length, 0);
    assert.ok(init.processes().filter(({ command }) => command.includes("actor.py")).length <= 1);
  });

  boxed("start runs it now, stop ends the run and holds the schedule, start resumes it", async (box) => {
    const init = await box.init({ config: job(60, "schedule=0 0 1 1 *", "startsecs=0") });
    const waiting = await init.ctl("status", "job");
    assert.match(waiting.stdout, /^job +STOPPED +next run Jan 01 12:00 AM$/m);
    const started = await init.ctl("start", "job");
    assert.equal(started.stdout, "job: started\n");
    await init.event("job", "start");
    assert.equal((await init.ctl("start", "job")).stdout, "job: ERROR (already started)\n");
    assert.equal((await init.ctl("stop", "job")).stdout, "job: stopped\n");
    await init.event("job", "TERM");
    assert.match(
      (await init.ctl("status", "job")).stdout,
      /^job +STOPPED +stopped by hand, start resumes its schedule$/m,
    );
    assert.equal((await info(init, "job"))["nextrun"], 0);
    await init.ctl("start", "job");
    assert.notEqual((await info(init, "job"))["nextrun"], 0);
  });

  boxed("HUP changes, adds and removes schedules; the rest runs on", async (box) => {
    const init = await box.init({
      config: `${IDLE}${program("job", actor("job"), "schedule=0 0 1 1 *")}${program("old", actor("old"), "schedule=* * * * * *")}`,
    });
    await init.event("old", "start");
    const before = (await info(init, "idle"))["pid"];
    init.writeConfig(
      `${IDLE}${program("job", actor("job"), "schedule=* * * * * *")}${program("new", actor("new"), "schedule=* * * * * *")}`,
    );
    init.signal("SIGHUP");
    await init.line(/reloaded: added new; changed job; removed old/);
    const olds = init.events("old", "start").length;
    await init.event("job", "start", { count: 2 });
    await init.event("new", "start", { count: 2 });
    assert.ok(init.events("old", "start").length <= olds + 1);
    assert.equal((await info(init, "idle"))["pid"], before);
    // Schedules where there were none.
    init.writeConfig(IDLE);
    init.signal("SIGHUP");
    await init.line(/reloaded: removed job, new/);
    const at = init.events("job", "start").length;
    await delay(1500);
    assert.ok(init.events("job", "start").length <= at + 1);
    init.writeConfig(`${IDLE}${program("job", actor("job"), "schedule=* * * * * *")}`);
    init.signal("SIGHUP");
    await init.event("job", "start", { count: at + 3 });
  });

  boxed("TERM in a run: it is stopped in order, no other begins, code 0", async (box) => {
    const init = await box.init({
      config: program(
        "job",
        actor("job", "on:TERM=sleep:1.5+exit:0", "hold"),
        "schedule=* * * * * *",
        "schedule_overlap=queue",
      ),
    });
    await init.event("job", "start");
    init.signal("SIGTERM");
    const { code } = await init.exit();
    assert.equal(code, 0);
    assert.equal(init.events("job", "start").length, 1);
    assert.equal(init.events("job", "TERM").length, 1);
  });

  boxed("a container that only has schedules stays", async (box) => {
    const init = await box.init({ config: program("job", actor("job"), "schedule=* * * * * *") });
    await init.event("job", "start", { count: 3 });
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  boxed("a program depends on a job: it starts after the first run that went well", async (box) => {
    const init = await box.init({
      config: `${program("job", actor("job"), "schedule=*/2 * * * * *")}${program("app", actor("app", ...GENTLE), "depends_on=job")}`,
    });
    const app = await init.event("app", "start");
    const [first] = init.events("job", "start");
    assert.ok(first !== undefined && first.at < app.at);
    await init.line(/app does not start yet: waiting for job to be done/);
    await init.line(/job runs by its schedule: app waits at the start until it has run/);
  });

  boxed("the clock goes back: no second is run twice; forward over many: one run", async (box) => {
    const init = await box.init({
      config: program("job", actor("job"), "schedule=* * * * * *", "startsecs=0"),
    });
    await init.event("job", "start", { count: 2 });
    const clock = jumpClock(init.pid, -3);
    const at = init.events("job", "start").length;
    await delay(1500);
    assert.ok(init.events("job", "start").length <= at + 1, "seconds that had been");
    await init.event("job", "start", { count: at + 2 });
    clock.set(3600);
    const jumped = init.events("job", "start").length;
    await init.event("job", "start", { count: jumped + 2 });
    assert.ok(init.events("job", "start").length <= jumped + 3, "runs for the hour that was left out");
  });
});

describe("the local time of a schedule", () => {
  boxed("a time zone of its own", async (box) => {
    const init = await box.init({
      config: [
        program("here", "/bin/true", "schedule=30 4 * * *"),
        program("there", "/bin/true", "schedule=30 4 * * *", "schedule_timezone=Asia/Kolkata"),
      ].join(""),
      env: { PATH: "/usr/bin:/bin", TZ: "UTC" },
    });
    const [here, there] = [await info(init, "here"), await info(init, "there")];
    // Half past four there is eleven in the evening before.
    const seconds = (one: Record<string, unknown>): number => Number(one["nextrun"]) % 86_400;
    assert.equal(seconds(here), 4.5 * 3600);
    assert.equal(seconds(there), 23 * 3600);
    assert.match(String(there["description"]), / 11:00 PM$/);
  });
});
