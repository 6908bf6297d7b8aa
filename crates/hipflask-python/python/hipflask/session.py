"""The session as views have it: a dict that is opened when it is first used.

Knows what Flask's session does to its flags, and nothing of cookies or stores: opening and saving
are the interface's.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Callable

from flask.sessions import NullSession, SessionMixin

from .errors import ConfigError, SessionError, StoreUnavailable
from .waiting import waiting

if TYPE_CHECKING:
    from ._native import Engine, Opened, Updating

__all__ = ["Session"]

logger = logging.getLogger("hipflask")

_ABSENT: Any = object()
_ABOUT_THE_SESSION = ("_permanent", "_hipflask_started")


class _Lock:
    """Who opens, updates or saves a session has its lock: several threads and greenlets may use one. It is
    made when it is first asked for, in one step, and is an attribute from then on."""

    def __get__(self, session: Session, _owner: type[Session]) -> threading.RLock:
        lock: threading.RLock = session.__dict__.setdefault("_lock", threading.RLock())
        return lock


class Session(dict, SessionMixin):  # type: ignore[type-arg]
    """A visitor's session. It behaves as Flask's, and more:

    - a change deep inside of a list or dict is noticed, without ``session.modified = True``;
    - ``session.reason`` says why it is what it is, for instance ``"expired"``;
    - :meth:`renew`, :meth:`destroy`, :meth:`update_atomically` and :meth:`take`.

    >>> from flask import Flask, session
    >>> from hipflask import HipFlask
    >>> app = Flask("example")
    >>> app.secret_key = "9f3c6a52be0d47c1886d1f7a0cb35e24"
    >>> extension = HipFlask(app)
    >>> with app.test_request_context():
    ...     session["cart"] = ["tea"]
    ...     session.reason, session.modified
    ('no_cookie', True)
    """

    #: Whether somebody asked for it: the response then says ``Vary: Cookie``.
    accessed = False

    # Instances are made by `unopened`, so that these stand for what most of them never set.
    _engine: Engine
    _header: str | None
    #: Where the request came from, if the sessions of users are listed.
    _user_agent: str | None = None
    _lock = _Lock()
    _opened: Opened | None = None
    _failure: Exception | None = None
    _modified: bool | None = None
    _cleared = False
    _renewed = False
    _ended = False
    _saved = False
    #: The response is made, and what changes from here on is lost.
    _is_over = False
    _saved_as: str | None = None

    @property
    def modified(self) -> bool:
        """Whether the session is to be saved. Assigning ``False`` keeps it from being saved."""
        if self._modified is None:
            return self._opened is not None and self._opened.is_changed(self)
        return self._modified

    @modified.setter
    def modified(self, modified: bool) -> None:
        self._modified = bool(modified)
        self._warn_if_over()

    @property
    def reason(self) -> str:
        """Why the session is what it is: the code of a reason, such as ``"verified"``,
        ``"no_cookie"``, ``"bad_signature"``, ``"expired"`` or ``"unknown_id"``."""
        return self._open().reason

    @property
    def sid(self) -> str | None:
        """The id under which the session lies in its store, or will; ``None`` in a signed cookie.

        Whoever knows it can be the visitor: keep it out of logs."""
        return self._open().sid if self._engine.is_stored else None

    def renew(self) -> None:
        """Gives the session a new id when it is saved and ends the old one: for the moment when a
        visitor logs in, or gets more rights. What is empty gets it when something is set. A signed
        cookie has no id, and nothing changes: who has a copy of it keeps that."""
        opened = self._open()
        if self._engine.is_stored:
            self._renewed = True
            opened.draw_id()
            if self:
                self._changed()

    def destroy(self) -> None:
        """Ends the session, also for requests under way: for log-out. What is set afterwards is a
        new session with a new id. A signed cookie cannot be ended, unless ``SESSION_REVOCATIONS`` is set: a
        copy of it stays valid."""
        opened = self._open()
        self.clear()
        self._ended = True
        if self._engine.is_stored:
            opened.draw_id()

    def revoke_others(self, user_id: object) -> None:
        """Ends all other sessions of this session's user, for instance after a change of the password.

        :raises StoreUnavailable: when the store does not answer: then some sessions may go on.
        :raises SessionConflict: when this session itself was ended meanwhile.
        :raises ConfigError: when sessions are signed cookies without ``SESSION_REVOCATIONS``.
        """
        opened, engine = self._open(), self._engine
        if not engine.asks:
            raise ConfigError("signed cookies cannot be revoked: set SESSION_REVOCATIONS")
        waiting(engine, engine.revoke_others, opened, str(user_id), time.time())

    def update_atomically(self, key: str, function: Callable[[Any], Any]) -> Any:
        """Sets ``key`` to what ``function`` returns for its present value, or for ``None``, and
        returns that. In a store this is one step: of two requests that count up, none is lost. That
        holds between Hipflask's own requests: plain Flask-Session still overwrites.

        The function may be called several times, each time with what other requests have left. What
        this request itself has changed before is its own, and is saved with the rest.

        :raises StoreUnavailable: when the store does not answer.
        :raises SessionConflict: when another request has ended the session.
        """
        opened, engine = self._open(), self._engine
        with self._lock:
            updating = self._begin_update(key)
            if updating is None:
                # Nobody else has what this request sees; it is saved with the rest.
                value = self[key] = function(self.get(key))
                return value
            try:
                while True:
                    value = function(updating.current)
                    if waiting(engine, updating.apply, opened, value):
                        break
            finally:
                updating.finish(self, opened)
            if not self._ended:
                self[key] = value
            return value

    def take(self, key: str) -> Any:
        """Takes a value out, which exactly one request gets, on all nodes; ``None`` if there is none: for
        what may be used once, such as the ``state`` of a log-in elsewhere, or a challenge.

        In a store the value is gone when this returns, and of requests that overlap one gets it. That holds
        between Hipflask's own requests: plain Flask-Session may write it back. In a signed cookie it is gone
        from this browser only: who sends an old copy of the cookie gets it again.

        >>> from flask import Flask, session
        >>> from hipflask import HipFlask
        >>> app = Flask("example")
        >>> extension = HipFlask(app, store="memory:")
        >>> with app.test_request_context():
        ...     session["oauth_state"] = "af0ifjsldkj"
        ...     session.take("oauth_state"), session.take("oauth_state")
        ('af0ifjsldkj', None)

        :raises StoreUnavailable: when the store does not answer.
        :raises SessionConflict: when another request has ended the session.
        """
        opened, engine = self._open(), self._engine
        with self._lock:
            updating = self._begin_update(key)
            if updating is None:
                return self.pop(key, None)
            try:
                while True:
                    value = updating.current
                    if waiting(engine, updating.remove):
                        break
            finally:
                updating.finish(self, opened)
            return value

    def _begin_update(self, key: str) -> Updating | None:
        """Begins to change a key in the store; ``None`` if nobody else has what this request sees."""
        if self._saved and self._engine.is_stored:
            raise SessionError("the session cannot be changed after it was saved, so change it before")
        updating = self._engine.update(self, self._open(), key, time.time())
        if updating is not None and self.modified:
            # What was changed in place so far can no longer be told from what others have written.
            self.modified = True
        return updating

    # --- a dict that notes its changes, by the rules of Flask's own session ---------------------------

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self._changed()
        if type(value) is list and not value:
            self._open().begin(key, value)

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(key)
        self._changed()

    def clear(self) -> None:
        super().clear()
        self._changed()

    def pop(self, key: Any, default: Any = _ABSENT) -> Any:
        if key in self:
            self._changed()
        return super().pop(key) if default is _ABSENT else super().pop(key, default)

    def popitem(self) -> tuple[Any, Any]:
        item = super().popitem()
        self._changed()
        return item

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self._changed()
        value = super().setdefault(key, default)
        if type(value) is list and not value:
            self._open().begin(key, value)
        return value

    def update(self, *args: Any, **kwargs: Any) -> None:
        super().update(*args, **kwargs)
        self._changed()
        self._begin_lists()

    def __ior__(self, other: Any) -> Session:  # type: ignore[misc]
        super().update(other)
        self._changed()
        self._begin_lists()
        return self

    def _begin_lists(self) -> None:
        for key, value in self.items():
            if type(value) is list and not value:
                self._open().begin(key, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # A copy, or what a pickle brings back, is the content without a request around it.
        return dict, (dict(self),)

    def __repr__(self) -> str:
        return f"<{Session.__name__} {super().__repr__()}>"

    def _changed(self) -> None:
        self._modified = True
        self._warn_if_over()

    def _warn_if_over(self) -> None:
        if self._is_over or self._saved:
            logger.warning("session changed after the response was made: the change is lost")

    def _open(self) -> Opened:
        assert self._opened is not None
        return self._opened


class StoredSession(Session):
    """A session in a store, where Flask-Session has rules of its own."""

    def __bool__(self) -> bool:
        return any(key not in _ABOUT_THE_SESSION for key in self)

    def clear(self) -> None:
        permanent = self.get("_permanent", False)
        super().clear()
        dict.__setitem__(self, "_permanent", permanent)
        self._cleared = True


class ReadOnlySession(StoredSession):
    """What a visitor gets while the store does not answer and the app prefers that to an error; and what
    the page finds that says so."""

    @property
    def reason(self) -> str:
        return "store_unavailable"

    @property
    def sid(self) -> None:
        return None

    def _refuse(self, *_args: Any, **_kwargs: Any) -> Any:
        raise StoreUnavailable("the session cannot be changed: its store does not answer")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse
    renew = destroy = update_atomically = take = _refuse


class KeylessSession(NullSession):
    """What an app without a secret key has: it is empty, and whatever would change it is Flask's error that says so."""

    renew = destroy = revoke_others = update_atomically = take = NullSession.clear
