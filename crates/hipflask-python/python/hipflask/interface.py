"""Between Flask and the engine: opens a session when it is first used, and saves it at the end.

Decides nothing about cookies or records; what the engine says is done here, to a response.
"""

from __future__ import annotations

import contextvars
import functools
import logging
import sys
import time
from typing import TYPE_CHECKING, Any, Callable, Optional

from flask import Request
from flask.sessions import SecureCookieSessionInterface, SessionInterface
from werkzeug.http import dump_cookie

from ._native import Engine, take_log
from .errors import SessionConflict, SessionError, StoreUnavailable
from .session import ReadOnlySession, Session, open_first, unopened
from .settings import Serializer, Settings, check_serializer

if TYPE_CHECKING:
    from flask import Flask, Response

    from ._native import Opened

    _Record = tuple[int, str, list[tuple[str, str]]]
    #: What a call returned or raised, and what is to be logged of it.
    _Outcome = tuple[Any, Optional[Exception], list[_Record]]

__all__ = ["HipFlaskSessionInterface"]

logger = logging.getLogger("hipflask")

#: How Flask's session interface says how cookies are signed.
_SIGNING = ("salt", "digest_method", "key_derivation")

#: How many greenlets may wait for a store at once.
_MOST_WAITING = 64


class HipFlaskSessionInterface(SecureCookieSessionInterface):
    """What :class:`~hipflask.HipFlask` sets as ``app.session_interface``.

    It signs as the interface before it has done, also after ``app.session_interface.salt`` and its like were
    changed; ``get_signing_serializer`` reads and writes the same cookies.
    """

    session_class = Session  # type: ignore[assignment]
    serializer = Serializer()

    def __init__(self, settings: Settings, before: SessionInterface | None = None) -> None:
        self.settings = settings
        if isinstance(before, SecureCookieSessionInterface):
            check_serializer(before.serializer)
            for name in _SIGNING:
                setattr(self, name, getattr(before, name))

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "serializer" or name in _SIGNING:
            self.settings.sign_as(self)

    def open_session(self, app: Flask, request: Request) -> Session | None:  # type: ignore[override]
        """Returns the session of a request, still closed; ``None`` without a secret key, for which
        Flask has a session that can only be read."""
        engine = self.settings.engine(app)
        if engine is None:
            return None
        if self.settings.weaknesses:
            self.settings.report_weaknesses(app)
        kind = type(request)
        if kind is Request or getattr(kind, "cookies", None) is Request.cookies:
            return unopened(engine, request.environ.get("HTTP_COOKIE"))
        # A request that has been given its cookies in another way, as tests do.
        name = self.get_cookie_name(app)
        value = request.cookies.get(name)
        return unopened(engine, value and dump_cookie(name, value, path=None, max_size=0))

    def save_session(self, app: Flask, session: Session, response: Response) -> None:  # type: ignore[override]
        """Saves a session that was used, and tells the browser. If the store does not answer, the
        response becomes an error: nobody is told that all is well when a change is lost."""
        self._save_and_tell(app, session, response)
        session._is_over = True
        if response.is_streamed or response._on_close:
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
            except (SessionConflict, StoreUnavailable) as error:
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


def load(session: Session) -> None:
    """Opens a session: fills the dict, and makes it one that no longer opens itself. Of several threads
    that use it first, one opens it."""
    engine, records = session._engine, None
    with session._lock:
        if session._opened is not None:
            return
        if session._failure is not None:
            raise session._failure
        session.__dict__["accessed"] = True
        dict.clear(session)
        opened, error, records = _call(engine, engine.open, session, session._header, time.time())
        if error is None:
            session._opened = opened
            session.__class__ = ReadOnlySession if opened.is_read_only else session.opened_class  # type: ignore[attr-defined]
        else:
            # The page that says so may show the session; it shall not wait again, and finds nothing.
            session._failure = error
            session.__class__ = ReadOnlySession
    # Whoever handles the records may ask for the session, too.
    _log(records)
    if error is not None:
        raise error
    _report(opened, engine)


