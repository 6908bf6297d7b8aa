"""The clock of the tests, which stands still until it is set."""

from __future__ import annotations

import datetime

import freezegun

NOW = 1763692800  # 2025-11-21T02:40:00Z, at which the vectors were recorded


class Clock:
    """Sets the time that Python code sees."""

    def __init__(self, frozen: freezegun.api.FrozenDateTimeFactory) -> None:
        self.frozen = frozen

    def set(self, seconds: float) -> None:
        self.frozen.move_to(datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc))

    def advance(self, seconds: float) -> None:
        self.frozen.tick(seconds)
