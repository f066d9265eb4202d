/** tsinit under the names of supervisor's tools, as PID 1: alone, and in an image that was made for supervisord. */
import assert from "node:assert/strict";
import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Bundle } from "./bundle.ts";
import { Container } from "./container.ts";
import { boxed } from "./harness.ts";
import { buildImage, type Image } from "./image.ts";
import { actor, BINARY, GENTLE } from "./scene.ts";

const OVERLAY = join(import.meta.dirname, "../../dist/overlay");
/** A folder of this process: the links that the overlay has, onto the binary that was built. */
const LINKS = `mkdir -p @DIR@/usr/bin; for name in supervisord supervisorctl pidproxy; do
  ln -s ${BINARY} @DIR@/usr/bin/$name; done`;

test("the overlay: the names lie where Debian and where pip have them, and lead to the one file in any root", () => {
  for (const folder of ["usr/bin", "usr/local/bin"]) {
    assert.deepEqual(readdirSync(join(OVERLAY, folder)).sort(), ["pidproxy", "supervisorctl", "supervisord"]);
    for (const name of readdirSync(join(OVERLAY, folder))) {
      const target = readlinkSync(join(OVERLAY, folder, name));
      assert.equal(join("/", folder, target), "/usr/lib/tsinit/tsinit");
      assert.ok(!target.startsWith("/"));
    }
  }
});

boxed("supervisord as PID 1 stays in the foreground and says so in one sentence", async (box) => {
  const words = ["-c", "supervisord.conf", "-e", "debug", "-i", "mine", "-j", "run.pid", "-u", "daemon"];
  const init = await box.init({
    wrapper: ["sh", "-c", 'exec "$0" "$@"'],
    binary: BINARY,
    setup: `${LINKS}
cat > @DIR@/supervisord.conf <<'END'
[supervisord]
[program:web]
command=${actor("web", "show:ids", ...GENTLE)}
END
cat > @DIR@/start <<'END'
#!/bin/sh
cd @DIR@ && exec @DIR@/usr/bin/supervisord "$@"
END
chmod 777 @DIR@; chmod +x @DIR@/start`,
    args: words,
  });
  await init.line(/stays in the foreground as PID 1/);
});

void lstatSync;
void BUILD;
