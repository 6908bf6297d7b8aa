"""An app's configuration → the engine that opens and saves its sessions.

Flask reads its configuration at each request, so that it may be changed at any time; here a change
makes another engine.
"""

from __future__ import annotations

import json
import logging
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider, JSONProvider
from flask.json.tag import JSONTag, TaggedJSONSerializer
from flask.sessions import SecureCookieSessionInterface

from . import _native
from .address import NAMES, Store, address_of, checked
from .errors import ConfigError
from .keys import KeyFile, keys_of, weaknesses

__all__ = ["KNOWN", "Serializer", "Settings", "check_serializer"]

logger = logging.getLogger("hipflask")

#: What is decided here, before there is an engine.
_HERE = (
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "SESSION_REFRESH_UNTOUCHED",
    "SESSION_REFUSE_WEAK_KEY",
    "SECRET_KEY_FILE",
)
#: What the engine reads, and which of it takes a truth value; `SESSION_TYPE` has become an address.
_ENGINES = {
    name: is_flag for name, is_flag in _native.settings() if name not in (*_HERE, "SESSION_TYPE")
}
_NAMES = (*_HERE, *_ENGINES)

#: All that a configuration can say of sessions.
KNOWN = frozenset((*_NAMES, *NAMES))

#: What Flask asks the app for and not its configuration: a class may have an attribute of its own there.
_ATTRIBUTES = {
    "SECRET_KEY": "secret_key",
    "PERMANENT_SESSION_LIFETIME": "permanent_session_lifetime",
}

_OTHER_SERIALIZER = (
    "the app's session serializer has tags or a format of its own, which this package cannot read: store what"
    " the objects are made of"
)

#: Flask's own limit, at which it only warns; browsers keep three bytes more.
_FLASKS_COOKIE_SIZE = 4093
#: What sessions in a store need a key for; otherwise they need none.
_NEEDING_A_KEY = {"SESSION_USE_SIGNER": "sign", "SESSION_ENCRYPTION": "encrypt"}
#: Where ``None`` does not stand for the default, as in Flask.
_NONE_IS_A_VALUE = frozenset(
    ("SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "SESSION_REFRESH_EACH_REQUEST")
)


class Settings:
    """Makes engines for one app, and keeps the last one as long as the configuration is the same."""

    #: What the engine is not told.
    left_out: tuple[str, ...] = ()

    def __init__(self, app: Flask, store: str | None) -> None:
        self._store: Store | None = address_of(app.config, app) if store is None else checked(store, "store")
        self._own = {
            name: attribute
            for name, attribute in _ATTRIBUTES.items()
            if getattr(type(app), attribute) is not getattr(Flask, attribute)
        }
        self._signing: tuple[bytes, str, str] | None = None
        self._values: tuple[Any, ...] | None = None
        #: The whole configuration when it was last read: to compare it is faster than to read it.
        self._seen: dict[str, Any] | None = None
        self._engine: _native.Engine | None = None
        self._key_file = KeyFile()
        self.refreshes_untouched = False
        #: What makes the keys easy to guess, until the log has it.
        self.weaknesses: list[str] = []

    def __repr__(self) -> str:
        # The address of a store may hold a password.
        return f"<{type(self).__name__} of {'a store' if self._store else 'signed cookies'}>"

    def engine(self, app: Flask) -> _native.Engine | None:
        """Returns the engine for the configuration as it is now; ``None`` without a secret key.

        :raises ConfigError: when the configuration cannot work; the text says what to change.
        """
        config = app.config
        if config.get("SECRET_KEY_FILE") is not None:
            self._key_file.refresh(config)
        if self._own or not self._is_as_seen(config):
            values = tuple(map(config.get, _NAMES))
            if self._own:
                values += tuple(getattr(app, attribute) for attribute in self._own.values())
            if values != self._values:
                self._engine = self._build(values)
                self._values = values
            self._seen = dict(config)
        return self._engine

    def _is_as_seen(self, config: dict[str, Any]) -> bool:
        try:
            return self._seen == config
        except Exception:
            # A value that cannot be compared has taken the place of another one.
            return False

    @staticmethod
    def json(app: Flask) -> Any:
        """Returns what the app says of the JSON in a cookie: ``default``, ``sort_keys``, ``ensure_ascii``."""
        provider = app.json
        kind = type(provider)
        if kind is DefaultJSONProvider or kind.dumps is DefaultJSONProvider.dumps:
            return provider
        return _JSONOfTheApp(provider)

    def sign_as(self, interface: SecureCookieSessionInterface) -> None:
        """Signs cookies as Flask would with this session interface from now on."""
        self._signing = _signing_of(interface)
        self._values = self._seen = None

    def report_weaknesses(self, app: Flask) -> None:
        """Tells the log once what is wrong with the keys. A warning of Python's would make tests fail where
        warnings are errors, and a key that only tests know is as good as any other."""
        if not app.testing:
            for weakness in self.weaknesses:
                logger.warning(
                    "%s. Whoever guesses it can be any user; SESSION_REFUSE_WEAK_KEY = True makes this an error.",
                    weakness,
                )
            self.weaknesses = []

    def _build(self, values: tuple[Any, ...]) -> _native.Engine | None:
        theirs = dict(zip((*_NAMES, *self._own), values))
        key, fallbacks, refresh_untouched, refuse_weak_key, _ = map(theirs.pop, _HERE)
        self.refreshes_untouched = bool(refresh_untouched)
        theirs = {name: value for name, value in theirs.items() if name not in self.left_out}
        settings = {name: _plain(name, value) for name, value in theirs.items() if _is_set(name, value)}
        if settings.get("MAX_COOKIE_SIZE") == _FLASKS_COOKIE_SIZE:
            del settings["MAX_COOKIE_SIZE"]
        if settings.get("SESSION_COOKIE_PARTITIONED"):
            # As Werkzeug does, because browsers want it.
            settings["SESSION_COOKIE_SECURE"] = True
        keys = keys_of(key, fallbacks)
        if not keys and self._store is None:
            return None
        for name, use in _NEEDING_A_KEY.items() if not keys else ():
            if settings.get(name):
                raise ConfigError(f"{name} needs a key to {use} with: set SECRET_KEY")
        self.weaknesses = list(weaknesses(keys))
        if self.weaknesses and refuse_weak_key:
            raise ConfigError(self.weaknesses[0])
        if self._signing is not None:
            settings["SIGNING"] = self._signing
        revocations = settings.pop("SESSION_REVOCATIONS", None)
        if revocations is not None:
            revocations = checked(revocations, "SESSION_REVOCATIONS")
        return _native.Engine(keys, settings, self._store, revocations)


def _is_set(name: str, value: Any) -> bool:
    if name == "SESSION_COOKIE_DOMAIN" and not value:
        return False
    return value is not None or name in _NONE_IS_A_VALUE


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):
        return value.isoformat() if not isinstance(value, datetime) or value.tzinfo else f"{value.isoformat()}Z"
    if isinstance(value, dict):
        return {each: _plain(name, until) for each, until in value.items()}
    return bool(value) if _ENGINES[name] and (value is None or isinstance(value, int)) else value


