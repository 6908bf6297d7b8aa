"""Sessions in the SQLite file of a Flask app, served by gunicorn: the file stays whole, and nothing is lost."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import sqlite3

import pytest
from gunicorn_server import served
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
