"""Workers of a Flask app that are killed at random moments, again and again, while clients write one session.

At every moment the record is whole; no answered write is missing; and whoever is left goes on. A write that others
kept out of the record for too long may be refused, if it says so; that is rare. Flask-Session loses answered writes to
overlapping requests, which shows that a lost one is seen here.
"""

from __future__ import annotations

import dataclasses
import http.client
import os
import pickle
import random
import signal
import threading
import time
from collections.abc import Callable

import msgspec
import pytest
from gunicorn_server import SESSIONS, gunicorn, workers
from records import READERS
from stores import STORES, Store
from visits import Guest, ask

N_CLIENTS = 4
N_KILLS = int(os.environ.get("KILLS", "25"))
N_WRITES_AFTERWARDS = 5
PATIENCE = 60  # seconds for what takes a second or two
LENGTH = 65536  # of the record, in bytes, so that there is something to cut
DECODERS: dict[str, Callable[[bytes], object]] = {
    "redis": msgspec.msgpack.decode,
    "sqlite": msgspec.msgpack.decode,
    "filesystem": pickle.loads,
}


@dataclasses.dataclass
class Tally:
    """What one client knows of one number in the session, which only grows."""

    sent: int = 0
    answered: int = 0
    broken: int = 0
    refused: list[int] = dataclasses.field(default_factory=list)

    def send(self, port: int, cookie: str, path: str, **query: object) -> int | None:
        """Sends a write; returns who answered it, or None where nobody did."""
        self.sent += 1
        try:
            answer = ask(port, path, cookie, **query)
        except (http.client.HTTPException, OSError):
            self.broken += 1
            return None
        if answer.status != 200:
            self.refused.append(answer.status)
            return None
        self.answered += 1
        return int(answer.text)


class Client(threading.Thread):
    """Writes a key of its own and adds to one that all clients share, until it is told to stop."""

    def __init__(self, name: str, port: int, cookie: str, served_by: set[int]) -> None:
        super().__init__(name=name, daemon=True)
        self.port, self.cookie, self.served_by = port, cookie, served_by
        self.own, self.shared = Tally(), Tally()
        self.last_own = 0
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.is_set():
            number = self.own.sent + 1
            if served_by := self.own.send(self.port, self.cookie, "/put", k=self.name, n=number):
                self.last_own = number
                self.served_by.add(served_by)
            self.shared.send(self.port, self.cookie, "/add", k="shared")


class Observer(threading.Thread):
    """Reads the record from its store, again and again, and keeps what is wrong with it."""

    def __init__(self, name: str, store: Store, session_id: str) -> None:
        super().__init__(daemon=True)
        self.read: Callable[[], object] = lambda: DECODERS[name](READERS[name](store, f"session:{session_id}")[0])
        self.n_whole = 0
        self.wrong: list[str] = []
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.is_set():
            try:
                record = self.read()
            except Exception as error:  # Whatever a cut record makes of a decoder.
                self.wrong.append(repr(error))
                continue
            if isinstance(record, dict) and record.get("filler") == LENGTH * "x":
                self.n_whole += 1
            else:
                self.wrong.append("not the session")
            time.sleep(0.005)  # The machine is the workers'.


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, "nobody went on"
        time.sleep(0.01)


def kill_some(master: int, served_by: set[int], moments: random.Random) -> None:
    """Kills workers that serve, one after the other, each at a random moment."""
    for _ in range(N_KILLS):
        served_by.clear()
        wait_for(lambda: bool(served_by))
        time.sleep(moments.uniform(0, 0.1))
        os.kill(moments.choice(workers(master)), signal.SIGKILL)


@pytest.mark.alone
@pytest.mark.parametrize("sessions", SESSIONS)
@pytest.mark.parametrize("name", DECODERS)
def test_killed_worker_cuts_no_record_and_loses_no_answered_write(name: str, sessions: str) -> None:
    with STORES[name]() as store, gunicorn(sessions, store, app="tally") as (port, master):
        guest = Guest()
        guest.get(port, "/fill", n=LENGTH)
        served_by: set[int] = set()
        clients = [Client(f"client{at}", port, guest.cookie, served_by) for at in range(N_CLIENTS)]
        observer = Observer(name, store, guest.session_id)
        threads = [*clients, observer]
        for thread in threads:
            thread.start()
        kill_some(master, served_by, random.Random(name))
        before = [client.last_own for client in clients]
        wait_for(lambda: all(c.last_own >= n + N_WRITES_AFTERWARDS for c, n in zip(clients, before, strict=True)))
        for thread in threads:
            thread.is_over.set()
        for thread in threads:
            thread.join(PATIENCE)
        final = observer.read()

    tallies = [tally for client in clients for tally in (client.own, client.shared)]
    shared = (sum(c.shared.answered for c in clients), sum(c.shared.sent for c in clients))
    lost = {c.name: (final.get(c.name), c.last_own) for c in clients if final.get(c.name, 0) < c.last_own}
    if not shared[0] <= final["shared"] <= shared[1]:
        lost["shared"] = (final["shared"], shared)
    n_broken = sum(tally.broken for tally in tallies)
    refused = [status for tally in tallies for status in tally.refused]
    print(
        f"{name}, {sessions}: {shared[1]} atomic and {sum(c.own.sent for c in clients)} plain writes, {N_KILLS} kills, "
        f"{n_broken} requests cut, {len(refused)} refused, {observer.n_whole} records seen, lost {lost}"
    )
    assert n_broken > 0, "no kill met a request"
    assert observer.n_whole > 0 and not observer.wrong
    assert set(refused) <= {409, 503} and len(refused) * 20 <= sum(tally.sent for tally in tallies), refused
    assert bool(lost) is (sessions == "flask-session"), lost
