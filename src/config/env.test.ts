import assert from "node:assert/strict";
import { test } from "node:test";
import { config, errors, fakeFiles, load, loadText } from "../../test/fakes/config.ts";
import { type Config, renderProblem } from "./config.ts";
import type { Environment } from "./env.ts";
import type { Loaded } from "./load.ts";

function fromVariables(variables: Record<string, string>): Loaded {
  return load({ environment: [["PATH", "/bin"], ...Object.entries(variables)] });
}

const warnings = (loaded: Loaded): string[] =>
  (loaded.ok ? loaded.config.warnings : loaded.warnings).map(renderProblem);

test("conformance 97: variables alone are a whole configuration, the same as the file", () => {
  const byVariables = config(
    fromVariables({
      TSINIT_PROGRAM_WORKER: "celery -A app worker -n w@%%h",
      TSINIT_PROGRAM_WORKER__PRIORITY: "200",
      TSINIT_PROGRAM_WORKER__ENVIRONMENT: 'A="1",B="%(program_name)s"',
      TSINIT_PROGRAM_WORKER__NUMPROCS: "2",
      TSINIT_PROGRAM_WORKER__PROCESS_NAME: "%(program_name)s_%(process_num)d",
      TSINIT_PROGRAM_WEB_APP: "flask run",
      TSINIT_GROUP_ALL__PROGRAMS: "worker",
      TSINIT_START_GATE: "spawned",
    }),
  ).plan;
  const file = `[program:worker]
command=celery -A app worker -n w@%%h
priority=200
environment=A="1",B="%(program_name)s"
numprocs=2
process_name=%(program_name)s_%(process_num)d
[program:web_app]
command=flask run
[group:all]
programs=worker
[tsinit]
start_gate=spawned
`;
  const byFile = config(loadText(file)).plan;
  const plain = (plan: Config["plan"]) => plan.programs.map((spec) => ({ ...spec, section: "" }));
  assert.deepEqual(plain(byVariables), plain(byFile));
  assert.deepEqual(byVariables.groups, byFile.groups);
  assert.deepEqual(byVariables.global, byFile.global);
  assert.deepEqual(
    byVariables.programs.map((spec) => spec.section),
    ["TSINIT_PROGRAM_WORKER", "TSINIT_PROGRAM_WORKER", "TSINIT_PROGRAM_WEB_APP"].sort((a, b) =>
      a < b ? 1 : -1,
    ),
  );
});

test("conformance 98: TSINIT_* stays here, everything else is handed on unchanged and in order", () => {
  const { environment } = config(
    fromVariables({ TSINIT_PROGRAM_A: "a", Z: "1", TSINIT_NOTHING: "x", A: "\udcff" }),
  );
  assert.deepEqual(environment, [
    ["PATH", "/bin"],
    ["Z", "1"],
    ["A", "\udcff"],
  ]);
});

test("variables override the file, also where a name cannot be spelled in a variable", () => {
  const files = fakeFiles({
    "/etc/tsinit.ini": "[program:celery-worker]\ncommand=old\npriority=5\n[tsinit]\nlisten=:1\n",
  });
  const environment: Environment = [
    ["TSINIT_PROGRAM_CELERY_WORKER", "new"],
    ["TSINIT_PROGRAM_CELERY_WORKER__PRIORITY", "7"],
    ["TSINIT_LISTEN", "none"],
  ];
  const { plan } = config(load({ files, environment }));
  assert.deepEqual(
    plan.programs.map(({ id, command, priority }) => [id, command, priority]),
    [["celery-worker:celery-worker", "new", 7]],
  );
  assert.equal(plan.global.listen, null);
});

test("a variable that stands for two sections is an error", () => {
  const text = "[program:a-b]\ncommand=x\n[program:a.b]\ncommand=y\n";
  const loaded = loadText(text, { environment: [["TSINIT_PROGRAM_A_B__PRIORITY", "1"]] });
  assert.match(errors(loaded).join(), /^TSINIT_PROGRAM_A_B__PRIORITY: stands for more than one section/);
});

