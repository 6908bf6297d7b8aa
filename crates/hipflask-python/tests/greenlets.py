"""One view whose greenlets share its session; run as a process of its own, because gevent changes the whole one."""

from __future__ import annotations

import sys

import gevent.monkey

gevent.monkey.patch_all()

import flask  # noqa: E402
import gevent  # noqa: E402
from flask import session  # noqa: E402

from hipflask import HipFlask  # noqa: E402

N_GREENLETS = 4

app = flask.Flask("greenlets")
app.secret_key = "9f3c6a52be0d47c1886d1f7a0cb35e24"
HipFlask(app, store=sys.argv[1] or None)


def in_greenlets(work: object) -> None:
    """Runs some work in several greenlets of one view, and raises what one of them has raised."""
    jobs = [gevent.spawn(flask.copy_current_request_context(work), number) for number in range(N_GREENLETS)]
    gevent.joinall(jobs, raise_error=True)


def count(number: int) -> None:
    gevent.sleep(0)
    session.update_atomically("n", lambda n: (n or 0) + 1)  # type: ignore[attr-defined]


def write(number: int) -> None:
    gevent.sleep(0)
    session[f"key {number}"] = number


@app.route("/count")
def count_in_greenlets() -> str:
    in_greenlets(count)
    return ""


@app.route("/write")
def write_in_greenlets() -> str:
    in_greenlets(write)
    return ""


@app.route("/all")
def show() -> dict[str, int]:
    return {key: value for key, value in session.items() if not key.startswith("_")}


@app.route("/start")
def start() -> str:
    session["user"] = 7
    return ""


@app.route("/out")
def log_out() -> str:
    session.destroy()  # type: ignore[attr-defined]
    return ""


client = app.test_client()
assert client.get("/start").status_code == 200
cookie = client.get_cookie("session")
for path in ("/write", "/count"):
    assert client.get(path).status_code == 200, path
everything = {"user": 7, "n": N_GREENLETS, **{f"key {number}": number for number in range(N_GREENLETS)}}
assert client.get("/all").get_json() == everything
if sys.argv[1]:
    after = client.get_cookie("session")
    assert cookie and after and cookie.value == after.value, "a second session"
client.get("/out")
if cookie and sys.argv[1]:
    client.set_cookie("session", cookie.value)
assert client.get("/all").get_json() == {}
print("done")
