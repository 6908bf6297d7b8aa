"""No operation is slower than with the real package."""

from __future__ import annotations

import speed

# What both leave to Python takes the same time; a busy machine tells them apart by a few percent.
TOLERANCE = 1.15


def test_no_operation_is_slower() -> None:
    slower = {}
    for rounds in (10, 30, 90):
        times = speed.measure(rounds, only=slower)
        slower = {name: pair for name, pair in times.items() if pair[1] > pair[0] * TOLERANCE}
        if not slower:
            return
    raise AssertionError(f"slower than the real package: {slower}")
