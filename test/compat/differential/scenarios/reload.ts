/** Configs that change under a running daemon: reread, update, add, remove, reload, HUP. */
import { BASE, type Scenario, type Step } from "../scenario.ts";
import type { Side } from "../side.ts";
import { ctl, kill, look, remove, rpc, until, untilFile, untilSaid, write } from "../steps.ts";

const AUTO = { "automatic-log-files:path": /logfile$/ };

const TWO = `${BASE}
[program:web]
command=sleep 1000
[program:old]
command=sleep 1000
`;

const FIVE = `${TWO}
[program:one]
command=sleep 1000
[program:two]
command=sleep 1000
[program:three]
command=sleep 1000
[group:crew]
programs=one,two
`;

async function pidOf(side: Side, name: string): Promise<number> {
  const { value } = await side.rpc("supervisor.getProcessInfo", [name]);
  return (value as { pid?: number } | undefined)?.pid ?? 0;
}

/** Remembers who runs, to be asked for by `kept`. */
function remember(...names: readonly string[]): Step {
  return {
    label: "remember pids",
    compares: null,
    async act(side) {
      for (const name of names) side.write(`pid-${name.replace(":", "-")}`, String(await pidOf(side, name)));
      return undefined;
    },
  };
}

function kept(name: string, differs?: string): Step {
  return look(
    `does ${name} keep its pid`,
    async (side) =>
      (await pidOf(side, name)) === Number(side.read(`pid-${name.replace(":", "-")}`)) ? "kept" : "new",
    differs,
  );
}

