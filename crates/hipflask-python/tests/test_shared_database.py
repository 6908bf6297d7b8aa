"""Sessions in the SQLite file of the app itself: one SQLite in the process, and one file for rows and sessions."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import flask
import pytest
from flask import session
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from hipflask import HipFlask
from hipflask.errors import StoreUnavailable

N_VISITORS, N_PAGES = 3, 20


class Shop:
    """An app whose rows and sessions are in one file."""

    def __init__(self, folder: Path, journal_mode: str = "delete", **options: Any) -> None:
        self.path = folder / "shop.db"
        with sqlite3.connect(self.path) as connection:
            connection.execute(f"PRAGMA journal_mode = {journal_mode}")
            connection.execute("CREATE TABLE row (visitor, page)")
        connection.close()
        self.app = app = flask.Flask("shop")
        app.config.update(
            SECRET_KEY="9f3c6a52be0d47c1886d1f7a0cb35e24",
            SQLALCHEMY_DATABASE_URI=f"sqlite:///{self.path}",
            SQLALCHEMY_ENGINE_OPTIONS=options,
            SESSION_TYPE="sqlalchemy",
        )
        self.db = db = SQLAlchemy(app)
        app.config["SESSION_SQLALCHEMY"] = db
        self.sessions = HipFlask(app)

        @app.route("/<ending>/<int:visitor>/<int:page>")
        def add(ending: str, visitor: int, page: int) -> str:
            row = {"visitor": visitor, "page": page}
            db.session.execute(text("INSERT INTO row VALUES (:visitor, :page)"), row)
            if ending == "committed":
                db.session.commit()
            session["pages"] = [*session.get("pages", []), page]
            if ending == "failed":
                raise RuntimeError("a fault of the view")
            return str(len(session["pages"]))

    def query(self, sql: str) -> list[Any]:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


def visit_at_once(shop: Shop, ending: str) -> list[Any]:
    """Lets visitors read all their pages at the same time, and returns the answers that are wrong."""
    wrong: list[Any] = []

    def visit(visitor: int) -> None:
        client = shop.app.test_client()
        for page in range(N_PAGES):
            answer = client.get(f"/{ending}/{visitor}/{page}")
            if (answer.status_code, answer.text) != (200, str(page + 1)):
                wrong.append((visitor, page, answer.status))

    threads = [threading.Thread(target=visit, args=(visitor,)) for visitor in range(N_VISITORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


@pytest.mark.parametrize("ending", ["committed", "open"])
@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
@pytest.mark.parametrize("options", [{}, {"poolclass": NullPool}], ids=["pool", "no pool"])
def test_app_and_sessions_share_a_file(
    tmp_path: Path, ending: str, journal_mode: str, options: dict[str, Any]
) -> None:
    # Patience for a busy machine; the file is what counts.
    shop = Shop(tmp_path, journal_mode, connect_args={"timeout": 60}, **options)
    assert visit_at_once(shop, ending) == []
    assert shop.query("PRAGMA integrity_check") == [("ok",)]
    assert shop.query("SELECT count(*) FROM row") == [(N_VISITORS * N_PAGES,)]
    assert shop.query("SELECT count(*) FROM sessions") == [(N_VISITORS,)]


def test_what_a_failed_view_has_left_open_is_undone(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    client = shop.app.test_client()
    assert client.get("/failed/1/0").status_code == 500
    assert shop.query("SELECT count(*) FROM row") == [(0,)]
    # As with Flask, the session of a page that fails is saved.
    assert client.get("/open/1/1").text == "2"


def test_view_whose_statement_has_failed_may_go_on(tmp_path: Path) -> None:
    shop = Shop(tmp_path)

    class Item(shop.db.Model):  # type: ignore[name-defined, misc]
        name = shop.db.Column(shop.db.String, primary_key=True)

    with shop.app.app_context():
        shop.db.create_all()

    @shop.app.route("/twice")
    def twice() -> str:
        shop.db.session.add(Item(name="tea"))
        shop.db.session.flush()
        shop.db.session.add(Item(name="tea"))
        with pytest.raises(IntegrityError):
            shop.db.session.flush()
        session["said"] = "there is tea already"
        return ""

    client = shop.app.test_client()
    assert client.get("/twice").status_code == 200
    assert shop.query("SELECT count(*) FROM item") == [(0,)]
    assert shop.query("SELECT count(*) FROM sessions") == [(1,)]


def test_atomic_update_says_that_a_transaction_is_open(tmp_path: Path) -> None:
    shop = Shop(tmp_path)

    @shop.app.route("/count")
    def count() -> str:
        shop.db.session.execute(text("INSERT INTO row VALUES (1, 1)"))
        with pytest.raises(StoreUnavailable, match="has an open transaction"):
            session.update_atomically("n", lambda n: (n or 0) + 1)  # type: ignore[attr-defined]
        return ""

    client = shop.app.test_client()
    client.get("/committed/1/0")
    assert client.get("/count").status_code == 200
    assert shop.query("SELECT count(*) FROM row") == [(1,)]


def test_locked_file_is_an_answer_of_503_and_nothing_is_lost(tmp_path: Path) -> None:
    shop = Shop(tmp_path, connect_args={"timeout": 0.05})

    @shop.app.route("/set")
    def change() -> str:
        session["n"] = 1
        return ""

    client = shop.app.test_client()
    assert client.get("/committed/1/0").text == "1"
    other = sqlite3.connect(shop.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert client.get("/set").status_code == 503
    other.close()
    assert client.get("/set").status_code == 200
    assert client.get("/committed/1/1").text == "2"


@pytest.mark.parametrize("name", ["SESSION_SQLALCHEMY_TABLE", "SESSION_SQLALCHEMY_BIND_KEY"])
def test_table_and_database_are_those_of_the_settings(tmp_path: Path, name: str) -> None:
    app = flask.Flask("named")
    app.config.update(
        SECRET_KEY="9f3c6a52be0d47c1886d1f7a0cb35e24",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/default.db",
        SQLALCHEMY_BINDS={"named": f"sqlite:///{tmp_path}/named.db"},
        SESSION_TYPE="sqlalchemy",
        **{name: "named"},
    )
    SQLAlchemy(app)
    HipFlask(app)
    with app.test_client() as client, client.session_transaction() as opened:
        opened["n"] = 1
    table, path = ("named", "default") if name.endswith("TABLE") else ("sessions", "named")
    connection = sqlite3.connect(tmp_path / f"{path}.db")
    assert connection.execute(f"SELECT count(*) FROM {table}").fetchall() == [(1,)]
    connection.close()


def address_of(path: Path, options: str) -> str:
    return f"sqlite:{path}?{options}"


def test_address_without_create_makes_no_file(tmp_path: Path) -> None:
    app = flask.Flask("address")
    app.secret_key = "9f3c6a52be0d47c1886d1f7a0cb35e24"
    HipFlask(app, store=address_of(tmp_path / "s.db", "table=visitors"))

    @app.route("/")
    def index() -> str:
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    assert app.test_client().get("/").status_code == 503
    assert list(tmp_path.iterdir()) == []
    HipFlask(app, store=address_of(tmp_path / "s.db", "table=visitors&create=true&journal_mode=wal"))
    client = app.test_client()
    assert [client.get("/").text for _ in range(3)] == ["1", "2", "3"]


def test_expired_sessions_are_removed(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.app.test_client().get("/committed/1/0")
    connection = sqlite3.connect(shop.path)
    with connection:
        connection.execute("UPDATE sessions SET expiry = '2001-01-01 00:00:00.000000'")
    connection.close()
    assert shop.sessions.purge(shop.app) == 1
    assert shop.query("SELECT count(*) FROM sessions") == [(0,)]




def test_revoked_session_is_over(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    client = shop.app.test_client()
    client.get("/committed/1/0")
    with client.session_transaction() as opened:
        session_id = opened.sid  # type: ignore[attr-defined]
    assert shop.sessions.revoke(session_id, shop.app) is True
    assert client.get("/committed/1/1").text == "1"
    assert shop.sessions.revoke(session_id, shop.app) is False
