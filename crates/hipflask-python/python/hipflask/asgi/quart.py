"""Between Quart and the engine: what Quart asks of a session interface."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from quart.sessions import SessionInterface

from ..interface import into_error
from ..session import KeylessSession
from ..settings import Settings
from .session import REFUSALS, AsyncSession, start
from ..starlette import Foreign

if TYPE_CHECKING:
    from quart import Quart, Request, Response, Websocket

__all__ = ["QuartSessionInterface"]

logger = logging.getLogger("hipflask")


class QuartSessionInterface(SessionInterface):
    """What :class:`~hipflask.HipFlask` sets as the ``session_interface`` of a Quart app."""

    null_session_class = KeylessSession

    def __init__(self, settings: Settings, app: Quart) -> None:
        self.settings = settings
        self._foreign = Foreign(app.config)

    async def open_session(self, app: Quart, request: Request | Websocket) -> AsyncSession | None:  # type: ignore[override]
        """Returns the session of a request, read from its store, or ``None`` without a secret key."""
        engine = self.settings.engine(app)  # type: ignore[arg-type]
        if engine is None:
            return None
        if self.settings.weaknesses:
            self.settings.report_weaknesses(app)  # type: ignore[arg-type]
        agent = request.headers.get("User-Agent") if engine.lists_users else None
        cookies = "; ".join(request.headers.getlist("Cookie"))
        session = start(engine, self.get_cookie_name(app), cookies, agent, self._foreign)
        if engine.asks:
            await session.fetch()
        return session

    async def save_session(self, app: Quart, session: Any, response: Response | None) -> None:  # type: ignore[override]
        """Saves a session that was used, and tells the browser. If that cannot be done, the response becomes an
        error. A WebSocket's session is saved when it ends, and then nobody can be told."""
        try:
            cookie = await session.save(self.settings, self.settings.json(app))  # type: ignore[arg-type]
        except REFUSALS as error:
            if response is None:
                raise
            if session._opened is not None or session._modified:
                into_error(response, error)
            return
        session._is_over = True
        if response is None:
            if cookie is not None and not session._engine.is_stored:
                logger.warning("session changed in a WebSocket: the change is lost, for no cookie can be sent")
            return
        if cookie is not None:
            response.headers.add("Set-Cookie", cookie)
        if cookie is not None or session.accessed:
            response.vary.add("Cookie")
