/** Our supervisorctl at a terminal, as a person uses it: what is typed, what is shown. Needs Debian's supervisor. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type Box, boxed } from "../container/harness.ts";
import type { Init } from "../container/init.ts";
import { PYTHON } from "../container/probe.ts";
import { FIXTURES, PATH, within } from "../container/scene.ts";
import { ourClient, runClient, SERVER_SECTIONS, SERVERS, startServer, urlOf } from "./clients.ts";

const PROGRAMS = `
[program:cat]
command=/bin/cat
startsecs=0
stdout_logfile=@DIR@/cat.out
stderr_logfile=@DIR@/cat.err
[program:once]
command=/bin/sh -c 'echo ready; read line; echo got $line; read line'
startsecs=0
autorestart=false
stdout_logfile=@DIR@/once.out
stderr_logfile=@DIR@/once.err
[program:num]
command=sleep 100000
numprocs=2
process_name=n%(process_num)s
startsecs=0
[program:slow]
command=sleep 100000
startsecs=60
autostart=false
`;

const TAB = "\t";
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const UP = "\u001b[A";
const PROMPT = /supervisor> $/;

/** A client on a terminal of its own. */
class Typist {
  readonly #child: ChildProcess;
  /** What has been shown and not been waited for yet, without the escapes that move the cursor. */
  #shown = "";
  #all = "";
  #wake: () => void = () => {};

