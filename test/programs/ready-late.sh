#!/bin/sh
# ready-late.sh SECONDS [LINE]: prints LINE (`ready`) only after that time, and stays.
sleep "$1"
echo "${2:-ready}"
exec sleep 100000
