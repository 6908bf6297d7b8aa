"""``SESSION_ENCRYPTION``: cookies that nobody can read, and the way there from Flask's own."""

from __future__ import annotations

import base64
import datetime
from typing import Any

from flask import Flask, session
from hipflask import HipFlask

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"
OLD = "71d55a3b0c7a2f93e9d1b4c86605f8ae"
TOMORROW = datetime.date.today() + datetime.timedelta(days=2)


def make_app(by_hipflask: bool = True, **config: Any) -> Flask:
    app = Flask("encryption")
    app.config.update({"SECRET_KEY": KEY} | config)
    if by_hipflask:
        HipFlask(app)

    @app.route("/set")
    def put() -> str:
        session["user"] = "ada-lovelace"
        return "set"

    @app.route("/get")
    def get() -> str:
        return f"{session.get('user')} {getattr(session, 'reason', '')}".strip()

    return app


def cookie_of(app: Flask) -> dict[str, str]:
    response = app.test_client(use_cookies=False).get("/set")
    return {"Cookie": response.headers["Set-Cookie"].split(";")[0]}


def get(app: Flask, cookie: dict[str, str]) -> str:
    return app.test_client(use_cookies=False).get("/get", headers=cookie).text


def test_cookie_cannot_be_read_and_opens_again() -> None:
    app = make_app(SESSION_ENCRYPTION=True)
    cookie = cookie_of(app)
    value = cookie["Cookie"].removeprefix("session=e1.") if hasattr(str, "removeprefix") else cookie["Cookie"][11:]
    content = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    assert b"ada" not in content and b"user" not in content
    assert get(app, cookie) == "ada-lovelace verified"
    assert cookie_of(app) != cookie, "each has a nonce of its own"
    # Others that have the key read it, too, but Flask does not.
    assert get(make_app(), cookie) == "ada-lovelace verified"
    assert get(make_app(SECRET_KEY=OLD, SECRET_KEY_FALLBACKS=[KEY]), cookie) == "ada-lovelace verified_by_fallback_key"
    assert get(make_app(by_hipflask=False), cookie) == "None"


def test_another_cookie_or_key_does_not_open() -> None:
    cookie = cookie_of(make_app(SESSION_ENCRYPTION=True))
    assert get(make_app(SECRET_KEY=OLD), cookie) == "None bad_signature"
    renamed = {"Cookie": cookie["Cookie"].replace("session=", "admin=")}
    assert get(make_app(SESSION_COOKIE_NAME="admin"), renamed) == "None bad_signature"


def test_signed_cookies_of_flask_are_read_until_the_date() -> None:
    theirs = cookie_of(make_app(by_hipflask=False))
    until = {"SESSION_ENCRYPTION_ACCEPT_PLAIN_UNTIL": TOMORROW}
    assert get(make_app(SESSION_ENCRYPTION=True, **until), theirs) == "ada-lovelace verified"
    assert get(make_app(SESSION_ENCRYPTION=True), theirs) == "None bad_signature"
    past = {"SESSION_ENCRYPTION_ACCEPT_PLAIN_UNTIL": "2020-01-01"}
    assert get(make_app(SESSION_ENCRYPTION=True, **past), theirs) == "None bad_signature"
    client = make_app(SESSION_ENCRYPTION=True, SESSION_RESIGN=True, **until).test_client(use_cookies=False)
    (line,) = client.get("/get", headers=theirs).headers.getlist("Set-Cookie")
    assert line.startswith("session=e1.")
