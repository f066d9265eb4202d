#!/bin/sh
# announce.sh FD WORD: writes a line with the word to that descriptor.
eval "echo \"\$2\" >&$1"
