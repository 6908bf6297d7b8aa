"""Who looks on: counts what the looks at an app's requests have found. Nothing that goes wrong here is the app's.
"""

from __future__ import annotations

import contextlib
import functools
import random
import time
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from flask import Flask, has_request_context
from flask import request as current
from flask.sessions import SessionInterface

from ..errors import ConfigError
from ..interface import cookie_header
from .budget import Budget
from .look import Look
from .sides import Sides
from .tally import count, example
from .words import key_words, kind_words

if TYPE_CHECKING:
    from flask import Request, Response

    from .facts import Facts
    from .report import Report
    from .settings import ShadowSettings

__all__ = ["Ending", "Watch"]

#: Where a request keeps its look.
_PLACE = "_hipflask_look"
#: The rules that Hipflask's own interface has from Flask's.
_RULES = SessionInterface()


class Ending(NamedTuple):
    """A request whose session is being saved."""

    look: Look
    sides: Sides
    #: How many cookies were sent before.
    cookies: int
    begun: int


def _quiet(method: Callable[..., Any]) -> Callable[..., Any]:
    """Makes an exception of a method a number in the report."""

    @functools.wraps(method)
    def quiet(self: Watch, *args: Any, **names: Any) -> Any:
        try:
            return method(self, *args, **names)
        except Exception as error:
            with self.report.lock:
                if isinstance(error, ConfigError):
                    # Its text is for who runs the app, and holds no value.
                    count(self.report.tally["troubles"], str(error))
                else:
                    count(self.report.tally["exceptions"], kind_words(type(error)))
            return None

    return quiet


class Watch:
    """Looks at the requests of one app."""

    def __init__(
        self, settings: ShadowSettings, facts: Facts, report: Report, share: float, budget: Budget
    ) -> None:
        self._settings = settings
        self._facts = facts
        self.report = report
        self._share = share
        self._budget = budget

    @_quiet
    def sign_as(self, interface: Any) -> None:
        """Signs as the app's interface does from now on."""
        self._settings.sign_as(interface)

    @_quiet
    def begin(self, app: Flask, request: Request) -> Look | None:
        """Begins a look at a request, unless it is none of the share."""
        begun = perf_counter_ns()
        with self.report.lock:
            tally, now = self.report.tally, int(time.time())
            tally["requests"] += 1
            tally["since"] = tally["since"] or now
            tally["until"] = now
        if self._share < 1 and random.random() >= self._share or not self._budget.allows():
            return None
        engine = self._settings.engine(app)
        if engine is None:
            return None
        look = Look(self._facts, engine, cookie_header(_RULES, app, request))
        look.begun_at = begun
        look.mark = perf_counter_ns()
        look.spent = look.mark - begun
        return look

    @_quiet
    def opened(self, look: Look, request: Request, session: Any, error: Exception | None) -> None:
        """Compares how the session was opened."""
        begun = perf_counter_ns()
        reason = look.open(session, error)
        with self.report.lock:
            tally = self.report.tally
            tally["looked_at"] += 1
            tally["lost"] += look.is_lost
            tally["nanoseconds"]["stock"] += begun - look.mark
            count(tally["verdicts"], reason)
        self._count(look, request)
        setattr(request, _PLACE, look)
        look.spent += perf_counter_ns() - begun

    @_quiet
    def logged_in(self, _app: Flask, **_user: Any) -> None:
        """Notes that somebody has logged in by Flask-Login."""
        look = getattr(current, _PLACE, None)
        if look is not None:
            look.note("log_in_id")

    @_quiet
    def end(self, session: Any, response: Response) -> Ending | None:
        """Returns the look at the request whose session is to be saved."""
        # Faster than to ask the proxy for what most requests have not.
        asked: Any = current
        places: Any = vars(asked._get_current_object()) if has_request_context() else {}
        look = places.get(_PLACE)
        if look is None or look.session is not session:
            return None
        del places[_PLACE]
        cookies = len(response.headers.getlist("Set-Cookie"))
        return Ending(look, Sides(session), cookies, perf_counter_ns())

    @_quiet
    def saved(self, ending: Ending, response: Response, error: Exception | None) -> None:
        """Compares how the session was saved."""
        look, sides, cookies, begun = ending
        saved = perf_counter_ns()
        own = saved - look.begun_at - look.spent
        sent = response.headers.getlist("Set-Cookie")[cookies:]
        sides.header, sides.error = sent[-1] if sent else None, error
        try:
            look.save(sides)
        finally:
            self._count(look, current)
            look.spent += perf_counter_ns() - saved
            self._budget.spend(look.spent, own)
            with self.report.lock:
                times = self.report.tally["nanoseconds"]
                times["stock"] += saved - begun
                times["hipflask"] += look.nanoseconds
                times["shadow"] += look.spent
        self.report.write_if_due()

    def _count(self, look: Look, request: Any) -> None:
        """Counts what was found since the last time."""
        if not look.found:
            return
        with self.report.lock:
            self.report.tally["with_difference"] += not look.is_counted
            for code, words in look.found.items():
                example(self.report.tally, code, lambda: {**_place(self._facts.app, request), **words()})
        look.is_counted = True
        look.found = {}


def _place(app: Flask, request: Request) -> dict[str, str | None]:
    rule = request.url_rule
    if rule is None:
        # A session is opened before its request is matched.
        with contextlib.suppress(Exception):
            adapter: Any = app.create_url_adapter(request)
            rule = adapter.match(return_rule=True)[0]
    return {"method": request.method[:8], "endpoint": None if rule is None else key_words(rule.endpoint)}
