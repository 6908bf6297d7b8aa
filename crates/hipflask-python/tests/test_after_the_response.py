"""Changes of a session when its response is made: they are lost, and the log says so each time."""

from __future__ import annotations

from typing import Any, Callable

import flask
import pytest
from flask import session

from hipflask import HipFlask

WARNING = "session changed after the response was made: the change is lost"


def append() -> None:
    session["list"].append(1)


def nest() -> None:
    session["dict"]["list"].append(1)


CHANGES: dict[str, Callable[[], Any]] = {
    "set": lambda: session.__setitem__("a", 1),
    "delete": lambda: session.pop("n"),
    "clear": lambda: session.clear(),
    "flash": lambda: flask.flash("lost"),
    "permanent": lambda: setattr(session, "permanent", True),
    "renew": lambda: session.renew(),  # type: ignore[attr-defined]
    "append in place": append,
    "append deep inside": nest,
}


@pytest.fixture(params=[None, "memory:", "sqlite:{}/s.db?create=true"], ids=["cookie", "memory", "SQLite"])
def app(request: Any, tmp_path: Any) -> flask.Flask:
    app = flask.Flask("late")
    app.secret_key = "9f3c6a52be0d47c1886d1f7a0cb35e24"
    HipFlask(app, store=request.param and request.param.format(tmp_path))

    @app.route("/start")
    def start() -> str:
        session.update(n=1, list=[], dict={"list": []})
        return ""

    return app


def in_stream(change: Callable[[], Any], before: Callable[[], Any]) -> flask.Response:
    before()

    def body() -> Any:
        yield "a"
        change()
        yield "b"

    return flask.Response(flask.stream_with_context(body()))


def on_close(change: Callable[[], Any], before: Callable[[], Any]) -> flask.Response:
    before()
    response = flask.Response("ab")
    response.call_on_close(flask.copy_current_request_context(change))
    return response


@pytest.mark.parametrize("place", [in_stream, on_close], ids=["stream", "call_on_close"])
@pytest.mark.parametrize(
    "before",
    [lambda: None, lambda: session.get("n"), lambda: session.__setitem__("b", 1)],
    ids=["untouched", "read", "changed"],
)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_is_lost_and_the_log_says_so(
    app: flask.Flask, caplog: Any, place: Any, before: Any, change: Callable[[], Any], request: Any
) -> None:
    app.add_url_rule("/late", "late", lambda: place(change, before))
    app.add_url_rule("/all", "all", lambda: dict(session))
    client = app.test_client()
    client.get("/start")
    seen = client.get("/all").get_json()
    with client.get("/late") as response:
        assert response.text == "ab"
    if change is CHANGES["renew"] and app.session_interface.settings._store is None:  # type: ignore[attr-defined]
        # A signed cookie has no id.
        assert caplog.messages == []
    else:
        assert set(caplog.messages) == {WARNING}
    before_it = {"b": 1} if "-changed-" in request.node.name else {}
    assert client.get("/all").get_json() == {**seen, **before_it}


def test_change_in_teardown_is_lost_and_the_log_says_so(app: flask.Flask, caplog: Any) -> None:
    @app.teardown_request
    def late(_: Any) -> None:
        if flask.request.path == "/late":
            session["a"] = 1

    app.add_url_rule("/late", "late", lambda: "")
    client = app.test_client()
    client.get("/late")
    assert caplog.messages == [WARNING]


def test_stream_that_changes_nothing_is_no_news(app: flask.Flask, caplog: Any) -> None:
    app.add_url_rule(
        "/late", "late", lambda: in_stream(lambda: session["list"], lambda: session["dict"]["list"].append(1))
    )
    client = app.test_client()
    client.get("/start")
    client.get("/late").close()
    assert caplog.messages == []
