"""The contender that the others are measured against: Flask-Session, as its users run it."""

import json
import os
from pathlib import Path

from flask import Flask, session
from flask_session import Session
from redis import Redis

app = Flask(__name__)
app.config.update(SESSION_TYPE="redis", SESSION_REDIS=Redis.from_url(os.environ["REDIS"]))
Session(app)


@app.get("/")
def index():
    return "hello"


@app.get("/read")
def read():
    return str(session.get("count", 0))


@app.get("/write")
def write():
    session["count"] = session.get("count", 0) + 1
    return str(session["count"])


@app.get("/fill/<name>")
def fill(name):
    session.update(json.loads(Path(__file__).with_name("workloads.json").read_text())[name])
    return ""
