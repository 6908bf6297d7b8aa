"""SESSION_DYNAMODB: resources of boto3."""

from __future__ import annotations

import boto3
import pytest
from botocore.credentials import RefreshableCredentials
from botocore.session import get_session
from hipflask.errors import ConfigError

KEYS = {"aws_access_key_id": "AKID", "aws_secret_access_key": "s/e+c=r&t"}


@pytest.fixture(autouse=True)
def _no_keys_of_this_machine(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def test_resources_become_addresses(address):
    resource = boto3.resource("dynamodb", region_name="eu-central-1", **KEYS)
    keys = "access_key_id=AKID&secret_access_key=s/e%2Bc%3Dr%26t"
    assert address("dynamodb", DYNAMODB=resource) == f"dynamodb://eu-central-1/Sessions?{keys}&create=true"
    found = address("dynamodb", DYNAMODB=resource, DYNAMODB_TABLE="my.table")
    assert found == f"dynamodb://eu-central-1/my.table?{keys}&create=true"
    local = boto3.resource(
        "dynamodb", region_name="r-1", endpoint_url="http://localhost:8000", aws_session_token="T", **KEYS
    )
    found = address("dynamodb", DYNAMODB=local, DYNAMODB_TABLE="Sessions")
    assert (
        found == f"dynamodb://r-1/Sessions?endpoint=http://localhost:8000&{keys}&session_token=T&create=true"
    )


def test_keys_of_the_environment_stay_there(address, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    resource = boto3.Session().resource("dynamodb", region_name="eu-central-1")
    assert address("dynamodb", DYNAMODB=resource) == "dynamodb://eu-central-1/Sessions?create=true"


def test_keys_that_change_are_refused(address):
    session = get_session()
    session._credentials = RefreshableCredentials.create_from_metadata(
        {"access_key": "AKID", "secret_key": "secret", "token": "T", "expiry_time": "2099-01-01T00:00:00Z"},
        refresh_using=lambda: {},
        method="iam-role",
    )
    resource = boto3.Session(botocore_session=session).resource("dynamodb", region_name="eu-central-1")
    with pytest.raises(ConfigError, match="SESSION_DYNAMODB has credentials of a role") as caught:
        address("dynamodb", DYNAMODB=resource)
    assert "secret" not in str(caught.value)
