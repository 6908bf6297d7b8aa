"""Processes that fork while sessions are in use, as servers do that load the app first."""

from __future__ import annotations

import faulthandler
import gc
import os
import pathlib
import sys
import threading
from typing import Callable

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


def forked(work: Callable[[], bool]) -> int:
    """Does something in a forked process, and returns how that has ended: 0 if it returned true."""
    pid = os.fork()
    if pid == 0:
        # A lock that no thread will ever open again must not hang the test, and says where it is.
        faulthandler.dump_traceback_later(60, exit=True)
        os._exit(0 if work() else 1)
    return os.waitpid(pid, 0)[1]


def counts(app: Flask) -> bool:
    client = app.test_client()
    return [client.get("/count").text for _ in range(2)] == ["1", "2"]


on_each_store = pytest.mark.parametrize("store", ["sqlite:{}/sessions.db?create=true", "file:{}/sessions"])


@on_each_store
def test_a_forked_process_may_forget_the_app_of_its_parent(store: str, tmp_path: pathlib.Path) -> None:
    # Connections and threads that the child finds in the app are the parent's.
    apps = [make_app(store.format(tmp_path)) for _ in range(2)]
    clients = [app.test_client() for app in apps]
    assert [client.get("/count").text for client in clients] == ["1", "1"]

    def forget() -> bool:
        uses, _ = apps
        apps.clear()
        clients.clear()
        gc.collect()
        return counts(uses)

    assert forked(forget) == 0
    assert [client.get("/count").text for client in clients] == ["2", "2"]


@on_each_store
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_fork_in_the_middle_of_a_call_harms_nobody(store: str, tmp_path: pathlib.Path) -> None:
    app = make_app(store.format(tmp_path))
    stop, seen = threading.Event(), []

    def use() -> None:
        client = app.test_client()
        while not stop.is_set():
            seen.append(client.get("/count").text)

    thread = threading.Thread(target=use)
    thread.start()
    try:
        assert [forked(lambda: counts(app)) for _ in range(N_FORKS)] == [0] * N_FORKS
    finally:
        stop.set()
        thread.join()
    assert seen == [str(n + 1) for n in range(len(seen))] != []
