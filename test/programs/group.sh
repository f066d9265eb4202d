#!/bin/sh
# group.sh: says `ready PID` of a second process in its group; neither ends by itself.
sleep 100000 &
echo "ready $!"
exec sleep 100000
