#!/bin/sh
# exit.sh CODE: ends at once.
exit "$1"
