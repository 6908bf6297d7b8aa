"""SESSION_DYNAMODB and dynamodb: addresses: through boto3. Nothing connects before it is used."""

from __future__ import annotations

import sys

import boto3
import pytest
from botocore.credentials import RefreshableCredentials
from botocore.session import get_session
from hipflask.clients.dynamodb import DynamoDBClient
from hipflask.errors import ConfigError

KEYS = {"aws_access_key_id": "AKID", "aws_secret_access_key": "s/e+c=r&t"}


@pytest.fixture(autouse=True)
def _no_keys_of_this_machine(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def own(store):
    """Returns the client that asks: its region, endpoint, key and token."""
    from hipflask.clients.dynamodb import _like

    client = _like(store._apps_client, 1.5)
    keys = client._request_signer._credentials.get_frozen_credentials()
    assert client.meta.config.retries["total_max_attempts"] == 1
    assert client.meta.config.read_timeout == 1.5
    return client.meta.region_name, client.meta.endpoint_url, keys.secret_key, keys.token


@pytest.mark.parametrize("make", [boto3.resource, boto3.client])
def test_a_client_is_asked_by_one_like_it(address, make):
    client = make("dynamodb", region_name="r-1", endpoint_url="http://h:1", aws_session_token="T", **KEYS)
    store = address("dynamodb", DYNAMODB=client)
    assert (store._table, store._is_prepared) == ("Sessions", False)
    assert own(store) == ("r-1", "http://h:1", "s/e+c=r&t", "T")
    assert address("dynamodb", DYNAMODB=client, DYNAMODB_TABLE="my.table")._table == "my.table"


def test_keys_of_a_role_are_renewed(address):
    session, n_times = get_session(), iter(range(9))

    def renew():
        return {
            "access_key": "AKID",
            "secret_key": f"secret {next(n_times)}",
            "token": "T",
            "expiry_time": "2001-01-01T00:00:00Z",
        }

    session._credentials = RefreshableCredentials.create_from_metadata(
        renew(), refresh_using=renew, method="iam-role"
    )
    resource = boto3.Session(botocore_session=session).resource("dynamodb", region_name="eu-central-1")
    credentials = address("dynamodb", DYNAMODB=resource)._apps_client._request_signer._credentials
    assert credentials is session._credentials


def test_a_certificate_that_is_trusted_stays_so(address):
    from hipflask.clients.dynamodb import _like

    client = boto3.client("dynamodb", region_name="r-1", verify=False, **KEYS)
    found = _like(address("dynamodb", DYNAMODB=client)._apps_client, 1)
    assert found._endpoint.http_session._verify is False


@pytest.mark.parametrize(
    ("text", "table", "expected"),
    [
        (
            "dynamodb://r-1/my.app_s-1?access_key_id=I&secret_access_key=a%2Bb&create=true",
            "my.app_s-1",
            ("r-1", "https://dynamodb.r-1.amazonaws.com", "a+b", None),
        ),
        (
            "dynamodb://r/Sessions?endpoint=http%3A%2F%2Fh:1&access_key_id=I&secret_access_key=b&session_token=T",
            "Sessions",
            ("r", "http://h:1", "b", "T"),
        ),
    ],
)
def test_an_address_names_the_table(address, text, table, expected):
    for store in (address(STORE=text), address("dynamodb", DYNAMODB=text)):
        assert isinstance(store, DynamoDBClient)
        assert (store._table, store._is_prepared) == (table, "create=true" not in text)
        assert own(store) == expected


@pytest.mark.parametrize(
    "text",
    [
        "dynamodb://eu-central-1",
        "dynamodb:///Sessions",
        "dynamodb://r/Sessions?retries=3&secret_access_key=secret",
        "dynamodb://r/Sessions?endpoint=secret",
        "dynamodb://r/Sessions?secret_access_key=secret",
    ],
)
def test_what_is_no_address_is_refused_without_secrets(address, text):
    with pytest.raises(
        ConfigError, match="the address of DynamoDB must be dynamodb://REGION/TABLE"
    ) as caught:
        address(STORE=text)
    assert "secret" not in str(caught.value)


def test_a_package_that_is_missing_is_named(address, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match="pip install boto3"):
        address(STORE="dynamodb://r/Sessions")
