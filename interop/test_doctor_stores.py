"""What `hipflask doctor` says of sessions that Flask-Session keeps in a store."""

import contextlib
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import flask_session
import msgspec
import pytest
import redis
import stores
from doctor import KEY, KEYS, SECRET, app_with, codes, doctor, flask_cookie, toml
from hipflask import HipFlask
from servers import free_port, running
from visits import Guest

UNKNOWN = "kgm1jQbZqX3fWnQe9hTzV4yB7cR2uP0sLxAaDdFfGgH"


@pytest.fixture(params=stores.STORES)
def kept(request: pytest.FixtureRequest) -> Iterator[tuple[stores.Store, str]]:
    """Has Flask-Session keep a session in each store, and yields the store and the cookie."""
    with stores.STORES[request.param]() as store:
        with running("flask", "stored", sessions=store.url, settings=store.env) as port:
            guest = Guest()
            guest.get(port, "/set", k="secret", v=SECRET)
        yield store, guest.session_id


def test_session_of_any_store_is_found_until_it_is_gone(kept: tuple[stores.Store, str]) -> None:
    store, cookie = kept
    report = doctor(cookie, "--store", store.url, *KEYS, status=0, **store.env)
    assert report["causes"] == []
    (note,) = report["notes"]
    assert "the record is there" in note and note.endswith("with the keys _permanent, secret")
    assert codes(UNKNOWN, "--store", store.url, *KEYS, **store.env) == ["id_unknown"]
    if store.process:
        store.stop()
        (cause,) = doctor(cookie, "--store", store.url, *KEYS, **store.env)["causes"]
        assert cause["code"] == "store_unreachable"


def test_session_behind_sentinels_is_found() -> None:
    with stores.redis() as store, stores.redis_sentinel(store.port, SECRET) as port:
        address = f"redis+sentinel://127.0.0.1:{port}/main?sentinel_password={SECRET}"
        assert codes(stored(store), "--store", address, *KEYS) == []
        assert codes(UNKNOWN, "--store", address, *KEYS) == ["id_unknown"]
        store.stop()
        assert codes(UNKNOWN, "--store", address, *KEYS) == ["store_unreachable"]


def test_session_in_a_cluster_is_found() -> None:
    with stores.redis_cluster() as store:
        for _ in range(6):  # on several servers
            app = app_with(KEY)
            HipFlask(app, store=store.url)  # Flask-Session takes no cluster
            report = doctor(logged_in(app), "--store", store.url, *KEYS, status=0)
            assert any("the record is there" in note for note in report["notes"])
        assert codes(UNKNOWN, "--store", store.url, *KEYS) == ["id_unknown"]


@pytest.fixture(scope="module")
def server() -> Any:
    with stores.redis() as store:
        yield store


def stored(server: Any, **config: Any) -> str:
    """Has Flask-Session store a session, and returns its cookie."""
    app = app_with(KEY, SESSION_TYPE="redis", SESSION_REDIS=redis.Redis.from_url(server.url), **config)
    flask_session.Session(app)
    return logged_in(app)


def logged_in(app: flask.Flask) -> str:
    """Has an app begin a session, and returns its cookie."""

    @app.get("/")
    def index() -> str:
        flask.session["secret"] = SECRET
        return ""

    header = app.test_client().get("/").headers["Set-Cookie"]
    return header.split("=", 1)[1].split(";")[0]


def test_stored_session_that_is_there_is_no_cause(server: Any) -> None:
    cookie = stored(server)
    report = doctor(cookie, "--store", server.url, *KEYS, status=0)
    assert any("the record is there" in note for note in report["notes"])
    assert not any(cookie in note for note in report["notes"])


def test_id_that_is_unknown(server: Any, tmp_path: Path) -> None:
    cookie = stored(server)
    redis.Redis.from_url(server.url).flushall()
    assert codes(cookie, "--store", server.url, *KEYS) == ["id_unknown"]
    config = toml(tmp_path, "a.toml", more="SESSION_KEY_PREFIX = 'other:'\n")
    assert codes(stored(server), "--store", server.url, "--config", config) == ["id_unknown"]


def test_records_that_are_not_what_they_should_be(server: Any, tmp_path: Path) -> None:
    client = redis.Redis.from_url(server.url)
    cookie = stored(server)
    for record, expected in [
        (pickle.dumps({"secret": SECRET}), ["record_pickled"]),
        (json.dumps({"secret": SECRET}).encode(), ["record_format"]),
        (msgspec.msgpack.encode({"secret": SECRET})[:-3], ["record_corrupt"]),
        (b"\x00\x01", ["record_corrupt"]),
        (msgspec.msgpack.encode(None), ["record_expired"]),
    ]:
        client.set(f"session:{cookie}", record)
        assert codes(cookie, "--store", server.url, *KEYS) == expected, record
    client.delete(f"session:{cookie}")
    client.rpush(f"session:{cookie}", "x")
    assert codes(cookie, "--store", server.url, *KEYS) == ["record_type"]


def test_signed_ids_on_one_side(server: Any, tmp_path: Path) -> None:
    config = toml(tmp_path, "a.toml", more="SESSION_USE_SIGNER = true\n")
    plain, signed = stored(server), stored(server, SESSION_USE_SIGNER=True)
    assert "signed_ids" in codes(plain, "--store", server.url, "--config", config)
    assert codes(signed, "--store", server.url, *KEYS) == ["signed_ids"]
    assert codes(signed, "--store", server.url, "--config", config) == []


def test_configuration_without_the_store_and_cookie_beside_one(tmp_path: Path, server: Any) -> None:
    assert codes(stored(server), *KEYS) == ["id_without_store"]
    config = toml(tmp_path, "a.toml", more="SESSION_TYPE = 'redis'\n")
    assert codes(flask_cookie(), "--config", config) == ["cookie_with_store"]


def test_store_that_cannot_be_reached(server: Any) -> None:
    cookie = stored(server)
    gone = f"redis://:{SECRET}@127.0.0.1:{free_port()}/0"
    (cause,) = doctor(cookie, "--store", gone, *KEYS)["causes"]
    assert cause["code"] == "store_unreachable"
