"""What a store is in Python: five questions, each answered in one step or not at all.

The engine asks them and decides what the answers mean. A client has its own time-outs, and its own way with
forks and greenlets; after ``SESSION_STORE_DEADLINE`` nothing is asked again.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Any, Optional

__all__ = ["RETIRED", "SEALED", "Client", "Lives", "Record", "Refused", "Touch", "Unreachable", "micros"]

#: What stays where a session has ended, in each format: it is never touched.
RETIRED = (b"\xc0", b"null", b"\x80\x05N.")

#: What an encrypted record begins with, and no other.
SEALED = b"\xc1"

#: How long a record shall live from now on, and below which rest of its life; in seconds.
Touch = Optional[tuple[float, float]]

#: A record's payload, or ``None`` if another program has put something there; and whether its life was extended.
Record = Optional[tuple[Optional[bytes], bool]]

_LONGEST = 1000 * 366 * 24 * 60 * 60


class Unreachable(Exception):
    """Nothing was done, because the store could not be asked."""


class Refused(Exception):
    """The store will not do this, however often it is asked."""


class Client(ABC):
    """Keeps records under keys, for a limited time. Records that have expired are not there.

    An exception means that nobody knows whether it was done, but for `Unreachable` and `Refused`.
    """

    #: Whether records are pickles, whatever the app's format.
    pickles = False

    #: How many seconds one question should take at most. The engine sets it.
    deadline = 2.0

    #: Whether no process must be forked in the middle of a question.
    holds_off_forks = False

    @abstractmethod
    def load(self, key: str, touch: Touch) -> Record:
        """Returns the record of a key. Reading does not fail because its life cannot be extended."""

    @abstractmethod
    def create(self, key: str, payload: bytes, ttl: float) -> bool:
        """Writes a record that must not be there yet; ``False`` if there is one."""

    @abstractmethod
    def replace(self, key: str, current: bytes, payload: bytes, ttl: float) -> bool:
        """Writes a record in the place of `current`; ``False`` if that is not there."""

    @abstractmethod
    def delete(self, key: str) -> bool:
        """Ends a record; ``False`` if there was none."""

    def purge(self, limit: int) -> int:
        """Removes at most `limit` expired records and returns how many."""
        return 0

    def settle(self) -> None:
        """Ends what the app has begun in this request, and what would be in the way of the next write."""

    def words(self, error: Exception) -> str:
        """Says what an exception means, without what may be a key or a value in its text."""
        if isinstance(error, (Refused, Unreachable)):
            return str(error)
        return f"{type(error).__module__}.{type(error).__qualname__}"

    def __repr__(self) -> str:
        # What a client is made of may be a password.
        return f"<{type(self).__name__}>"


class Lives:
    """Remembers how long records live, where a store does not tell: until when this process has last made
    them live. What it does not know is short."""

    _MOST = 10_000

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}

    def note(self, key: str, ttl: float) -> None:
        if len(self._ends) >= self._MOST:
            self._ends.clear()
        self._ends[key] = time.monotonic() + ttl

    def is_long(self, key: str, touch: tuple[float, float]) -> bool:
        """Whether a record need not be touched yet."""
        return self._ends.get(key, 0) - time.monotonic() >= touch[1]


def micros(seconds: float) -> int:
    """Returns a time to live in microseconds, within the years that Python has."""
    return round(min(seconds, _LONGEST) * 1_000_000)


def text_of(error: Any) -> str:
    """Returns the text of an error whose text is known to hold no key."""
    return " ".join(str(error).split())[:200]
