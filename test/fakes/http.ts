/** Requests as tests make them, and a place for sockets. */
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { linuxKernel } from "../../src/kernel/linux.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Where = { readonly port: number } | { readonly socketPath: string };

export function ask(where: Where, method: string, path: string, headers = {}, body = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, host: "127.0.0.1", method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

export const post = (where: Where, body: string, headers = {}): Promise<Answer> =>
  ask(where, "POST", "/RPC2", { "Content-Length": Buffer.byteLength(body), ...headers }, body);

export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "tsinit-api-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** What the daemon hands to a control server: a socket that listens at the path already. */
export function unixAddress(path: string): {
  readonly kind: "unix";
  readonly fd: number;
  readonly username: null;
  readonly password: null;
} {
  const fd = linuxKernel().listenUnix(path, 16);
  if (typeof fd !== "number") throw new Error(`${path}: ${fd}`);
  return { kind: "unix", fd, username: null, password: null };
}
