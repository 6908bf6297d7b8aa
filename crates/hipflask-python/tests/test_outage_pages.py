"""Pages that an app shows while its store is away: the session is empty there, and nothing can be written."""

from __future__ import annotations

from typing import Any

import flask
import pytest
from flask import session

from hipflask import HipFlask
from hipflask.errors import StoreUnavailable

PAGE = "{{ session.get('user') }} {{ session.permanent }} {{ get_flashed_messages() }} {{ session.reason }}"


@pytest.fixture
def app() -> flask.Flask:
    app = flask.Flask("outage")
    app.secret_key = "9f3c6a52be0d47c1886d1f7a0cb35e24"
    # Nobody listens there.
    HipFlask(app, store="redis://127.0.0.1:1")
    app.add_url_rule("/", "index", lambda: str(session.get("user")))
    return app


def visit(app: flask.Flask) -> Any:
    client = app.test_client()
    client.set_cookie("session", "an-id-of-somebody-who-was-here-before-000000")
    return client.get("/")


def test_page_of_the_app_shows_an_empty_session(app: flask.Flask) -> None:
    app.register_error_handler(503, lambda _: (flask.render_template_string(PAGE), 503))
    answer = visit(app)
    assert (answer.status_code, answer.text) == (503, "None False [] store_unavailable")
    assert "Set-Cookie" not in answer.headers and answer.headers["Vary"] == "Cookie"


def test_page_of_the_app_may_look_at_its_session_in_every_way(app: flask.Flask) -> None:
    def page(_: Exception) -> Any:
        seen = [dict(session), len(session), "a" in session, bool(session), session.modified, session.new]
        seen += [session.sid, list(session)]  # type: ignore[attr-defined]
        return repr(seen), 503

    app.register_error_handler(StoreUnavailable, page)
    assert visit(app).text == "[{}, 0, False, False, False, False, None, []]"


def test_view_that_goes_on_cannot_write(app: flask.Flask) -> None:
    @app.route("/stubborn")
    def stubborn() -> str:
        with pytest.raises(StoreUnavailable):
            session.get("user")
        assert session.get("user") is None
        for change in (
            lambda: session.__setitem__("a", 1),
            lambda: flask.flash("a"),
            lambda: session.clear(),
            lambda: session.renew(),  # type: ignore[attr-defined]
            lambda: session.destroy(),  # type: ignore[attr-defined]
            lambda: session.update_atomically("a", lambda _: 1),  # type: ignore[attr-defined]
            lambda: session.take("a"),  # type: ignore[attr-defined]
            lambda: setattr(session, "permanent", True),
        ):
            with pytest.raises(StoreUnavailable):
                change()
        return "done"

    client = app.test_client()
    client.set_cookie("session", "an-id-of-somebody-who-was-here-before-000000")
    answer = client.get("/stubborn")
    assert (answer.status_code, answer.text) == (200, "done") and "Set-Cookie" not in answer.headers
