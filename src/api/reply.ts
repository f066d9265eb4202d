/** What a route answers with: a page, or a log that goes on. */
import type { LogSource } from "./log-stream.ts";

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Done once the reply is on its way. */
  readonly after?: readonly (() => void)[];
}

export interface StreamReply {
  readonly status: 200;
  readonly headers: Readonly<Record<string, string>>;
  readonly source: LogSource;
}

export function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, contentType: "text/plain; charset=utf-8", body: `${text}\n`, headers };
}
