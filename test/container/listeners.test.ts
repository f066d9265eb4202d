/** Event listeners on the built binary: what they are told, how a shutdown that they ask for ends, and that nobody waits for them. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { listenerCommand, readEvents, readNotes } from "../programs/listeners.ts";
import { type Box, boxed } from "./harness.ts";
import type { Init } from "./init.ts";
import { readText } from "./processes.ts";
import { delay } from "./scene.ts";

const TSINIT = "[tsinit]\nlisten=none\ntermination_log=@DIR@/termination";
const SERVER = "[unix_http_server]\nfile=/run/tsinit.sock";
const HEALTHY = "[program:db]\ncommand=sleep 1000";
/** FATAL after its first run. */
const FATAL = "[program:web]\ncommand=sh -c 'sleep 1; exit 3'\nstartsecs=5\nstartretries=0";

const config = (...parts: readonly string[]): string => [TSINIT, ...parts].join("\n");
const listener = (command: string, ...keys: readonly string[]): string =>
  [`[eventlistener:mail]\ncommand=${command}`, ...keys].join("\n");

/** The container ends with web's code, and says whose it is. */
async function endsWith(box: Box, code: number, text: string): Promise<void> {
  const init = await box.init({ config: text, setup: "touch @DIR@/termination" });
  const ending = await init.exit();
  const last = init.own().at(-1) ?? "";
  assert.equal(ending.code, code, ending.stderr);
  assert.match(last, /web/);
  assert.match(readFileSync(join(init.dir, "termination"), "utf8"), /^exit \d+: stopped by .* after web /);
}

const loop = (act: string): string =>
  `sh -c 'printf "READY\\n"; while read line; do ${act}; printf "RESULT 2\\nOKREADY\\n"; done'`;

describe("a listener ends the container because a program is FATAL", { concurrency: 2 }, () => {
  const recipes: Record<string, string> = {
    "kill -QUIT $PPID": loop("kill -QUIT $PPID"),
    "kill -TERM 1": loop("kill -TERM 1"),
    "kill -3 $(cat pidfile)": loop("kill -3 $(cat @DIR@/pid)"),
    "one shot, then it never answers": `sh -c 'echo READY; read line; kill -3 $PPID; sleep 1000'`,
    "one shot, then it ends": `sh -c 'echo READY; read line; kill -s INT $PPID'`,
    "os.kill(os.getppid(), SIGQUIT)": listenerCommand("quit", "notes"),
    "os.kill(os.getppid(), SIGTERM)": listenerCommand("quit", "notes", "SIGTERM"),
    "RPC shutdown": listenerCommand("shutdown", "notes"),
    "supervisorctl shutdown": loop("supervisorctl -s unix:///run/tsinit.sock shutdown >&2"),
  };
  for (const [name, command] of Object.entries(recipes))
    boxed(name, async (box) => {
      const section = listener(command, "events=PROCESS_STATE_FATAL");
      await endsWith(box, 3, config("[supervisord]\npidfile=@DIR@/pid", SERVER, section, HEALTHY, FATAL));
    });

  boxed("an unexpected exit counts, as 128+n for a signal", async (box) => {
    const web = "[program:web]\ncommand=sh -c 'sleep 1; kill -9 $$'\nstartsecs=0";
    const section = listener(loop("kill -QUIT $PPID"), "events=PROCESS_STATE_EXITED");
    await endsWith(box, 137, config(section, HEALTHY, web));
  });

  boxed("without any listener: QUIT while a program is FATAL", async (box) => {
    const init = await box.init({ config: config(HEALTHY, FATAL) });
    await init.line(/gave up: web/);
    init.signal("SIGQUIT");
    assert.equal((await init.exit()).code, 3);
  });

  boxed("a plain TERM is 0, also right after a listener was told of a failure", async (box) => {
    const section = listener(
      listenerCommand("record", "notes"),
      "events=PROCESS_STATE_FATAL,PROCESS_STATE_EXITED",
    );
    const init = await box.init({ config: config(section, HEALTHY, FATAL) });
    await init.until("the event", () => readEvents(init.dir, "notes").some((each) => each.includes("FATAL")));
    await delay(300);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });
});

