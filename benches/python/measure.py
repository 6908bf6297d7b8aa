"""Medians of interleaved rounds, their ratios, and the Markdown that shows them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Returns the median of the ratios of each round: what disturbs a round disturbs both sides of it."""
    return statistics.median(over / under for over, under in zip(numerators, denominators))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table whose first column is text and whose others are numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
