/**
 * The event listeners of one section, a pool: who of them may get an event, what waits, what was rejected
 * (supervisord.md 10.3, 10.4). It does no I/O: it is told what happened and says what is to be sent and logged.
 *
 * Where supervisord is wrong this is not: an event comes once to each pool however its subscriptions overlap, and what is
 * rejected goes back to the pool that it was taken from.
 */
import type { JournalEntry } from "./effect.ts";
import type { Blame } from "./event.ts";
import { type Answer, type MemberState, ProtocolReader } from "./listener-protocol.ts";
import type { ProgramId } from "./spec.ts";
import { type EventName, isSubscribed, type SupervisorEvent } from "./supervisor-events.ts";

/** An event as a pool holds it. Handed out again it keeps both numbers. */
export interface Queued {
  /** Counts all events that some pool took: the same in each of them. */
  readonly serial: number;
  readonly poolSerial: number;
  readonly event: SupervisorEvent;
}

export interface PoolSpec {
  readonly name: string;
  readonly events: readonly string[];
  readonly bufferSize: number;
  /** In the order in which they are asked. `name`: for the log. */
  readonly members: readonly { readonly id: ProgramId; readonly name: string }[];
}

/** What the log is to say, in supervisord's words. */
export interface Remark {
  readonly level: "debug" | "warn" | "error";
  readonly text: string;
}

interface Member {
  readonly id: ProgramId;
  name: string;
  isRunning: boolean;
  /** Its stdin takes nothing: it was closed, or too much is in it that was not read. */
  isDeaf: boolean;
  state: MemberState;
  /** What it works on. */
  event: Queued | null;
  reader: ProtocolReader;
}

export class Pool {
  #spec: PoolSpec;
  #members: Member[] = [];
  #buffer: Queued[] = [];
  #nextSerial = 0;
  #remarks: Remark[] = [];
  /**
   * A listener that signals PID 1 and then answers or ends may be heard to do that first: signals are handled after
   * whatever else came in the same turn, and in no certain order. So what was worked on just now counts as being worked
   * on, until `forgetAnswers`.
   */
  #answered: Blame | null = null;

  constructor(spec: PoolSpec) {
    this.#spec = { ...spec, members: [] };
    this.configure(spec);
  }

  get name(): string {
    return this.#spec.name;
  }

  /** Other subscriptions, another bound, other members. What waits goes on to wait, as far as there is room. */
  configure(spec: PoolSpec): void {
    const before = new Map(this.#members.map((member) => [member.id, member]));
    this.#spec = spec;
    this.#members = spec.members.map(({ id, name }) => {
      const member = before.get(id) ?? newMember(id, name);
      member.name = name;
      before.delete(id);
      return member;
    });
    for (const gone of before.values()) this.#takeBack(gone);
    while (this.#buffer.length > spec.bufferSize) this.#discardOldest();
  }

