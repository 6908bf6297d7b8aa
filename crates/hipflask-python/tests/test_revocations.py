"""Ending sessions of signed cookies, those that plain Flask has written among them, and of stores."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from flask import Flask, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from hipflask import ConfigError, HipFlask, StoreUnavailable

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


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


@pytest.mark.parametrize("store", ["memory:", "file:{}/sessions", "sqlite:{}/sessions.db?create=true"])
def test_list_of_a_users_sessions(tmp_path: Path, store: str) -> None:
    """Also where sessions cannot be read through: in files, and by way of Python's SQLite."""
    address = store.format(tmp_path)
    app = make_app(SESSION_STORE=address, SESSION_USER_INDEX=True)
    extension = HipFlask(app)
    log_in = app.test_client().post("/in", headers={"User-Agent": FIREFOX})
    first, second, third = cookie_of(log_in), cookie_of(post(app, "/in")), cookie_of(post(app, "/in"))
    found = extension.sessions_of(7)
    assert [each.device for each in found] == ["Firefox on Linux", "Werkzeug", "Werkzeug"]
    now = time.time()
    for each in found:
        assert each.last_seen is not None and each.authenticated_at is not None
        assert abs(each.last_seen - now) < 60 and abs(each.authenticated_at - now) < 60
    assert not extension.revoke_session_of(8, found[0].handle), "another user's"
    assert extension.revoke_session_of(7, found[0].handle)
    assert not extension.revoke_session_of(7, found[0].handle), "it has ended already"
    assert [who(app, each) for each in (first, second, third)] == ["None", "7", "7"]
    post(app, "/others", second)
    assert [who(app, each) for each in (second, third)] == ["7", "None"]
    assert len(extension.sessions_of(7)) == 1
    extension.revoke_user(7)
    assert (extension.sessions_of(7), who(app, second)) == ([], "None")
    assert who(app, cookie_of(post(app, "/in"))) == "7"
    assert len(extension.sessions_of(7)) == 1


def test_limit_of_a_users_sessions(tmp_path: Path) -> None:
    store = f"file:{tmp_path}/sessions"
    app = make_app(SESSION_STORE=store, SESSION_USER_LIMIT=1)
    HipFlask(app)
    first, second = cookie_of(post(app, "/in")), cookie_of(post(app, "/in"))
    assert [who(app, first), who(app, second)] == ["None", "7"]
    refusing = make_app(SESSION_STORE=store, SESSION_USER_LIMIT=1, SESSION_ON_USER_LIMIT="refuse")
    HipFlask(refusing)
    response = post(refusing, "/in")
    assert (response.status_code, "Set-Cookie" in response.headers) == (403, False)  # type: ignore[attr-defined]
    assert "end one of them" in response.text  # type: ignore[attr-defined]
    assert who(refusing, second) == "7"


def test_sessions_that_cannot_be_read_through_say_so(tmp_path: Path) -> None:
    app = make_app(SESSION_STORE=f"sqlite:{tmp_path}/sessions.db?create=true")
    extension = HipFlask(app)
    with pytest.raises(StoreUnavailable, match="SESSION_USER_INDEX"):
        extension.sessions_of(7)


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
