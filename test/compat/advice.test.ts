/** The advice that configurations of the wild get, looked at one by one: nothing else may be said of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { advise } from "../../src/config/advice.ts";
import { Survey } from "../../src/config/findings.ts";
import { fakeFiles, survey } from "../fakes/config.ts";
import { readCorpus } from "./python.ts";

/** `FILE:LINE key`; the log lines that are not needed, and that nobody is critical, are said of nearly all. */
const EXPECTED = `
02-laravel-workers.conf:23 stopwaitsecs
02-laravel-workers.conf:14 stopwaitsecs
04-documents.conf:19 command
07-tower-web.conf:38 events
07-tower-web.conf:8 stopsignal
08-mail.conf:25 stopwaitsecs
08-mail.conf:14 stopwaitsecs
09-imap.conf:23 events
09-imap.conf:17 command
13-browser.conf:20 command
15-kafka.conf:19 autorestart
16-heredoc.conf:8 stopsignal
18-bench.conf:23 stopwaitsecs
18-bench.conf:31 stopwaitsecs
19-judge.conf:16 stopwaitsecs
19-judge.conf:9 command
19-judge.conf:9 command
19-judge.conf:5 port
24-continuation.conf:12 command
31-celery-flask.conf:14 stopwaitsecs
31-celery-flask.conf:18 command
41-inet-servers.conf:8 port
`;

/** What their images would set. */
const ENVIRONMENT = Object.entries({
  HOME: "/root",
  SUPERVISOR_LOGLEVEL: "warn",
  WORKERS_COUNT: "2",
  HOME_PART: "x",
  START_XVFB: "true",
  ENABLE_SOCKETIO: "true",
  QUEUES: "a",
});

test("the corpus gets this advice and no other", () => {
  const found: string[] = [];
  let valid = 0;
  for (const { name, text } of readCorpus()) {
    const files = fakeFiles({ [`/etc/${name}`]: text }, [], true);
    const surveyed = survey({
      configFile: `/etc/${name}`,
      environment: ENVIRONMENT,
      files,
      purpose: "check",
    });
    if (!surveyed.loaded.ok) continue;
    valid++;
    for (const { where, key, text: what } of advise(new Survey(surveyed.loaded.config, surveyed.document)))
      if (!/^no longer needed|^no program is critical/.test(what)) found.push(`${where.slice(5)} ${key}`);
  }
  assert.ok(valid >= 30, `${valid} valid files`);
  assert.deepEqual(found, EXPECTED.trim().split("\n"));
});