  wants(name: EventName): boolean {
    return isSubscribed(this.#spec.events, name);
  }

  /** Takes an event that it is subscribed to. */
  accept(event: SupervisorEvent, serial: number): void {
    this.#makeRoom();
    this.#buffer.push({ serial, poolSerial: this.#nextSerial++, event });
  }

  /** A change of one of its members' processes; others are ignored. */
  onState({ id, to, ended }: Extract<JournalEntry, { type: "state" }>): void {
    const member = this.#member(id);
    if (member === undefined) return;
    member.isRunning = to.name === "RUNNING";
    if (ended === null && to.name !== "STARTING") return;
    this.#takeBack(member);
    Object.assign(member, newMember(member.id, member.name));
  }

  /** A member has written. */
  onOutput(id: ProgramId, bytes: Uint8Array): void {
    const member = this.#member(id);
    if (member === undefined) return;
    let answer = member.reader.next(member.state, bytes);
    while (answer !== null) {
      this.#handle(member, answer);
      answer = member.reader.next(member.state, NOTHING);
    }
  }

  /**
   * The next event to be sent and to whom: the first member that runs and is ready. null: nothing waits, or nobody can
   * take it. To be asked until null.
   */
  next(): { readonly id: ProgramId; readonly queued: Queued } | null {
    if (this.#buffer.length === 0) return null;
    const member = this.#members.find((each) => each.isRunning && each.state === "READY" && !each.isDeaf);
    const queued = member && this.#buffer.shift();
    if (member === undefined || queued === undefined) return null;
    member.state = "BUSY";
    member.event = queued;
    this.#remark("debug", `event ${queued.serial} sent to listener ${member.name}`);
    return { id: member.id, queued };
  }

  /** What was just to be sent could not be: another member gets it. */
  onSendFailed(id: ProgramId): void {
    const member = this.#member(id);
    if (member === undefined || member.event === null) return;
    const { event } = member;
    member.state = "READY";
    member.isDeaf = true;
    member.event = null;
    this.#buffer.unshift(event);
    const text = `epipe occurred while sending event ${event.serial} to listener ${member.name}, listener state unchanged`;
    this.#remark("debug", text);
  }

  /** A member has read what was held for it. */
  onDrained(id: ProgramId): void {
    const member = this.#member(id);
    if (member !== undefined) member.isDeaf = false;
  }

  /** Nobody works on an event, and nothing waits that somebody could take soon. */
  isIdle(): boolean {
    if (this.#members.some((member) => member.state === "BUSY")) return false;
    if (this.#buffer.length === 0) return true;
    return !this.#members.some((member) => member.isRunning && !member.isDeaf && member.state !== "UNKNOWN");
  }

  /** Signals that came before an answer have been handled by now. */
  forgetAnswers(): void {
    this.#answered = null;
  }

  /** Whether `forgetAnswers` has something to forget. */
  get hasAnswered(): boolean {
    return this.#answered !== null;
  }

  /** The failure that a member works on, or has answered just now; of several the one told first. */
  blame(): { readonly serial: number; readonly blame: Blame } | null {
    let first: { serial: number; blame: Blame } | null = null;
    for (const { event } of this.#members) {
      const blame = event?.event.blame ?? null;
      if (event === null || blame === null || (first !== null && first.serial < event.serial)) continue;
      first = { serial: event.serial, blame };
    }
    if (first !== null || this.#answered === null) return first;
    return { serial: Number.MAX_SAFE_INTEGER, blame: this.#answered };
  }

  /** What was to be logged since the last call. */
  takeRemarks(): readonly Remark[] {
    if (this.#remarks.length === 0) return this.#remarks;
    return this.#remarks.splice(0);
  }

  #member(id: ProgramId): Member | undefined {
    return this.#members.find((member) => member.id === id);
  }

  #handle(member: Member, answer: Answer): void {
    switch (answer.type) {
      case "ready":
        return this.#enter(member, "READY");
      case "result":
        return this.#onResult(member, answer.ok);
      case "broken":
        if (answer.line !== null) this.#remark("warn", `${member.name}: bad result line: '${answer.line}'`);
        this.#enter(member, "UNKNOWN");
        this.#takeBack(member);
    }
  }

  #onResult(member: Member, ok: boolean): void {
    this.#answered = member.event?.event.blame ?? this.#answered;
    if (ok) this.#remark("debug", `${member.name}: event was processed`);
    else this.#remark("warn", `${member.name}: event was rejected`);
    this.#enter(member, "ACKNOWLEDGED");
    if (ok) member.event = null;
    else this.#takeBack(member);
  }

  #enter(member: Member, state: MemberState): void {
    this.#remark("debug", `${member.name}: ${member.state} -> ${state}`);
    member.state = state;
    if (state !== "UNKNOWN") return;
    this.#remark(
      "warn",
      `${member.name}: has entered the UNKNOWN state and will no longer receive events, this usually indicates ` +
        "the process violated the eventlistener protocol",
    );
  }

  /** What the member has not dealt with goes to the head, even over the bound's oldest: as supervisord has it. */
  #takeBack(member: Member): void {
    const { event } = member;
    if (event === null) return;
    this.#answered = event.event.blame ?? this.#answered;
    member.event = null;
    const { bufferSize } = this.#spec;
    const sizes = `(buf size=${this.#buffer.length}, max=${bufferSize})`;
    this.#remark("debug", `rebuffering event ${event.serial} for pool ${this.name} ${sizes}`);
    this.#makeRoom();
    this.#buffer.unshift(event);
  }

  #makeRoom(): void {
    if (this.#buffer.length >= this.#spec.bufferSize) this.#discardOldest();
  }

  #discardOldest(): void {
    const discarded = this.#buffer.shift();
    if (discarded === undefined) return;
    const text = `pool ${this.name} event buffer overflowed, discarding event ${discarded.serial}`;
    this.#remark("error", text);
  }

  #remark(level: Remark["level"], text: string): void {
    this.#remarks.push({ level, text });
  }
}

const NOTHING = new Uint8Array(0);

function newMember(id: ProgramId, name: string): Member {
  return {
    id,
    name,
    isRunning: false,
    isDeaf: false,
    state: "ACKNOWLEDGED",
    event: null,
    reader: new ProtocolReader(),
  };
}

const encoder = new TextEncoder();

/** The bytes that a listener reads: header and payload, whose length is in bytes (supervisord counts characters). `identifier`: supervisord's, the header `server`. */
export function renderEnvelope(
  identifier: string,
  pool: string,
  { serial, poolSerial, event }: Queued,
): Uint8Array {
  const { name, payload } = event;
  const header = encoder.encode(
    `ver:3.0 server:${identifier} serial:${serial} pool:${pool} poolserial:${poolSerial} eventname:${name} ` +
      `len:${payload.length}\n`,
  );
  const bytes = new Uint8Array(header.length + payload.length);
  bytes.set(header);
  bytes.set(payload, header.length);
  return bytes;
}
