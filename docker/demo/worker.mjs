// Counts primes for the web program, over a unix socket. Finishes what it is computing before it stops.
import { createServer } from "node:http";

const socket = `${process.env.DEMO_DIRECTORY}/worker.sock`;

/** How many primes are not above `limit`. */
function countPrimes(limit) {
  const composite = new Uint8Array(limit + 1);
  let count = 0;
  for (let n = 2; n <= limit; n++) {
    if (composite[n]) continue;
    count++;
    for (let multiple = n * n; multiple <= limit; multiple += n) composite[multiple] = 1;
  }
  return count;
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://worker");
  if (pathname === "/crash") {
    console.error("told to crash");
    process.exit(1);
  }
  const limit = Math.min(Math.max(Number(searchParams.get("limit")) || 0, 0), 10_000_000);
  console.log(`counting primes up to ${limit}`);
  response.end(String(countPrimes(limit)));
});

// The socket of a worker that crashed is still there.
const { rmSync } = await import("node:fs");
rmSync(socket, { force: true });
server.listen(socket, () => console.log("waiting for work"));

process.on("SIGTERM", () => {
  console.log("stopping");
  server.close();
});
