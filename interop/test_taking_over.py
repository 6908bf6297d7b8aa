"""Sessions of other packages, made by those packages themselves: their visitors stay, on both sides."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import re
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import foreign
import psycopg
import pymysql
import pytest
import redis as redis_client
import servers
import stores
from flask import Flask, session
from hipflask import HipFlask
from servers import SECRET_KEY, running, rust_program

IN_COOKIE = {"starlette", "django_signed_cookies"}
SIGNED = {"beaker", "beaker_json", "flask_kvsession"}

Visit = Callable[[str, dict[str, str]], str]


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    with stores.redis() as store:
        yield store


def settings(maker: str, name: str, key: str = foreign.KEY) -> dict[str, str]:
    return {"SESSION_COOKIE_NAME": name, "SESSION_TAKE_OVER": foreign.PACKAGES[maker], "SESSION_TAKE_OVER_KEY": key}


def in_rust(url: str, config: dict[str, str]) -> Iterator[Visit]:
    """The example `counter`, which knows nothing of other packages."""
    environment = {f"FLASK_{name}": value for name, value in config.items()}
    with running("rust", "counter", sessions=url, settings=environment) as port:

        def visit(path: str, jar: dict[str, str]) -> str:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", path, headers={"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())})
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie", []):
                keep(jar, line)
            return answer.read().decode()

        yield visit


def in_python(url: str, config: dict[str, str]) -> Iterator[Visit]:
    app = Flask("counter")
    app.config.update(config, SECRET_KEY=SECRET_KEY)
    HipFlask(app, store=None if url == "cookie:" else url)

    @app.route("/count")
    def count() -> str:
        if "count" in session:
            session["count"] += 1
        return get_count()

    @app.route("/get_count")
    def get_count() -> str:
        return str(session.get("count", "No counter set!"))

    @app.route("/content")
    def content() -> dict[str, Any]:
        return {name: value for name, value in session.items() if not name.startswith("_")}

    @app.route("/begin")
    def begin() -> str:
        session["count"] = 0
        return ""

    @app.route("/clear_count")
    def clear() -> str:
        session.destroy()  # type: ignore[attr-defined]
        return ""

    def visit(path: str, jar: dict[str, str]) -> str:
        client = app.test_client(use_cookies=False)
        answer = client.get(path, headers={"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())})
        for line in answer.headers.getlist("Set-Cookie"):
            keep(jar, line)
        return answer.text

    yield visit


SIDES = {"rust": in_rust, "python": in_python}


def keep(jar: dict[str, str], line: str) -> None:
    name, _, value = line.split(";")[0].partition("=")
    if value:
        jar[name] = value
    else:
        jar.pop(name, None)


@pytest.mark.parametrize("maker", foreign.PACKAGES)
@pytest.mark.parametrize("side", SIDES)
def test_visitors_of_another_package_stay(side: str, maker: str, store: Any) -> None:
    """Reads the session, changes it, and goes on with the cookie that came back."""
    name, value = foreign.visitor(maker, store.port)
    for url in ["cookie:", store.url] if maker in IN_COOKIE else [store.url]:
        jar = {name: value}
        for visit in SIDES[side](url, settings(maker, name)):
            assert visit("/get_count", jar) == "7"
            assert visit("/count", jar) == "8"
            assert visit("/count", jar) == "9"
            own = dict(jar)
            assert visit("/count", own) == "10"
            assert list(jar) == [name]
        # Without the setting the session goes on, because it is ours now.
        for visit in SIDES[side](url, {"SESSION_COOKIE_NAME": name}):
            assert visit("/get_count", jar) == ("9" if url == "cookie:" else "10")


@pytest.mark.parametrize("maker", foreign.PACKAGES)
def test_everything_is_taken_over(maker: str, store: Any) -> None:
    name, value = foreign.visitor(maker, store.port)
    url = "cookie:" if maker in IN_COOKIE else store.url
    for visit in in_python(url, settings(maker, name)):
        content = json.loads(visit("/content", {name: value}))
        pair = {"pair": [1, 2]} if maker == "quart_session" else {}
        assert content == foreign.CONTENT | pair


@pytest.mark.parametrize("maker", sorted(IN_COOKIE | SIGNED))
@pytest.mark.parametrize("side", SIDES)
def test_what_another_key_has_signed_is_nobodys(side: str, maker: str, store: Any) -> None:
    name, value = foreign.visitor(maker, store.port)
    url = "cookie:" if maker in IN_COOKIE else store.url
    for visit in SIDES[side](url, settings(maker, name, key="e24d47c1886d1f7a0cb359f3c6a52be0")):
        assert visit("/get_count", {name: value}) == "No counter set!"
    for visit in SIDES[side](url, {"SESSION_COOKIE_NAME": name}):
        assert visit("/get_count", {name: value}) == "No counter set!"


@pytest.mark.parametrize("maker", sorted(set(foreign.PACKAGES) - IN_COOKIE))
def test_log_out_is_final_for_the_old_cookie(maker: str, store: Any) -> None:
    name, value = foreign.visitor(maker, store.port)
    jar = {name: value}
    for visit in in_python(store.url, settings(maker, name)):
        assert visit("/count", jar) == "8"
        assert visit("/clear_count", jar) == ""
        assert jar == {}
        assert visit("/get_count", {name: value}) == "No counter set!"


def test_record_moves_to_where_flask_session_keeps_it(store: Any) -> None:
    name, value = foreign.visitor("beaker", store.port)
    client = redis_client.Redis(port=store.port)
    id = value[40:]
    for visit in in_python(store.url, settings("beaker", name)):
        visit("/get_count", {name: value})
    assert client.get(f"session:{id}") is not None
    assert client.get(f"beaker_cache:{id}:session") in (None, b"\xc0")


OLD = ["0.3.2", "0.4.0", "0.5.0", "0.6.0", "0.7.0"]
# Before 0.6 it needs pymongo 3.
ON_MONGODB = [("mongodb", version) for version in ("0.6.0", "0.7.0")]


@pytest.mark.parametrize(
    ("kind", "version"), [*itertools.product(["redis", "memcached", "filesystem", "sqlite"], OLD), *ON_MONGODB]
)
def test_an_old_flask_session_and_we_take_turns_on_one_session(kind: str, version: str) -> None:
    """A rolling deploy: nodes before 0.7 know nothing but pickles, and overwrite what they cannot read."""
    with getattr(stores, kind)() as store:
        count, id = foreign.apart("flask_session", version, store.url)
        expected = 1
        assert count == str(expected)
        for side in SIDES:
            config: Any = {}
            if version < "0.7":
                keeps = "true" if side == "rust" else True
                config = {"SESSION_KEEP_FORMAT": keeps, "SESSION_SERIALIZATION_FORMAT": "pickle"}
            for visit in SIDES[side](store.url, config):
                jar = {"session": id}
                assert visit("/count", jar) == str(expected + 1)
                assert foreign.apart("flask_session", version, store.url, jar["session"]) == [str(expected + 2), id]
                assert visit("/get_count", jar) == str(expected + 2)
                expected += 2


def test_without_the_setting_flask_session_05_loses_the_session_and_the_log_says_so(store: Any) -> None:
    _, id = foreign.apart("flask_session", "0.5.0", store.url)
    answers, told = foreign.apart("hipflask", store.port, id)
    assert answers == ["2", "3"]
    assert len(told) == 1 and "read as pickle was written as msgpack" in told[0]
    assert foreign.apart("flask_session", "0.5.0", store.url, id)[0] == "1"


@pytest.mark.parametrize("side", SIDES)
def test_quart_session_and_we_take_turns_on_one_session(side: str, store: Any) -> None:
    name, id = foreign.visitor("quart_session", store.port)
    keeps: Any = {"SESSION_KEEP_FORMAT": "true" if side == "rust" else True}
    config = settings("quart_session", name) | keeps | {"SESSION_SERIALIZATION_FORMAT": "tagged_json"}
    client = redis_client.Redis(port=store.port)
    before = client.get(f"session:{id}")
    assert before is not None
    for visit in SIDES[side](store.url, config):
        assert visit("/count", {name: id}) == "8"
        assert foreign.apart("quart_session", store.port, id) == "8"
        assert visit("/count", {name: id}) == "9"
    assert client.get(f"session:{id}") == before.replace(b'"count":7', b'"count":9')


@pytest.mark.parametrize("maker", sorted(set(foreign.PACKAGES) - IN_COOKIE))
def test_records_of_another_package_are_migrated(maker: str, store: Any) -> None:
    """From the store of the package to one of ours. The cookie is taken over by the setting all the same."""
    redis_client.Redis(port=store.port).flushall()
    name, value = foreign.visitor(maker, store.port)
    with stores.redis() as target:
        command = [rust_program("hipflask"), "sessions", "migrate", "--from", store.url, "--to", target.url]
        command += ["--take-over", foreign.PACKAGES[maker], "--json", "--journal", "journal"]
        with tempfile.TemporaryDirectory() as folder:
            for copied, already_there in (1, 0), (0, 1):
                run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
                report = json.loads(run.stdout)
                assert (report["copied"], report["already_there"]) == (copied, already_there), report
        [key] = redis_client.Redis(port=target.port).scan_iter()
        assert key.startswith(b"session:")
        for visit in in_python(target.url, settings(maker, name)):
            assert visit("/get_count", {name: value}) == "7"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_rows_of_django_are_copied_by_one_statement(kind: str) -> None:
    """As the page says it, into the table in the same database; the rest is done by the setting."""
    name = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MySQL, MariaDB"}[kind]
    page = (servers.HERE.parent / "docs" / "coming_from.md").read_text()
    [statement] = re.findall(rf"-- {name}\n(.*?;)\n", page, re.DOTALL)
    config = settings("django_signed_cookies", "sessionid") | {"SESSION_TAKE_OVER": "django_database"}
    with getattr(stores, kind)() as store:
        for visit in in_python(f"{store.url}?create=true", {}):
            visit("/begin", {})
        name, value = foreign.apart("django_at", store.url)
        for _ in range(2):
            execute(store, statement)
        jar = {name: value}
        for number, side in enumerate(SIDES, 8):
            for visit in SIDES[side](store.url, config):
                assert visit("/count", jar) == str(number)
        execute(store, statement)
        for visit in in_python(store.url, {"SESSION_COOKIE_NAME": name}):
            content = json.loads(visit("/content", jar))
            assert content == foreign.CONTENT | {"count": 9}


def execute(store: Any, statement: str) -> None:
    if store.url.startswith("sqlite"):
        connection: Any = sqlite3.connect(store.url.removeprefix("sqlite:"))
    elif store.url.startswith("postgres"):
        connection = psycopg.connect(store.url)
    else:
        connection = pymysql.connect(user="root", host="127.0.0.1", port=store.port, database=stores.DATABASE)
    with contextlib.closing(connection):
        connection.cursor().execute(statement)
        connection.commit()


def test_what_lies_in_cookies_cannot_be_migrated(store: Any) -> None:
    command = [rust_program("hipflask"), "sessions", "migrate", "--from", store.url, "--to", store.url]
    run = subprocess.run([*command, "--take-over", "starlette"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert "the sessions of starlette lie in cookies" in run.stderr
    run = subprocess.run([*command, "--take-over", "django"], capture_output=True, text=True, check=False)
    assert run.returncode == 2 and "django_signed_cookies, flask_kvsession" in run.stderr
