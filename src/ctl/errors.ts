/** What can go wrong in the client, and how supervisorctl shows what it did not expect: Python's class and words. */
import { FAULTS, type Fault } from "../api/faults.ts";

/** The server refused the call. */
export class FaultError extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.text);
    this.fault = fault;
  }
}

/** The server answered with something that is no answer to a call. */
export class StatusError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** There was no conversation: `code` is the errno's name. */
export class ConnectionError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Something that supervisorctl meets with an exception of Python's. */
export class PythonError extends Error {
  /** Its class: `ValueError`. */
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Ctrl-C: whatever was going on is to end, and nothing needs to be said about it. */
export class Interrupted extends Error {}

/** `error: <class '…'>, <text>: file: … line: …`, as supervisorctl shows what it did not expect. */
export function errorLine(error: unknown, program: string): string {
  const { type, text } = describeError(error);
  return `error: <class '${type}'>, ${text}: file: ${program} line: 0`;
}

/** What the server refused, for those who know nothing of Python. */
export function faultLine({ code, text }: Fault): string {
  return `error: ${code === FAULTS.SHUTDOWN_STATE ? "tsinit is shutting down" : text}`;
}

/** Python's `str()` of a fault. */
export function faultText({ code, text }: Fault): string {
  return `<Fault ${code}: ${quote(text)}>`;
}

export function describeError(error: unknown): { readonly type: string; readonly text: string } {
  if (error instanceof FaultError) return { type: "xmlrpc.client.Fault", text: faultText(error.fault) };
  if (error instanceof StatusError) {
    const text = `<ProtocolError for 127.0.0.1/RPC2: ${error.status} ${error.message}>`;
    return { type: "xmlrpc.client.ProtocolError", text };
  }
  if (error instanceof PythonError) return { type: error.type, text: error.message };
  if (error instanceof ConnectionError) return describeConnection(error);
  return { type: "Exception", text: error instanceof Error ? error.message : String(error) };
}

function describeConnection({ code, message }: ConnectionError): { type: string; text: string } {
  const [type, text] = CONNECTION_ERRORS[code] ?? ["OSError", message];
  // The same errno for both: nobody said a word, or somebody broke off.
  if (message === "socket hang up")
    return {
      type: "http.client.RemoteDisconnected",
      text: "Remote end closed connection without response",
    };
  // Node's HTTP parser: whoever answered speaks something else.
  if (code.startsWith("HPE_")) return { type: "http.client.BadStatusLine", text: message };
  return { type, text };
}

const CONNECTION_ERRORS: Readonly<Record<string, [type: string, text: string]>> = {
  ECONNREFUSED: ["ConnectionRefusedError", "[Errno 111] Connection refused"],
  ENOENT: ["FileNotFoundError", "[Errno 2] No such file or directory"],
  EACCES: ["PermissionError", "[Errno 13] Permission denied"],
  ECONNRESET: ["ConnectionResetError", "[Errno 104] Connection reset by peer"],
  EPIPE: ["BrokenPipeError", "[Errno 32] Broken pipe"],
  ETIMEDOUT: ["TimeoutError", "[Errno 110] Connection timed out"],
  ENETUNREACH: ["OSError", "[Errno 101] Network is unreachable"],
  EHOSTUNREACH: ["OSError", "[Errno 113] No route to host"],
  ENOTFOUND: ["socket.gaierror", "[Errno -2] Name or service not known"],
  EAI_AGAIN: ["socket.gaierror", "[Errno -3] Temporary failure in name resolution"],
  // Nothing else about a socket's path is refused like this.
  EINVAL: ["OSError", "AF_UNIX path too long"],
};

/** Python's repr() of a string: single quotes, unless it has some and no double ones. */
export function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const inner = text.replace(/[\\\n\r\t]/g, (char) => escapes[char] ?? char);
  return mark + inner.replaceAll(mark, `\\${mark}`) + mark;
}
