"""What is known of an app that is looked at."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSessionInterface, SessionInterface

from ..settings import Settings

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["Facts", "is_known", "overridden"]

#: The methods of a session interface that Hipflask does not call.
_METHODS = (
    *("get_cookie_name", "get_cookie_domain", "get_cookie_path", "get_cookie_httponly", "get_cookie_secure"),
    *("get_cookie_samesite", "get_cookie_partitioned", "get_expiration_time", "should_set_cookie"),
)
_USERS = ("_user_id", "user_id")
#: Where the classes are whose sessions and records are read.
_KNOWN = ("flask", "flask_session", "hipflask")


def is_known(it: object) -> bool:
    """Whether the sessions or records of an object are read."""
    return type(it).__module__.partition(".")[0] in _KNOWN


def overridden(interface: SessionInterface) -> frozenset[str]:
    """Returns the methods of Flask's session interface that this one has of its own."""
    theirs, flasks = type(interface), SecureCookieSessionInterface
    return frozenset(name for name in _METHODS if getattr(theirs, name, None) is not getattr(flasks, name, None))


class Facts:
    """An app's settings, as far as they explain a difference."""

    def __init__(self, app: Flask, interface: SessionInterface, settings: Settings) -> None:
        self.app: Flask = weakref.proxy(app)  # type: ignore[assignment]
        self._settings = settings
        self.overridden = overridden(interface)
        #: Whether the store keeps pickles, as caches do.
        self.pickles = hasattr(interface, "cache")
        keys = app.config.get("SESSION_USER_KEYS") or ()
        self.user_keys = frozenset((*_USERS, *((keys,) if isinstance(keys, str) else keys)))
        serializer = getattr(interface, "serializer", None)
        #: Reads records, if it is not one of Flask-Session's own.
        self.own_serializer = None if is_known(serializer) else serializer
        self.encrypts = bool(app.config.get("SESSION_ENCRYPTION"))

    def json(self) -> Any:
        """Returns what the app says of the JSON in a cookie."""
        return self._settings.json(self.app)

    def refreshes_untouched(self) -> bool:
        """Whether a permanent session is sent again by a page that never uses it."""
        return self._settings.refreshes_untouched

    def has_own_dumps(self) -> bool:
        """Whether the app writes JSON in a way of its own."""
        return type(self.app.json).dumps is not DefaultJSONProvider.dumps
