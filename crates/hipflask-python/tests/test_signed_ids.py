"""``SESSION_USE_SIGNER`` on one side only: the reason names it, and a look does no harm to the other side."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from cachelib import FileSystemCache
from flask import Flask, session
from flask_session import Session
from hipflask import HipFlask


def make_app(folder: Path, by_hipflask: bool, use_signer: bool) -> Flask:
    app = Flask("signed ids")
    app.config.update(SECRET_KEY="9f3c6a52be0d47c1886d1f7a0cb35e24", SESSION_USE_SIGNER=use_signer)
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=FileSystemCache(str(folder)))
    (HipFlask if by_hipflask else Session)(app)  # type: ignore[operator]

    @app.before_request
    def remember() -> None:
        session.permanent = True

    @app.route("/set")
    def put() -> str:
        session["user"] = "ada"
        return "set"

    @app.route("/get")
    def get() -> str:
        return str(session.get("user"))

    @app.route("/clear")
    def clear() -> str:
        session.clear()
        return "cleared"

    return app


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("signs, reason", [(True, "signed_id"), (False, "unsigned_id")])
def test_cookie_of_a_side_that_signs_otherwise_is_named_and_left_alone(
    signs: bool, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = make_app(tmp_path, by_hipflask=False, use_signer=signs).test_client(use_cookies=False)
    ours = make_app(tmp_path, by_hipflask=True, use_signer=not signs).test_client(use_cookies=False)
    cookie = {"Cookie": theirs.get("/set").headers["Set-Cookie"].split(";")[0]}
    with caplog.at_level(logging.INFO, "hipflask"):
        response = ours.get("/get", headers=cookie)
    assert (response.text, response.headers.getlist("Set-Cookie")) == ("None", [])
    (record,) = caplog.records
    assert record.reason == reason and "SESSION_USE_SIGNER" in caplog.text  # type: ignore[attr-defined]
    assert cookie["Cookie"].split("=")[1][:20] not in caplog.text
    assert theirs.get("/get", headers=cookie).text == "ada"
    # Who writes here, or logs out, does it here.
    assert "session=" in ours.get("/set", headers=cookie).headers["Set-Cookie"]
    assert "Max-Age=0" in ours.get("/clear", headers=cookie).headers["Set-Cookie"]
