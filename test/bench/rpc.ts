/** The smallest clients of the HTTP surfaces: one for all systems, so that its cost is the same. */
import { request } from "node:http";

export type Answer = { readonly status: number; readonly body: string; readonly ms: number };

type Target = { readonly socketPath: string } | { readonly host: string; readonly port: number };

function ask(target: Target, path: string, method: string, body: string): Promise<Answer> {
  const since = performance.now();
  return new Promise((resolve, reject) => {
    // No agent: kubelet, too, opens a connection for each probe.
    const headers =
      body === "" ? {} : { "content-type": "text/xml", "content-length": Buffer.byteLength(body) };
    const sent = request({ ...target, path, method, agent: false, headers, timeout: 20_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          ms: performance.now() - since,
        }),
      );
    });
    sent.once("timeout", () => sent.destroy(new Error(`no answer to ${path}`)));
    sent.once("error", reject);
    sent.end(body);
  });
}

/** GET of a path of 127.0.0.1. */
export function get(port: number, path: string): Promise<Answer> {
  return ask({ host: "127.0.0.1", port }, path, "GET", "");
}

/** An XML-RPC call without arguments over a unix socket; throws on anything but an answer with a result. */
export async function call(socketPath: string, method: string): Promise<Answer> {
  const body = `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params/></methodCall>`;
  const answer = await ask({ socketPath }, "/RPC2", "POST", body);
  if (answer.status !== 200 || answer.body.includes("<fault>")) {
    throw new Error(`${method}: ${answer.status} ${answer.body.slice(0, 200)}`);
  }
  return answer;
}

/** The exit code by name of every program that is not running, from the answer of `getAllProcessInfo`. */
export function exitCodes(body: string): Map<string, number> {
  const codes = new Map<string, number>();
  for (const struct of body.split("<struct>").slice(1)) {
    const member = (name: string): string =>
      new RegExp(`<name>${name}</name>\\s*<value>\\s*(?:<\\w+>)?([^<]*)`).exec(struct)?.[1] ?? "";
    if (member("statename") === "EXITED") codes.set(member("name"), Number(member("exitstatus")));
  }
  return codes;
}
