/** A process of its own for what a test cannot do to itself: `kernel-probe.ts WHAT`, the answer as JSON on stdout. */

import { dlopen } from "node:ffi";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SpawnRequest } from "../../src/kernel/kernel.ts";
import { linuxKernel } from "../../src/kernel/linux.ts";

const kernel = linuxKernel();
const FAULT = 11;

function answer(value: unknown): void {
  kernel.writeNow(1, `${JSON.stringify(value)}\n`);
}

function request(change: Partial<SpawnRequest>): SpawnRequest {
  return {
    file: join(import.meta.dirname, "show-self.sh"),
    argv: ["show-self.sh"],
    environment: ["PATH=/usr/bin:/bin"],
    directory: null,
    stdio: [0, 1, 2],
    user: null,
    umask: null,
    foreground: false,
    ...change,
  };
}

/** Ends this process with the child's code once it has ended. */
function follow(change: Partial<SpawnRequest>): void {
  const alive = setInterval(() => {}, 60_000);
  process.on("SIGCHLD", () => {
    const ended = kernel.reap();
    if (typeof ended === "string") return;
    clearInterval(alive);
    kernel.exit(ended.status.kind === "exited" ? ended.status.code : 1);
  });
  const result = kernel.spawn(request(change));
  if (!result.ok) {
    answer(result);
    kernel.exit(1);
  }
}

/** A handler that arms itself again at each delivery; a second signal is sent from it. */
function sentFaults(): void {
  let seen = 0;
  const alive = setInterval(() => {}, 60_000);
  process.on("SIGSEGV", () => {
    kernel.armOnce(FAULT);
    seen++;
    if (seen < 3) kernel.kill(kernel.pid, FAULT);
    else {
      clearInterval(alive);
      answer({ seen, isDefault: kernel.isDefault(FAULT) });
    }
  });
  kernel.armOnce(FAULT);
  kernel.kill(kernel.pid, FAULT);
}

function realFault(): void {
  process.on("SIGSEGV", () => kernel.armOnce(FAULT));
  kernel.armOnce(FAULT);
  const { functions } = dlopen(null, { strlen: { arguments: ["pointer"], return: "uint64" } });
  answer("about to read address 8");
  functions.strlen(8n);
}

function unblocked(): void {
  const alive = setInterval(() => {}, 60_000);
  process.on("SIGUSR1", () => {
    clearInterval(alive);
    answer({ seen: "SIGUSR1" });
  });
  kernel.unblock([10, 64]);
  kernel.kill(kernel.pid, 10);
}

const PROBES: Record<string, () => void> = {
  environment: () => answer(kernel.environment()),
  "sent-faults": sentFaults,
  "real-fault": realFault,
  unblocked,
  defaults: () => {
    const before = [kernel.isDefault(12), kernel.isDefault(15)];
    process.on("SIGUSR2", () => {});
    answer([...before, kernel.isDefault(12)]);
    process.exit(0);
  },
  name: () => {
    kernel.setName("tsinit");
    answer(readFileSync("/proc/self/comm", "utf8").trim());
  },
  exit: () => {
    process.on("exit", () => answer("an exit listener ran"));
    kernel.exit(7);
  },
  "show-child": () => follow({}),
  "same-user": () => follow({ user: { uid: 65534, gid: 1, groups: [1], name: "nobody", home: "/" } }),
  "other-user": () => follow({ user: { uid: 65533, gid: 65533, groups: [], name: null, home: null } }),
  "as-nobody": () => follow({ user: { uid: 65534, gid: 65534, groups: [65534], name: null, home: null } }),
  foreground: () => follow({ foreground: true }),
  descendants: () => answer(kernel.descendants()),
};

const probe = PROBES[process.argv[2] ?? ""];
if (!probe) throw new Error(`unknown probe; there is: ${Object.keys(PROBES).join(", ")}`);
probe();
