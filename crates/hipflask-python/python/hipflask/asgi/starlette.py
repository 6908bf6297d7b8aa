"""The cookies of Starlette's own session middleware: recognized, and taken over when asked.

They are the JSON of a dict in base64, signed with a time by itsdangerous as it is by default:
https://github.com/Kludex/starlette/blob/main/starlette/middleware/sessions.py
"""

from __future__ import annotations

import base64
import json
import logging
from typing import Any, Mapping

from werkzeug.http import parse_cookie

from ..itsdangerous import BadData, TimestampSigner
from ..keys import keys_of

__all__ = ["Foreign"]

logger = logging.getLogger("hipflask")

#: How long Starlette's cookies live by default, in seconds.
_TWO_WEEKS = 14 * 24 * 60 * 60


class Foreign:
    """What is done with the cookies of Starlette's own middleware."""

    def __init__(self, config: Mapping[str, Any], accept: bool | int) -> None:
        self._config = config
        self._is_accepted = bool(accept)
        self._max_age = _TWO_WEEKS if accept is True or not accept else int(accept)
        self._is_told = False

    def take(self, header: str) -> dict[str, Any]:
        """Returns what a cookie of Starlette's holds, if it is to be taken over."""
        found = self._read(header)
        if found is None:
            return {}
        if self._is_accepted:
            logger.info("a session of Starlette's own middleware is taken over")
            return found
        if not self._is_told:
            self._is_told = True
            logger.warning(
                "a cookie of this name and key is Starlette's own session: each app logs the other's visitors out."
                " Give one of them another cookie name, or take theirs over by accept_starlette=True"
            )
        return {}

    def _read(self, header: str) -> dict[str, Any] | None:
        config = self._config
        value = parse_cookie(header).get(config["SESSION_COOKIE_NAME"], "")
        for key in keys_of(config["SECRET_KEY"], config["SECRET_KEY_FALLBACKS"]):
            try:
                text = TimestampSigner(key).unsign(value.encode(), max_age=self._max_age)
                found = json.loads(base64.b64decode(text))
            except (BadData, ValueError):
                continue
            return found if isinstance(found, dict) else None
        return None
