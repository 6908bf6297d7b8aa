"""Tokens for URLs: base64 of compact JSON, deflated where that makes it shorter.

Writes the tokens of `itsdangerous.url_safe <https://itsdangerous.palletsprojects.com/en/stable/url_safe/>`_
to the byte, so its deflate has to be that of the `zlib` module beside it: the native one writes what stock zlib
writes, which most Pythons are linked to, and steps back where a Python has another.
"""

from __future__ import annotations

import typing as t
import zlib

from hipflask._native import deflate

from ._json import _CompactJSON
from .encoding import base64_decode, base64_encode
from .exc import BadPayload
from .serializer import Serializer, _PDataSerializer
from .timed import TimedSerializer


class URLSafeSerializerMixin(Serializer[str]):
    """Makes the tokens of the serializer that it is mixed into URL-safe, by wrapping their payload."""

    default_serializer: _PDataSerializer[str] = _CompactJSON
    """Makes text or bytes of values where no other serializer is given."""

    def load_payload(
        self, payload: bytes, *args: t.Any, serializer: t.Any | None = None, **kwargs: t.Any
    ) -> t.Any:
        """Returns the value that a payload stands for.

        Raises `BadPayload` if it is no base64, if it says that it is deflated but is not, or if the
        serializer cannot read it. As in itsdangerous, ``serializer`` has no effect when given by keyword.
        """
        is_deflated = payload.startswith(b".")
        try:
            data = base64_decode(payload[1:] if is_deflated else payload)
        except Exception as error:
            raise BadPayload(
                "Could not base64 decode the payload because of an exception", original_error=error
            ) from error
        if is_deflated:
            try:
                data = zlib.decompress(data)
            except Exception as error:
                raise BadPayload(
                    "Could not zlib decompress the payload before decoding the payload", original_error=error
                ) from error
        return super().load_payload(data, *args, **kwargs)

    def dump_payload(self, obj: t.Any) -> bytes:
        """Returns the payload of a value, which starts with a dot if it is deflated."""
        data = super().dump_payload(obj)
        deflated = _deflated(data)
        return base64_encode(data) if deflated is None else b"." + base64_encode(deflated)


class URLSafeSerializer(URLSafeSerializerMixin, Serializer[str]):
    """A `Serializer` whose tokens hold only letters, digits, ``-``, ``_`` and ``.``.

    >>> serializer = URLSafeSerializer("secret-key", salt="unsubscribe")
    >>> token = serializer.dumps({"id": 42})
    >>> token.split(".")[0]
    'eyJpZCI6NDJ9'
    >>> serializer.loads(token)
    {'id': 42}
    """


class URLSafeTimedSerializer(URLSafeSerializerMixin, TimedSerializer[str]):
    """A `TimedSerializer` whose tokens hold only letters, digits, ``-``, ``_`` and ``.``.

    >>> serializer = URLSafeTimedSerializer("secret-key", salt="reset-password")
    >>> serializer.loads(serializer.dumps([1, "two"]), max_age=3600)
    [1, 'two']
    """


def _deflated(data: bytes) -> bytes | None:
    if zlib.compress is _MATCHED and isinstance(data, bytes):
        return deflate(data)
    deflated = zlib.compress(data)
    # The dot takes one byte of what is saved.
    return deflated if len(deflated) < len(data) - 1 else None


def _is_matched(compress: t.Callable[[bytes], bytes]) -> bool:
    # Other implementations of zlib's format look for repetitions in another way, which a long text shows.
    text = b"".join(b'{"%d":%d},' % (n, n * n * 77) for n in range(100))
    return compress(text) == deflate(text)


# The function that the native one stands in for; one that was put in its place later is called.
_MATCHED = zlib.compress if _is_matched(zlib.compress) else None
