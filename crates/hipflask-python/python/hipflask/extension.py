"""The Flask extension: what an app calls once."""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, Union

import click
from flask import Flask, current_app

from .errors import ConfigError
from .interface import HipFlaskSessionInterface
from .log_in import renew_at_log_in
from .replaced import tell_if_replaced, tell_what_is_lost
from .settings import Settings
from .shadow import Shadow, checked, look_on
from .waiting import waiting

if TYPE_CHECKING:
    from quart import Quart  # type: ignore[import-not-found,unused-ignore]

    from ._native import Engine

    App = Union[Flask, Quart]

__all__ = ["HipFlask", "UserSession"]

#: How many sessions are removed in one step.
_PART = 1000


class UserSession(NamedTuple):
    """A session of a user, as it lies in the store."""

    #: A name of it that may be put into a page: it ends the session, and opens none.
    handle: str
    #: When the user has logged in, in seconds since 1970, if the log-in has noted it.
    authenticated_at: Optional[float]
    #: When it was last used, to a few minutes, if ``SESSION_USER_INDEX`` is on.
    last_seen: Optional[float]
    #: The device that it was last seen on, such as "Firefox on Linux", if ``SESSION_USER_INDEX`` is on.
    device: Optional[str]
    #: In how many seconds the session ends, if the store tells.
    expires_in: Optional[float]
    #: The bytes of its record.
    size: int


