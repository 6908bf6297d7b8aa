"""The cookies of Starlette's own session middleware: recognized, and named in the log.

They are the JSON of a dict in base64, signed with a time by itsdangerous as it is by default:
https://github.com/Kludex/starlette/blob/main/starlette/middleware/sessions.py
"""

from __future__ import annotations

import logging
from typing import Any, Mapping

from werkzeug.http import parse_cookie

from .itsdangerous import BadData, TimestampSigner
from .keys import keys_of

__all__ = ["Foreign"]

logger = logging.getLogger("hipflask")


class Foreign:
    """Says once that a cookie is that of Starlette's own middleware."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._is_told = False

    def look_at(self, header: str | None) -> None:
        """Looks at the cookies of a request whose session was refused."""
        if header and not self._is_told and self._has_signed(header):
            self._is_told = True
            logger.warning(
                "a cookie of this name and key is Starlette's own session: each app logs the other's visitors out."
                ' Give one of them another cookie name, or take theirs over by SESSION_TAKE_OVER = "starlette"'
            )

    def _has_signed(self, header: str) -> bool:
        config = self._config
        # Bytes that are no text are of other cookies, or of one that is not Starlette's.
        text = header.encode("ascii", "ignore").decode()
        value = parse_cookie(text).get(config["SESSION_COOKIE_NAME"], "")
        for key in keys_of(config["SECRET_KEY"], config.get("SECRET_KEY_FALLBACKS")):
            try:
                TimestampSigner(key).unsign(value.encode())
            except BadData:
                continue
            return True
        return False
