"""`hipflask sessions` on real servers: each sub-verb, and a migration while users are at work.

`HIPFLASK_SESSIONS` says how many sessions there are: a few for a run of all tests, 100,000 by hand.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import flask
import msgspec
import pytest
import redis
import stores
from hipflask import HipFlask
from servers import rust_program

COMMAND = rust_program("hipflask")
SESSIONS = int(os.environ.get("HIPFLASK_SESSIONS", "3000"))
USERS = 10
LIFE = 3600
ID = "SecretId"


class Cli:
    """The command, in a folder of its own; whatever it says, it never tells an id."""

    def __init__(self, folder: Path) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}
        self.env = env | {"XDG_STATE_HOME": str(folder)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([COMMAND, "sessions", *arguments], env=self.env, text=True, **pipes)

    def __call__(self, *arguments: str, status: int = 0) -> str:
        out, err = (run := self.start(*arguments)).communicate()
        assert run.returncode == status, f"{arguments}: {run.returncode} {err}"
        assert ID not in out + err
        return out

    def ls(self, store: str, *arguments: str) -> list[dict]:
        return [json.loads(line) for line in self("ls", "--json", "--store", store, *arguments).splitlines()]

    def content(self, store: str) -> dict[str, object]:
        """Returns what each session holds, by its digest."""
        users = (self("export", "--user", str(user), "--store", store) for user in range(USERS))
        sessions = (session for document in users for session in json.loads(document)["sessions"])
        return {session["id"]: session["content"] for session in sessions}


def key(number: int) -> str:
    return f"session:{ID}{number:07}"


def record(number: int, value: int) -> bytes:
    return msgspec.msgpack.encode({"_user_id": str(number % USERS), "n": value})


@contextlib.contextmanager
def source() -> Iterator[tuple[redis.Redis, str]]:
    """Starts a server with sessions."""
    with stores.redis() as store, redis.Redis(port=store.port) as client:
        for start in range(0, SESSIONS, 1000):
            with client.pipeline(transaction=False) as pipe:
                for number in range(start, min(start + 1000, SESSIONS)):
                    pipe.set(key(number), record(number, 0), ex=LIFE)
                pipe.execute()
        yield client, store.url


def work(client: redis.Redis, is_over: threading.Event) -> None:
    """Changes, ends and begins sessions, as users do."""
    numbers = random.Random(1)
    for step in range(1, SESSIONS // 10):
        if is_over.is_set():
            break
        client.set(key(numbers.randrange(SESSIONS // 2)), record(step, step), ex=LIFE, xx=True)
        client.delete(key(SESSIONS // 2 + numbers.randrange(SESSIONS // 10)))
        client.set(key(SESSIONS + step), record(step, step), ex=LIFE)
        time.sleep(0.001)


TARGETS = {
    "redis": stores.redis,
    "postgresql": stores.postgresql,
    "mariadb": stores.mariadb,
    "mongodb": stores.mongodb,
    "sqlite": stores.sqlite,
}


@pytest.mark.parametrize("kind", TARGETS)
def test_users_at_work_lose_nothing_by_a_migration(kind: str, tmp_path: Path) -> None:
    cli, is_over = Cli(tmp_path), threading.Event()
    with source() as (client, old), TARGETS[kind]() as target:
        users = threading.Thread(target=work, args=(client, is_over))
        users.start()
        try:
            run = cli.start("migrate", "--from", old, "--to", target.url)
            time.sleep(0.5)
            run.send_signal(signal.SIGINT)
            run.communicate()
            assert run.returncode == 130, "it was interrupted in the midst"
            run = cli.start("migrate", "--from", old, "--to", target.url)
            time.sleep(random.uniform(0.1, 0.4))
            run.kill()
            run.communicate()
            cli("migrate", "--from", old, "--to", target.url)
        finally:
            is_over.set()
            users.join()
        # Nobody uses the old store any more.
        cli("migrate", "--from", old, "--to", target.url)
        assert cli.content(target.url) == cli.content(old)
        lives = [session["expires"] - time.time() for session in cli.ls(target.url)]
        assert len(lives) == client.dbsize()
        assert LIFE - 600 < min(lives) <= max(lives) <= LIFE + 2


@pytest.mark.parametrize("kind", TARGETS)
def test_sessions_are_counted_and_ended(kind: str, tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    with source() as (_, old), TARGETS[kind]() as target:
        report = json.loads(cli("migrate", "--from", old, "--to", target.url, "--json"))
        assert report["copied"] == SESSIONS
        found = json.loads(cli("stats", "--json", "--store", target.url))
        assert (found["count"], found["formats"]) == (SESSIONS, {"msgpack": SESSIONS})
        ids = [session["id"] for session in cli.ls(target.url)]
        assert len(set(ids)) == SESSIONS
        shown = json.loads(cli("show", ids[0], "--json", "--store", target.url))
        assert shown["content"] == {"_user_id": "str of 1", "n": "int"}
        assert cli("revoke", ids[0], "--yes", "--store", target.url) == f"{ids[0]}\n"
        assert cli("revoke", "--user", "3", "--yes", "--store", target.url).count("\n") >= SESSIONS // USERS - 1
        assert cli.ls(target.url, "--user", "3") == []
        cli("revoke", "--all", "--store", target.url, status=1)
        cli("revoke", "--all", "--yes", "--store", target.url)
        assert cli.ls(target.url) == []
        assert cli("purge", "--store", target.url) == "0\n"


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_purge_removes_what_has_expired(kind: str, tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    with source() as (client, old), TARGETS[kind]() as target:
        for number in range(SESSIONS // 2):
            client.expire(key(number), 15)
        report = json.loads(cli("migrate", "--from", old, "--to", target.url, "--json"))
        n_left = SESSIONS - SESSIONS // 2
        # On a slow machine some expire before they are copied.
        assert (n_brought := report["copied"]) > n_left
        deadline = time.monotonic() + 60
        while len(cli.ls(target.url)) > n_left and time.monotonic() < deadline:
            time.sleep(0.5)
        purge = ("purge", "--store", target.url, "--json", "--rate", "1000000")
        assert json.loads(cli(*purge)) == {"removed": n_brought - n_left}
        assert len(cli.ls(target.url)) == n_left


def test_memcached_says_why_it_cannot_be_listed(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    with source() as (_, old), stores.memcached() as target:
        report = json.loads(cli("migrate", "--from", old, "--to", target.url, "--json"))
        assert report["copied"] == SESSIONS
        out, err = (run := cli.start("ls", "--store", target.url)).communicate()
        assert (run.returncode, out) == (2, "")
        assert err == "error: this session store cannot list its sessions: Memcached does not tell all of its keys\n"


def test_signed_cookies_of_a_user_are_revoked(tmp_path: Path) -> None:
    """By a configuration that the Flask app and the command share; plain Flask has signed the cookies."""
    key, marks = "9f3c6a52be0d47c1886d1f7a0cb35e24", f"sqlite:{tmp_path}/marks.db?create=true"
    (tmp_path / "site.toml").write_text(f'SECRET_KEY = "{key}"\nSESSION_REVOCATIONS = "{marks}"\n')
    plain, app = flask.Flask("plain"), flask.Flask("site")
    plain.secret_key = key
    app.config.update(SECRET_KEY=key, SESSION_REVOCATIONS=marks, SESSION_REVOCATIONS_DELAY=0.1)
    HipFlask(app)
    plain.add_url_rule("/<user>", "log_in", lambda user: flask.session.update(user_id=user) or "")
    app.add_url_rule("/", "user", lambda: str(flask.session.get("user_id")))

    def visitor(user: str) -> flask.testing.FlaskClient:
        theirs, client = plain.test_client(), app.test_client()
        theirs.get(f"/{user}")
        client.set_cookie("session", theirs.get_cookie("session").value)
        assert client.get("/").text == user
        return client

    ann, ben = visitor("ann"), visitor("ben")
    cli = Cli(tmp_path)
    revoke = ("revoke", "--user", "ann", "--config", str(tmp_path / "site.toml"))
    cli(*revoke, status=1)
    assert ann.get("/").text == "ann", "it asks first"
    cli(*revoke, "--yes")
    time.sleep(1.2)
    assert [ann.get("/").text, ben.get("/").text] == ["None", "ben"]
