"""Flask, Starlette and FastAPI share their sessions: one cookie, one Redis, and nothing lost between them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import pathlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import fastapi
import flask
import httpx2
import pytest
import quart
import redis
import starlette.middleware.sessions
import uvicorn
from hipflask import HipFlask
from hipflask.asgi import AsyncSession, NotLoaded, SessionMiddleware
from hipflask.errors import ConfigError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from stores import STORES

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"
CONTENT = {"user": 7, "name": "Zoë", "cart": [{"id": 1, "n": 2}], "at": None, "b": {"z": 1, "a": 2.5}}


def flask_app(**config: Any) -> flask.Flask:
    app = flask.Flask("other")
    app.config.update(SECRET_KEY=KEY, **config)
    if "SESSION_STORE" in config:
        HipFlask(app)

    @app.get("/set")
    def set_all() -> str:
        flask.session.update(CONTENT)
        return ""

    @app.get("/get")
    def get() -> flask.Response:
        return flask.jsonify(plain(flask.session))

    @app.get("/flash")
    def flash() -> str:
        flask.flash("from Flask", "info")
        return ""

    @app.get("/flashed")
    def flashed() -> flask.Response:
        return flask.jsonify(flask.get_flashed_messages(with_categories=True))

    @app.get("/count")
    def count() -> str:
        session: Any = flask.session
        return str(session.update_atomically("count", lambda count: (count or 0) + 1))

    return app


async def set_all(request: Request) -> PlainTextResponse:
    request.session.update(CONTENT)
    return PlainTextResponse("")


def plain(session: Any) -> dict[str, Any]:
    """What is in a session, but for a note of Flask-Session's."""
    return {key: value for key, value in session.items() if key != "_permanent"}


async def get(request: Request) -> JSONResponse:
    return JSONResponse(plain(request.session))


async def reason(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.session.reason)