describe("what listeners are told", { concurrency: 2 }, () => {
  boxed(
    "the others' end, before they are stopped; the container waits for them no longer than it must",
    async (box) => {
      const init = await box.init({
        config: config(
          listener(listenerCommand("slow", "notes", "0.1"), "events=EVENT", "buffer_size=100"),
          HEALTHY,
        ),
      });
      await init.line(/success: mail/);
      await init.until("all of the start to be told", () =>
        readEvents(init.dir, "notes").some((each) => /^PROCESS_STATE_RUNNING .*mail/.test(each)),
      );
      const began = performance.now();
      init.signal("SIGTERM");
      assert.equal((await init.exit()).code, 0);
      assert.ok(performance.now() - began < 8000);
      // A tick may come at any time.
      const events = readEvents(init.dir, "notes").filter((each) => !each.startsWith("TICK_"));
      assert.deepEqual(
        events.slice(-3).map((each) => each.replace(/pid:\d+/, "pid:N")),
        [
          "SUPERVISOR_STATE_CHANGE_STOPPING",
          "PROCESS_STATE_STOPPING processname:db groupname:db from_state:RUNNING pid:N",
          "PROCESS_STATE_STOPPED processname:db groupname:db from_state:STOPPING pid:N",
        ],
      );
    },
  );

  boxed("rejected and lost in a crash: told again, with the same numbers", async (box) => {
    const events = "events=PROCESS_STATE_RUNNING";
    const init = await box.init({
      config: config(
        `[eventlistener:fails]\ncommand=${listenerCommand("fail", "fails")}\n${events}`,
        `[eventlistener:dies]\ncommand=${listenerCommand("die", "dies")}\n${events}`,
        HEALTHY,
      ),
    });
    for (const file of ["fails", "dies"]) {
      const notes = await init.until(`the event twice in ${file}`, () => {
        const told = readNotes(init.dir, file).filter((note) => note.headers !== undefined);
        return told.length >= 2 ? told : null;
      });
      assert.deepEqual(notes[0], notes[1], file);
    }
    await init.line(/WARN fails: event was rejected/);
  });

  boxed("a listener asks back over SUPERVISOR_SERVER_URL", async (box) => {
    const init = await box.init({
      config: config(
        listener(listenerCommand("state", "notes"), "events=PROCESS_STATE_RUNNING"),
        SERVER,
        HEALTHY,
      ),
    });
    const note = await init.until("the answer", () =>
      readNotes(init.dir, "notes").find((each) => each.name === "db:db"),
    );
    assert.equal(note.state, "RUNNING");
  });

  boxed("one in the style of httpok restarts a program over RPC while it works on a tick", async (box) => {
    const init = await box.init({
      config: config(SERVER, listener(listenerCommand("restart", "notes", "db"), "events=TICK_5"), HEALTHY),
    });
    const note = await init.until("the restart", () =>
      readNotes(init.dir, "notes").find((each) => each.restarted !== undefined),
    );
    const [before, after, state] = note.restarted ?? [0, 0, ""];
    assert.ok(before > 1 && after > before, `${before}, then ${after}`);
    assert.equal(state, "RUNNING");
  });

  boxed("one in the style of crashmail tells who crashed", async (box) => {
    const crash = "[program:web]\ncommand=sh -c 'sleep 1.5; exit 3'\nautorestart=false";
    const fine = "[program:fine]\ncommand=sh -c 'sleep 1.5'\nautorestart=false";
    const section = listener(listenerCommand("mail", "notes"), "events=PROCESS_STATE_EXITED");
    const init = await box.init({ config: config(section, HEALTHY, crash, fine) });
    await init.until("both ends to be told", () => readEvents(init.dir, "notes").length === 2);
    const mails = await init.until("the mail", () => {
      const found = readNotes(init.dir, "notes").filter((each) => each.name !== undefined);
      return found.length > 0 ? found : null;
    });
    assert.deepEqual(mails, [{ name: "web in group web exited", state: "RUNNING" }]);
  });

  boxed("a length is the number of bytes", async (box) => {
    const act = `n=\${line##*len:}; head -c $n >> @DIR@/bytes; echo >> @DIR@/bytes; printf "RESULT 2\\nOKREADY\\n"`;
    const init = await box.init({
      config: config(
        `[eventlistener:shell]\ncommand=sh -c 'printf "READY\\n"; while read line; do ${act}; done'\nevents=PROCESS_LOG`,
        "[program:web]\ncommand=sh -c 'sleep 2; echo hällo €; sleep 1; echo end; sleep 1000'\nstdout_events_enabled=true",
      ),
    });
    const head = "processname:web groupname:web pid:N channel:stdout\n";
    const told = (): string => (readText(join(init.dir, "bytes")) ?? "").replace(/pid:\d+/g, "pid:N");
    await init.until("it to have both events", () => told().includes("end"));
    assert.equal(told(), `${head}${Buffer.from("hällo €").toString("latin1")}\n\n${head}end\n\n`);
  });

  boxed("ticks, to listeners of ticks", async (box) => {
    const init = await box.init({
      config: config(listener(listenerCommand("record", "notes"), "events=TICK_5"), HEALTHY),
    });
    const [first] = await init.until("a tick", () => {
      const told = readNotes(init.dir, "notes").filter((note) => note.headers !== undefined);
      return told.length > 0 ? told : null;
    });
    assert.equal(first?.headers?.["eventname"], "TICK_5");
    const when = Number(/^when:(\d+)$/.exec(first?.payload ?? "")?.[1]);
    assert.equal(when % 5, 0);
    assert.ok(Math.abs(when - Date.now() / 1000) < 10);
  });

  boxed("a reload brings pools, and takes them away", async (box) => {
    const init = await box.init({ config: config(HEALTHY) });
    await init.line(/success: db/);
    const section = listener(
      listenerCommand("record", "notes"),
      "events=PROCESS_GROUP,PROCESS_STATE_RUNNING",
    );
    init.writeConfig(config(section, HEALTHY));
    init.signal("SIGHUP");
    await init.until("the pool to hear of itself", () =>
      readEvents(init.dir, "notes").some((each) => each === "PROCESS_GROUP_ADDED groupname:mail"),
    );
    const after = init.lines.length;
    init.writeConfig(config(HEALTHY));
    init.signal("SIGHUP");
    await init.line(/stopped: mail/, { after });
    assert.equal(await init.rpc("stopProcess", "db"), true);
    assert.equal(await init.rpc("startProcess", "db"), true);
    assert.ok(!readEvents(init.dir, "notes").some((each) => each.includes("processname:db")));
  });
});

