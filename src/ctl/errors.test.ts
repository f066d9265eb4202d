import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConnectionError,
  errorLine,
  FaultError,
  faultLine,
  PythonError,
  quote,
  StatusError,
} from "./errors.ts";

test("Python's quotes", () => {
  assert.equal(quote("a"), "'a'");
  assert.equal(quote("it's"), `"it's"`);
  assert.equal(quote(`it's "x"`), `'it\\'s "x"'`);
  assert.equal(quote("a\n\\"), "'a\\n\\\\'");
});

test("what was not expected looks as supervisorctl shows it", () => {
  const fault = new FaultError({ code: 92, text: `CANT_REREAD: it's` });
  assert.equal(
    errorLine(fault, "supervisorctl"),
    `error: <class 'xmlrpc.client.Fault'>, <Fault 92: "CANT_REREAD: it's">: file: supervisorctl line: 0`,
  );
  const denied = new ConnectionError("EACCES", "connect EACCES");
  assert.match(errorLine(denied, "x"), /^error: <class 'PermissionError'>, \[Errno 13\] Permission denied: /);
  const line = (error: unknown): string => errorLine(error, "x").replace(": file: x line: 0", "");
  assert.equal(
    line(new StatusError(401, "Unauthorized")),
    "error: <class 'xmlrpc.client.ProtocolError'>, <ProtocolError for 127.0.0.1/RPC2: 401 Unauthorized>",
  );
  assert.equal(
    line(new ConnectionError("ECONNRESET", "socket hang up")),
    "error: <class 'http.client.RemoteDisconnected'>, Remote end closed connection without response",
  );
  assert.equal(
    line(new ConnectionError("HPE_INVALID_CONSTANT", "Parse Error: Expected HTTP/")),
    "error: <class 'http.client.BadStatusLine'>, Parse Error: Expected HTTP/",
  );
  assert.equal(line(new ConnectionError("EMFILE", "too many")), "error: <class 'OSError'>, too many");
  assert.equal(line(new PythonError("ValueError", "no")), "error: <class 'ValueError'>, no");
  assert.equal(line("what"), "error: <class 'Exception'>, what");
});

test("under our own name a refusal is said plainly", () => {
  assert.equal(faultLine({ code: 6, text: "SHUTDOWN_STATE" }), "error: tsinit is shutting down");
  assert.equal(faultLine({ code: 92, text: "CANT_REREAD: x:1: bad" }), "error: CANT_REREAD: x:1: bad");
});
