/** The words that scenarios are written in. Those that take `differs` compare, the others only do or await. */
import { rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { RpcAnswer } from "./helper.ts";
import type { Differs, Seen, Step } from "./scenario.ts";
import type { Side } from "./side.ts";

interface CtlOptions {
  readonly differs?: Differs;
  readonly stdin?: string;
  /** Seconds until ^C. */
  readonly interrupt?: number;
  /** Before the command; default `-c @DIR@/supervisord.conf`. */
  readonly options?: readonly string[];
}

function comparing(label: string, differs: Differs | undefined, act: Step["act"]): Step {
  return { label, compares: differs === undefined ? {} : { differs }, act };
}

function doing(label: string, act: (side: Side) => Promise<void>): Step {
  return {
    label,
    compares: null,
    async act(side) {
      await act(side);
      return undefined;
    },
  };
}

/** The real supervisorctl: `{code, out}`. */
export function ctl(command: string, options: CtlOptions = {}): Step {
  return comparing(`supervisorctl ${command}`, options.differs, async (side) => {
    const words = command === "" ? [] : command.split(" ");
    const before = options.options ?? ["-c", "@DIR@/supervisord.conf"];
    return { ...(await side.ctl([...before, ...words], options.stdin ?? "", options.interrupt ?? 0)) };
  });
}

/** Each side's own client: theirs of theirs, ours of ours. */
export function ownCtl(command: string, differs?: Differs): Step {
  return comparing(`own supervisorctl ${command}`, differs, async (side) => {
    const args = ["-c", "@DIR@/supervisord.conf", ...command.split(" ")];
    if (side.name === "real") return { ...(await side.ctl(args, "", 0)) };
    const { code, stdout, stderr } = await side.run("@DIR@/supervisorctl", args);
    return { code, out: stdout + stderr };
  });
}

/** An XML-RPC call by Python's client; a bare name is a method of `supervisor`. */
export function rpc(method: string, params: readonly Seen[] = [], differs?: Differs): Step {
  return comparing(
    `${method}(${params.map((each) => JSON.stringify(each)).join(", ")})`,
    differs,
    async (side) => answerOf(await side.rpc(fullName(method), params)),
  );
}

/** The same at another server or with a login. */
export function rpcAt(
  login: { url: string; username?: string; password?: string },
  method: string,
  params: readonly Seen[] = [],
  differs?: Differs,
): Step {
  return comparing(`${method} at ${login.url} as ${login.username ?? "nobody"}`, differs, async (side) =>
    answerOf(await side.rpc(fullName(method), params, login)),
  );
}

function fullName(method: string): string {
  return method.includes(".") ? method : `supervisor.${method}`;
}

function answerOf(answer: RpcAnswer): Seen {
  if (answer.fault !== undefined) return { fault: [...answer.fault] };
  return answer.error === undefined ? (answer.value as Seen) : { error: answer.error };
}

/** Awaits states: `web RUNNING, db STOPPED`. */
export function until(wanted: string, timeout?: number): Step {
  const pairs = wanted.split(", ").map((pair) => pair.split(" ") as [string, string]);
  return doing(`until ${wanted}`, (side) =>
    side.until(
      wanted,
      async () => {
        for (const [name, state] of pairs) {
          const { value } = await side.rpc("supervisor.getProcessInfo", [name]);
          if ((value as { statename?: string } | undefined)?.statename !== state) return false;
        }
        return true;
      },
      timeout,
    ),
  );
}

/** Awaits that the file matches. */
export function untilFile(name: string, pattern: RegExp, timeout?: number): Step {
  return doing(`until ${name} has ${pattern}`, (side) =>
    side.until(`${name} to have ${pattern}`, () => pattern.test(side.read(name) ?? ""), timeout),
  );
}

/** Awaits that the stdout of a program, as its log, matches. */
export function untilOutput(program: string, pattern: RegExp): Step {
  return doing(`until the output of ${program} has ${pattern}`, (side) =>
    side.until(`the output of ${program} to have ${pattern}`, async () => {
      const { value } = await side.rpc("supervisor.readProcessStdoutLog", [program, 0, 0]);
      return pattern.test(String(value));
    }),
  );
}

/** Awaits one of the daemon's own lines. */
export function untilSaid(pattern: RegExp): Step {
  return doing(`until it says ${pattern}`, (side) =>
    side.until(`it to say ${pattern}`, () => pattern.test(ownLines(side).join("\n"))),
  );
}

/** Without waiting for anything; no difference is looked for. */
export function act(label: string, does: (side: Side) => Promise<unknown>): Step {
  return doing(label, async (side) => {
    await does(side);
  });
}

export function write(name: string, text: string): Step {
  return doing(`write ${name}`, async (side) => side.write(name, text));
}

export function remove(name: string): Step {
  return doing(`remove ${name}`, async (side) => rmSync(join(side.dir, name)));
}

/** A signal to the daemon itself. */
export function kill(signal: NodeJS.Signals): Step {
  return doing(`kill -${signal} the daemon`, async (side) => {
    process.kill(side.pid, signal);
  });
}

/** A signal to a program, from outside. */
export function killProgram(signal: NodeJS.Signals, program: string): Step {
  return doing(`kill -${signal} ${program}`, async (side) => {
    const { value } = await side.rpc("supervisor.getProcessInfo", [program]);
    process.kill((value as { pid: number }).pid, signal);
  });
}

/** The text of a file, null when there is none. */
export function file(name: string, differs?: Differs): Step {
  return comparing(`file ${name}`, differs, async (side) => side.read(name));
}

/** Its lines in any order: who writes first is chance. */
export function sortedFile(name: string, differs?: Differs): Step {
  return comparing(`lines of ${name}`, differs, async (side) => (side.read(name) ?? "").split("\n").sort());
}

/** How the daemon ends. */
export function exits(differs?: Differs): Step {
  return comparing("exit code of the daemon", differs, (side) => side.exit());
}

/** What the daemon says about a program in its own log: level and text. */
export function said(program: string, differs?: Differs): Step {
  const about = new RegExp(
    `^\\w+ (?:spawned: '|success: |exited: |stopped: |gave up: |killing ')${program}\\b`,
  );
  return comparing(`what is said about ${program}`, differs, async (side) => {
    // What it has written may still be in the pipe.
    for (let before = -1; before !== ownLines(side).length; ) {
      before = ownLines(side).length;
      await delay(100);
    }
    return ownLines(side)
      .filter((line) => about.test(line))
      .map((line) => line.replace(/\(\d+\)/, "(PID)"));
  });
}

/**
 * Everything that is said of a program at any level, each line once: how often a wait is told is a matter of time, and
 * whether it is of one that ends at once, of luck (`waits`: it does not). What Python closes is its own affair.
 */
export function told(program: string, waits: boolean, differs?: Differs): Step {
  return comparing(`what is told of ${program}`, differs, async (side) => {
    for (let before = -1; before !== ownLines(side).length; ) {
      before = ownLines(side).length;
      await delay(100);
    }
    const lines = ownLines(side)
      .filter((line) => new RegExp(`\\b${program}\\b`).test(line) && !/^DEBG fd \d+ closed/.test(line))
      .filter((line) => waits || !line.startsWith("INFO waiting for"))
      .map((line) => line.replace(/\(\d+\)/, "(PID)").replace(/\bpid \d+/, "pid PID"));
    return [...new Set(lines)];
  });
}

/** The daemon's own lines like this one; `await`: when there is one. */
export function ownWords(pattern: RegExp, wait: "await" | "now", differs?: Differs): Step {
  return comparing(`its own words, ${pattern}`, differs, async (side) => {
    const found = (): string[] => ownLines(side).filter((line) => pattern.test(line));
    if (wait === "await") await side.until(`a line like ${pattern}`, () => found().length > 0);
    return found();
  });
}

/** `LEVEL text` of the daemon's own lines: supervisord's log on its stdout, ours on stderr. */
export function ownLines(side: Side): string[] {
  const pattern = side.name === "real" ? /^\S+ \S+,\d+ (\w+ .*)$/gm : /^tsinit +\| (\w+ .*)$/gm;
  return [...(side.name === "real" ? side.stdout : side.stderr).matchAll(pattern)].map(
    (match) => match[1] ?? "",
  );
}

/** Everything on one of its own streams. */
export function stream(name: "stdout" | "stderr", pattern: RegExp, differs?: Differs): Step {
  return comparing(`${name} of the daemon, ${pattern}`, differs, async (side) =>
    side[name]
      .split("\n")
      .filter((line) => pattern.test(line))
      .join("\n"),
  );
}

interface HttpOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Names of headers, or `body`. */
  readonly show?: readonly string[];
}

