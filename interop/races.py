"""What overlapping requests, damaged records and a stopped store do to a session, counted over HTTP.

    python interop/races.py [--rust target/debug/examples/stored] [--python] [--store redis]

It starts the store and the apps by itself and prints a Markdown table: the Flask app with Flask-Session, with
`--rust` the Rust program, and with `--python` the Flask app with the package `hipflask`. Flask runs in gunicorn with
two workers of four threads.

Requests overlap because they sleep between reading and writing (`wait`). That they did is proven from the times seen
outside; a pair that may have missed each other does not count, and is tried again with a longer wait.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import json
import pathlib
import pickle
import tempfile
import time

import msgspec
import redis
import stores
from gunicorn_server import served
from servers import running
from visits import Guest, ask

WAITS = [100, 1000, 6000]  # milliseconds; a save that fails and tries again takes a while
FLASK, RUST, PYTHON = "Flask-Session 0.8.0", "Hipflask", "Hipflask in Flask"


# --- overlapping requests ----------------------------------------------------------------------------------


def at_once(*requests):
    """Sends requests on a thread each, and returns their answers."""
    with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
        return [future.result() for future in [pool.submit(request) for request in requests]]


def read_by(answer, wait):
    """When a request that waited had read its session at the latest."""
    return answer.ended - wait / 1000


def wrote_after(answer, wait):
    """When a request that waited wrote its session at the earliest."""
    return answer.started + wait / 1000


def count(attempt, port, n_times):
    return f"{sum(until_overlapped(attempt, port) for _ in range(n_times))} of {n_times}"


def until_overlapped(attempt, port, other=None):
    """Repeats `attempt` until its requests surely overlapped, and returns whether it did harm.

    The first request of the pair goes to the app at `port`, the other one to the app at `other`, which is the same
    unless said otherwise.
    """
    for wait in WAITS:
        overlapped, is_harmed = attempt(port, other or port, wait)
        if overlapped:
            return is_harmed
    raise AssertionError("the requests did not overlap: is this machine busy?")


def both_read_first(answers, wait):
    return max(read_by(answer, wait) for answer in answers) < min(wrote_after(answer, wait) for answer in answers)


def slowly(port, guest, path, wait, **query):
    """One request of a pair, as `at_once` takes it."""
    return lambda: ask(port, path, guest.cookie, wait=wait, **query)


def check_ok(answers):
    for answer in answers:
        assert answer.status == 200, f"status {answer.status}"


def loses_a_key(port, other, wait):
    guest = Guest()
    guest.get(port, "/set", k="first", v="x")
    sides = [(port, "left"), (other, "right")]
    answers = at_once(*[slowly(side, guest, "/set", wait, k=key, v="x") for side, key in sides])
    check_ok(answers)
    kept = json.loads(guest.get(port, "/all"))
    return both_read_first(answers, wait), not kept.keys() >= {"first", "left", "right"}


def loses_an_item(port, other, wait):
    guest = Guest()
    guest.get(port, "/append", k="list", v="first")
    sides = [(port, "left"), (other, "right")]
    answers = at_once(*[slowly(side, guest, "/append", wait, k="list", v=item) for side, item in sides])
    check_ok(answers)
    kept = json.loads(guest.get(port, "/all"))["list"]
    return both_read_first(answers, wait), sorted(kept) != ["first", "left", "right"]


def comes_back(ended_by, path, **query):
    """Returns the attempt to end a session while a request to `path` is under way.

    `/logout` ends the session, `/login` ends its id: it moves the session to a new one.
    """

    def attempt(port, other, wait):
        guest = Guest()
        guest.get(port, "/set", k="first", v="x")
        guest.get(port, "/login", user="alice")
        assert guest.get(port, "/get", k="user") == "alice"
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reading = pool.submit(slowly(port, guest, path, wait, **query))
            time.sleep(wait / 2000)  # The middle of the other's wait; whether it was is seen from the times.
            ending = ask(other, ended_by, guest.cookie, user="alice")
            answer = reading.result()
        check_ok([answer, ending])
        overlapped = read_by(answer, wait) < ending.started and ending.ended < wrote_after(answer, wait)
        return overlapped, ask(port, "/get", guest.cookie, k="user").text == "alice"

    return attempt


# --- damaged records, a stopped store, and costs: Redis only -----------------------------------------------


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def damaged():
    """Yields records that no app wrote."""
    record = msgspec.msgpack.encode({"_permanent": True, "user": "alice", "n": 1})
    yield "garbage", b"\xc1\xff\x00garbage"
    yield "truncated", record[:-1]
    yield "text", b"hello"
    yield "no dict", msgspec.msgpack.encode(12345)


def statuses_with(port, client, record):
    """Puts a record under a session's id, and returns the statuses that its owner gets."""
    guest = Guest()
    guest.get(port, "/set", k="user", v="alice")
    key = f"session:{guest.session_id}"
    assert client.exists(key), "the record is not where Flask-Session keeps it"
    client.set(key, record, ex=600)
    return [ask(port, "/get", guest.cookie, k="user").status for _ in range(2)]


