"""What stock has done with a session at the end of a request."""

from __future__ import annotations

from typing import Any

__all__ = ["Sides"]


class Sides:
    def __init__(self, session: Any) -> None:
        # Saving itself sets these in some interfaces.
        self.modified = bool(session.modified)
        self.accessed = bool(session.accessed)
        #: The `Set-Cookie` that it has sent, or the exception that it has raised.
        self.header: str | None = None
        self.error: Exception | None = None
        #: What the session is now, and whether that is another one than was opened.
        self.content: dict[Any, Any] = {}
        self.is_changed = False
        #: Whether an old key has signed what was opened.
        self.is_resigned = False
        #: Whether Hipflask would do nothing, because nobody has asked for the session.
        self.is_left = False
        #: Whether the session has got another id.
        self.is_renewed = False
