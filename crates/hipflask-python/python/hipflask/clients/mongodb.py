"""Sessions in MongoDB, through pymongo, in the documents that Flask-Session writes:
``{id: key, val: Binary, expiration: Date}``.

Every write names in its filter what it expects to find. Flask-Session makes no unique index on `id`; therefore
our own documents also have the key as their `_id`, which is always unique.
"""

from __future__ import annotations

import contextlib
import datetime
from typing import Any, Iterator, Mapping

from .form import RETIRED, Client, Record, Refused, Touch

__all__ = ["MongoDBClient"]

#: A write names the old payload and the new one, and the server takes 16 MB for both.
_MOST = 8 * 1024 * 1024 - 4096
_PATIENCE = 3000  # milliseconds that a write waits for a majority
_DUPLICATE = 11000
#: Since 1970, as the server takes it.
_END = datetime.datetime.max.replace(microsecond=0, tzinfo=datetime.timezone.utc)


class MongoDBClient(Client):
    """Records of a collection, written to a majority unless the client says otherwise, and read from the
    primary."""

    def __init__(self, client: Any, database: str, collection: str, *, create: bool) -> None:
        import pymongo
        from bson import CodecOptions
        from pymongo.read_concern import ReadConcern

        self._timeout = getattr(pymongo, "timeout", None)
        concern = {"w": "majority", "wtimeout": _PATIENCE, **client.write_concern.document}
        concern["w"] = concern["w"] or "majority"
        self._sessions = client[database].get_collection(
            collection,
            # Whatever the app's documents are made of.
            codec_options=CodecOptions(tz_aware=True),
            read_preference=pymongo.ReadPreference.PRIMARY,
            write_concern=pymongo.WriteConcern(**concern),
            read_concern=ReadConcern(),
        )
        self._is_prepared = not create

    def load(self, key: str, touch: Touch) -> Record:
        if touch is not None:
            try:
                return self._load_and_touch(key, *touch)
            except Exception as error:
                # Who may not write may still read.
                if _is_away(error):
                    raise
        with self._asked() as sessions:
            found = sessions.find_one(_live(key, _now()), {"_id": False, "val": True})
        return None if found is None else (_payload(found), False)

    def _load_and_touch(self, key: str, ttl: float, below: float) -> Record:
        now = _now()
        due = {"$lt": ["$expiration", _later(now, below)]}
        is_due = {"$and": [due, {"$not": [{"$in": ["$val", list(RETIRED)]}]}]}
        extended = {"$cond": [is_due, _later(now, ttl), "$expiration"]}
        wanted = {"_id": False, "val": True, "expiration": True}
        with self._asked() as sessions:
            change = [{"$set": {"expiration": extended}}]
            found = sessions.find_one_and_update(_live(key, now), change, wanted)
        if found is None:
            return None
        payload, end = _payload(found), found.get("expiration")
        was_due = not isinstance(end, datetime.datetime) or end < _later(now, below)
        return payload, was_due and payload not in RETIRED

    def create(self, key: str, payload: bytes, ttl: float) -> bool:
        now = _now()
        # Literals, because a key may start with a dollar.
        new = {
            "_id": {"$ifNull": ["$_id", {"$literal": key}]},
            "id": {"$literal": key},
            "val": _checked(payload),
            "expiration": _later(now, ttl),
        }
        # What has no end lives; but what is not there yet has no `val` either.
        is_endless = {"$and": [{"$lte": ["$expiration", None]}, {"$gt": ["$val", None]}]}
        is_live = {"$or": [{"$gt": ["$expiration", now]}, is_endless]}
        change = [{"$replaceWith": {"$cond": [is_live, "$$ROOT", new]}}]
        try:
            with self._asked() as sessions:
                result = sessions.update_one({"id": key}, change, upsert=True)
        except Exception as error:
            if getattr(error, "code", None) == _DUPLICATE:
                return False
            raise
        return result.upserted_id is not None or result.modified_count > 0

    def replace(self, key: str, current: bytes, payload: bytes, ttl: float) -> bool:
        now = _now()
        change = {"$set": {"val": _checked(payload), "expiration": _later(now, ttl)}}
        with self._asked() as sessions:
            return bool(sessions.update_one({**_live(key, now), "val": current}, change).matched_count)

    def delete(self, key: str) -> bool:
        # All of them: two requests to Flask-Session can make two documents with one `id`.
        with self._asked() as sessions:
            return bool(sessions.delete_many(_live(key, _now())).deleted_count)

    def purge(self, limit: int) -> int:
        expired = {"expiration": {"$lte": _now()}}
        with self._asked() as sessions:
            # To the server, 0 is no limit.
            found = sessions.find(expired, {"_id": True}).limit(limit) if limit else ()
            ids = [document["_id"] for document in found]
            # One of them may have been written anew in the meantime.
            return int(sessions.delete_many({"_id": {"$in": ids}, **expired}).deleted_count)

    @contextlib.contextmanager
    def _asked(self) -> Iterator[Any]:
        with contextlib.nullcontext() if self._timeout is None else self._timeout(self.deadline):
            if not self._is_prepared:
                # As Flask-Session makes it.
                self._sessions.create_index("expiration", expireAfterSeconds=0)
                self._is_prepared = True
            yield self._sessions

    def words(self, error: Exception) -> str:
        # Other texts may repeat a key, as that of a duplicate does.
        code = getattr(error, "code", None)
        return super().words(error) if code is None else f"mongodb answered with its error code {code}"


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _later(time: datetime.datetime, seconds: float) -> datetime.datetime:
    try:
        return time + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return _END


def _live(key: str, now: datetime.datetime) -> dict[str, Any]:
    """Returns the filter for a record that has not expired. One without a time of expiry lives."""
    return {"id": key, "$or": [{"expiration": {"$gt": now}}, {"expiration": None}]}


def _payload(document: Mapping[str, Any]) -> bytes | None:
    payload = document.get("val")
    return payload if isinstance(payload, bytes) else None


def _checked(payload: bytes) -> bytes:
    if len(payload) > _MOST:
        raise Refused(f"the session has {len(payload)} bytes, and mongodb takes {_MOST}")
    return payload


def _is_away(error: Exception) -> bool:
    return any(it.__name__ in ("ConnectionFailure", "ExecutionTimeout") for it in type(error).__mro__)
