import assert from "node:assert/strict";
import { test } from "node:test";
import { surveyText } from "../../test/fakes/config.ts";
import { advise } from "./advice.ts";
import { Survey } from "./findings.ts";

/** `key: the first words`, of a file whose programs are critical so that nobody has to be told. */
function advice(text: string, environment: readonly (readonly [string, string])[] = []): string[] {
  const surveyed = surveyText(`[tsinit]\ncritical=true\n${text}`, { environment: [...environment] });
  assert.ok(surveyed.loaded.ok, JSON.stringify(surveyed.loaded));
  const found = advise(new Survey(surveyed.loaded.config, surveyed.document));
  return found.map(({ where, key, text: what }) => `${where.split(":")[1]} ${key}: ${what.slice(0, 40)}`);
}

/** The advice about one program with this command, and these other keys. */
function about(command: string, ...keys: string[]): string[] {
  return advice([`[program:p]`, `command=${command}`, ...keys, ""].join("\n"));
}

function says(command: string, words: RegExp, ...keys: string[]): void {
  const found = about(command, ...keys);
  assert.equal(found.length, 1, `${command}: ${found.join("; ")}`);
  assert.match(found[0] ?? "", words, command);
}

function silent(command: string, ...keys: string[]): void {
  assert.deepEqual(about(command, ...keys), [], command);
}

test("a stop that takes longer than Docker waits", () => {
  says("app", /^5 stopwaitsecs: it may take 11 s/, "stopwaitsecs=11");
  says("app", /^6 stopwaitsecs: it may take 12 s/, "stopsignal=INT,TERM", "stopwaitsecs=6");
  silent("app", "stopwaitsecs=10");
  silent("app");
  assert.deepEqual(advice("shutdown_timeout=8\n[program:p]\ncommand=app\nstopwaitsecs=60\n"), []);
});

test("a shell between tsinit and the program", () => {
  says('sh -c "migrate && serve"', /^4 command: the stop signal reaches the shell/);
  says("/bin/bash -lc 'a; b'", /the stop signal/);
  silent('sh -c "migrate && exec serve"');
  silent('sh -c "migrate && serve"', "stopasgroup=true");
  silent("sh -c \"serve --flag='a && b'\"");
  silent('sh -c "migrate || true"', "autorestart=false", "startsecs=0");
  silent("serve && nothing that a shell would see");
});

test("celery: beat, pidfile, stopasgroup, detach", () => {
  says("celery -A a worker -B", /^4 command: a beat inside a worker/);
  says("python -m celery -A a worker --beat", /a beat inside/);
  silent("celery -A a beat");
  says("celery -A a worker --pidfile=/tmp/w.pid", /pids start from 1/);
  says("celery -A a beat --pidfile /tmp/w.pid", /pids start from 1/);
  silent("celery -A a beat --pidfile=");
  says("celery -A a worker", /^5 stopasgroup: TERM to the whole group/, "stopasgroup=true");
  says("gosu app celery -A a worker --pool=prefork", /TERM to the whole group/, "stopasgroup=true");
  silent("celery -A a worker -P gevent", "stopasgroup=true");
  silent("celery -A a worker --pool=solo", "stopasgroup=true");
  says("celery multi start w1", /celery goes to the background/);
});

test("nginx and php-fpm stop gracefully at QUIT", () => {
  says('nginx -g "daemon off;"', /^3 stopsignal: TERM drops the requests that nginx/);
  says("php-fpm8.2 -F", /stopsignal: TERM drops the requests that php-fpm8.2/);
  silent('nginx -g "daemon off;"', "stopsignal=QUIT");
  silent("php-fpm -F", "stopsignal=QUIT,TERM", "stopwaitsecs=5");
});

test("programs that go to the background", () => {
  const quit = "stopsignal=QUIT";
  says("nginx", /command: nginx goes to the background/, quit);
  silent("nginx -c /etc/nginx/foreground.conf", quit);
  silent("/usr/sbin/nginx -g 'pid /run/n.pid; daemon off;'", quit);
  says("php-fpm", /goes to the background/, quit);
  silent("php-fpm -y /etc/fpm.conf", quit);
  silent("php-fpm8.2 --nodaemonize --force-stderr", quit);
  says("redis-server --daemonize yes", /goes to the background/);
  silent("redis-server --daemonize no");
  silent("redis-server /etc/redis.conf");
  says("gunicorn --daemon app", /goes to the background/);
  silent("gunicorn app --access-logfile -");
  says("uwsgi --daemonize /tmp/log", /goes to the background/);
  says("memcached -d", /goes to the background/);
  says("cron", /goes to the background/);
  silent("cron -f");
  silent("crond -f -l 8");
  silent("crond -n");
  says("/usr/sbin/sshd", /goes to the background/);
  silent("/usr/sbin/sshd -D -e");
  silent("/usr/sbin/sshd -eD");
  says("apachectl start", /goes to the background/);
  silent("apachectl -D FOREGROUND");
  silent("apache2-foreground");
  says("service cron start", /goes to the background/);
});

