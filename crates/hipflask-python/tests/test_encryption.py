"""``SESSION_ENCRYPTION``: cookies and records that nobody can read, and the way there from Flask's own."""

from __future__ import annotations

import base64
import datetime
import pickle
from pathlib import Path
from typing import Any

import pytest
from cachelib import FileSystemCache, SimpleCache
from flask import Flask, session
from flask_session import Session
from hipflask import ConfigError, HipFlask

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

    @app.route("/out")
    def out() -> str:
        session.clear()
        return "out"

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


@pytest.fixture(params=["file", "sqlite"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that the engine carries out, and one that Python does."""
    options = "?create=true" if request.param == "sqlite" else ""
    return f"{request.param}:{tmp_path}/sessions{options}"


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_records_cannot_be_read_and_open_again(address: str, tmp_path: Path) -> None:
    app = make_app(SESSION_ENCRYPTION=True, SESSION_STORE=address)
    cookie = cookie_of(app)
    assert b"ada" not in on_disk(tmp_path)
    assert get(app, cookie) == "ada-lovelace found"
    # Others that have the key read it, too, whether they encrypt or not.
    assert get(make_app(SESSION_STORE=address), cookie) == "ada-lovelace found"
    ring = {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": [KEY], "SESSION_STORE": address}
    assert get(make_app(**ring), cookie) == "ada-lovelace found"
    assert get(make_app(SECRET_KEY=OLD, SESSION_STORE=address), cookie) == "None corrupt_record"
    # It is still there for those who can read it.
    assert get(app, cookie) == "ada-lovelace found"
    # The log-in of another visitor lies in another record, which says nothing here.
    other = cookie_of(app)
    assert other != cookie and get(app, other) == "ada-lovelace found"


def test_flask_sessions_records_are_read_until_the_date_and_sealed_by_the_next_save(tmp_path: Path) -> None:
    cache = {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": FileSystemCache(str(tmp_path))}
    stock = make_app(by_hipflask=False, **cache)
    Session(stock)
    theirs = cookie_of(stock)
    assert b"ada-lovelace" in on_disk(tmp_path)
    assert get(make_app(SESSION_ENCRYPTION=True, **cache), theirs) == "None corrupt_record"
    until = {"SESSION_ENCRYPTION": True, "SESSION_ENCRYPTION_ACCEPT_PLAIN_UNTIL": TOMORROW}
    app = make_app(**until, **cache)
    assert get(app, theirs) == "ada-lovelace found"
    app.test_client(use_cookies=False).get("/set", headers=theirs)
    assert b"ada-lovelace" not in on_disk(tmp_path)
    assert get(app, theirs) == get(make_app(**cache), theirs) == "ada-lovelace found"


def test_caches_of_python_keep_encrypted_records_as_bytes() -> None:
    cache = SimpleCache()
    app = make_app(SESSION_ENCRYPTION=True, SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)
    cookie = cookie_of(app)
    ((_, value),) = cache._cache.values()
    assert pickle.loads(value)[:1] == b"\xc1" and b"ada" not in value
    app.test_client(use_cookies=False).get("/set", headers=cookie)
    assert get(app, cookie) == "ada-lovelace found"


def test_encryption_of_records_needs_a_key() -> None:
    with pytest.raises(ConfigError, match="SESSION_ENCRYPTION needs a key to encrypt with: set SECRET_KEY"):
        make_app(SECRET_KEY=None, SESSION_ENCRYPTION=True, SESSION_STORE="memory:").test_client().get("/get")


def test_encrypted_cookies_are_revoked_by_a_log_out(address: str) -> None:
    settings = {"SESSION_REVOCATIONS": address, "SESSION_REVOCATIONS_DELAY": 0}
    app = make_app(SESSION_ENCRYPTION=True, SESSION_ENCRYPTION_ACCEPT_PLAIN_UNTIL=TOMORROW, **settings)
    theirs, mine, other = cookie_of(make_app(by_hipflask=False)), cookie_of(app), cookie_of(app)
    assert mine["Cookie"].startswith("session=e1.")
    for cookie in (theirs, mine):
        assert get(app, cookie) == "ada-lovelace verified"
        app.test_client(use_cookies=False).get("/out", headers=cookie)
        assert get(app, cookie) == "None revoked"
    assert get(app, other) == "ada-lovelace verified"
