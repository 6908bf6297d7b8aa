"""What all tests share: a clock that stands still, and the sides that are compared."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import freezegun
import pytest

from clocks import NOW, Clock
from pairs import Pair


@pytest.fixture(scope="module")
def frozen_clock() -> Iterator[Clock]:
    # Freezing looks through every module that is loaded, so it is done once for each file of tests.
    with freezegun.freeze_time(datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc)) as frozen:
        yield Clock(frozen)


@pytest.fixture
def clock(frozen_clock: Clock) -> Clock:
    """A clock that stands still until a test sets it."""
    frozen_clock.set(NOW)
    return frozen_clock


COOKIE_SIDES = ["flask-flask", "flask-hipflask"]
STORED_SIDES = ["flask_session-flask_session", "flask_session-hipflask"]


def make_pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    stock, other = request.param.split("-")
    if stock == "flask_session":
        # The native engine's files live by the machine's own clock, so that is where it stops for both sides.
        request.getfixturevalue("frozen_clock").set(freezegun.api.real_time())
    return Pair(stock, other, tmp_path)


@pytest.fixture(params=COOKIE_SIDES)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    """Flask's sessions in the cookie; beside Flask itself, which checks the harness, and beside HipFlask."""
    return make_pair(request, tmp_path)


@pytest.fixture(params=STORED_SIDES)
def stored_pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    """Flask-Session's sessions in files; beside Flask-Session itself, and beside HipFlask."""
    return make_pair(request, tmp_path)


@pytest.fixture(params=COOKIE_SIDES + STORED_SIDES)
def any_pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    """Each of the two."""
    return make_pair(request, tmp_path)
