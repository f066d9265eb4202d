import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeGlobal, fakeSpec } from "../../test/fakes/plans.ts";
import { assertUniqueIds, compareTiers, duplicateIds, emptyPlan, orderPrograms, tierOf } from "./plan.ts";

test("a tier is the pair of group priority and own priority", () => {
  assert.deepEqual(tierOf(fakeSpec("web", { priority: 7 })), [7, 7, 0]);
  assert.deepEqual(tierOf(fakeSpec("g:web", { priority: 7, groupPriority: 3 })), [3, 7, 0]);
  assert.equal(
    compareTiers(tierOf(fakeSpec("a", { priority: 5 })), tierOf(fakeSpec("b", { priority: 5 }))),
    0,
  );
  assert.notEqual(
    compareTiers(
      tierOf(fakeSpec("g:a", { priority: 5, groupPriority: 1 })),
      tierOf(fakeSpec("b", { priority: 5 })),
    ),
    0,
  );
});

test("programs are ordered by tier, then group, then name, and the argument stays as it was", () => {
  const given = [
    fakeSpec("z", { priority: 10 }),
    fakeSpec("g:b", { groupPriority: 10, priority: 5 }),
    fakeSpec("a", { priority: 10 }),
    fakeSpec("first", { priority: -1 }),
    fakeSpec("B", { priority: 10 }),
    fakeSpec("h:c", { groupPriority: 10, priority: 10 }),
  ];
  const before = [...given];
  assert.deepEqual(
    orderPrograms(given).map(({ id }) => id),
    ["first:first", "g:b", "B:B", "a:a", "h:c", "z:z"],
  );
  assert.deepEqual(given, before);
});

test("ids that are there twice are found, each once", () => {
  const ids = ["a", "b", "a", "a", "c", "b"].map((id) => ({ id }));
  assert.deepEqual(duplicateIds(ids), ["a", "b"]);
  assert.throws(() => assertUniqueIds(ids), /not unique: a, b/);
  assert.doesNotThrow(() => assertUniqueIds([{ id: "a" }, { id: "b" }]));
});

test("an empty plan has no programs and passes nothing through", () => {
  const global = fakeGlobal();
  assert.deepEqual(emptyPlan(global), { global, groups: [], programs: [], passthrough: false });
});
