"""Brings the store to the schema that this version needs. Safe to run again."""

import os
import sys

import tasks

if os.environ.get("MIGRATION_FAILS"):
    sys.exit("the old schema is not one that can be migrated")
tasks.store.set("schema", 1)
tasks.store.setnx("done", 0)
print("schema 1", flush=True)
