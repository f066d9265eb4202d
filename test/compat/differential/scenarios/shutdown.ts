/** The end: signals, orders of stopping, exit codes, what is left behind; and when nothing is left to do. */

import { existsSync } from "node:fs";
import { BASE, KEEP, type Scenario } from "../scenario.ts";
import {
  act,
  ctl,
  exits,
  file,
  kill,
  look,
  rpc,
  STOPPER,
  said,
  until,
  untilFile,
  untilSaid,
} from "../steps.ts";

/** One after the other: each takes a moment, so that two at the same time show. */
const SLOW = {
  "slow.sh": `#!/bin/sh
trap 'echo "$1 asked" >> "@DIR@/order"; sleep 0.6; echo "$1 ended" >> "@DIR@/order"; kill $child; exit 0' TERM
sleep 1000 & child=$!
wait $child
`,
};

const THREE = `${BASE}
[program:a]
command=@DIR@/slow.sh a
priority=30
[program:b]
command=@DIR@/slow.sh b
priority=10
[program:c]
command=@DIR@/slow.sh c
priority=20
`;

const LEFT = ["supervisord.pid", "s.sock"];

const left = look("what is left behind", async (side) =>
  LEFT.filter((name) => existsSync(`${side.dir}/${name}`)),
);

export const SHUTDOWN: readonly Scenario[] = [
  {
    title: "TERM: by descending priority, exit code 0, nothing left",
    config: THREE,
    files: SLOW,
    steps: [
      until("a RUNNING, b RUNNING, c RUNNING"),
      kill("SIGTERM"),
      exits(),
      file("order"),
      left,
      said("a"),
      said("b"),
    ],
  },
  {
    title: "INT is the same",
    config: THREE,
    files: SLOW,
    steps: [until("a RUNNING, b RUNNING, c RUNNING"), kill("SIGINT"), exits(), file("order")],
  },
  {
    title: "QUIT is the same",
    config: THREE,
    files: SLOW,
    steps: [until("a RUNNING, b RUNNING, c RUNNING"), kill("SIGQUIT"), exits(), file("order")],
  },
  {
    title: "programs of one priority: supervisord stops them one by one, tsinit together",
    config: `${BASE}
[program:a]
command=@DIR@/slow.sh a
[program:b]
command=@DIR@/slow.sh b
`,
    files: SLOW,
    steps: [
      until("a RUNNING, b RUNNING"),
      kill("SIGTERM"),
      exits(),
      file("order", { "stop-together:order": /^[0-3]$/ }),
    ],
  },
  {
    title: "members of a group are stopped together on both",
    config: `${BASE}
[program:a]
command=@DIR@/stopper.sh a
[program:b]
command=@DIR@/stopper.sh b
[group:crew]
programs=a,b
[program:first]
command=@DIR@/stopper.sh first
priority=1
`,
    files: STOPPER,
    steps: [
      until("crew:a RUNNING, crew:b RUNNING, first RUNNING"),
      kill("SIGTERM"),
      exits(),
      look("the last to stop", async (side) => (side.read("order") ?? "").trim().split("\n").at(-1) ?? null),
      said("a"),
    ],
  },
  {
    title: "shutdown by a client",
    config: THREE,
    files: SLOW,
    steps: [until("a RUNNING, b RUNNING, c RUNNING"), ctl("shutdown"), exits(), file("order"), left],
  },
  {
    title: "while it shuts down: calls and clients are told so",
    config: `${BASE}
[program:stubborn]
command=sh -c "trap '' TERM; while :; do sleep 0.2; done"
stopwaitsecs=5
`,
    steps: [
      until("stubborn RUNNING"),
      rpc("shutdown"),
      untilSaid(/waiting for stubborn to die/),
      rpc("getState"),
      rpc("getPID"),
      rpc("startProcess", ["stubborn"]),
      rpc("shutdown"),
      rpc("system.listMethods"),
      ctl("status"),
      ctl("start stubborn"),
      ctl("shutdown"),
      ctl("reread"),
      ctl("avail"),
      exits(),
      said("stubborn", { "kill-after:five": /2/ }),
    ],
  },
  {
    title: "a second TERM: supervisord goes on waiting, tsinit kills",
    config: `${BASE}
[program:stubborn]
command=sh -c "trap '' TERM; while :; do sleep 0.2; done"
stopwaitsecs=4
`,
    steps: [
      until("stubborn RUNNING"),
      kill("SIGTERM"),
      untilSaid(/waiting for stubborn to die/),
      act("a second one", async (side) => {
        const began = performance.now();
        process.kill(side.pid, "SIGTERM");
        await side.exit();
        side.write("took", performance.now() - began > 2500 ? "the four seconds" : "no time");
      }),
      exits(),
      file("took", "second-signal"),
    ],
  },
  {
    title: "programs that ended stay ended, BACKOFF is given up",
    config: `${BASE}${KEEP}
[program:flaky]
command=sh -c "exit 1"
startsecs=5
startretries=100
[program:web]
command=@DIR@/stopper.sh web
[program:done]
command=sh -c "exit 0"
startsecs=0
`,
    files: STOPPER,
    steps: [until("flaky BACKOFF, web RUNNING, done EXITED"), kill("SIGTERM"), exits(), file("order")],
  },
  {
    title: "all is done: supervisord stays, tsinit ends",
    config: `${BASE}
[program:job]
command=sh -c "sleep 1.5; echo done > @DIR@/done"
startsecs=0
`,
    steps: [
      untilFile("done", /done/),
      look(
        "does it end by itself",
        async (side) => {
          const ended = await Promise.race([
            side.exit().then((code) => `ends with ${code}`),
            new Promise<string>((resolve) => setTimeout(() => resolve("stays"), 3000)),
          ]);
          return ended;
        },
        "exit-when-done:success",
      ),
    ],
  },
  {
    title: "all is lost: supervisord stays, tsinit ends with 1",
    config: `${BASE}
[program:bad]
command=sh -c "sleep 1.5; exit 4"
startsecs=4
startretries=0
`,
    steps: [
      untilSaid(/gave up: bad/),
      look(
        "does it end by itself",
        async (side) =>
          Promise.race([
            side.exit().then((code) => `ends with ${code}`),
            new Promise<string>((resolve) => setTimeout(() => resolve("stays"), 3000)),
          ]),
        "exit-when-done:failure",
      ),
    ],
  },
  {
    title: "a pidfile that cannot be written costs nothing; none is written where none is named",
    config: BASE.replace("pidfile=@DIR@/supervisord.pid", "pidfile=@DIR@/") + KEEP,
    steps: [ctl("pid"), ctl("status"), kill("SIGTERM"), exits()],
  },
  {
    title: "USR1: supervisord dies of it and leaves its programs, tsinit does not",
    config: `${BASE}
[program:web]
command=sleep 1000
`,
    steps: [
      until("web RUNNING"),
      kill("SIGUSR1"),
      look(
        "a second later",
        async (side) =>
          Promise.race([
            side.exit().then((code) => `ended by ${code}`),
            new Promise<string>((resolve) => setTimeout(() => resolve("runs"), 1000)),
          ]),
        "other-signals",
      ),
    ],
  },
  {
    title: "start order: tsinit waits for one priority before the next",
    config: `${BASE}
[program:second]
command=sh -c "echo second >> @DIR@/order; exec sleep 1000"
priority=20
[program:first]
command=sh -c "sleep 0.5; echo first >> @DIR@/order; exec sleep 1000"
priority=10
[program:third]
command=sh -c "echo third >> @DIR@/order; exec sleep 1000"
priority=30
`,
    steps: [
      until("first RUNNING, second RUNNING, third RUNNING"),
      untilFile("order", /first/),
      file("order", "start-gate"),
    ],
  },
];
