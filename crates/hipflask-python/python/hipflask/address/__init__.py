"""Finds the store that a Flask application's configuration names, as an address: ``redis://…``.

Reads the names and the client objects of Flask-Session, one module per kind of store, and takes from a
client only where its server is and how to log in there: how long to wait is ``SESSION_STORE_DEADLINE``.
Connects to nothing, and must not know what a session is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Mapping

from .._native import store_kind
from ..clients.sql import SQLiteClient
from ..errors import ConfigError
from . import cachelib, dynamodb, memcached, mongodb, redis, sqlalchemy
from .form import Address, Store

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["NAMES", "Address", "Store", "address_of", "checked"]

_KINDS: dict[str, Callable[[Mapping[str, Any], Flask], Store]] = {
    "cachelib": cachelib.of_client,
    "dynamodb": dynamodb.store,
    "filesystem": cachelib.of_folder,
    "memcached": memcached.address,
    "mongodb": mongodb.store,
    "redis": redis.address,
    "sqlalchemy": sqlalchemy.address,
}

#: What a configuration can say of its store.
NAMES = (
    *("SESSION_CACHELIB", "SESSION_CLEANUP_N_REQUESTS", "SESSION_DYNAMODB", "SESSION_DYNAMODB_EXISTS"),
    *("SESSION_DYNAMODB_TABLE", "SESSION_DYNAMODB_URL", "SESSION_FILE_DIR", "SESSION_FILE_MODE"),
    *("SESSION_FILE_THRESHOLD", "SESSION_MEMCACHED", "SESSION_MONGODB", "SESSION_MONGODB_COLLECT"),
    *("SESSION_MONGODB_DB", "SESSION_REDIS", "SESSION_SQLALCHEMY", "SESSION_SQLALCHEMY_BIND_KEY"),
    *("SESSION_SQLALCHEMY_SCHEMA", "SESSION_SQLALCHEMY_SEQUENCE", "SESSION_SQLALCHEMY_TABLE"),
    *("SESSION_STORE", "SESSION_TYPE"),
)

#: The addresses that the engine does not connect to itself.
_CARRIED: dict[str, Callable[[str], Store]] = {
    "dynamodb": dynamodb.of_address,
    "mongodb": mongodb.of_address,
    # What is in memory is seen by this process alone, in whichever form.
    "sqlite": lambda it: Address("memory:") if it.startswith("sqlite::memory:") else SQLiteClient(it),
}


def _carried(store: Store) -> Store:
    kind = store_kind(store)[0] if isinstance(store, str) else None
    return store if kind not in _CARRIED else _CARRIED[kind](str(store))


def checked(store: object, name: str) -> Store:
    """Returns what somebody has given as the address of a store, if there is a store of that kind."""
    kind, nearest = store_kind(store) if isinstance(store, str) else (None, None)
    if isinstance(store, str) and kind is not None:
        return _carried(Address(store))
    raise ConfigError(
        f"{name} must be the address of a store, such as redis://localhost:6379/0, file:DIR or memory:"
        + (f" – did you mean {nearest}:?" if nearest else "")
    )


def address_of(config: Mapping[str, Any], app: Flask) -> Store | None:
    """Returns the store that holds the sessions, or None for Flask's signed cookie.

    ``SESSION_STORE`` is an address itself and wins; otherwise ``SESSION_TYPE`` says which of
    `Flask-Session's names <https://flask-session.readthedocs.io/en/latest/config.html>`__ count.

    Raises `ConfigError` when the configuration names no store, or one that cannot be used as it asks.
    """
    store = config.get("SESSION_STORE")
    if store is not None:
        return checked(store, "SESSION_STORE")
    kind = config.get("SESSION_TYPE")
    name = "cookie" if kind is None else str(kind).lower()
    if name in ("null", "cookie"):
        return None
    if name not in _KINDS:
        raise ConfigError(
            f"SESSION_TYPE must be one of cookie, {', '.join(_KINDS)}, and not {kind!r}; "
            "for any other store set SESSION_STORE to its address"
        )
    return _carried(_KINDS[name](config, app))
