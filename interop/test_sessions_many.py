"""`hipflask sessions` on 100,000 sessions in every store, in tables that Flask-Session itself has made.

Half of them have expired where a store does not remove such by itself. A fifth of them is migrated into each store, and all into
Redis: a debug build takes a minute for the rest. `HIPFLASK_MANY` and `HIPFLASK_MOVED` are other numbers, and `-s` prints times and memory.
"""

import contextlib
import datetime
import hashlib
import json
import os
import pathlib
import pickle
import re
import sqlite3
import struct
import subprocess
import time

import boto3
import msgspec
import psycopg
import pymemcache
import pymongo
import pymysql
import pytest
import redis
import stores
from servers import running, rust_program
from visits import Guest

MANY = int(os.environ.get("HIPFLASK_MANY", "100000"))
MOVED = int(os.environ.get("HIPFLASK_MOVED", MANY // 5))
USERS = MANY // 20
BATCH = 5000
MOST_MEMORY = 64  # MB
NOW = datetime.datetime.now(datetime.timezone.utc)
ENDS = {False: NOW + datetime.timedelta(days=1), True: NOW - datetime.timedelta(hours=1)}


def key(number):
    return f"session:SecretId{number:07}"


def content(number):
    return {"_user_id": str(number % USERS), "cart": ["tea"] * 8, "n": number}


def record(number):
    return msgspec.msgpack.encode(content(number))


def end(number):
    return ENDS[number >= MANY // 2].replace(tzinfo=None)


def batches(n=MANY):
    return (range(start, min(start + BATCH, n)) for start in range(0, n, BATCH))


# How each store is filled fast.


def fill_redis(client, n=MANY):
    for numbers in batches(n):
        with client.pipeline(transaction=False) as pipe:
            for number in numbers:
                pipe.set(key(number), record(number), ex=86400)
            pipe.execute()


def fill_postgresql(store):
    with psycopg.connect(store.url) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY sessions (session_id, data, expiry) FROM STDIN") as copy:
            for number in range(MANY):
                copy.write_row((key(number), record(number), end(number)))


def fill_mariadb(store):
    insert = "INSERT INTO sessions (session_id, data, expiry) VALUES (%s, %s, %s)"
    with pymysql.connect(host="127.0.0.1", port=store.port, user="root", database=stores.DATABASE) as connection:
        for numbers in batches():
            connection.cursor().executemany(insert, [(key(it), record(it), end(it)) for it in numbers])
        connection.commit()


def fill_sqlite(store):
    insert = "INSERT INTO sessions (session_id, data, expiry) VALUES (?, ?, ?)"
    with contextlib.closing(sqlite3.connect(store.url.removeprefix("sqlite:"))) as connection:
        rows = ((key(it), record(it), f"{end(it):%Y-%m-%d %H:%M:%S.%f}") for it in range(MANY))
        connection.executemany(insert, rows)
        connection.commit()


def fill_mongodb(store):
    with pymongo.MongoClient(store.url) as client:
        for numbers in batches():
            documents = [{"id": key(it), "val": record(it), "expiration": ENDS[False]} for it in numbers]
            client["flask_session"]["sessions"].insert_many(documents)


def fill_dynamodb(store):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in store.env.items():
            patch.setenv(name, value)
        endpoint = f"http://127.0.0.1:{store.port}"
        table = boto3.resource("dynamodb", region_name="us-east-1", endpoint_url=endpoint).Table("Sessions")
        with table.batch_writer() as batch:
            for number in range(MANY // 20):  # its server takes a millisecond for each
                batch.put_item(Item={"id": key(number), "val": record(number), "expiration": int(ENDS[False].timestamp())})


def fill_memcached(store):
    with contextlib.closing(pymemcache.Client(("127.0.0.1", store.port))) as client:
        for numbers in batches():
            client.set_many({key(it): record(it) for it in numbers}, expire=86400, noreply=False)


def fill_filesystem(store):
    folder = pathlib.Path(store.url.removeprefix("file:"))
    for numbers in batches():
        # Names for one file, because to write as many takes longer than all the rest.
        expiry = struct.pack("I", int(end(numbers[0]).replace(tzinfo=datetime.timezone.utc).timestamp()))
        first, *others = (folder / hashlib.sha256(key(it).encode()).hexdigest() for it in numbers)
        first.write_bytes(expiry + pickle.dumps(content(numbers[0])))
        for other in others:
            other.hardlink_to(first)


@contextlib.contextmanager
def redis_and_sentinel():
    with stores.redis() as store, stores.redis_sentinel(store.port, "password") as port:
        store.url = f"redis+sentinel://127.0.0.1:{port}/main?sentinel_password=password"
        yield store


FILLS = {
    "redis": (stores.redis, lambda store: fill_redis(redis.Redis(port=store.port))),
    "redis_sentinel": (redis_and_sentinel, lambda store: fill_redis(redis.Redis(port=store.port))),
    "redis_cluster": (stores.redis_cluster, lambda store: fill_redis(redis.RedisCluster("127.0.0.1", store.port))),
    **{name: (stores.STORES[name], globals()[f"fill_{name}"]) for name in stores.STORES if name != "redis"},
}
CANNOT_LIST = {
    "filesystem": "the names of its files are hashes",
    "memcached": "Memcached does not tell all of its keys",
}
HALF_HAS_EXPIRED = {"postgresql", "mariadb", "sqlite", "filesystem"}


def memory(pid):
    """Returns the most that a process has had, in MB; 0 when it has ended."""
    with contextlib.suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return int(found[1]) // 1024 if found else 0
    return 0


class Sessions:
    """The command on one store; it tells no id, and takes no more memory for more sessions."""

    def __init__(self, store, folder):
        self.store, self.folder = store, folder

    def __call__(self, *words, status=0):
        env = {"PATH": "/usr/bin:/bin", "XDG_STATE_HOME": str(self.folder)} | self.store.env
        out, err = self.folder / "out", self.folder / "err"
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen([rust_program("hipflask"), "sessions", *words], env=env, stdout=stdout, stderr=stderr)
            started, peak = time.monotonic(), 0
            while process.poll() is None:
                peak = memory(process.pid) or peak
                time.sleep(0.01)
        print(f"{words[0]}: {time.monotonic() - started:.1f} s, {peak} MB")
        assert process.returncode == status, err.read_text()
        assert peak < MOST_MEMORY
        assert "SecretId" not in out.read_text() + err.read_text()
        return out.read_text() if status == 0 else err.read_text()

    def on(self, *words, status=0):
        return self(*words, "--store", self.store.url, status=status)


@pytest.fixture(params=FILLS)
def filled(request, tmp_path):
    start, fill = FILLS[request.param]
    with start() as store:
        if request.param in stores.STORES:
            with running("flask", "stored", sessions=store.url, settings=store.env) as port:
                Guest().get(port, "/set", k="first", v="1")
        fill(store)
        yield request.param, Sessions(store, tmp_path)


def test_many_sessions(filled, tmp_path):
    kind, sessions = filled
    if kind in CANNOT_LIST:
        for words in (("ls",), ("stats",), ("export", "--user", "2"), ("revoke", "--all", "--yes")):
            assert CANNOT_LIST[kind] in sessions.on(*words, status=2)
    else:
        n_live = {"dynamodb": MANY // 20}.get(kind, MANY // 2 if kind in HALF_HAS_EXPIRED else MANY)
        n_others = int(kind in stores.STORES)  # of the app that has made the table
        n_of_user = n_live // USERS
        assert json.loads(sessions.on("stats", "--json"))["count"] == n_live + n_others
        lines = sessions.on("ls", "--json").splitlines()
        assert len({json.loads(line)["id"] for line in lines}) == n_live + n_others
        # There is nothing yet where they would go.
        away = ("--from", sessions.store.url, "--to", f"sqlite:{tmp_path}/none", "--dry-run", "--json")
        assert json.loads(sessions("migrate", *away))["copied"] == n_live + n_others
        assert sessions.on("revoke", "--user", "2", "--yes").count("\n") == n_of_user
    if kind in HALF_HAS_EXPIRED:
        assert sessions.on("purge", "--rate", "1000000") == f"{MANY - MANY // 2}\n"
    assert sessions.on("purge") == "0\n"


@pytest.mark.parametrize("kind", FILLS)
def test_many_sessions_are_moved(kind, tmp_path):
    start, _ = FILLS[kind]
    n = {"redis": MANY, "dynamodb": MOVED // 20}.get(kind, MOVED)
    with stores.redis() as source, start() as target:
        fill_redis(redis.Redis(port=source.port), n)
        sessions = Sessions(target, tmp_path)
        ways = ("--from", source.url, "--to", target.url, "--json")
        expected = {"dry_run": False, "copied": n, "already_there": 0, "brought_up_to_date": 0}
        assert json.loads(sessions("migrate", *ways)) == expected
        if kind not in CANNOT_LIST:
            assert json.loads(sessions.on("stats", "--json"))["count"] == n
