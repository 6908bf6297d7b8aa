"""Gives the session a new id at each log-in by Flask-Login, so that an id that was planted before opens nothing.

Flask-Login is not needed; where it is there, its signals say when somebody has logged in.
"""

from __future__ import annotations

from typing import Any, Callable

from flask import Flask
from flask import session as proxy

from .session import Session

__all__ = ["at_log_in", "renew_at_log_in"]


def renew_at_log_in(app: Flask) -> None:
    """Renews the session of whoever logs in to an app, by a form or by a remember cookie."""
    at_log_in(app, _renew)


def at_log_in(app: Flask, function: Callable[..., Any]) -> None:
    """Calls a function whenever somebody logs in to an app by Flask-Login. It is held by a weak reference."""
    try:
        from flask_login import user_loaded_from_cookie, user_logged_in  # type: ignore[import-untyped]
    except ImportError:  # there is none, or one that is too old for this Flask
        return
    for signal in (user_logged_in, user_loaded_from_cookie):
        signal.connect(function, app)


def _renew(_app: Flask, **_user: Any) -> None:
    session = proxy._get_current_object()  # type: ignore[attr-defined]
    if isinstance(session, Session):
        session.renew()
