#!/bin/sh
# ignore-term.sh: only SIGKILL ends it. What a shell ignores stays ignored over exec.
trap '' TERM
echo ready
exec sleep 100000
