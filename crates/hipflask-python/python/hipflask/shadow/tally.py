"""What has been counted so far, of one process or of several: numbers, and the first examples of each difference.

Plain JSON, of a size that does not grow with the number of requests.
"""

from __future__ import annotations

from typing import Any, Callable

from .kinds import KINDS

__all__ = ["MOST_EXAMPLES", "add", "count", "empty", "example", "totals"]

Tally = dict[str, Any]

#: How many examples of a difference are kept.
MOST_EXAMPLES = 5
#: How many names, of exceptions for instance, are told apart.
_MOST_NAMES = 40
_OTHERS = "others"


def empty() -> Tally:
    """Returns what is counted before the first request."""
    return {
        "requests": 0,
        "looked_at": 0,
        "with_difference": 0,
        "lost": 0,
        "verdicts": {},
        "differences": {},
        "exceptions": {},
        "troubles": {},
        "nanoseconds": {"stock": 0, "hipflask": 0, "shadow": 0},
        "since": None,
        "until": None,
    }


def count(names: dict[str, int], name: str, by: int = 1) -> None:
    """Counts under a name, or among the others if there are too many."""
    if name not in names and len(names) >= _MOST_NAMES:
        name = _OTHERS
    names[name] = names.get(name, 0) + by


def example(tally: Tally, code: str, what: Callable[[], dict[str, Any]]) -> None:
    """Counts a difference, and keeps what it looked like if it is one of the first."""
    found = tally["differences"].setdefault(code, {"count": 0, "examples": []})
    found["count"] += 1
    if len(found["examples"]) < MOST_EXAMPLES:
        found["examples"].append(what())


def add(tally: Tally, more: Tally) -> None:
    """Adds what another process, or the same one later, has counted."""
    for name in ("requests", "looked_at", "with_difference", "lost"):
        tally[name] += more[name]
    for names in ("verdicts", "exceptions", "troubles", "nanoseconds"):
        for name, number in more[names].items():
            count(tally[names], name, number)
    for code, found in more["differences"].items():
        mine = tally["differences"].setdefault(code, {"count": 0, "examples": []})
        mine["count"] += found["count"]
        mine["examples"] = [*mine["examples"], *found["examples"]][:MOST_EXAMPLES]
    times = [it for it in (tally["since"], more["since"]) if it is not None]
    tally["since"] = min(times, default=None)
    tally["until"] = max((it for it in (tally["until"], more["until"]) if it is not None), default=None)


def totals(tally: Tally) -> Tally:
    """Returns a tally as a report shows it: with what each difference is, and how many nobody has explained."""
    differences, unexplained = [], 0
    for code, kind in KINDS.items():
        found = tally["differences"].get(code)
        if found is not None:
            unexplained += 0 if kind.row else found["count"]
            differences.append({"code": code, "text": kind.text, "row": kind.row, **found})
    differences.sort(key=lambda it: (it["row"] is not None, -it["count"]))
    looked_at = tally["looked_at"] or 1
    micros = {name: round(sum_ / looked_at / 1000, 1) for name, sum_ in tally["nanoseconds"].items()}
    rest = {name: it for name, it in tally.items() if name not in ("differences", "nanoseconds")}
    return {**rest, "unexplained": unexplained, "microseconds_per_request": micros, "differences": differences}
