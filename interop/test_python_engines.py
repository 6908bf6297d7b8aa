"""Sessions through the app's own engine. In its SQLite file, served by gunicorn: the file stays whole, and nothing is
lost. On PostgreSQL and MariaDB: as with an address."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import sqlite3
from urllib.parse import urlsplit

import flask
import psycopg
import pymysql
import pytest
from flask import session
from flask_sqlalchemy import SQLAlchemy
from gunicorn_server import served
from hipflask import HipFlask
from stores import STORES
from visits import Guest

N_VISITORS, N_PAGES = 3, 60


@pytest.mark.parametrize(
    "journal_mode, threads, ending",
    [
        pytest.param("delete", 4, "committed", id="threads"),
        pytest.param("wal", 1, "committed", id="one thread, WAL"),
        # The view's own transaction has SQLite's lock of writers while the session is saved.
        pytest.param("delete", 4, "open", id="open transaction"),
        pytest.param("wal", 4, "open", id="open transaction, WAL"),
    ],
)
def test_app_and_sessions_share_a_file(journal_mode: str, threads: int, ending: str) -> None:
    with STORES["sqlite"]() as store:
        store = dataclasses.replace(store, env={**store.env, "TWIN_JOURNAL_MODE": journal_mode})
        options = ("--threads", str(threads))
        with served("hipflask", store, app="shop_file", options=options) as port:

            def visit(_visitor: int) -> list[str]:
                guest = Guest()
                return [guest.get(port, f"/{ending}") for _ in range(N_PAGES)]

            with concurrent.futures.ThreadPoolExecutor(N_VISITORS) as visitors:
                pages = list(visitors.map(visit, range(N_VISITORS)))
        assert pages == [[str(page) for page in range(1, N_PAGES + 1)]] * N_VISITORS

        connection = sqlite3.connect(store.url.partition(":")[2])
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM row").fetchall() == [(N_VISITORS * N_PAGES,)]
        assert connection.execute("SELECT count(*) FROM sessions").fetchall() == [(N_VISITORS,)]
        connection.close()


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_engine_that_no_address_can_name_keeps_sessions(name: str) -> None:
    with STORES[name]() as store:
        dialects = {"postgresql": ("postgresql+psycopg", psycopg.connect), "mariadb": ("mysql+pymysql", None)}
        dialect, connect = dialects[name]
        rest = store.url.partition(":")[2]
        if connect is None:
            parts = urlsplit(store.url)
            login = {"host": parts.hostname, "port": parts.port, "user": parts.username, "database": parts.path[1:]}
            creator = functools.partial(pymysql.connect, password=parts.password or "", **login)
        else:
            creator = functools.partial(connect, f"postgresql:{rest.partition('?')[0]}")

        app = flask.Flask("engine")
        app.config.update(
            SECRET_KEY="9f3c6a52be0d47c1886d1f7a0cb35e24",
            SQLALCHEMY_DATABASE_URI=f"{dialect}:{rest.partition('?')[0]}",
            SQLALCHEMY_ENGINE_OPTIONS={"creator": creator},
            SESSION_TYPE="sqlalchemy",
        )
        app.config["SESSION_SQLALCHEMY"] = SQLAlchemy(app)
        extension = HipFlask(app)

        @app.get("/count")
        def count() -> str:
            return str(session.update_atomically("n", lambda n: (n or 0) + 1))

        @app.get("/in")
        def log_in() -> str:
            session.renew()
            session["user"] = 7
            return session.sid

        @app.get("/out")
        def log_out() -> str:
            session.destroy()
            return ""

        @app.get("/large")
        def large() -> str:
            session["large"] = "x" * 100_000
            return ""

        client = app.test_client()
        first = client.get("/in").text

        def count_as(session_id: str) -> str:
            stranger = app.test_client(use_cookies=False)
            return stranger.get("/count", headers={"Cookie": f"session={session_id}"}).text

        with concurrent.futures.ThreadPoolExecutor(4) as visitors:
            counts = visitors.map(count_as, [first] * 40)
            assert sorted(map(int, counts)) == list(range(1, 41))
        assert client.get("/count").text == "41"
        assert client.get("/large").status_code == 200
        second = client.get("/in").text
        assert second != first and client.get("/count").text == "42"
        # The old id is a blank session now, and after the end so is the new one.
        assert count_as(first) == "1"
        client.get("/out")
        assert count_as(second) == "1"
        assert extension.revoke(second, app) is False and extension.purge(app) == 0
