"""Sessions in MongoDB: through the client of pymongo that the app has, or one of an address.

Of an address, `collection` and `create` are ours; the rest is MongoDB's own connection string.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Mapping
from urllib.parse import unquote

from ..clients.mongodb import MongoDBClient
from ..errors import ConfigError
from .form import Store, assumed, creates, given, split_options, taken

if TYPE_CHECKING:
    from flask import Flask

_NAME = "SESSION_MONGODB"
_DATABASE, _COLLECTION = "flask_session", "sessions"
_FORM = (
    "the address of MongoDB must be mongodb://[USER:PASSWORD@]HOST[:PORT][,…][/DATABASE][?collection=…&…] with"
    " MongoDB's own options"
)


def store(config: Mapping[str, Any], app: Flask) -> Store:
    """Returns the store of the collection of ``SESSION_MONGODB``."""
    client = config.get(_NAME)
    text = given(config, _NAME, ("mongodb",), ("SESSION_MONGODB_DB", "SESSION_MONGODB_COLLECT"))
    if text is not None:
        return text
    names = {name: config.get(f"{_NAME}_{name}") for name in ("DB", "COLLECT")}
    if client is None:
        assumed(_NAME, "MongoDB at localhost:27017")
        client = _client("mongodb://localhost:27017")
    # Of the class, because a client has a database for every attribute that it lacks.
    elif not hasattr(type(client), "topology_description"):
        raise ConfigError(
            f"{_NAME} must be a MongoClient of pymongo 4, or an address that starts with mongodb:"
        )
    # As with Flask-Session, the index that expired sessions are removed by is made if it is not there.
    return MongoDBClient(client, names["DB"] or _DATABASE, names["COLLECT"] or _COLLECTION, create=True)


def of_address(address: str) -> Store:
    """Returns the store of ``mongodb://…/DATABASE?collection=…&create=…``."""
    place, options = split_options(address)
    collection, create = taken(options, "collection", _COLLECTION), creates(options)
    database = unquote(place.partition("://")[2].partition("/")[2]) or _DATABASE
    query = "&".join(f"{name}={value}" for name, value in options)
    slash = "" if place.count("/") > 2 else "/"
    try:
        return MongoDBClient(_client(f"{place}{slash}?{query}"), database, collection, create=create)
    except ConfigError:
        raise
    except Exception as error:
        # The text may hold what is secret.
        raise ConfigError(f"{_FORM}, and pymongo says {type(error).__name__}") from None


def _client(address: str) -> Any:
    try:
        from pymongo import MongoClient
    except ImportError as error:
        raise ConfigError("sessions in MongoDB need the package pymongo: pip install pymongo") from error
    with warnings.catch_warnings():
        # As which it tells of options that are wrong.
        warnings.simplefilter("error", UserWarning)
        return MongoClient(address, connect=False)
