"""Stores that the app's own clients carry out, where no address can say what the client knows, over real servers.

Each client is asked what every store has to do; then HipFlask takes turns with Flask-Session through it.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import hashlib
import itertools
import os
import pickle
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import bmemcached
import boto3
import cachelib
import fakeredis
import flask
import memcache
import pylibmc
import pymemcache
import pymongo
import pytest
import redis
import valkey
from flask_session import Session
from hipflask import HipFlask
from hipflask.address import address_of
from hipflask.clients import Client
from hipflask.clients.form import RETIRED
from pymemcache.client.rendezvous import RendezvousHash
from pymemcache.client.retrying import RetryingClient
from redis.credentials import UsernamePasswordCredentialProvider
from redis.sentinel import Sentinel
from servers import SECRET_KEY, free_port
from stores import AWS_KEYS, STORES, Store, redis_sentinel
from stores import memcached as memcached_server
from stores import redis as redis_server

PASSWORD = "p@ss"


@dataclasses.dataclass
class Served:
    """A client, and the server that it leads to."""

    type: str
    client: Any
    server: Store | None
    #: A client of the same place, for who comes by.
    again: Callable[[], Any]
    password: str | None = None

    @property
    def config(self) -> dict[str, Any]:
        return {"SESSION_TYPE": self.type, f"SESSION_{self.type.upper()}": self.client}


class OtherHash(RendezvousHash):
    """Somebody's own way to choose servers."""

    def get_node(self, key: Any) -> Any:
        return sorted(self.nodes)[hashlib.sha256(str(key).encode()).digest()[0] % len(self.nodes)]


@contextlib.contextmanager
def of_redis(make: Callable[[int], Any]) -> Iterator[Served]:
    with redis_server("--requirepass", PASSWORD) as store:
        yield Served("redis", make(store.port), store, lambda: make(store.port), PASSWORD)


@contextlib.contextmanager
def of_cluster() -> Iterator[Served]:
    options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--requirepass", PASSWORD]
    with redis_server(*options) as store, redis.Redis(port=store.port, password=PASSWORD) as node:
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while node.cluster("info")["cluster_state"] != "ok":
            time.sleep(0.05)

        def make() -> Any:
            provider = UsernamePasswordCredentialProvider("default", PASSWORD)
            return redis.RedisCluster("127.0.0.1", store.port, credential_provider=provider)

        yield Served("redis", make(), store, make, PASSWORD)


@contextlib.contextmanager
def of_sentinels() -> Iterator[Served]:
    with redis_server() as store, redis_sentinel(store.port, "a") as one, redis_sentinel(store.port, "b") as other:

        def make() -> Any:
            sentinel = Sentinel([("127.0.0.1", one)], sentinel_kwargs={"password": "a"})
            sentinel.sentinels += Sentinel([("127.0.0.1", other)], sentinel_kwargs={"password": "b"}).sentinels
            return sentinel.master_for("main")

        yield Served("redis", make(), store, make)


@contextlib.contextmanager
def of_memcached(make: Callable[[list[str]], Any], n_servers: int = 2) -> Iterator[Served]:
    with contextlib.ExitStack() as stack:
        stores = [stack.enter_context(memcached_server()) for _ in range(n_servers)]
        names = [f"127.0.0.1:{store.port}" for store in stores]
        yield Served("memcached", make(names), stores[0] if n_servers == 1 else None, lambda: make(names))


@contextlib.contextmanager
def of_memcached_with_tls() -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = f"{folder}/cert.pem", f"{folder}/key.pem"
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *names]
        subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        # Its user is nobody.
        for path in (folder, certificate, key):
            os.chmod(path, 0o755)
        with memcached_server("-Z", "-o", f"ssl_chain_cert={certificate},ssl_key={key}") as store:

            def make() -> Any:
                context = ssl.create_default_context(cafile=certificate)
                return pymemcache.PooledClient(("localhost", store.port), tls_context=context, default_noreply=False)

            yield Served("memcached", make(), store, make)


@contextlib.contextmanager
def of_mongodb() -> Iterator[Served]:
    with STORES["mongodb"]() as store:

        def make() -> Any:
            return pymongo.MongoClient("127.0.0.1", store.port, readPreference="nearest", w=1)

        yield Served("mongodb", make(), store, make)


@contextlib.contextmanager
def of_dynamodb() -> Iterator[Served]:
    with STORES["dynamodb"]() as store:
        place = {"region_name": "us-east-1", "endpoint_url": f"http://127.0.0.1:{store.port}"}
        place.update({f"{name.lower()}": key for name, key in AWS_KEYS.items()})
        yield Served(
            "dynamodb", boto3.resource("dynamodb", **place), store, lambda: boto3.resource("dynamodb", **place)
        )


