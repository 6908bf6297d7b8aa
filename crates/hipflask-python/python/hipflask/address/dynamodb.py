"""Where a resource of boto3 leads to: a region, a table, and the keys to it.

Knows boto3 by the attributes of its resources and clients, and imports it not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping
from urllib.parse import urlsplit

from ..errors import ConfigError
from .form import Address, assumed, given, refused, url

if TYPE_CHECKING:
    from flask import Flask

_NAME = "SESSION_DYNAMODB"
# As with Flask-Session, a table that is not there is made.
_CREATE = {"create": "true"}


def address(config: Mapping[str, Any], app: Flask) -> Address:
    """Returns the address of the table of ``SESSION_DYNAMODB``."""
    resource = config.get(_NAME)
    text = given(config, _NAME, ("dynamodb",), ("SESSION_DYNAMODB_TABLE",))
    if text is not None:
        return text
    table = config.get("SESSION_DYNAMODB_TABLE") or "Sessions"
    if resource is None:
        assumed(_NAME, "DynamoDB at localhost:8000")
        keys = {"access_key_id": "dummy", "secret_access_key": "dummy"}
        local = {"endpoint": "http://localhost:8000", **keys}
        return url("dynamodb", "us-west-2", table, options={**local, **_CREATE})
    client = getattr(getattr(resource, "meta", None), "client", resource)
    region = getattr(getattr(client, "meta", None), "region_name", None)
    if not isinstance(region, str):
        raise ConfigError(
            f"{_NAME} must be a resource of boto3, or an address such as dynamodb://eu-central-1/Sessions"
        )
    return url("dynamodb", region, table, options={**_endpoint(client, region), **_keys(client), **_CREATE})


def _endpoint(client: Any, region: str) -> dict[str, str]:
    endpoint = client.meta.endpoint_url
    # Amazon's own follows from the region, so that only what differs is said.
    is_amazons = urlsplit(endpoint).netloc == f"dynamodb.{region}.amazonaws.com"
    return {} if is_amazons else {"endpoint": endpoint}


def _keys(client: Any) -> dict[str, str]:
    signer = getattr(client, "_request_signer", None)
    credentials = getattr(signer, "_credentials", None)
    if credentials is None or credentials.method == "env":
        # The store reads the environment variables itself, and says so when they are missing.
        return {}
    if hasattr(credentials, "refresh_needed"):
        raise refused(
            _NAME,
            "has credentials of a role, which change while the application runs: give the resource keys that"
            " stay, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    frozen = credentials.get_frozen_credentials()
    keys = {"access_key_id": frozen.access_key, "secret_access_key": frozen.secret_key}
    return {**keys, "session_token": frozen.token} if frozen.token else keys
