"""Calls a Flask app a great many times in one process, without a server, and reports how its memory grows.

    python interop/memory_loop.py hipflask --store cookie --requests 1000000

Prints one JSON object: bytes of resident memory after the warm-up and at the end, and what a request added. `--leak 20`
keeps 20 bytes of each request, to see that such a leak is seen. Knows nothing of what growth is too much.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator

from flask import Flask, flash, get_flashed_messages, session

N_WARM_UP = 5_000
SECRET_KEY = "memory-loop-only-7c1f0a9e34d2b865"
PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Returns how many bytes of memory this process has."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * PAGE


# --- the app -----------------------------------------------------------------------------------------------


def make_app(sessions: str, store: str) -> Flask:
    app = Flask("memory", static_folder=None)
    app.secret_key = SECRET_KEY
    if sessions == "hipflask":
        from hipflask import HipFlask

        HipFlask(app, store=None if store == "cookie" else store)
    for view in (untouched, read, write, nested, add_flash, take_flashes):
        app.add_url_rule(f"/{view.__name__}", view_func=view)
    return app


def untouched() -> str:
    return "ok"


def read() -> str:
    return str(session.get("user"))


def write() -> str:
    session["user"] = "alice"
    session["count"] = session.get("count", 0) + 1
    session.setdefault("cart", {"items": []})
    return "ok"


def nested() -> str:
    items = session["cart"]["items"]
    items.append("tea")
    del items[:-3]
    session.modified = True  # Flask does not notice by itself.
    return "ok"


def add_flash() -> str:
    flash("Saved.")
    return "ok"


def take_flashes() -> str:
    return ", ".join(get_flashed_messages())


# --- the loop ----------------------------------------------------------------------------------------------


class Caller:
    """Calls the app as a server does, and keeps the last session cookie that it has set."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.cookie = ""

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable:
        assert status == "200 OK", status
        for name, value in headers:
            if name == "Set-Cookie":
                self.cookie = value.partition(";")[0]
        return lambda _data: None

    def call(self, path: str, cookie: str) -> None:
        environ = {
            **{"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": ""},
            **{"SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1"},
            **{"wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr},
            **{"wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False},
        }
        if cookie:
            environ["HTTP_COOKIE"] = cookie
        body = self.app.wsgi_app(environ, self.start_response)
        for _ in body:
            pass
        body.close()

    def forged(self) -> str:
        """Returns the cookie with one character changed."""
        return self.cookie[:-3] + ("A" if self.cookie[-3] != "A" else "B") + self.cookie[-2:]

    def visits(self) -> Iterator[None]:
        """Yields after each request, for ever."""
        while True:
            for path in ("/read", "/write", "/untouched", "/nested", "/add_flash", "/take_flashes"):
                self.call(path, self.cookie)
                yield
            kept = self.cookie
            self.call("/read", self.forged())
            self.cookie = kept  # Some answer to a forged cookie by deleting it.
            yield


def measure(sessions: str, store: str, n_requests: int, leak: int) -> dict[str, float]:
    caller = Caller(make_app(sessions, store))
    caller.call("/write", "")
    assert caller.cookie, "no session was made"
    leaked = bytearray()
    visits = caller.visits()
    for _ in itertools.islice(visits, N_WARM_UP):
        pass
    gc.collect()
    before, started = resident(), time.monotonic()
    for _ in itertools.islice(visits, n_requests):
        leaked += bytes(leak)
    gc.collect()
    after = resident()
    return {
        "before": before,
        "after": after,
        "per_request": (after - before) / n_requests,
        "requests_per_second": n_requests / (time.monotonic() - started),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sessions", choices=["flask", "hipflask"])
    parser.add_argument("--store", default="cookie", help="`cookie`, or the address of a store (hipflask only)")
    parser.add_argument("--requests", type=int, default=15_000)
    parser.add_argument("--leak", type=int, default=0, help="bytes to keep of each request")
    options = parser.parse_args()
    print(json.dumps(measure(options.sessions, options.store, options.requests, options.leak)))


if __name__ == "__main__":
    main()