@contextlib.contextmanager
def of_cachelib(kind: str) -> Iterator[Served]:
    with contextlib.ExitStack() as stack:
        if kind == "simple":
            cache = cachelib.SimpleCache(threshold=10_000)
            yield Served("cachelib", cache, None, lambda: cache)
            return
        store = stack.enter_context(STORES[kind]())

        def make() -> Any:
            if kind == "redis":
                return cachelib.RedisCache("127.0.0.1", store.port, key_prefix="cache:")
            if kind == "memcached":
                return cachelib.MemcachedCache(memcache.Client([f"127.0.0.1:{store.port}"]), key_prefix="cache:")
            if kind == "mongodb":
                return cachelib.MongoDbCache(pymongo.MongoClient("127.0.0.1", store.port))
            place = {"region_name": "us-east-1", "endpoint_url": f"http://127.0.0.1:{store.port}"}
            return cachelib.DynamoDbCache(**place, **{name.lower(): key for name, key in AWS_KEYS.items()})

        yield Served("cachelib", make(), store, make)


def provided(port: int) -> Any:
    provider = UsernamePasswordCredentialProvider("default", PASSWORD)
    return redis.Redis(port=port, credential_provider=provider, decode_responses=True)


CLIENTS: dict[str, Callable[[], contextlib.AbstractContextManager[Served]]] = {
    "redis": lambda: of_redis(provided),
    "valkey": lambda: of_redis(
        lambda port: valkey.Valkey(
            port=port, credential_provider=valkey.UsernamePasswordCredentialProvider("default", PASSWORD)
        )
    ),
    "redis cluster": of_cluster,
    "redis sentinels": of_sentinels,
    # Flask-Session's writes through pymemcache return before they are done, unless it is told to wait.
    "pymemcache prefix": lambda: of_memcached(
        lambda names: RetryingClient(pymemcache.Client(names[0], key_prefix=b"app:", default_noreply=False)), 1
    ),
    "pymemcache hasher": lambda: of_memcached(lambda names: pymemcache.HashClient(names, hasher=OtherHash, default_noreply=False)),
    "pymemcache tls": of_memcached_with_tls,
    "pylibmc": lambda: of_memcached(lambda names: pylibmc.Client(names, binary=True)),
    "python-memcached": lambda: of_memcached(memcache.Client),
    "bmemcached": lambda: of_memcached(bmemcached.Client, 1),
    "bmemcached servers": lambda: of_memcached(bmemcached.DistributedClient),
    "mongodb": of_mongodb,
    "dynamodb": of_dynamodb,
    "cachelib simple": lambda: of_cachelib("simple"),
    "cachelib redis": lambda: of_cachelib("redis"),
    "cachelib memcached": lambda: of_cachelib("memcached"),
    "cachelib mongodb": lambda: of_cachelib("mongodb"),
    "cachelib dynamodb": lambda: of_cachelib("dynamodb"),
}


@pytest.fixture(scope="module", params=CLIENTS)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    with CLIENTS[request.param]() as served:
        yield served


@pytest.fixture
def client(served: Served) -> Client:
    app = flask.Flask("app")
    found = address_of(served.config, app)
    assert isinstance(found, Client)
    return found


def record(client: Client, text: str) -> bytes:
    """Returns a record that holds a text, in the client's format."""
    return pickle.dumps({"text": text}, 5) if client.pickles else text.encode() + b"\x00\xff"


KEYS = (f"session:{os.urandom(8).hex()}" for _ in itertools.count())
TOUCH = (60.0, 59.0)


# --- what every store has to do ----------------------------------------------------------------------------


def test_record_is_created_once_replaced_by_who_has_read_it_and_deleted(client: Client) -> None:
    key, one, two = next(KEYS), record(client, "one"), record(client, "two")
    assert client.load(key, None) is None
    assert not client.replace(key, one, two, 60)
    assert not client.delete(key)
    assert client.create(key, one, 60)
    assert not client.create(key, two, 60)
    assert client.load(key, None) == (one, False)
    assert not client.replace(key, two, one, 60)
    assert client.replace(key, one, two, 60)
    assert not client.replace(key, one, two, 60)
    assert client.load(key, TOUCH) in [(two, False), (two, True)]
    assert client.replace(key, two, one, 60)
    assert client.delete(key)
    assert client.load(key, TOUCH) is None
    assert not client.delete(key)