/** A request at the first port: the status and what is to be shown. */
export function http(path: string, options: HttpOptions = {}, differs?: Differs): Step {
  const { method = "GET", headers = {}, body = "", show = [] } = options;
  return comparing(`${method} ${path}`, differs, async (side) => {
    const answer = await exchange(side.fill(`http://127.0.0.1:@PORT1@${path}`), method, headers, body);
    return {
      status: answer.status,
      ...Object.fromEntries(
        show.map((name) => [name, name === "body" ? answer.body : (answer.headers[name] ?? null)]),
      ),
    };
  });
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function exchange(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false, timeout: 20_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(
            Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
          ),
          body: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    request.on("timeout", () => request.destroy(new Error(`${method} ${url}: no answer`)));
    request.on("error", reject);
    if (method === "GET") request.end();
    else request.end(body);
  });
}

/** The same, compared without order: who ends first is chance. Lines of output, elements of a list. */
export function sorted(step: Step): Step {
  return {
    ...step,
    label: `${step.label}, sorted`,
    async act(side) {
      const seen = await step.act(side);
      return seen === undefined ? undefined : inOrder(seen);
    },
  };
}

function inOrder(seen: Seen): Seen {
  if (typeof seen === "string") return seen.split("\n").sort().join("\n");
  if (Array.isArray(seen)) return [...seen].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (seen === null || typeof seen !== "object") return seen;
  return Object.fromEntries(Object.entries(seen).map(([name, each]) => [name, inOrder(each)]));
}

