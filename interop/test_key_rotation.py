"""Keys that change under load, on two nodes that share a cookie: a Rust app, and a Flask app with `HipFlask(app)`.

Each node has its own file of keys, because no two machines get a change at the same moment.
"""

from __future__ import annotations

import contextlib
import itertools
import pathlib
import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from servers import running

OLD = "old-key-71d55a3b0c7a2f93e9d1b4c86605f8ae"
NEW = "new-key-9f3c6a52be0d47c1886d1f7a0cb35e24"
VISITORS = 4
#: Longer than a node waits before it looks for changed keys again.
SEEN = 1.3


class Visitor(threading.Thread):
    """Counts in a session, on one node and then on the other, until told to stop."""

    def __init__(self, ports: list[int], stop: threading.Event) -> None:
        super().__init__()
        self.ports = itertools.cycle(ports)
        self.stop = stop
        self.cookie = ""
        self.count = 0
        self.lost: str | None = None
        assert self.get("/start_counter") == "New counter started!"

    def get(self, path: str) -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{next(self.ports)}{path}")
        if self.cookie:
            request.add_header("Cookie", self.cookie)
        with urllib.request.urlopen(request, timeout=10) as response:
            line = response.headers.get("Set-Cookie")
            if line is not None:
                self.cookie = line.split(";")[0]
            return response.read().decode()

    def run(self) -> None:
        while not self.stop.is_set() and self.lost is None:
            answer = self.get("/count")
            self.count += 1
            if answer != str(self.count):
                self.lost = f"expected {self.count}, got {answer}"


def write(path: pathlib.Path, *keys: str) -> None:
    """Puts a whole file in place of the other, as a careful administrator does."""
    draft = path.with_suffix(".new")
    draft.write_text("".join(f"{key}\n" for key in keys))
    draft.replace(path)


@contextlib.contextmanager
def visitors(files: list[pathlib.Path]) -> Iterator[list[Visitor]]:
    settings = [{"FLASK_SECRET_KEY": "", "FLASK_SECRET_KEY_FILE": str(file)} for file in files]
    with running("rust", "counter", settings=settings[0]) as rust:
        with running("python", "counter", settings=settings[1]) as python:
            stop = threading.Event()
            crowd = [Visitor([rust, python], stop) for _ in range(VISITORS)]
            for visitor in crowd:
                visitor.start()
            try:
                yield crowd
            finally:
                stop.set()
                for visitor in crowd:
                    visitor.join(20)


@pytest.fixture
def files(tmp_path: pathlib.Path) -> list[pathlib.Path]:
    files = [tmp_path / "rust", tmp_path / "python"]
    for file in files:
        write(file, OLD)
    return files


def test_key_is_replaced_under_load_and_no_session_is_lost(files: list[pathlib.Path]) -> None:
    with visitors(files) as crowd:
        # Known everywhere, then signing everywhere, then alone everywhere.
        for keys in ([OLD, NEW], [NEW, OLD], [NEW]):
            for file in files:
                write(file, *keys)
                time.sleep(SEEN)
    assert [visitor.lost for visitor in crowd] == [None] * VISITORS
    assert all(visitor.count > 10 for visitor in crowd)
    app = Flask("reader")
    app.secret_key = NEW
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    for visitor in crowd:
        assert serializer.loads(visitor.cookie.split("=", 1)[1]) == {"count": visitor.count}


def test_key_that_signs_before_all_nodes_know_it_loses_sessions(files: list[pathlib.Path]) -> None:
    with visitors(files) as crowd:
        write(files[0], NEW, OLD)
        time.sleep(SEEN)
    assert all(visitor.lost for visitor in crowd), "the order of the steps matters, and the test sees it"


def test_broken_file_changes_nothing(files: list[pathlib.Path]) -> None:
    with visitors(files) as crowd:
        for file in files:
            write(file, f"SECRET_KEY={NEW}", "")
        time.sleep(SEEN)
    assert [visitor.lost for visitor in crowd] == [None] * VISITORS
