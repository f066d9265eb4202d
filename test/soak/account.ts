/**
 * Every numbered line must come once, whole, in its order, and behind its own program's name: this counts them as they leave
 * the container. Bytes in, complaints out; text and JSON lines, cut ones put together again.
 */
import { crc32 } from "node:zlib";
import { CONTINUED } from "../../src/logs/format.ts";

const MARK = Buffer.from(CONTINUED);
const BAR = Buffer.from(" | ");
/** More are only counted: one lost chunk is thousands of lines. */
const MOST_COMPLAINTS = 50;

interface Piece {
  readonly name: string;
  readonly body: Buffer;
  /** It goes on what came before of this program. */
  readonly continues: boolean;
  /** More of it follows. */
  readonly goesOn: boolean;
}

/** One line of output taken apart; null for what is no program's. */
function parsePiece(line: Buffer): Piece | null {
  if (line[0] === 0x7b) return parseJsonPiece(line);
  const bar = line.indexOf(BAR);
  if (bar < 0) return null;
  const body = line.subarray(bar + BAR.length);
  const continues = body.subarray(0, MARK.length).equals(MARK);
  const goesOn = body.length >= MARK.length && body.subarray(-MARK.length).equals(MARK);
  return {
    name: line.toString("latin1", 0, bar).trimEnd(),
    body: body.subarray(continues ? MARK.length : 0, goesOn ? -MARK.length : undefined),
    continues,
    goesOn,
  };
}

function parseJsonPiece(line: Buffer): Piece | null {
  const { program, message, continued, partial } = JSON.parse(line.toString()) as Record<string, unknown>;
  return {
    name: String(program),
    body: Buffer.from(String(message)),
    continues: continued === true,
    goesOn: partial === true,
  };
}

export class Account {
  readonly complaints: string[] = [];
  /** Lines that were not as they must be, those beyond the listed complaints too. */
  wrong = 0;
  lines = 0;
  bytes = 0;
  /** Called with every line that carries no number. */
  onOther: (text: string) => void = () => undefined;
  #rest: Buffer[] = [];
  /** Begun lines by program. */
  readonly #begun = new Map<string, Buffer[]>();
  /** A run's line that is not whole, which only the last one of who was killed may be: a complaint if another follows. */
  readonly #half = new Map<string, string>();
  /** The next number by `NAME RUN`. */
  readonly #next = new Map<string, number>();

  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const tail = chunk.subarray(from, end);
      from = end + 1;
      const line = this.#rest.length === 0 ? tail : Buffer.concat([...this.#rest, tail]);
      this.#rest = [];
      this.#onLine(line);
    }
    // A copy: the chunk's memory is the stream's.
    if (from < chunk.length) this.#rest.push(Buffer.from(chunk.subarray(from)));
  }

  /** How many lines of this run came. */
  count(name: string, run: number): number {
    return this.#next.get(`${name} ${run}`) ?? 0;
  }

  #onLine(line: Buffer): void {
    let piece: Piece | null = null;
    try {
      piece = parsePiece(line);
    } catch {
      this.#complain(`no JSON: ${line.toString("utf8", 0, 200)}`);
      return;
    }
    if (piece === null) return this.onOther(line.toString());
    const { name, continues, goesOn } = piece;
    const begun = this.#begun.get(name);
    // What looked unfinished was a whole line: only its newline came late, and nothing was left to be written of it.
    if (begun !== undefined && !continues) {
      this.#begun.delete(name);
      this.#onWhole(name, Buffer.concat(begun), line);
    }
    const before = continues ? begun : undefined;
    if (goesOn) {
      this.#begun.set(name, [...(before ?? []), Buffer.from(piece.body)]);
      return;
    }
    this.#begun.delete(name);
    this.#onWhole(name, before === undefined ? piece.body : Buffer.concat([...before, piece.body]), line);
  }

  #onWhole(name: string, body: Buffer, line: Buffer): void {
    const head = /^#(\d+):(\d+):([0-9a-f]{8}):/.exec(body.toString("latin1", 0, 60));
    if (head === null) return this.onOther(line.toString());
    const [whole, run, sequence, sum] = head;
    const key = `${name} ${run}`;
    const half = this.#half.get(key);
    if (half !== undefined) this.#complain(half);
    this.#half.delete(key);
    const payload = body.subarray(whole.length);
    if (crc32(payload) !== Number.parseInt(sum ?? "", 16)) {
      const text = `${name}, run ${run}: line ${sequence} is not what was written (${payload.length} bytes)`;
      this.#half.set(key, text);
      return;
    }
    this.lines += 1;
    const expected = this.#next.get(key) ?? 0;
    this.#next.set(key, Number(sequence) + 1);
    if (Number(sequence) !== expected)
      this.#complain(`${name}, run ${run}: ${sequence} instead of ${expected}`);
  }

  #complain(text: string): void {
    this.wrong += 1;
    if (this.complaints.length < MOST_COMPLAINTS) this.complaints.push(text);
  }
}

/** What programs noted of their ends (`NAME RUN LINES` a line) against what came: the runs that lost something. */
export function shortfalls(notes: string, accounts: readonly Account[]): string[] {
  return notes
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => {
      const [name = "", run = "", lines = ""] = line.split(" ");
      const came = accounts.reduce((sum, account) => sum + account.count(name, Number(run)), 0);
      return came === Number(lines) ? [] : [`${name}, run ${run}: ${came} of ${lines} lines`];
    });
}
