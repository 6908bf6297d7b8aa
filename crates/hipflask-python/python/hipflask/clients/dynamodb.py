"""Sessions in a table of DynamoDB, through boto3, in the items that Flask-Session writes: the string `id`, the
binary `val`, and `expiration`, a number of Unix seconds on which a time to live can be set.

Every write carries a condition. The app's own client repeats a write whose answer was lost, which would then
meet itself; so there is another one, with the same credentials, region and endpoint.
"""

from __future__ import annotations

import math
import os
import threading
import time
from typing import Any, Mapping

from .form import RETIRED, Client, Record, Refused, Touch, Unreachable

__all__ = ["DynamoDBClient"]

#: Holds for a record that is there; an expired item may stay for days until it is removed.
_LIVE = "attribute_exists(val) AND (attribute_not_exists(expiration) OR expiration > :now)"
#: The opposite, spelt out because a comparison with what is of another type is never true.
_DEAD = (
    "attribute_not_exists(val) OR expiration <= :now"
    " OR attribute_exists(expiration) AND NOT attribute_type(expiration, :number)"
)
_UNCHANGED = "val = :current AND (attribute_not_exists(expiration) OR expiration > :now)"
_TOUCHABLE = (
    "attribute_type(val, :binary) AND NOT val IN (:msgpack, :json, :pickle)"
    " AND (attribute_not_exists(expiration) OR expiration > :now AND expiration < :due)"
)
_RETIRED = dict(zip((":msgpack", ":json", ":pickle"), ({"B": payload} for payload in RETIRED)))

#: DynamoDB takes 409,600 bytes in an item; the rest is for the key, the names, and attributes of others.
_MOST = 390_000
_MOST_OF_KEY = 2048
#: How many parts of the table one purge reads: of 1 MB each.
_PAGES = 4
#: How long to wait before what a transaction was in the way of is asked again.
_PAUSES = (0.02, 0.04, 0.08, 0.16)
_BUSY = ("TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException")


class DynamoDBClient(Client):
    """Records of a table."""

    def __init__(self, client: Any, table: str, *, create: bool) -> None:
        self._apps_client = client
        self._table = table
        self._clients: dict[int, Any] = {}
        self._connecting = threading.Lock()
        self._is_prepared = not create
        self._purged_to: dict[str, Any] = {}

    def load(self, key: str, touch: Touch) -> Record:
        now = time.time()
        item = self._ask("get_item", Key=_key(key), ConsistentRead=True).get("Item", {})
        found, left = _found(item, now)
        if found is None or touch is None or left >= touch[1] or found[0] in RETIRED:
            return found
        try:
            return found[0], self._touch(key, now, *touch)
        except Exception:
            # Reading is possible where changing is not.
            return found

    def _touch(self, key: str, now: float, ttl: float, below: float) -> bool:
        values = {":due": _number(now + below), ":binary": {"S": "B"}, **_RETIRED}
        values[":expiration"] = _after(now, ttl)
        return self._write(key, now, _TOUCHABLE, values, UpdateExpression="SET expiration = :expiration")

    def create(self, key: str, payload: bytes, ttl: float) -> bool:
        now = time.time()
        item = {**_key(key), "val": _checked(payload), "expiration": _after(now, ttl)}
        return self._do("put_item", now, _DEAD, {":number": {"S": "N"}}, Item=item)

    def replace(self, key: str, current: bytes, payload: bytes, ttl: float) -> bool:
        now = time.time()
        values = {":val": _checked(payload), ":expiration": _after(now, ttl), ":current": {"B": current}}
        change = "SET val = :val, expiration = :expiration"
        return self._write(key, now, _UNCHANGED, values, UpdateExpression=change)

    def delete(self, key: str) -> bool:
        return self._do("delete_item", time.time(), _LIVE, {}, Key=_key(key))

    def purge(self, limit: int) -> int:
        now, removed = time.time(), 0
        for _ in range(_PAGES):
            condition = {"FilterExpression": "expiration <= :now", "ProjectionExpression": "id"}
            values = {":now": _number(now)}
            page = self._ask("scan", **condition, ExpressionAttributeValues=values, **self._purged_to)
            for key in page.get("Items", ()):
                if removed == limit:
                    return removed
                removed += self._do("delete_item", now, "expiration <= :now", {}, Key=key)
                self._purged_to = {"ExclusiveStartKey": key}
            last = page.get("LastEvaluatedKey")
            self._purged_to = {"ExclusiveStartKey": last} if last else {}
            if not last:
                break
        return removed

    def _write(self, key: str, now: float, condition: str, values: Mapping[str, Any], **change: Any) -> bool:
        return self._do("update_item", now, condition, values, Key=_key(key), **change)

    def _do(self, name: str, now: float, condition: str, values: Mapping[str, Any], **what: Any) -> bool:
        """Writes on a condition, and reports whether it held."""
        what["ExpressionAttributeValues"] = {":now": _number(now), **values}
        try:
            self._ask(name, ConditionExpression=condition, **what)
        except Exception as error:
            if _code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _ask(self, name: str, **what: Any) -> Any:
        client = self._client()
        for pause in (*_PAUSES, None):
            try:
                return getattr(client, name)(TableName=self._table, **what)
            except Exception as error:
                if _code(error) not in _BUSY:
                    raise
                if pause is None:
                    raise Unreachable("the table is in use by another transaction") from error
                time.sleep(pause)

    def _client(self) -> Any:
        """Returns this process's client; connections must not be shared over a fork."""
        process = os.getpid()
        with self._connecting:
            if process not in self._clients:
                self._clients[process] = _like(self._apps_client, self.deadline)
        client = self._clients[process]
        if not self._is_prepared:
            _prepare(client, self._table)
            self._is_prepared = True
        return client

    def words(self, error: Exception) -> str:
        # The rest of the text may repeat what was asked.
        code = _code(error)
        return super().words(error) if code is None else f"DynamoDB answered {code}"


