"""What a report may say of cookies and sessions: names, types and lengths, and no value, id or cookie.

Knows nothing of requests.
"""

from __future__ import annotations

import marshal
import re
from typing import Any

__all__ = [
    *("content_words", "cookie_words", "first_difference", "in_one_order", "key_words", "kind_words", "record_words"),
    *("text_of", "value_words"),
]

#: How many keys, and how many characters of a text, an example may have.
_MOST_KEYS = 8
_MOST = 48

#: What may be an id, a token or an address in the name of a key: some extensions put them there.
_SECRET = re.compile(r"[^\s@]+@\S+|(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{8,}|[A-Za-z0-9]{20,}")
#: The attributes of a cookie that are shown: they are the app's configuration.
_SHOWN = ("domain", "expires", "httponly", "max-age", "partitioned", "path", "samesite", "secure")


def kind_words(kind: type) -> str:
    """Returns the name of a class, as ``module.Name`` if it is not Python's own."""
    home = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{home}{kind.__qualname__}"[:_MOST]


def text_of(content: dict[Any, Any]) -> bytes | str:
    """Returns a text that two sessions share only if they hold the same, of the same types, in the same order."""
    try:
        # Version 2 knows no references, so that it does not matter which objects are one.
        return marshal.dumps(content, 2)
    except ValueError:  # of more than Python's own kinds
        return repr(content)


def in_one_order(value: Any) -> Any:
    """Returns a value whose dicts are in an order that does not depend on how they were made."""
    if isinstance(value, dict):
        return {key: in_one_order(value[key]) for key in sorted(value, key=repr)}
    return type(value)(map(in_one_order, value)) if type(value) in (list, tuple) else value


def value_words(value: Any) -> str:
    """Returns the type of a value, and its length if it has one."""
    words = kind_words(type(value))
    if isinstance(value, (str, bytes, list, tuple, dict, set, frozenset)):
        return f"{words} of {len(value)}"
    return words


def key_words(key: Any) -> str:
    """Returns the name of a key, without what may be an id in it."""
    if not isinstance(key, str):
        return value_words(key)
    words = _SECRET.sub("…", key[: 4 * _MOST])
    return words if len(words) <= _MOST else f"{words[:_MOST]}…"


def content_words(one: dict[Any, Any], other: dict[Any, Any]) -> list[str]:
    """Says which keys of two sessions differ, and how."""
    absent = object()
    lines = []
    for key in [*one, *(key for key in other if key not in one)]:
        left, right = one.get(key, absent), other.get(key, absent)
        if left is absent or right is absent or text_of({0: left}) != text_of({0: right}):
            words = ["absent" if it is absent else value_words(it) for it in (left, right)]
            lines.append(f"{key_words(key)}: {words[0]} / {words[1]}")
    if not lines and list(one) != list(other):
        lines.append("the keys have another order")
    return lines[:_MOST_KEYS]


def cookie_words(header: str | None) -> str:
    """Returns a ``Set-Cookie`` with the length of its value for the value."""
    if header is None:
        return "none"
    pair, *attributes = header.split("; ")
    name, _, value = pair.partition("=")
    shown = [it for it in attributes if it.partition("=")[0].lower() in _SHOWN]
    return "; ".join((f"{name[:_MOST]}=<{len(value)} bytes>", *shown))[: 6 * _MOST]


def record_words(payload: bytes | None) -> str:
    """Returns the length of a record, and the byte that tells its format."""
    return "none" if payload is None else f"{len(payload)} bytes, the first of them 0x{payload[:1].hex() or '00'}"


def first_difference(one: bytes, other: bytes) -> int:
    """Returns the place of the first byte in which two records differ."""
    return next((at for at, (left, right) in enumerate(zip(one, other)) if left != right), min(len(one), len(other)))
