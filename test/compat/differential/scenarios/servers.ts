/** The servers: logins, several of them, HTTP itself. */

import { statSync } from "node:fs";
import { BASE, type Scenario } from "../scenario.ts";
import { ctl, http, look, rpc, rpcAt, until } from "../steps.ts";

const SHA_OF_SECRET = "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4";

const CALL = `<?xml version="1.0"?><methodCall><methodName>supervisor.getAPIVersion</methodName></methodCall>`;

export const SERVERS: readonly Scenario[] = [
  {
    title: "an inet server with a login",
    config: `${BASE}
[inet_http_server]
port=127.0.0.1:@PORT1@
username=anna
password=s3cret!
[program:web]
command=sleep 1000
`,
    steps: [
      until("web RUNNING"),
      rpcAt({ url: "http://127.0.0.1:@PORT1@", username: "anna", password: "s3cret!" }, "getState"),
      rpcAt({ url: "http://127.0.0.1:@PORT1@", username: "anna", password: "wrong" }, "getState"),
      rpcAt({ url: "http://127.0.0.1:@PORT1@", username: "bob", password: "s3cret!" }, "getState"),
      rpcAt({ url: "http://127.0.0.1:@PORT1@" }, "getState"),
      http("/RPC2", { show: ["www-authenticate"] }),
      http("/", {}),
      http("/RPC2", { method: "POST", body: CALL, headers: { authorization: "Basic !!!" } }, "faults:login"),
      http("/RPC2", { method: "POST", body: CALL, headers: { authorization: "Bearer x" } }),
      ctl("status", { options: ["-s", "http://127.0.0.1:@PORT1@", "-u", "anna", "-p", "s3cret!"] }),
      ctl("status", { options: ["-s", "http://127.0.0.1:@PORT1@", "-u", "anna", "-p", "no"] }),
      ctl("pid", { options: ["-s", "http://127.0.0.1:@PORT1@"] }),
      rpc("getState"),
    ],
  },
  {
    title: "{SHA} passwords, on a port and on the socket",
    config: `${BASE.replace("[supervisord]", `username=u\npassword={SHA}${SHA_OF_SECRET}\n[supervisord]`).replace("[supervisorctl]", "[supervisorctl]\nusername=u\npassword=secret")}
[inet_http_server]
port=127.0.0.1:@PORT1@
username=anna
password={SHA}${SHA_OF_SECRET}
[program:web]
command=sleep 1000
`,
    steps: [
      ctl("status nobody"),
      rpcAt({ url: "http://127.0.0.1:@PORT1@", username: "anna", password: "secret" }, "getState"),
      rpcAt(
        { url: "http://127.0.0.1:@PORT1@", username: "anna", password: `{SHA}${SHA_OF_SECRET}` },
        "getState",
      ),
      rpc("getState"),
      rpcAt({ url: "unix://@DIR@/s.sock", username: "u", password: "secret" }, "getState"),
      rpcAt({ url: "unix://@DIR@/s.sock", username: "u", password: "Secret" }, "getState"),
    ],
  },
  {
    title: "several servers, their modes",
    config: `${BASE.replace("[supervisord]", "chmod=0700\n[unix_http_server:two]\nfile=@DIR@/two.sock\nchmod=0770\n[supervisord]")}
[inet_http_server:a]
port=127.0.0.1:@PORT1@
username=a
password=a
[inet_http_server:b]
port=127.0.0.1:@PORT2@
username=b
password=b
[program:web]
command=sh -c "echo $SUPERVISOR_SERVER_URL; exec sleep 1000"
`,
    steps: [
      until("web RUNNING"),
      rpcAt({ url: "unix://@DIR@/two.sock" }, "getState"),
      rpcAt({ url: "http://127.0.0.1:@PORT1@", username: "a", password: "a" }, "getState"),
      rpcAt({ url: "http://127.0.0.1:@PORT2@", username: "b", password: "b" }, "getState"),
      rpcAt({ url: "http://127.0.0.1:@PORT2@", username: "a", password: "a" }, "getState"),
      look("mode of s.sock", async (side) => statSync(`${side.dir}/s.sock`).mode & 0o777),
      look("mode of two.sock", async (side) => statSync(`${side.dir}/two.sock`).mode & 0o777),
      ctl("tail web"),
    ],
  },
  {
    title: "HTTP: methods, paths, bodies",
    config: `${BASE}
[inet_http_server]
port=127.0.0.1:@PORT1@
[program:web]
command=sleep 1000
`,
    steps: [
      until("web RUNNING"),
      http("/RPC2", { method: "POST", body: CALL, show: ["content-type", "body"] }),
      http("/RPC2", { method: "POST", body: CALL, headers: { "content-type": "text/plain" } }),
      http("/RPC2/", { method: "POST", body: CALL }),
      http("/RPC2"),
      http("/RPC2", { method: "POST", body: "not xml" }),
      http("/RPC2", { method: "POST", body: "<methodCall></methodCall>" }),
      http("/RPC2", {
        method: "POST",
        body: "<methodCall><methodName>getState</methodName></methodCall>",
        show: ["body"],
      }),
      http("/RPC2", { method: "PUT", body: CALL }),
      http("/nowhere"),
      http("/logtail/nobody"),
      http("/logtail/web/nowhere"),
      http("/ok.html", { show: ["body"] }),
      http("/?action=stop&processname=web", { show: ["location"] }, "web-page:action"),
      http("/tail.html?processname=web", {}, "web-page:tail"),
    ],
  },
];