async def untouched(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def count(request: Request) -> PlainTextResponse:
    session: Any = request.session
    return PlainTextResponse(str(await session.update_atomically("count", lambda count: (count or 0) + 1)))


async def loaded(request: Request) -> JSONResponse:
    session: Any = request.session
    return JSONResponse(plain(await session.load()))


def in_a_thread(request: Request) -> JSONResponse:
    return JSONResponse(plain(request.session))


async def flash(request: Request) -> PlainTextResponse:
    session: Any = request.session
    session.flash("from Starlette", "warning")
    return PlainTextResponse("")


async def flashed(request: Request) -> JSONResponse:
    session: Any = request.session
    first = session.get_flashed_messages(with_categories=True)
    assert session.get_flashed_messages(with_categories=True) == first
    assert session.get_flashed_messages(category_filter=["error"]) == []
    return JSONResponse(first)


async def nested(request: Request) -> PlainTextResponse:
    request.session["cart"][0]["n"] += 1
    return PlainTextResponse("")


async def log_out(request: Request) -> PlainTextResponse:
    session: Any = request.session
    session.destroy()
    return PlainTextResponse("")


async def taken(request: Request) -> PlainTextResponse:
    session: Any = request.session
    return PlainTextResponse(str(await session.take("name")))


async def stream(request: Request) -> StreamingResponse:
    request.session["n"] = 1

    async def parts() -> Any:
        yield b"a"
        request.session["late"] = 1
        yield b"b"

    return StreamingResponse(parts())


async def socket_of(websocket: Any) -> None:
    before = dict(websocket.session)
    websocket.session["seen"] = True
    await websocket.accept()
    await websocket.send_json(before)
    await websocket.close()


PAGES = (set_all, get, reason, untouched, count, loaded, in_a_thread, flash, flashed, nested, log_out, taken, stream)


def make(**settings: Any) -> Starlette:
    app = Starlette(
        routes=[*(Route(f"/{page.__name__}", page) for page in PAGES), WebSocketRoute("/socket", socket_of)]
    )
    app.add_middleware(SessionMiddleware, **{"secret_key": KEY, **settings})
    return app


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    with STORES["redis"]() as store:
        yield store


@pytest.fixture(params=["cookie", "redis", "redis, lazy"])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "cookie":
        return {}
    store = request.getfixturevalue("store")
    return {"store": store.url, "lazy": "lazy" in request.param}


def both(settings: dict[str, Any]) -> tuple[Any, TestClient]:
    config = {"SESSION_STORE": settings["store"]} if "store" in settings else {}
    return flask_app(**config).test_client(), TestClient(make(**settings), raise_server_exceptions=False)


def cookie_to_starlette(ours: TestClient, theirs: Any) -> None:
    found = theirs.get_cookie("session")
    ours.cookies.clear()
    if found is not None:
        ours.cookies.set("session", found.value, domain="testserver.local")


def cookie_to_flask(theirs: Any, ours: TestClient) -> None:
    theirs.delete_cookie("session")
    if "session" in ours.cookies:
        theirs.set_cookie("session", ours.cookies["session"])


def test_visitors_go_to_and_fro(settings: dict[str, Any]) -> None:
    theirs, ours = both(settings)
    ours.get("/loaded")
    theirs.get("/set")
    cookie_to_starlette(ours, theirs)
    assert ours.get("/loaded").json() == theirs.get("/get").get_json() == CONTENT
    assert ours.get("/in_a_thread").json() == CONTENT
    if not settings.get("lazy"):
        ours.cookies.clear()
        ours.get("/set_all")
        cookie_to_flask(theirs, ours)
        assert theirs.get("/get").get_json() == CONTENT


def test_cookie_is_the_one_that_flask_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    theirs, ours = both({})
    assert ours.get("/set_all").headers["set-cookie"] == theirs.get("/set").headers["Set-Cookie"]


def test_flashed_messages_cross(settings: dict[str, Any]) -> None:
    if settings.get("lazy"):
        return
    theirs, ours = both(settings)
    theirs.get("/flash")
    cookie_to_starlette(ours, theirs)
    ours.get("/flash")
    cookie_to_flask(theirs, ours)
    expected = [["info", "from Flask"], ["warning", "from Starlette"]]
    assert ours.get("/flashed").json() == expected
    assert ours.get("/flashed").json() == []


def test_change_deep_inside_is_noticed_and_what_is_untouched_costs_nothing(store: Any) -> None:
    for settings in ({}, {"store": store.url}):
        ours = TestClient(make(**settings))
        ours.get("/set_all")
        assert "set-cookie" not in ours.get("/untouched").headers
        assert "vary" not in ours.get("/untouched").headers
        assert ours.get("/get").headers["vary"] == "Cookie"
        ours.get("/nested")
        assert ours.get("/get").json()["cart"] == [{"id": 1, "n": 3}]
        ours.get("/log_out")
        assert ours.get("/get").json() == {}


def test_lazy_session_asks_its_store_when_it_is_loaded(store: Any) -> None:
    ours = TestClient(make(store=store.url, lazy=True), raise_server_exceptions=False)
    ours.get("/count")
    server = redis.Redis.from_url(store.url)

    def commands() -> int:
        return sum(it["calls"] for name, it in server.info("commandstats").items() if "info" not in name)

    before = commands()
    ours.get("/untouched")
    assert commands() == before
    assert ours.get("/get").status_code == 500, "it is not loaded"
    assert commands() == before
    assert ours.get("/loaded").json() == {"count": 1}
    assert commands() > before


def test_use_before_loading_says_what_to_do(store: Any) -> None:
    ours = TestClient(make(store=store.url, lazy=True))
    ours.get("/count")
    with pytest.raises(NotLoaded, match=r"await request.session.load\(\) first"):
        ours.get("/get")


def test_no_count_is_lost_between_flask_and_starlette(store: Any) -> None:
    theirs, ours = both({"store": store.url})
    ours.get("/count")
    value = ours.cookies["session"]

    def count_in_flask(_: int) -> None:
        with flask_app(SESSION_STORE=store.url).test_client() as client:
            client.set_cookie("session", value)
            assert client.get("/count").status_code == 200

    async def count_in_starlette() -> None:
        transport = httpx2.ASGITransport(make(store=store.url))
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            answers = [client.get("/count", headers={"Cookie": f"session={value}"}) for _ in range(20)]
            assert [answer.status_code for answer in await asyncio.gather(*answers)] == [200] * 20

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        waiting = pool.map(count_in_flask, range(20))
        asyncio.run(count_in_starlette())
        list(waiting)
    assert ours.get("/get").json()["count"] == 41


def test_value_is_taken_once(settings: dict[str, Any]) -> None:
    theirs, ours = both(settings)
    theirs.get("/set")
    cookie_to_starlette(ours, theirs)
    assert [ours.get("/taken").text, ours.get("/taken").text] == ["Zoë", "None"]


def test_store_that_hangs_holds_up_nobody_else(store: Any) -> None:
    app = make(store=store.url, lazy=True, session_store_deadline=2)

    async def both_at_once() -> tuple[float, int]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.get("/count")
            cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
            with store.frozen():
                waiting = asyncio.create_task(client.get("/count", headers=cookie))
                await asyncio.sleep(0.1)
                start = time.monotonic()
                for _ in range(10):
                    assert (await client.get("/untouched")).text == "hello"
                return time.monotonic() - start, (await waiting).status_code

    took, status = asyncio.run(both_at_once())
    assert took < 1
    assert status == 503


def test_answer_is_an_error_if_the_session_is_not_saved(caplog: pytest.LogCaptureFixture) -> None:
    with STORES["redis"]() as store:
        app, sent = make(store=store.url, session_store_deadline=1), []

        async def observed(scope: Any, receive: Any, send: Any) -> None:
            async def noted(message: Any) -> None:
                sent.append(message["type"])
                await send(message)

            await app(scope, receive, noted)

        ours = TestClient(observed)
        ours.get("/set_all")
        store.stop()
        sent.clear()
        answer = ours.get("/set_all")
        assert sent == ["http.response.start", "http.response.body"], "an answer ends once"
        assert caplog.text.count("session not saved") == 1
        assert answer.status_code == 503
        assert answer.text.endswith("the session was not saved. Please try again.\n")
        assert answer.headers["vary"] == "Cookie"
        assert "set-cookie" not in answer.headers
        assert ours.get("/untouched").status_code == 200
        # A new session fails when it is saved, and not when it is opened.
        ours.cookies.clear()
        sent.clear()
        assert ours.get("/set_all").status_code == 503
        assert sent == ["http.response.start", "http.response.body"], "an answer ends once"


def test_websocket_reads_its_session_and_sets_it_when_it_is_accepted() -> None:
    ours = TestClient(make())
    ours.get("/set_all")
    with ours.websocket_connect("/socket") as connection:
        assert connection.receive_json() == CONTENT
        cookie = dict(connection.extra_headers or ()).get(b"set-cookie")
    assert cookie is not None and cookie.startswith(b"session=")


def test_change_during_a_stream_is_lost_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    ours = TestClient(make())
    assert ours.get("/stream").text == "ab"
    assert ours.get("/get").json() == {"n": 1}
    assert "the change is lost" in caplog.text


def test_each_cookie_line_is_read() -> None:
    theirs, ours = both({})
    theirs.get("/set")
    value = theirs.get_cookie("session").value
    lines = [("Cookie", "theme=dark"), ("Cookie", f"session={value}"), ("Cookie", "x=1")]
    assert ours.get("/get", headers=lines).json() == CONTENT


async def talk(websocket: Any) -> None:
    await websocket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await websocket.send_text(await websocket.receive_text())


@pytest.mark.parametrize("stored", [True, False])
def test_websocket_ends_with_its_session(stored: bool, store: Any) -> None:
    where = {"store": store.url} if stored else {"session_revocations": store.url}
    app = make(**where, end_websockets=True, session_revocations_delay=1)
    app.router.routes.append(WebSocketRoute("/talk", talk))
    ours = TestClient(app)
    ours.get("/set_all")
    other = TestClient(make(**where))
    other.cookies.set("session", ours.cookies["session"], domain="testserver.local")
    with ours.websocket_connect("/talk") as connection:
        for word in ("a", "b"):
            connection.send_text(word)
            assert connection.receive_text() == word
        start = time.monotonic()
        other.get("/log_out")
        with pytest.raises(WebSocketDisconnect) as closed:
            connection.receive_text()
    assert closed.value.code == 1008
    assert time.monotonic() - start < 5


def test_websocket_without_a_session_ends_if_that_is_wanted() -> None:
    app = make(end_websockets=True)
    app.router.routes.append(WebSocketRoute("/talk", talk))
    with TestClient(app).websocket_connect("/talk") as connection, pytest.raises(WebSocketDisconnect):
        connection.receive_text()
    app = make()
    app.router.routes.append(WebSocketRoute("/talk", talk))
    with TestClient(app).websocket_connect("/talk") as connection:
        connection.send_text("a")
        assert connection.receive_text() == "a"


# Starlette's own sessions


def their_cookie(key: str = KEY) -> str:
    app = Starlette(routes=[Route("/set_all", set_all)])
    app.add_middleware(starlette.middleware.sessions.SessionMiddleware, secret_key=key)
    client = TestClient(app)
    client.get("/set_all")
    return client.cookies["session"]


def test_starlettes_cookie_is_taken_over_when_asked(settings: dict[str, Any]) -> None:
    ours = TestClient(make(session_take_over="starlette", **settings))
    ours.cookies.set("session", their_cookie(), domain="testserver.local")
    answer = ours.get("/loaded")
    assert answer.json() == CONTENT
    mine = answer.headers["set-cookie"].split(";")[0].split("=", 1)[1]
    again = TestClient(make(**settings))
    again.cookies.set("session", mine, domain="testserver.local")
    assert again.get("/loaded").json() == CONTENT


def test_what_a_fallback_key_has_signed_is_signed_anew(settings: dict[str, Any]) -> None:
    other = "another key, which is long enough"
    visitor = TestClient(make(secret_key=other, session_use_signer="store" in settings, **settings))
    visitor.get("/set_all")
    before = visitor.cookies["session"]
    keys = {"secret_key": KEY, "secret_key_fallbacks": [other], "session_resign": True}
    ours = TestClient(make(session_use_signer="store" in settings, **keys, **settings))
    ours.cookies.set("session", before, domain="testserver.local")
    answer = ours.get("/loaded")
    assert answer.json() == CONTENT
    assert answer.headers["set-cookie"].split(";")[0] != f"session={before}"


@pytest.mark.parametrize("settings", [{}, {"session_take_over": "starlette", "session_take_over_max_age": 1}])
def test_starlettes_cookie_is_not_taken_over_else(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, now = their_cookie(), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 5)
    ours = TestClient(make(**settings))
    ours.cookies.set("session", cookie, domain="testserver.local")
    assert ours.get("/get").json() == {}
    ours.cookies.set("session", their_cookie("another key, which is long enough"), domain="testserver.local")
    assert ours.get("/get").json() == {}


def test_log_tells_of_two_frameworks_with_one_cookie(caplog: pytest.LogCaptureFixture) -> None:
    ours = TestClient(make())
    ours.cookies.set("session", their_cookie(), domain="testserver.local")
    for _ in range(2):
        ours.get("/get")
    assert caplog.text.count("each app logs the other's visitors out") == 1


@pytest.mark.parametrize("cookie", [b"session=caf\xe9", b"caf\xe9=1; session=\xff\xfe", b"session=\xc3\xa9"])
def test_cookie_that_is_no_text_is_a_new_session(cookie: bytes) -> None:
    async def answer() -> Any:
        # Unlike the test client, it hands on the bytes as they are.
        transport = httpx2.ASGITransport(make())
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await client.get("/get", headers={b"cookie": cookie})).json()

    assert asyncio.run(answer()) == {}


