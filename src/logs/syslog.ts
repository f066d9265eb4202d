/**
 * Lines to the syslog socket, one datagram each, as syslog(3) sends them: `<14>Nov 24 18:31:42 supervisord: text`. Nothing
 * waits for syslogd: what it does not take at once is held, within bounds, and a syslogd that comes back is found again.
 */
import type { Millis } from "../core/states.ts";
import { LEVEL_PREFIX, PieceLevels } from "./level-prefix.ts";
import type { Level } from "./logs.ts";
import { type Severity, syslogNumber } from "./severity.ts";

const DEV_LOG = "/dev/log";
/** The facility user, in the upper bits of a priority (supervisord.md 9.2). */
const FACILITY = 8;
/** The name that syslog(3) takes from the program, and that rules for it match. */
const IDENT = "supervisord";
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
/** Held while syslogd is behind or being restarted. */
const HELD_BYTES = 256 * 1024;
const AGAIN_MILLIS: Millis = 10;
const RETRY_MILLIS: Millis = 1000;

export interface SyslogKernel {
  sendDatagram(path: string, bytes: Uint8Array): string | null;
}

export interface SyslogHost {
  readonly kernel: SyslogKernel;
  now(): Millis;
  /** Milliseconds since 1970. */
  wall(): Millis;
  after(millis: number, listener: () => void): () => void;
  say(level: Level, text: string): void;
  onProgress(): void;
}

export class Syslog {
  readonly #host: SyslogHost;
  readonly #path: string;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #lostLines = 0;
  #armed = false;
  /** Not there; asked again from then on. */
  #retryAt: Millis | null = null;
  /** Of a header, what follows the priority. */
  #head = "";
  #headSecond = -1;

  constructor(host: SyslogHost, path = DEV_LOG) {
    this.#host = host;
    this.#path = path;
  }

  /** Nothing waits that syslogd could still take. */
  get idle(): boolean {
    return this.#held.length === 0 || this.#retryAt !== null;
  }

  /** False: there is no syslogd, and the line was not taken. */
  send(text: Uint8Array, severity: Severity = "info"): boolean {
    if (this.#isMissing()) return false;
    if (this.#retryAt !== null) this.#sendHeld();
    if (this.#isMissing()) return false;
    const line = Buffer.concat([Buffer.from(this.#header(severity)), text]);
    if (this.#held.length > 0) {
      this.#hold(line);
      return true;
    }
    const errno = this.#host.kernel.sendDatagram(this.#path, line);
    if (errno === null) this.#noteSuccess();
    else if (isBehind(errno)) this.#hold(line);
    else if (errno === "EMSGSIZE") this.#lostLines++;
    else this.#noteMissing(errno);
    return this.#retryAt === null;
  }

  /** Not sent, because there is no syslogd, and nobody else shows it. */
  noteLost(): void {
    this.#lostLines++;
  }

  #isMissing(): boolean {
    return this.#retryAt !== null && this.#host.now() < this.#retryAt;
  }

  #hold(line: Buffer): void {
    if (this.#heldBytes + line.length > HELD_BYTES) {
      if (this.#lostLines++ === 0) this.#host.say("warn", "syslog is behind: what it misses is counted");
      return;
    }
    this.#held.push(line);
    this.#heldBytes += line.length;
    this.#arm(AGAIN_MILLIS);
  }

  #arm(millis: Millis): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#host.after(millis, () => {
      this.#armed = false;
      this.#sendHeld();
      this.#host.onProgress();
    });
  }

  #sendHeld(): void {
    let sent = 0;
    for (const line of this.#held) {
      const errno = this.#host.kernel.sendDatagram(this.#path, line);
      if (errno !== null && isBehind(errno)) break;
      if (errno !== null && errno !== "EMSGSIZE") {
        this.#noteMissing(errno);
        break;
      }
      this.#noteSuccess();
      this.#heldBytes -= line.length;
      sent++;
    }
    this.#held.splice(0, sent);
    if (this.#held.length > 0) this.#arm(this.#retryAt === null ? AGAIN_MILLIS : RETRY_MILLIS);
    else if (this.#lostLines > 0) this.#sayLost("syslog has caught up");
  }

  #noteMissing(errno: string): void {
    const isNews = this.#retryAt === null;
    this.#retryAt = this.#host.now() + RETRY_MILLIS;
    if (!isNews) return;
    this.#host.say(
      "warn",
      `no syslog at ${this.#path} (${errno}): what is meant for it alone goes to the console`,
    );
  }

  #noteSuccess(): void {
    if (this.#retryAt === null) return;
    this.#retryAt = null;
    this.#sayLost(`syslog is there again at ${this.#path}`);
  }

  #sayLost(text: string): void {
    const lines = this.#lostLines;
    this.#lostLines = 0;
    this.#host.say("info", `${text}; it misses ${lines} ${lines === 1 ? "line" : "lines"}`);
  }

  #header(severity: Severity): string {
    const wall = this.#host.wall();
    const second = Math.floor(wall / 1000);
    if (second !== this.#headSecond) {
      const time = new Date(wall);
      const clock = [time.getHours(), time.getMinutes(), time.getSeconds()];
      const day = `${MONTHS[time.getMonth()]} ${String(time.getDate()).padStart(2)}`;
      this.#head = `>${day} ${clock.map((n) => String(n).padStart(2, "0")).join(":")} ${IDENT}: `;
      this.#headSecond = second;
    }
    return `<${FACILITY + syslogNumber(severity)}${this.#head}`;
  }
}

/** Its queue is full, or ours. */
function isBehind(errno: string): boolean {
  return errno === "EAGAIN" || errno === "ENOBUFS" || errno === "EINTR" || errno === "ENOMEM";
}

/** How one stream of a program goes to syslog: `<process_name> <line>`. */
export class SyslogLines {
  readonly #syslog: Syslog;
  readonly #name: Buffer;
  readonly #alone: boolean;
  readonly #levelPrefix: boolean;
  readonly #pieces = new PieceLevels();

  /**
   * `alone`: `*_logfile=syslog`, so what syslog does not take has to be shown instead. `levelPrefix`: `<3>` at the beginning
   * of a line is its level.
   */
  constructor(syslog: Syslog, name: string, alone: boolean, levelPrefix: boolean) {
    this.#syslog = syslog;
    this.#name = Buffer.from(`${name} `);
    this.#alone = alone;
    this.#levelPrefix = levelPrefix;
  }

  /** Whole lines, each with its newline. Answers where those begin that the console has to show. */
  lines(source: Buffer, from: number, to: number): number {
    for (let at = from; at < to; ) {
      const newline = source.indexOf(10, at);
      if (!this.piece(source, at, newline, false) && this.#alone) return at;
      at = newline + 1;
    }
    return this.#alone ? to : from;
  }

  /** Whether the console need not show it. `continues`: earlier pieces of its line were sent. */
  piece(source: Buffer, from: number, to: number, continues: boolean): boolean {
    const level = this.#levelPrefix ? this.#pieces.next(source, from, to, continues) : null;
    const start = level === null || continues ? from : from + LEVEL_PREFIX;
    const text = Buffer.concat([this.#name, source.subarray(start, to)]);
    const sent = this.#syslog.send(text, level ?? "info");
    if (!sent && !this.#alone) this.#syslog.noteLost();
    return sent && this.#alone;
  }
}
