"""The app's settings, for an engine that reads what stock reads and writes nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..settings import Settings
from .store import ShadowStore

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["ShadowSettings"]


class _KeyFileOfNobody:
    """Stock does not read ``SECRET_KEY_FILE``, and its keys must not change under it."""

    def refresh(self, config: dict[str, Any]) -> None:
        pass


class ShadowSettings(Settings):
    """Makes engines that ask no store."""

    #: What is beside the sessions, and stock has nothing of.
    left_out = ("SESSION_REVOCATIONS", "SESSION_USER_INDEX", "SESSION_USER_LIMIT", "SESSION_ON_USER_LIMIT")

    def __init__(self, app: Flask, store: str | None, pickles: bool) -> None:
        super().__init__(app, store)
        self.is_stored = self._store is not None
        if self.is_stored:
            self._store = ShadowStore(pickles)
        self._key_file = _KeyFileOfNobody()  # type: ignore[assignment]