class HipFlask:
    """Gives a Flask app sessions that lose nothing, and a Quart app the same ones.

    Without ``SESSION_TYPE`` they are Flask's signed cookies; with it they are Flask-Session's records,
    found through Flask-Session's own settings. ``store`` is the address of a store instead, such as
    ``"redis://localhost"``. There, who logs in by Flask-Login gets a new id by itself.

    With ``shadow=True`` the sessions that the app has go on serving, and Hipflask only looks on:
    ``flask hipflask-shadow`` says what would be different.

    >>> from flask import Flask, session
    >>> from hipflask import HipFlask
    >>> app = Flask("example")
    >>> app.secret_key = "9f3c6a52be0d47c1886d1f7a0cb35e24"
    >>> extension = HipFlask(app)
    >>> @app.route("/count")
    ... def count():
    ...     session["count"] = session.get("count", 0) + 1
    ...     return str(session["count"])
    >>> client = app.test_client()
    >>> client.get("/count").text, client.get("/count").text
    ('1', '2')

    :raises ConfigError: when the app's configuration cannot work; the text says what to change.
    """

    def __init__(
        self, app: App | None = None, *, store: str | None = None, shadow: bool | Shadow = False
    ) -> None:
        self._store = store
        self._shadow = checked(shadow) if shadow else None
        # The app has this extension, so that each would keep the other alive.
        self._app: Callable[[], App | None] = (lambda: None) if app is None else weakref.ref(app)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: App) -> None:
        """Sets the session interface of an app. One extension can serve several apps."""
        either: Any = app  # for what both of them have
        if self._shadow is not None:
            if not isinstance(app, Flask):
                raise ConfigError("shadow=True looks on at a Flask app: Quart's session interface is another one")
            if isinstance(app.session_interface, HipFlaskSessionInterface):
                raise ConfigError("Hipflask serves this app's sessions already, so that there is nothing to look on at")
            look_on(app, self._shadow, self._store)
            app.extensions["hipflask"] = self
            return
        settings = Settings(either, self._store)
        # A mistake is to be found now, and not by the first visitor.
        engine = settings.engine(either)
        if isinstance(app, Flask):
            tell_what_is_lost(app, app.session_interface)
            app.session_interface = interface = HipFlaskSessionInterface(settings, app)
            tell_if_replaced(app, interface)
            renew_at_log_in(app)
        else:  # Quart
            from .asgi.quart import QuartSessionInterface

            either.session_interface = QuartSessionInterface(settings, either)
        app.extensions["hipflask"] = self
        if engine is not None and engine.is_stored:
            # Flask-Session's name for it, which is in the schedules of its users.
            app.cli.command("session_cleanup", help="Remove expired sessions from the store.")(
                lambda: click.echo(f"{self.purge(current_app)} expired sessions removed")
            )

    def revoke(self, session_id: str, app: App | None = None) -> bool:
        """Ends the session of an id (``session.sid``) in the app's store, and reports whether there was
        one. Requests under way do not bring it back. ``app`` is the current one if left out.

        :raises StoreUnavailable: when the store does not answer.
        :raises ConfigError: when sessions are signed cookies, which nobody can take back.
        """
        engine = self._engine(app)
        if engine is None or not engine.is_stored:
            raise ConfigError(
                "a signed cookie has no id: keep sessions in a store, or see revoke_user"
            )
        return bool(waiting(engine, engine.revoke, session_id))

    def revoke_user(self, user_id: object, app: App | None = None) -> None:
        """Ends all sessions of a user: after a theft, or when an account is closed. Requests under way do not
        bring them back. ``user_id`` is what ``session["_user_id"]`` or ``session["user_id"]`` holds, or another
        key that ``SESSION_USER_KEYS`` names. ``app`` is the current one if left out.

        Signed cookies can be revoked where ``SESSION_REVOCATIONS`` is the address of a store; all that was signed
        so far is refused, here at once and on other nodes after ``SESSION_REVOCATIONS_DELAY`` seconds. In a store
        the user's sessions are found by reading all of the app's.

        :raises StoreUnavailable: when the store does not answer: then some sessions may go on.
        :raises ConfigError: when sessions are signed cookies without a store of revocations.
        """
        engine = self._for_users(app)
        waiting(engine, engine.revoke_user, str(user_id), time.time())

    def sessions_of(self, user_id: object, app: App | None = None) -> list[UserSession]:
        """Returns the sessions of a user. All sessions of the app are read, unless ``SESSION_USER_INDEX`` is on.

        :raises StoreUnavailable: when the store does not answer.
        :raises ConfigError: when sessions are signed cookies: nobody knows how many there are.
        """
        engine = self._for_users(app)
        if not engine.is_stored:
            raise ConfigError("signed cookies cannot be listed: nobody knows how many there are")
        found = waiting(engine, engine.sessions_of, str(user_id), time.time())
        return [UserSession(*each) for each in found]

    def revoke_session_of(self, user_id: object, handle: str, app: App | None = None) -> bool:
        """Ends one session of a user, by the handle that :meth:`sessions_of` gives, and reports whether it was
        there. The handle of another user's session ends nothing.

        :raises StoreUnavailable: when the store does not answer.
        :raises ConfigError: when sessions are signed cookies.
        """
        engine = self._for_users(app)
        return bool(
            waiting(engine, engine.revoke_session_of, str(user_id), handle, time.time())
        )

    def _for_users(self, app: App | None) -> Engine:
        engine = self._engine(app)
        if engine is None or not engine.asks:
            raise ConfigError(
                "signed cookies cannot be revoked: set SESSION_REVOCATIONS to the address of a store, or keep"
                " sessions in a store"
            )
        return engine

    def purge(self, app: App | None = None) -> int:
        """Removes expired sessions from the app's store, and returns how many. SQL databases, files and
        memory keep them until this is called, or ``flask session_cleanup``; other stores never do.

        :raises StoreUnavailable: when the store does not answer.
        """
        engine, purged = self._engine(app), 0
        # In parts, so that other requests come in between.
        while engine is not None and (part := waiting(engine, engine.purge, _PART)):
            purged += part
        return purged

    def _engine(self, app: App | None) -> Engine | None:
        either: Any = app or self._app() or current_app
        settings = getattr(either.session_interface, "settings", None)
        if not isinstance(settings, Settings):
            raise ConfigError("this app has another session interface: call HipFlask(app) first")
        return settings.engine(either)
