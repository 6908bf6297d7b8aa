"""HipFlask in Flask-Session's place over every real store: every kind of value, outages, forks, greenlets.

`test_stores.py` and `test_races.py` have it take turns with Flask-Session; here is what only a Python process can show.
"""

import concurrent.futures
import contextlib
import dataclasses
import datetime
import decimal
import enum
import json
import os
import pickle
import runpy
import subprocess
import time
import uuid

import boto3
import flask
import psycopg
import pymysql
import pytest
import redis
from gunicorn_server import served
from hipflask import HipFlask, Shadow
from records import READERS
from redis.sentinel import Sentinel
from sqlalchemy import URL
from stores import STORES, redis_sentinel
from stores import redis as redis_server
from visits import Guest, ask

from servers import HERE, SECRET_KEY, free_port, running

SERVERS = [name for name in STORES if name not in ("filesystem", "sqlite")]
DEADLINE = 1.0  # seconds
SLACK = 0.8  # seconds that a busy machine may take besides
SHORT = {"FLASK_SESSION_STORE_DEADLINE": str(DEADLINE)}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE / "twins"))
    monkeypatch.setenv("FLASK_SECRET_KEY", SECRET_KEY)


@pytest.fixture(scope="module", params=STORES)
def named_store(request):
    with STORES[request.param]() as store, pytest.MonkeyPatch.context() as patch:
        for name, value in store.env.items():
            patch.setenv(name, value)
        yield request.param, store


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    with STORES[request.param]() as store:
        yield store


