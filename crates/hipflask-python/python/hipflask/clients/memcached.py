"""Sessions in Memcached, as the app's own client reaches it and chooses the server of a key.

What differs from client to client is in `_memcached`. Who writes names the version that was read; a touch
makes a new one, so that it is a write of what is there already.
"""

from __future__ import annotations

import math
import time
from typing import Any

from ._memcached import Unreadable, dialect_of
from .form import RETIRED, Client, Lives, Record, Refused, Touch, text_of

__all__ = ["MemcachedClient"]

#: How often a write is tried anew because of a touch.
_MOST = 16
#: What is longer is a point in time, which the server counts in 31 bits.
_MONTH = 30 * 24 * 60 * 60
_LAST = 2**31 - 1


class MemcachedClient(Client):
    """Records of one server or of several."""

    def __init__(self, client: Any) -> None:
        self._server = dialect_of(client)
        self._lives = Lives()

    def load(self, key: str, touch: Touch) -> Record:
        found = self._server.gets(_checked(key))
        if found is None:
            return None
        payload, version = found
        if isinstance(payload, Unreadable):
            return None, False
        if touch is None or payload in RETIRED or self._lives.is_long(key, touch):
            return payload, False
        return payload, self._touch(key, payload, version, touch[0])

    def _touch(self, key: str, payload: bytes, version: Any, ttl: float) -> bool:
        try:
            return self._noted(key, ttl, self._server.cas(key, payload, version, _expiry(ttl)))
        except Exception:
            # Reading is possible where changing is not.
            return False

    def _noted(self, key: str, ttl: float, is_written: bool) -> bool:
        if is_written:
            self._lives.note(key, ttl)
        return is_written

    def create(self, key: str, payload: bytes, ttl: float) -> bool:
        return self._noted(key, ttl, self._server.add(_checked(key), payload, _expiry(ttl)))

    def replace(self, key: str, current: bytes, payload: bytes, ttl: float) -> bool:
        for _ in range(_MOST):
            found = self._server.gets(_checked(key))
            if found is None or found[0] != current:
                return False
            if self._server.cas(key, payload, found[1], _expiry(ttl)):
                return self._noted(key, ttl, True)
        raise Refused("other requests kept touching the session")

    def delete(self, key: str) -> bool:
        return self._server.delete(_checked(key))

    def words(self, error: Exception) -> str:
        # Of a connection; the client's own errors repeat what was asked.
        return text_of(error) if isinstance(error, OSError) else super().words(error)


def _checked(key: str) -> str:
    if 1 <= len(key) <= 250 and key.isascii() and key.isprintable() and " " not in key:
        return key
    raise Refused("memcached takes keys of 1 to 250 printable ASCII characters")


def _expiry(ttl: float) -> int:
    # Zero would be for ever.
    seconds = max(1, math.ceil(ttl))
    return seconds if seconds <= _MONTH else min(int(time.time()) + seconds, _LAST)
