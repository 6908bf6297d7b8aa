"""The keys that an app chooses are its own, also where the name was once the engine's."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, session
from hipflask import HipFlask


@pytest.mark.parametrize("timeout", [None, 3600])
@pytest.mark.parametrize("value", ["yesterday", 1, None])
def test_started_is_a_key_as_any_other(timeout: int | None, value: Any) -> None:
    app = Flask("own keys")
    app.config.update(SECRET_KEY="9f3c6a52be0d47c1886d1f7a0cb35e24", SESSION_STORE="memory:")
    if timeout is not None:
        app.config["SESSION_ABSOLUTE_TIMEOUT"] = timeout
    HipFlask(app)

    @app.route("/set")
    def put() -> str:
        session["_started"] = value
        return str(bool(session))

    @app.route("/get")
    def get() -> dict[str, Any]:
        return {"started": session.get("_started", "lost"), "reason": session.reason}  # type: ignore[attr-defined]

    client = app.test_client()
    assert client.get("/set").text == "True"
    assert client.get("/get").json == {"started": value, "reason": "found"}
