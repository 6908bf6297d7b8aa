"""The main ways to use the package, with nothing but Flask and pytest: for every Python and every Flask."""

from __future__ import annotations

import datetime
import threading
import uuid
from pathlib import Path
from typing import Any, cast

import flask
import hipflask
import pytest
from flask.sessions import SecureCookieSessionInterface
from hipflask import HipFlask, Session
from markupsafe import Markup

SECRET_KEY = "of-the-tests-only-1d7c40b6f2a94e08"
VALUES: dict[str, Any] = {
    "none": None,
    "flag": True,
    "number": -(2**70),
    "float": 1e-5,
    "text": "caf\u00e9 \U0001f600",
    "list": [1, [2.5, {"deep": [None]}]],
    "tuple": (1, (2,)),
    "bytes": b"\x00\xff",
    "markup": Markup("<b>"),
    "uuid": uuid.UUID(int=5),
    "time": datetime.datetime(2025, 11, 21, 2, 40, tzinfo=datetime.timezone.utc),
}
STORES = ["memory:", "file:{}/files", "sqlite:{}/sessions.sqlite3?create=true"]


def make_app(store: str | None = None, **config: Any) -> flask.Flask:
    app = flask.Flask("smoke")
    app.secret_key = SECRET_KEY
    app.config.update(config)
    HipFlask(app, store=store)

    @app.route("/count")
    def count() -> str:
        flask.session["count"] = flask.session.get("count", 0) + 1
        return str(flask.session["count"])

    @app.route("/add")
    def add() -> str:
        session = cast(Session, flask.session)
        return str(session.update_atomically("count", lambda count: (count or 0) + 1))

    @app.route("/append")
    def append() -> str:
        flask.session.setdefault("nested", {"list": []})["list"].append(1)
        return str(flask.session["nested"])

    @app.route("/login")
    def login() -> str:
        flask.session["user"] = "ann"
        flask.session.permanent = True
        cast(Session, flask.session).renew()
        flask.flash("welcome", "info")
        return ""

    @app.route("/me")
    def me() -> str:
        template = "{{ session.user }} {{ get_flashed_messages(with_categories=true) }}"
        return flask.render_template_string(template)

    app.add_url_rule("/logout", "logout", lambda: flask.session.clear() or "")
    app.add_url_rule("/reason", "reason", lambda: cast(Session, flask.session).reason)
    return app


@pytest.fixture(params=[None, *STORES])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> flask.Flask:
    return make_app(request.param and request.param.format(tmp_path))


def test_session_is_kept_between_requests(app: flask.Flask) -> None:
    client = app.test_client()
    assert [client.get("/count").text for _ in range(3)] == ["1", "2", "3"]
    assert app.test_client().get("/count").text == "1"


def test_nested_change_is_kept(app: flask.Flask) -> None:
    client = app.test_client()
    assert [client.get("/append").text for _ in range(3)][-1] == "{'list': [1, 1, 1]}"


def test_login_ends_with_logout(app: flask.Flask) -> None:
    client = app.test_client()
    client.get("/count")
    client.get("/login")
    assert client.get("/me").text.replace("&#39;", "'") in (
        "ann [('info', 'welcome')]",
        "ann [['info', 'welcome']]",  # as it comes out of a store, in Flask-Session as well
    )
    assert client.get("/me").text == "ann []"
    client.get("/logout")
    assert client.get("/me").text == " []"


def test_garbage_in_the_cookie_is_a_new_session(app: flask.Flask) -> None:
    client = app.test_client(use_cookies=False)
    for garbage in ("x", "a.b.c", "\xe9", '"', "." * 5000, "eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw"):
        response = client.get("/reason", headers={"Cookie": f"session={garbage}"})
        assert response.status_code == 200 and response.text not in ("verified", "found")


@pytest.mark.parametrize("store", STORES)
def test_threads_lose_no_update(store: str, tmp_path: Path) -> None:
    app = make_app(store.format(tmp_path))
    header = app.test_client().get("/count").headers["Set-Cookie"].split(";")[0]

    def add() -> None:
        client = app.test_client(use_cookies=False)
        for _ in range(5):
            assert client.get("/add", headers={"Cookie": header}).status_code == 200

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert app.test_client(use_cookies=False).get("/count", headers={"Cookie": header}).text == "22"


def test_cookies_are_those_of_flask() -> None:
    app = make_app()
    flasks = SecureCookieSessionInterface().get_signing_serializer(app)
    assert flasks is not None
    with app.test_request_context():
        header = {"Cookie": f"session={flasks.dumps(VALUES)}"}
    with app.test_request_context(headers=header):
        assert flask.session == VALUES
        assert list(map(type, flask.session.values())) == [type(VALUES[key]) for key in sorted(VALUES)]
        flask.session["more"] = 1
        cookie = app.process_response(flask.Response()).headers["Set-Cookie"]
    value = cookie.split(";")[0].split("=", 1)[1]
    assert flasks.loads(value) == {**VALUES, "more": 1}


def test_json_of_a_session_is_its_content(app: flask.Flask) -> None:
    @app.route("/json")
    def json() -> str:
        # What templates get in Flask before 3.1.3; the proxy is nothing that JSON has.
        return flask.json.dumps(flask.session._get_current_object())  # type: ignore[attr-defined]

    client = app.test_client()
    client.get("/count")
    assert flask.json.loads(client.get("/json").text)["count"] == 1
    with client.session_transaction() as session:
        assert flask.json.loads(flask.json.dumps(session))["count"] == 1


def test_session_without_a_key_can_only_be_read() -> None:
    app = flask.Flask("smoke")
    HipFlask(app)
    with app.test_request_context():
        assert "a" not in flask.session
        with pytest.raises(RuntimeError, match="secret key"):
            flask.session["a"] = 1


def test_weak_key_is_pointed_out(caplog: pytest.LogCaptureFixture) -> None:
    app = flask.Flask("smoke")
    app.secret_key = "dev"
    HipFlask(app)
    app.test_client().get("/")
    assert [record.levelname for record in caplog.records if record.name == "hipflask"] == ["WARNING"]


def test_impossible_setting_is_refused() -> None:
    with pytest.raises(hipflask.ConfigError, match="SameSite"):
        make_app(SESSION_COOKIE_SAMESITE="sometimes")


def test_version_is_that_of_the_package() -> None:
    assert hipflask.__version__.count(".") == 2
