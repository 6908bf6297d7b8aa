"""Requests against Flask's recorded answers: cookie in, a view's operations, `Set-Cookie` and `Vary` out."""

from __future__ import annotations

import datetime
import warnings
from typing import Any

import flask
import pytest

import operations
from clocks import Clock
from sides import SIDES, Side
from vectors import Differences, Row, assert_same, check_all, rows

# What the views of the `vary` rows put into `Vary`: three rows each, of which the first leaves it as it is.
VARY: list[list[str]] = [
    ["Accept"],
    ["cookie"],
    ["COOKIE"],
    ["*"],
    ["Accept, Cookie"],
    ["Accept", "Origin"],
    ["Cookie", "Origin"],
    ["Accept,Accept"],
    [""],
    ['"quoted, x"'],
    ["a b"],
    ["Accept;q=1"],
    ["Accept, "],
    [" ,"],
    ["Accept-Encoding, Accept-Language"],
]
FIRST_VARY = 390

DIFFERENCES = {
    "flask": Differences(),
    "hipflask": Differences()
    .add(
        [*range(257, 273), *range(277, 285)],
        "a lifetime that is no time, below a second or beyond all years: refused",
    )
    .add([214, 230], "two lines that a server has joined with a comma: the session's cookie is found")
    .add([273, 274, 276], "a lifetime of None: the default, instead of errors later on")
    .add([295, 296, 297], "a domain that is empty: none, instead of an empty attribute")
    .add([313, 314, 315], "APPLICATION_ROOT that is empty: refused, instead of an empty path")
    .add([325, 326, 327, 331, 332, 333], "HttpOnly=0 and Secure=1: the truth values that are meant")
    .add([340, 341, 342], "SameSite=None without Secure, which browsers drop: refused")
    .add([343, 344, 345], "an unknown SameSite: refused at once, not with each response")
    .add([355, 356, 357], "a path that no URL has: refused")
    .add([364, 366], "a cookie beyond the limit: an error instead of one that browsers drop")
    .add([380, 382], "keys that are no strings beside others that are: written as strings, then sorted")
    .add([383], "a change deep inside a value: seen")
    .add(range(585, 591), "a text as fallbacks: refused, because each of its characters would be a key")
    .add(
        [600, 602, 603, 604, 605], "a signed payload that does not decode: an empty session instead of errors"
    ),
}


@pytest.mark.parametrize("side", ["flask", "hipflask"])
def test_request_ends_as_in_flask(side: str, clock: Clock) -> None:
    def check(row: Row) -> None:
        clock.set(row["now"])
        expected = {name: row[name] for name in ("results", "status", "set_cookie", "vary")}
        assert_same(answer(row, SIDES[side]), expected)

    check_all(rows("lifecycle", "cookie"), check, DIFFERENCES[side])


def answer(row: Row, install: Side) -> dict[str, Any]:
    """Sends the request of a row to an app of its own."""
    app = make_app(row)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of weak keys and long cookies, which have tests of their own
        try:
            install(app)
        except Exception as error:
            return {"refused": type(error).__name__}
        return send(app, row)


def make_app(row: Row) -> flask.Flask:
    app = flask.Flask("vectors")
    secret = row["secret"]
    app.secret_key = bytes.fromhex(secret["hex"]) if isinstance(secret, dict) else secret
    # As Flask does, HipFlask then sends a permanent session again that nobody has touched.
    app.config["SESSION_REFRESH_UNTOUCHED"] = True
    app.config.update({name: setting(value) for name, value in row["config"].items()})
    return app


def setting(value: Any) -> Any:
    return datetime.timedelta(seconds=value["timedelta_s"]) if isinstance(value, dict) else value


def send(app: flask.Flask, row: Row) -> dict[str, Any]:
    """Runs the operations of a row in a request and returns what the client and the view see."""
    results: dict[str, operations.Answers] = {"before": [], "view": [], "after": []}

    def view() -> flask.Response:
        operations.run(row["ops"], results["view"])
        response = flask.make_response("ok")
        for value in VARY[(row["id"] - FIRST_VARY) // 3] if row["label"] == "vary" else []:
            response.headers.add("Vary", value)
        for name, value in row.get("set_cookies", ()):
            response.set_cookie(name, value)
        return response

    def after(response: flask.Response) -> flask.Response:
        operations.run(row.get("after", ()), results["after"])
        return response

    app.add_url_rule("/", "view", view, methods=["GET", "POST"])
    app.before_request(lambda: operations.run(row.get("before", ()), results["before"]))
    app.after_request(after)
    app.teardown_request(lambda _error: operations.run(row.get("teardown", ()), []))
    headers = [] if row["cookie"] is None else [("Cookie", row["cookie"])]
    client = app.test_client(use_cookies=False)
    response = client.open(row.get("path", "/"), headers=headers, method=row.get("method", "GET"))
    return {
        "results": results,
        "status": response.status_code,
        "set_cookie": response.headers.getlist("Set-Cookie"),
        "vary": response.headers.getlist("Vary"),
    }
