import assert from "node:assert/strict";
import { test } from "node:test";
import { config, errors, loadText } from "../../test/fakes/config.ts";
import { renderProblem } from "./config.ts";

test("start order: group priority, priority, name; groups by priority and name", () => {
  const text = `[program:z]
command=z
priority=1
[program:b]
command=b
priority=300
[program:a]
command=a
priority=300
[program:m]
command=m
priority=5
[group:g]
programs=m,n
priority=300
[program:n]
command=n
priority=4
`;
  const { plan } = config(loadText(text));
  assert.deepEqual(
    plan.programs.map((spec) => spec.id),
    ["z:z", "g:n", "g:m", "a:a", "b:b"],
  );
  assert.deepEqual(
    plan.groups.map((group) => [group.name, group.programs]),
    [
      ["z", ["z:z"]],
      ["a", ["a:a"]],
      ["b", ["b:b"]],
      ["g", ["g:m", "g:n"]],
    ],
  );
});

test("names that collide: the first group and the last process stay, with a warning", () => {
  const text =
    "[program:a]\ncommand=first\n[program: a]\ncommand=second\n" +
    "[program:b]\ncommand=b\nprocess_name=x%(process_num).0s\nnumprocs=2\n";
  const { plan, warnings: found } = config(loadText(text));
  assert.deepEqual(
    plan.programs.map((spec) => [spec.id, spec.command, spec.processNum]),
    [
      ["a:a", "first", 0],
      ["b:x0", "b", 0],
      ["b:x1", "b", 1],
    ]
      .slice(0, 1)
      .concat([["b:x", "b", 1]]),
  );
  assert.match(found.map(renderProblem).join("\n"), /another group a .*\n.*two processes are called b:x/s);
});

test("a group keeps listeners out and cannot name one", () => {
  const text = "[group:g]\nprograms=l\n[eventlistener:l]\ncommand=l\nevents=TICK_5\n[program:p]\ncommand=p\n";
  assert.match(
    errors(loadText(text)).join(),
    /^\S+:\d+: \[group:g\] programs: names unknown program or fcgi-program l \(event listeners cannot be grouped\)/,
  );
});
