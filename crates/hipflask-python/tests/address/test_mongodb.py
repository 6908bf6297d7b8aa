"""SESSION_MONGODB: clients of pymongo that do not connect."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import dns.message
import dns.resolver
import dns.rrset
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


RECORDS = {
    "_mongodb._tcp.main.example.test.": ("SRV", "0 0 1 b.example.test.", "0 0 2 a.example.test."),
    "main.example.test.": ("TXT", '"replicaSet=rs0&authSource=users"'),
}


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answers for one name of mongodb+srv, as the name servers of MongoDB's hosting do."""

    def serve() -> None:
        while True:
            packet, sender = server.recvfrom(4096)
            if not packet:
                return
            query = dns.message.from_wire(packet)
            answer = dns.message.make_response(query)
            name = query.question[0].name
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", *RECORDS[name.to_text()]))
            server.sendto(answer.to_wire(), sender)

    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        server.sendto(b"", server.getsockname())
        thread.join()


def test_a_name_of_srv_records_becomes_the_servers_that_it_stands_for(address, name_server):
    with MongoClient("mongodb+srv://u:p%40@main.example.test/", connect=False) as client:
        found = address("mongodb", MONGODB=client)
    hosts = "u:p%40@a.example.test:2,b.example.test:1"
    options = "collection=sessions&create=true&replicaSet=rs0&tls=true&authSource=users"
    assert sorted(found.partition("?")[2].split("&")) == sorted(options.split("&"))
    assert found.partition("?")[0] == f"mongodb://{hosts}/flask_session"