def runs_pickled_code(port, client):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "made-by-a-record")
        statuses_with(port, client, pickle.dumps(Bomb(str(path))))
        return path.exists()


def cost_of_reading(port, client, n_requests):
    """Counts what read-only requests cost: commands of Redis, and cookies sent."""
    guest = Guest()
    guest.get(port, "/set", k="user", v="alice")
    client.config_resetstat()
    answers = [ask(port, "/get", guest.cookie, k="user") for _ in range(n_requests)]
    assert {answer.text for answer in answers} == {"alice"}
    commands = collections.Counter()
    for name, stats in client.info("commandstats").items():
        commands[name.removeprefix("cmdstat_").split("|")[0].upper()] += stats["calls"]
    # What this function asks for itself, and what connections say when they open.
    for name in ("CONFIG", "INFO", "CLIENT", "HELLO"):
        commands.pop(name, None)
    return commands, sum(len(answer.set_cookies) for answer in answers)


LATE = {"k": "late", "v": "x"}
# What is attempted, how, and how often it is counted.
ATTEMPTS = [
    ("two overlapping requests set different keys: pairs that lost one", loses_a_key, 50),
    ("two overlapping requests append to one list: pairs that lost one", loses_an_item, 50),
    ("log-out during a request that only reads: sessions that came back", comes_back("/logout", "/read"), 20),
    ("log-out during a request that writes: sessions that came back", comes_back("/logout", "/set", **LATE), 20),
    ("log-in during a request that only reads: old ids that came back", comes_back("/login", "/read"), 20),
    ("log-in during a request that writes: old ids that came back", comes_back("/login", "/set", **LATE), 20),
]
IDS = ["set", "append", "logout-read", "logout-set", "login-read", "login-set"]  # of the tests


def overlaps(port):
    """Yields the rows that need no access to the store."""
    for what, attempt, n_times in ATTEMPTS:
        yield what, count(attempt, port, n_times)


def pokes(port, client):
    """Yields the rows that need a client of the store."""
    for name, record in damaged():
        statuses = statuses_with(port, client, record)
        yield f"record is {name}: status of two requests", ", ".join(map(str, statuses))
    yield "record is a pickle that runs code: did it run", "yes" if runs_pickled_code(port, client) else "no"
    commands, n_cookies = cost_of_reading(port, client, 100)
    commands = ", ".join(f"{number} {name}" for name, number in commands.most_common())
    yield "100 requests that only read: commands of Redis", commands
    yield "100 requests that only read: cookies sent", str(n_cookies)


def stopped(port, store):
    guest = Guest()
    guest.get(port, "/set", k="user", v="alice")
    store.stop()
    yield "store stopped: status of a page without a session", str(ask(port, "/none", guest.cookie).status)
    yield "store stopped: status of a page that reads it", str(ask(port, "/get", guest.cookie, k="user").status)


def rows(name, side):
    """Runs one app over a store of its own, and yields what was seen; `side` starts the app."""
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(stores.STORES[name]())
        port = stack.enter_context(side(store))
        yield from overlaps(port)
        if name == "redis":
            yield from pokes(port, stack.enter_context(redis.Redis(port=store.port)))
        if store.process:
            yield from stopped(port, store)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rust", type=pathlib.Path, help="the built `stored` example")
    parser.add_argument("--python", action="store_true", help="also the package `hipflask`, which must be installed")
    parser.add_argument("--store", choices=stores.STORES, default="redis")
    options = parser.parse_args()
    sides = {FLASK: lambda store: served("flask-session", store)}
    if options.rust:
        program = options.rust.resolve()
        sides[RUST] = lambda store: running(program, "stored", sessions=store.url, settings=store.env)
    if options.python:
        sides[PYTHON] = lambda store: served("hipflask", store)
    columns = {title: dict(rows(options.store, side)) for title, side in sides.items()}
    print(f"| what ({options.store}) | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for what in columns[FLASK]:
        print(f"| {what} | {' | '.join(column[what] for column in columns.values())} |")


if __name__ == "__main__":
    main()
