/** Scrapes without a pause until it is ended: node scraper.ts PORT. Writes a dot for each whole answer. */
import { get } from "./rpc.ts";

const port = Number(process.argv[2]);
for (;;) {
  const { status } = await get(port, "/metrics");
  if (status !== 200) throw new Error(`/metrics: ${status}`);
  process.stdout.write(".");
}