test("development servers, and Python that holds back what it prints", () => {
  const unbuffered = 'environment=PYTHONUNBUFFERED="1"';
  says("flask --app a run", /flask run is the development server/, unbuffered);
  says("python3 manage.py runserver 0:8000", /runserver is the development/, unbuffered);
  silent("flask --app a db upgrade", unbuffered);
  says("python3 worker.py", /Python holds back/);
  says("env A=1 python worker.py", /Python holds back/);
  silent("python3 -u worker.py");
  silent("python3 worker.py", unbuffered);
  silent("gunicorn app:app");
  assert.deepEqual(advice("[program:p]\ncommand=python a.py\n", [["PYTHONUNBUFFERED", "1"]]), []);
});

test("a program that shows a log", () => {
  says("tail -f /var/log/app.log", /a program only to show/);
  says("tail -n 0 -F /var/log/app.log", /a program only to show/);
  silent("tail -n 5 /etc/motd");
});

test("a one-shot that would count as a failed start", () => {
  says("migrate", /^5 autorestart: if it is meant to end/, "autorestart=false");
  silent("migrate", "autorestart=false", "startsecs=0");
  silent("migrate", "autorestart=false", "type=oneshot");
  silent("migrate");
});

test("a command that kills the container", () => {
  says('bash -c "serve; kill 1"', /command: if the kill is there/, "stopasgroup=true");
  silent("killer --kill");
  silent('bash -c "echo skill it"');
});

test("a listener that only stops the container", () => {
  const listener = (events: string, command = "stop-supervisor"): string[] =>
    advice(`[eventlistener:l]\ncommand=${command}\nevents=${events}\n[program:p]\ncommand=a\n`);
  assert.match(listener("PROCESS_STATE_FATAL").join(), /^5 events: if it only stops/);
  assert.match(listener("PROCESS_STATE_STOPPED, PROCESS_STATE_EXITED, PROCESS_STATE_FATAL").join(), /events/);
  assert.deepEqual(listener("PROCESS_STATE"), []);
  assert.deepEqual(listener("PROCESS_STATE_FATAL,TICK_60"), []);
  assert.deepEqual(listener("PROCESS_STATE_FATAL", "fatalmailbatch -t me@example.com"), []);
});

test("lines that are no longer needed, those of [DEFAULT] once", () => {
  const four =
    "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstderr_logfile=/dev/stderr\nstderr_logfile_maxbytes=0\n";
  const lines = advice(
    `[program:a]\ncommand=a\n${four}[program:b]\ncommand=b\nnumprocs=2\nprocess_name=b%(process_num)s\n${four}`,
  );
  assert.equal(lines.length, 8);
  assert.ok(lines.every((line) => line.includes("no longer needed")));
  assert.equal(advice(`[DEFAULT]\n${four}[program:a]\ncommand=a\n[program:b]\ncommand=b\n`).length, 4);
  assert.equal(
    advice("[program:a]\ncommand=a\nstderr_logfile=/dev/stdout\n").length,
    0,
    "that one does something",
  );
  assert.deepEqual(
    advice(
      `[eventlistener:l]\ncommand=l\nevents=TICK_60\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n[program:a]\ncommand=a\n`,
    ),
    [],
    "without it what a listener answers is not shown",
  );
  assert.equal(
    advice("[program:a]\ncommand=a\nstdout_logfile=/var/log/a\nstdout_logfile_maxbytes=0\n").length,
    0,
  );
});

test("a control port without a password", () => {
  const port = (more: string): string[] =>
    advice(`[inet_http_server]\nport=127.0.0.1:9001\n${more}[program:a]\ncommand=a\n`);
  assert.match(port("").join(), /^4 port: whoever reaches this port/);
  assert.deepEqual(port("username=u\npassword=p\n"), []);
});

test("nobody is critical: said once, and not where a listener was told of it", () => {
  const find = (text: string): number => {
    const surveyed = surveyText(text);
    assert.ok(surveyed.loaded.ok);
    const found = advise(new Survey(surveyed.loaded.config, surveyed.document));
    return found.filter(({ text: what }) => what.startsWith("no program is critical")).length;
  };
  const two = "[program:a]\ncommand=a\n[program:b]\ncommand=b\n";
  assert.equal(find(two), 1);
  assert.equal(find(`${two}critical=true\n`), 0);
  assert.equal(find(`${two}[eventlistener:l]\ncommand=l\nevents=PROCESS_STATE_FATAL\n`), 0);
});