def _like(client: Any, deadline: float) -> Any:
    """Returns a client that leads to the same place, and asks once."""
    from botocore.config import Config  # type: ignore[import-untyped,unused-ignore]
    from botocore.session import get_session  # type: ignore[import-untyped,unused-ignore]

    session = get_session()
    # Those of a role are renewed by the object that is shared.
    session._credentials = client._request_signer._credentials
    once = Config(retries={"total_max_attempts": 1}, connect_timeout=min(1, deadline), read_timeout=deadline)
    return session.create_client(
        "dynamodb",
        region_name=client.meta.region_name,
        endpoint_url=client.meta.endpoint_url,
        verify=client._endpoint.http_session._verify,
        config=client.meta.config.merge(once),
    )


def _prepare(client: Any, table: str) -> None:
    """Makes the table unless it can be read, as Flask-Session does, and has DynamoDB remove what has expired.

    DIFFERENCE: Flask-Session never gets as far as to switch the removal on.
    """
    try:
        client.get_item(TableName=table, Key=_key("create"))
        return
    except Exception as error:
        if _code(error) != "ResourceNotFoundException":
            raise
    try:
        client.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
    except Exception as error:
        # Another process makes it.
        if _code(error) != "ResourceInUseException":
            raise
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    removal = {"AttributeName": "expiration", "Enabled": True}
    try:
        client.update_time_to_live(TableName=table, TimeToLiveSpecification=removal)
    except Exception as error:
        # It is enabled already.
        if _code(error) != "ValidationException":
            raise


def _code(error: Exception) -> str | None:
    response = getattr(error, "response", None)
    return response.get("Error", {}).get("Code") if isinstance(response, dict) else None


def _found(item: Mapping[str, Any], now: float) -> tuple[Record, float]:
    """Returns the record of an item and how long it lives, in seconds; one that nothing says it of is due."""
    if "val" not in item:
        return None, 0
    record = (item["val"].get("B"), False)
    if "expiration" not in item:
        return record, 0
    try:
        left = float(item["expiration"]["N"]) - now
    except (KeyError, ValueError):
        return None, 0
    return (record, left) if left > 0 else (None, 0)


def _key(key: str) -> dict[str, Any]:
    if not 1 <= len(key.encode()) <= _MOST_OF_KEY:
        raise Refused(f"DynamoDB takes keys of 1 to {_MOST_OF_KEY} bytes")
    return {"id": {"S": key}}


def _checked(payload: bytes) -> dict[str, Any]:
    if len(payload) > _MOST:
        raise Refused(f"the session has {len(payload)} bytes, and DynamoDB takes {_MOST}")
    return {"B": payload}


def _number(seconds: float) -> dict[str, str]:
    return {"N": f"{seconds:.6f}"}


def _after(now: float, ttl: float) -> dict[str, str]:
    """Returns the time of expiry of what lives for `ttl`: a whole second that is yet to come.

    DIFFERENCE: Flask-Session writes a fraction, and is off by its host's offset from UTC.
    """
    return {"N": str(max(math.floor(now + ttl), math.floor(now) + 1))}
