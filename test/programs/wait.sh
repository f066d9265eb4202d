#!/bin/sh
# wait.sh: says `ready` and does nothing until a signal ends it.
echo ready
exec sleep 100000
