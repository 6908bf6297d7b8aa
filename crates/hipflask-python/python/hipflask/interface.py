"""Between Flask and the engine: opens a session when it is first used, and saves it at the end.

Decides nothing about cookies or records; what the engine says is done here, to a response.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import time
from typing import TYPE_CHECKING, Any

from flask import Request
from flask.sessions import SecureCookieSessionInterface, SessionInterface
from werkzeug.http import dump_cookie
from werkzeug.local import LocalProxy

from .errors import SessionConflict, StoreUnavailable, TooManySessions, refusal
from .session import KeylessSession, Session
from .settings import Serializer, Settings, check_serializer
from .starlette import Foreign
from .unopened import open_first, unopened
from .waiting import waiting

if TYPE_CHECKING:
    from flask import Flask, Response
    from itsdangerous import URLSafeTimedSerializer

__all__ = ["HipFlaskSessionInterface", "cookie_header", "into_error"]

logger = logging.getLogger("hipflask")

#: How Flask's session interface says how cookies are signed.
_SIGNING = ("salt", "digest_method", "key_derivation")


class HipFlaskSessionInterface(SecureCookieSessionInterface):
    """What :class:`~hipflask.HipFlask` sets as ``app.session_interface``.

    It signs as the interface before it has done, also after ``app.session_interface.salt`` and its like were
    changed; ``get_signing_serializer`` reads and writes the same cookies.
    """

    session_class = Session  # type: ignore[assignment]
    null_session_class = KeylessSession
    serializer = Serializer()

    def __init__(self, settings: Settings, app: Flask) -> None:
        self.settings = settings
        self._foreign = Foreign(app.config)
        before = app.session_interface
        if isinstance(before, SecureCookieSessionInterface):
            check_serializer(before.serializer)
            for name in _SIGNING:
                setattr(self, name, getattr(before, name))

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "serializer" or name in _SIGNING:
            self.settings.sign_as(self)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Returns a serializer of the same cookies, for those who read and write them by themselves: it signs
        with ``SESSION_DIGEST``, and accepts what is still accepted."""
        engine, serializer = self.settings.engine(app), super().get_signing_serializer(app)
        if engine is not None and serializer is not None:
            ways: list[Any] = [
                {**serializer.signer_kwargs, "digest_method": getattr(hashlib, name)}
                for name in engine.digests(time.time())
            ]
            serializer.signer_kwargs, *serializer.fallback_signers = ways
        return serializer

    def open_session(self, app: Flask, request: Request) -> Session | None:  # type: ignore[override]
        """Returns the session of a request, still closed; ``None`` without a secret key, for which
        Flask has a session that can only be read."""
        engine = self.settings.engine(app)
        if engine is None:
            return None
        if self.settings.weaknesses:
            self.settings.report_weaknesses(app)
        agent = request.environ.get("HTTP_USER_AGENT") if engine.lists_users else None
        return unopened(engine, cookie_header(self, app, request), agent)

    def save_session(self, app: Flask, session: Session, response: Response) -> None:  # type: ignore[override]
        """Saves a session that was used, and tells the browser. If the store does not answer, the
        response becomes an error: nobody is told that all is well when a change is lost."""
        given: Any = session
        if type(given) is LocalProxy:
            # From an app that saves by hand, as Superset does for its reports.
            session = given._get_current_object()
        self._save_and_tell(app, session, response)
        session._is_over = True
        if session._opened is not None and session._opened.is_refusal:
            self._foreign.look_at(session._header)
        # The body of most responses is a list of one.
        if type(response.response) is not list or response._on_close:
            # What is still to come may change what is in the session, of which only a look can tell.
            if session._opened is not None:
                session._opened.freeze(session)
            response.call_on_close(functools.partial(_warn_if_changed, session))

    def _save_and_tell(self, app: Flask, session: Session, response: Response) -> None:
        if session._opened is None and not (session._modified or self.settings.refreshes_untouched):
            header = None
        elif session._saved and session._engine.is_stored:
            # It was saved by hand, or with a page that failed; what that came to is for this one, too.
            header = session._saved_as
        else:
            try:
                header = self._save(app, session)
            except (SessionConflict, StoreUnavailable, TooManySessions) as error:
                # A page that has not used its session is as good without it.
                if session._opened is not None or session._modified:
                    _refuse(response, error)
                    return
                header = None
            except Exception:
                # The page that says so is this visitor's, too.
                _vary_if_accessed(session, response)
                raise
        if header is not None:
            response.headers.add("Set-Cookie", header)
            _vary(response)
        else:
            _vary_if_accessed(session, response)

    def _save(self, app: Flask, session: Session) -> str | None:
        """Saves a session and returns the cookie to send."""
        if session._opened is None:
            # Flask asks on its own here, which is no use of the session by the app.
            accessed = session.accessed
            open_first(session)
            session.accessed = accessed
        engine, json = session._engine, self.settings.json(app)
        # After those who are changing it: see `update`.
        with session._lock:
            session._saved = True
            session._saved_as = waiting(engine, engine.save, session, session._opened, time.time(), json)
        return session._saved_as

    def regenerate(self, session: Session) -> None:
        """Gives a session a new id, as Flask-Session's method of this name: :meth:`Session.renew`."""
        session.renew()


def cookie_header(interface: SessionInterface, app: Flask, request: Request) -> str | None:
    """Returns the ``Cookie`` header of a request."""
    kind = type(request)
    if kind is Request or getattr(kind, "cookies", None) is Request.cookies:
        header: str | None = request.environ.get("HTTP_COOKIE")
        return header
    # A request that has been given its cookies in another way, as tests do.
    name = interface.get_cookie_name(app)
    value = request.cookies.get(name)
    return value and dump_cookie(name, value, path=None, max_size=0)


def _warn_if_changed(session: Session) -> None:
    if session._opened is not None and session._opened.is_changed(session):
        session._warn_if_over()


def _vary_if_accessed(session: Session, response: Response) -> None:
    if session.accessed:
        _vary(response)


def _vary(response: Any) -> None:
    # Werkzeug's set of header items is worth its time only if there is one already. To ask for the list
    # of them costs a third of `in`, which raises an exception inside.
    if response.headers.getlist("Vary"):
        response.vary.add("Cookie")
    else:
        response.headers.add("Vary", "Cookie")


def _refuse(
    response: Response, error: SessionConflict | StoreUnavailable | TooManySessions
) -> None:
    """Turns a response that the view has made into an error, without what only it was to know."""
    close = getattr(response.response, "close", None)
    if close is not None:
        response.call_on_close(close)
    into_error(response, error)


def into_error(response: Any, error: SessionConflict | StoreUnavailable | TooManySessions) -> None:
    """Leaves of a response, of Flask or of Quart, what an error may have, and tells the log."""
    logger.error("session not saved: %s", error, extra={"reason": error.reason})
    keep = [(name, value) for name, value in response.headers if name.lower() in ("set-cookie", "vary")]
    response.headers.clear()
    for name, value in keep:
        response.headers.add(name, value)
    response.status_code = error.code
    response.mimetype = "text/plain"
    response.set_data(refusal(error))
    _vary(response)
