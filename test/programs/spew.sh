#!/bin/sh
# spew.sh COUNT [TEXT]: as many lines as fast as it can.
yes "${2:-the quick brown fox jumps over the lazy dog}" | head -n "$1"
