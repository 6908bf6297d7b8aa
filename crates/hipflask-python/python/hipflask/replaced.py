"""Tells the log which of the session interfaces of an app is no longer there: the one before, or ours."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

from flask import request_started
from flask.sessions import SecureCookieSessionInterface, SessionInterface

from .shadow.facts import is_known, overridden

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["tell_if_replaced", "tell_what_is_lost"]

logger = logging.getLogger("hipflask")


def tell_what_is_lost(app: Flask, before: SessionInterface) -> None:
    """Warns when the sessions of the interface before are not read, or when it has done more than the stock ones."""
    what = _lost(app, before)
    if what:
        logger.warning("%s has %s", type(before).__name__, what, extra={"reason": "interface_replaced"})


def tell_if_replaced(app: Flask, ours: SessionInterface) -> None:
    """Warns at the first request when the app has got another session interface since."""

    kind = type(ours)

    def at_first_request(app: Flask, **_: Any) -> None:
        request_started.disconnect(at_first_request, app)
        interface = app.session_interface
        if not isinstance(interface, kind):
            words = "Hipflask does not serve the sessions of this app: %s was set after HipFlask(app)"
            logger.warning(words, type(interface).__name__, extra={"reason": "interface_replaced"})

    with contextlib.suppress(RuntimeError):  # Flask before 2.3 without blinker
        request_started.connect(at_first_request, app, weak=False)


def _lost(app: Flask, before: Any) -> str | None:
    if hasattr(before, "_retrieve_session_data"):  # Flask-Session's, or a class of one
        if is_known(before.serializer) or app.config.get("SESSION_SERIALIZATION_FORMAT") is not None:
            return None
        return "a serializer of its own: set SESSION_SERIALIZATION_FORMAT to what it writes, such as tagged_json"
    if is_known(before):
        return None
    if isinstance(before, SecureCookieSessionInterface):
        theirs, flasks = type(before), SecureCookieSessionInterface
        names = [name for name in ("open_session", "save_session") if getattr(theirs, name) is not getattr(flasks, name)]
        names += sorted(overridden(before))
        return f"methods of its own, which are no longer called: {', '.join(names)}" if names else None
    if app.config.get("SESSION_TAKE_OVER") is not None:
        return None
    return "sessions of its own, which are not read: who is logged in has to log in again"
