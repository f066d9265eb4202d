/**
 * What a signal to tsinit asks for: its end, another reading of the configuration, the log files anew; and that programs get
 * it, which the core decides. In tini's place every signal is for the program.
 */
import type { Blame, SystemEvent } from "../core/event.ts";
import { SIGNALS, type Signal, signalName } from "../core/signal-names.ts";
import type { Voice } from "./voice.ts";

export interface SignalRequestOptions {
  /** tsinit stands in tini's place. */
  readonly passthrough: boolean;
  readonly voice: Pick<Voice, "say" | "debug">;
  readonly submit: (event: SystemEvent) => void;
  readonly reap: () => void;
  /** The failure that an event listener is told of right now. */
  readonly blame: () => Blame | null;
  /** Nobody waits for slow readers any more. */
  readonly hurryEnd: () => void;
  /** Whether SIGPIPE or SIGXFSZ may come from our own writes. */
  readonly mayBeOurs: () => boolean;
  readonly isShuttingDown: () => boolean;
  readonly reload: () => void;
  readonly reopenLogs: () => void;
}

export function createSignalRequests(options: SignalRequestOptions): (signal: Signal) => void {
  const { passthrough, submit } = options;
  const { say, debug } = options.voice;
  let asked = 0;

  function onExitRequest(signal: Signal): void {
    const name = signalName(signal);
    if (passthrough) {
      options.hurryEnd();
      submit({ type: "forward", signal });
      submit({ type: "shutdown", cause: name, hurry: false });
      return;
    }
    say("warn", `received ${name} indicating exit request`);
    const hurry = asked++ > 0 && signal !== SIGNALS.QUIT;
    if (hurry) options.hurryEnd();
    const blame = options.blame() ?? (signal === SIGNALS.QUIT ? "fatal" : null);
    submit({ type: "shutdown", cause: name, hurry, blame });
  }

  function onReopenRequest(): void {
    say("info", "received SIGUSR2 indicating log reopen request");
    say("info", "supervisord logreopen");
    options.reopenLogs();
  }

  function onHangup(): void {
    if (options.isShuttingDown()) {
      say("warn", "ignored SIGHUP indicating reload request (shutdown in progress)");
      return;
    }
    say("warn", "received SIGHUP indicating reload request");
    options.reload();
  }

  return (signal) => {
    switch (signal) {
      case SIGNALS.CHLD:
        debug(() => "received SIGCHLD indicating a child quit");
        return options.reap();
      case SIGNALS.TERM:
      case SIGNALS.INT:
      case SIGNALS.QUIT:
        return onExitRequest(signal);
      case SIGNALS.PIPE:
      case SIGNALS.XFSZ:
        // Our own writes raise these too, and then main must not pay for it.
        if (options.mayBeOurs()) return;
        break;
      case SIGNALS.HUP:
        if (!passthrough) onHangup();
        break;
      case SIGNALS.USR2:
        if (!passthrough) onReopenRequest();
        break;
      default:
        break;
    }
    submit({ type: "forward", signal });
  };
}
