"""What is raised when signed data cannot be trusted or read.

Everything derives from `BadData`. The classes, their attributes and their messages are those of
`itsdangerous.exc <https://itsdangerous.palletsprojects.com/en/stable/exceptions/>`_; this module knows
nothing of how signatures are made.
"""

from __future__ import annotations

import typing as t
from datetime import datetime


class BadData(Exception):
    """Base of every exception of this package.

    >>> raise BadData("no token")
    Traceback (most recent call last):
    hipflask.itsdangerous.exc.BadData: no token
    """

    message: str
    """Says what is wrong; also what ``str`` returns."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class BadSignature(BadData):
    """The signature is missing, or no key confirms it."""

    payload: t.Any | None
    """What the signature should have confirmed, if there is one. Anybody may have written it."""

    def __init__(self, message: str, payload: t.Any | None = None) -> None:
        super().__init__(message)
        self.payload = payload


class BadTimeSignature(BadSignature):
    """The signature is bad, or there is no readable time beside a good one."""

    date_signed: datetime | None
    """When the value claims to have been signed, in UTC, if it says so."""

    def __init__(
        self, message: str, payload: t.Any | None = None, date_signed: datetime | None = None
    ) -> None:
        super().__init__(message, payload)
        self.date_signed = date_signed


class SignatureExpired(BadTimeSignature):
    """The signature is good, but older than allowed, or from the future.

    Here a key did confirm `payload` and `date_signed`: an application may tell since when a link is stale.
    """


class BadHeader(BadSignature):
    """A header that goes with the signature is unusable. For serializers that write one; none here does."""

    header: t.Any | None
    """The header, if there is one."""

    original_error: Exception | None
    """What reading the header raised, if anything."""

    def __init__(
        self,
        message: str,
        payload: t.Any | None = None,
        header: t.Any | None = None,
        original_error: Exception | None = None,
    ) -> None:
        super().__init__(message, payload)
        self.header = header
        self.original_error = original_error


class BadPayload(BadData):
    """A value cannot be read, for instance because another serializer wrote it."""

    original_error: Exception | None
    """What reading the value raised, if anything."""

    def __init__(self, message: str, original_error: Exception | None = None) -> None:
        super().__init__(message)
        self.original_error = original_error
