#!/bin/sh
# run-orphan.sh CODE: a child that outlives it and ends at once, in the same breath. Ends with CODE.
(exit 77) &
exit "$1"
