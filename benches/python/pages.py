"""The app that gunicorn serves, `pages:app`: the environment says how its sessions are kept."""

from __future__ import annotations

import json
import os

from contender import Contender
from flask import session

app = Contender(**json.loads(os.environ["CONTENDER"])).make_app()


@app.get("/untouched")
def untouched() -> str:
    return "hello"


@app.get("/read")
def read() -> str:
    return str(session.get("count", 0))


@app.get("/count")
def count() -> str:
    session["count"] = session.get("count", 0) + 1
    return str(session["count"])