describe("nobody waits for listeners", { concurrency: 2 }, () => {
  boxed(
    "nothing of the protocol is on the console, and a listener's parent is the init also under user=",
    async (box) => {
      const init = await box.init({
        config: config(listener(listenerCommand("record", "notes"), "events=EVENT", "user=nobody"), HEALTHY),
        setup: "touch @DIR@/notes && chmod 666 @DIR@/notes",
      });
      const note = await init.until("the listener", () => readNotes(init.dir, "notes")[0]);
      assert.deepEqual([note.parent, note.uid], [1, 65534]);
      await init.until("events", () => readEvents(init.dir, "notes").length > 3);
      assert.equal(init.stdout.text(), "");
    },
  );

  boxed("one that never reads costs nobody anything", async (box) => {
    // However large the pieces are in which the flood is read, the lines after it come one by one.
    const flood =
      "sh -c 'i=0; while [ $i -lt 20000 ]; do echo $i some words to make it longer; i=$((i+1)); done; " +
      "while sleep 0.02; do echo more; done'";
    const init = await box.init({
      config: config(
        listener(listenerCommand("deaf", "notes"), "events=PROCESS_LOG,TICK", "buffer_size=20"),
        `[program:web]\ncommand=${flood}\nstdout_events_enabled=true`,
        HEALTHY,
      ),
    });
    await init.line(/web +\| 19999 /);
    await init.line(/ERRO pool mail event buffer overflowed, discarding event \d+/);
    const began = performance.now();
    assert.equal(await init.rpc("stopProcess", "db"), true);
    assert.ok(performance.now() - began < 8000);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  boxed("one that answers without reading is not written to without end", async (box) => {
    const chatter = `sh -c 'while :; do printf "READY\\nRESULT 2\\nOK"; sleep 0.001; done'`;
    const init = await box.init({
      config: config(
        listener(chatter, "events=PROCESS_LOG"),
        "[program:web]\ncommand=sh -c 'yes 0123456789 | head -c 8000000; sleep 1000'\nstdout_events_enabled=true\nstdout_logfile=NONE",
      ),
    });
    await init.line(/pool mail event buffer overflowed/);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  boxed("a client writes to a program's stdin, until that is full, closed, or gone", async (box) => {
    const program = (name: string, command: string, ...keys: readonly string[]): string =>
      [`[program:${name}]`, `command=${command}`, "startsecs=0", ...keys].join("\n");
    const init = await box.init({
      config: config(
        program("cat", "cat", "stdin=pipe"),
        program("deaf", "sleep 1000", "stdin=pipe"),
        program("shut", "sh -c 'exec <&-; echo shut; sleep 1000'", "stdin=pipe"),
        program("null", "sleep 1000"),
        program("off", "cat", "stdin=pipe", "autostart=false"),
      ),
    });
    await init.line(/shut +\| shut/);
    assert.equal(await init.rpc("sendProcessStdin", "cat", "grüße\n"), true);
    await init.line(/cat +\| grüße/);
    for (const name of ["shut", "null"])
      assert.equal(await init.rpc("sendProcessStdin", name, "x"), `fault 20 NO_FILE: ${name}`);
    assert.equal(await init.rpc("sendProcessStdin", "off", "x"), "fault 70 NOT_RUNNING: off");
    const much = "x".repeat(400_000);
    const answers: unknown[] = [];
    for (let i = 0; i < 4; i++) answers.push(await init.rpc("sendProcessStdin", "deaf", much));
    assert.deepEqual(answers.slice(0, 2), [true, true]);
    assert.match(String(answers[3]), /^fault 30 FAILED: deaf does not read its stdin/);
    assert.equal(await init.rpc("stopProcess", "deaf"), true);
    assert.equal(await init.rpc("startProcess", "deaf"), true);
    assert.equal(await init.rpc("sendProcessStdin", "deaf", "x"), true, "a new process, a new pipe");
  });

  boxed("the write ends of programs' stdin are the init's alone", async (box) => {
    const init = await box.init({
      config: config(
        listener(listenerCommand("record", "notes"), "events=EVENT"),
        "[program:a]\ncommand=sleep 1000\nstdin=pipe",
        "[program:b]\ncommand=sleep 1000\nstdin=pipe",
      ),
    });
    await init.line(/success: b/);
    const pids = init
      .processes()
      .filter(({ parent }) => parent === 1)
      .map(({ pid }) => pid);
    assert.equal(pids.length, 3);
    for (const pid of pids) assert.deepEqual(descriptors(init, pid).slice(0, 3), ["0", "1", "2"]);
    for (const pid of pids.slice(1)) assert.deepEqual(descriptors(init, pid), ["0", "1", "2"]);
    const [stdinOfA] = pids.slice(1).map((pid) => readlinkSync(`/proc/${init.outer(pid)}/fd/0`));
    const holders = pids.filter((pid) => links(init, pid).includes(stdinOfA ?? ""));
    assert.equal(holders.length, 1);
  });
});

const descriptors = (init: Init, pid: number): string[] => readdirSync(`/proc/${init.outer(pid)}/fd`).sort();
const links = (init: Init, pid: number): string[] =>
  descriptors(init, pid).map((fd) => readlinkSync(`/proc/${init.outer(pid)}/fd/${fd}`));
