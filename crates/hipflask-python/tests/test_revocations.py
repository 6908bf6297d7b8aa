"""Ending sessions of signed cookies, those that plain Flask has written among them, and of stores."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from flask import Flask, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from hipflask import ConfigError, HipFlask

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"


def make_app(**settings: object) -> Flask:
    app = Flask("revocations")
    app.config.update(SECRET_KEY=KEY, **settings)

    @app.post("/in")
    def log_in() -> str:
        session["_user_id"] = "7"
        session.permanent = True
        return "in"

    @app.post("/out")
    def log_out() -> str:
        session.clear()
        return "out"

    @app.post("/others")
    def others() -> str:
        session.revoke_others("7")  # type: ignore[attr-defined]
        return "done"

    @app.get("/who")
    def who() -> str:
        return str(session.get("_user_id"))

    return app


@pytest.fixture(params=["file", "sqlite"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that the engine carries out, and one that Python does."""
    options = "?create=true" if request.param == "sqlite" else ""
    return f"{request.param}:{tmp_path}/revocations{options}"


@pytest.fixture
def app(address: str) -> Flask:
    return make_app(SESSION_REVOCATIONS=address, SESSION_REVOCATIONS_DELAY=0)


def cookie_of(response: object) -> str:
    lines = response.headers.getlist("Set-Cookie")  # type: ignore[attr-defined]
    return str(lines[-1].split(";")[0])


def who(app: Flask, cookie: str) -> str:
    return app.test_client(use_cookies=False).get("/who", headers={"Cookie": cookie}).text


def post(app: Flask, path: str, cookie: str = "") -> object:
    return app.test_client(use_cookies=False).post(path, headers={"Cookie": cookie})


@pytest.mark.parametrize("kind", ["Flask", "HipFlask"])
def test_replayed_cookie_after_log_out(app: Flask, kind: str) -> None:
    if kind == "HipFlask":
        HipFlask(app)
    theirs = cookie_of(post(make_app(), "/in"))  # Plain Flask has written it.
    assert who(app, theirs) == "7"
    post(app, "/out", theirs)
    assert who(app, theirs) == ("None" if kind == "HipFlask" else "7")


@pytest.mark.parametrize("kind", ["Flask", "HipFlask"])
def test_response_under_way_at_log_out(app: Flask, kind: str) -> None:
    if kind == "HipFlask":
        HipFlask(app)
    has_opened, may_answer = threading.Event(), threading.Event()

    @app.get("/slow")
    def slow() -> str:
        session.get("_user_id")
        has_opened.set()
        assert may_answer.wait(10)
        return "late"

    mine, late = cookie_of(post(app, "/in")), []

    def under_way() -> None:
        late.append(app.test_client(use_cookies=False).get("/slow", headers={"Cookie": mine}))

    thread = threading.Thread(target=under_way)
    thread.start()
    assert has_opened.wait(10)
    post(app, "/out", mine)
    may_answer.set()
    thread.join(10)
    assert who(app, cookie_of(late[0])) == ("None" if kind == "HipFlask" else "7")


def test_all_sessions_of_a_user(app: Flask) -> None:
    extension = HipFlask(app)
    theirs, mine = cookie_of(post(make_app(), "/in")), cookie_of(post(app, "/in"))
    extension.revoke_user(7)
    after = cookie_of(post(app, "/in"))
    assert [who(app, each) for each in (theirs, mine, after)] == ["None", "None", "7"]
    with pytest.raises(ConfigError, match="cannot be listed"):
        extension.sessions_of(7)


def test_two_apps_share_their_revocations(app: Flask, address: str) -> None:
    extension = HipFlask(app)
    other = make_app(SESSION_REVOCATIONS=address, SESSION_REVOCATIONS_DELAY=0.2)
    HipFlask(other)
    mine = cookie_of(post(app, "/in"))
    assert who(other, mine) == "7"
    extension.revoke_user("7")
    time.sleep(0.3)
    assert who(other, mine) == "None"


@pytest.mark.parametrize("kind", ["signed", "stored"])
def test_all_others(app: Flask, kind: str) -> None:
    if kind == "stored":
        app = make_app(SESSION_STORE="memory:")
    HipFlask(app)
    mine = cookie_of(post(app, "/in"))
    other = cookie_of(post(app, "/in"))
    response = post(app, "/others", mine)
    assert response.status_code == 200, response.text  # type: ignore[attr-defined]
    assert [who(app, mine), who(app, other)] == ["7", "None"]
    if kind == "signed":
        assert who(app, cookie_of(response)) == "7", "signed anew in the same second"


def test_sessions_in_a_store() -> None:
    app = make_app(SESSION_STORE="memory:")
    extension = HipFlask(app)
    mine = cookie_of(post(app, "/in"))
    post(app, "/in")
    found = extension.sessions_of("7")
    assert len(found) == 2
    assert all(each.size > 0 and each.expires_in and each.expires_in > 0 for each in found)
    assert extension.sessions_of("8") == []
    extension.revoke_user("7")
    assert extension.sessions_of("7") == []
    assert who(app, mine) == "None"


def test_flask_logins_log_out_is_final(app: Flask) -> None:
    HipFlask(app)
    manager = LoginManager(app)

    class User(UserMixin):
        id = "7"

    manager.user_loader(lambda _: User())

    @app.post("/login")
    def login() -> str:
        login_user(User())
        return "in"

    @app.post("/logout")
    def logout() -> str:
        logout_user()
        return "out"

    @app.get("/me")
    def me() -> str:
        return str(current_user.is_authenticated)

    mine = cookie_of(post(app, "/login"))
    client = app.test_client(use_cookies=False)
    assert client.get("/me", headers={"Cookie": mine}).text == "True"
    post(app, "/logout", mine)
    assert client.get("/me", headers={"Cookie": mine}).text == "False"
    again = cookie_of(post(app, "/login"))
    assert client.get("/me", headers={"Cookie": again}).text == "True"


def test_without_a_store_it_says_what_to_set() -> None:
    app = make_app()
    extension = HipFlask(app)
    with pytest.raises(ConfigError, match="SESSION_REVOCATIONS"):
        extension.revoke_user("7")
    with pytest.raises(ConfigError, match="SESSION_REVOCATIONS"):
        HipFlask(make_app(SESSION_REVOCATIONS="floppy:a"))
