"""SESSION_MONGODB: clients of pymongo that do not connect."""

from __future__ import annotations

import pytest
from hipflask.errors import ConfigError
from pymongo import MongoClient


@pytest.mark.parametrize(
    ("host", "options", "expected"),
    [
        (None, {}, "localhost:27017/flask_session?collection=sessions&create=true"),
        ("h", {"port": 1}, "h:1/flask_session?collection=sessions&create=true"),
        (["b:2", "a"], {}, "a:27017,b:2/flask_session?collection=sessions&create=true"),
        ("mongodb://[::1]:1/web", {}, "[::1]:1/flask_session?collection=sessions&create=true"),
        (
            "mongodb://u%40:p%3A%2F@h/web",
            {},
            "u%40:p%3A%2F@h:27017/flask_session?collection=sessions&create=true&authSource=web",
        ),
        (
            "h",
            {"username": "u", "password": "p?&", "authMechanism": "SCRAM-SHA-256"},
            "u:p%3F%26@h:27017/flask_session?collection=sessions&create=true&authMechanism=SCRAM-SHA-256&authSource=admin",
        ),
        (
            "mongodb://a,b/?replicaSet=rs%200&w=2&journal=true&retryWrites=false&readPreference=nearest",
            {},
            "a:27017,b:27017/flask_session?collection=sessions&create=true&replicaSet=rs%200&w=2&journal=true&retryWrites=false",
        ),
        (
            "h",
            {"directConnection": True, "ssl": True},
            "h:27017/flask_session?collection=sessions&create=true&directConnection=true&tls=true",
        ),
        (
            "mongodb://%2Frun%2Fmongodb.sock",
            {},
            "%2Frun%2Fmongodb.sock/flask_session?collection=sessions&create=true",
        ),
        (
            "h",
            {
                "tls": True,
                "tlsAllowInvalidCertificates": True,
                "tz_aware": True,
                "serverSelectionTimeoutMS": 1,
            },
            "h:27017/flask_session?collection=sessions&create=true&tls=true&tlsAllowInvalidCertificates=true",
        ),
    ],
)
def test_clients_become_addresses(address, host, options, expected):
    with MongoClient(host, connect=False, **options) as client:
        assert address("mongodb", MONGODB=client) == f"mongodb://{expected}"


def test_names_choose_the_collection(address):
    with MongoClient("h", connect=False) as client:
        found = address("mongodb", MONGODB=client, MONGODB_DB="web", MONGODB_COLLECT="s&s")
    assert found == "mongodb://h:27017/web?collection=s%26s&create=true"


@pytest.mark.parametrize(
    ("host", "options", "message"),
    [
        ("h", {"tls": True, "tlsAllowInvalidHostnames": True}, "has the option tlsAllowInvalidHostnames"),
        ("mongodb://h/?loadBalanced=true", {}, "has the option loadBalanced"),
        (
            "mongodb://u:secret@h/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:gcp,TOKEN_RESOURCE:a",
            {},
            "has the authMechanism MONGODB-OIDC",
        ),
    ],
)
def test_what_an_address_cannot_say_is_refused(address, host, options, message):
    if "OIDC" in message:
        host = host.replace(":secret", "")
    with MongoClient(host, connect=False, **options) as client, pytest.raises(ConfigError) as caught:
        address("mongodb", MONGODB=client)
    assert str(caught.value).startswith(f"SESSION_MONGODB {message}")
