"""Between an ASGI server and an app: puts the session into the scope, and saves it when the answer begins.

Decides nothing about cookies or records; what the engine says is done here, to messages.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
from typing import TYPE_CHECKING, Any, Awaitable, Callable, MutableMapping

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from ..errors import ConfigError, refusal
from ..settings import KNOWN, Settings
from .session import REFUSALS, AsyncSession, start
from ..starlette import Foreign

if TYPE_CHECKING:
    Message = MutableMapping[str, Any]
    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]
    Headers = list[tuple[bytes, bytes]]

__all__ = ["SessionMiddleware"]

logger = logging.getLogger("hipflask")

#: Why a WebSocket is closed: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
_POLICY_VIOLATION = 1008

#: What begins an answer, and can send headers.
_BEGINNINGS = ("http.response.start", "websocket.accept", "websocket.http.response.start")

#: What Starlette's own middleware calls some settings.
_STARLETTES = {
    "session_cookie": "session_cookie_name",
    "max_age": "permanent_session_lifetime",
    "path": "session_cookie_path",
    "same_site": "session_cookie_samesite",
    "https_only": "session_cookie_secure",
    "domain": "session_cookie_domain",
}


class SessionMiddleware:
    """Gives an ASGI app the sessions of Flask: ``request.session`` of Starlette and FastAPI.

    Cookies and records are those of the Flask apps and Rust nodes with the same key and settings, which are
    Flask's own names in lower case. ``store`` is the address of a store, such as ``"redis://localhost"``;
    without it, sessions are signed cookies.

    A signed cookie is opened when it is first used. A session in a store is read before the app is called, if
    there is a cookie; with ``lazy=True`` the app says when, by ``await request.session.load()``, and what does
    not use its session asks no store.

    ``end_websockets=True`` closes a WebSocket when the session ends that it was opened with: by code 1008, and
    the app receives a disconnection.

    ``session_take_over="starlette"`` takes over the cookies that Starlette's own middleware has signed with the
    same key and name.

    >>> from starlette.applications import Starlette
    >>> from starlette.responses import PlainTextResponse
    >>> from starlette.routing import Route
    >>> from starlette.testclient import TestClient
    >>> from hipflask.asgi import SessionMiddleware
    >>> async def count(request):
    ...     request.session["count"] = request.session.get("count", 0) + 1
    ...     return PlainTextResponse(str(request.session["count"]))
    >>> app = Starlette(routes=[Route("/", count)])
    >>> app.add_middleware(SessionMiddleware, secret_key="9f3c6a52be0d47c1886d1f7a0cb35e24")
    >>> client = TestClient(app)
    >>> client.get("/").text, client.get("/").text
    ('1', '2')

    :raises ConfigError: when a setting is unknown or cannot work; the text says what to change.
    """

    def __init__(
        self,
        app: App,
        *,
        secret_key: str | bytes | None = None,
        store: str | None = None,
        lazy: bool = False,
        end_websockets: bool = False,
        **settings: Any,
    ) -> None:
        self.app = app
        self._lazy = lazy
        self._ends_websockets = end_websockets
        # Its configuration has Flask's defaults and rules, and it serves nothing.
        self._flask = flask = Flask("hipflask.asgi", static_folder=None)
        flask.config.update({_known(name): value for name, value in settings.items()})
        if secret_key is not None:
            flask.config["SECRET_KEY"] = secret_key
        self._settings = Settings(flask, store)
        if self._settings.engine(flask) is None:
            raise ConfigError("the sessions need a secret_key, or a store")
        self._foreign = Foreign(flask.config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        outer = scope.get("session")
        name = self._flask.config["SESSION_COOKIE_NAME"]
        if outer is not None and not isinstance(outer, AsyncSession):
            raise ConfigError("another session middleware is around this one: take one of them out")
        if isinstance(outer, AsyncSession) and outer.cookie_name == name:
            # Its own layer saves it.
            await self.app(scope, receive, send)
            return
        session = scope["session"] = self._session(scope, name)
        if session._engine.asks and not self._lazy:
            await session.fetch()
        answer = _Answer(self._settings, session, send)
        try:
            if self._ends_websockets and scope["type"] == "websocket":
                ending = _Ending(session, receive, answer)
                try:
                    await self.app(scope, ending.receive, answer.send)
                finally:
                    ending.stop()
            else:
                await self.app(scope, receive, answer.send)
        except REFUSALS as error:
            if answer.begun.is_set() or scope["type"] != "http":
                raise
            await answer.refuse(error)
        finally:
            answer.warn_if_changed()

    def _session(self, scope: Scope, name: str) -> AsyncSession:
        engine = self._settings.engine(self._flask)
        assert engine is not None
        if self._settings.weaknesses:
            self._settings.report_weaknesses(self._flask)
        lines, agent = [], None
        for key, value in scope["headers"]:
            if key == b"cookie":
                lines.append(value)
            elif key == b"user-agent" and engine.lists_users:
                agent = value.decode("latin-1")
        return start(engine, name, b"; ".join(lines).decode("latin-1"), agent, self._foreign)


class _Ending:
    """Closes a WebSocket when its session has ended; its app receives a disconnection then."""

    def __init__(self, session: AsyncSession, receive: Receive, answer: _Answer) -> None:
        self._session, self._receive, self._answer = session, receive, answer
        self._received: asyncio.Future[Message] | None = None
        self._closed = asyncio.ensure_future(self._close())

    async def _close(self) -> None:
        await self._answer.begun.wait()
        reason = await self._session.ended()
        logger.info("a WebSocket is closed, because its session has ended", extra={"reason": reason})
        await self._answer.close()

    async def receive(self) -> Message:
        if self._received is None:
            self._received = asyncio.ensure_future(self._receive())
        first: set[asyncio.Future[Any]] = {self._closed, self._received}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if self._received.done():
            message, self._received = self._received.result(), None
            return message
        self._closed.result()
        return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}

    def stop(self) -> None:
        for task in (self._closed, self._received):
            if task is not None:
                task.cancel()


class _Answer:
    """What an app sends, with the session's headers; an error in its place, if the session cannot be saved."""

    def __init__(self, settings: Settings, session: AsyncSession, send: Send) -> None:
        self._settings, self._session, self._send = settings, session, send
        self.begun = asyncio.Event()
        #: What the app still sends is for nobody.
        self.is_over = False

    async def send(self, message: Message) -> None:
        if message["type"] in _BEGINNINGS and not self.begun.is_set():
            begun = await self._begin(message)
            if begun is None:
                return
            message = begun
        elif self.is_over:
            return
        elif message.get("more_body") and not self._session._is_over:
            self._freeze()
        await self._send(message)

    async def _begin(self, message: Message) -> Message | None:
        session = self._session
        try:
            cookie = await session.save(self._settings, DefaultJSONProvider)
        except REFUSALS as error:
            if session._opened is not None or session._modified:
                if message["type"] != "http.response.start":
                    raise
                await self.refuse(error, message["headers"])
                return None
            cookie = None
        self.begun.set()
        headers = list(message.get("headers") or ())
        if cookie is not None:
            headers.append((b"set-cookie", cookie.encode("latin-1")))
        if cookie is not None or session.accessed:
            headers = _vary(headers)
        if message["type"] == "websocket.accept":
            self._freeze()
        return {**message, "headers": headers}

    async def refuse(self, error: Any, headers: Any = ()) -> None:
        """Sends what a page becomes whose session was not saved, without what only it was to know."""
        logger.error("session not saved: %s", error, extra={"reason": error.reason})
        self.is_over = True
        self.begun.set()
        body = refusal(error).encode()
        kept = [(name, value) for name, value in headers if name.lower() in (b"set-cookie", b"vary")]
        kept += [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
        start = {"type": "http.response.start", "status": error.code, "headers": _vary(kept)}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})

    async def close(self) -> None:
        """Closes a WebSocket."""
        self.is_over = True
        await self._send({"type": "websocket.close", "code": _POLICY_VIOLATION})

    def _freeze(self) -> None:
        """From here on, what is changed is lost, of which only a look can tell."""
        session = self._session
        session._is_over = True
        if session._opened is not None:
            session._opened.freeze(session)

    def warn_if_changed(self) -> None:
        session = self._session
        if session._is_over and session._opened is not None and session._opened.is_changed(session):
            session._warn_if_over()


def _vary(headers: Headers) -> Headers:
    """Says that the answer depends on the cookie, beside what else it depends on."""
    lines = [value for name, value in headers if name.lower() == b"vary"]
    items = [item.strip().lower() for line in lines for item in line.split(b",")]
    if b"cookie" in items or b"*" in items:
        return headers
    rest = [header for header in headers if header[0].lower() != b"vary"]
    return [*rest, (b"vary", b", ".join([*lines, b"Cookie"]))]


def _known(name: str) -> str:
    """Returns Flask's name of a setting."""
    if name in _STARLETTES:
        raise ConfigError(f"{name} is called {_STARLETTES[name]} here, as in Flask")
    if name.upper() in KNOWN:
        return name.upper()
    near = difflib.get_close_matches(name, map(str.lower, KNOWN), 1)
    advice = f" – did you mean {near[0]}?" if near else ": names are Flask's, in lower case"
    raise ConfigError(f"there is no setting {name}{advice}")
