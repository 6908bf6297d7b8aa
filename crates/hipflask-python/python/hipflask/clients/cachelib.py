"""Sessions in a cache of cachelib, as the dicts that Flask-Session gives it.

A cache compares nothing, so that who writes holds a lock: one of this process, and one in the cache, which its
`add` makes, where others have the same cache. Plain Flask-Session does not ask for it. The cache itself pickles
the dicts and unpickles them; here they are pickled for the engine, which builds nothing but values from that.
"""

from __future__ import annotations

import contextlib
import copy
import datetime
import math
import os
import pickle
import threading
import time
from collections import defaultdict
from typing import Any, Callable, Iterator

from .form import RETIRED, SEALED, Client, Lives, Record, Touch, Unreachable

__all__ = ["CachelibClient"]

_BUSY = "another request holds the session's lock, or the cache did not answer"
#: How many seconds a lock stays of which the holder is gone.
_LIFE = 10
_STRIPES = 64


class CachelibClient(Client):
    """Records of a cache."""

    pickles = True

    def __init__(self, cache: Any) -> None:
        classes = {it.__name__ for it in type(cache).__mro__}
        # Of others, the clients see to it that a fork shares no connection.
        self._disconnect: Callable[[], Any] | None = getattr(
            getattr(cache, "_client", None), "disconnect_all", None
        )
        if "DynamoDbCache" in classes:
            self._disconnect = cache._table.meta.client.close
            cache = _consistent(cache)
        self._apps_cache = cache
        self._process = os.getpid()
        self._add: Callable[[str, str], Any] = self._add_to_cache
        # Whose own `add` takes two steps.
        if "MongoDbCache" in classes:
            self._add = self._add_to_mongodb
        elif hasattr(cache, "_write_client"):
            self._add = self._add_to_redis
        # Nobody else sees it.
        self._is_shared = "SimpleCache" not in classes
        # Of each process, for another one's may be held for ever in a copy of it.
        self._locks: defaultdict[tuple[int, int], threading.Lock] = defaultdict(threading.Lock)
        self._lives = Lives()

    @property
    def _cache(self) -> Any:
        if self._process != os.getpid():
            if self._disconnect is not None:
                self._disconnect()
            self._process = os.getpid()
        return self._apps_cache

    def load(self, key: str, touch: Touch) -> Record:
        found = self._cache.get(key)
        if found is None:
            return None
        payload = _pickled(found)
        if payload is None or touch is None or self._lives.is_long(key, touch):
            return payload, False
        return payload, self._touch(key, touch[0])

    def _touch(self, key: str, ttl: float) -> bool:
        try:
            with self._locked(key, 0) as until:
                found = self._cache.get(key)
                if found is not None:
                    self._set(key, found, ttl, until)
                return found is not None
        except Exception:
            # Reading is possible where changing is not; and who holds the lock extends its life.
            return False

    def create(self, key: str, payload: bytes, ttl: float) -> bool:
        with self._locked(key, self.deadline) as until:
            if self._cache.get(key) is not None:
                return False
            self._set(key, _value(payload), ttl, until)
            return True

    def replace(self, key: str, current: bytes, payload: bytes, ttl: float) -> bool:
        with self._locked(key, self.deadline) as until:
            found = self._cache.get(key)
            # What is there has been unpickled once already, and `current` with it.
            if found is None or _pickled(found) != current and not _equal(found, _value(current)):
                return False
            if payload in RETIRED:
                # To a cache, `None` is nothing.
                self._cache.delete(key)
            else:
                self._set(key, _value(payload), ttl, until)
            return True

    def delete(self, key: str) -> bool:
        with self._locked(key, self.deadline):
            was_there = self._cache.get(key) is not None
            self._cache.delete(key)
            if self._cache.get(key) is not None:
                raise Unreachable(_BUSY)
            return was_there

    def _set(self, key: str, value: Any, ttl: float, until: float) -> None:
        if time.monotonic() >= until:
            raise Unreachable(_BUSY)
        # Zero would be for ever.
        if self._cache.set(key, value, max(1, math.ceil(ttl))) is False:
            raise ConnectionError("the cache has not kept the session")
        self._lives.note(key, ttl)

    @contextlib.contextmanager
    def _locked(self, key: str, patience: float) -> Iterator[float]:
        """Yields until when nobody else has the lock."""
        until = time.monotonic() + patience
        lock = self._locks[os.getpid(), hash(key) % _STRIPES]
        if not lock.acquire(timeout=patience):
            raise Unreachable(_BUSY)
        try:
            if not self._is_shared:
                yield math.inf
                return
            name, token = f"{key}:lock", os.urandom(8).hex()
            pause = 0.002
            # It may be ours although `add` says no, if a client has repeated it.
            while not (self._add(name, token) or self._cache.get(name) == token):
                if time.monotonic() >= until:
                    raise Unreachable(_BUSY)
                time.sleep(pause)
                pause = min(pause * 1.5, 0.05)
            until = time.monotonic() + _LIFE / 2
            try:
                yield until
            finally:
                if time.monotonic() < until:
                    self._cache.delete(name)
        finally:
            lock.release()

    def _add_to_cache(self, name: str, token: str) -> Any:
        return self._cache.add(name, token, _LIFE)

    def _add_to_redis(self, name: str, token: str) -> Any:
        cache = self._cache
        name = f"{cache._get_prefix()}{name}"
        return cache._write_client.set(name, cache.serializer.dumps(token), nx=True, ex=_LIFE)

    def _add_to_mongodb(self, name: str, token: str) -> bool:
        cache = self._cache
        cache._expire_records()
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=_LIFE)
        record = {"id": cache.key_prefix + name, "val": cache.serializer.dumps(token), "expiration": end}
        try:
            cache.client.insert_one({"_id": record["id"], **record})
        except Exception as error:
            if getattr(error, "code", None) == 11000:
                return False
            raise
        return True


class _Newest:
    """A table of DynamoDB of which the newest is read, and not what may be a second old."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def get_item(self, **what: Any) -> Any:
        return self._table.get_item(ConsistentRead=True, **what)


def _consistent(cache: Any) -> Any:
    cache = copy.copy(cache)
    cache._table = _Newest(cache._table)
    return cache


def _value(payload: bytes) -> Any:
    """Returns what a cache is to keep: a dict, as Flask-Session does, or bytes that are encrypted."""
    return payload if payload.startswith(SEALED) else pickle.loads(payload)


def _pickled(value: Any) -> bytes | None:
    if isinstance(value, bytes) and value.startswith(SEALED):
        return value
    if not isinstance(value, dict):
        return None
    try:
        return pickle.dumps(value, 5)
    except Exception:
        return None


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are the same, though their pickles may be spelt in different ways."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other) or pickle.dumps(one, 5) == pickle.dumps(other, 5)
