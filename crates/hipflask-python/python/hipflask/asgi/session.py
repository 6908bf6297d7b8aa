"""The session of an ASGI request: Flask's, with coroutines where a store has to be waited for."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Iterable

from werkzeug.http import parse_cookie

from ..errors import ConfigError, HipFlaskError, SessionConflict, StoreUnavailable, TooManySessions
from ..session import ReadOnlySession, Session, StoredSession
from ..unopened import Unopened, UnopenedStored, open_first, unopened
from .waiting import elsewhere, in_event_loop, outcome_elsewhere

if TYPE_CHECKING:
    from .._native import Engine, Opened
    from ..settings import Settings
    from ..waiting import Outcome
    from ..starlette import Foreign

__all__ = ["REFUSALS", "AsyncSession", "NotLoaded", "start"]

#: Why a session is not saved, or not opened, which the visitor is told.
REFUSALS = (SessionConflict, StoreUnavailable, TooManySessions)

_FLASHES = "_flashes"


class NotLoaded(HipFlaskError, RuntimeError):
    """A session in a store was used in a coroutine before it was loaded, which would make all requests wait."""

    def __init__(self) -> None:
        super().__init__("the session is not loaded: await request.session.load() first, or leave lazy=True out")


class AsyncSession(Session):
    """A visitor's session, as ``request.session`` has it: a dict as Flask's, whose every change is noticed.

    What may have to wait for a store is a coroutine here.

    >>> import asyncio
    >>> from hipflask.asgi import SessionMiddleware
    >>> async def app(scope, receive, send):
    ...     count = await scope["session"].update_atomically("count", lambda count: (count or 0) + 1)
    ...     await send({"type": "http.response.start", "status": 200, "headers": []})
    ...     await send({"type": "http.response.body", "body": str(count).encode()})
    >>> async def send(message):
    ...     print(message.get("body"))
    >>> app = SessionMiddleware(app, secret_key="9f3c6a52be0d47c1886d1f7a0cb35e24")
    >>> asyncio.run(app({"type": "http", "headers": []}, None, send))
    None
    b'1'
    """

    #: The name of its cookie.
    cookie_name: str
    _foreign: Foreign
    _fetched: tuple[_Content, Outcome] | None = None
    _flashed: list[tuple[str, str]] | None = None

    async def load(self) -> AsyncSession:
        """Reads the session from its store, unless that has been done, and returns it.

        :raises StoreUnavailable: when the store does not answer.
        """
        if self._opened is None:
            await self.fetch()
            open_first(self)
        return self

    async def fetch(self) -> None:
        """Reads the session, and leaves it to whoever uses it first to open it."""
        if self._opened is None and self._fetched is None and self._header is not None:
            engine, content = self._engine, _Content()
            self._fetched = content, await outcome_elsewhere(
                engine, engine.open, content, self._header, time.time(), self._user_agent
            )

    async def update_atomically(
        self, key: str, function: Callable[[Any], Any | Awaitable[Any]]
    ) -> Any:
        """Sets ``key`` to what ``function`` returns for its present value, or for ``None``, and returns that:
        :meth:`hipflask.Session.update_atomically`. The function may be a coroutine function."""
        await self.load()
        async with self._turn():
            updating = self._begin_update(key)
            if updating is None:
                value = self[key] = await _awaited(function(self.get(key)))
                return value
            try:
                while True:
                    value = await _awaited(function(updating.current))
                    if await elsewhere(self._engine, updating.apply, self._open(), value):
                        break
            finally:
                updating.finish(self, self._open())
            if not self._ended:
                self[key] = value
            return value

    async def take(self, key: str) -> Any:
        """Takes a value out, which exactly one request gets: :meth:`hipflask.Session.take`."""
        await self.load()
        async with self._turn():
            updating = self._begin_update(key)
            if updating is None:
                return self.pop(key, None)
            try:
                while True:
                    value = updating.current
                    if await elsewhere(self._engine, updating.remove):
                        return value
            finally:
                updating.finish(self, self._open())

    async def revoke_others(self, user_id: object) -> None:  # type: ignore[override]
        """Ends all other sessions of this session's user: :meth:`hipflask.Session.revoke_others`."""
        await self.load()
        engine = self._engine
        if not engine.asks:
            raise ConfigError("signed cookies cannot be revoked: set session_revocations")
        await elsewhere(engine, engine.revoke_others, self._open(), str(user_id), time.time())

    async def ended(self) -> str:
        """Waits until the session has ended, and returns the code of the reason: what a request with its cookie
        would find. It is looked at every ``session_revocations_delay`` seconds at most, and its life is not
        extended. A session that there is not has ended. What the request itself changes counts once it is saved:
        of a WebSocket, when it is accepted."""
        lines = self._saved_as if self._saved_as is not None else self._header
        value = parse_cookie(lines or "").get(self.cookie_name)
        if not value:
            return "no_cookie"
        engine, watching = self._engine, self._engine.watch(value)
        while (reason := await elsewhere(engine, watching.look, time.time())) is None:
            await asyncio.sleep(watching.pause())
        return str(reason)

    async def save(self, settings: Settings, json: Any) -> str | None:
        """Saves the session, if it was used, and returns the cookie to send."""
        if self._opened is None and not (self._modified or settings.refreshes_untouched):
            return None
        if not (self._saved and self._engine.is_stored):
            # It may be opened on behalf of the settings alone.
            accessed = self.accessed
            await self.load()
            self.accessed = accessed
            engine = self._engine
            async with self._turn():
                self._saved = True
                self._saved_as = await elsewhere(engine, engine.save, self, self._open(), time.time(), json)
        return self._saved_as

    def flash(self, message: str, category: str = "message") -> None:
        """Keeps a message for the next page, as Flask's function of this name."""
        self[_FLASHES] = [*self.get(_FLASHES, ()), (category, message)]

    def get_flashed_messages(
        self, with_categories: bool = False, category_filter: Iterable[str] = ()
    ) -> list[str] | list[tuple[str, str]]:
        """Takes the messages out, as Flask's function of this name. The same request gets them again."""
        if self._flashed is None:
            self._flashed = [tuple(each) for each in self.pop(_FLASHES, ())]
        wanted = list(category_filter)
        found = [each for each in self._flashed if not wanted or each[0] in wanted]
        return found if with_categories else [message for _, message in found]

    def _turn(self) -> asyncio.Lock:
        """Of several tasks of a request, one changes the store at a time."""
        lock: asyncio.Lock = self.__dict__.setdefault("_tasks", asyncio.Lock())
        return lock


