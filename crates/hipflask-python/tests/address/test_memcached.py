"""SESSION_MEMCACHED: clients of pymemcache, python-memcached and pylibmc. None connects before it is used."""

from __future__ import annotations

import logging
import ssl

import bmemcached
import memcache
import pylibmc
import pytest
from hipflask.clients.memcached import MemcachedClient
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
    ("make", "why"),
    [
        (lambda: memcache.Client(["a:1", "b:1"]), "has 2 servers"),
        (lambda: pylibmc.Client(["a:1", "b:1"]), "has 2 servers"),
        (lambda: HashClient(["a:1", "b:1"], hasher=OtherHash), "has a hasher of its own"),
        (lambda: RetryingClient(Client("h", key_prefix=b"app:")), "has a key_prefix"),
        (lambda: PooledClient("h", key_prefix="app:"), "has a key_prefix"),
        (lambda: HashClient(["a", "b"], key_prefix=b"app:"), "has a key_prefix"),
        (lambda: Client("h", tls_context=ssl.create_default_context()), "has a tls_context"),
        (lambda: Client("/run/memcached.sock"), "leads to a server that is not reached over TCP"),
        (lambda: memcache.Client(["unix:/run/m.sock"]), "leads to a server that is not reached over TCP"),
        (lambda: pylibmc.Client(["/run/memcached.sock"]), "leads to a server that is not reached over TCP"),
        (lambda: pylibmc.Client(["udp:h"]), "leads to a server that is not reached over TCP"),
        (lambda: bmemcached.Client(["h:1"]), "writes flags of its own"),
        (lambda: bmemcached.DistributedClient(["a:1", "b:1"]), "writes flags of its own"),
    ],
)
def test_clients_that_no_address_stands_for_are_asked_themselves(address, caplog, make, why):
    with caplog.at_level(logging.INFO, "hipflask"):
        assert isinstance(address("memcached", MEMCACHED=make()), MemcachedClient)
    assert caplog.messages == [
        f"SESSION_MEMCACHED {why}: sessions go through the app's client, which takes longer"
    ]


class Stranger:
    """A client of which nothing is known."""

    servers = ["a:1", "b:1"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bmemcached.Client(["a:1", "b:1"]), "keeps copies on several servers"),
        (Stranger, "is a client of "),
    ],
)
def test_clients_that_cannot_compare_are_refused(address, make, message):
    with pytest.raises(ConfigError, match=f"SESSION_MEMCACHED {message}"):
        address("memcached", MEMCACHED=make())