def test_record_expires_unless_it_is_touched(served: Served, client: Client) -> None:
    # DynamoDB's own are in whole seconds.
    life = 2.2 if served.type == "dynamodb" else 1.1
    gone, kept, again, payload = next(KEYS), next(KEYS), next(KEYS), record(client, "one")
    for key in (gone, kept):
        assert client.create(key, payload, life)
    assert client.create(again, payload, 60) and client.replace(again, payload, record(client, "two"), life)
    assert client.load(kept, (60, 30)) == (payload, True)
    assert client.load(kept, (60, 30)) == (payload, False)
    assert client.load(gone, None) == (payload, False)
    time.sleep(life + 1.2)
    assert client.load(gone, None) is None
    assert client.load(again, TOUCH) is None
    assert client.load(kept, None) == (payload, False)
    assert not client.replace(gone, payload, payload, 60)
    assert not client.delete(gone)
    assert client.create(gone, payload, 60)
    assert client.purge(100) >= 0
    assert client.load(gone, None) == (payload, False)


def test_life_of_years_is_no_life_of_none(client: Client) -> None:
    key, payload = next(KEYS), record(client, "one")
    assert client.create(key, payload, 40 * 24 * 3600)
    assert client.load(key, (50 * 24 * 3600, 45 * 24 * 3600)) is not None
    assert client.load(key, None) == (payload, False)


def test_retired_record_is_never_touched(client: Client) -> None:
    key = next(KEYS)
    retired = RETIRED[2] if client.pickles else RETIRED[0]
    assert client.create(key, record(client, "one"), 60)
    assert client.replace(key, record(client, "one"), retired, 1.1)
    assert client.load(key, (60, 60)) in [None, (retired, False)]
    time.sleep(2.3)
    assert client.load(key, None) is None


def test_of_writers_at_once_one_is_first(client: Client) -> None:
    n_writers = 8
    key, start = next(KEYS), record(client, "start")
    client.create(key, start, 60)
    payloads = [record(client, f"writer {n}") for n in range(n_writers)]
    with concurrent.futures.ThreadPoolExecutor(n_writers) as pool:
        done = list(pool.map(lambda payload: client.replace(key, start, payload, 60), payloads))
    assert done.count(True) == 1
    assert client.load(key, None) == (payloads[done.index(True)], False)


def test_large_record_comes_back(client: Client) -> None:
    key, payload = next(KEYS), record(client, "x" * 200_000)
    assert client.create(key, payload, 60)
    assert client.load(key, None) == (payload, False)


def test_no_error_shows_a_key_or_a_value(client: Client) -> None:
    key = f"secret:{'k' * 3000}"
    try:
        client.create(key, record(client, "secret"), 60)
    except Exception as error:
        assert "secret" not in client.words(error)
    assert "secret" not in repr(client)


# --- beside Flask-Session ----------------------------------------------------------------------------------


def app_of(extension: Callable[[flask.Flask], Any], config: dict[str, Any]) -> flask.Flask:
    app = flask.Flask("app")
    app.config.update(SECRET_KEY=SECRET_KEY, SESSION_STORE_DEADLINE=2, **config)
    extension(app)

    @app.route("/count")
    def count() -> str:
        session = flask.session
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    @app.route("/append/<text>")
    def append(text: str) -> str:
        flask.session.setdefault("list", []).append(text)
        return "ok"

    @app.route("/read")
    def read() -> dict[str, Any]:
        return dict(flask.session)

    @app.route("/end")
    def end() -> str:
        flask.session.clear()
        return "ok"

    @app.route("/renew")
    def renew() -> str:
        app.session_interface.regenerate(flask.session)
        return "ok"

    return app


def visitor(app: flask.Flask, cookie: str | None = None) -> Any:
    client = app.test_client()
    if cookie is not None:
        client.set_cookie("session", cookie)
    return client


def test_flask_session_and_hipflask_take_turns(served: Served) -> None:
    ours, theirs = app_of(HipFlask, served.config), app_of(Session, {**served.config, **again(served)})
    cookie, texts = None, []
    for app in (theirs, ours, theirs, ours):
        client = visitor(app, cookie)
        texts.append(client.get("/count").text)
        cookie = client.get_cookie("session").value
    assert texts == ["1", "2", "3", "4"]


def again(served: Served) -> dict[str, Any]:
    client = served.again()
    if served.type == "redis":
        # It takes no other client, and reads nothing through one that decodes.
        client = redis.Redis(port=served.server.port, password=served.password)
    return {f"SESSION_{served.type.upper()}": client}