class _Stored(AsyncSession, StoredSession):
    """A session in a store."""


class _ReadOnly(ReadOnlySession, AsyncSession):
    """A session whose store does not answer."""


class _Content(dict[Any, Any]):
    """What was fetched, and whether it is to be saved although nobody changes it."""

    _modified = False


def _begin(session: Any) -> Outcome:
    """Opens a session with what was fetched, or waits for the store where that holds up nobody else."""
    if session._fetched is None:
        if session._header is not None and session._engine.asks and in_event_loop():
            raise NotLoaded
        result = Unopened._begin(session)
    else:
        content, result = session._fetched
        session.__dict__["accessed"] = True
        dict.clear(session)
        dict.update(session, content)
        if content._modified:
            session._modified = True
    opened: Opened | None = result[0]
    if opened is not None and opened.is_refusal:
        session._foreign.look_at(session._header)
    return result


class _Unopened(Unopened, AsyncSession):
    opened_class = AsyncSession
    read_only_class = _ReadOnly
    _begin = _begin


class _UnopenedStored(UnopenedStored, AsyncSession):
    opened_class = _Stored
    read_only_class = _ReadOnly
    _begin = _begin


def start(engine: Engine, name: str, header: str, agent: str | None, foreign: Foreign) -> AsyncSession:
    """Returns the session of a request with these cookies, which is opened when it is first used. ``name`` is
    that of its cookie."""
    session: Any = unopened(engine, header if name in header else None, agent, (_Unopened, _UnopenedStored))
    session.cookie_name = name
    session._foreign = foreign
    return session  # type: ignore[no-any-return]


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
