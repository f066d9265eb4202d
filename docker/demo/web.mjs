// The demo's web program: asks the worker to compute, and can make it crash.
import { createServer, get } from "node:http";

const port = Number(process.env.DEMO_PORT);
const socketPath = `${process.env.DEMO_DIRECTORY}/worker.sock`;

const HELP =
  "GET /primes?limit=1000   the worker counts\nGET /crash               the worker crashes and is restarted\n";

function askWorker(path, answer) {
  get({ socketPath, path, agent: false }, (reply) => {
    reply.setEncoding("utf8");
    let text = "";
    reply.on("data", (piece) => {
      text += piece;
    });
    reply.on("end", () => answer(200, `${text}\n`));
  }).on("error", (error) => answer(503, `the worker does not answer: ${error.message}\n`));
}

const server = createServer((request, response) => {
  const answer = (status, text) => {
    console.log(`${request.method} ${request.url} ${status}`);
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
  };
  const { pathname, search } = new URL(request.url ?? "/", "http://web");
  if (pathname === "/") answer(200, HELP);
  else if (pathname === "/primes" || pathname === "/crash") askWorker(`${pathname}${search}`, answer);
  else answer(404, "not found\n");
});

server.listen(port, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${port}/`));

process.on("SIGTERM", () => {
  console.log("stopping");
  server.close();
  server.closeAllConnections();
});
