/** supervisorctl, theirs and ours, beside each other: on servers of their own that were started alike. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Box } from "../container/harness.ts";
import type { Init } from "../container/init.ts";
import { BINARY, PATH } from "../container/scene.ts";

export const SUPERVISORCTL = "/usr/bin/supervisorctl";
export const SERVERS = { supervisord: "/usr/bin/supervisord", tsinit: BINARY } as const;
export type ServerName = keyof typeof SERVERS;

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Two servers of one kind; the real client talks to the first and ours to the second. */
export interface Twins {
  readonly theirs: Init;
  readonly ours: Init;
}

/** `[unix_http_server]` and what supervisord needs besides; the socket is `@DIR@/s`. */
export const SERVER_SECTIONS = `
[unix_http_server]
file=@DIR@/s
[supervisord]
nodaemon=true
logfile=@DIR@/main.log
pidfile=@DIR@/pid
childlogdir=@DIR@
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
`;

export async function startTwins(box: Box, server: ServerName, config: string): Promise<Twins> {
  const [theirs, ours] = await Promise.all([
    startServer(box, server, config),
    startServer(box, server, config),
  ]);
  return { theirs, ours };
}

export async function startServer(box: Box, server: ServerName, config: string): Promise<Init> {
  const init = await box.init({ binary: SERVERS[server], config: SERVER_SECTIONS + config });
  symlinkSync(BINARY, join(init.dir, "supervisorctl"));
  await init.until("the server to answer", async () => {
    const { code } = await runClient(ourClient(init), ["-s", urlOf(init), "pid"]);
    return code === 0;
  });
  return init;
}

export const urlOf = (init: Init): string => `unix://${init.dir}/s`;
export const ourClient = (init: Init): string => join(init.dir, "supervisorctl");

export function runClient(client: string, args: readonly string[], input = ""): Promise<Run> {
  const env = { PATH, LANG: "C.UTF-8", TERM: "dumb" };
  return new Promise((resolve) => {
    const child = execFile(client, args, { timeout: 60_000, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
    // It may end without having read anything.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** Folders, ids, times, and places in source files differ and mean nothing. */
export function normalise({ code, stdout, stderr }: Run, init: Init): Run {
  const clean = (text: string): string =>
    text
      .replaceAll(init.dir, "@DIR@")
      .replace(/pid \d+, uptime \d+:\d\d:\d\d/g, "pid N, uptime T")
      .replace(/[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M/g, "DATE")
      .replace(/^[1-9]\d*$/gm, "N")
      .replace(/: file: .* line: \d+/g, ": file: F line: N")
      .replace(/^For help, use .* -h$/gm, "For help, use supervisorctl -h");
  return { code, stdout: clean(stdout), stderr: clean(stderr) };
}

/** The same words to both; they must print the same and end alike. */
export function compare(twins: Twins, args: readonly string[], input = ""): Promise<Run> {
  return compareWith(twins, (init) => ["-s", urlOf(init), ...args], input);
}

/** The same for a server that may not be there. */
export function compareUrl(twins: Twins, url: string, command: string): Promise<Run> {
  return compareWith(twins, () => ["-s", url, command], "");
}

async function compareWith(
  twins: Twins,
  words: (init: Init) => string[],
  input: string,
  order: (text: string) => string = (text) => text,
): Promise<Run> {
  const [theirs, ours] = await Promise.all([
    runClient(
      SUPERVISORCTL,
      words(twins.theirs).map((word) => twins.theirs.fill(word)),
      input,
    ),
    runClient(
      ourClient(twins.ours),
      words(twins.ours).map((word) => twins.ours.fill(word)),
      input,
    ),
  ]);
  const expected = normalise(theirs, twins.theirs);
  const arranged = (run: Run): Run => ({ ...run, stdout: order(run.stdout) });
  assert.deepEqual(
    arranged(normalise(ours, twins.ours)),
    arranged(expected),
    `supervisorctl ${words(twins.ours).join(" ")}`,
  );
  return expected;
}

/**
 * A command per line; one that says `CODE: command` also names its exit code, and `CODE~ command` is about programs that
 * end in whatever order they do.
 */
export async function compareLines(twins: Twins, lines: string): Promise<void> {
  for (const line of lines.split("\n").map((each) => each.trim())) {
    if (line === "") continue;
    const [, code, mark, command = ""] = /^(?:(\d+)([:~]) )?(.*)$/.exec(line) ?? [];
    const run = await compareWith(
      twins,
      (init) => ["-s", urlOf(init), ...command.split(" ")],
      "",
      mark === "~" ? sorted : (text) => text,
    );
    if (code !== undefined) assert.equal(run.code, Number(code), line);
  }
}

function sorted(text: string): string {
  return text.split("\n").sort().join("\n");
}
