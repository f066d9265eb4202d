/** What stands between a pipe and its lines where the configuration asks for it: capture tags, then escape sequences. */
import { EscapeStripper, type Take } from "./escapes.ts";
import { BoundBytes, TagFinder, type TagListener } from "./tags.ts";

export interface FilterOutput {
  /** Output as it is to be seen. */
  take(source: Buffer, from: number, to: number): void;
  /** A piece of a capture, as it comes. */
  capturing(source: Buffer, from: number, to: number): void;
  /** A whole capture, at its end tag. */
  captured(bytes: Buffer): void;
}

export class OutputFilter implements TagListener {
  readonly #output: FilterOutput;
  readonly #tags: TagFinder | null;
  readonly #capture: BoundBytes;
  #stripper: EscapeStripper | null;
  readonly #onText: Take;
  readonly #onInside: Take;

  /** `captureMaxbytes` 0: no capturing. */
  constructor(output: FilterOutput, captureMaxbytes: number, stripAnsi: boolean) {
    this.#output = output;
    this.#tags = captureMaxbytes > 0 ? new TagFinder(this) : null;
    this.#capture = new BoundBytes(captureMaxbytes);
    this.#stripper = stripAnsi ? new EscapeStripper() : null;
    this.#onText = (source, from, to) => output.take(source, from, to);
    this.#onInside = (source, from, to) => {
      this.#capture.write(source, from, to);
      output.capturing(source, from, to);
    };
  }

  set stripAnsi(wanted: boolean) {
    if (wanted) this.#stripper ??= new EscapeStripper();
    else {
      this.#stripper?.end(this.#onText);
      this.#stripper = null;
    }
  }

  feed(source: Buffer, from: number, to: number): void {
    if (this.#tags) this.#tags.feed(source, from, to);
    else this.text(source, from, to);
  }

  /** The process is gone: what was held back is released. */
  end(): void {
    this.#tags?.end();
    this.#stripper?.end(this.#onText);
    this.#capture.take();
  }

  text(source: Buffer, from: number, to: number): void {
    if (this.#stripper) this.#stripper.feed(source, from, to, this.#onText);
    else this.#onText(source, from, to);
  }

  inside(source: Buffer, from: number, to: number): void {
    if (this.#stripper) this.#stripper.feed(source, from, to, this.#onInside);
    else this.#onInside(source, from, to);
  }

  closed(): void {
    this.#output.captured(this.#capture.take());
  }
}
