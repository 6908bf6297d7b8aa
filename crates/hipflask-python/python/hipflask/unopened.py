"""The session of a request until it is first used: opening it makes it an ordinary dict.

What never uses its session pays for nothing but this.
"""

from __future__ import annotations

import functools
import logging
import time
from typing import TYPE_CHECKING, Any

from .session import ReadOnlySession, Session, StoredSession
from .waiting import log, outcome

if TYPE_CHECKING:
    from ._native import Engine, Opened
    from .waiting import Outcome

__all__ = ["Unopened", "UnopenedStored", "open_first", "unopened"]

logger = logging.getLogger("hipflask")

_FOR_THE_END_OF_THE_REQUEST = "_remember"


def unopened(
    engine: Engine,
    header: str | None,
    user_agent: str | None = None,
    kinds: tuple[type[Session], type[Session]] | None = None,
) -> Session:
    """Returns the session of a request, which is opened when it is first used. ``kinds`` are the classes of one
    in a cookie, and of one in a store."""
    session: Session = (kinds or _KINDS)[engine.is_stored]()
    session._engine = engine
    session._header = header
    if user_agent is not None:
        session._user_agent = user_agent
    # The module `json` asks an empty dict for nothing more, and one that is not empty for its `items`.
    dict.__setitem__(session, "", None)
    return session


def open_first(session: Session) -> Opened:
    """Opens a session unless that has been done: it becomes an ordinary dict then."""
    if session._opened is None:
        _load(session)
    return session._open()


def _load(session: Any) -> None:
    """Opens a session: fills the dict, and makes it one that no longer opens itself. Of several threads
    that use it first, one opens it."""
    engine, records = session._engine, None
    with session._lock:
        if session._opened is not None:
            return
        if session._failure is not None:
            raise session._failure
        opened, error, records = session._begin()
        if error is None:
            session._opened = opened
            session.__class__ = session.read_only_class if opened.is_read_only else session.opened_class
        else:
            # The page that says so may show the session; it shall not wait again, and finds nothing.
            session._failure = error
            session.__class__ = session.read_only_class
    # Whoever handles the records may ask for the session, too.
    log(records)
    if error is not None:
        raise error
    _report(opened, engine)


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


def _opening(name: str) -> Any:
    """Returns a method that opens the session, and then is the method of an opened one."""

    @functools.wraps(getattr(Session, name), assigned=("__name__", "__doc__"))
    def method(self: Session, *args: Any, **kwargs: Any) -> Any:
        open_first(self)
        return getattr(self, name)(*args, **kwargs)

    return method


# A session that is not opened has another class, whose methods all open it and change the class; so
# an opened one is a dict without any detour, for the interpreter as well.
_METHODS = {
    name: _opening(name)
    for name in (
        *("__contains__", "__delitem__", "__eq__", "__getitem__", "__ior__", "__iter__", "__len__"),
        *("__ne__", "__or__", "__ror__", "__repr__", "__reversed__", "__setitem__", "__sizeof__"),
        *("clear", "copy", "get", "items", "keys", "pop", "popitem", "setdefault", "update"),
        "values",
    )
}
_METHODS["_open"] = open_first


class Unopened(Session):
    opened_class: type[Session]
    read_only_class: type[Session] = ReadOnlySession
    locals().update(_METHODS)

    def _begin(self) -> Outcome:
        """Fills the dict, and says what the engine has said."""
        self.__dict__["accessed"] = True
        dict.clear(self)
        engine = self._engine
        return outcome(engine, engine.open, self, self._header, time.time(), self._user_agent)

    def __bool__(self) -> bool:
        open_first(self)
        return bool(self)

    @property
    def accessed(self) -> bool:
        return bool(self.__dict__.get("accessed", False))

    @accessed.setter
    def accessed(self, accessed: bool) -> None:
        # Flask from 3.1.3 on sets this whenever the app asks for its session. It is opened then, because
        # some readers of dicts, which are written in C, look into them without calling a method.
        self.__dict__["accessed"] = accessed
        if accessed:
            open_first(self)


class _UnopenedSession(Unopened):
    opened_class = Session


class UnopenedStored(Unopened, StoredSession):
    opened_class = StoredSession
    # To be asked for is no reason to ask the store: whoever then looks into it opens it.
    accessed = False

    def __contains__(self, key: object) -> bool:
        # Flask-Login leaves this for the end of the same request, and looks for it there each time. What
        # this request has not put there is not there, so the store need not be asked.
        if key == _FOR_THE_END_OF_THE_REQUEST:
            return False
        open_first(self)
        return key in self


_KINDS = (_UnopenedSession, UnopenedStored)
