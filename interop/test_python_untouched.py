"""What pages cost that never use their session, in apps whose extensions look at it: commands at a real Redis."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import flask
import flask_login
import flask_principal
import pytest
import redis
from flask import session
from hipflask import HipFlask
from stores import STORES

#: What the client of the count, and connections that are made, say themselves.
NOT_OURS = ("INFO", "MONITOR", "HELLO", "CLIENT", "AUTH", "SELECT", "PING", "SCRIPT", "CONFIG", "FUNCTION")


class User(flask_login.UserMixin):
    id = "7"


def make_app(url: str, *extensions: str) -> flask.Flask:
    app = flask.Flask("untouched")
    app.config.update(SECRET_KEY="9f3c6a52be0d47c1886d1f7a0cb35e24", SESSION_STORE=url)
    HipFlask(app)
    manager = flask_login.LoginManager()
    manager.user_loader(lambda _: User())
    if "Flask-Login" in extensions:
        manager.init_app(app)
    if "Flask-Principal" in extensions:
        flask_principal.Principal(app, skip_static=True)

    @app.get("/in")
    def log_in() -> str:
        if "Flask-Login" in extensions:
            flask_login.login_user(User(), remember=True)
        if "Flask-Principal" in extensions:
            flask_principal.identity_changed.send(app, identity=flask_principal.Identity("7"))
        session["n"] = 1
        return ""

    @app.get("/page")
    def page() -> str:
        return ""

    @app.get("/user")
    def user() -> str:
        return str(flask_login.current_user.get_id())

    app.add_url_rule("/out", "out", lambda: str(flask_login.logout_user()))
    return app


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    with STORES["redis"]() as store:
        yield store


@contextlib.contextmanager
def commands(port: int) -> Iterator[list[str]]:
    """Yields a list that has, in the end, the commands that others have sent meanwhile."""
    found: list[str] = []
    with redis.Redis(port=port) as client, client.monitor() as monitor:
        yield found
        with redis.Redis(port=port) as other:
            other.echo("the end")
        for command in monitor.listen():
            words = command["command"].split()
            if words[0].upper() == "ECHO":
                return
            # What a script does is no round trip.
            if command["client_type"] != "lua" and words[0].upper() not in NOT_OURS:
                found.append(words[0].upper())


@pytest.mark.parametrize(
    "extensions, path, expected",
    [
        pytest.param(("Flask-Login",), "/page", [], id="Flask-Login"),
        pytest.param(("Flask-Login",), "/static/none.css", [], id="Flask-Login, static"),
        pytest.param(("Flask-Login",), "/user", ["GET"], id="Flask-Login, user"),
        # The identity is in the session, and asked for before each request.
        pytest.param(("Flask-Principal",), "/page", ["GET"], id="Flask-Principal"),
        pytest.param(("Flask-Principal",), "/static/none.css", [], id="Flask-Principal, static"),
        pytest.param(("Flask-Login", "Flask-Principal"), "/page", ["GET"], id="both"),
        pytest.param(("Flask-Login", "Flask-Principal"), "/static/none.css", [], id="both, static"),
    ],
)
def test_page_without_its_session_asks_the_store_for_nothing(store, extensions, path, expected) -> None:
    app = make_app(store.url, *extensions)
    client = app.test_client()
    answer = client.get("/in")
    assert answer.status_code == 200 and ("Flask-Login" in extensions) is ("remember_token" in str(answer.headers))
    client.get("/user")
    with commands(store.port) as found:
        answer = client.get(path)
    assert found == expected
    # As Flask from 3.1.3 on: somebody has asked for the session.
    assert answer.headers.get("Vary") == ("Cookie" if "Flask-Login" in extensions or expected else None)


@pytest.mark.parametrize(
    "extensions, expected", [(("Flask-Login",), []), (("Flask-Principal",), ["EVALSHA"])], ids=["Login", "Principal"]
)
def test_unknown_id_costs_no_more(store, extensions, expected) -> None:
    client = make_app(store.url, *extensions).test_client()
    client.get("/in")
    client.set_cookie("session", "an-id-that-the-store-does-not-know-00000000")
    # The script is sent once.
    client.get("/page")
    with commands(store.port) as found:
        client.get("/page")
    assert found == expected


def test_remember_cookie_is_set_and_cleared_as_before(store) -> None:
    client = make_app(store.url, "Flask-Login").test_client()
    assert "remember_token=7|" in str(client.get("/in").headers)
    assert "remember_token=;" in str(client.get("/out").headers)
    assert "remember_token" not in str(client.get("/page").headers)


def test_remember_cookie_that_is_refreshed_each_time_is_so(store) -> None:
    app = make_app(store.url, "Flask-Login")
    app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = True
    client = app.test_client()
    client.get("/in")
    assert "remember_token=7|" in str(client.get("/page").headers)