  constructor(init: Init, ...args: readonly string[]) {
    const words = ["-I", "-S", join(FIXTURES, "terminal.py"), ourClient(init), "-s", urlOf(init), ...args];
    this.#child = spawn(PYTHON, words, { env: { PATH, TERM: "xterm" }, stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      const text = chunk.toString().replace(/\u001b\[\d*[A-Za-z]|\r/g, "");
      this.#shown += text;
      this.#all += text;
      this.#wake();
    });
    this.#child.once("exit", () => this.#wake());
  }

  get everything(): string {
    return this.#all;
  }

  /** Each piece by itself, as keys come: a pasted tab is a tab. */
  type(...keys: readonly string[]): void {
    for (const key of keys) this.#child.stdin?.write(key);
  }

  async sees(pattern: RegExp): Promise<void> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const found = pattern.exec(this.#shown);
      if (found) {
        this.#shown = this.#shown.slice(found.index + found[0].length);
        return;
      }
      const left = deadline - performance.now();
      if (left <= 0 || this.#child.exitCode !== null)
        throw new Error(`waited for ${pattern}; shown:\n${this.#all}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await within(left, promise);
    }
  }

  /** A command at the prompt, and what it must show. */
  async does(line: string, pattern: RegExp): Promise<void> {
    await this.sees(PROMPT);
    this.type(`${line}\r`);
    await this.sees(pattern);
  }

  async ends(): Promise<number | null> {
    if (this.#child.exitCode === null) await within(10_000, once(this.#child, "exit"));
    assert.notEqual(this.#child.exitCode, null, `it should have ended; shown:\n${this.#all}`);
    return this.#child.exitCode;
  }

  close(): void {
    if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
  }
}

function atTerminal(
  title: string,
  args: readonly string[],
  body: (typist: Typist, init: Init) => Promise<void>,
): void {
  for (const server of ["supervisord", "tsinit"] as const)
    boxed(`on ${server}: ${title}`, async (box: Box) => {
      const init = await startServer(box, server, PROGRAMS);
      const typist = new Typist(init, ...args.map((word) => init.fill(word)));
      try {
        await body(typist, init);
      } finally {
        typist.close();
      }
    });
}

atTerminal("status, completion, history, questions, the ways out", [], async (typist, init) => {
  await typist.sees(/^num:n0 +RUNNING/m);
  await typist.sees(PROMPT);
  typist.type("ver");
  typist.type(TAB);
  await typist.sees(/version /);
  typist.type("\r");
  await typist.sees(/4\.2\.5/);
  await typist.sees(PROMPT);
  typist.type("status nu");
  await typist.sees(/status nu/);
  typist.type(TAB);
  await typist.sees(/m:/);
  typist.type("n1\r");
  await typist.sees(/^num:n1 +RUNNING/m);
  await typist.sees(PROMPT);
  typist.type(UP, UP);
  await typist.sees(/version /);
  typist.type("\r");
  await typist.sees(/4\.2\.5/);
  await typist.does("", /\n/);
  await typist.does("foo", /Unknown syntax: foo/);
  await typist.does("shutdown", /y\/N\? /);
  typist.type("no\r");
  await typist.does("pid", /\d+\n/);
  // The answer to a question is no command that could be had again.
  await typist.sees(PROMPT);
  typist.type(UP, UP);
  await typist.sees(/shutdown/);
  typist.type(CTRL_C);
  assert.equal(await typist.ends(), 0);
  assert.notEqual(init.pid, 0);
});

atTerminal("a log and a program that are attended, and left", [], async (typist, init) => {
  await typist.does("maintail -f", /spawned: /);
  typist.type(CTRL_C);
  await typist.does("fg cat", /exit <==\n/);
  typist.type("hello\r");
  await typist.sees(/hello\n/);
  // Whatever the moment.
  typist.type(CTRL_D);
  await typist.sees(/Exiting foreground/);
  await typist.does("tail -f cat", /exit <==\nhello\n/);
  typist.type(CTRL_C);
  await typist.does("fg cat", /exit <==/);
  typist.type(CTRL_C);
  await typist.sees(/Exiting foreground/);
  await typist.does("fg cat", /exit <==/);
  typist.type("again\r", CTRL_C);
  await typist.sees(/Exiting foreground/);
  await typist.does("fg once", /ready/);
  typist.type("you\r");
  await typist.sees(/got you/);
  assert.equal((await runClient(ourClient(init), ["-s", urlOf(init), "stop", "once"])).code, 0);
  typist.type("x\r");
  await typist.sees(/Process got killed\nExiting foreground/);
  // A start that lasts is left, and the client with it.
  await typist.does("start slow", /start slow/);
  // Until the client has sent it, the terminal's keys may still be the line editor's.
  await init.until("slow to be STARTING", async () => {
    const { stdout } = await runClient(ourClient(init), ["-s", urlOf(init), "status", "slow"]);
    return /STARTING/.test(stdout);
  });
  typist.type(CTRL_C);
  assert.equal(await typist.ends(), 0);
});

atTerminal("-r: the lines come back in the next session", ["-r", "@DIR@/history"], async (typist, init) => {
  await typist.does("version", /4\.2\.5/);
  await typist.sees(PROMPT);
  typist.type(CTRL_D);
  assert.equal(await typist.ends(), 0);
  assert.equal(readFileSync(join(init.dir, "history"), "utf8"), "version\n");
  const next = new Typist(init, "-r", join(init.dir, "history"));
  try {
    await next.sees(PROMPT);
    next.type(UP);
    await next.sees(/version/);
    next.type("\r");
    await next.sees(/4\.2\.5/);
    await next.does("quit", /\n/);
    assert.equal(await next.ends(), 0);
  } finally {
    next.close();
  }
});

atTerminal(
  "a history that cannot be written costs nothing but itself",
  ["-r", "/proc/no/file"],
  async (typist) => {
    await typist.does("version", /history is not kept: [^]*4\.2\.5/);
    await typist.does("exit", /\n/);
    assert.equal(await typist.ends(), 0);
  },
);

boxed("a login is asked for, the password is not shown", async (box) => {
  const login = SERVER_SECTIONS.replace("file=@DIR@/s", "file=@DIR@/s\nusername=me\npassword=secret");
  const init = await box.init({ binary: SERVERS.supervisord, config: login + PROGRAMS });
  await init.line(/cat entered RUNNING state/);
  symlinkSync(SERVERS.tsinit, ourClient(init));
  const typist = new Typist(init);
  try {
    await typist.sees(/Server requires authentication\nUsername:/);
    typist.type("me\r");
    await typist.sees(/Password:/);
    typist.type("secre", "tt\u007f", "\r");
    await typist.sees(/^\n[^]*cat +RUNNING/);
    await typist.does("pid", /\d+\n/);
    await typist.does("quit", /\n/);
    assert.equal(await typist.ends(), 0);
    assert.doesNotMatch(typist.everything, /secre/);
  } finally {
    typist.close();
  }
});
