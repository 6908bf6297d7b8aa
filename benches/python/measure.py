"""Medians of interleaved rounds, their ratios, and the Markdown that shows them."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterable, Sequence


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Returns the median of the ratios of each round: what disturbs a round disturbs both sides of it."""
    return statistics.median(over / under for over, under in zip(numerators, denominators))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table whose first column is text and whose others are numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def keep(bench: str, case: str, contender: str, measure: str, samples: Sequence[float]) -> None:
    """Adds what the rounds gave to the file that `BENCH_JSON` names, if it does, for benches/page.py."""
    if path := os.environ.get("BENCH_JSON"):
        line = {"bench": bench, "case": case, "contender": contender, "measure": measure, "samples": samples}
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
