"""The web program: hands work to celery, counts what was done, and says whether it can."""

from flask import Flask, jsonify, request

import tasks

app = Flask(__name__)


@app.get("/health")
def health():
    """200 once the migration has been made and redis answers."""
    version = tasks.store.get("schema")
    return (jsonify(schema=int(version)), 200) if version else ("no schema", 503)


@app.post("/add")
def add():
    return jsonify(result=tasks.add.delay(request.get_json()["numbers"]).get(timeout=10))


@app.get("/done")
def done():
    return jsonify(done=int(tasks.store.get("done") or 0))
