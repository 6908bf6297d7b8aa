"""The digest window, beside Flask itself set to the same: who signs with what, and who still reads it."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path
from typing import Any

import pytest
from cachelib import FileSystemCache
from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from hipflask import ConfigError, HipFlask
from itsdangerous import URLSafeTimedSerializer

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"


class Sha256Sessions(SecureCookieSessionInterface):
    """What `docs/keys.md` gives to a Flask app that shares the cookie."""

    digest_method = staticmethod(hashlib.sha256)


class WindowSessions(Sha256Sessions):
    """The same, and SHA-1 is still read."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.fallback_signers = [{"key_derivation": "hmac", "digest_method": hashlib.sha1}]
        return serializer


def make_app(by_hipflask: bool = True, interface: Any = None, **config: Any) -> Flask:
    app = Flask("digests")
    app.config.update(SECRET_KEY=KEY, **config)
    if interface is not None:
        app.session_interface = interface
    if by_hipflask:
        HipFlask(app)

    @app.route("/set")
    def put() -> str:
        session["user"] = "ada"
        return "set"

    @app.route("/get")
    def get() -> str:
        return f"{session.get('user')}"

    @app.route("/reason")
    def reason() -> str:
        return session.reason  # type: ignore[attr-defined, no-any-return]

    return app


def cookie_of(app: Flask) -> dict[str, str]:
    response = app.test_client(use_cookies=False).get("/set")
    return {"Cookie": response.headers["Set-Cookie"].split(";")[0]}


def get(app: Flask, cookie: dict[str, str], path: str = "/get") -> str:
    return app.test_client(use_cookies=False).get(path, headers=cookie).text


def test_flask_set_to_sha256_shares_sessions_in_both_directions() -> None:
    theirs = make_app(by_hipflask=False, interface=Sha256Sessions())
    ours = make_app(SESSION_DIGEST="sha256")
    assert get(ours, cookie_of(theirs), "/reason") == "verified"
    assert get(theirs, cookie_of(ours)) == get(ours, cookie_of(theirs)) == "ada"
    stock = make_app(by_hipflask=False)
    assert get(stock, cookie_of(ours)) == get(ours, cookie_of(stock)) == "None"
    assert get(ours, cookie_of(stock), "/reason") == "bad_signature"


def test_flask_with_a_window_shares_sessions_in_both_directions() -> None:
    theirs = make_app(by_hipflask=False, interface=WindowSessions())
    ours = make_app(SESSION_DIGEST="sha256", SESSION_DIGEST_FALLBACKS=["sha1"])
    stock = make_app(by_hipflask=False)
    for reader in (theirs, ours):
        for writer in (theirs, ours, stock):
            assert get(reader, cookie_of(writer)) == "ada"
    assert get(ours, cookie_of(stock), "/reason") == "verified"


TODAY = datetime.datetime.now(datetime.timezone.utc)
TOMORROW, YESTERDAY = TODAY + datetime.timedelta(days=1), TODAY - datetime.timedelta(days=1)


@pytest.mark.parametrize("form", [
    lambda it: it,
    lambda it: it.date(),
    lambda it: it.replace(tzinfo=None),
    lambda it: it.date().isoformat(),
    lambda it: it.strftime("%Y-%m-%dT%H:%M:%SZ"),
])
def test_retired_digest_is_accepted_until_its_date(form: Any) -> None:
    stock = make_app(by_hipflask=False)
    for until, reason in ((TOMORROW, "verified"), (YESTERDAY, "bad_signature")):
        ours = make_app(SESSION_DIGEST="sha512", SESSION_DIGEST_FALLBACKS={"sha1": form(until)})
        assert get(ours, cookie_of(stock), "/reason") == reason


def test_signing_serializer_reads_and_writes_the_same_cookies() -> None:
    app = make_app(SESSION_DIGEST="sha256", SESSION_DIGEST_FALLBACKS=["sha1"])
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    cookie = f"session={serializer.dumps({'user': 'bob'})}"
    assert get(app, {"Cookie": cookie}) == "bob"
    only_new = make_app(SESSION_DIGEST="sha256")
    assert get(only_new, {"Cookie": cookie}) == "bob"
    for other in (app, make_app(by_hipflask=False)):
        assert serializer.loads(cookie_of(other)["Cookie"].split("=", 1)[1]) == {"user": "ada"}


@pytest.mark.filterwarnings("ignore")
def test_signed_ids_follow(tmp_path: Path) -> None:
    def stored(**config: Any) -> Flask:
        cache = FileSystemCache(str(tmp_path))
        return make_app(SESSION_TYPE="cachelib", SESSION_CACHELIB=cache, SESSION_USE_SIGNER=True, **config)

    old, new = stored(), stored(SESSION_DIGEST="sha256")
    window = stored(SESSION_DIGEST="sha256", SESSION_DIGEST_FALLBACKS={"sha1": TOMORROW})
    assert get(new, cookie_of(old), "/reason") == "bad_signature"
    assert get(window, cookie_of(old), "/reason") == "verified"
    assert get(new, cookie_of(window)) == "ada"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("stored", [False, True])
def test_resign_sends_an_outdated_cookie_once(stored: bool, tmp_path: Path) -> None:
    extra: dict[str, Any] = {}
    if stored:
        extra = {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": FileSystemCache(str(tmp_path))}
        extra.update(SESSION_USE_SIGNER=True, SESSION_PERMANENT=False)
    before = make_app(**extra)
    window: dict[str, Any] = {"SESSION_DIGEST": "sha256", "SESSION_DIGEST_FALLBACKS": ["sha1"]}
    cookie = cookie_of(before)
    quiet = make_app(**window, **extra).test_client(use_cookies=False)
    assert quiet.get("/get", headers=cookie).headers.getlist("Set-Cookie") == []
    client = make_app(SESSION_RESIGN=True, **window, **extra).test_client(use_cookies=False)
    (line,) = client.get("/get", headers=cookie).headers.getlist("Set-Cookie")
    cookie = {"Cookie": line.split(";")[0]}
    assert client.get("/get", headers=cookie).headers.getlist("Set-Cookie") == []
    assert get(make_app(SESSION_DIGEST="sha256", **extra), cookie) == "ada"


@pytest.mark.parametrize("config, expected", [
    ({"SESSION_DIGEST": "crc32"}, "SESSION_DIGEST expects sha1, sha256 or sha512"),
    ({"SESSION_DIGEST_FALLBACKS": "sha1"}, 'expected a list such as ["sha1"]'),
    ({"SESSION_DIGEST_FALLBACKS": {"sha1": "soon"}}, "expected a date, such as"),
])
def test_mistakes_are_named(config: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make_app(**config)
    assert expected in str(refused.value)