@pytest.mark.parametrize("with_store", [False, True])
def test_log_of_flask_tells_of_starlettes_cookie(
    with_store: bool, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = flask.Flask("flask")
    app.secret_key = KEY
    HipFlask(app, store=f"file:{tmp_path}/sessions" if with_store else None)
    app.add_url_rule("/get", view_func=lambda: str("a" in flask.session))
    theirs = {"Cookie": f"session={their_cookie()}"}
    for headers in ({}, {"Cookie": "session=spoilt"}, theirs, theirs):
        assert app.test_client(use_cookies=False).get("/get", headers=headers).text == "False"
        assert caplog.text.count("each app logs the other's visitors out") == (headers is theirs)


# Settings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"session_cooky_name": "a"}, "did you mean session_cookie_name?"),
        ({"max_age": 1}, "max_age is called permanent_session_lifetime here"),
        ({"secret_key": None}, "need a secret_key, or a store"),
        ({"store": "reddis://localhost"}, "did you mean redis:?"),
        ({"session_cookie_samesite": "lax, please"}, "expected Lax, None or Strict"),
        ({"secret_key": "dev", "session_refuse_weak_key": True}, "SECRET_KEY"),
    ],
)
def test_setting_that_cannot_work_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        SessionMiddleware(lambda *_: None, **{"secret_key": KEY, **settings})
    assert words in str(refused.value)


