"""A day of traffic of a real application, under the eyes of Hipflask: nothing is different that nobody has explained.

`scripts/test interop` installs An Otter Wiki with the versions that it asks for, in a folder of its own.
"""

import contextlib
import json
import os
import re
import subprocess
import sys

import pytest
import stores
from moving_site import Browser, flask, rust
from servers import HERE, SECRET_KEY, free_port

WIKI = HERE.parent / ".venv" / "wild" / "otterwiki"
DAY = HERE / "wild" / "otterwiki_day.py"
#: Two processes, each with its own visitors, add to one report.
SEEDS = (1, 2)


def spend_a_day(folder, *redis):
    """Runs the wiki for a day in two processes, and returns the report on both."""
    assert (WIKI / "otterwiki").is_dir(), "An Otter Wiki is not installed: run scripts/test interop"
    report = folder / "report"
    env = {**os.environ, "PYTHONPATH": str(WIKI)}
    workers = [
        subprocess.Popen(
            [sys.executable, DAY, folder / str(seed), report, str(seed), *redis],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in SEEDS
    ]
    for worker in workers:
        _, errors = worker.communicate()
        assert worker.returncode == 0, errors[-3000:]
    return json.loads((report / "report.json").read_text())


def codes(report):
    return {code: found["count"] for code, found in report["differences"].items()}


@pytest.mark.parametrize("store", ["cookie", "redis"])
def test_a_day_of_a_wiki_has_no_difference_that_nobody_has_explained(store, tmp_path):
    with contextlib.ExitStack() as stack:
        redis = [stack.enter_context(stores.redis()).url] if store == "redis" else []
        report = spend_a_day(tmp_path, *redis)
    assert report["requests"] == report["looked_at"] > 600
    assert (report["lost"], report["exceptions"], report["troubles"]) == (0, {}, {})
    verdicts = {reason for reason, number in report["verdicts"].items() if number > 1}
    if store == "cookie":
        assert verdicts == {"no_cookie", "verified", "malformed", "bad_signature", "expired"}
        assert codes(report) == {}
    else:
        assert verdicts == {"no_cookie", "found", "malformed_id", "unknown_id"}
        assert codes(report).keys() == {"read_only", "unchanged", "log_in_id"}


# --- in Rust, in front of Flask -----------------------------------------------------------------------------

APP = """
import flask

app = flask.Flask(__name__)
app.config.from_prefixed_env()


@app.get("/")
def index():
    return {"user": flask.session.get("user", {}).get("name"), "messages": flask.get_flashed_messages()}


@app.post("/log_in")
def log_in():
    flask.session["user"] = {"name": flask.request.form["name"], "roles": ("buyer", b"\\x00")}
    flask.session.permanent = True
    flask.flash("Welcome")
    return flask.redirect("/")


@app.get("/log_out")
def log_out():
    flask.session.clear()
    return flask.redirect("/")
"""


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ({}, {}),
        ({"FLASK_SECRET_KEY": "another-" + SECRET_KEY}, {"verdict": 4}),
        ({"FLASK_SESSION_COOKIE_SAMESITE": "Lax"}, {"set_cookie": 4, "deleted_cookie": 2}),
    ],
    ids=["same settings", "another key", "another attribute"],
)
def test_a_proxy_in_front_of_flask_tells_what_is_different(ours, expected, tmp_path):
    port = free_port()
    with flask(tmp_path, APP, port), rust(tmp_path, "shadow", UPSTREAM=f"127.0.0.1:{port}", **ours) as (proxy, _):
        for name in ("ann", "ben"):
            browser = Browser(proxy)
            assert json.loads(browser.get("/").text) == {"user": None, "messages": []}
            browser.post("/log_in", name=name)
            assert json.loads(browser.get("/").text)["user"] == name
            browser.get("/log_out")
        report = Browser(proxy).get("/-/shadow").text
    assert report.startswith("8 of 8 requests looked at")
    found = re.findall(r"^ +(\d+)  (\w+)", report.partition("by reason")[0], re.MULTILINE)
    assert {code: int(count) for count, code in found} == expected
