"""Which kind of difference it is when two sides have opened a session in different ways."""

from __future__ import annotations

import datetime
import decimal
from typing import TYPE_CHECKING, Any

from .words import text_of

if TYPE_CHECKING:
    from .look import Look

__all__ = ["is_used", "opening_kind"]

#: Where stock raises an exception, by Hipflask's reason.
_RAISED = {it: it for it in ("bad_payload", "bad_timestamp", "corrupt_record", "malformed_id")}
#: Where stock opens a session and Hipflask does not.
_REFUSED = {"bad_payload": "odd_payload", "too_large": "large_payload", "malformed_id": "malformed_id"}
_PLAIN = (str, bytes, bool, int, float, type(None))
_TIMES = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal)


def is_used(content: dict[Any, Any]) -> bool:
    """Whether there is anything in a session."""
    return any(key != "_permanent" for key in content)


def opening_kind(look: Look, reason: str, mine: dict[Any, Any], error: Exception | None) -> str:
    """Returns the code of the difference between what stock has opened and what Hipflask has."""
    if error is not None:
        if look.engine.is_stored and reason == "unknown_id" and look.payload is None:
            return "store_down"
        return _RAISED.get(reason, "verdict")
    theirs = look.content
    if is_used(theirs) and not is_used(mine):
        if reason == "no_cookie" and "get_cookie_name" in look.facts.overridden:
            return "overridden"
        if reason == "corrupt_record" and look.facts.pickles:
            return _pickled(theirs.values()) or "verdict"
        return _REFUSED.get(reason, "verdict")
    if is_used(mine) and not is_used(theirs):
        return "joined_cookies" if "," in (look.header or "") else "verdict"
    equal = {key for key in mine if key in theirs and text_of({0: mine[key]}) == text_of({0: theirs[key]})}
    differing = [value for key, value in theirs.items() if key not in equal]
    return (look.facts.pickles and _pickled(differing)) or "content"


def _pickled(values: Any) -> str | None:
    """Returns which kind of object, that only a pickle holds, is in some values."""
    for value in values:
        code = _pickled_kind(value)
        if code is not None:
            return code
    return None


def _pickled_kind(value: Any) -> str | None:
    kind = type(value)
    if kind in _PLAIN:
        return None
    if kind is dict:
        return _pickled(value.values())
    if kind in (list, tuple):
        return _pickled(value)
    if kind in (set, frozenset):
        return "pickled_sets"
    if isinstance(value, (datetime.datetime, datetime.time)) and value.tzinfo is not None:
        return "pickled_zones"
    return "pickled_times" if kind in (*_TIMES, datetime.datetime) else "pickled_classes"
