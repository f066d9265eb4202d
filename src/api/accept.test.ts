import assert from "node:assert/strict";
import { test } from "node:test";
import { prefersJson, prefersOpenMetrics } from "./accept.ts";

const PROMETHEUS_2 =
  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const PROMETHEUS_3 =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

test("OpenMetrics is for those who ask for it", () => {
  for (const yes of [
    PROMETHEUS_2,
    PROMETHEUS_3,
    "application/openmetrics-text",
    'Application/OpenMetrics-Text; version="1.0.0"',
  ])
    assert.equal(prefersOpenMetrics(yes), true, yes);
  const no = [
    undefined,
    "",
    "*/*",
    "application/*",
    "text/plain",
    "application/openmetrics-text;version=0.0.1",
    "application/openmetrics-text;q=0",
    "application/openmetrics-text;q=0.3,text/plain;q=0.4",
    "application/openmetrics-text;q=0.3,text/*;q=0.4",
    "application/openmetrics-text;q=nonsense",
  ];
  for (const header of no) assert.equal(prefersOpenMetrics(header), false, String(header));
});

test("JSON is for those who ask for it", () => {
  for (const yes of ["application/json", "application/json, */*", "text/plain;q=0.5, application/json"])
    assert.equal(prefersJson(yes), true, yes);
  for (const no of [
    undefined,
    "*/*",
    "application/*",
    "text/plain",
    "application/json;q=0",
    "application/json;q=0.1, text/plain",
  ])
    assert.equal(prefersJson(no), false, String(no));
});
