"""An app's configuration → the engine that opens and saves its sessions.

Flask reads its configuration at each request, so that it may be changed at any time; here a change
makes another engine.
"""

from __future__ import annotations

import warnings
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Callable

from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSessionInterface

from . import _native
from .address import address_of, checked
from .errors import ConfigError, WeakKeyWarning

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["Settings"]

#: What is decided here, before there is an engine.
_HERE = (
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "SESSION_REFRESH_UNTOUCHED",
    "SESSION_REFUSE_WEAK_KEY",
)
#: What the engine reads, and which of it takes a truth value; `SESSION_TYPE` has become an address.
_ENGINES = {
    name: is_flag for name, is_flag in _native.settings() if name not in (*_HERE, "SESSION_TYPE")
}
_NAMES = (*_HERE, *_ENGINES)
_N_HERE = len(_HERE)

#: Flask's own limit, at which it only warns; browsers keep three bytes more.
_FLASKS_COOKIE_SIZE = 4093
#: Where ``None`` does not stand for the default, as in Flask.
_NONE_IS_A_VALUE = frozenset(
    ("SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "SESSION_REFRESH_EACH_REQUEST")
)


class Settings:
    """Makes engines for one app, and keeps the last one as long as the configuration is the same."""

    def __init__(self, app: Flask, store: str | None) -> None:
        self._store = address_of(app.config, app) if store is None else checked(store, "store")
        self._signing = _signing_of(app.session_interface)
        self._values: tuple[Any, ...] | None = None
        self._engine: _native.Engine | None = None
        self.refreshes_untouched = False

    def __repr__(self) -> str:
        # The address of a store may hold a password.
        return f"<{type(self).__name__} of {'a store' if self._store else 'signed cookies'}>"

    def engine(self, app: Flask) -> _native.Engine | None:
        """Returns the engine for the configuration as it is now; ``None`` without a secret key.

        :raises ConfigError: when the configuration cannot work; the text says what to change.
        """
        values = tuple(map(app.config.get, _NAMES))
        if values != self._values:
            self._engine = self._build(values)
            self._values = values
        return self._engine

    @staticmethod
    def json_default(app: Flask) -> Callable[[Any], Any] | None:
        """Returns what the app's JSON provider makes of objects that JSON does not know."""
        return getattr(app.json, "default", None)

    def _build(self, values: tuple[Any, ...]) -> _native.Engine | None:
        key, fallbacks, refresh_untouched, refuse_weak_key = values[:_N_HERE]
        self.refreshes_untouched = bool(refresh_untouched)
        theirs = dict(zip(_NAMES[_N_HERE:], values[_N_HERE:]))
        settings = {name: _plain(name, value) for name, value in theirs.items() if _is_set(name, value)}
        if settings.get("MAX_COOKIE_SIZE") == _FLASKS_COOKIE_SIZE:
            del settings["MAX_COOKIE_SIZE"]
        if settings.get("SESSION_COOKIE_PARTITIONED"):
            # As Werkzeug does, because browsers want it.
            settings["SESSION_COOKIE_SECURE"] = True
        keys = _keys(key, fallbacks)
        if not keys and (self._store is None or settings.get("SESSION_USE_SIGNER")):
            if self._store is None:
                return None
            raise ConfigError("SESSION_USE_SIGNER needs a key to sign with: set SECRET_KEY")
        _judge(keys, bool(refuse_weak_key))
        if self._signing is not None:
            settings["SIGNING"] = self._signing
        return _native.Engine(keys, settings, self._store)


def _is_set(name: str, value: Any) -> bool:
    if name == "SESSION_COOKIE_DOMAIN" and not value:
        return False
    return value is not None or name in _NONE_IS_A_VALUE


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return bool(value) if _ENGINES[name] and (value is None or isinstance(value, int)) else value


def _keys(key: Any, fallbacks: Any) -> list[bytes]:
    """Returns the keys as bytes, the current one first."""
    if not key:
        return []
    if isinstance(fallbacks, (str, bytes)):
        raise ConfigError(
            "SECRET_KEY_FALLBACKS expects a list, found a string, of which Flask accepts every single"
            " character as a key: write [\"the old key\"]"
        )
    return [_key("SECRET_KEY", key), *(_key("SECRET_KEY_FALLBACKS", each) for each in fallbacks or ())]


def _key(name: str, key: Any) -> bytes:
    if isinstance(key, str):
        return key.encode()
    if isinstance(key, bytes):
        return key
    raise ConfigError(f"{name} expects str or bytes, found {type(key).__name__}")


def _judge(keys: list[bytes], refuse: bool) -> None:
    for position, key in enumerate(keys):
        weakness = _native.weakness(key)
        if weakness is None:
            continue
        place = "SECRET_KEY" if position == 0 else f"SECRET_KEY_FALLBACKS, position {position}"
        if refuse:
            raise ConfigError(f"{place}: {weakness}")
        warnings.warn(
            f"{place}: {weakness}. Whoever guesses it can be any user; SESSION_REFUSE_WEAK_KEY = True"
            " makes this an error.",
            WeakKeyWarning,
            stacklevel=5,
        )


def _signing_of(interface: Any) -> tuple[bytes, str, str] | None:
    """Returns how the app has signed its cookies so far, if not as Flask does: whoever is logged in
    is to stay so."""
    if not isinstance(interface, SecureCookieSessionInterface):
        return None
    if set(interface.serializer.tags) != set(TaggedJSONSerializer().tags):
        raise ConfigError(
            "the app's session serializer has tags of its own, which this package cannot read: store"
            " what the tagged objects are made of"
        )
    digest = interface.digest_method
    salt = interface.salt
    signing = (
        salt.encode() if isinstance(salt, str) else bytes(salt),
        digest().name,
        interface.key_derivation,
    )
    return None if signing == (b"cookie-session", "sha1", "hmac") else signing
