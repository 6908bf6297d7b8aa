"""Which database and table Flask-SQLAlchemy has for sessions.

Knows Flask-SQLAlchemy 3 and the URLs of SQLAlchemy 1.4 to 2.1; what drivers of PostgreSQL and MySQL are told
is in `drivers`.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Mapping

from ..clients.sql import EngineClient
from ..errors import ConfigError
from . import drivers
from .form import Address, Store, Untranslatable, assumed, carried_by, given, host, no_effect, refused, url

if TYPE_CHECKING:
    from flask import Flask

_logger = logging.getLogger("hipflask")

_NAME = "SESSION_SQLALCHEMY"
_WORDS = {"table": f"{_NAME}_TABLE", "schema": f"{_NAME}_SCHEMA", "sequence": f"{_NAME}_SEQUENCE"}
_BIND = f"{_NAME}_BIND_KEY"
_SERVERS = {
    "postgresql": ("postgres", drivers.of_postgres),
    "mysql": ("mysql", drivers.of_mysql),
    "mariadb": ("mysql", drivers.of_mysql),
}


def address(config: Mapping[str, Any], app: Flask) -> Store:
    """Returns the store of the table of ``SESSION_SQLALCHEMY``."""
    no_effect(config, "SESSION_CLEANUP_N_REQUESTS", "run `flask session_cleanup` from time to time")
    text = given(config, _NAME, ("postgres", "mysql", "sqlite"), (*_WORDS.values(), _BIND))
    if text is not None:
        return text
    client, bind = config.get(_NAME) or _client(app), config.get(_BIND)
    engine = _engine(client, bind, app)
    database, backend = engine.url, engine.url.get_backend_name()
    # As with Flask-Session, a table that is not there is made.
    options = {**_table(config, backend), "create": "true"}
    if backend == "sqlite":
        if not database.database or database.database == ":memory:" or "mode=memory" in str(database):
            _logger.info("%s leads to a database in memory: sessions are kept in this process", _NAME)
            return Address("memory:")
        return EngineClient(engine, client.session, url("sqlite", options=options))
    if backend not in _SERVERS:
        raise refused(_NAME, f"leads to {backend}: only PostgreSQL, MariaDB, MySQL and SQLite are supported")
    scheme, translated = _SERVERS[backend]
    try:
        arguments = {**database.query, **_connect_args(client, bind, app)}
        return url(
            scheme,
            host(database.host or ("localhost" if database.port else ""), database.port),
            database.database or "",
            user=database.username,
            password=None if database.password is None else str(database.password),
            options={**translated(arguments), **options},
        )
    except Untranslatable as error:
        carrier = EngineClient(engine, client.session, url(scheme, options=options))
        return carried_by(carrier, _NAME, error, "engine")


def _client(app: Flask) -> Any:
    """Returns the application's Flask-SQLAlchemy, or one that is made for it as Flask-Session would."""
    if "sqlalchemy" in app.extensions:
        return app.extensions["sqlalchemy"]
    if not app.config.get("SQLALCHEMY_DATABASE_URI"):
        raise ConfigError(f"{_NAME} must be the application's SQLAlchemy, or SQLALCHEMY_DATABASE_URI be set")
    try:
        from flask_sqlalchemy import SQLAlchemy
    except ImportError as error:
        raise ConfigError(
            "SESSION_TYPE sqlalchemy needs the package Flask-SQLAlchemy, or SESSION_STORE"
        ) from error
    assumed(_NAME, "the database of SQLALCHEMY_DATABASE_URI")
    return SQLAlchemy(app)


def _engine(client: Any, bind: str | None, app: Flask) -> Any:
    try:
        with app.app_context():
            return client.engines[bind]
    except AttributeError as error:
        raise ConfigError(
            f"{_NAME} must be a SQLAlchemy of Flask-SQLAlchemy, or an address such as sqlite:PATH"
        ) from error
    except RuntimeError as error:
        raise ConfigError(
            f"{_NAME} must be initialised first: call its init_app(app) before HipFlask(app)"
        ) from error
    except KeyError as error:
        raise ConfigError(f"{_BIND} must be one of the keys of SQLALCHEMY_BINDS") from error


def _table(config: Mapping[str, Any], backend: str) -> dict[str, str]:
    words = {name: config.get(long_name) for name, long_name in _WORDS.items()}
    for name, value in words.items():
        # What the store takes: it puts names into statements as they are.
        if value is not None and not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,62}", str(value)):
            raise ConfigError(
                f"{_WORDS[name]} must be up to 63 letters, digits and underscores, and no digit first"
            )
    if backend != "postgresql":
        no_effect(config, _WORDS["sequence"], "only PostgreSQL has sequences here")
        del words["sequence"]
    return {name: str(value) for name, value in words.items() if value is not None}


def _connect_args(client: Any, bind: str | None, app: Flask) -> dict[str, Any]:
    """Returns what the driver is told besides the URL."""
    options = dict(getattr(client, "_engine_options", None) or {})
    if bind is None:
        options.update(app.config.get("SQLALCHEMY_ENGINE_OPTIONS") or {})
    else:
        value = (app.config.get("SQLALCHEMY_BINDS") or {}).get(bind)
        options.update(value if isinstance(value, dict) else {})
    for name in ("creator", "async_creator"):
        if options.get(name) is not None:
            raise Untranslatable(f"has an engine with a {name}")
    return dict(options.get("connect_args") or {})
