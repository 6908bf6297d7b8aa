"""A clock that stands still, for both packages at once."""

from __future__ import annotations

import time

import pytest

NOW = 1_763_692_800


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> int:
    """Stops `time.time`, which both packages ask, and returns where."""
    monkeypatch.setattr(time, "time", lambda: NOW + 0.75)
    return NOW
