"""Signs together with the time: ``value.time.signature``, which can be refused once it is too old.

The time is that of `time.time`, asked for at each call, so that what replaces the clock in tests replaces
it here. Otherwise as `itsdangerous.timed <https://itsdangerous.palletsprojects.com/en/stable/timed/>`_.
"""

from __future__ import annotations

import collections.abc as cabc
import time
import typing as t
from datetime import datetime, timezone

from .encoding import base64_decode, base64_encode, bytes_to_int, int_to_bytes, want_bytes
from .exc import BadSignature, BadTimeSignature, SignatureExpired
from .serializer import Serializer, _last, _TSerialized
from .signer import Signer


class TimestampSigner(Signer):
    """Appends the time and a signature of both to bytes.

    >>> signer = TimestampSigner("secret-key", salt="greeting")
    >>> signed = signer.sign("hello")
    >>> signer.unsign(signed, max_age=60)
    b'hello'
    >>> value, date_signed = signer.unsign(signed, return_timestamp=True)
    >>> date_signed.tzname()
    'UTC'
    >>> signer.unsign(signed, max_age=-1)
    Traceback (most recent call last):
    hipflask.itsdangerous.exc.SignatureExpired: Signature age ... > -1 seconds
    """

    def get_timestamp(self) -> int:
        """Returns the current time in whole Unix seconds."""
        return int(time.time())

    def timestamp_to_datetime(self, ts: int) -> datetime:
        """Returns a number of Unix seconds as an aware `datetime` in UTC."""
        return datetime.fromtimestamp(ts, tz=timezone.utc)

    def sign(self, value: str | bytes) -> bytes:
        """Returns ``value``, the time and the signature of both, with separators between them."""
        sep = want_bytes(self.sep)
        text = base64_encode(int_to_bytes(self.get_timestamp()))
        timed = want_bytes(value) + sep + text
        return timed + sep + self.get_signature(timed)

    @t.overload
    def unsign(
        self,
        signed_value: str | bytes,
        max_age: int | None = None,
        return_timestamp: t.Literal[False] = False,
    ) -> bytes: ...

    @t.overload
    def unsign(
        self, signed_value: str | bytes, max_age: int | None = None, *, return_timestamp: t.Literal[True]
    ) -> tuple[bytes, datetime]: ...

    @t.overload
    def unsign(
        self, signed_value: str | bytes, max_age: int | None, return_timestamp: t.Literal[True]
    ) -> tuple[bytes, datetime]: ...

    def unsign(
        self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False
    ) -> tuple[bytes, datetime] | bytes:
        """Returns the value inside ``signed_value``, on request together with the time of the signature.

        ``max_age`` is the greatest age in seconds. Raises `SignatureExpired` if the value is older, or from
        the future while an age is asked for; `BadTimeSignature` if no key confirms it or if it holds no time;
        plain `BadSignature` if it is not even in three parts.
        """
        refusal: BadSignature | None = None
        try:
            timed = super().unsign(signed_value)
        except BadSignature as error:
            refusal = error
            timed = error.payload or b""

        sep = want_bytes(self.sep)
        if sep not in timed:
            raise refusal or BadTimeSignature("timestamp missing", payload=timed)
        value, _, text = timed.rpartition(sep)
        seconds = _seconds(text)

        if refusal is not None:
            raise BadTimeSignature(str(refusal), value, self._claimed_date(value, seconds))
        if seconds is None:
            raise BadTimeSignature("Malformed timestamp", payload=value)
        if max_age is not None:
            age = self.get_timestamp() - seconds
            if age > max_age or age < 0:
                limit = f"> {max_age}" if age > max_age else "< 0"
                date_signed = self.timestamp_to_datetime(seconds)
                raise SignatureExpired(f"Signature age {age} {limit} seconds", value, date_signed)
        return (value, self.timestamp_to_datetime(seconds)) if return_timestamp else value

    def validate(self, signed_value: str | bytes, max_age: int | None = None) -> bool:
        """Tells whether `unsign` returns a value."""
        try:
            self.unsign(signed_value, max_age=max_age)
        except BadSignature:
            return False
        return True

    def _claimed_date(self, value: bytes, seconds: int | None) -> datetime | None:
        if seconds is None:
            return None
        try:
            return self.timestamp_to_datetime(seconds)
        except (ValueError, OSError, OverflowError) as error:
            # No key vouches for the number, so it may be no date at all; platforms differ in what they raise.
            raise BadTimeSignature("Malformed timestamp", payload=value) from error


class TimedSerializer(Serializer[_TSerialized]):
    """A `Serializer` whose tokens hold the time, by default with `TimestampSigner`.

    >>> serializer = TimedSerializer("secret-key", salt="reset-password")
    >>> token = serializer.dumps({"id": 42})
    >>> serializer.loads(token, max_age=3600)
    {'id': 42}
    """

    default_signer: type[TimestampSigner] = TimestampSigner
    """Signs where no other class is given."""

    def iter_unsigners(self, salt: str | bytes | None = None) -> cabc.Iterator[TimestampSigner]:
        """Yields the signers that `loads` tries, as in `Serializer`."""
        return super().iter_unsigners(salt)  # type: ignore[return-value]

    def loads(  # type: ignore[override]
        self,
        s: str | bytes,
        max_age: int | None = None,
        return_timestamp: bool = False,
        salt: str | bytes | None = None,
    ) -> t.Any:
        """Returns the value inside a token, on request in a pair with the time of its signature.

        ``max_age`` is the greatest age in seconds. Raises `SignatureExpired` if the token is older, else as
        in `Serializer`. Note that ``salt`` is not the second argument here.
        """
        s = want_bytes(s)
        refusal: BadSignature | None = None
        for signer in self.iter_unsigners(salt):
            try:
                payload, timestamp = signer.unsign(s, max_age=max_age, return_timestamp=True)
                value = self.load_payload(payload)
                return (value, timestamp) if return_timestamp else value
            except SignatureExpired:
                # A key did confirm the token: another signer has nothing to add.
                raise
            except BadSignature as error:
                refusal = error
        raise _last(refusal)

    def loads_unsafe(  # type: ignore[override]
        self, s: str | bytes, max_age: int | None = None, salt: str | bytes | None = None
    ) -> tuple[bool, t.Any]:
        """Returns whether the signature is good and young enough, and the value **even if it is not**.

        For debugging only; see `Serializer.loads_unsafe`.
        """
        return self._loads_unsafe_impl(s, salt, load_kwargs={"max_age": max_age})


def _seconds(text: bytes) -> int | None:
    try:
        return bytes_to_int(base64_decode(text))
    except Exception:
        return None
