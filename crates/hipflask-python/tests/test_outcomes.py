"""What a response becomes when its session is not saved, and when it is saved twice."""

from __future__ import annotations

import concurrent.futures
import logging
import pathlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, session
from hipflask import HipFlask

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"
# Nothing listens there, so that each connection is refused at once.
NOBODY = "redis://127.0.0.1:1/0"


def make_app(store: str, **config: Any) -> Flask:
    app = Flask("outcomes")
    app.config.update(SECRET_KEY=KEY, SESSION_STORE=store, **config)
    HipFlask(app)

    @app.route("/set/<value>")
    def set_value(value: str) -> str:
        session["value"] = value
        return "set"

    @app.route("/get")
    def get_value() -> str:
        return str(session.get("value"))

    @app.route("/nothing")
    def nothing() -> str:
        return "nothing"

    return app


def cookie_of(response: Any) -> str:
    header = response.headers["Set-Cookie"]
    return str(header.split(";")[0])


@pytest.mark.parametrize("policy, status, kept", [("error", 409, "left"), ("last_writer", 200, "right")])
def test_conflict_is_answered_as_the_policy_says(policy: str, status: int, kept: str) -> None:
    app = make_app("memory:", SESSION_CONFLICT_POLICY=policy)
    cookie = cookie_of(app.test_client().get("/set/first"))

    def opened() -> Any:
        context = app.test_request_context(headers={"Cookie": cookie})
        flask_session = app.session_interface.open_session(app, context.request)
        assert flask_session is not None and flask_session["value"] == "first"
        return flask_session

    left, right = opened(), opened()
    responses = []
    for each, value in ((left, "left"), (right, "right")):
        each["value"] = value
        response = Response("done", headers={"X-Secret": "for who was saved"})
        app.session_interface.save_session(app, each, response)
        responses.append(response)
    assert [response.status_code for response in responses] == [200, status]
    assert ("X-Secret" in responses[1].headers) == (status == 200)
    client = app.test_client(use_cookies=False)
    assert client.get("/get", headers={"Cookie": cookie}).text == kept


@pytest.mark.parametrize("refresh_untouched", [False, True])
def test_pages_without_their_session_outlive_the_store(refresh_untouched: bool) -> None:
    app = make_app(NOBODY, SESSION_REFRESH_UNTOUCHED=refresh_untouched)
    client = app.test_client(use_cookies=False)
    known = {"Cookie": "session=" + "S" * 43}
    assert client.get("/nothing", headers=known).status_code == 200
    assert client.get("/get", headers=known).status_code == 503
    # A visitor without a cookie has nothing to load, but something to save.
    assert client.get("/get").status_code == 200
    assert client.get("/set/a").status_code == 503


def test_outage_is_logged_without_the_session_id(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(NOBODY)
    with caplog.at_level(logging.DEBUG):
        app.test_client(use_cookies=False).get("/get", headers={"Cookie": "session=" + "S" * 43})
        app.test_client().get("/set/a")
    records = [record for record in caplog.records if record.name == "hipflask"]
    assert {getattr(record, "reason", None) for record in records} >= {"store_unavailable"}
    assert "SSSS" not in caplog.text


@pytest.mark.parametrize("store", ["memory:", None])
@pytest.mark.parametrize("is_proxy", [False, True], ids=["session", "proxy"])
def test_session_that_was_saved_by_hand_is_saved_once(store: str | None, is_proxy: bool) -> None:
    app = make_app(store) if store else make_app(None)  # type: ignore[arg-type]
    cookies = []

    @app.route("/twice")
    def twice() -> str:
        session["value"] = "twice"
        by_hand = Response()
        saved: Any = session if is_proxy else session._get_current_object()  # type: ignore[attr-defined]
        app.session_interface.save_session(app, saved, by_hand)
        cookies.append(cookie_of(by_hand))
        return "twice"

    client = app.test_client()
    assert cookie_of(client.get("/twice")) == cookies[0]
    assert client.get("/get").text == "twice"


class NameOfVisitor(logging.Handler):
    """Asks for the session, as many applications do, to put the visitor's name to each record."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(session.get("value"))


@pytest.fixture
def visitor() -> Iterator[NameOfVisitor]:
    logger, handler = logging.getLogger("hipflask"), NameOfVisitor()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_a_log_handler_may_ask_for_the_session(tmp_path: pathlib.Path, visitor: NameOfVisitor) -> None:
    folder = tmp_path / "sessions"
    folder.mkdir()
    app = make_app(f"file:{folder}")
    client = app.test_client()
    client.get("/set/first")
    visitor.told.clear()
    assert client.get("/get").text == "first"
    assert visitor.told == ["first"]
    folder.rename(tmp_path / "elsewhere")
    folder.touch()
    assert client.get("/get").status_code == 503
    app.config["SESSION_ON_OUTAGE"] = "anonymous"
    assert client.get("/get").text == "None"
    assert visitor.told[1:] == [None, None, None]


@pytest.mark.parametrize("policy, status", [("anonymous", 200), ("refuse", 503)])
def test_app_that_starts_while_its_store_is_away_does_as_asked(
    policy: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_app(NOBODY, SESSION_ON_OUTAGE=policy).test_client()
    client.set_cookie("session", "S" * 43)
    assert client.get("/nothing").status_code == 200
    assert client.get("/get").status_code == status
    assert client.get("/set/value").status_code == 503
    records = [record for record in caplog.records if getattr(record, "operation", None) == "connect"]
    assert {record.reason for record in records} == {"store_unavailable"}


def test_requests_that_wait_for_a_connection_do_not_wait_for_each_other() -> None:
    n_requests = 8
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = make_app(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        cookie = {"Cookie": f"session={'S' * 43}"}

        def status(_: int) -> int:
            return app.test_client(use_cookies=False).get("/get", headers=cookie).status_code

        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(n_requests) as pool:
            assert list(pool.map(status, range(n_requests))) == [503] * n_requests
        # One attempt takes a second, so that one after the other would take eight.
        assert time.monotonic() - started < 4