/** It refuses to start: exit code and sentence. Ours says more; what supervisord says must be in it. */
export function refuses(differs?: Differs): Step {
  return {
    label: "it refuses to start",
    compares: {
      ...(differs === undefined ? {} : { differs }),
      reconcile(theirs, ours) {
        const [said, answer] = [fields(theirs)["says"], fields(ours)["says"]];
        const contained =
          typeof said === "string" && typeof answer === "string" && said !== "" && answer.includes(said);
        return contained ? { ...fields(ours), says: said } : ours;
      },
    },
    async act(side) {
      const code = await side.exit();
      const words = side.stderr
        .replace(/^For help, use .*\n?/m, "")
        .replace(/ENV_TSINIT_LISTEN, /, "")
        .trim();
      // The place stands before the sentence with us and after it there.
      const sentence = words.replace(/^Error: /, "").replace(/ in section '.*' \(file: '.*'\)$/, "");
      return { code, says: side.name === "real" ? sentence : words };
    },
  };
}

function fields(seen: Seen): Readonly<Record<string, Seen>> {
  return seen !== null && typeof seen === "object" && !Array.isArray(seen)
    ? (seen as Readonly<Record<string, Seen>>)
    : {};
}

/** What a program started as `probe.sh NAME` is given: read from the file that it wrote. */
export function probed(name: string, differs?: Differs): Step {
  return comparing(`what ${name} is given`, differs, async (side) => {
    await side.until(`${name} to look around`, () => side.read(`${name}.json`) !== null);
    const seen = JSON.parse(side.read(`${name}.json`) ?? "{}") as Record<string, Seen>;
    return seen;
  });
}

/** A sh and a Python that write what they were given to NAME.json beside them, then wait. */
export const PROBE: Readonly<Record<string, string>> = {
  "probe.sh": `#!/bin/sh
# The shell changes no signals, Python would; and no other process, the shell blocks signals while it makes one.
PROBE_STATUS=
while read -r name value; do
  case $name in
    Umask:|Uid:|Gid:|Groups:|SigBlk:|SigIgn:|SigCgt:|NoNewPrivs:) PROBE_STATUS="$PROBE_STATUS$name $value
" ;;
  esac
done < /proc/$$/status
export PROBE_STATUS
exec python3 -S -E "@DIR@/probe.py" "$@"
`,
  "probe.py": `import json, os, resource, signal, stat, sys
def kind(fd):
    try: mode = os.fstat(fd).st_mode
    except OSError: return "closed"
    for name in ("FIFO", "SOCK", "CHR", "REG"):
        if getattr(stat, "S_IS" + name)(mode): return name
    return "?"
status = dict(line.split(":", 1) for line in os.environ.pop("PROBE_STATUS").splitlines())
for name in ("PWD", "OLDPWD", "_", "SHLVL", "LC_CTYPE"): os.environ.pop(name, None)
seen = {
  "argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "status": {k: " ".join(v.split()) for k, v in status.items()},
  "fds": {fd: kind(int(fd)) for fd in ["0", "1", "2"]},
  "more": sorted(fd for fd in os.listdir("/proc/self/fd") if int(fd) > 2 and kind(int(fd)) != "closed" and not os.readlink("/proc/self/fd/" + fd).startswith("/proc/")),
  "group": "own" if os.getpgrp() == os.getpid() else "foreign", "session": "own" if os.getsid(0) == os.getpid() else "the daemon's" if os.getsid(0) == os.getsid(os.getppid()) else "other",
  "parent": os.path.basename(open("/proc/%d/comm" % os.getppid()).read().strip()),
  "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[0], "nice": os.nice(0),
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), sys.argv[1] + ".json")
open(path + ".new", "w").write(json.dumps(seen)); os.rename(path + ".new", path)
signal.pause()
`,
};

/** The target of a symlink or the mode of a file, for what a daemon leaves behind. */
export function look(label: string, does: (side: Side) => Promise<Seen>, differs?: Differs): Step {
  return comparing(label, differs, does);
}

/** Notes `NAME` in the file `order` at its stop signal and ends. */
export const STOPPER: Readonly<Record<string, string>> = {
  "stopper.sh": `#!/bin/sh
trap 'echo "$1" >> "@DIR@/order"; kill $child; exit 0' TERM QUIT INT
sleep 1000 & child=$!
echo up
wait $child
`,
};
