"""A plugin of pytest that puts this package in the place of what a foreign test suite is about.

`HIPFLASK_IN_PLACE_OF=flask` gives each app the sessions of `HipFlask(app)`; `=itsdangerous` makes `import itsdangerous`
mean `hipflask.itsdangerous`; without it, nothing is put in the place of anything.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from typing import Any

import _pytest.compat
import _pytest.monkeypatch

# The name that Flask 3.1's suite imports, which pytest 9.2 no longer has.
_pytest.monkeypatch.notset = _pytest.compat.NOTSET  # type: ignore[attr-defined]


def put_hipflask_into_apps() -> None:
    import flask

    import hipflask

    init = flask.Flask.__init__
    of_flask = flask.Flask.session_interface

    @functools.wraps(init)
    def init_with_hipflask(app: flask.Flask, *args: Any, **kwargs: Any) -> None:
        init(app, *args, **kwargs)
        # A class that has its own interface would not be given another one.
        if app.session_interface is of_flask:
            hipflask.HipFlask(app)

    flask.Flask.__init__ = init_with_hipflask  # type: ignore[method-assign]


def put_hipflask_before_itsdangerous() -> None:
    for name in ("", ".encoding", ".exc", ".serializer", ".signer", ".timed", ".url_safe"):
        sys.modules[f"itsdangerous{name}"] = importlib.import_module(f"hipflask.itsdangerous{name}")


PLACES = {"flask": put_hipflask_into_apps, "itsdangerous": put_hipflask_before_itsdangerous}
if place := os.environ.get("HIPFLASK_IN_PLACE_OF"):
    PLACES[place]()
