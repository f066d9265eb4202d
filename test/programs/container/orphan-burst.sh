#!/bin/sh
# usage: orphan-burst.sh COUNT FIFO — COUNT orphans block on FIFO; TERM or USR1 closes its writer and all end at once.
mkfifo "$2"
exec 4<>"$2"
trap 'exec 4>&-' USR1
(
  exec 5<"$2"
  i=0
  while [ "$i" -lt "$1" ]; do
    { exec 4>&-; read -r line <&5; } &
    i=$((i + 1))
  done
)
echo "ready"
while :; do sleep 1000 4>&- & wait $!; done
