"""Log-in gives the session a new id, whatever was in it before: an id that was planted opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from flask import Flask, session
from hipflask import HipFlask
from hipflask.session import Session

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"


def make_app(**config: Any) -> Flask:
    app = Flask("renewal")
    app.config.update(SECRET_KEY=KEY, SESSION_STORE="memory:", **config)
    HipFlask(app)

    @app.route("/start")
    def start() -> str:
        session["basket"] = ["tea"]
        return "started"

    @app.route("/user")
    def user() -> str:
        return str(session.get("user"))

    @app.route("/empty")
    def empty() -> str:
        session.pop("basket")
        return "emptied"

    return app


def id_of(response: Any) -> str:
    return str(response.headers["Set-Cookie"].split(";")[0].removeprefix("session="))


def renew_by_flask_session(app: Flask) -> None:
    app.session_interface.regenerate(session)  # type: ignore[attr-defined]


def renew(_app: Flask) -> None:
    cast(Session, session).renew()


BEFORE: dict[str, Callable[[], object]] = {
    "as it is": lambda: None,
    "clear": lambda: session.clear(),
    "pop": lambda: session.pop("basket"),
    "popitem": lambda: [session.popitem() for _ in list(session)],
    "del": lambda: session.__delitem__("basket"),
}


@pytest.mark.parametrize("renewing", [renew_by_flask_session, renew])
@pytest.mark.parametrize("before", BEFORE)
def test_log_in_changes_the_id_of_what_was_emptied(before: str, renewing: Callable[[Flask], None]) -> None:
    app = make_app()

    @app.route("/login")
    def login() -> str:
        BEFORE[before]()
        renewing(app)
        session["user"] = "ada"
        return cast(Session, session).sid or ""

    client = app.test_client(use_cookies=False)
    planted = id_of(client.get("/start"))
    response = client.get("/login", headers={"Cookie": f"session={planted}"})
    assert id_of(response) == response.text != planted
    assert client.get("/user", headers={"Cookie": f"session={planted}"}).text == "None"
    assert client.get("/user", headers={"Cookie": f"session={id_of(response)}"}).text == "ada"


@pytest.mark.parametrize("permanent", [True, False])
def test_log_in_changes_the_id_of_a_session_that_somebody_else_emptied(permanent: bool) -> None:
    app = make_app(SESSION_PERMANENT=permanent)

    @app.route("/login")
    def login() -> str:
        cast(Session, session).renew()
        session["user"] = "ada"
        return "in"

    client = app.test_client(use_cookies=False)
    planted = id_of(client.get("/start"))
    cookie = {"Cookie": f"session={planted}"}
    client.get("/empty", headers=cookie)
    assert id_of(client.get("/login", headers=cookie)) != planted
    assert client.get("/user", headers=cookie).text == "None"


def test_renewing_makes_no_session_of_nothing() -> None:
    app = make_app()

    @app.route("/renew")
    def just_renew() -> str:
        cast(Session, session).renew()
        return "renewed"

    assert "Set-Cookie" not in app.test_client().get("/renew").headers
