/**
 * What people really run, each as its config is written in the wild, with small stand-ins for the programs: what is unusual in
 * it (the keys, the form of the file, what the programs do) is kept.
 */
import { BASE, KEEP, type Scenario } from "../scenario.ts";
import {
  act,
  ctl,
  exits,
  file,
  kill,
  rpc,
  said,
  sorted,
  sortedFile,
  stream,
  until,
  untilFile,
  untilOutput,
} from "../steps.ts";

/** A server: says its name and words, ends at its signals in order, notes that it did. */
const SERVER = `#!/bin/sh
name=$1
for s in TERM QUIT INT USR1 USR2 HUP WINCH; do
  trap "echo $name $s >> @DIR@/signals; kill \\$child; exit 0" $s
done
echo "$@"
echo "$name: notice" >&2
sleep 1000 & child=$!
wait $child
`;

/** Reads events and does nothing with them. */
const LISTENER = `import sys
sys.path.insert(0, "/usr/lib/python3/dist-packages")
from supervisor import childutils
while True:
    headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
    sys.stderr.write("%s %s\\n" % (headers["eventname"], payload))
    childutils.listener.ok(sys.stdout)
`;

const SERVERS = { "server.sh": SERVER };

export const ARCHETYPES: readonly Scenario[] = [
  {
    title: "nginx and php-fpm: priorities, QUIT, no retries",
    archetype: 1,
    config: `${BASE.replace("[supervisord]", "[supervisord]\nnodaemon=true\nuser=root")}
[program:php-fpm]
command = @DIR@/server.sh php-fpm -F
autostart=true
autorestart=true
priority=5
stdout_logfile=@DIR@/php.log
stdout_logfile_maxbytes=0
stderr_logfile=@DIR@/php.err
stderr_logfile_maxbytes=0
stopsignal=QUIT
[program:nginx]
command=@DIR@/server.sh nginx -g "daemon off;"
autostart=true
autorestart=true
startretries=0
priority=10
stopsignal=QUIT
`,
    files: SERVERS,
    steps: [
      until("php-fpm RUNNING, nginx RUNNING"),
      ctl("status"),
      ctl("avail"),
      ctl("tail nginx"),
      ctl("tail nginx stderr"),
      sorted(ctl("restart all")),
      sortedFile("signals"),
      kill("SIGTERM"),
      exits(),
    ],
  },
  {
    title: "Laravel queue workers: numprocs, names with numbers, an end on purpose is no crash",
    archetype: 2,
    config: `${BASE}
[program:laravel-worker]
process_name=%(program_name)s_%(process_num)02d
command=sh -c "echo queue:work --max-time=1; echo x >> @DIR@/runs_%(process_num)d; [ $(wc -l < @DIR@/runs_%(process_num)d) -ge 2 ] && exec sleep 1000; sleep 1.4"
autostart=true
autorestart=true
stopasgroup=true
killasgroup=true
numprocs=4
redirect_stderr=true
startretries=10
stopwaitsecs=3600
`,
    steps: [
      untilFile("runs_0", /x\nx/),
      untilFile("runs_3", /x\nx/),
      until("laravel-worker:laravel-worker_00 RUNNING, laravel-worker:laravel-worker_03 RUNNING"),
      ctl("status laravel-worker:*"),
      said("laravel-worker_00"),
      sorted(ctl("restart laravel-worker:*")),
      sorted(ctl("stop laravel-worker:*")),
    ],
  },
  {
    title: "Laravel Sail: a development server that has a child, environment",
    archetype: 3,
    config: `${BASE.replace("[supervisord]", "chown=root:root\nchmod=0770\n[supervisord]\nnodaemon=true\nuser=root")}
[program:php]
command=%(ENV_SUPERVISOR_PHP_COMMAND)s
user=%(ENV_SUPERVISOR_PHP_USER)s
environment=LARAVEL_SAIL="1"
stdout_logfile=@DIR@/php.log
stdout_logfile_maxbytes=0
stopasgroup=true
`,
    files: {
      "artisan.sh": `#!/bin/sh
sh -c 'trap "echo child TERM >> @DIR@/signals; exit" TERM; echo serving $LARAVEL_SAIL; echo up > @DIR@/up; while :; do sleep 0.1; done' &
trap 'wait; exit 0' TERM
wait
`,
    },
    env: { SUPERVISOR_PHP_COMMAND: "@DIR@/artisan.sh serve --host=0.0.0.0", SUPERVISOR_PHP_USER: "root" },
    steps: [
      until("php RUNNING"),
      untilFile("up", /up/),
      ctl("status"),
      ctl("stop php"),
      untilFile("signals", /child/),
      file("signals"),
    ],
  },
  {
    title: "paperless-ngx: inline comments, stdout and stderr apart",
    archetype: 4,
    config: `${BASE.replace("[supervisord]", "[supervisord]\nnodaemon=true               ; (start in foreground if true;default false)\nlogfile_maxbytes=50MB        ; (max main logfile bytes b4 rotation;default 50MB)\nloglevel=info                ; (log level;default info)\nuser=root")}
[program:gunicorn]
command=@DIR@/server.sh gunicorn -c /usr/src/gunicorn.conf.py paperless.asgi:application ; the web server
user=root
priority = 1
environment = HOME="/usr/src/paperless"
[program:consumer]
command=@DIR@/server.sh consumer
stopsignal=INT # as a terminal would
priority = 20
[program:celery-beat]
command=@DIR@/server.sh beat --loglevel;INFO
stopasgroup = true
priority=20
`,
    files: SERVERS,
    steps: [
      until("gunicorn RUNNING, consumer RUNNING, celery-beat RUNNING"),
      ctl("status"),
      ctl("tail gunicorn"),
      ctl("tail celery-beat"),
      ctl("tail consumer stderr"),
      ctl("stop consumer"),
      file("signals"),
    ],
  },
  {
    title: "Redash: counts and queues from the environment",
    archetype: 5,
    config: `${BASE}
[program:worker]
command=sh -c "echo rq worker %(ENV_QUEUES)s; exec sleep 1000"
process_name=%(program_name)s-%(process_num)s
numprocs=%(ENV_WORKERS_COUNT)s
directory=@DIR@
stopsignal=TERM
autostart=true
autorestart=true
startretries=%(ENV_RETRIES)s
[eventlistener:worker_healthcheck]
serverurl=AUTO
command=python3 -u @DIR@/listener.py
stdout_logfile=NONE
autorestart=true
events=TICK_60
`,
    files: { "listener.py": LISTENER },
    env: { QUEUES: "periodic emails default", WORKERS_COUNT: "3", RETRIES: "300" },
    steps: [
      until("worker:worker-0 RUNNING, worker:worker-2 RUNNING, worker_healthcheck RUNNING"),
      ctl("status"),
      ctl("tail worker:worker-1"),
      rpc("getAllConfigInfo", [], { "automatic-log-files:config": /logfile$/ }),
    ],
  },
  {
    title: "CVAT: includes by name from the environment, commands over several lines",
    archetype: 6,
    config: `${BASE}
[include]
files = reusable/a.conf reusable/%(ENV_EXTRA)s.conf
      conf.d/*.ini nothing/*.conf
[fcgi-program:uvicorn]
socket=unix://@DIR@/uvicorn.sock
command=python3 -u @DIR@/uvicorn.py --fd 0
  --forwarded-allow-ips='*'
autorestart=true
environment=SSH_AUTH_SOCK="/tmp/ssh-agent.sock"
numprocs=%(ENV_NUMPROCS)s
process_name=%(program_name)s-%(process_num)d
[program:rqworker]
command=
  @DIR@/server.sh
     rqworker  default
  ; a comment in between
  --name=%(process_num)d
numprocs=%(ENV_NUMPROCS)s
process_name=%(program_name)s-%(process_num)d
`,
    files: {
      ...SERVERS,
      "uvicorn.py": `import os, socket, sys, time
print(sys.argv[1:], socket.socket(fileno=os.dup(0)).getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
time.sleep(1000)
`,
      "reusable/a.conf":
        "[program:a]\ncommand=sh -c 'echo %(here)s; exec sleep 1000'\n[include]\nfiles=*.ignored\n",
      "reusable/b.conf": "[program:b]\ncommand=sleep 1000\nautostart=false\n",
      "conf.d/2.ini": "[program:b]\nautostart=true\npriority=7\n",
      "conf.d/1.ini": "[program:b]\npriority=6\nstartsecs=0\n",
      "reusable/x.ignored": "[program:never]\ncommand=sleep 1000\n",
    },
    env: { EXTRA: "b", NUMPROCS: "2" },
    steps: [
      until("a RUNNING, b RUNNING, rqworker:rqworker-1 RUNNING, uvicorn:uvicorn-1 RUNNING"),
      ctl("status"),
      ctl("avail"),
      ctl("tail a"),
      ctl("tail uvicorn:uvicorn-1"),
      ctl("tail rqworker:rqworker-0"),
    ],
  },
  {
    title: "AWX: a group, startsecs, whole groups stopped, blanks around =",
    archetype: 7,
    config: `${BASE.replace("[supervisord]", "[supervisord]\numask = 022\nminfds = 4096\nnodaemon = true")}
[program:nginx]
command = @DIR@/server.sh nginx -g "daemon off;"
autorestart = true
startsecs = 1
stopasgroup=true
killasgroup=true
stdout_logfile = @DIR@/nginx.log
stdout_logfile_maxbytes = 0
[program:uwsgi]
command = @DIR@/server.sh uwsgi
directory = @DIR@
autorestart = true
startsecs = 1
stopasgroup=true
killasgroup=true
[program:daphne]
command = @DIR@/server.sh daphne
autorestart = true
stopsignal=KILL
startsecs = 30
[group:tower-processes]
programs=nginx,uwsgi,daphne
priority=5
[program:failing]
command = sh -c "exit 1"
startsecs = 5
startretries = 0
autostart = false
[eventlistener:superwatcher]
command = python3 -u @DIR@/listener.py
events = PROCESS_STATE_FATAL
autorestart = true
stdout_logfile = NONE
`,
    files: { ...SERVERS, "listener.py": LISTENER },
    steps: [
      until(
        "tower-processes:nginx RUNNING, tower-processes:uwsgi RUNNING, tower-processes:daphne STARTING, superwatcher RUNNING",
      ),
      ctl("status"),
      ctl("start failing"),
      until("failing FATAL"),
      ctl("tail superwatcher stderr"),
      ctl("status tower-processes:nginx"),
      ctl("restart tower-processes:nginx"),
      ctl("stop tower-processes:daphne"),
      sorted(ctl("stop tower-processes:*")),
      sortedFile("signals"),
    ],
  },
  {
    title: "docker-mailserver: one script that starts the others by supervisorctl, pidproxy",
    archetype: 8,
    config: `${BASE}
[program:mailserver]
command=@DIR@/start-mailserver.sh
startsecs=0
autostart=true
autorestart=false
stdout_logfile=@DIR@/%(program_name)s.log
stderr_logfile=@DIR@/%(program_name)s.log
[program:postfix]
command=@DIR@/server.sh postfix "%(ENV_HOSTNAME_OF_MAIL)s"
autostart=false
startsecs=0
stopwaitsecs=55
stdout_logfile=@DIR@/%(program_name)s.log
stderr_logfile=@DIR@/%(program_name)s.log
[program:dovecot]
command=@DIR@/server.sh dovecot -F
autostart=false
startsecs=0
stopwaitsecs=55
`,
    files: {
      ...SERVERS,
      "start-mailserver.sh": `#!/bin/sh
supervisorctl -c @DIR@/supervisord.conf start postfix dovecot > @DIR@/started
echo "$?" >> @DIR@/started
`,
    },
    env: { HOSTNAME_OF_MAIL: "mail.example.org" },
    steps: [
      until("mailserver EXITED, postfix RUNNING, dovecot RUNNING"),
      file("started"),
      ctl("status"),
      untilOutput("dovecot", /-F/),
      ctl("tail dovecot"),
      ctl("restart postfix"),
    ],
  },
  {
    title: "mailcow dovecot: syslog without a syslogd, tail -f as a program",
    archetype: 9,
    config: `${BASE.replace("[supervisord]", "[supervisord]\npidfile=@DIR@/supervisord.pid\nuser=root")}
[program:dovecot]
command=@DIR@/server.sh dovecot -F
autorestart=true
stdout_syslog=true
[program:logger]
command=tail -f @DIR@/logged
`,
    files: { ...SERVERS, logged: "line one\nline two\n" },
    steps: [
      until("dovecot RUNNING, logger RUNNING"),
      ctl("status"),
      untilOutput("logger", /two/),
      ctl("tail logger"),
      file("supervisord.pid"),
    ],
  },
  {
    title: "SONiC: keys that supervisord does not know, NONE, several exit codes",
    archetype: 10,
    config: `${BASE}
[program:rsyslogd]
command=@DIR@/server.sh rsyslogd
priority=1
autostart=true
autorestart=unexpected
stdout_logfile=NONE
stdout_syslog=true
stderr_logfile=NONE
stderr_syslog=true
dependent_startup=true
startsecs=0
[program:start]
command=sh -c "sleep 0.3; exit 3"
priority=2
autostart=true
autorestart=unexpected
startsecs=0
exitcodes=0,3
stdout_logfile=NONE
dependent_startup=true
dependent_startup_wait_for=rsyslogd:running
[unknown:section]
x=y
`,
    files: SERVERS,
    steps: [
      until("rsyslogd RUNNING, start EXITED"),
      ctl("status"),
      said("start"),
      ctl("tail rsyslogd"),
      rpc("getProcessInfo", ["start"], { "automatic-log-files:path": /stderr_logfile$/ }),
    ],
  },
  {
    title: "CSGHub omnibus: jobs that are done, a login on the socket, a prompt",
    archetype: 11,
    config: `${BASE.replace("[supervisord]", "username=csghub\npassword=secret\n[supervisord]").replace("[supervisorctl]", "[supervisorctl]\nusername=csghub\npassword=secret\nprompt=csghub")}
[program:db-init-job]
command=sh -c "sleep 0.3; echo initialised"
startsecs=0
autorestart=unexpected
exitcodes=0
stdout_logfile=@DIR@/job.log
stdout_logfile_maxbytes=100MB
[program:server]
command=sh -c "until grep -q initialised @DIR@/marker 2>/dev/null; do echo initialised > @DIR@/marker; done; exec @DIR@/server.sh server"
startsecs=1
`,
    files: SERVERS,
    steps: [
      ctl("status nobody"),
      act("up", (side) =>
        side.until("the job to be done and the server to run", async () => {
          const { out } = await side.ctl(["-c", "@DIR@/supervisord.conf", "status"], "", 0);
          return /EXITED/.test(out) && /RUNNING/.test(out);
        }),
      ),
      ctl("status"),
      ctl("status server"),
      ctl("", { stdin: "pid nobody\n" }),
      rpc("getState"),
    ],
  },
  {
    title: "a desktop: a chain of priorities, DISPLAY, comments with lines drawn",
    archetype: 12,
    config: `; ═══════════ Desktop ═══════════
# ── X server ──
${BASE}
[program:xvfb]
command=@DIR@/server.sh Xvfb :99 -screen 0 1280x1024x24
priority=100
autorestart=true
[program:fluxbox]
command=@DIR@/server.sh fluxbox %(ENV_DISPLAY)s
priority=200
environment=DISPLAY=":99"
[program:x11vnc]
command=@DIR@/server.sh x11vnc -display :99
priority=300
environment=DISPLAY=":99"
`,
    files: SERVERS,
    env: { DISPLAY: ":1" },
    steps: [
      until("xvfb RUNNING, fluxbox RUNNING, x11vnc RUNNING"),
      ctl("status"),
      ctl("avail"),
      ctl("tail fluxbox"),
      kill("SIGINT"),
      exits(),
      file("signals"),
    ],
  },
  {
    title: "Selenium: a program that ends the daemon by its pidfile",
    archetype: 13,
    config: `${BASE}
[program:selenium]
command=bash -c "echo started; sleep 1.5; EXIT_CODE=$?; kill -s SIGINT \`cat @DIR@/supervisord.pid\`; exit $EXIT_CODE"
autostart=true
autorestart=false
startsecs=0
[program:xvfb]
command=@DIR@/server.sh xvfb
priority=0
`,
    files: SERVERS,
    steps: [file("supervisord.pid"), exits(), file("signals"), file("supervisord.pid"), said("xvfb")],
  },
  {
    title: "apache and cron: WINCH",
    archetype: 14,
    config: `${BASE}
[program:apache2]
command=@DIR@/server.sh apache2-foreground
stopsignal=WINCH
[program:cron]
command=@DIR@/server.sh cron -f
[program:dockerd]
command=@DIR@/server.sh dockerd
stopsignal=15
`,
    files: SERVERS,
    steps: [
      until("apache2 RUNNING, cron RUNNING, dockerd RUNNING"),
      ctl("signal USR1 cron"),
      untilFile("signals", /cron/),
      ctl("stop apache2"),
      sortedFile("signals"),
    ],
  },
  {
    title: "Kafka: one-shots that end within startsecs go FATAL",
    archetype: 15,
    config: `${BASE}
[program:zookeeper]
command=@DIR@/server.sh zookeeper
startsecs=1
autorestart=true
[program:create-topics]
command=sh -c "echo created; exit 0"
startsecs=5
startretries=1
autorestart=false
[program:once]
command=sh -c "echo created; sleep 0.3; exit 0"
startsecs=0
autorestart=false
`,
    files: SERVERS,
    steps: [
      until("create-topics FATAL, once EXITED, zookeeper RUNNING"),
      ctl("status"),
      said("create-topics"),
      said("once"),
      ctl("tail create-topics"),
    ],
  },
  {
    title: "nginx and gunicorn of a heredoc: /dev/fd/1 with the default maxbytes",
    archetype: 16,
    config: `${BASE.replace("[supervisord]", "[supervisord]\nnodaemon=true")}
[program:gunicorn]
command=@DIR@/server.sh gunicorn app:app --bind 127.0.0.1:8000
stdout_logfile=/dev/fd/1
stderr_logfile=/dev/fd/2
stdout_logfile_maxbytes=0
stderr_logfile_maxbytes=0
[program:nginx]
command=@DIR@/server.sh 'console line'
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
redirect_stderr=true
`,
    files: SERVERS,
    steps: [
      until("gunicorn RUNNING, nginx RUNNING"),
      ctl("status"),
      rpc("getProcessInfo", ["gunicorn"]),
      rpc("getAllConfigInfo", []),
      stream("stdout", /console line/, "console-lines"),
      ctl("tail gunicorn", { differs: { "tail-of-devices": /^(code|out)/ } }),
    ],
  },
  {
    title: "a config that an entrypoint generates: sections and keys twice, trailing blanks",
    archetype: 17,
    config: `${BASE}
[program:main]
command=sleep 1
startsecs=0
startretries=0
[program:main]
command=@DIR@/server.sh main one   
autostart=false   
[supervisord]
loglevel=warn
[program:smbd]
command = @DIR@/server.sh smbd
autostart = false
[program:main]
autostart=true
startsecs=1
`,
    files: SERVERS,
    steps: [
      until("main RUNNING"),
      ctl("status"),
      ctl("avail"),
      ctl("tail main"),
      rpc("getAllConfigInfo", [], { "automatic-log-files:config": /logfile$/ }),
    ],
  },
  {
    title: "Frappe: booleans from the environment, a group, rotation",
    archetype: 18,
    config: `${BASE}
[program:frappe-web]
command=@DIR@/server.sh web
user=root
priority=4
stdout_logfile=@DIR@/web.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
[program:socketio]
command=@DIR@/server.sh socketio
autostart=%(ENV_ENABLE_SOCKETIO)s
priority=4
[program:schedule]
command=@DIR@/server.sh schedule
autostart=%(ENV_ENABLE_SCHEDULE)s
stopwaitsecs=%(ENV_WAIT)s
[group:frappe]
programs=frappe-web,socketio,schedule
`,
    files: SERVERS,
    env: { ENABLE_SOCKETIO: "false", ENABLE_SCHEDULE: "True", WAIT: "7" },
    steps: [
      until("frappe:frappe-web RUNNING, frappe:schedule RUNNING"),
      ctl("status"),
      ctl("avail"),
      sorted(ctl("start frappe:*")),
      sorted(ctl("stop frappe:")),
      ctl("status frappe:*"),
    ],
  },
  {
    title: "a judge with celery and django: a blank after the colon, a port, comments that are not ASCII",
    archetype: 19,
    config: `# 评测机
${BASE}
[inet_http_server]
port=127.0.0.1:@PORT1@
[program: django]
# 网站
command=@DIR@/server.sh django runserver
[program: celery]
command=@DIR@/server.sh celery -A judge worker -l info
stopwaitsecs = 600
killasgroup=true
`,
    files: SERVERS,
    steps: [
      until("django RUNNING, celery RUNNING"),
      ctl("status"),
      ctl("status", { options: ["-s", "http://127.0.0.1:@PORT1@"] }),
      ctl("restart celery"),
      file("signals"),
    ],
  },
  {
    title: "jupyterhub, rstudio, sshd: colons between keys and values, a one-shot without retries",
    archetype: 20,
    config: `${BASE}
[program:jupyterhub]
command:@DIR@/server.sh jupyterhub --port=8000
autorestart : true
[program:rstudio]
command: @DIR@/server.sh rserver
priority:3
[program:adduser]
command:sh -c "exit 1"
startsecs:5
startretries:0
autorestart:false
`,
    files: SERVERS,
    steps: [
      until("jupyterhub RUNNING, rstudio RUNNING, adduser FATAL"),
      ctl("status"),
      ctl("avail"),
      ctl("tail jupyterhub"),
      said("adduser"),
    ],
  },
  {
    title: "superlance: a program that looks after others by the RPC interface of SUPERVISOR_SERVER_URL",
    archetype: 21,
    config: `${BASE}
[program:web]
command=@DIR@/server.sh web
[eventlistener:stdout]
command=python3 -u @DIR@/supervisor_stdout.py
buffer_size=100
events=PROCESS_LOG
result_handler=supervisor_stdout:event_handler
[program:watch]
command=python3 -u @DIR@/watch.py
startsecs=0
autorestart=false
`,
    files: {
      ...SERVERS,
      // The part of the plugin that counts: it hands each event back, and the daemon prints it.
      "supervisor_stdout.py": `import sys
def event_handler(event, response):
    sys.stdout.write(response.decode() if isinstance(response, bytes) else response)
if __name__ == "__main__":
    while True:
        sys.stdout.write("READY\\n"); sys.stdout.flush()
        headers = dict(word.split(":") for word in sys.stdin.readline().split())
        data = sys.stdin.read(int(headers["len"]))
        sys.stdout.write("RESULT %d\\n%s" % (len(data), data)); sys.stdout.flush()
`,
      "watch.py": `import os, sys
sys.path.insert(0, "/usr/lib/python3/dist-packages")
from supervisor import childutils
rpc = childutils.getRPCInterface(os.environ)
while rpc.supervisor.getProcessInfo("web")["statename"] != "RUNNING": pass
rpc.supervisor.stopProcess("web")
rpc.supervisor.startProcess("web")
print("restarted", sorted((p["group"], p["name"], p["statename"]) for p in rpc.supervisor.getAllProcessInfo() if p["name"] != "watch"))
`,
    },
    env: { PYTHONPATH: "@DIR@" },
    steps: [
      until("watch EXITED"),
      ctl("tail watch", { differs: { "supervisor-stdout:list": /^out/ } }),
      ctl("tail watch stderr"),
      ctl("status", { differs: { "supervisor-stdout:status": /^out/ } }),
      ctl("status web watch"),
      file("signals"),
    ],
  },
  {
    title: "a config of a language model: every key written out, sections that mean nothing",
    archetype: 22,
    config: `${BASE}${KEEP}
[program:api]
command=python3 -c "
  import time;
  print('up', flush=True);
  time.sleep(1000)"
directory=@DIR@
autostart=true
autorestart=true
startsecs=1
startretries=3
stopsignal=TERM
stopwaitsecs=10
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile=@DIR@/api.log
stdout_logfile_maxbytes=50MB
stdout_logfile_backups=10
environment=PYTHONUNBUFFERED="1",PYTHONPATH="/app",NODE_ENV="production"
[healthcheck]
command=curl -f http://localhost/
`,
    steps: [until("api RUNNING"), untilOutput("api", /up/), ctl("status"), ctl("tail api"), ctl("stop api")],
  },
];
