"""Where a client of MongoDB leads to.

Knows pymongo 4 by its attributes, some of which are private for want of others, and imports it not. The
client's options that the store takes over are listed here, and those that it cannot take over; the others
only change how Python sees documents, or how long to wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping
from urllib.parse import quote

from ..errors import ConfigError
from .form import Address, assumed, given, host, refused, url

if TYPE_CHECKING:
    from flask import Flask

_NAME = "SESSION_MONGODB"
_TAKEN = {
    name.lower(): name
    for name in (
        "appName",
        "authMechanism",
        "directConnection",
        "journal",
        "replicaSet",
        "retryReads",
        "retryWrites",
        "tls",
        "tlsAllowInvalidCertificates",
        "tlsCAFile",
        "tlsCertificateKeyFile",
        "tlsInsecure",
        "w",
        "wTimeoutMS",
    )
}
_TAKEN.update(ssl="tls", j="journal", wtimeout="wTimeoutMS")
_REFUSED = (
    "auto_encryption_opts",
    "loadBalanced",
    "server_api",
    "tlsAllowInvalidHostnames",
    "tlsCertificateKeyFilePassword",
    "tlsCRLFile",
)
# Of which the user's name and password are all that there is.
_MECHANISMS = ("DEFAULT", "SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN", "MONGODB-X509")


def address(config: Mapping[str, Any], app: Flask) -> Address:
    """Returns the address of the collection of ``SESSION_MONGODB``."""
    client = config.get(_NAME)
    text = given(config, _NAME, ("mongodb",), ("SESSION_MONGODB_DB", "SESSION_MONGODB_COLLECT"))
    if text is not None:
        return text
    database = config.get("SESSION_MONGODB_DB") or "flask_session"
    collection = config.get("SESSION_MONGODB_COLLECT") or "sessions"
    # As with Flask-Session, the index that expired sessions are removed by is made if it is not there.
    ours = {"collection": collection, "create": "true"}
    if client is None:
        assumed(_NAME, "MongoDB at localhost:27017")
        return url("mongodb", "localhost:27017", database, options=ours)
    # Of the class, because a client has a database for every attribute that it lacks.
    if not (hasattr(type(client), "options") and hasattr(type(client), "topology_description")):
        raise ConfigError(
            f"{_NAME} must be a MongoClient of pymongo 4, or an address that starts with mongodb:"
        )
    if getattr(client, "_topology", True) is None:
        # A name of mongodb+srv:// that has not been looked up yet; this also brings options.
        client._get_topology()
    options = _options(client)
    user, password, source = _login(client)
    if source is not None:
        # Without it, the users would be those of the database in the address, which is the sessions'.
        options["authSource"] = source
    servers = sorted(client.topology_description.server_descriptions())
    hosts = ",".join(_host(*server) for server in servers)
    return url("mongodb", hosts, database, user=user, password=password, options={**ours, **options})


def _host(name: str, port: int | None) -> str:
    return host(name, port) if port is not None else quote(name, safe="")  # the path of a socket


def _options(client: Any) -> dict[str, str]:
    given_options = {name.lower(): value for name, value in client.options._options.items()}
    for name in _REFUSED:
        if given_options.get(name.lower()):
            raise refused(_NAME, f"has the option {name}, which is not supported")
    return {
        _TAKEN[name]: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in given_options.items()
        if name in _TAKEN and value is not None
    }


def _login(client: Any) -> tuple[str | None, str | None, str | None]:
    # pymongo 4.0 has them here, newer ones there; where they are nowhere, they must not seem to be none.
    place = client.options if hasattr(client.options, "_credentials") else client.options.pool_options
    credentials = place._credentials
    if credentials is None:
        return None, None, None
    if credentials.mechanism not in _MECHANISMS:
        raise refused(_NAME, f"has the authMechanism {credentials.mechanism}, which is not supported")
    return credentials.username, credentials.password, credentials.source
