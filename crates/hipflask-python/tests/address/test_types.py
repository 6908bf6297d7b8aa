"""SESSION_TYPE and SESSION_STORE: which store is meant at all."""

from __future__ import annotations

import logging

import pytest
from hipflask import HipFlask
from hipflask.address import Address
from hipflask.clients import Client
from hipflask.clients.sql import SQLiteClient
from hipflask.errors import ConfigError


@pytest.mark.parametrize("kind", [None, "null", "cookie", "NULL", "Cookie"])
def test_no_store_is_a_cookie(address, kind):
    assert address(kind) is None


def test_no_type_at_all_is_a_cookie(app):
    from hipflask.address import address_of

    assert address_of({}, app) is None


@pytest.mark.parametrize("kind", ["floppy", "", "mongo", 3, ["redis"]])
def test_unknown_types_are_refused_with_the_known_ones(address, kind):
    with pytest.raises(ConfigError) as caught:
        address(kind)
    types = "cookie, cachelib, dynamodb, filesystem, memcached, mongodb, redis, sqlalchemy"
    assert str(caught.value).startswith(f"SESSION_TYPE must be one of {types}, and not {kind!r};")


@pytest.mark.parametrize("kind", [None, "null", "redis", "floppy"])
def test_an_address_wins_over_every_type(address, kind):
    assert address(kind, STORE="file:/tmp/x", REDIS="redis://other") == "file:/tmp/x"


def test_an_address_of_sqlite_is_python_s_own(address):
    assert isinstance(address(STORE="sqlite:/srv/app.db"), SQLiteClient)
    assert address(STORE="sqlite::memory:?create=true") == "memory:"
    with pytest.raises(ConfigError, match="tabel"):
        address(STORE="sqlite:/srv/app.db?tabel=x")


@pytest.mark.parametrize("store", ["", "redis", 7, b"redis://h", "floppy:secret", "rediss+unix:/secret"])
def test_what_is_no_address_is_refused(app, address, store):
    with pytest.raises(ConfigError) as caught:
        address(STORE=store)
    assert str(caught.value).startswith("SESSION_STORE must be the address of a store, such as redis://")
    assert "secret" not in str(caught.value)
    app.secret_key = "9f3c6a52be0d47c1886d1f7a0cb35e24"
    with pytest.raises(ConfigError, match="store must be the address of a store, such as redis://"):
        HipFlask(app, store=store)


@pytest.mark.parametrize(
    ("store", "meant"),
    [
        ("redsi://:secret@h", "redis"),
        ("redis+tls://:secret@h", "redis"),
        ("postgress://u:secret@h/d", "postgres"),
        ("mongodb+srv://u:secret@h", "mongodb"),
    ],
)
def test_a_misspelt_scheme_is_answered_with_the_nearest(address, store, meant):
    with pytest.raises(ConfigError, match=f"did you mean {meant}:") as caught:
        address(STORE=store)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["valkey", "valkeys", "valkey+cluster", "valkeys+sentinel"])
def test_valkey_has_addresses_of_its_own(address, scheme):
    assert address("redis", REDIS=f"{scheme}://:secret@h") == f"{scheme}://:secret@h"
    assert address(STORE=f"{scheme}://:secret@h") == f"{scheme}://:secret@h"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("redis", "redis://localhost:6379/0"),
        ("Redis", "redis://localhost:6379/0"),
        ("memcached", "memcached://localhost:11211"),
    ],
)
def test_a_type_without_a_client_means_flask_session_s_default_and_says_so(address, caplog, kind, expected):
    with caplog.at_level(logging.WARNING, "hipflask"):
        assert address(kind) == expected
    assert [record.reason for record in caplog.records] == ["store_assumed"]
    assert caplog.messages[0].startswith(f"SESSION_{kind.upper()} is not set: sessions are kept in ")


@pytest.mark.parametrize(
    ("kind", "servers"), [("mongodb", "localhost:27017"), ("dynamodb", "localhost:8000")]
)
def test_a_type_without_a_client_makes_flask_session_s_own_and_says_so(address, caplog, kind, servers):
    with caplog.at_level(logging.WARNING, "hipflask"):
        assert isinstance(address(kind), Client)
    assert [record.reason for record in caplog.records] == ["store_assumed"]
    assert servers in caplog.messages[0]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("redis", "rediss+sentinel://:secret@a,b/main"),
        ("memcached", "memcached://a,b"),
        ("cachelib", "file:/srv/sessions"),
        ("sqlalchemy", "postgresql://u:secret@h/d?table=s"),
    ],
)
def test_a_text_for_a_client_is_an_address(address, kind, text):
    assert address(kind, **{kind.upper(): text}) == text
    with pytest.raises(ConfigError) as caught:
        address(kind, **{kind.upper(): "floppy://u:secret@h"})
    assert str(caught.value).startswith(
        f"SESSION_{kind.upper()} must be a client or an address that starts with "
    )
    assert "secret" not in str(caught.value)


def test_names_that_an_address_overrides_are_refused(address):
    with pytest.raises(
        ConfigError, match="SESSION_MONGODB is an address, so SESSION_MONGODB_DB has no effect"
    ):
        address("mongodb", MONGODB="mongodb://h", MONGODB_DB="web")


@pytest.mark.parametrize("kind", ["redis", "memcached", "cachelib", "mongodb", "dynamodb", "sqlalchemy"])
def test_what_is_no_client_is_refused(address, kind):
    with pytest.raises(ConfigError, match=f"SESSION_{kind.upper()} must be a"):
        address(kind, **{kind.upper(): object()})


def test_addresses_are_not_printed(address):
    found = address("redis", REDIS="redis://u:secret@h/0")
    assert isinstance(found, Address)
    assert repr([found]) == "[<address of a store, redis:…>]"
