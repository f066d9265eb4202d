#!/bin/sh
# fork-orphan.sh CODE: says `ready PID` of a child and ends with 3; the orphan ends with CODE at the end of stdin.
# A shell gives its background children /dev/null unless told otherwise.
exec 3<&0
(
  while read -r _; do :; done
  exit "$1"
) <&3 3<&- &
echo "ready $!"
exit 3
