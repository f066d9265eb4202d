/** nginx and php-fpm with the log settings of their official images: started, logging behind a prefix, stopped with QUIT. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { boxed } from "./harness.ts";
import type { Init } from "./init.ts";
import { PYTHON } from "./probe.ts";

/** As in the images: logs are links to the container's own streams, workers are another user's. */
const IMAGES = `
mount -t tmpfs tmpfs /var/log/nginx
ln -s /dev/stdout /var/log/nginx/access.log
ln -s /dev/stderr /var/log/nginx/error.log
mkdir -p @DIR@/www /run/php
echo '<?php header("X-Pid: " . getmypid()); file_put_contents("php://stderr", "from the script\\n"); echo "made by php\\n";' > @DIR@/www/index.php
cat > @DIR@/nginx.conf <<'END'
user www-data;
worker_processes 2;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events { worker_connections 64; }
http {
  log_format main '$remote_addr "$request" $status';
  access_log /var/log/nginx/access.log main;
  client_body_temp_path /run/nginx-body;
  proxy_temp_path /run/nginx-proxy;
  fastcgi_temp_path /run/nginx-fastcgi;
  uwsgi_temp_path /run/nginx-uwsgi;
  scgi_temp_path /run/nginx-scgi;
  server {
    listen 80;
    root @DIR@/www;
    location ~ \\.php$ {
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_pass @FPM@;
    }
  }
}
END
cat > @DIR@/fpm.conf <<'END'
[global]
error_log = /proc/self/fd/2
log_limit = 8192
daemonize = no
[www]
user = www-data
group = www-data
listen = @LISTEN@
listen.owner = www-data
access.log = /proc/self/fd/2
clear_env = no
catch_workers_output = yes
decorate_workers_output = no
pm = static
pm.max_children = 2
END
`;

const CONFIG = `
[supervisord]
nodaemon=true
user=root
[program:nginx]
command=/usr/sbin/nginx -c @DIR@/nginx.conf -g 'daemon off;'
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
stderr_logfile=/dev/stderr
stderr_logfile_maxbytes=0
stopsignal=QUIT
autorestart=true
priority=20
[program:php-fpm]
command=@PHP_FPM@ -F -y @DIR@/fpm.conf
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
stderr_logfile=/dev/stderr
stderr_logfile_maxbytes=0
stopsignal=QUIT
autorestart=true
priority=10
`;

/** Debian puts the version of PHP into its name. */
function phpFpm(): string {
  const name = readdirSync("/usr/sbin").find((entry) => entry.startsWith("php-fpm"));
  assert.ok(name !== undefined, "this test needs the package php-fpm");
  return `/usr/sbin/${name}`;
}

const get = (init: Init, path: string) =>
  init.run(
    PYTHON,
    "-I",
    "-c",
    `import urllib.request as u; print(u.urlopen("http://127.0.0.1${path}").read().decode())`,
  );

for (const [title, listen, pass] of [
  ["a port", "127.0.0.1:9000", "127.0.0.1:9000"],
  ["a unix socket", "/run/php/fpm.sock", "unix:/run/php/fpm.sock"],
] as const) {
  boxed(`nginx and php-fpm over ${title}`, async (box) => {
    const setup = IMAGES.replace("@LISTEN@", listen).replace("@FPM@", pass);
    const init = await box.init({ config: CONFIG.replace("@PHP_FPM@", phpFpm()), setup });
    await init.line(/^php-fpm \| .*NOTICE: ready to handle connections/);
    await init.line(/^nginx +\| .*start worker process/);
    await init.line(/success: nginx entered RUNNING/);
    const page = await get(init, "/index.php");
    assert.equal(page.stdout.trim(), "made by php", page.stderr);
    const request = await init.line(/^nginx +\| 127\.0\.0\.1 "GET \/index\.php HTTP\/1\.1" 200$/);
    assert.equal(request.stream, "stdout");
    const access = await init.line(
      /^php-fpm \| 127\.0\.0\.1 -.*"GET \/index\.php" 200|^php-fpm \| - -.*"GET \/index\.php" 200/,
    );
    assert.equal(access.stream, "stderr");
    await init.line(/^php-fpm \| from the script$/);
    const missing = await get(init, "/none.html");
    assert.equal(missing.code, 1);
    const error = await init.line(/^nginx +\| .*\[error\].*none\.html/);
    assert.equal(error.stream, "stderr");
    init.signal("SIGTERM");
    const ending = await init.exit();
    assert.equal(ending.code, 0);
    const own = init.own();
    const at = (pattern: RegExp) => own.findIndex((line) => pattern.test(line));
    assert.ok(at(/stopped: nginx \(exit status 0\)/) !== -1, ending.stderr);
    assert.ok(
      at(/stopped: nginx \(exit status 0\)/) < at(/stopped: php-fpm \(exit status 0\)/),
      ending.stderr,
    );
    assert.match(ending.stderr, /^php-fpm \| .*exiting, bye-bye!/m);
  });
}
