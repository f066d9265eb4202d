/** Configs that are wrong: exit code 2 and supervisord's words in ours, each a config of its own. */

import type { Differs } from "../scenario.ts";
import { BASE, type Scenario } from "../scenario.ts";
import { refuses } from "../steps.ts";

const PROGRAM = "[program:web]\ncommand=sleep 1\n";

function wrong(title: string, extra: string, differs?: Differs, base = BASE): Scenario {
  return { title, config: `${base}\n${extra}\n`, refused: true, steps: [refuses(differs)] };
}

function option(args: readonly string[], differs?: Differs): Scenario {
  return {
    title: `the command line ${args.join(" ")}`,
    config: `${BASE}[program:web]\ncommand=sleep 1.5\n`,
    args,
    refused: true,
    steps: [refuses(differs)],
  };
}

const CONF = ["-n", "-c", "@DIR@/supervisord.conf"];

export const REFUSALS: readonly Scenario[] = [
  wrong("no command", "[program:web]\nautostart=true"),
  wrong("an integer that is none", `${PROGRAM}startsecs=1.5`),
  wrong("a boolean that is none", `${PROGRAM}autostart=maybe`),
  wrong("an autorestart that is none", `${PROGRAM}autorestart=sometimes`),
  wrong("a signal that is none", `${PROGRAM}stopsignal=FOO`),
  wrong("exit codes that are none", `${PROGRAM}exitcodes=0,256`),
  wrong("bytes that are none", `${PROGRAM}stdout_logfile_maxbytes=10k`),
  wrong("an umask that is none", `${PROGRAM}umask=9`),
  wrong("a user who is none", `${PROGRAM}user=no-such-user`),
  wrong("environment that ends early", `${PROGRAM}environment=A=1 B=2`, {
    "config-errors:environment": /says/,
  }),
  wrong("environment with an open quote", `${PROGRAM}environment=A="1`),
  wrong("a name that is not known in %()", "[program:web]\ncommand=sleep %(nope)s"),
  wrong("a bad % format", "[program:web]\ncommand=date +%Y"),
  wrong("numprocs without process_num", `${PROGRAM}numprocs=2`),
  wrong("a blank in a name", "[program:a b]\ncommand=sleep 1"),
  wrong("stopasgroup without killasgroup", `${PROGRAM}stopasgroup=true\nkillasgroup=false`),
  wrong("an unknown program in a group", `${PROGRAM}[group:g]\nprograms=nobody`, {
    "config-errors:group": /says/,
  }),
  wrong("a listener without events", "[eventlistener:l]\ncommand=cat"),
  wrong("a listener with an unknown event", "[eventlistener:l]\ncommand=cat\nevents=FOO"),
  wrong("a listener without buffer", "[eventlistener:l]\ncommand=cat\nevents=EVENT\nbuffer_size=0"),
  wrong(
    "a listener that redirects stderr",
    "[eventlistener:l]\ncommand=cat\nevents=EVENT\nredirect_stderr=true",
  ),
  wrong(
    "a result handler that is none",
    "[eventlistener:l]\ncommand=cat\nevents=EVENT\nresult_handler=foo:bar",
  ),
  wrong("fcgi without socket", "[fcgi-program:f]\ncommand=cat"),
  wrong("fcgi with a bad socket", "[fcgi-program:f]\ncommand=cat\nsocket=udp://x:1", {
    "config-errors:socket": /says/,
  }),
  wrong(
    "fcgi with a mode for tcp",
    "[fcgi-program:f]\ncommand=cat\nsocket=tcp://localhost:1\nsocket_mode=0700",
  ),
  wrong("a log file in no folder", "[program:web]\ncommand=sleep 1.5\nstdout_logfile=/nowhere/x.log", {
    "missing-log-folder:code": /code/,
  }),
  wrong("a port that is none", `${PROGRAM}[inet_http_server]\nport=abc`),
  wrong("a port out of range", `${PROGRAM}[inet_http_server]\nport=65536`, { "config-errors:port": /says/ }),
  wrong("half a login", `${PROGRAM}[inet_http_server]\nport=127.0.0.1:9\nusername=x`),
  wrong("a unix server without file", `${PROGRAM}[unix_http_server:x]\nchmod=0700`),
  wrong("include without files", `${PROGRAM}[include]\nx=y`),
  wrong("a line that is none", `${PROGRAM}just words`, { "config-errors:line": /says/ }),
  wrong("a key before all sections", PROGRAM, { "config-errors:section": /says/ }, "key=value\n"),
  wrong(
    "a level that is none",
    PROGRAM,
    undefined,
    BASE.replace("[supervisord]", "[supervisord]\nloglevel=warning"),
  ),
  wrong("lines that are not indented", '[program:p]\ncommand=python -c "\nprint(1)\n"', {
    "config-errors:line": /says/,
  }),
  option(["-n", "-c", "@DIR@/nowhere.conf"]),
  option([...CONF, "foo"]),
  option([...CONF, "--badopt"]),
  option([...CONF, "-e", "warning"]),
  option([...CONF, "-n"]),
];
