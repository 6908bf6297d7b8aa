"""Tells the log what of the session interface that an app has had is no longer there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask.sessions import SecureCookieSessionInterface, SessionInterface

from .shadow.facts import overridden

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["tell_what_is_lost"]

logger = logging.getLogger("hipflask")

#: Those whose sessions are read.
_KNOWN = ("flask", "flask_session", "hipflask")


def tell_what_is_lost(app: Flask, before: SessionInterface) -> None:
    """Warns when the sessions of the interface before are not read, or when it has done more than Flask's."""
    kind = type(before)
    if kind.__module__.partition(".")[0] in _KNOWN or hasattr(before, "_retrieve_session_data"):
        return
    if isinstance(before, SecureCookieSessionInterface):
        flasks = SecureCookieSessionInterface
        names = [
            name for name in ("open_session", "save_session") if getattr(kind, name) is not getattr(flasks, name)
        ]
        names += sorted(overridden(before))
        what = f"methods of its own, which are no longer called: {', '.join(names)}" if names else ""
    elif app.config.get("SESSION_TAKE_OVER") is None:
        what = "sessions of its own, which are not read: who is logged in has to log in again"
    else:
        what = ""
    if what:
        logger.warning("%s has %s", kind.__name__, what, extra={"reason": "interface_replaced"})
