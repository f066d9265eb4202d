/** The programs of test/programs as the fake kernel runs them. */
import { SIGNALS } from "../../src/core/signal-names.ts";
import type { FakeKernel } from "./kernel.ts";
import type { FakeProcess, FakeProgram } from "./process.ts";

function wait(self: FakeProcess): void {
  self.print("ready\n");
}

const PROGRAMS: Record<string, FakeProgram> = {
  "exit.sh": (self) => self.exitAfter(1, Number(self.words[0])),
  "die.sh": (self) => self.after(1, () => self.die(Number(self.words[0]))),
  "wait.sh": wait,
  "ignore-term.sh": (self) => {
    self.ignore(SIGNALS.TERM);
    wait(self);
  },
  "group.sh": (self) => {
    const member = self.fork(() => {});
    self.print(`ready ${member.pid}\n`);
  },
  "fork-orphan.sh": (self) => {
    const orphan = self.fork((child) => child.onInputEnd(() => child.exit(Number(self.words[0]))));
    self.print(`ready ${orphan.pid}\n`);
    self.exit(3);
  },
  "run-orphan.sh": (self) => {
    self.fork((child) => child.exitAfter(2, 77));
    self.exitAfter(1, Number(self.words[0]));
  },
  "spew.sh": (self) => {
    const [count = "0", text = "the quick brown fox jumps over the lazy dog"] = self.words;
    self.print(`${text}\n`.repeat(Number(count)));
    self.exit(0);
  },
  "ready-late.sh": (self) => {
    const [seconds = "0", line = "ready"] = self.words;
    self.after(Number(seconds) * 1000, () => self.print(`${line}\n`));
  },
  "announce.sh": (self) => {
    const [fd = "1", text = ""] = self.words;
    self.print(`${text}\n`, Number(fd));
    self.exit(0);
  },
  "show-self.sh": showSelf,
};

function showSelf(self: FakeProcess): void {
  const { uid, gid, groups, umask, directory, fileLimit } = self.traits;
  const four = (id: number) => `${id} ${id} ${id} ${id}`;
  const shown = {
    fds: [...self.files().keys()].toSorted((a, b) => a - b).join(" "),
    SigBlk: "0000000000000000",
    SigIgn: "0000000000000000",
    Uid: four(uid),
    Gid: four(gid),
    Groups: groups.join(" "),
    pid: self.pid,
    parent: self.parent?.pid ?? self.traits.parent,
    group: self.group,
    session: self.session,
    nofile: fileLimit,
    umask: umask.toString(8).padStart(4, "0"),
    directory,
    probe: (self.variable("PROBE") ?? "").toWellFormed(),
  };
  for (const [key, value] of Object.entries(shown)) self.print(`${key} ${value}\n`);
  self.exit(0);
}

/** Puts them where they are on disk. */
export function installFixtures(kernel: FakeKernel, folder: string): void {
  for (const [name, program] of Object.entries(PROGRAMS)) kernel.install(`${folder}/${name}`, program);
}
