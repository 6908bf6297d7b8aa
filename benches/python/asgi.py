"""What a request through an ASGI app costs: `hipflask.asgi` beside Starlette's own middleware, starsessions and none.

    python benches/python/asgi.py [--rounds N]

All contenders take turns in one process, without a network but for Redis. Times are CPU time of this process, with its
threads; each request has a session of its own, that of a log-in.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import gc
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import hipflask.asgi
import starlette.middleware.sessions
import starsessions
import starsessions.stores.redis
from measure import keep, median_ratio, table
from server import redis_server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from workload import LOGIN, SECRET_KEY

N_CALLS = 200
PAGES = ("untouched", "read", "write")
App = Callable[[Any, Any, Any], Awaitable[None]]


def make(load: Callable[[Request], Awaitable[Any]] | None, wrap: Callable[[App], App]) -> App:
    async def fill(request: Request) -> PlainTextResponse:
        if load:
            await load(request)
        request.session.update(LOGIN)
        return PlainTextResponse("")

    async def untouched(request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    async def read(request: Request) -> PlainTextResponse:
        if load:
            await load(request)
        return PlainTextResponse(str(request.session["user_id"]))

    async def write(request: Request) -> PlainTextResponse:
        if load:
            await load(request)
        request.session["user_id"] += 1
        return PlainTextResponse("")

    pages = (fill, untouched, read, write)
    return wrap(Starlette(routes=[Route(f"/{page.__name__}", page) for page in pages]))


async def load_ours(request: Request) -> None:
    await request.session.load()


def contenders(redis: str) -> dict[str, dict[str, App]]:
    ours = functools.partial(hipflask.asgi.SessionMiddleware, secret_key=SECRET_KEY)
    theirs = functools.partial(starlette.middleware.sessions.SessionMiddleware, secret_key=SECRET_KEY)
    in_cookie = starsessions.CookieStore(SECRET_KEY)
    in_redis = starsessions.stores.redis.RedisStore(redis)
    # Both keep a session for two weeks.
    star = functools.partial(starsessions.SessionMiddleware, lifetime=1_209_600, rolling=True, cookie_https_only=False)
    return {
        "cookie": {
            "hipflask": make(None, ours),
            "Starlette": make(None, theirs),
            "starsessions": make(starsessions.load_session, functools.partial(star, store=in_cookie)),
        },
        "Redis": {
            "hipflask, lazy": make(load_ours, functools.partial(ours, store=redis, lazy=True)),
            "hipflask": make(None, functools.partial(ours, store=redis)),
            "starsessions": make(starsessions.load_session, functools.partial(star, store=in_redis)),
        },
    }


async def call(app: App, path: str, cookie: bytes | None) -> dict[bytes, bytes]:
    """Sends a request, and returns the headers of the answer."""
    headers = [(b"host", b"localhost"), *([(b"cookie", cookie)] if cookie else [])]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    found: dict[bytes, bytes] = {}

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
            found.update(message["headers"])

    await app(scope, receive, send)
    return found


async def timed(app: App, path: str, cookies: list[bytes]) -> float:
    """Returns the microseconds of CPU time that one request took."""
    gc.collect()
    gc.disable()
    started = time.process_time_ns()
    for cookie in cookies:
        await call(app, path, cookie)
    ended = time.process_time_ns()
    gc.enable()
    return (ended - started) / 1000 / len(cookies)


async def report(apps: dict[str, App], where: str, n_rounds: int) -> str:
    cookies = {}
    for name, app in apps.items():
        lines = [(await call(app, "/fill", None))[b"set-cookie"] for _ in range(N_CALLS)]
        cookies[name] = [line.partition(b";")[0] for line in lines]
    rows = []
    for page in PAGES:
        times: dict[str, list[float]] = {name: [] for name in apps}
        names = list(apps)
        for turn in range(n_rounds):
            for at in range(len(names)):
                name = names[(at + turn) % len(names)]
                times[name].append(await timed(apps[name], f"/{page}", cookies[name]))
        for name, each in times.items():
            keep("asgi", f"{where}: {page}", name, "CPU, µs", each)
        first = times[names[0]]
        costs = [f"{statistics.median(each):.1f}" for each in times.values()]
        rows.append([page, *costs, *(f"{median_ratio(times[name], first):.2f}" for name in names[1:])])
    head = [where, *(f"{name}, µs" for name in apps), *(f"{name} ÷ {names[0]}" for name in names[1:])]
    return table(head, rows)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=41, help="how often each contender takes its turn")
    options = parser.parse_args()
    with redis_server() as redis:
        for where, apps in contenders(redis).items():
            print(await report(apps, where, options.rounds), end="\n\n", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
