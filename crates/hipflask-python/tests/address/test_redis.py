"""SESSION_REDIS: clients of redis-py and valkey-py. They connect only when they are used."""

from __future__ import annotations

import logging
import ssl

import pytest
import redis
import redis.sentinel
import valkey
import valkey.sentinel
from hipflask.clients.redis import RedisClient
from hipflask.errors import ConfigError

EVERY = "".join(map(chr, range(33, 127)))


@pytest.mark.parametrize("library", [redis, valkey])
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache", "redis://cache:6379/0"),
        ("redis://cache:7000/3", "redis://cache:7000/3"),
        ("redis://[::1]:7000", "redis://[::1]:7000/0"),
        ("redis://:p%40ss@cache", "redis://:p%40ss@cache:6379/0"),
        ("redis://us%3Aer:p%2Fw%25@cache", "redis://us%3Aer:p%2Fw%25@cache:6379/0"),
        ("redis://cache?protocol=2", "redis://cache:6379/0"),
        ("redis://cache?protocol=3&socket_timeout=1&max_connections=5", "redis://cache:6379/0"),
        ("rediss://cache", "rediss://cache:6379/0"),
        (
            "rediss://cache?ssl_ca_certs=/etc/my%20ca.pem&ssl_certfile=/c&ssl_keyfile=/k",
            "rediss://cache:6379/0?ssl_ca_certs=/etc/my%20ca.pem&ssl_certfile=/c&ssl_keyfile=/k",
        ),
        ("rediss://cache?ssl_cert_reqs=none", "rediss://cache:6379/0?ssl_cert_reqs=none"),
        ("rediss://cache?ssl_cert_reqs=required", "rediss://cache:6379/0"),
        ("unix:///run/re%20dis.sock?db=2", "redis+unix:///run/re%20dis.sock?db=2"),
        ("unix://user:pw@/run/redis.sock", "redis+unix://user:pw@/run/redis.sock?db=0"),
    ],
)
def test_urls_of_the_library_become_addresses(address, library, url, expected):
    assert address("redis", REDIS=library.from_url(url)) == expected


@pytest.mark.parametrize("library", [redis, valkey])
def test_clients_of_every_kind_become_addresses(address, library):
    client = getattr(library, "Redis", None) or library.Valkey
    assert address("redis", REDIS=client()) == "redis://localhost:6379/0"
    assert address("redis", REDIS=client("h", 1, 2, "pw")) == "redis://:pw@h:1/2"
    pool = library.BlockingConnectionPool(host="h", db=4, password=None, timeout=1)
    assert address("redis", REDIS=client(connection_pool=pool)) == "redis://h:6379/4"
    secure = client("h", ssl=True, ssl_ca_certs="/ca", ssl_cert_reqs=ssl.CERT_NONE)
    assert address("redis", REDIS=secure) == "rediss://h:6379/0?ssl_ca_certs=/ca&ssl_cert_reqs=none"
    socket = client(unix_socket_path="/run/redis.sock", username="u", password="p/w")
    assert address("redis", REDIS=socket) == "redis+unix://u:p%2Fw@/run/redis.sock?db=0"


def test_passwords_keep_every_character(address):
    from urllib.parse import unquote

    found = address("redis", REDIS=redis.Redis("h", username="ü", password=EVERY))
    login, _, rest = found.removeprefix("redis://").rpartition("@")
    assert rest == "h:6379/0"
    assert login.startswith("%C3%BC:")
    assert unquote(login.partition(":")[2]) == EVERY


@pytest.mark.parametrize("library", [redis, valkey])
def test_masters_behind_sentinels_become_addresses(address, library):
    sentinel = library.sentinel.Sentinel([("a", 1), ("::1", 2)], password="pw")
    expected = "redis+sentinel://:pw@a:1,[::1]:2/my%20master/0"
    assert address("redis", REDIS=sentinel.master_for("my master")).startswith(expected)
    login = {"username": "su", "password": "s&p"}
    sentinel = library.sentinel.Sentinel([("a", 1)], sentinel_kwargs=login)
    found = address("redis", REDIS=sentinel.master_for("main", db=2))
    assert found == ("redis+sentinel://a:1/main/2?sentinel_username=su&sentinel_password=s%26p")


def test_sentinels_with_tls_become_addresses(address):
    secure = {"ssl": True, "ssl_ca_certs": "/ca"}
    sentinel = redis.sentinel.Sentinel([("a", 1)], sentinel_kwargs=secure, **secure)
    assert (
        address("redis", REDIS=sentinel.master_for("main")) == "rediss+sentinel://a:1/main/0?ssl_ca_certs=/ca"
    )


def sentinels(*logins, **master):
    """Returns a client of sentinels that have different logins, or none."""
    first, *others = (
        redis.sentinel.Sentinel([("a", 1)], sentinel_kwargs=login, **master) for login in logins
    )
    for other in others:
        first.sentinels += other.sentinels
    return first.master_for("main")


def test_replicas_are_refused(address):
    sentinel = redis.sentinel.Sentinel([("a", 1)])
    with pytest.raises(ConfigError, match="use master_for instead of slave_for"):
        address("redis", REDIS=sentinel.slave_for("main"))


class OtherConnection:
    """One that leads nowhere, such as a test's."""


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda: redis.Redis(
                "h", credential_provider=redis.UsernamePasswordCredentialProvider("u", "secret")
            ),
            "has a credential provider",
        ),
        (lambda: redis.Redis("h", ssl=True, ssl_ca_data="secret"), "has the option ssl_ca_data"),
        (lambda: redis.Redis("h", ssl=True, ssl_ca_path="/secret"), "has the option ssl_ca_path"),
        (lambda: valkey.Valkey("h", ssl=True, ssl_password="secret"), "has the option ssl_password"),
        (lambda: sentinels({"password": "secret"}, {}), "has sentinels with different logins"),
        (
            lambda: sentinels({}, ssl=True),
            "has other TLS settings for the sentinels than for the master",
        ),
        (
            lambda: redis.Redis(connection_pool=redis.ConnectionPool(OtherConnection)),
            "has a class of connections of its own",
        ),
    ],
)
def test_clients_that_no_address_stands_for_are_asked_themselves(address, caplog, make, why):
    with caplog.at_level(logging.INFO, "hipflask"):
        store = address("redis", REDIS=make())
    assert isinstance(store, RedisClient)
    assert caplog.messages == [
        f"SESSION_REDIS {why}: sessions go through the app's client, which takes longer"
    ]
    assert "secret" not in repr(store)
