"""SESSION_MONGODB and mongodb: addresses: through pymongo. Nothing connects before it is used."""

from __future__ import annotations

import sys

import pytest
from hipflask.clients.mongodb import MongoDBClient
from hipflask.errors import ConfigError
from pymongo import MongoClient, ReadPreference


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({}, "flask_session.sessions"),
        ({"MONGODB_DB": "web", "MONGODB_COLLECT": "s&s"}, "web.s&s"),
    ],
)
def test_a_client_is_asked_itself(address, names, expected):
    with MongoClient("mongodb://h/other?readPreference=nearest&w=0", connect=False) as client:
        sessions = address("mongodb", MONGODB=client, **names)._sessions
    assert sessions.full_name == expected
    assert sessions.database.client is client
    # What was written must be seen by the next request.
    assert sessions.read_preference == ReadPreference.PRIMARY
    assert sessions.write_concern.document == {"w": "majority", "wtimeout": 3000}


@pytest.mark.parametrize("options", [{"w": 2}, {"wTimeoutMS": 5}, {"journal": True}])
def test_a_write_concern_of_the_client_counts(address, options):
    with MongoClient("h", connect=False, **options) as client:
        concern = address("mongodb", MONGODB=client)._sessions.write_concern.document
    assert concern == {"w": "majority", "wtimeout": 3000, **client.write_concern.document}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mongodb://h", "flask_session.sessions"),
        ("mongodb://h?", "flask_session.sessions"),
        ("mongodb://u:p%40@a:1,b/?collection=s%2Fs&create=true", "flask_session.s/s"),
        ("mongodb://h:1/web?replicaSet=rs0&create=false&collection=s", "web.s"),
    ],
)
def test_an_address_names_the_collection(address, text, expected):
    for found in (address(STORE=text), address("mongodb", MONGODB=text)):
        assert isinstance(found, MongoDBClient)
        assert found._sessions.full_name == expected
        assert found._is_prepared is ("create=true" not in text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mongodb://", "the address of MongoDB must be mongodb://"),
        ("mongodb://u:secret:x@h", "the address of MongoDB must be mongodb://"),
        ("mongodb://u:secret@h/?serverSelectionTimeoutMS=soon", "the address of MongoDB must be mongodb://"),
        ("mongodb://u:secret@h/?create=yes", "has the option `create`"),
        ("mongodb://u:secret@h/?collection=a$b", "the address of MongoDB must be mongodb://"),
        ("mongodb://u:secret@h/a.b", "the address of MongoDB must be mongodb://"),
    ],
)
def test_what_is_no_address_is_refused_without_secrets(address, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        address(STORE=text)
    assert "secret" not in str(caught.value)


def test_a_package_that_is_missing_is_named(address, monkeypatch):
    monkeypatch.setitem(sys.modules, "pymongo", None)
    with pytest.raises(ConfigError, match="pip install pymongo"):
        address(STORE="mongodb://h")