test("errors name the variable instead of file and line", () => {
  const loaded = fromVariables({
    TSINIT_PROGRAM_WEB: "run %(ENV_NOPE)s",
    TSINIT_PROGRAM_WEB__STARTSECS: "soon",
    TSINIT_PROGRAM_LOST__PRIORITY: "1",
    TSINIT_DRAIN_SECONDS: "-1",
  });
  const found = errors(loaded);
  assert.match(
    found[0] ?? "",
    /^TSINIT_DRAIN_SECONDS: \[tsinit\] drain_seconds: '-1' is not a number of seconds/,
  );
  assert(
    found.some((text) =>
      text.startsWith("TSINIT_PROGRAM_WEB__STARTSECS: [program:web] startsecs: invalid literal"),
    ),
  );
  assert(found.some((text) => text.startsWith("TSINIT_PROGRAM_WEB: [program:web] command: Format string")));
  assert(found.some((text) => /^TSINIT_PROGRAM_LOST__PRIORITY: .* does not specify a command/.test(text)));
  assert.equal(found.length, 4);
});

test("unknown TSINIT_* names are warnings with the nearest known name", () => {
  const loaded = fromVariables({
    TSINIT_PROGRAM_A: "a",
    TSINIT_LISTN: "x",
    TSINIT_GROUP_X: "y",
    TSINIT_PROGRAM_B__: "1",
    TSINIT_PROGRAM_A__STARTSEC: "1",
  });
  const found = warnings(loaded);
  assert.equal(config(loaded).plan.programs.length, 1);
  assert(found.some((text) => /^TSINIT_LISTN: .*maybe TSINIT_LISTEN$/.test(text)));
  assert(found.some((text) => /^TSINIT_GROUP_X: .*expected TSINIT_GROUP_<NAME>__<KEY>$/.test(text)));
  assert(found.some((text) => /^TSINIT_PROGRAM_B__: .*expected TSINIT_PROGRAM_<NAME> or TSINIT_/.test(text)));
  assert(
    found.some((text) => /^TSINIT_PROGRAM_A__STARTSEC: \[program:a\] startsec: .*maybe startsecs/.test(text)),
  );
});

/** What Kubernetes injects for a Service of this name with one port called http. */
function service(name: string): Record<string, string> {
  return {
    [`${name}_SERVICE_HOST`]: "10.0.0.17",
    [`${name}_SERVICE_PORT`]: "80",
    [`${name}_SERVICE_PORT_HTTP`]: "80",
    [`${name}_PORT`]: "tcp://10.0.0.17:80",
    [`${name}_PORT_80_TCP`]: "tcp://10.0.0.17:80",
    [`${name}_PORT_80_TCP_PROTO`]: "tcp",
    [`${name}_PORT_80_TCP_PORT`]: "80",
    [`${name}_PORT_80_TCP_ADDR`]: "10.0.0.17",
  };
}

for (const name of ["TSINIT", "TSINIT_FOO", "TSINIT_PROGRAM_WEB", "TSINIT_GROUP_X", "TSINIT_LISTEN"]) {
  test(`the variables of a Service called ${name} are not ours`, () => {
    const loaded = fromVariables({ TSINIT_PROGRAM_A: "a", ...service(name) });
    assert.deepEqual(
      config(loaded).plan.programs.map((spec) => spec.name),
      ["a"],
    );
    assert.deepEqual(warnings(loaded), []);
    assert.equal(config(loaded).plan.global.listen?.port, 9180);
  });
}

test("a program whose name ends like a service variable is one when its value is a command", () => {
  const loaded = fromVariables({
    TSINIT_PROGRAM_WEB_PORT: "serve --port 80",
    TSINIT_PROGRAM_MY_SERVICE_HOST: "hostd",
  });
  assert.deepEqual(
    config(loaded).plan.programs.map((spec) => spec.name),
    ["my_service_host", "web_port"],
  );
});

test("variables of Kubernetes alone are no configuration", () => {
  assert.match(errors(fromVariables(service("TSINIT"))).join(), /No config file found at default paths/);
});