def _signing_of(interface: SecureCookieSessionInterface) -> tuple[bytes, str, str] | None:
    """Returns how a session interface signs cookies, if not as Flask's own does."""
    check_serializer(interface.serializer)
    salt = interface.salt
    signing = (
        salt.encode() if isinstance(salt, str) else bytes(salt),
        getattr(interface.digest_method(), "name", ""),
        interface.key_derivation,
    )
    return None if signing == (b"cookie-session", "sha1", "hmac") else signing


class _JSONOfTheApp:
    """What counts of a JSON provider that writes in a way of its own: the objects that only it can write,
    which become what is read of that."""

    def __init__(self, provider: JSONProvider) -> None:
        self.default = lambda it: json.loads(provider.dumps(it))
        self.sort_keys = getattr(provider, "sort_keys", False)
        self.ensure_ascii = getattr(provider, "ensure_ascii", True)


class Serializer(TaggedJSONSerializer):
    """Flask's serializer, for those who read and write cookies themselves: it takes no further tags."""

    def register(self, tag_class: type[JSONTag], force: bool = False, index: int | None = None) -> None:
        if len(self.order) == len(self.default_tags):
            raise ConfigError(_OTHER_SERIALIZER)
        super().register(tag_class, force, index)


def check_serializer(serializer: Any) -> None:
    """Refuses all but Flask's serializer as Flask has it."""
    kind = type(serializer)
    is_flasks = (
        isinstance(serializer, TaggedJSONSerializer)
        and (kind.dumps, kind.loads) == (TaggedJSONSerializer.dumps, TaggedJSONSerializer.loads)
        and list(map(type, serializer.order)) == TaggedJSONSerializer.default_tags
    )
    if not is_flasks:
        raise ConfigError(_OTHER_SERIALIZER)
