"""Overlapping requests at the workers of one Flask app, and at nodes in Flask, FastAPI and Rust together.

gunicorn runs two workers of four threads. With Flask-Session the attempts of `races.py` do harm each time, which shows
that they can; with the package `hipflask` they never do, also where one request of the pair goes to the Rust program.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import pytest
import races
import redis
from gunicorn_server import SESSIONS, served
from servers import running
from stores import STORES

N_TIMES = 5
ATTEMPTS = pytest.mark.parametrize("attempt", [attempt for _, attempt, _ in races.ATTEMPTS], ids=races.IDS)
WORKERS = {
    "gthread": ("gthread", ()),
    # The app, and with it the client of the store, is made before the workers are forked.
    "preload": ("gthread", ("--preload",)),
    "gevent": ("gevent", ()),
}


@pytest.fixture(scope="module", params=["redis", "sqlite", "filesystem"])
def store_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=SESSIONS)
def sessions(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def port(store_name: str, sessions: str) -> Iterator[int]:
    with STORES[store_name]() as store, served(sessions, store) as port:
        yield port


@pytest.fixture(scope="module")
def mixed(store_name: str) -> Iterator[dict[str, int]]:
    """The ports of the package in Flask and in FastAPI, and of the Rust program, over one store."""
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(STORES[store_name]())
        rust = stack.enter_context(running("rust", "stored", sessions=store.url, settings=store.env))
        fastapi = stack.enter_context(running("fastapi", "stored", sessions=store.url, settings=store.env))
        yield {"hipflask": stack.enter_context(served("hipflask", store)), "rust": rust, "fastapi": fastapi}


@ATTEMPTS
def test_overlapping_requests_lose_no_write_and_revive_no_session(port: int, sessions: str, attempt) -> None:
    harmed = [races.until_overlapped(attempt, port) for _ in range(N_TIMES)]
    assert harmed == [sessions == "flask-session"] * N_TIMES


@pytest.mark.parametrize("first, other", list(itertools.permutations(("hipflask", "rust", "fastapi"), 2)))
@ATTEMPTS
def test_nodes_of_three_kinds_lose_no_write_and_revive_no_session(mixed, attempt, first: str, other: str) -> None:
    harmed = [races.until_overlapped(attempt, mixed[first], mixed[other]) for _ in range(N_TIMES)]
    assert harmed == [False] * N_TIMES


@pytest.mark.parametrize("worker, options", WORKERS.values(), ids=WORKERS)
@pytest.mark.parametrize("store_name", ["redis", "sqlite"])
def test_kind_of_worker_changes_nothing(store_name: str, sessions: str, worker: str, options: tuple[str, ...]) -> None:
    with STORES[store_name]() as store, served(sessions, store, worker=worker, options=options) as port:
        for _, attempt, _ in races.ATTEMPTS:
            assert races.until_overlapped(attempt, port) is (sessions == "flask-session")


@pytest.mark.parametrize("record", [pytest.param(record, id=name) for name, record in races.damaged()])
def test_damaged_record_locks_nobody_out(over_redis, sessions: str, record: bytes) -> None:
    statuses = races.statuses_with(*over_redis, record)
    assert statuses == ([500, 500] if sessions == "flask-session" else [200, 200])


def test_record_runs_no_code(over_redis, sessions: str) -> None:
    assert races.runs_pickled_code(*over_redis) is (sessions == "flask-session")


@pytest.fixture(scope="module")
def over_redis(sessions: str) -> Iterator[tuple[int, redis.Redis]]:
    with STORES["redis"]() as store, served(sessions, store) as port, redis.Redis(port=store.port) as client:
        yield port, client


def test_page_without_a_session_does_not_need_the_store(sessions: str) -> None:
    with STORES["redis"]() as store, served(sessions, store) as port:
        without, reading = (int(status) for _what, status in races.stopped(port, store))
    assert (without, reading) == ((500, 500) if sessions == "flask-session" else (200, 503))
