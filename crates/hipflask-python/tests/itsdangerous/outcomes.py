"""What a call does, in a form that can be compared between the real itsdangerous and ours.

This folder must not have an ``__init__.py``: it is named like the real package, and would hide it.
"""

from __future__ import annotations

import time
import typing as t

import hipflask.itsdangerous as ours
import itsdangerous as real
import pytest

PACKAGES = {"real": real, "ours": ours}
NOW = 1_763_692_800
ATTRIBUTES = ("message", "payload", "date_signed", "header", "original_error")


def described(error: BaseException | None) -> object:
    """Returns class, message, attributes and cause of the package's own exceptions, of others the class."""
    if not isinstance(error, (real.BadData, ours.BadData)):
        return type(error).__name__
    family = [cls.__name__ for cls in type(error).__mro__]
    attributes = {name: getattr(error, name) for name in ATTRIBUTES if hasattr(error, name)}
    if "original_error" in attributes:
        attributes["original_error"] = described(attributes["original_error"])
    return family, str(error), error.args, attributes, described(error.__cause__)


def outcome(call: t.Callable[[], object]) -> tuple[object, ...]:
    """Returns what ``call`` returns, with its type, or what it raises."""
    try:
        value = call()
    except Exception as error:
        return "raised", described(error)
    return "returned", type(value).__name__, value


def assert_same(call: t.Callable[[t.Any], object], about: object = None) -> tuple[object, ...]:
    """Fails unless ``call`` does the same with both packages, and returns what it does."""
    theirs, mine = outcome(lambda: call(real)), outcome(lambda: call(ours))
    assert mine == theirs, about
    return mine


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops `time.time`, which both packages ask, at `NOW`."""
    monkeypatch.setattr(time, "time", lambda: NOW + 0.75)
