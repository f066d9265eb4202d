"""The web program: hands work to celery and answers with the result."""

from flask import Flask, jsonify, request

import tasks

app = Flask(__name__)


@app.get("/")
def index():
    return 'POST /add with {"numbers": [1, 2]}, POST /slow with {"seconds": 5}\n'


@app.post("/add")
def add():
    numbers = request.get_json()["numbers"]
    return jsonify(result=tasks.add.delay(numbers).get(timeout=10))


@app.post("/slow")
def slow():
    """Answers at once; the worker goes on with it."""
    return jsonify(task=tasks.slow.delay(request.get_json()["seconds"]).id), 202
