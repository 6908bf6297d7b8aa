"""The two sides of a comparison: what gives a Flask app its sessions.

Every test writes its app once and runs it with a stock side and with HipFlask; nothing else may differ.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

Side = Callable[[Flask], None]


def flask(app: Flask) -> None:
    """Leaves the app with the sessions that Flask gave it."""


def flask_session(app: Flask) -> None:
    """Keeps sessions in the store of `SESSION_TYPE`, with stock Flask-Session."""
    from flask_session import Session

    Session(app)


def hipflask(app: Flask) -> None:
    """Gives the app the sessions of this package, in a cookie or in the store of `SESSION_TYPE`."""
    from hipflask import HipFlask

    HipFlask(app)


SIDES: dict[str, Side] = {"flask": flask, "flask_session": flask_session, "hipflask": hipflask}
