#!/bin/sh
# show-self.sh: prints what it was given, one `key value` a line. The shell's own descriptor of this file is left out.
self=/proc/$$
fds=
for path in "$self"/fd/*; do
  # The pattern has seen its own descriptor of the folder, which is gone by now.
  [ -h "$path" ] || continue
  [ "$(readlink "$path")" = "$0" ] || fds="$fds ${path##*/}"
done
echo "fds$fds"
while read -r key value; do
  case $key in
    SigBlk: | SigIgn: | Uid: | Gid: | Groups: | CapPrm: | CapEff: | CapAmb:) echo "${key%:}" $value ;;
  esac
done <"$self/status"
read -r stat <"$self/stat"
set -- ${stat##*) } "$@"
echo "pid $$"
echo "parent $2"
echo "group $3"
echo "session $4"
echo "foreground $6"
echo "nofile $(ulimit -n)"
echo "umask $(umask)"
echo "directory $(pwd)"
echo "probe $PROBE"
