"""Reads {"files": [...], "environment": {...}, "users": {name: uid}} from stdin and writes what the installed supervisor
makes of each file: its groups and processes, or the error. Users and directories are those given, not this machine's."""
import json
import os
import sys

given = json.load(sys.stdin)
os.environ.clear()
os.environ.update(given["environment"])
os.chdir(os.path.dirname(given["files"][0]))

import platform  # noqa: E402  (after the environment is set)

from supervisor import datatypes, events, options  # noqa: E402


def uid_of(name):
    try:
        return int(name)
    except ValueError:
        if name not in given["users"]:
            raise ValueError("Invalid user name %s" % name)
        return given["users"][name]


for module in (datatypes, options):
    module.name_to_uid = uid_of
    module.name_to_gid = uid_of
    module.gid_for_uid = lambda uid: uid
    module.existing_dirpath = lambda path: path
    module.existing_directory = lambda path: path
platform.node = lambda: given["hostname"]

RESTART = {
    datatypes.RestartUnconditionally: "always",
    datatypes.RestartWhenExitUnexpected: "unexpected",
    False: "never",
}
PLAIN = """name command directory umask priority autostart startsecs startretries uid stdout_logfile_maxbytes
stdout_logfile_backups stdout_capture_maxbytes stdout_events_enabled stdout_syslog stderr_logfile_maxbytes
stderr_logfile_backups stderr_capture_maxbytes stderr_events_enabled stderr_syslog stopsignal stopwaitsecs stopasgroup
killasgroup exitcodes redirect_stderr environment serverurl""".split()


def describe(process):
    out = {key: getattr(process, key) for key in PLAIN}
    out["autorestart"] = RESTART[process.autorestart]
    for key in ("stdout_logfile", "stderr_logfile"):
        value = getattr(process, key)
        out[key] = "AUTO" if value is datatypes.Automatic else value or None
    return out


def extras(group):
    """What listeners and fcgi programs have beyond others."""
    if type(group) is options.EventListenerPoolConfig:
        names = {getattr(events.EventTypes, key): key for key in dir(events.EventTypes) if key.isupper()}
        return {"events": sorted(names[event] for event in group.pool_events), "buffer_size": group.buffer_size}
    if type(group) is options.FastCGIGroupConfig:
        return {"socket": group.socket_config.url}
    return {}


def read(path):
    server = options.ServerOptions()
    server.configfile = path
    try:
        server.process_config(do_usage=False)
    except ValueError as error:
        return {"error": str(error)}
    servers = server.configroot.supervisord.server_configs
    return {
        "groups": [
            {
                "name": group.name,
                "priority": group.priority,
                "processes": [describe(process) for process in group.process_configs],
                **extras(group),
            }
            for group in server.process_group_configs
        ],
        "servers": [
            {key: value for key, value in server.items() if key not in ("family", "name")} for server in servers
        ],
        "environment": server.configroot.supervisord.environment,
    }


json.dump({path: read(path) for path in given["files"]}, sys.stdout)
