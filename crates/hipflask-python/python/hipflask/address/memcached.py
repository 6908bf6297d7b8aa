"""Which servers a client of Memcached has.

Knows pymemcache 3 and 4, python-memcached, pylibmc and libmc by their attributes, and imports none.
Several servers must be those of pymemcache's `HashClient`: each client has its own way to choose the server
of a key, and the store knows that one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from ..errors import ConfigError
from .form import Address, assumed, given, host, refused

if TYPE_CHECKING:
    from flask import Flask

_NAME = "SESSION_MEMCACHED"
_PORT = 11211


def address(config: Mapping[str, Any], app: Flask) -> Address:
    """Returns the address of the servers of ``SESSION_MEMCACHED``."""
    client = config.get(_NAME)
    if client is None:
        assumed(_NAME, f"Memcached at localhost:{_PORT}")
        return Address(f"memcached://localhost:{_PORT}")
    text = given(config, _NAME, ("memcached",))
    if text is not None:
        return text
    # A RetryingClient answers for every attribute that it does not have, so what is inside comes first.
    client = vars(client).get("_client", client) if hasattr(client, "__dict__") else client
    servers = [_server(server) for server in _servers(client)]
    return Address(f"memcached://{','.join(servers)}")


def _servers(client: Any) -> list[Any]:
    """Returns the servers in the client's own words."""
    if isinstance(getattr(client, "clients", None), dict):
        return _of_hash_client(client)
    if hasattr(client, "server") and hasattr(client, "key_prefix"):
        _check(client)
        return [client.server]
    for name in ("addresses", "servers"):  # pylibmc; python-memcached and libmc
        servers = getattr(client, name, None)
        if isinstance(servers, (list, tuple)) and servers:
            if len(servers) > 1:
                raise refused(
                    _NAME,
                    f"has {len(servers)} servers, and {type(client).__module__} distributes sessions among"
                    " them in a way of its own, so that those it has stored would not be found: use"
                    " pymemcache's HashClient",
                )
            return list(servers)
    raise ConfigError(
        f"{_NAME} must be a client of pymemcache or an address such as memcached://localhost:{_PORT}"
    )


def _of_hash_client(client: Any) -> list[Any]:
    clients = list(client.clients.values())
    hasher = type(client.hasher)
    is_known = hasher.__name__ == "RendezvousHash" and hasher.__module__.startswith("pymemcache.")
    if len(clients) > 1 and not is_known:
        raise refused(_NAME, "has a hasher of its own: only pymemcache's RendezvousHash is known")
    for each in clients:
        _check(each)
    return [each.server for each in clients]


def _check(client: Any) -> None:
    if client.key_prefix:
        raise refused(_NAME, "has a key_prefix: leave it out, and put it in front of SESSION_KEY_PREFIX")
    if getattr(client, "tls_context", None) is not None:
        raise refused(_NAME, "has a tls_context, which is not supported")


def _server(server: Any) -> str:
    if hasattr(server, "address"):  # python-memcached's
        server = server.address
    if isinstance(server, str) and not server.startswith(("/", "unix:", "udp:")):
        # pylibmc's words: NAME, NAME:PORT or NAME:PORT:WEIGHT, and brackets around an address of IPv6.
        name, _, rest = server.partition("]:") if server.startswith("[") else server.partition(":")
        server = (name.strip("[]"), int(rest.partition(":")[0] or _PORT))
    if not isinstance(server, (tuple, list)):
        raise refused(_NAME, "leads to a server that is not reached over TCP")
    return host(server[0], server[1])
