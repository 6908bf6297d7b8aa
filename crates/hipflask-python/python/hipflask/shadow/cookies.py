"""Two ``Set-Cookie`` side by side, whatever the clock has done between them."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from ..itsdangerous import BadData
from ..itsdangerous.encoding import base64_decode

__all__ = ["differing_parts", "is_large", "signed_at", "value_parts"]

#: What browsers keep of one cookie, name and value together.
_MOST_BYTES = 4096
#: How much later, in seconds, one of the two may have been made.
_LEEWAY = 2


def is_large(header: str | None) -> bool:
    """Whether browsers drop the cookie."""
    name, _, value = (header or "").partition(";")[0].partition("=")
    return len(name) + len(value) > _MOST_BYTES


def signed_at(header: str | None, otherwise: float) -> float:
    """Returns when a cookie was signed, if that was a moment ago."""
    try:
        time = (header or "").partition(";")[0].rsplit(".", 2)[1]
        seconds = int.from_bytes(base64_decode(time), "big")
    except (IndexError, BadData):
        return otherwise
    # What is no time, and one that somebody has invented, would only hide a difference.
    return seconds if otherwise - 1 <= seconds <= otherwise + 3600 else otherwise


def differing_parts(one: str, other: str) -> set[str]:
    """Returns the names of the attributes in which two cookies differ; also ``name``, ``value`` and ``order``."""
    first, second = one.split("; "), other.split("; ")
    pairs = [it.pop(0).partition("=") for it in (first, second)]
    parts = {what for what, place in (("name", 0), ("value", 2)) if pairs[0][place] != pairs[1][place]}
    if first == second:
        return parts
    left, right = (dict(_attribute(it) for it in attributes) for attributes in (first, second))
    differing = {name for name in {*left, *right} if left.get(name) != right.get(name)}
    if "expires" in differing and _is_close(left.get("expires"), right.get("expires")):
        differing.discard("expires")
        if not differing and list(left) == list(right):
            return parts
    return parts | (differing or {"order"})


def value_parts(one: str, other: str) -> list[str]:
    """Returns the names of the parts in which the values of two signed cookies differ."""
    left, right = (it.partition(";")[0].partition("=")[2].rsplit(".", 2) for it in (one, other))
    if len(left) != 3 or len(right) != 3:
        return []
    return [name for name, mine, theirs in zip(("payload", "time", "signature"), left, right) if mine != theirs]


def _attribute(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.lower(), value


def _is_close(one: str | None, other: str | None) -> bool:
    try:
        times = [parsedate_to_datetime(it or "").timestamp() for it in (one, other)]
    except (TypeError, ValueError):
        return False
    return abs(times[0] - times[1]) <= _LEEWAY
