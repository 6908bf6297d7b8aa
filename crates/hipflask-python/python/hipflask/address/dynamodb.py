"""Sessions in DynamoDB: through the resource or client of boto3 that the app has, or one of an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping
from urllib.parse import unquote

from ..clients.dynamodb import DynamoDBClient
from ..errors import ConfigError
from .form import Store, assumed, creates, given, split_options

if TYPE_CHECKING:
    from flask import Flask

_NAME = "SESSION_DYNAMODB"
_FORM = "the address of DynamoDB must be dynamodb://REGION/TABLE, or dynamodb://REGION/TABLE?endpoint=http://HOST:PORT"
_LOCAL = {"endpoint_url": "http://localhost:8000", "region_name": "us-west-2"}
_DUMMY = {"aws_access_key_id": "dummy", "aws_secret_access_key": "dummy"}
_KEYS = {
    "access_key_id": "aws_access_key_id",
    "secret_access_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
    "endpoint": "endpoint_url",
}


def store(config: Mapping[str, Any], app: Flask) -> Store:
    """Returns the store of the table of ``SESSION_DYNAMODB``."""
    resource = config.get(_NAME)
    text = given(config, _NAME, ("dynamodb",), ("SESSION_DYNAMODB_TABLE",))
    if text is not None:
        return text
    if resource is None:
        assumed(_NAME, "DynamoDB at localhost:8000")
        resource = _client(**_LOCAL, **_DUMMY)
    client = getattr(getattr(resource, "meta", None), "client", resource)
    if not hasattr(client, "_request_signer"):
        raise ConfigError(
            f"{_NAME} must be a resource of boto3, or an address such as dynamodb://eu-central-1/Sessions"
        )
    # As with Flask-Session, a table that is not there is made.
    return DynamoDBClient(client, config.get("SESSION_DYNAMODB_TABLE") or "Sessions", create=True)


def of_address(address: str) -> Store:
    """Returns the store of ``dynamodb://REGION/TABLE?endpoint=…``. Without keys in the address, boto3 looks for
    them where it always does."""
    place, options = split_options(address)
    region, _, table = place.partition("://")[2].partition("/")
    create = creates(options)
    if not region or not table or any(name not in _KEYS for name, _ in options):
        raise ConfigError(_FORM)
    settings = {_KEYS[name]: unquote(value) for name, value in options}
    return DynamoDBClient(_client(region_name=region, **settings), table, create=create)


def _client(**what: str) -> Any:
    try:
        import boto3  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise ConfigError("sessions in DynamoDB need the package boto3: pip install boto3") from error
    try:
        return boto3.session.Session().client("dynamodb", **what)
    except Exception as error:
        raise ConfigError(f"{_FORM}, and boto3 says {type(error).__name__}") from None
