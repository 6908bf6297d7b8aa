"""Single cookies against Flask's recorded answers: session → bytes, and bytes → session or refusal."""

from __future__ import annotations

import base64
import dataclasses
import enum
import warnings
from typing import Any

import flask
import pytest
from werkzeug.http import dump_cookie

from clocks import Clock
from itsdangerous import TimestampSigner
from notation import describe, read, text
from sides import SIDES, Side
from vectors import Differences, Row, check_all, rows

BOTH = pytest.mark.parametrize("side", ["flask", "hipflask"])
WRITTEN = {
    "flask": Differences(),
    "hipflask": Differences().add(
        [118, 119], "keys that are no strings beside others that are: written as strings, then sorted"
    ),
}
LOADED = {
    "flask": Differences(),
    "hipflask": Differences()
    .add([653, 654], "Markup of a list or a dict: refused, instead of Python's spelling of it")
    .add([683, 692], "a time with an offset, as no Flask writes it: the same time in UTC"),
}
JUDGED = {
    "flask": Differences(),
    "hipflask": Differences()
    .add([568, 569], "pairs whose keys are no strings: refused")
    .add(
        [*range(614, 619), *range(629, 634)],
        "a lifetime below a second: refused, because no session would open",
    )
    .add(range(664, 676), "a text as fallbacks: refused, because each of its characters would be a key"),
}


class Colour(enum.Enum):
    """A value that no session can hold."""

    RED = 1


@dataclasses.dataclass
class Point:
    a: int
    b: object


# What the notation only names.
UNREADABLE = {
    "odd:object": object(),
    "odd:complex": 1j,
    "odd:enum": Colour.RED,
    "odd:dcbytes": Point(1, b"x"),
    "odd:dc": Point(1, (2, 3)),
}


def make_app(install: Side, secret: str | bytes, **config: Any) -> flask.Flask:
    app = flask.Flask("vectors")
    app.secret_key = secret
    app.config.update(config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the weak keys that the vectors are signed with
        install(app)
    return app


@BOTH
def test_session_becomes_the_cookie_of_flask(side: str, clock: Clock) -> None:
    def check(row: Row) -> None:
        clock.set(row["now"])
        label = row["label"]
        app = make_app(SIDES[side], bytes.fromhex(row["secret_hex"]))
        content = {"x": UNREADABLE[label]} if label in UNREADABLE else read(row["session"])

        @app.route("/")
        def view() -> str:
            flask.session.update(content)
            return ""

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the cookie's size
            response = app.test_client().get("/")
        cookies = [line.split(";")[0] for line in response.headers.getlist("Set-Cookie")]
        if "cookie" not in row:
            assert (response.status_code, cookies) == (500, [])
        elif not content:
            assert cookies == ["session="]
        else:
            assert (response.status_code, cookies) == (200, [f"session={row['cookie']}"])

    check_all(rows("session_cookies", "session"), check, WRITTEN[side])


@BOTH
def test_cookie_of_flask_becomes_its_session(side: str, clock: Clock) -> None:
    def check(row: Row) -> None:
        clock.set(row["now"])
        app = make_app(SIDES[side], bytes.fromhex(row["secret_hex"]))
        assert opened(app, row["cookie"]) == row["loads"]

    written = [row for row in rows("session_cookies", "session") if "loads" in row]
    check_all(written, check)


@BOTH
def test_signed_json_is_read_as_by_flask(side: str, clock: Clock) -> None:
    signer = TimestampSigner("k", salt=b"cookie-session", key_derivation="hmac")

    def check(row: Row) -> None:
        app = make_app(SIDES[side], "k")
        cookie = signed(signer, f'{{"v":{text(row["json"])}}}')
        if "value" in row:
            assert opened(app, cookie) == {"t": "dict", "v": [[describe("v"), row["value"]]]}
        elif "error" in row:
            assert opened(app, cookie) == failure(side)

    check_all(rows("session_cookies", "loads"), check, LOADED[side])


@BOTH
def test_cookie_is_judged_as_by_flask(side: str, clock: Clock) -> None:
    def check(row: Row) -> None:
        clock.set(row["now"])
        config = {"SECRET_KEY_FALLBACKS": row.get("fallbacks")}
        if "lifetime" in row:
            config["PERMANENT_SESSION_LIFETIME"] = row["lifetime"]
        try:
            app = make_app(SIDES[side], row.get("secret", "k"), **config)
        except Exception as error:
            raise AssertionError(f"refused: {error}") from error
        session = opened(app, text(row["cookie"]))
        expected = {"accept": row.get("session"), "reject": describe({}), "error": failure(side)}
        assert session == expected[row["verdict"]]

    check_all(rows("reject"), check, JUDGED[side])


def signed(signer: TimestampSigner, json: str) -> str:
    payload = base64.urlsafe_b64encode(json.encode()).rstrip(b"=")
    return signer.sign(payload).decode()


def failure(side: str) -> Any:
    """A signed payload that does not decode: an error 500 of Flask, and an empty session of HipFlask."""
    return 500 if side == "flask" else describe({})


def opened(app: flask.Flask, cookie: str) -> Any:
    """Returns the session that a view sees, or the status of the response that a client sees instead."""
    seen: list[Any] = []

    def view() -> str:
        seen.append(describe(dict(flask.session)))
        return ""

    app.add_url_rule("/", "view", view)
    # Quoted by Werkzeug, so that any text at all arrives as the value of the cookie.
    header = dump_cookie("session", cookie, path=None, max_size=0)
    response = app.test_client(use_cookies=False).get("/", headers={"Cookie": header})
    return seen[0] if seen else response.status_code