def test_two_layers_are_told_apart() -> None:
    inner = make(session_cookie_name="inner")
    outer = SessionMiddleware(inner, secret_key=KEY)
    client = TestClient(outer)
    assert client.get("/set_all").headers["set-cookie"].startswith("inner=")
    same = TestClient(SessionMiddleware(make(), secret_key=KEY))
    assert len(same.get("/set_all").headers.get_list("set-cookie")) == 1
    theirs = starlette.middleware.sessions.SessionMiddleware(make(), secret_key=KEY)
    with pytest.raises(ConfigError, match="another session middleware"):
        TestClient(theirs).get("/get")


def test_weak_key_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    ours = TestClient(make(secret_key="dev"))
    for _ in range(2):
        ours.get("/get")
    assert caplog.text.count("SECRET_KEY: ") == 1


# FastAPI, behind a real server


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield "http://127.0.0.1:%d" % listener.getsockname()[1]
    server.should_exit = True
    thread.join(10)
    listener.close()


async def session_of(request: Request) -> AsyncSession:
    session: Any = request.session
    return await session.load()


def test_fastapi_has_the_session_as_a_dependency(store: Any) -> None:
    app = fastapi.FastAPI()
    app.add_middleware(SessionMiddleware, secret_key=KEY, store=store.url, lazy=True)

    @app.get("/count")
    async def count(session: AsyncSession = fastapi.Depends(session_of)) -> int:
        session["count"] = session.get("count", 0) + 1
        return session["count"]

    @app.get("/in_a_thread")
    def in_a_thread(request: Request) -> int:
        return request.session["count"]

    with served(app) as url, httpx2.Client(base_url=url) as client:
        assert [client.get("/count").json() for _ in range(3)] == [1, 2, 3]
        assert client.get("/in_a_thread").json() == 3
        theirs = flask_app(SESSION_STORE=store.url).test_client()
        theirs.set_cookie("session", client.cookies["session"])
        assert theirs.get("/get").get_json()["count"] == 3


