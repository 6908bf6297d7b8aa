"""Processes that fork while sessions are in use, as servers do that load the app first."""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import threading

import pytest
from flask import Flask, session
from hipflask import HipFlask

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"
N_FORKS = 15


def make_app(store: str) -> Flask:
    app = Flask("forks")
    app.secret_key = KEY
    # On a busy machine SQLite lets a writer wait for long, because its turns are nobody's.
    app.config["SESSION_STORE_DEADLINE"] = 30
    HipFlask(app, store=store)

    @app.get("/count")
    def count() -> str:
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    return app


def forked(app: Flask) -> int:
    """Uses a session in a forked process, and returns how that has ended."""
    pid = os.fork()
    if pid == 0:
        # A lock that no thread will ever open again must not hang the test.
        signal.alarm(100)
        client = app.test_client()
        answers = [client.get("/count").text for _ in range(2)]
        os._exit(0 if answers == ["1", "2"] else 1)
    return os.waitpid(pid, 0)[1]


@pytest.mark.parametrize("store", ["sqlite:{}/sessions.db?create=true", "file:{}/sessions"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_fork_in_the_middle_of_a_call_harms_nobody(store: str, tmp_path: pathlib.Path) -> None:
    app = make_app(store.format(tmp_path))
    stop, counts = threading.Event(), []

    def use() -> None:
        client = app.test_client()
        while not stop.is_set():
            counts.append(client.get("/count").text)

    thread = threading.Thread(target=use)
    thread.start()
    try:
        assert [forked(app) for _ in range(N_FORKS)] == [0] * N_FORKS
    finally:
        stop.set()
        thread.join()
    assert counts == [str(n + 1) for n in range(len(counts))] != []
