"""What a call of `open_session` and `save_session` costs, in CPU time of this process.

All contenders take turns in one process. A call gets a request that nobody has read, so that each parses its cookies
itself, and a response of its own; making those is not timed. Opening ends with the first read of a key.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from contender import Contender
from flask import Flask, Request
from measure import keep, median_ratio, table
from werkzeug.test import EnvironBuilder
from workload import WORKLOADS, Workload

N_CALLS = 100
Batch = Callable[[], None]


class Subject:
    """One app, and as many visitors with one session each as a batch has calls."""

    def __init__(self, app: Flask, workload: Workload) -> None:
        self.app, self.workload = app, workload
        self.interface = app.session_interface
        self.environ = EnvironBuilder(path="/").get_environ()
        self.cookies = [self.first_cookie() for _ in range(N_CALLS)]
        self.forged = [forge(cookie) for cookie in self.cookies]
        assert self.opened(self.cookies[0])[workload.key] == workload.content[workload.key]
        assert workload.key not in self.opened(self.forged[0])

    def first_cookie(self) -> str:
        session = self.opened("")
        session.update(self.workload.content)
        return self.saved(session).headers["Set-Cookie"].partition(";")[0].partition("=")[2]

    def request(self, cookie: str) -> Request:
        # Cookies of others are in most requests.
        header = f"theme=dark; session={cookie}; _ga=GA1.1.1031422785.1763692800"
        return self.app.request_class({**self.environ, "HTTP_COOKIE": header})

    def opened(self, cookie: str) -> Any:
        return self.interface.open_session(self.app, self.request(cookie))

    def used(self, cookie: str) -> Any:
        """Opens a session as a view does that reads it: Flask notes the access, not the session."""
        session = self.opened(cookie)
        session.get(self.workload.key)
        session.accessed = True
        return session

    def changed(self, cookie: str) -> Any:
        session = self.used(cookie)
        session[self.workload.key] += 1
        return session

    def saved(self, session: Any) -> Any:
        response = self.app.response_class()
        self.interface.save_session(self.app, session, response)
        return response

    # --- what is timed: each method prepares a batch of calls -------------------------------------------

    def open(self) -> Batch:
        return self._opening(self.cookies)

    def open_forged(self) -> Batch:
        return self._opening(self.forged)

    def _opening(self, cookies: list[str]) -> Batch:
        requests = [self.request(cookie) for cookie in cookies]
        app, open_session, key = self.app, self.interface.open_session, self.workload.key

        def run() -> None:
            for request in requests:
                open_session(app, request).get(key)

        return run

    def untouched(self) -> Batch:
        calls = [(self.request(cookie), self.app.response_class()) for cookie in self.cookies]
        app, open_session, save_session = self.app, self.interface.open_session, self.interface.save_session

        def run() -> None:
            for request, response in calls:
                save_session(app, open_session(app, request), response)

        return run

    def save(self) -> Batch:
        return self._saving(self.changed)

    def save_after_reading(self) -> Batch:
        return self._saving(self.used)

    def _saving(self, session: Callable[[str], Any]) -> Batch:
        calls = [(session(cookie), self.app.response_class()) for cookie in self.cookies]
        app, save_session = self.app, self.interface.save_session

        def run() -> None:
            for session, response in calls:
                save_session(app, session, response)

        return run


def forge(cookie: str) -> str:
    """Returns a cookie with one letter changed."""
    at = len(cookie) // 2
    return cookie[:at] + ("A" if cookie[at] != "A" else "B") + cookie[at + 1 :]


OPERATIONS: dict[str, Callable[[Subject], Batch]] = {
    "open, read a key": Subject.open,
    "save a change": Subject.save,
    "refuse a forged cookie": Subject.open_forged,
    "save after reading": Subject.save_after_reading,
    "open and save, untouched": Subject.untouched,
}


def timed(batch: Batch) -> float:
    """Runs a batch and returns the microseconds of this thread's CPU time that one call took."""
    gc.collect()
    gc.disable()
    started = time.thread_time_ns()
    batch()
    ended = time.thread_time_ns()
    gc.enable()
    return (ended - started) / 1000 / N_CALLS


def rows(contenders: list[Contender], n_rounds: int) -> Iterator[list[str]]:
    apps = [contender.make_app() for contender in contenders]
    gc.freeze()  # What is there by now need not be collected before each batch.
    for workload in WORKLOADS:
        subjects = []
        for app in apps:
            with app.app_context():
                subjects.append(Subject(app, workload))
        for name, prepare in OPERATIONS.items():
            times: list[list[float]] = [[] for _ in subjects]
            for turn in range(n_rounds):
                # Who is first changes, in case that helps anybody.
                for at in range(len(subjects)):
                    at = (at + turn) % len(subjects)
                    with apps[at].app_context():
                        times[at].append(timed(prepare(subjects[at])))
            for contender, each in zip(contenders, times):
                keep("calls", f"{workload.name}: {name}", contender.name, "CPU, µs", each)
            costs = [f"{statistics.median(each):.1f}" for each in times]
            ratios = [f"{median_ratio(times[0], each):.2f}" for each in times[1:]]
            yield [workload.name, name, *costs, *ratios]


def report(contenders: list[Contender], n_rounds: int) -> str:
    """Returns a table of what each call takes, and how many times as fast as the first contender the others are."""
    names = [contender.name for contender in contenders]
    head = ["session", "call", *(f"{name}, µs" for name in names), *(f"{names[0]} ÷ {name}" for name in names[1:])]
    return table(head, rows(contenders, n_rounds))
