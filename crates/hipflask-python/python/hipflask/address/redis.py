"""Where a client of Redis or Valkey leads to: one server, a master behind sentinels, or a cluster. What no
address can say is left to the client.

Knows redis-py 4 to 8 and valkey-py by the attributes that they share, and imports neither. Two options have
no effect: `ssl_check_hostname`, for a certificate that is checked must also have the host's name, and
`protocol`, for which most versions have a default that nobody asked for; the store speaks RESP3.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Mapping

from ..clients.redis import RedisClient
from ..errors import ConfigError
from .form import Address, Store, Untranslatable, assumed, carried_by, given, host, refused, url

if TYPE_CHECKING:
    from flask import Flask

_NAME = "SESSION_REDIS"
# Options of TLS whose loss would go unnoticed, or leave a server untrusted that the client trusts.
_TLS_UNKNOWN = (
    "ssl_ca_path",
    "ssl_ca_data",
    "ssl_password",
    "ssl_validate_ocsp",
    "ssl_validate_ocsp_stapled",
)
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


def address(config: Mapping[str, Any], app: Flask) -> Store:
    """Returns the store of the server of ``SESSION_REDIS``."""
    client = config.get(_NAME)
    if client is None:
        assumed(_NAME, "Redis at localhost:6379")
        return Address("redis://localhost:6379/0")
    text = given(config, _NAME, ("redis",))
    if text is not None:
        return text
    pool: Any = getattr(client, "connection_pool", None)
    is_cluster = hasattr(client, "nodes_manager")
    if pool is None and not is_cluster:
        raise ConfigError(
            f"{_NAME} must be a client of redis-py or an address such as redis://localhost:6379/0"
        )
    is_sentinel = hasattr(pool, "sentinel_manager")
    if is_sentinel and not pool.is_master:
        raise refused(
            _NAME, "leads to a replica, which cannot be written to: use master_for instead of slave_for"
        )
    try:
        return _cluster(client) if is_cluster else _sentinel(pool) if is_sentinel else _server(pool)
    except Untranslatable as error:
        return carried_by(RedisClient(client), _NAME, error)


def _server(pool: Any) -> Address:
    settings = pool.connection_kwargs
    user, password = _login(settings)
    tls = _tls(pool.connection_class, settings)
    scheme, options = "redis" if tls is None else "rediss", tls or {}
    database = settings.get("db") or 0
    if "path" in settings:
        options = {"db": str(database), **options}
        return url(
            "redis+unix", path=settings["path"].lstrip("/"), user=user, password=password, options=options
        )
    server = _host(settings)
    return url(scheme, server, str(database), user=user, password=password, options=options)


def _cluster(client: Any) -> Address:
    settings = client.nodes_manager.connection_kwargs
    user, password = _login(settings)
    tls = _tls(settings.get("connection_class"), settings)
    nodes = client.nodes_manager.startup_nodes.values()
    return url(
        "redis+cluster" if tls is None else "rediss+cluster",
        ",".join(host(node.host, node.port) for node in nodes),
        user=user,
        password=password,
        options=tls or {},
    )


def _sentinel(pool: Any) -> Address:
    settings, sentinels = (
        pool.connection_kwargs,
        [it.connection_pool for it in pool.sentinel_manager.sentinels],
    )
    user, password = _login(settings)
    tls = _tls(pool.connection_class, settings)
    # An address has one login and one kind of TLS for all sentinels, and the latter for the master, too.
    logins = {_login(sentinel.connection_kwargs) for sentinel in sentinels}
    if len(logins) != 1:
        raise Untranslatable("has sentinels with different logins")
    if any(_tls(it.connection_class, it.connection_kwargs) != tls for it in sentinels):
        raise Untranslatable("has other TLS settings for the sentinels than for the master")
    names = zip(("sentinel_username", "sentinel_password"), logins.pop())
    return url(
        "redis+sentinel" if tls is None else "rediss+sentinel",
        ",".join(_host(sentinel.connection_kwargs) for sentinel in sentinels),
        f"{pool.service_name}/{settings.get('db') or 0}",
        user=user,
        password=password,
        options={**{name: text for name, text in names if text}, **(tls or {})},
    )


def _host(settings: Mapping[str, Any]) -> str:
    return host(settings.get("host") or "localhost", settings.get("port") or 6379)


def _login(settings: Mapping[str, Any]) -> tuple[str | None, str | None]:
    if settings.get("credential_provider") is not None:
        raise Untranslatable("has a credential provider")
    return settings.get("username"), settings.get("password")


def _tls(connection: type | None, settings: Mapping[str, Any]) -> dict[str, str] | None:
    """Returns the options of TLS; None is a connection without."""
    classes = connection.__mro__ if connection is not None else ()
    if connection is not None and connection.__module__.partition(".")[0] not in ("redis", "valkey"):
        # As those of fakeredis, which lead nowhere.
        raise Untranslatable("has a class of connections of its own")
    if not settings.get("ssl") and not any(it.__name__ == "SSLConnection" for it in classes):
        return None
    for name in _TLS_UNKNOWN:
        if settings.get(name):
            raise Untranslatable(f"has the option {name}")
    options = {name: str(settings[name]) for name in _TLS_FILES if settings.get(name)}
    if settings.get("ssl_cert_reqs", "required") in (None, "none", ssl.CERT_NONE):
        options["ssl_cert_reqs"] = "none"
    return options
