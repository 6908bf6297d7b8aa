"""One app, built twice: with a stock side and with another one, driven by the same client, and compared.

A test writes `build`, which adds views to an app, and `visit`, which drives it and returns what it has seen.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sides import SIDES

Build = Callable[[flask.Flask], None]
Visit = Callable[[FlaskClient], Any]
SECRET_KEY = "of-the-tests-only-1d7c40b6f2a94e08"


def nothing(app: flask.Flask) -> None:
    """Adds no views."""


class Pair:
    """A stock side and another one, with sessions of one kind: in the cookie, or in files."""

    def __init__(self, stock: str, other: str, folder: Path) -> None:
        self.stock = stock
        self.other = other
        self.folder = folder

    def __str__(self) -> str:
        return f"{self.stock}-{self.other}"

    @property
    def is_hipflask(self) -> bool:
        return self.other == "hipflask"

    @property
    def is_stored(self) -> bool:
        return self.stock == "flask_session"

    def app(self, side: str, build: Build = nothing, **config: Any) -> flask.Flask:
        """Builds one side; both have the same key, and the same folder of sessions."""
        app = flask.Flask("pairs", template_folder=str(Path(__file__).parent / "templates"))
        app.secret_key = SECRET_KEY
        # Flask sends untouched permanent sessions again with each response. HipFlask does so when asked to.
        app.config["SESSION_REFRESH_UNTOUCHED"] = True
        if self.is_stored:
            app.config.update(SESSION_TYPE="filesystem", SESSION_FILE_DIR=str(self.folder / "sessions"))
        app.config.update(config)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the vectors' weak key, and of Flask-Session's files
            SIDES[side](app)
        app.jinja_env.globals["dict"] = dict
        build(app)
        return app

    def run(self, side: str, build: Build, visit: Visit, **config: Any) -> Any:
        return visit(self.app(side, build, **config).test_client())

    def compare(self, build: Build, visit: Visit, **config: Any) -> Any:
        """Requires that both sides see the same, and returns it."""
        expected = self.run(self.stock, build, visit, **config)
        require_same(self.run(self.other, build, visit, **config), expected)
        return expected


def require_same(actual: Any, expected: Any, where: str = "the answer") -> None:
    """Fails at the first place where two answers differ, however deep inside."""
    if (
        isinstance(actual, (list, tuple))
        and isinstance(expected, (list, tuple))
        and len(actual) == len(expected)
    ):
        for number, (left, right) in enumerate(zip(actual, expected)):
            require_same(left, right, f"{where}[{number}]")
    elif isinstance(actual, dict) and isinstance(expected, dict) and actual.keys() == expected.keys():
        for name in expected:
            require_same(actual[name], expected[name], f"{where}.{name}")
    assert actual == expected, f"{where}: {actual!r} instead of {expected!r}"


def seen(response: TestResponse) -> dict[str, Any]:
    """Returns what a client sees of a response."""
    return {
        "status": response.status_code,
        "body": response.get_data(as_text=True),
        "location": response.headers.get("Location"),
        "set_cookie": response.headers.getlist("Set-Cookie"),
        "vary": response.headers.getlist("Vary"),
    }


def page(response: TestResponse) -> dict[str, Any]:
    """The same without the cookies: where these hold new ids, and are sent again by rules of their own."""
    return {name: value for name, value in seen(response).items() if name != "set_cookie"}
