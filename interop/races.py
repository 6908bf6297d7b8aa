"""What overlapping requests, damaged records and a stopped store do to a session, counted over HTTP.

    python interop/races.py [--rust target/debug/examples/stored] [--store redis]

It starts the store and the apps by itself and prints a Markdown table. Requests overlap because they sleep between
reading and writing (`wait`). That they did is proven from the times seen outside; a pair that may have missed each other
does not count, and is tried again with a longer wait.
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
from servers import running
from visits import Guest, ask

WAITS = [100, 1000, 6000]  # milliseconds; a save that fails and tries again takes a while
FLASK = "Flask-Session 0.8.0"


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


def until_overlapped(attempt, port):
    """Repeats `attempt` until its requests surely overlapped, and returns whether it did harm."""
    for wait in WAITS:
        overlapped, is_harmed = attempt(port, wait)
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


def loses_a_key(port, wait):
    guest = Guest()
    guest.get(port, "/set", k="first", v="x")
    answers = at_once(*[slowly(port, guest, "/set", wait, k=key, v="x") for key in ("left", "right")])
    check_ok(answers)
    kept = json.loads(guest.get(port, "/all"))
    return both_read_first(answers, wait), not kept.keys() >= {"first", "left", "right"}


def loses_an_item(port, wait):
    guest = Guest()
    guest.get(port, "/append", k="list", v="first")
    answers = at_once(*[slowly(port, guest, "/append", wait, k="list", v=item) for item in ("left", "right")])
    check_ok(answers)
    kept = json.loads(guest.get(port, "/all"))["list"]
    return both_read_first(answers, wait), sorted(kept) != ["first", "left", "right"]


def comes_back(path, **query):
    """Returns the attempt to log out while a request to `path` is under way."""

    def attempt(port, wait):
        guest = Guest()
        guest.get(port, "/set", k="first", v="x")
        guest.get(port, "/login", user="alice")
        assert guest.get(port, "/get", k="user") == "alice"
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reading = pool.submit(slowly(port, guest, path, wait, **query))
            time.sleep(wait / 2000)  # The middle of the other's wait; whether it was is seen from the times.
            logout = ask(port, "/logout", guest.cookie)
            answer = reading.result()
        check_ok([answer, logout])
        overlapped = read_by(answer, wait) < logout.started and logout.ended < wrote_after(answer, wait)
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


# What is attempted, how, and how often it is counted.
ATTEMPTS = [
    ("two overlapping requests set different keys: pairs that lost one", loses_a_key, 50),
    ("two overlapping requests append to one list: pairs that lost one", loses_an_item, 50),
    ("log-out during a request that only reads: sessions that came back", comes_back("/read"), 20),
    ("log-out during a request that writes: sessions that came back", comes_back("/set", k="late", v="x"), 20),
]


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


def rows(name, kind):
    """Runs one app over a store of its own, and yields what was seen."""
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(stores.STORES[name]())
        port = stack.enter_context(running(kind, "stored", sessions=store.url, settings=store.env))
        yield from overlaps(port)
        if name == "redis":
            yield from pokes(port, stack.enter_context(redis.Redis(port=store.port)))
        if store.process:
            yield from stopped(port, store)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rust", type=pathlib.Path, help="the built `stored` example")
    parser.add_argument("--store", choices=stores.STORES, default="redis")
    options = parser.parse_args()
    columns = {FLASK: dict(rows(options.store, "flask"))}
    if options.rust:
        columns["Hipflask"] = dict(rows(options.store, options.rust.resolve()))
    print(f"| what ({options.store}) | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for what in columns[FLASK]:
        print(f"| {what} | {' | '.join(column[what] for column in columns.values())} |")


if __name__ == "__main__":
    main()
