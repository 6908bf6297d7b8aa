"""How two sides have saved a session: the cookies that they send, and the records that they write."""

from __future__ import annotations

import pickle
from functools import partial
from typing import TYPE_CHECKING, Any

from ..clients.form import RETIRED, SEALED
from .cookies import differing_parts, value_parts
from .words import cookie_words, first_difference, in_one_order, record_words, text_of

if TYPE_CHECKING:
    from .look import Look
    from .sides import Sides

__all__ = ["compare_cookies", "compare_records"]

#: Which method of a session interface says what of a cookie.
_METHODS = {
    "name": "get_cookie_name",
    "expires": "get_expiration_time",
    **{it: f"get_cookie_{it}" for it in ("domain", "path", "httponly", "secure", "samesite", "partitioned")},
}


def compare_cookies(look: Look, sides: Sides, header: str | None) -> None:
    """Notes how the cookie of a signed session differs from what stock has sent."""
    theirs = sides.header
    if theirs is not None and header is not None:
        code = _unlike(look, theirs, header)
        if code is None and sides.is_left:
            code = "untouched_permanent"
    elif theirs is not None:
        code = _only(look, "set_cookie")
    elif header is None or sides.is_left:
        return
    elif sides.is_changed and not sides.modified:
        code = "changed_inside"
    else:
        code = "resigned" if sides.is_resigned else _only(look, "set_cookie")
    if code is not None:
        look.note(code, partial(_cookies, theirs, None if sides.is_left else header))


def _unlike(look: Look, theirs: str, header: str) -> str | None:
    """Returns the code of the difference between two cookies."""
    if theirs == header:
        return None
    parts = differing_parts(theirs, header)
    if not parts:
        return None
    if {_METHODS.get(part) for part in parts} <= look.facts.overridden:
        return "overridden"
    if parts == {"value"}:
        if look.facts.encrypts:
            return "encrypted"
        if look.facts.has_own_dumps():
            return "json_provider"
    return "set_cookie"


def _only(look: Look, code: str) -> str:
    """Returns the code where one side alone sends a cookie."""
    return "overridden" if "should_set_cookie" in look.facts.overridden else code


def compare_records(look: Look, sides: Sides, header: str | None) -> None:
    """Notes how the records, and the cookie, of a stored session differ from stock's."""
    theirs, ours = look.theirs, look.ours
    is_idle = False
    for key in {*theirs, *ours}:
        if key in theirs and key in ours:
            code = _written(look, theirs[key], ours[key])
        elif key in theirs:
            code = _written_by_stock(look, sides, key)
            is_idle = code in ("unused", "read_only", "unchanged")
        else:
            code = _written_by_us(look, sides, ours[key])
        if code is not None:
            look.note(code, partial(_records, theirs.get(key), ours.get(key)))
    _compare_cookie(look, sides, header, is_idle)


def _cookies(theirs: str | None, header: str | None) -> dict[str, str]:
    words = {"stock": cookie_words(theirs), "hipflask": cookie_words(header)}
    if theirs is not None and header is not None:
        words["differs"] = ", ".join(sorted(differing_parts(theirs, header)) + value_parts(theirs, header))
    return words


def _records(theirs: bytes | None, ours: bytes | None) -> dict[str, str]:
    words = {"stock": record_words(theirs), "hipflask": record_words(ours)}
    if theirs is not None and ours is not None:
        words["first_difference"] = f"byte {first_difference(theirs, ours)}"
    return words


def _written(look: Look, theirs: bytes | None, ours: bytes | None) -> str | None:
    if theirs == ours:
        return None
    if theirs is None or ours is None:
        return "record"
    if ours.startswith(SEALED):
        return "encrypted"
    if look.facts.pickles and _are_twins(theirs, ours):
        return "pickle_twins"
    serializer = look.facts.own_serializer
    return "own_serializer" if serializer is not None and _hold_the_same(serializer, theirs, ours) else "record"


def _hold_the_same(serializer: Any, theirs: bytes, ours: bytes) -> bool:
    """Whether the app reads the same in two records, in whatever order."""
    return text_of({0: in_one_order(serializer.decode(theirs))}) == text_of({0: in_one_order(serializer.decode(ours))})


def _are_twins(theirs: bytes, ours: bytes) -> bool:
    """Whether two pickles hold the same. The app's cache unpickles one of them anyway, and in the other, which the
    engine has just written, there is nothing but values."""
    return repr(pickle.loads(theirs)) == repr(pickle.loads(ours))


def _written_by_stock(look: Look, sides: Sides, key: str) -> str | None:
    if look.theirs[key] is None:
        # What was not there need not be deleted.
        return None if look.read.get(key) is None else "record"
    if sides.is_changed or look.read.get(key) is None:
        return "record"
    return "unused" if sides.is_left else "unchanged" if sides.modified else "read_only"


def _written_by_us(look: Look, sides: Sides, ours: bytes | None) -> str | None:
    if sides.is_renewed and ours in RETIRED:
        return "renewed_id"
    return "changed_inside" if sides.is_changed and not sides.modified else "record"


def _compare_cookie(look: Look, sides: Sides, header: str | None, is_idle: bool) -> None:
    theirs = sides.header
    if theirs == header:
        return
    code: str | None = "set_cookie"
    if theirs is None:
        if sides.is_changed and not sides.modified:
            code = "changed_inside"
    elif header is None:
        # Where no record is written, what is sent again is the same cookie.
        if is_idle:
            return
        code = _only(look, "set_cookie")
    else:
        code = _unlike_stored(look, theirs, header)
    if code is not None:
        look.note(code, partial(_cookies, theirs, header))


def _unlike_stored(look: Look, theirs: str, header: str) -> str | None:
    parts = differing_parts(theirs, header)
    if parts == {"partitioned"}:
        return "partitioned"
    # The first text of a cookie that is deleted has no value.
    if parts and "value" not in parts and theirs.partition(";")[0].endswith("="):
        return "deleted_cookie"
    return _unlike(look, theirs, header)
