"""Runs the recorded answers of real Flask, `crates/hipflask-core/tests/vectors/*.jsonl`, one case per line.

A test takes a file, lists what HipFlask answers differently on purpose, and checks every row: a row that is
listed and agrees after all fails, like one that differs and is not listed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]
OWN = Path(__file__).parent / "vectors"
CORE = Path(__file__).parents[2] / "hipflask-core" / "tests" / "vectors"


def rows(name: str, kind: str | None = None) -> list[Row]:
    """Returns the rows of a file, or those of one kind, but not the row that says what wrote it."""
    own = OWN / f"{name}.jsonl"
    path = own if own.exists() else CORE / f"{name}.jsonl"
    with path.open(encoding="ascii") as lines:
        found = [row for row in map(json.loads, lines) if row.get("kind") != "meta"]
    if kind is not None:
        found = [row for row in found if row["kind"] == kind]
    assert found, f"no rows of {kind} in {path}"
    return found


class Differences:
    """Rows that are answered differently on purpose, each with a reason."""

    def __init__(self) -> None:
        self.reasons: dict[int, str] = {}

    def add(self, ids: Iterable[int], reason: str) -> Differences:
        for row_id in ids:
            assert row_id not in self.reasons, f"row {row_id} is listed twice"
            self.reasons[row_id] = reason
        return self

    def __contains__(self, row_id: int) -> bool:
        return row_id in self.reasons

    def __iter__(self) -> Iterator[int]:
        return iter(self.reasons)


def assert_same(actual: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compares two answers and names only what differs."""
    names = sorted({*actual, *expected})
    different = {
        name: (actual.get(name), expected.get(name))
        for name in names
        if actual.get(name) != expected.get(name)
    }
    if different:
        raise AssertionError("; ".join(f"{name}: {a} != {b}" for name, (a, b) in different.items()))


def check_all(
    rows: Iterable[Row], check: Callable[[Row], None], differences: Differences | None = None
) -> None:
    """Checks every row; a check fails with an AssertionError."""
    listed = differences or Differences()
    failed: dict[int, str] = {}
    agreed, seen = [], set()
    for row in rows:
        seen.add(row["id"])
        try:
            check(row)
        except AssertionError as error:
            failed[row["id"]] = str(error)
        else:
            agreed.append(row["id"])
    unlisted = {row_id: why for row_id, why in failed.items() if row_id not in listed}
    report = "\n".join(f"row {row_id}: {why}" for row_id, why in unlisted.items())
    assert not unlisted, f"{len(unlisted)} rows differ: {sorted(unlisted)}\n{report}"
    assert not [row_id for row_id in agreed if row_id in listed], "rows agree that are listed as different"
    assert seen.issuperset(listed), "rows are listed that are not there"