def test_threads_lose_no_write(served: Served) -> None:
    app, n_threads, n_times = app_of(HipFlask, served.config), 4, 5
    first = visitor(app)
    first.get("/count")
    cookie = first.get_cookie("session").value

    def append(thread: int) -> list[int]:
        client = visitor(app, cookie)
        return [client.get(f"/append/{thread}-{n}").status_code for n in range(n_times)]

    with concurrent.futures.ThreadPoolExecutor(n_threads) as pool:
        statuses = [status for each in pool.map(append, range(n_threads)) for status in each]
    assert statuses == [200] * n_threads * n_times
    expected = [f"{thread}-{n}" for thread in range(n_threads) for n in range(n_times)]
    assert sorted(visitor(app, cookie).get("/read").json["list"]) == sorted(expected)


def test_session_is_renewed_and_ends_for_good(served: Served) -> None:
    app = app_of(HipFlask, served.config)
    client = visitor(app)
    client.get("/count")
    old = client.get_cookie("session").value
    client.get("/renew")
    new = client.get_cookie("session").value
    assert new != old
    assert "count" not in visitor(app, old).get("/read").json
    assert visitor(app, new).get("/read").json["count"] == 1
    client.get("/end")
    assert "count" not in visitor(app, new).get("/read").json


def test_processes_do_not_share_a_connection(served: Served) -> None:
    if isinstance(served.client, cachelib.SimpleCache):
        return  # which no other process sees
    app = app_of(HipFlask, served.config)
    first = visitor(app)
    first.get("/append/start")
    cookie = first.get_cookie("session").value
    children = []
    for child in range(2):
        pid = os.fork()
        if pid == 0:
            mine = visitor(app, cookie)
            # Nothing of the test runner's may run in a child.
            os._exit(0 if all(mine.get(f"/append/{child}-{n}").status_code == 200 for n in range(5)) else 1)
        children.append(pid)
    assert all(first.get(f"/append/parent-{n}").status_code == 200 for n in range(5))
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
    names = [f"{who}-{n}" for who in ("parent", 0, 1) for n in range(5)]
    assert sorted(first.get("/read").json["list"]) == sorted(["start", *names])


WITH_ONE_SERVER: dict[str, Callable[[], contextlib.AbstractContextManager[Served]]] = {
    **{name: CLIENTS[name] for name in ("redis", "pymemcache prefix", "bmemcached", "mongodb", "dynamodb")},
    # To these, it is two.
    "pylibmc": lambda: of_memcached(lambda names: pylibmc.Client([*names, *names]), 1),
    "python-memcached": lambda: of_memcached(lambda names: memcache.Client([*names, *names]), 1),
}


@pytest.mark.parametrize("name", WITH_ONE_SERVER)
def test_server_that_is_down_is_a_503_until_it_is_back(name: str) -> None:
    with WITH_ONE_SERVER[name]() as served, contextlib.ExitStack() as stack:
        app = app_of(HipFlask, served.config)
        client = visitor(app)
        assert client.get("/count").status_code == 200
        served.server.stop()
        for path in ("/read", "/count"):
            start = time.monotonic()
            assert client.get(path).status_code == 503
            # A client that connects again by itself, as redis-py does, takes its time for that.
            assert time.monotonic() - start < 30
        stack.enter_context(served.server.revived())
        deadline = time.monotonic() + 30
        while (status := client.get("/count").status_code) == 503 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert status == 200


def test_connections_that_the_server_has_closed_cost_nothing() -> None:
    with of_redis(provided) as served:
        app = app_of(HipFlask, served.config)
        client = visitor(app)
        client.get("/count")
        with redis.Redis(port=served.server.port, password=PASSWORD) as admin:
            admin.client_kill_filter(skipme=True, _type="normal")
        assert [client.get("/count").text, client.get("/count").text] == ["2", "3"]


def test_records_of_others_are_none_and_can_be_deleted() -> None:
    with of_redis(provided) as served:
        client = address_of(served.config, flask.Flask("app"))
        with redis.Redis(port=served.server.port, password=PASSWORD) as other:
            other.rpush("session:a", "x")
            other.set("session:b", "x")
        assert client.load("session:a", TOUCH) == client.load("session:a", None) == (None, False)
        assert not client.replace("session:a", b"x", b"y", 60) and not client.create("session:a", b"y", 60)
        assert client.delete("session:a") and client.load("session:a", None) is None
        assert client.load("session:b", TOUCH) == (b"x", True)  # one without an end gets one


def test_client_of_fakeredis_is_asked_itself() -> None:
    server = fakeredis.FakeServer()
    config = {"SESSION_TYPE": "redis", "SESSION_REDIS": fakeredis.FakeRedis(server=server)}
    client = visitor(app_of(HipFlask, config))
    assert [client.get("/count").text for _ in range(3)] == ["1", "2", "3"]
