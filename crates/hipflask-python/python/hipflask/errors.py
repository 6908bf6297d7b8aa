"""What can go wrong with sessions. No text holds a key, a cookie, a session id or a value."""

from __future__ import annotations

from werkzeug.exceptions import Conflict, Forbidden, HTTPException, ServiceUnavailable

__all__ = [
    "ConfigError",
    "HipFlaskError",
    "SessionConflict",
    "SessionError",
    "StoreUnavailable",
    "TooManySessions",
]


class HipFlaskError(Exception):
    """What all errors of this package derive from."""


class ConfigError(HipFlaskError, ValueError):
    """The app's configuration cannot work; the text says what to change."""


class SessionError(HipFlaskError, RuntimeError):
    """A session cannot be saved as it is, for instance because its cookie would be too large."""


class StoreUnavailable(HipFlaskError, ServiceUnavailable):
    """The store of sessions did not answer. If the app does not handle it, the answer is 503."""

    code = 503
    #: The code of the reason, as in ``session.reason`` and in the log.
    reason = "store_unavailable"

    def __init__(self, description: str | None = None) -> None:
        ServiceUnavailable.__init__(self, description="The session store is unavailable.")
        #: What happened, for the log; the visitor sees only the description.
        self.cause = description or self.description

    def __str__(self) -> str:
        return str(self.cause)


class _Refusal(HipFlaskError, HTTPException):
    """An answer that is what the text says."""

    def __str__(self) -> str:
        return str(self.description)


class SessionConflict(_Refusal, Conflict):
    """Another request has ended the session, or has changed the same key and the app's
    ``SESSION_CONFLICT_POLICY`` is not the last writer. If the app does not handle it: 409."""

    code = 409
    #: What the log says of it.
    reason = "conflict"


class TooManySessions(_Refusal, Forbidden):
    """The user has as many sessions as ``SESSION_USER_LIMIT`` allows, and ``SESSION_ON_USER_LIMIT`` refuses
    one more: 403."""

    code = 403
    #: What the log says of it.
    reason = "too_many_sessions"


def refusal(error: SessionConflict | StoreUnavailable | TooManySessions) -> str:
    """Returns the page that a visitor sees whose session was not saved."""
    too_many = isinstance(error, TooManySessions)
    advice = "There are too many: end one of them first" if too_many else "Please try again"
    return f"{error.code} {error.name.upper()}: the session was not saved. {advice}.\n"
