"""Which ends of a session follow Python's clock, which tests freeze, and which the machine's."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import freezegun
import pytest
import time_machine
from flask import Flask, session
from hipflask import HipFlask

STORES = {"memory": "memory:", "files": "file:{}/sessions", "SQLite": "sqlite:{}/sessions.db?create=true"}
FREEZERS: dict[str, Callable[[float], contextlib.AbstractContextManager[Any]]] = {
    "freezegun": lambda at: freezegun.freeze_time(datetime.datetime.fromtimestamp(at, datetime.timezone.utc)),
    "time-machine": lambda at: time_machine.travel(at, tick=False),
}
DAY = 24 * 60 * 60
# To freeze with freezegun takes a second.
CASES = [*(("time-machine", store) for store in STORES), ("freezegun", "memory")]


def make_app(store: str | None, **config: Any) -> Flask:
    app = Flask("clocks")
    app.config.update(SECRET_KEY="9f3c6a52be0d47c1886d1f7a0cb35e24", SESSION_PERMANENT=True, **config)
    HipFlask(app, store=store)

    @app.route("/set")
    def put() -> str:
        session.permanent = True
        session["user"] = "ada"
        return "set"

    @app.route("/get")
    def get() -> str:
        return str(session.reason)  # type: ignore[attr-defined]

    return app


def reasons(app: Flask, freeze: Callable[[float], contextlib.AbstractContextManager[Any]], *later: float) -> list[str]:
    """Begins a session now, and returns why it is what it is so many seconds later."""
    start = time.time()
    client = app.test_client(use_cookies=False)
    cookie = client.get("/set").headers["Set-Cookie"].split(";")[0]
    found = []
    with freeze(start) as clock:
        for seconds in later:
            clock.move_to(datetime.datetime.fromtimestamp(start + seconds, datetime.timezone.utc))
            found.append(client.get("/get", headers={"Cookie": cookie}).text)
    return found


@pytest.mark.parametrize("freezer", FREEZERS)
def test_age_of_a_signed_cookie_follows_pythons_clock(freezer: str) -> None:
    assert reasons(make_app(None), FREEZERS[freezer], DAY, 32 * DAY) == ["verified", "expired"]


@pytest.mark.parametrize("freezer, store", CASES)
def test_absolute_timeout_follows_pythons_clock(freezer: str, store: str, tmp_path: Path) -> None:
    app = make_app(STORES[store].format(tmp_path), SESSION_ABSOLUTE_TIMEOUT=3600)
    assert reasons(app, FREEZERS[freezer], 60, 2 * DAY) == ["found", "expired"]


@pytest.mark.parametrize("freezer, store", [case for case in CASES if case[1] != "SQLite"])
def test_lives_of_records_follow_the_machines_clock(freezer: str, store: str, tmp_path: Path) -> None:
    app = make_app(STORES[store].format(tmp_path))
    assert reasons(app, FREEZERS[freezer], DAY, 32 * DAY) == ["found", "found"]
    with time_machine.travel(time.time() + 32 * DAY):
        assert app.extensions["hipflask"].purge(app) == 0


def test_lives_of_records_in_sqlite_follow_pythons_clock(tmp_path: Path) -> None:
    app = make_app(STORES["SQLite"].format(tmp_path))
    assert reasons(app, FREEZERS["time-machine"], DAY, 32 * DAY) == ["found", "unknown_id"]
    with time_machine.travel(time.time() + 32 * DAY):
        assert app.extensions["hipflask"].purge(app) == 1
