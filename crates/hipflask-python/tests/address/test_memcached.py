"""SESSION_MEMCACHED: clients of pymemcache, python-memcached and pylibmc. None connects before it is used."""

from __future__ import annotations

import ssl

import memcache
import pylibmc
import pytest
from hipflask.errors import ConfigError
from pymemcache import HashClient, PooledClient
from pymemcache.client.base import Client
from pymemcache.client.rendezvous import RendezvousHash
from pymemcache.client.retrying import RetryingClient


class OtherHash(RendezvousHash):
    """Somebody's own way to choose servers."""


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Client("h"), "h:11211"),
        (lambda: Client(("h", 1), timeout=2, connect_timeout=1), "h:1"),
        (lambda: Client("[::1]:1"), "[::1]:1"),
        (lambda: PooledClient("h:1", max_pool_size=4), "h:1"),
        (lambda: RetryingClient(Client("h:1"), attempts=3), "h:1"),
        (lambda: RetryingClient(HashClient(["a:1", "b:2"])), "a:1,b:2"),
        (lambda: HashClient([("a", 1), "b:2", "[::1]:3"]), "a:1,b:2,[::1]:3"),
        (lambda: HashClient(["a:1", "b:2"], use_pooling=True), "a:1,b:2"),
        (lambda: HashClient(["a:1"], hasher=OtherHash), "a:1"),
        (lambda: memcache.Client(["h"]), "h:11211"),
        (lambda: memcache.Client(["h:1"]), "h:1"),
        (lambda: memcache.Client(["inet6:[::1]:1"]), "[::1]:1"),
        (lambda: memcache.Client([("h:1", 5)]), "h:1"),
        (lambda: pylibmc.Client(["h"]), "h:11211"),
        (lambda: pylibmc.Client(["h:1:2"], binary=True), "h:1"),
        (lambda: pylibmc.Client(["[::1]:1"]), "[::1]:1"),
    ],
)
def test_clients_become_addresses(address, make, expected):
    assert address("memcached", MEMCACHED=make()) == f"memcached://{expected}"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: memcache.Client(["a:1", "b:1"]), "has 2 servers, and memcache distributes"),
        (lambda: pylibmc.Client(["a:1", "b:1"]), "has 2 servers, and pylibmc.client distributes"),
        (lambda: HashClient(["a:1", "b:1"], hasher=OtherHash), "has a hasher of its own"),
        (lambda: Client("h", key_prefix=b"app:"), "has a key_prefix"),
        (lambda: PooledClient("h", key_prefix="app:"), "has a key_prefix"),
        (lambda: HashClient(["a", "b"], key_prefix=b"app:"), "has a key_prefix"),
        (lambda: Client("h", tls_context=ssl.create_default_context()), "has a tls_context"),
        (lambda: Client("/run/memcached.sock"), "leads to a server that is not reached over TCP"),
        (
            lambda: memcache.Client(["unix:/run/memcached.sock"]),
            "leads to a server that is not reached over TCP",
        ),
        (lambda: pylibmc.Client(["/run/memcached.sock"]), "leads to a server that is not reached over TCP"),
        (lambda: pylibmc.Client(["udp:h"]), "leads to a server that is not reached over TCP"),
    ],
)
def test_clients_that_keep_sessions_elsewhere_are_refused(address, make, message):
    with pytest.raises(ConfigError) as caught:
        address("memcached", MEMCACHED=make())
    assert str(caught.value).startswith(f"SESSION_MEMCACHED {message}")