# Quart


def quart_app(**config: Any) -> quart.Quart:
    app = quart.Quart("quart")
    app.config.update(SECRET_KEY=KEY, **config)
    HipFlask(app)

    @app.get("/set")
    async def set_all() -> str:
        quart.session.update(CONTENT)
        return ""

    @app.get("/get")
    async def get() -> quart.Response:
        return quart.jsonify(plain(quart.session))

    @app.get("/count")
    async def count() -> str:
        session: Any = quart.session
        return str(await session.update_atomically("count", lambda count: (count or 0) + 1))

    @app.get("/nested")
    async def nested() -> str:
        quart.session["cart"][0]["n"] += 1
        return ""

    @app.get("/flash")
    async def flash() -> str:
        await quart.flash("from Quart", "info")
        return ""

    @app.get("/untouched")
    async def untouched() -> str:
        return "hello"

    @app.websocket("/socket")
    async def socket() -> None:
        await quart.websocket.send_json(plain(quart.session))

    return app


def test_quart_without_a_key_says_so() -> None:
    async def visit() -> None:
        app = quart_app()
        app.secret_key = None
        async with app.test_request_context("/"):
            with pytest.raises(RuntimeError, match="no secret key was set"):
                await quart.session.update_atomically("count", len)  # type: ignore[attr-defined]

    asyncio.run(visit())


