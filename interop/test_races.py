"""Overlapping requests, damaged records and a stopped store: our sides keep every write and end what was ended.

The same attempts, which are those of `races.py`, harm Flask-Session each time: that shows that they can fail.
"""

import contextlib

import pytest
import races
import redis
from servers import running
from stores import STORES

N_TIMES = 5


@contextlib.contextmanager
def app_over(name, kind):
    with STORES[name]() as store, running(kind, "stored", sessions=store.url, settings=store.env) as port:
        yield store, port


@pytest.fixture(scope="module", params=["flask", "python", "rust", "actix"])
def kind(request):
    return request.param


@pytest.fixture(scope="module", params=STORES)
def port(request, kind):
    with app_over(request.param, kind) as (_store, port):
        yield port


@pytest.fixture(scope="module")
def over_redis(kind):
    with app_over("redis", kind) as (store, port), redis.Redis(port=store.port) as client:
        yield port, client


@pytest.mark.parametrize("attempt", [attempt for _, attempt, _ in races.ATTEMPTS], ids=races.IDS)
def test_overlapping_requests_lose_no_write_and_revive_no_session(port, kind, attempt):
    harmed = [races.until_overlapped(attempt, port) for _ in range(N_TIMES)]
    assert harmed == [kind == "flask"] * N_TIMES


@pytest.mark.parametrize("record", [pytest.param(record, id=name) for name, record in races.damaged()])
def test_damaged_record_locks_nobody_out(over_redis, kind, record):
    statuses = races.statuses_with(*over_redis, record)
    assert statuses == ([500, 500] if kind == "flask" else [200, 200])


def test_record_runs_no_code(over_redis, kind):
    assert races.runs_pickled_code(*over_redis) is (kind == "flask")


def test_page_without_a_session_does_not_need_the_store(kind):
    with app_over("redis", kind) as (store, port):
        without, reading = (int(status) for _what, status in races.stopped(port, store))
    assert without == (500 if kind == "flask" else 200)
    assert reading >= 500
