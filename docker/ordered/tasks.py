"""What the worker computes."""

import redis
from celery import Celery

app = Celery("tasks", broker="redis://127.0.0.1:6379/0", backend="redis://127.0.0.1:6379/1")
store = redis.Redis(db=2)


@app.task
def add(numbers):
    store.incr("done")
    return sum(numbers)
