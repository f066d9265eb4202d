/**
 * The person at the terminal, or the pipe in its place: a prompt with editing, history and completion, questions, passwords.
 * Between lines the terminal is as it was, so that Ctrl-C is a signal and a program's keys are not eaten.
 */
import { createInterface, type Interface } from "node:readline";
import type { ReadStream } from "node:tty";
import { Interrupted } from "./errors.ts";
import { HISTORY_LINES, type History } from "./history.ts";
import type { Person } from "./session.ts";

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** The words that could stand at the end of the line, and what of it they replace. */
export type Completer = (line: string) => Promise<[words: string[], replaced: string]>;

export interface Shell extends Person {
  /** The next line, or null at the end of the input. Rejects with Interrupted at Ctrl-C. */
  command(prompt: string): Promise<string | null>;
  close(): void;
}

export interface ShellOptions extends Terminal {
  readonly history: History;
  readonly complete: Completer;
  /** Ctrl-C where the terminal makes a signal of it. */
  readonly signal: AbortSignal;
}

function isTty(stream: NodeJS.ReadableStream | NodeJS.WritableStream): boolean {
  return "isTTY" in stream && stream.isTTY === true;
}

export function openShell({ input, output, history, complete, signal: outer }: ShellOptions): Shell {
  const isTerminal = isTty(input) && isTty(output);
  /** Typed ahead, or pasted; null is a Ctrl-D. */
  const lines: (string | null)[] = [];
  /** Commands, the newest first. */
  let past = history.lines.toReversed();
  let waiting: PromiseWithResolvers<string | null> | null = null;
  let ended = false;
  /** Ctrl-C between two lines for a program. */
  let isInterrupted = false;
  let reader: Interface | null = null;
  /** The editor has seen lines that are no commands, and would offer them again. */
  let isTainted = false;

  function give(line: string | null): void {
    const taker = waiting;
    waiting = null;
    if (taker) taker.resolve(line);
    else if (line !== null || isTerminal) lines.push(line);
  }

  function interrupt(): void {
    isInterrupted = waiting === null;
    waiting?.reject(new Interrupted());
    waiting = null;
  }

  function open(): Interface {
    const opened = createInterface({
      input,
      output: isTerminal ? output : undefined,
      terminal: isTerminal,
      history: [...past],
      historySize: HISTORY_LINES,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        complete(line).then((result) => done(null, result));
      },
    });
    opened.on("line", give);
    opened.on("SIGINT", interrupt);
    opened.once("close", () => {
      if (reader !== opened) return;
      reader = null;
      // Ctrl-D ends one question at a terminal, and all of them at a pipe.
      ended = !isTerminal;
      give(null);
    });
    isTainted = false;
    return opened;
  }

  function close(): void {
    const before = reader;
    reader = null;
    before?.close();
  }

  function show(prompt: string): void {
    reader ??= open();
    reader.setPrompt(prompt);
    if (isTerminal) (input as ReadStream).setRawMode(true);
    // The editor's own prompt clears the line, which may be one that a program has begun.
    if (isTerminal && lines.length === 0 && prompt !== "") return reader.prompt();
    output.write(prompt);
    reader.resume();
  }

  /** With `stay` the keys remain ours when it has come, so that none is lost between two lines. */
  async function next(prompt: string, signal: AbortSignal, stay = false): Promise<string | null> {
    signal.addEventListener("abort", interrupt);
    try {
      if (ended) output.write(prompt);
      else show(prompt);
      const ready = lines.shift();
      if (ready !== undefined) return ready;
      if (ended) return null;
      if (signal.aborted || isInterrupted) throw new Interrupted();
      waiting = Promise.withResolvers();
      return await waiting.promise;
    } finally {
      signal.removeEventListener("abort", interrupt);
      if (!stay || !isTerminal) reader?.pause();
      if (isTerminal && !stay) (input as ReadStream).setRawMode(false);
    }
  }

  return {
    async command(prompt) {
      isInterrupted = false;
      // At a pipe it would take what was read ahead with it.
      if (isTainted && isTerminal) close();
      const line = await next(prompt, outer);
      if (line === null || line.trim() === "" || !isTerminal) return line;
      past = [line, ...past].slice(0, HISTORY_LINES);
      history.add(line);
      return line;
    },
    async ask(question, hidden) {
      isTainted = true;
      if (!hidden || !isTty(input)) return next(question, outer);
      close();
      const answer = readHidden(input as ReadStream);
      // Not before nothing is shown any more.
      output.write(question);
      return answer;
    },
    attend() {
      isTainted = true;
      if (!isTerminal) return;
      reader ??= open();
      reader.setPrompt("");
      (input as ReadStream).setRawMode(true);
      reader.resume();
    },
    readLine(signal) {
      return next("", signal, true);
    },
    close,
  };
}

const ENTER = new Set(["\r", "\n", "\u0004"]);
const ERASE = new Set(["\u007f", "\b"]);
const INTERRUPT = "\u0003";

function readHidden(input: ReadStream): Promise<string> {
  input.setRawMode(true);
  input.resume();
  return new Promise((resolve, reject) => {
    let typed = "";
    const onData = (chunk: Buffer): void => {
      for (const char of chunk.toString()) {
        if (ERASE.has(char)) typed = typed.slice(0, -1);
        else if (ENTER.has(char) || char === INTERRUPT) {
          input.off("data", onData);
          input.setRawMode(false);
          input.pause();
          if (char === INTERRUPT) reject(new Interrupted());
          else resolve(typed);
          return;
        } else typed += char;
      }
    };
    input.on("data", onData);
  });
}
