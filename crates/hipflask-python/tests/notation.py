"""Reads and writes the notation in which the vectors describe Python values: `{"t": "int", "v": "-12"}`."""

from __future__ import annotations

import datetime
import decimal
import struct
import uuid
from typing import Any

from markupsafe import Markup


def text(described: Any) -> str:
    """Reads a text: plain, or as code points where a surrogate stands alone."""
    return described if isinstance(described, str) else "".join(map(chr, described["cp"]))


def describe_text(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:
        return {"cp": [ord(char) for char in value]}
    return value


def read(described: dict[str, Any]) -> Any:
    """Returns the value that is described; a ValueError if the notation only names its type."""
    kind, content = described["t"], described.get("v")
    if kind in SCALARS:
        return SCALARS[kind](described)
    if kind in SEQUENCES:
        return SEQUENCES[kind](read(item) for item in content)
    if kind == "dict":
        return {read(key): read(value) for key, value in content}
    raise ValueError(f"a {content} cannot be read back")


def _datetime(described: dict[str, Any]) -> datetime.datetime:
    value, offset = datetime.datetime.fromisoformat(described["v"]), described["off"]
    return value if offset is None else value.replace(tzinfo=_zone(offset))


def _zone(offset: int) -> datetime.timezone:
    return datetime.timezone(datetime.timedelta(seconds=offset))


SCALARS = {
    "null": lambda d: None,
    "bool": lambda d: d["v"],
    "int": lambda d: int(d["hex"], 16) if "hex" in d else int(d["v"]),
    "float": lambda d: struct.unpack(">d", bytes.fromhex(d["bits"]))[0],
    "str": lambda d: text(d.get("v", d)),
    "markup": lambda d: Markup(text(d["v"])),
    "bytes": lambda d: bytes.fromhex(d["hex"]),
    "bytearray": lambda d: bytearray.fromhex(d["hex"]),
    "uuid": lambda d: uuid.UUID(d["v"]),
    "decimal": lambda d: decimal.Decimal(d["v"]),
    "datetime": _datetime,
    "date": lambda d: datetime.date.fromisoformat(d["v"]),
    "time": lambda d: datetime.time.fromisoformat(d["v"]),
    "timedelta": lambda d: datetime.timedelta(microseconds=d["us"]),
}
SEQUENCES = {"list": list, "tuple": tuple, "set": set}


def describe(value: Any) -> dict[str, Any]:
    """Describes a value: equal descriptions are values of the same types, in the same order."""
    if isinstance(value, dict):
        return {"t": "dict", "v": [[describe(key), describe(item)] for key, item in value.items()]}
    for kind, types in (("list", list), ("tuple", tuple), ("set", (set, frozenset))):
        if isinstance(value, types):
            return {"t": kind, "v": [describe(item) for item in value]}
    return _describe_scalar(value)


def _describe_scalar(value: Any) -> dict[str, Any]:
    if value is None:
        return {"t": "null"}
    if isinstance(value, bool):
        return {"t": "bool", "v": value}
    if isinstance(value, int):
        try:
            return {"t": "int", "v": str(int(value))}
        except ValueError:  # more digits than Python turns into a text
            return {"t": "int", "hex": f"{value:x}"}
    if isinstance(value, float):
        return {"t": "float", "v": repr(float(value)), "bits": struct.pack(">d", value).hex()}
    if isinstance(value, str):
        described = describe_text(str(value))
        if isinstance(value, Markup):
            return {"t": "markup", "v": described}
        return {"t": "str", "v": described} if isinstance(described, str) else {"t": "str", **described}
    if isinstance(value, (bytes, bytearray)):
        return {"t": type(value).__name__, "hex": bytes(value).hex()}
    if isinstance(value, uuid.UUID):
        return {"t": "uuid", "v": value.hex}
    if isinstance(value, datetime.datetime):
        offset = value.utcoffset()
        seconds = None if offset is None else int(offset.total_seconds())
        return {"t": "datetime", "v": value.replace(tzinfo=None).isoformat(), "off": seconds}
    if isinstance(value, (datetime.date, datetime.time)):
        return {"t": type(value).__name__, "v": value.isoformat()}
    if isinstance(value, datetime.timedelta):
        return {"t": "timedelta", "us": value // datetime.timedelta(microseconds=1)}
    if isinstance(value, decimal.Decimal):
        return {"t": "decimal", "v": str(value)}
    return {"t": "other", "v": type(value).__name__}
