"""What a type checker has to say about the package; `test_signing_docs.py` runs mypy over it."""

from __future__ import annotations

import pickle
from datetime import datetime
from typing import Any

import hipflask.itsdangerous as itsdangerous
from hipflask.itsdangerous import (
    BadSignature,
    BadTimeSignature,
    Serializer,
    Signer,
    TimedSerializer,
    TimestampSigner,
    URLSafeTimedSerializer,
)
from typing_extensions import assert_type


class BytesOut:
    def dumps(self, obj: Any) -> bytes:
        return pickle.dumps(obj)

    def loads(self, payload: bytes) -> Any:
        return pickle.loads(payload)


class Own(TimestampSigner):
    def get_timestamp(self) -> int:
        return 0

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        return super().derive_key(secret_key)


assert_type(Signer(["old", b"new".decode()]).sign("v"), bytes)
assert_type(Own("k").unsign(b"v"), bytes)
assert_type(Own("k").unsign(b"v", return_timestamp=True), "tuple[bytes, datetime]")
assert_type(Own("k").unsign(b"v", 10, True), "tuple[bytes, datetime]")
assert_type(Serializer("k").dumps(1), str)
assert_type(Serializer("k", serializer=BytesOut()).dumps(1), bytes)
assert_type(Serializer("k", "salt", BytesOut()).dumps(1), bytes)
assert_type(TimedSerializer[str]("k").dumps(1), str)
assert_type(URLSafeTimedSerializer("k", signer=Own, fallback_signers=[Own, (Own, {}), {}]).dumps(1), str)
assert_type(itsdangerous.base64_decode("YQ"), bytes)


def handle(error: BadSignature) -> "datetime | None":
    return error.date_signed if isinstance(error, BadTimeSignature) else None