def update(session: Session, key: str, function: Callable[[Any], Any]) -> Any:
    """Changes one key, atomically where a store makes that a question."""
    opened, engine = open_first(session), session._engine
    with session._lock:
        if session._saved and engine.is_stored:
            raise SessionError("the session cannot be changed after it was saved, so change it before")
        updating = engine.update(session, opened, key, time.time())
        if updating is None:
            # Nobody else has what this request sees; it is saved with the rest.
            value = session[key] = function(session.get(key))
            return value
        if session.modified:
            # What was changed in place so far can no longer be told from what others have written.
            session.modified = True
        try:
            while True:
                value = function(updating.current)
                if waiting(engine, updating.apply, opened, value):
                    break
        finally:
            updating.finish(session, opened)
        if not session._ended:
            session[key] = value
        return value


def waiting(engine: Engine, call: Callable[..., Any], *args: Any) -> Any:
    """Calls what may wait for a store."""
    result, error, records = _call(engine, call, *args)
    _log(records)
    if error is not None:
        raise error
    return result


def _call(engine: Engine, call: Callable[..., Any], *args: Any) -> _Outcome:
    """Calls what may wait for a store. Under gevent another thread waits, since all greenlets of this
    one would wait with it; the records are for this one, as logging's locks are made for greenlets. What is
    only read there, such as a lazy text, finds the request of this one."""
    if engine.blocks and _is_patched_by_gevent():
        run = contextvars.copy_context().run
        outcome: _Outcome = _threads_of_gevent().apply(run, (_outcome, call, args))
        return outcome
    return _outcome(call, args)


def _outcome(call: Callable[..., Any], args: tuple[Any, ...]) -> _Outcome:
    try:
        return call(*args), None, take_log()
    except Exception as error:
        return None, error, take_log()


def _log(records: list[_Record]) -> None:
    for level, message, fields in records:
        logger.log(level, "%s", message, extra=dict(fields))


def _threads_of_gevent() -> Any:
    """Returns the threads that wait for the greenlets of this one. They are not gevent's own: those are
    few, and while a store is away, nobody could look up a host name."""
    import gevent  # type: ignore[import-untyped,unused-ignore]
    from gevent.threadpool import ThreadPool  # type: ignore[import-untyped,unused-ignore]

    hub = gevent.get_hub()
    if not hasattr(hub, "hipflask_threads"):
        hub.hipflask_threads = ThreadPool(_MOST_WAITING, hub=hub)
    return hub.hipflask_threads


def _is_patched_by_gevent() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("socket"))


def _report(opened: Opened, engine: Engine) -> None:
    if opened.is_refusal:
        logger.info(
            "session cookie refused: %s",
            opened.reason_text,
            extra={"reason": opened.reason, "age": opened.age, "len": opened.length},
        )
    elif logger.isEnabledFor(logging.DEBUG):
        key = opened.key
        fingerprint = None if key is None else engine.fingerprints[key]
        logger.debug(
            "session opened",
            extra={"reason": opened.reason, "age": opened.age, "key": key, "fingerprint": fingerprint},
        )


def _warn_if_changed(session: Session) -> None:
    if session._opened is not None and session._opened.is_changed(session):
        session._warn_if_over()


def _vary_if_accessed(session: Session, response: Response) -> None:
    if session.accessed:
        _vary(response)


def _vary(response: Response) -> None:
    # Werkzeug's set of header items is worth its time only if there is one already. To ask for the list
    # of them costs a third of `in`, which raises an exception inside.
    if response.headers.getlist("Vary"):
        response.vary.add("Cookie")
    else:
        response.headers.add("Vary", "Cookie")


def _refuse(response: Response, error: SessionConflict | StoreUnavailable) -> None:
    """Turns a response that the view has made into an error, without what only it was to know."""
    logger.error("session not saved: %s", error, extra={"reason": error.reason})
    close = getattr(response.response, "close", None)
    if close is not None:
        response.call_on_close(close)
    keep = [(name, value) for name, value in response.headers if name.lower() in ("set-cookie", "vary")]
    response.headers.clear()
    for name, value in keep:
        response.headers.add(name, value)
    response.status_code = error.code
    response.mimetype = "text/plain"
    response.set_data(f"{response.status}: the session was not saved. Please try again.\n")
    _vary(response)