@pytest.mark.parametrize("where", ["cookie", "redis"])
def test_quart_shares_its_sessions_with_flask(where: str, store: Any) -> None:
    config = {} if where == "cookie" else {"SESSION_STORE": store.url}
    theirs = flask_app(**config).test_client()

    async def visit() -> None:
        app = quart_app(**config)
        ours = app.test_client()
        assert "Set-Cookie" in (await ours.get("/set")).headers
        (cookie,) = ours.cookie_jar
        theirs.set_cookie("session", cookie.value)
        assert theirs.get("/get").get_json() == CONTENT
        theirs.get("/flash")
        again = app.test_client()
        again.set_cookie("localhost", "session", theirs.get_cookie("session").value)
        await again.get("/nested")
        await again.get("/flash")
        answer = await again.get("/get")
        assert answer.headers["Vary"] == "Cookie"
        found = await answer.get_json()
        assert found["cart"] == [{"id": 1, "n": 3}]
        assert [message for _, message in found["_flashes"]] == ["from Flask", "from Quart"]
        untouched = await again.get("/untouched")
        assert "Set-Cookie" not in untouched.headers and "Vary" not in untouched.headers
        async with again.websocket("/socket") as connection:
            assert (await connection.receive_json())["name"] == "Zoë"

    asyncio.run(visit())


def test_quart_loses_no_count_and_keeps_its_event_loop(store: Any) -> None:
    async def visit() -> None:
        app = quart_app(SESSION_STORE=store.url, SESSION_STORE_DEADLINE=1)
        ours = app.test_client()
        await ours.get("/count")
        answers = await asyncio.gather(*(ours.get("/count") for _ in range(20)))
        assert sorted([int(await answer.get_data()) for answer in answers]) == list(range(2, 22))
        with store.frozen():
            waiting = asyncio.create_task(ours.get("/count"))
            await asyncio.sleep(0.1)
            start = time.monotonic()
            assert (await app.test_client().get("/untouched")).status_code == 200
            assert time.monotonic() - start < 0.5
            assert (await waiting).status_code == 503

    asyncio.run(visit())


def test_quart_ends_the_sessions_of_a_user(store: Any) -> None:
    async def visit() -> None:
        app = quart_app(SESSION_STORE=store.url)
        ours = app.test_client()

        @app.get("/log_in")
        async def log_in() -> str:
            quart.session["user_id"] = "7"
            return ""

        await ours.get("/log_in")
        assert await (await ours.get("/get")).get_json() == {"user_id": "7"}
        await asyncio.to_thread(app.extensions["hipflask"].revoke_user, "7", app)
        assert await (await ours.get("/get")).get_json() == {}

    asyncio.run(visit())


def test_programs_of_the_page_run(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_SECRET_KEY", KEY)
    text = (pathlib.Path(__file__).parents[1] / "docs/asgi.md").read_text("utf-8")
    eager, lazy, quarts = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {"__name__": "page"}
    exec(eager.replace("redis://localhost", store.url) + lazy, names)
    client = TestClient(names["app"])
    assert [client.get("/count").json() for _ in range(2)] == [1, 2]
    assert client.get("/cart").json() == []
    exec(quarts, names)
    assert isinstance(names["app"], quart.Quart)


def test_log_has_no_secret(store: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "hipflask")
    ours = TestClient(make(store=store.url))
    ours.get("/set_all")
    ours.get("/get")
    assert caplog.records
    assert KEY not in caplog.text and ours.cookies["session"] not in caplog.text
