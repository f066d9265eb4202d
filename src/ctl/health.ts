/** `tsinit health`: asks the running init how it is; for HEALTHCHECK and exec probes in images without curl. */
import { type Credentials, exchange, type HttpAnswer } from "./client.ts";
import { type Endpoint, parseServerUrl } from "./server-url.ts";

/** Where the init may be asked, from its configuration. */
export interface HealthEndpoints extends Credentials {
  /** The public listener; null when it is switched off. An empty host is every address. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  /** The control server, asked when the public listener does not answer; null: look at `candidates`. */
  readonly serverUrl: string | null;
  /** Paths of control sockets. */
  readonly candidates: readonly string[];
}

const PATHS: Readonly<Record<string, string>> = { live: "/livez", ready: "/readyz", startup: "/startupz" };
const TIMEOUT_MS = 5000;
/** Docker reserves 2 and treats nothing but 0 as healthy. */
const UNHEALTHY = 1;

/** One line why; 0 healthy, 1 anything else, faults of ours included. */
export async function runHealth(
  argv: readonly string[],
  endpoints: HealthEndpoints,
  io: { out(text: string): void },
): Promise<number> {
  try {
    const { ok, line } = await ask(argv, endpoints);
    io.out(`${line}\n`);
    return ok ? 0 : UNHEALTHY;
  } catch (error) {
    io.out(`${error instanceof Error ? error.message : String(error)}\n`);
    return UNHEALTHY;
  }
}

interface Verdict {
  readonly ok: boolean;
  readonly line: string;
}

async function ask(argv: readonly string[], endpoints: HealthEndpoints): Promise<Verdict> {
  const isKind = argv[0] !== undefined && Object.hasOwn(PATHS, argv[0]);
  const kind = isKind ? (argv[0] ?? "ready") : "ready";
  const [program, ...rest] = isKind ? argv.slice(1) : argv;
  if (rest.length > 0 || program?.startsWith("-"))
    return { ok: false, line: "usage: tsinit health [live|ready|startup] [PROGRAM]" };
  if (kind === "startup" && program !== undefined)
    return { ok: false, line: "startup is a question about all programs, not about one" };
  const path = `${PATHS[kind]}${program === undefined ? "" : `/${encodeURIComponent(program)}`}`;
  const silent: string[] = [];
  for (const [name, endpoint] of places(endpoints)) {
    try {
      const sent = { method: "GET", path: `${path}?verbose`, timeout: TIMEOUT_MS } as const;
      const verdict = judge(kind, program ?? null, await exchange(endpoint, endpoints, sent));
      if (verdict) return verdict;
      silent.push(`${name}: not a tsinit`);
    } catch (error) {
      silent.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { ok: false, line: `${kind}: no answer (${silent.join("; ") || "nowhere to ask"})` };
}

function places({ listen, serverUrl, candidates }: HealthEndpoints): [name: string, endpoint: Endpoint][] {
  const found: [string, Endpoint][] = [];
  if (listen) {
    const { host, port } = listen;
    const local = ["", "*", "0.0.0.0"].includes(host) ? "127.0.0.1" : host === "::" ? "::1" : host;
    found.push([`${local}:${port}`, { host: local, port }]);
  }
  if (serverUrl !== null) found.push([serverUrl, parseServerUrl(serverUrl)]);
  if (serverUrl === null) for (const path of candidates) found.push([path, { socketPath: path }]);
  return found;
}

/** null: whoever answers there is somebody else. */
function judge(kind: string, program: string | null, { status, body }: HttpAnswer): Verdict | null {
  const what = program === null ? kind : `${kind} ${program}`;
  if (status === 404 && body.startsWith("no such program"))
    return { ok: false, line: `${what}: no such program` };
  if ((status !== 200 && status !== 503) || !/ check (?:passed|failed)\n$/.test(body)) return null;
  if (status === 200) return { ok: true, line: `${what}: ok` };
  const failures = body.split("\n").filter((line) => line.startsWith("[-]"));
  return { ok: false, line: `${what}: ${failures.map((line) => line.slice(3)).join("; ")}` };
}
