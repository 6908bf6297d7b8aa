"""Which servers a client of Memcached has.

Knows pymemcache 3 and 4, python-memcached, pylibmc and libmc by their attributes, and imports none. What no
address can say is left to the client: most of all which server a key is on, for each client has its own way
to choose it, and addresses know only that of pymemcache's `HashClient`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from ..clients._memcached import Unsupported
from ..clients.memcached import MemcachedClient
from ..errors import ConfigError
from .form import Address, Store, Untranslatable, assumed, carried_by, given, host, refused

if TYPE_CHECKING:
    from flask import Flask

_NAME = "SESSION_MEMCACHED"
_PORT = 11211


def address(config: Mapping[str, Any], app: Flask) -> Store:
    """Returns the store of the servers of ``SESSION_MEMCACHED``."""
    client = config.get(_NAME)
    if client is None:
        assumed(_NAME, f"Memcached at localhost:{_PORT}")
        return Address(f"memcached://localhost:{_PORT}")
    text = given(config, _NAME, ("memcached",))
    if text is not None:
        return text
    # A RetryingClient answers for every attribute that it does not have, and repeats a write that may have been
    # done: so what is inside counts.
    client = vars(client).get("_client", client) if hasattr(client, "__dict__") else client
    try:
        servers = [_server(server) for server in _servers(client)]
        return Address(f"memcached://{','.join(servers)}")
    except Untranslatable as error:
        try:
            return carried_by(MemcachedClient(client), _NAME, error)
        except Unsupported as why:
            raise refused(_NAME, str(why)) from why


def _servers(client: Any) -> list[Any]:
    """Returns the servers in the client's own words."""
    if isinstance(getattr(client, "clients", None), dict):
        return _of_hash_client(client)
    if hasattr(client, "server") and hasattr(client, "key_prefix"):
        _check(client)
        return [client.server]
    if type(client).__module__.startswith("bmemcached."):
        raise Untranslatable("writes flags of its own")
    for name in ("addresses", "servers"):  # pylibmc; python-memcached and libmc
        servers = getattr(client, name, None)
        if isinstance(servers, (list, tuple)) and servers:
            if len(servers) > 1:
                raise Untranslatable(f"has {len(servers)} servers")
            return list(servers)
    raise ConfigError(
        f"{_NAME} must be a client of pymemcache or an address such as memcached://localhost:{_PORT}"
    )


def _of_hash_client(client: Any) -> list[Any]:
    clients = list(client.clients.values())
    hasher = type(client.hasher)
    is_known = hasher.__name__ == "RendezvousHash" and hasher.__module__.startswith("pymemcache.")
    if len(clients) > 1 and not is_known:
        raise Untranslatable("has a hasher of its own")
    for each in clients:
        _check(each)
    return [each.server for each in clients]


def _check(client: Any) -> None:
    if client.key_prefix:
        raise Untranslatable("has a key_prefix")
    if getattr(client, "tls_context", None) is not None:
        raise Untranslatable("has a tls_context")


def _server(server: Any) -> str:
    if hasattr(server, "address"):  # python-memcached's
        server = server.address
    if isinstance(server, str) and not server.startswith(("/", "unix:", "udp:")):
        # pylibmc's words: NAME, NAME:PORT or NAME:PORT:WEIGHT, and brackets around an address of IPv6.
        name, _, rest = server.partition("]:") if server.startswith("[") else server.partition(":")
        server = (name.strip("[]"), int(rest.partition(":")[0] or _PORT))
    if not isinstance(server, (tuple, list)):
        raise Untranslatable("leads to a server that is not reached over TCP")
    return host(server[0], server[1])