export const RELOAD: readonly Scenario[] = [
  {
    title: "reread: nothing new, then available, changed, disappeared",
    config: TWO,
    steps: [
      until("web RUNNING, old RUNNING"),
      ctl("reread"),
      rpc("reloadConfig"),
      ctl("update"),
      write(
        "supervisord.conf",
        `${BASE}[program:web]\ncommand=sleep 1001\n[program:new]\ncommand=sleep 1000\n[program:off]\ncommand=sleep 1000\nautostart=false\n`,
      ),
      ctl("reread"),
      rpc("reloadConfig"),
      ctl("status"),
      ctl("avail"),
      remember("web"),
      ctl("update"),
      until("new RUNNING, web RUNNING"),
      kept("web"),
      ctl("status"),
      ctl("reread"),
      ctl("update"),
    ],
  },
  {
    title: "update of some, of all, of none",
    config: TWO,
    steps: [
      until("web RUNNING, old RUNNING"),
      write(
        "supervisord.conf",
        `${BASE}[program:web]\ncommand=sleep 1001\n[program:a]\ncommand=sleep 1000\n[program:b]\ncommand=sleep 1000\n`,
      ),
      ctl("update a nobody"),
      until("a RUNNING"),
      ctl("status"),
      ctl("update old web"),
      ctl("update all"),
      until("b RUNNING, web RUNNING"),
      ctl("status"),
    ],
  },
  {
    title: "add and remove",
    config: TWO,
    steps: [
      until("web RUNNING, old RUNNING"),
      ctl("add web"),
      ctl("add nobody"),
      ctl("remove web"),
      ctl("remove nobody"),
      ctl("stop old"),
      ctl("remove old"),
      ctl("status"),
      ctl("add old"),
      until("old RUNNING"),
      ctl("status"),
      write("supervisord.conf", `${TWO}[program:new]\ncommand=sleep 1000\n`),
      ctl("add new"),
      ctl("reread"),
      ctl("add new"),
      until("new RUNNING"),
      rpc("addProcessGroup", ["new"]),
      rpc("addProcessGroup", ["nobody"]),
      rpc("removeProcessGroup", ["new"]),
      rpc("removeProcessGroup", ["nobody"]),
      rpc("stopProcess", ["new"]),
      rpc("removeProcessGroup", ["new"]),
      rpc("getProcessInfo", ["new"]),
    ],
  },
  {
    title: "a broken file changes nothing",
    config: TWO,
    steps: [
      until("web RUNNING, old RUNNING"),
      remember("web"),
      write("supervisord.conf", `${TWO}[program:new]\ncommand=sleep 1\nautostart=maybe\n`),
      ctl("reread", { differs: { "config-errors:reread": /out/ } }),
      ctl("update", { differs: { "config-errors:update": /out/ } }),
      rpc("reloadConfig", [], { "config-errors:fault": /fault\.1/ }),
      kept("web"),
      ctl("status"),
      write("supervisord.conf", TWO),
      ctl("reread"),
    ],
  },
  {
    title: "what changes without a restart with us: restart policy, priority",
    config: TWO,
    steps: [
      until("web RUNNING, old RUNNING"),
      remember("web", "old"),
      write("supervisord.conf", TWO.replace("[program:old]", "autorestart=true\npriority=5\n[program:old]")),
      ctl("reread"),
      ctl("update"),
      until("web RUNNING"),
      kept("web", "live-changes"),
      kept("old"),
      ctl("avail"),
    ],
  },
  {
    title: "one member of a group changes",
    config: FIVE,
    steps: [
      until("crew:one RUNNING, crew:two RUNNING, three RUNNING"),
      remember("crew:one", "crew:two", "three"),
      write(
        "supervisord.conf",
        FIVE.replace("[program:two]\ncommand=sleep 1000", "[program:two]\ncommand=sleep 1001"),
      ),
      ctl("reread"),
      ctl("update"),
      until("crew:one RUNNING, crew:two RUNNING"),
      kept("crew:one", "update-members"),
      kept("crew:two"),
      kept("three"),
      ctl("status"),
    ],
  },
  {
    title: "a program stopped by hand, and an update of its group",
    config: TWO,
    steps: [
      until("web RUNNING, old RUNNING"),
      ctl("stop web"),
      write(
        "supervisord.conf",
        TWO.replace("[program:web]\ncommand=sleep 1000", "[program:web]\ncommand=sleep 1001"),
      ),
      ctl("update"),
      look(
        "web a moment later",
        async (side) => {
          await new Promise((resolve) => setTimeout(resolve, 1500));
          const { value } = await side.rpc("supervisor.getProcessInfo", ["web"]);
          return (value as { statename?: string } | undefined)?.statename ?? "none";
        },
        "stopped-by-hand",
      ),
    ],
  },
  {
    title: "HUP: supervisord restarts all, tsinit what changed",
    config: TWO,
    steps: [
      until("web RUNNING, old RUNNING"),
      remember("web", "old"),
      write(
        "supervisord.conf",
        `${TWO.replace("[program:old]\ncommand=sleep 1000", "")}[program:new]\ncommand=sleep 1000\n`,
      ),
      kill("SIGHUP"),
      until("new RUNNING, web RUNNING", 30_000),
      kept("web", "hup"),
      ctl("status"),
      rpc("getProcessInfo", ["new"], AUTO),
      rpc("getProcessInfo", ["old"]),
    ],
  },
  {
    title: "reload by a client",
    config: TWO,
    steps: [
      until("web RUNNING, old RUNNING"),
      remember("web"),
      write("supervisord.conf", `${TWO}[program:new]\ncommand=sleep 1000\n`),
      ctl("reload"),
      until("new RUNNING, web RUNNING", 30_000),
      kept("web"),
      ctl("status"),
    ],
  },
  {
    title: "HUP with a broken file: supervisord ends, tsinit goes on",
    config: TWO,
    steps: [
      until("web RUNNING, old RUNNING"),
      write("supervisord.conf", "[nothing]\nx\n"),
      kill("SIGHUP"),
      look(
        "it",
        async (side) => {
          if (side.name === "real") return `ends with ${await side.exit()}`;
          await side.until("its words", () => /Source contains parsing errors/.test(side.stderr));
          return (await side.rpc("supervisor.getState")).error === undefined ? "runs" : "is gone";
        },
        "broken-reload",
      ),
    ],
  },
  {
    title: "included files come and go",
    config: `${TWO}[include]\nfiles=conf.d/*.conf\n`,
    files: { "conf.d/a.conf": "[program:a]\ncommand=sh -c 'echo a >> @DIR@/started; exec sleep 1000'\n" },
    steps: [
      until("a RUNNING"),
      write("conf.d/b.conf", "[program:b]\ncommand=sleep 1000\n"),
      ctl("reread"),
      ctl("update"),
      until("b RUNNING"),
      remove("conf.d/a.conf"),
      ctl("update"),
      ctl("status"),
      untilFile("started", /a/),
      untilSaid(/spawned: 'b'/),
    ],
  },
];
