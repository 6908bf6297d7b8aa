"""Stock sessions serve, and Hipflask looks on: it opens and saves the same requests, sends and writes nothing, and
counts what would have been different.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from flask.sessions import SecureCookieSessionInterface

from ..errors import ConfigError
from ..log_in import at_log_in
from .budget import Budget
from .command import command
from .facts import Facts
from .interface import PLACE, watched
from .report import Report
from .settings import ShadowSettings
from .tally import count
from .watch import Watch

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["Shadow", "checked", "look_on"]

logger = logging.getLogger("hipflask")


class Shadow(NamedTuple):
    """How to look on: ``HipFlask(app, shadow=Shadow(share=0.1))``."""

    #: The folder of the report, which all processes of the app share; ``hipflask-shadow`` in the app's instance
    #: folder if left out.
    folder: Optional[str] = None
    #: The share of the requests that are looked at.
    share: float = 1.0
    #: The share of a request's time that may be spent on looking: while it would be more, requests pass.
    cost: float = 0.03


def checked(shadow: object) -> Shadow:
    """Returns what somebody has given as `shadow`.

    :raises ConfigError: when it is something else, or its numbers are no shares.
    """
    if shadow is True:
        return Shadow()
    if not isinstance(shadow, Shadow):
        raise ConfigError("shadow: expected True, or Shadow(folder, share=…, cost=…)")
    for name, share in (("share", shadow.share), ("cost", shadow.cost)):
        if not 0 <= share <= 1:
            raise ConfigError(f"Shadow({name}=…): expected a share between 0 and 1, such as 0.03 for three per cent")
    return shadow


def look_on(app: Flask, shadow: Shadow, store: str | None) -> None:
    """Looks on at the sessions that an app has now. An app whose sessions Hipflask cannot have goes on as it is,
    and the report says why."""
    report = Report(Path(shadow.folder or Path(app.instance_path) / "hipflask-shadow"))
    app.cli.add_command(command(report.folder))
    interface = app.session_interface
    if hasattr(interface, PLACE):
        raise ConfigError("Hipflask looks on at this app already: call HipFlask(app, shadow=True) once")
    try:
        settings = _settings(app, interface, store)
        settings.engine(app)
    except ConfigError as error:
        logger.warning("Hipflask cannot look on: %s", error)
        count(report.tally["troubles"], str(error))
        report.write(0)
        return
    watch = Watch(settings, Facts(app, interface, settings), report, shadow.share, Budget(shadow.cost))
    app.session_interface = watched(interface, watch)
    app.extensions["hipflask_shadow"] = watch
    if settings.is_stored:
        at_log_in(app, watch.logged_in)


def _settings(app: Flask, interface: Any, store: str | None) -> ShadowSettings:
    settings = ShadowSettings(app, store, hasattr(interface, "cache"))
    if isinstance(interface, SecureCookieSessionInterface):
        if settings.is_stored:
            raise ConfigError("SESSION_TYPE is set, but sessions are signed cookies: call Session(app) first")
        settings.sign_as(interface)
    elif not hasattr(interface, "_retrieve_session_data"):
        raise ConfigError("sessions are neither Flask's signed cookies nor those of Flask-Session 0.6 or newer")
    elif not settings.is_stored:
        raise ConfigError("sessions lie in a store: set SESSION_TYPE to the one that Flask-Session uses")
    return settings