def stored_app(store, by_hipflask, **config):
    """Returns a new app `stored` in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_SESSIONS", "hipflask" if by_hipflask else "flask")
        names = runpy.run_path(str(HERE / "twins" / "stored.py"))
        names["app"].config.update(config)
        return names["over"](store.url)


@pytest.fixture(scope="module")
def redis_store():
    with redis_server() as store:
        yield store


# --- records -----------------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass
class Point:
    x: int
    y: list


EAST = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
# What msgspec writes, by the kinds that it knows.
VALUES = {
    "none": None,
    "int": [0, -1, 2**63 - 1, -(2**63), 2**64 - 1],
    "float": [0.0, -0.0, 1e16, 1e-7, float("inf")],
    "str": ["", "žluť 🐢", "\x00\x7f"],
    "bytes": b"\x00\xff",
    "bytearray": bytearray(b"ab"),
    "memoryview": memoryview(b"ab"),
    "tuple": (1, (2, [])),
    "set": {7},
    "frozenset": frozenset(["a"]),
    "nested": {"a": {"b": [{"c": ()}]}},
    "int keys": {1: "a", -5: "b"},
    "datetime": datetime.datetime(2024, 2, 29, 12, 34, 56),
    "datetime with fraction": datetime.datetime(2024, 2, 29, 12, 34, 56, 7),
    "aware datetime": datetime.datetime(2024, 2, 29, 12, 34, 56, tzinfo=datetime.timezone.utc),
    "aware datetime with fraction": datetime.datetime(2024, 2, 29, 12, 34, 56, 789, tzinfo=EAST),
    "aware datetime before 1970": datetime.datetime(1901, 12, 13, 20, 45, 52, tzinfo=datetime.timezone.utc),
    "aware datetime far away": datetime.datetime(2600, 1, 1, tzinfo=datetime.timezone.utc),
    "date": datetime.date(2024, 2, 29),
    "time": [datetime.time(12, 34), datetime.time(12, 34, 56, 7), datetime.time(1, tzinfo=datetime.timezone.utc)],
    "timedelta": [datetime.timedelta(days=1, seconds=2, microseconds=3), datetime.timedelta(0), -datetime.timedelta(1)],
    "uuid": uuid.UUID("12345678-1234-5678-9abc-def012345678"),
    "decimal": [decimal.Decimal("1.50"), decimal.Decimal("-1E+5")],
    "enum": [Colour.RED, Number.ONE],
    "dataclass": Point(1, ["a"]),
}
# What it refuses.
REFUSED = {"complex": 1j, "range": range(3), "object": object(), "function": len}
FORMATS = ["msgpack", "json"]


def record_of(name, store, by_hipflask, value, **config):
    """Returns the status of a request that keeps a value, and the record that it leaves."""
    app = stored_app(store, by_hipflask, **config)

    @app.route("/keep")
    def keep():
        from flask import session

        session["value"] = value
        return "ok"

    client = app.test_client()
    status = client.get("/keep").status_code
    cookie = client.get_cookie("session")
    return status, cookie and READERS[name](store, f"session:{cookie.value}")[0]


@pytest.mark.parametrize("kept_as", FORMATS)
@pytest.mark.parametrize("kind", VALUES)
def test_records_of_every_kind_of_value_are_equal(redis_store, kind, kept_as):
    config = {"SESSION_SERIALIZATION_FORMAT": kept_as}
    theirs, ours = (record_of("redis", redis_store, each, VALUES[kind], **config) for each in (False, True))
    assert theirs[0] == 200
    assert theirs == ours


@pytest.mark.parametrize("kept_as", FORMATS)
@pytest.mark.parametrize("kind", REFUSED)
def test_values_that_are_refused_leave_no_record(redis_store, kind, kept_as):
    config = {"SESSION_SERIALIZATION_FORMAT": kept_as}
    for by_hipflask in (False, True):
        assert record_of("redis", redis_store, by_hipflask, REFUSED[kind], **config) == (500, None)


def test_records_are_equal_in_every_store(named_store):
    name, store = named_store
    value = [VALUES[kind] for kind in ("none", "str", "tuple", "nested", "aware datetime", "uuid", "bytes")]
    (theirs, old), (ours, new) = (record_of(name, store, by_hipflask, value) for by_hipflask in (False, True))
    assert (theirs, ours) == (200, 200)
    if name == "filesystem":  # a pickle has many spellings
        old, new = (list(pickle.loads(record).items()) for record in (old, new))
    assert old == new


def test_cleanup_removes_what_has_expired_and_nothing_else(named_store):
    name, store = named_store
    app = stored_app(store, by_hipflask=True)
    kept, ended = app.test_client(), app.test_client()
    assert kept.get("/set?k=user&v=alice").status_code == 200
    app.config["PERMANENT_SESSION_LIFETIME"] = 1
    assert ended.get("/set?k=user&v=bob").status_code == 200
    time.sleep(2.1)
    result = app.test_cli_runner().invoke(args=["session_cleanup"])
    n_removed = int(result.output.split()[0])
    if name in ("filesystem", "sqlite", "postgresql", "mariadb"):  # the others remove them by themselves
        assert n_removed >= 1  # other tests may have left some, too
    assert app.test_cli_runner().invoke(args=["session_cleanup"]).output == "0 expired sessions removed\n"
    app.config["PERMANENT_SESSION_LIFETIME"] = 60
    assert (kept.get("/read").text, ended.get("/read").text) == ("alice", "-")


# --- outages -----------------------------------------------------------------------------------------------


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def timed(port, path, cookie="", **query):
    answer = ask(port, path, cookie, **query)
    return answer.status, answer.ended - answer.started


@pytest.mark.alone
def test_frozen_store_is_503_in_time_and_recovers(server):
    with running("python", "stored", sessions=server.url, settings=SHORT | server.env) as port:
        guest = Guest()
        guest.get(port, "/set", k="user", v="alice")
        with server.frozen():
            for path in ("/read", "/set?k=user&v=bob", "/logout"):
                status, seconds = timed(port, path, guest.cookie)
                assert (status, seconds < DEADLINE + SLACK) == (503, True), (path, seconds)
                status, seconds = timed(port, "/none", guest.cookie)
                assert (status, seconds < SLACK) == (200, True), seconds
                assert ask(port, "/read").status == 200  # has no session to be loaded
        wait_for(lambda: ask(port, "/read", guest.cookie).status != 503)
        assert guest.get(port, "/read") == "alice"
        guest.get(port, "/set", k="user", v="carol")
        assert guest.get(port, "/read") == "carol"


@pytest.mark.alone
def test_save_that_fails_is_503(server):
    with running("python", "stored", sessions=server.url, settings=SHORT | server.env) as port:
        guest = Guest()
        guest.get(port, "/set", k="user", v="alice")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            answer = pool.submit(ask, port, "/set", guest.cookie, k="user", v="bob", wait=1000)
            time.sleep(0.5)
            with server.frozen():
                answer = answer.result()
        assert (answer.status, answer.set_cookies) == (503, [])
        assert "ok" not in answer.text
        with server.frozen():
            answer = ask(port, "/set", k="user", v="nobody")  # a new session is only saved
        assert (answer.status, answer.set_cookies) == (503, [])


def test_anonymous_policy_serves_an_empty_session(server):
    settings = SHORT | server.env | {"FLASK_SESSION_ON_OUTAGE": "anonymous"}
    with running("python", "stored", sessions=server.url, settings=settings) as port:
        guest = Guest()
        guest.get(port, "/set", k="user", v="alice")
        with server.frozen():
            answer = ask(port, "/read", guest.cookie)
            assert (answer.status, answer.text, answer.set_cookies) == (200, "-", [])
            assert ask(port, "/set", guest.cookie, k="user", v="bob").status == 503


@pytest.mark.alone
@pytest.mark.parametrize("name", SERVERS)
def test_killed_store_is_503_and_its_return_is_noticed(name):
    with STORES[name]() as store, contextlib.ExitStack() as stack:
        port = stack.enter_context(running("python", "stored", sessions=store.url, settings=SHORT | store.env))
        guest = Guest()
        guest.get(port, "/set", k="user", v="alice")
        time.sleep(1.5)  # MariaDB, as it is started here, writes its log once a second
        store.stop()
        for path in ("/read", "/set?k=user&v=bob"):
            status, seconds = timed(port, path, guest.cookie)
            assert (status, seconds < DEADLINE + SLACK) == (503, True), (path, seconds)
        assert timed(port, "/none", guest.cookie)[0] == 200
        stack.enter_context(store.revived())
        wait_for(lambda: ask(port, "/read", guest.cookie).status != 503)
        # Redis and Memcached have forgotten their sessions.
        text = ask(port, "/read", guest.cookie).text
        assert text == ("-" if name in ("redis", "memcached") else "alice")
        other = Guest()
        other.get(port, "/set", k="user", v="carol")
        assert other.get(port, "/read") == "carol"


# --- processes, threads, greenlets -------------------------------------------------------------------------


def test_connection_is_not_shared_over_a_fork(named_store):
    _, store = named_store
    app = stored_app(store, by_hipflask=True)
    client = app.test_client()
    assert client.get("/append?k=list&v=first").status_code == 200
    n_children, n_times = 3, 10

    def append(name):
        return all(client.get(f"/append?k=list&v={name}-{n}").status_code == 200 for n in range(n_times))

    children = []
    for child in range(n_children):
        pid = os.fork()
        if pid == 0:
            # Nothing of the test runner's may run in a child.
            os._exit(0 if append(f"child{child}") else 1)
        children.append(pid)
    assert append("parent")
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    assert statuses == [0] * n_children
    found = json.loads(client.get("/all").text)["list"]
    names = ["parent", *(f"child{child}" for child in range(n_children))]
    assert sorted(found) == sorted(["first", *(f"{name}-{n}" for name in names for n in range(n_times))])


def appended_at_once(port, n_clients, n_times):
    """Returns what is in a list of one session to which several clients append, and what should be there."""
    guest = Guest()
    # A list that is not there yet would be assigned by the first of them, and not appended to.
    guest.get(port, "/append", k="list", v="first")

    def append(client):
        return [ask(port, "/append", guest.cookie, k="list", v=f"{client}-{n}").status for n in range(n_times)]

    with concurrent.futures.ThreadPoolExecutor(n_clients) as pool:
        statuses = [status for each in pool.map(append, range(n_clients)) for status in each]
    assert statuses == [200] * n_clients * n_times
    expected = [f"{client}-{n}" for client in range(n_clients) for n in range(n_times)]
    return sorted(json.loads(guest.get(port, "/all"))["list"]), sorted(["first", *expected])


def test_gunicorn_may_use_sessions_before_it_forks(named_store):
    _, store = named_store
    with served("hipflask", store, app="preloaded", options=("--preload", "--workers", "3")) as port:
        found, expected = appended_at_once(port, 6, 10)
        assert found == expected


def test_threads_lose_no_write(named_store):
    _, store = named_store
    with served("hipflask", store, options=("--workers", "1", "--threads", "8")) as port:
        found, expected = appended_at_once(port, 8, 10)
        assert found == expected


N_SLOW = 24  # more than the ten threads that gevent has itself


@pytest.mark.alone
def test_slow_store_does_not_stall_greenlets(server):
    impatient = dataclasses.replace(server, env=server.env | SHORT)
    with served("hipflask", impatient, worker="gevent", options=("--workers", "1")) as port:
        guest = Guest()
        guest.get(port, "/set", k="user", v="alice")
        with server.frozen(), concurrent.futures.ThreadPoolExecutor(N_SLOW) as pool:
            slow = [pool.submit(timed, port, "/read", guest.cookie) for _ in range(N_SLOW)]
            time.sleep(0.1)
            quick = [timed(port, "/none", guest.cookie) for _ in range(5)]
            slow = [each.result() for each in slow]
        assert [status for status, _ in quick] == [200] * 5
        assert max(seconds for _, seconds in quick) < 0.3
        assert [status for status, _ in slow] == [503] * N_SLOW
        assert max(seconds for _, seconds in slow) < DEADLINE + SLACK
        wait_for(lambda: ask(port, "/read", guest.cookie).status != 503)
        assert guest.get(port, "/read") == "alice"


# --- clients that lead elsewhere than to one server on a port ----------------------------------------------


def takes_turns(**config):
    """Lets Flask-Session and HipFlask, both with the same configuration, change one session in turn."""
    from flask import Flask, session
    from flask_session import Session
    from hipflask import HipFlask

    clients = []
    for extension in (Session, HipFlask):
        app = Flask("app")
        app.config.update(SECRET_KEY=SECRET_KEY, **config)
        extension(app)

        @app.route("/count")
        def count():
            session["count"] = session.get("count", 0) + 1
            return str(session["count"])

        clients.append(app.test_client())
    cookie, texts = None, []
    for client in [*clients, *clients]:
        if cookie is not None:
            client.set_cookie("session", cookie)
        texts.append(client.get("/count").text)
        cookie = client.get_cookie("session").value
    assert texts == ["1", "2", "3", "4"]


def test_client_of_a_socket_file_leads_there(tmp_path):
    path = tmp_path / "my redis.sock"
    with redis_server("--unixsocket", str(path)), redis.Redis(unix_socket_path=str(path), db=3) as client:
        takes_turns(SESSION_TYPE="redis", SESSION_REDIS=client)
        assert client.dbsize() == 1


@pytest.mark.parametrize("checks", [{"ssl_ca_certs": "CERTIFICATE"}, {"ssl_cert_reqs": "none"}])
def test_client_with_tls_trusts_whom_it_trusted(tmp_path, checks):
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    # What is its own authority is no server's certificate, says rustls.
    names += ["-addext", "basicConstraints=critical,CA:FALSE"]
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *names]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    port = free_port()
    files = ["--tls-cert-file", certificate, "--tls-key-file", key]
    options = ["--tls-port", str(port), *files, "--tls-auth-clients", "no"]
    checks = {name: value.replace("CERTIFICATE", certificate) for name, value in checks.items()}
    with redis_server(*options), redis.Redis("localhost", port, ssl=True, **checks) as client:
        takes_turns(SESSION_TYPE="redis", SESSION_REDIS=client)
        assert client.dbsize() == 1


def test_table_that_is_there_needs_no_right_to_create_it():
    with STORES["postgresql"]() as store:
        stored_app(store, by_hipflask=False)  # makes the table
        address = f"host=127.0.0.1 port={store.port} user=postgres dbname=flask"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("CREATE ROLE plain LOGIN")
            connection.execute("GRANT ALL ON sessions, sessions_id_seq TO plain")
        takes_turns(
            SESSION_TYPE="sqlalchemy",
            SQLALCHEMY_DATABASE_URI=f"postgresql+psycopg://plain@127.0.0.1:{store.port}/flask",
        )


def test_client_of_sentinels_leads_to_their_master():
    password = "p@ss/w:rd%"
    with redis_server("--requirepass", password) as store, redis_sentinel(store.port, "sentinel-secret") as port:
        login = {"password": "sentinel-secret"}
        sentinel = Sentinel([("127.0.0.1", port)], sentinel_kwargs=login, password=password)
        takes_turns(SESSION_TYPE="redis", SESSION_REDIS=sentinel.master_for("main", db=2))
        assert sentinel.master_for("main", db=2).dbsize() == 1


def test_login_of_an_engine_keeps_every_character():
    password = "".join(map(chr, range(33, 127)))
    with STORES["mariadb"]() as store:
        with pymysql.connect(host="127.0.0.1", port=store.port, user="root") as connection:
            connection.cursor().execute("CREATE USER 'a@b:c'@'127.0.0.1' IDENTIFIED BY %s", [password])
            connection.cursor().execute("GRANT ALL ON *.* TO 'a@b:c'@'127.0.0.1'")
        url = URL.create("mysql+pymysql", "a@b:c", password, "127.0.0.1", store.port, "flask")
        takes_turns(SESSION_TYPE="sqlalchemy", SQLALCHEMY_DATABASE_URI=url, SESSION_SQLALCHEMY_TABLE="other")


def test_keys_of_a_resource_open_its_table():
    with STORES["dynamodb"]() as store:
        place = {"region_name": "us-east-1", "endpoint_url": f"http://127.0.0.1:{store.port}"}
        resource = boto3.resource("dynamodb", **place, **{name.lower(): key for name, key in store.env.items()})
        # Flask-Session would wait for a new table for 20 seconds.
        resource.create_table(
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            TableName="other",
            BillingMode="PAY_PER_REQUEST",
        )
        wait_for(lambda: resource.meta.client.describe_table(TableName="other")["Table"]["TableStatus"] == "ACTIVE")
        takes_turns(SESSION_TYPE="dynamodb", SESSION_DYNAMODB=resource, SESSION_DYNAMODB_TABLE="other")


def test_client_of_a_cluster_leads_to_its_nodes():
    from flask import Flask, session
    from hipflask import HipFlask

    options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
    with redis_server(*options) as store, redis.Redis(port=store.port) as node:
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_for(lambda: node.cluster("info")["cluster_state"] == "ok")
        client = redis.RedisCluster(host="127.0.0.1", port=store.port)
        app = Flask("app")
        app.config.update(SECRET_KEY=SECRET_KEY, SESSION_TYPE="redis", SESSION_REDIS=client)
        HipFlask(app)

        @app.route("/count")
        def count():
            session["count"] = session.get("count", 0) + 1
            return str(session["count"])

        visitor = app.test_client()
        assert [visitor.get("/count").text for _ in range(3)] == ["1", "2", "3"]
        assert node.dbsize() == 1


# --- shadow mode -------------------------------------------------------------------------------------------


def test_shadow_mode_has_a_reason_for_each_difference(named_store, tmp_path):
    app = stored_app(named_store[1], by_hipflask=False)
    HipFlask(app, shadow=Shadow(str(tmp_path), cost=1))

    @app.get("/halves/<int:value>")
    def halves(value):
        flask.session["value"] = {"numbers": [value] * 3, "half": value / 2}
        return "ok"

    @app.get("/kept")
    def kept():
        return flask.session.get("value", {})

    @app.get("/end")
    def end():
        flask.session.clear()
        return "ok"

    client = app.test_client()
    for page in ("/halves/1", "/halves/2", "/kept", "/halves/2", "/end", "/kept"):
        assert client.get(page).status_code == 200
    app.extensions["hipflask_shadow"].report.write(1)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["requests"] == report["looked_at"] == 6
    assert (report["lost"], report["exceptions"], report["troubles"]) == (0, {}, {})
    assert report["verdicts"] == {"no_cookie": 2, "found": 4}
    codes = {code: found["count"] for code, found in report["differences"].items()}
    assert codes == {"read_only": 1, "unchanged": 1, "deleted_cookie": 1}
