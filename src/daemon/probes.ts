/** The ways to ask a program from outside: HTTP, a port, a command. Node's part for each is loaded when one is used. */
import type http from "node:http";
import { describeStatus } from "../core/describe.ts";
import type { Probe, ProgramSpec } from "../core/spec.ts";
import type { Pid } from "../core/states.ts";
import type { Helper, Helpers } from "./helpers.ts";
import { OTHER } from "./launch.ts";
import { createLookup } from "./lookup.ts";

/** `isOurs`: it failed here (no descriptor, no process to be had), which says nothing about the program. */
export type Verdict =
  | { readonly ok: true; readonly reason: string }
  | { readonly ok: false; readonly reason: string; readonly isOurs: boolean };

/** Asks once. The first call of `done` counts; the answer gives the question up. */
export type AskOnce = (done: (verdict: Verdict) => void) => () => void;

/** The program as it is when the question is asked; null: it is not there any more. */
type Subject = () => { readonly spec: ProgramSpec; readonly pid: Pid } | null;

export type Ask = (probe: Probe, subject: Subject) => AskOnce;

export const YES: Verdict = { ok: true, reason: "" };

/** Runs out here, not there. */
const OURS = new Set(["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EADDRNOTAVAIL", "EAGAIN"]);

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ENOTFOUND: "host not found",
  EAI_AGAIN: "host not found",
};

export function no(reason: string): Verdict {
  return { ok: false, reason, isOurs: false };
}

export function createAsk(helpers: Helpers): Ask {
  return (probe, subject) => {
    switch (probe.kind) {
      case "http":
        return (done) => askHttp(probe.url, done);
      case "tcp":
        return (done) => askTcp(probe.host, probe.port, done);
      case "exec":
        return askExec(probe, subject, helpers);
    }
  };
}

function failed(kind: string, error: unknown): Verdict {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const text = WORDS[code] ?? (code === "" ? String(error) : code);
  return { ok: false, reason: `${kind}: ${text}`, isOurs: OURS.has(code) };
}

/** 2xx and 3xx are a yes; a certificate may be anything, for who asks is in the same container. */
function askHttp(url: string, done: (verdict: Verdict) => void): () => void {
  const options: http.RequestOptions = {
    // No agent, no keep-alive: a connection of its own for each question, as from outside.
    agent: false,
    lookup: createLookup(),
    headers: { Connection: "close", "User-Agent": "tsinit", Accept: "*/*" },
  };
  let request: http.ClientRequest;
  try {
    request = url.startsWith("https:")
      ? process.getBuiltinModule("node:https").request(url, { ...options, rejectUnauthorized: false })
      : process.getBuiltinModule("node:http").request(url, options);
  } catch (error) {
    done(failed("http", error));
    return () => {};
  }
  request.on("response", (response) => {
    const { statusCode = 0 } = response;
    // The status is all there is to know: nobody reads the body.
    request.destroy();
    done(statusCode >= 200 && statusCode < 400 ? YES : no(`http ${statusCode}`));
  });
  request.on("error", (error) => done(failed("http", error)));
  request.on("close", () => done(no("http: connection closed")));
  request.end();
  return () => request.destroy();
}

function askTcp(host: string, port: number, done: (verdict: Verdict) => void): () => void {
  const { connect } = process.getBuiltinModule("node:net");
  const socket = connect({ host, port, lookup: createLookup() });
  socket.on("connect", () => {
    socket.destroy();
    done(YES);
  });
  socket.on("error", (error) => done(failed("tcp", error)));
  return () => socket.destroy();
}

/**
 * Exit 0 is a yes. Never two at a time: what was given up takes a moment to be gone, and the next waits for that as long as
 * its own time lasts.
 */
function askExec(
  { command, argv }: Extract<Probe, { kind: "exec" }>,
  subject: Subject,
  helpers: Helpers,
): AskOnce {
  let last: Helper | null = null;
  let next: (() => void) | null = null;
  const start: AskOnce = (done) => {
    const asked = subject();
    if (asked === null) return () => {};
    const started = helpers.run({
      spec: asked.spec,
      hook: { command, argv },
      mainPid: asked.pid,
      output: "keep",
      onEnd(status, output) {
        if (status.kind === "exited" && status.code === 0) return done(YES);
        const words = oneLine(output);
        done(no(`exec: ${describeStatus(status)}${words === "" ? "" : `: ${words}`}`));
      },
      onGone: () => next?.(),
    });
    if (!started.ok) {
      done({ ok: false, reason: `exec: ${started.reason}`, isOurs: started.code === OTHER });
      return () => {};
    }
    const { helper } = started;
    last = helper;
    return () => helper.kill();
  };
  return (done) => {
    if (last === null || last.gone) return start(done);
    let abort: (() => void) | null = null;
    next = () => {
      next = null;
      abort = start(done);
    };
    return () => {
      if (abort !== null) return abort();
      next = null;
      done(no("exec: the one before cannot be killed"));
    };
  };
}

/** For a reason, which is one line wherever it is shown. */
function oneLine(output: string): string {
  return output.replace(/[\s\p{Cc}]+/gu, " ").trim();
}
