"""What the worker computes."""

import time

from celery import Celery

app = Celery(
    "tasks",
    broker="redis://127.0.0.1:6379/0",
    backend="redis://127.0.0.1:6379/1",
)


@app.task
def add(numbers):
    return sum(numbers)


@app.task
def slow(seconds):
    """A task that a stop of the container must not tear apart."""
    print(f"slow task: {seconds} s to go", flush=True)
    time.sleep(seconds)
    print("slow task: finished", flush=True)
    return seconds
