/** The interactive client: a prompt, a line, a command, until the input ends. */
import { createInterface, type Interface } from "node:readline";
import type { ReadStream } from "node:tty";

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

export interface Shell {
  /** The next line, or null at the end of the input or after ctrl-C. */
  ask(prompt: string): Promise<string | null>;
  /** The same without showing what is typed. */
  askHidden(prompt: string): Promise<string | null>;
  close(): void;
}

function isTty(stream: object): boolean {
  return "isTTY" in stream && stream.isTTY === true;
}

export function openShell({ input, output }: Terminal): Shell {
  const lines: string[] = [];
  let waiting: ((line: string | null) => void) | null = null;
  let ended = false;
  let reader: Interface | null = null;

  function give(line: string | null): void {
    const taker = waiting;
    waiting = null;
    if (taker) taker(line);
    else if (line !== null) lines.push(line);
  }

  function open(): Interface {
    const opened = createInterface({ input, output, terminal: isTty(input) && isTty(output) });
    opened.on("line", give);
    opened.on("SIGINT", () => opened.close());
    opened.once("close", () => {
      if (reader !== opened) return;
      ended = true;
      give(null);
    });
    return opened;
  }

  async function ask(prompt: string): Promise<string | null> {
    reader ??= open();
    reader.setPrompt(prompt);
    if (lines.length > 0 || ended) output.write(prompt);
    else reader.prompt();
    const ready = lines.shift();
    if (ready !== undefined) return ready;
    if (ended) return null;
    return new Promise((resolve) => {
      waiting = resolve;
    });
  }

  return {
    ask,
    async askHidden(prompt) {
      if (!isTty(input)) return ask(prompt);
      // The line editor would echo; it comes back with the next question.
      const before = reader;
      reader = null;
      before?.close();
      output.write(prompt);
      return readHidden(input as ReadStream);
    },
    close() {
      reader?.close();
    },
  };
}

const ENTER = new Set(["\r", "\n", "\u0004"]);
const ERASE = new Set(["\u007f", "\b"]);
const INTERRUPT = "\u0003";

function readHidden(input: ReadStream): Promise<string | null> {
  input.setRawMode(true);
  input.resume();
  return new Promise((resolve) => {
    let typed = "";
    const onData = (chunk: Buffer): void => {
      for (const char of chunk.toString()) {
        if (ERASE.has(char)) typed = typed.slice(0, -1);
        else if (ENTER.has(char) || char === INTERRUPT) {
          input.off("data", onData);
          input.setRawMode(false);
          input.pause();
          resolve(char === INTERRUPT ? null : typed);
          return;
        } else typed += char;
      }
    };
    input.on("data", onData);
  });
}
