"""Several threads that use one request's session at once, and one that goes on when its view has ended."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable

import flask
import pytest
from flask import session

from hipflask import HipFlask
from hipflask.errors import SessionError

N_THREADS = 8


def make_app(store: str | None) -> flask.Flask:
    app = flask.Flask("threads")
    app.secret_key = "9f3c6a52be0d47c1886d1f7a0cb35e24"
    HipFlask(app, store=store)
    return app


@pytest.fixture(params=[None, "memory:", "sqlite:{}/s.db?create=true", "file:{}/sessions"])
def app(request: Any, tmp_path: Any) -> flask.Flask:
    return make_app(request.param and request.param.format(tmp_path))


def in_threads(work: Callable[[int], None]) -> list[Exception]:
    """Runs some work in several threads of one view, and returns what they have raised."""
    ready, errors = threading.Barrier(N_THREADS), []

    def run(number: int) -> None:
        ready.wait()
        try:
            work(number)
        except Exception as error:
            errors.append(error)

    threads = [
        threading.Thread(target=flask.copy_current_request_context(run), args=(number,))
        for number in range(N_THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_threads_that_use_a_session_first_open_it_once_and_lose_nothing(app: flask.Flask) -> None:
    def write(number: int) -> None:
        session[f"key {number}"] = number

    @app.route("/start")
    def start() -> str:
        session["user"] = 7
        return ""

    @app.route("/read")
    def read() -> str:
        seen: list[Any] = []
        errors = in_threads(lambda _: seen.append(session.get("user")))
        assert errors == [] and seen == [7] * N_THREADS
        return ""

    @app.route("/write")
    def view() -> str:
        assert in_threads(write) == []
        return ""

    @app.route("/all")
    def everything() -> list[str]:
        return sorted(key for key in session if key.startswith("key"))

    for _ in range(20):
        client = app.test_client()
        assert [client.get(path).status_code for path in ("/start", "/read", "/write")] == [200] * 3
        assert client.get("/all").json == [f"key {number}" for number in range(N_THREADS)]


@pytest.mark.parametrize("store", ["memory:", "file:{}/sessions"])
def test_an_update_beside_the_end_of_the_view_is_saved_in_the_same_session(store: str, tmp_path: Any) -> None:
    app = make_app(store.format(tmp_path))
    threads: list[threading.Thread] = []
    started = threading.Event()

    def count_slowly() -> None:
        def one_more(count: int | None) -> int:
            started.set()
            threading.Event().wait(0.02)
            return (count or 0) + 1

        session.update_atomically("hits", one_more)

    @app.route("/start")
    def start() -> str:
        session["user"] = 7
        return session.sid  # type: ignore[attr-defined]

    @app.route("/count")
    def count() -> str:
        started.clear()
        thread = threading.Thread(target=flask.copy_current_request_context(count_slowly))
        threads.append(thread)
        thread.start()
        started.wait()
        session["page"] = session.get("page", 0) + 1
        return session.sid  # type: ignore[attr-defined]

    @app.route("/all")
    def everything() -> dict[str, Any]:
        return dict(session)

    client = app.test_client()
    sid = client.get("/start").text
    for number in range(1, 11):
        assert client.get("/count").text == sid
        threads.pop().join()
        content = client.get("/all").json
        assert content == {"_permanent": True, "user": 7, "hits": number, "page": number}


@pytest.mark.parametrize("store", ["memory:", "file:{}/sessions"])
def test_an_update_after_the_end_is_an_error_and_log_out_is_final(store: str, tmp_path: Any) -> None:
    app = make_app(store.format(tmp_path))
    ended, errors = threading.Event(), []

    def count_late() -> None:
        ended.wait()
        try:
            session.update_atomically("hits", lambda count: (count or 0) + 1)
        except SessionError as error:
            errors.append(str(error))

    @app.route("/start")
    def start() -> str:
        session["user"] = 7
        return session.sid  # type: ignore[attr-defined]

    @app.route("/log_out")
    def log_out() -> str:
        session.get("user")
        thread = threading.Thread(target=flask.copy_current_request_context(count_late))
        thread.start()
        threads.append(thread)
        session.destroy()  # type: ignore[attr-defined]
        return ""

    threads: list[threading.Thread] = []
    client = app.test_client()
    sid = client.get("/start").text
    client.get("/log_out")
    ended.set()
    threads.pop().join()
    assert len(errors) == 1 and "after it was saved" in errors[0]
    assert HipFlask.revoke(app.extensions["hipflask"], sid, app) is False


@pytest.mark.parametrize("store", ["", "memory:", "sqlite:{}/s.db?create=true", "file:{}/sessions"])
def test_greenlets_of_a_view_share_its_session(store: str, tmp_path: Any) -> None:
    script = Path(__file__).with_name("greenlets.py")
    command = [sys.executable, str(script), store.format(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (run.stdout, run.returncode) == ("done\n", 0), run.stderr
