"""Flask and Flask-WTF at work with our classes in the place of the real ones."""

from __future__ import annotations

import time
import typing as t

import flask
import flask.sessions
import flask_wtf.csrf
import pytest
from outcomes import ours, real
from outcomes import still_clock as still_clock

pytestmark = pytest.mark.usefixtures("still_clock")

PATCHES = {
    flask.sessions: ["BadSignature", "URLSafeTimedSerializer"],
    flask_wtf.csrf: ["BadData", "SignatureExpired", "URLSafeTimedSerializer"],
}


@pytest.fixture(params=["real", "ours"])
def package(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> t.Any:
    """Runs a test with the real package, then with ours in the names that Flask imported."""
    if request.param == "real":
        return real
    for module, names in PATCHES.items():
        for name in names:
            assert getattr(module, name) is getattr(real, name)
            monkeypatch.setattr(module, name, getattr(ours, name))
    return ours


def make_app(key: str = "a key for the test", fallbacks: list[str] | None = None) -> flask.Flask:
    app = flask.Flask(__name__)
    app.config.update(SECRET_KEY=key, SECRET_KEY_FALLBACKS=fallbacks, WTF_CSRF_TIME_LIMIT=60)

    @app.get("/set/<value>")
    def set_value(value: str) -> str:
        flask.session["value"] = [value, b"bytes", ("tuple", 1)]
        return "set"

    @app.get("/get")
    def get_value() -> str:
        return repr(flask.session.get("value"))

    return app


def cookie_of(app: flask.Flask) -> str:
    response = app.test_client().get("/set/hello")
    return response.headers["Set-Cookie"].split(";")[0].partition("=")[2]


def seen_with(app: flask.Flask, cookie: str) -> str:
    client = app.test_client()
    client.set_cookie("session", cookie)
    return client.get("/get").text


COOKIE = "eyJ2YWx1ZSI6WyJoZWxsbyIseyIgYiI6IllubDBaWE09In0seyIgdCI6WyJ0dXBsZSIsMV19XX0.aR_RAA."


def test_session_cookie_is_written_and_read(package: t.Any) -> None:
    app = make_app()
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    assert type(serializer) is package.URLSafeTimedSerializer
    cookie = cookie_of(app)
    assert cookie.startswith(COOKIE) and len(cookie) == len(COOKIE) + 27
    assert seen_with(app, cookie) == "['hello', b'bytes', ('tuple', 1)]"


def test_session_cookie_is_the_same_with_both(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = cookie_of(make_app())
    monkeypatch.setattr(flask.sessions, "URLSafeTimedSerializer", ours.URLSafeTimedSerializer)
    monkeypatch.setattr(flask.sessions, "BadSignature", ours.BadSignature)
    assert cookie_of(make_app()) == theirs


def test_tampered_and_expired_cookies_are_refused(package: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = cookie_of(make_app())
    for refused in (cookie[:-2], "x" + cookie, "", "a.b.c", cookie.replace(".", "")):
        assert seen_with(make_app(), refused) == "None"
    assert seen_with(make_app("another key"), cookie) == "None"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 32 * 24 * 3600)
    assert seen_with(make_app(), cookie) == "None"


def test_fallback_keys_are_accepted(package: t.Any) -> None:
    cookie = cookie_of(make_app("old"))
    assert seen_with(make_app("new", fallbacks=["older", "old"]), cookie).startswith("['hello'")
    assert seen_with(make_app("new", fallbacks=["older"]), cookie) == "None"


def test_csrf_tokens_are_made_and_checked(package: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    flask_wtf.csrf.CSRFProtect(app)
    app.add_url_rule("/form", "form", view_func=lambda: flask_wtf.csrf.generate_csrf())
    app.add_url_rule("/post", "post", methods=["POST"], view_func=lambda: "posted")
    client = app.test_client()
    token = client.get("/form").text

    def posted(token: str) -> tuple[int, str]:
        response = client.post("/post", data={"csrf_token": token})
        return response.status_code, response.text

    assert posted(token) == (200, "posted")
    refused = posted(token[:-2])
    assert refused[0] == 400 and "The CSRF token is invalid." in refused[1]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    refused = posted(token)
    assert refused[0] == 400 and "The CSRF token has expired." in refused[1]
