"""JSON without needless characters: what the URL-safe serializers write by default."""

from __future__ import annotations

import json
import typing as t

_OPTIONS: dict[str, t.Any] = {"ensure_ascii": False, "separators": (",", ":")}
_ENCODER = json.JSONEncoder(**_OPTIONS)


class _CompactJSON:
    """A serializer like the module `json`, but compact, and without escapes for letters beyond ASCII.

    >>> _CompactJSON.dumps({"name": "é", "n": [1, 2]})
    '{"name":"é","n":[1,2]}'
    """

    @staticmethod
    def loads(payload: str | bytes) -> t.Any:
        """Returns the value of a JSON text."""
        return json.loads(payload)

    @staticmethod
    def dumps(obj: t.Any, **kwargs: t.Any) -> str:
        """Returns the JSON text of a value; ``kwargs`` are those of `json.dumps`."""
        return json.dumps(obj, **{**_OPTIONS, **kwargs}) if kwargs else _ENCODER.encode(obj)
