/** What the API and the client may do: commands become events, questions are answered from the snapshot. */
import type { Command, Control, Reread } from "../api/control.ts";
import type { Config } from "../config/config.ts";
import type { Loaded } from "../config/load.ts";
import { diffGroups } from "../core/diff.ts";
import type { Blame } from "../core/event.ts";
import { withGroup } from "../core/reload.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { Plan } from "../core/spec.ts";
import type { StateName } from "../core/states.ts";
import type { Logs } from "../logs/logs.ts";
import type { Journal } from "./journal.ts";
import type { Loop } from "./loop.ts";
import { createRereader, type ReloadFacts } from "./reread.ts";

export interface ControlOptions {
  readonly loop: Loop;
  readonly journal: Journal;
  readonly logs: Logs;
  readonly config: Config;
  readonly load: () => Loaded;
  readonly snapshot: () => Snapshot;
  readonly commandProblem: Control["commandProblem"];
  readonly sendStdin: Control["sendStdin"];
  readonly sendRemoteEvent: Control["sendRemoteEvent"];
  /** The failure that an event listener is told of right now. */
  readonly blame: () => Blame | null;
  readonly timeline: Control["timeline"];
  readonly wall: () => number;
  readonly pid: number;
  readonly version: string;
  /** A configuration was read and is about to be used. */
  readonly onConfig: (config: Config) => void;
}

export interface DaemonControl extends Control {
  /** Reread and make it so; the errors, if any, are logged and nothing changes. */
  update(): void;
  readonly reloads: ReloadFacts;
}

/** No process of the program is left, the rest of its group included, or none that anybody could end. */
const DOWN: readonly StateName[] = ["STOPPED", "EXITED", "FATAL", "UNKNOWN"];

export function createControl(options: ControlOptions): DaemonControl {
  const { loop, journal, logs } = options;
  const activePlan = (): Plan => loop.system().plan;
  const rereader = createRereader({
    load: options.load,
    started: options.config,
    activePlan,
    say: (level, text) => logs.say(level, text),
    wall: options.wall,
  });
  const lastRead = (): Config => rereader.last();

  function reread(): Reread {
    const read = rereader.read(false);
    return read.ok ? { ok: true, ...diffGroups(activePlan(), read.config.plan) } : read;
  }

  function apply(config: Config): void {
    options.onConfig(config);
    loop.submit({ type: "reload", plan: config.plan });
  }

  function update(): void {
    const read = rereader.read(true);
    if (read.ok) apply(read.config);
  }

  /** One group of what was read last; settings and other groups stay as they are. */
  function adoptGroup(group: string): Plan {
    const { plan } = lastRead();
    options.onConfig({ ...lastRead(), plan: withGroup(activePlan(), plan, group) });
    return plan;
  }

  /** Everything down, then up again in order with the configuration as it is now. */
  function restartAll(): void {
    if (!rereader.read(true).ok) return;
    const ids = activePlan().programs.map((program) => program.id);
    const ended = () => loop.system().programs.every(({ state }) => DOWN.includes(state.name));
    const again = () => {
      const config = lastRead();
      apply(config);
      const startable = config.plan.programs.filter((program) => program.autostart);
      loop.submit({ type: "start", ids: startable.map((program) => program.id), gated: true });
    };
    loop.submit({ type: "stop", ids });
    if (ended()) return again();
    const stopWatching = journal.subscribe(() => {
      if (!ended()) return;
      stopWatching();
      again();
    });
  }

  function perform(command: Command): void {
    switch (command.type) {
      case "start":
      case "stop":
      case "signal":
        return loop.submit(command);
      case "add-group":
      case "replace-group":
        return loop.submit({ ...command, plan: adoptGroup(command.group) });
      case "remove-group":
        return loop.submit(command);
      case "update":
        return update();
      case "shutdown":
        logs.say("warn", "received a shutdown request");
        return loop.submit({
          type: "shutdown",
          cause: "a shutdown request",
          hurry: false,
          blame: options.blame(),
        });
      case "restart-all":
        return restartAll();
    }
  }

  return {
    commandProblem: options.commandProblem,
    snapshot: options.snapshot,
    groups: () => activePlan().groups,
    lastRead: () => lastRead().plan,
    perform,
    reread,
    update,
    reloads: rereader.facts,
    subscribe: (listener) => journal.subscribe(listener),
    timeline: options.timeline,
    pid: () => options.pid,
    identifier: () => activePlan().global.identifier,
    version: () => options.version,
    history: (id, stream) => ({ bytes: logs.history(id, stream), end: logs.historyEnd(id, stream) }),
    automaticLog: (id, stream) => logs.automaticFile(id, stream),
    clearHistory: (id) => logs.clear(id),
    follow: (id, stream, listener) => logs.follow(id, stream, listener),
    mainLog: () => logs.mainHistory(),
    clearMainLog: () => logs.clearMain(),
    followMainLog: (listener) => logs.followMain(listener),
    sendStdin: options.sendStdin,
    sendRemoteEvent: options.sendRemoteEvent,
  };
}
