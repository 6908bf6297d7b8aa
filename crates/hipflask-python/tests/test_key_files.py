"""``SECRET_KEY_FILE``: the keys of an app, in Flask's own configuration, and new ones while it runs."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, session
from hipflask import ConfigError, HipFlask
from itsdangerous import URLSafeTimedSerializer

OLD = "71d55a3b0c7a2f93e9d1b4c86605f8ae"
NEW = "9f3c6a52be0d47c1886d1f7a0cb35e24"
#: Longer than the app waits before it looks again.
SEEN = 1.05


def make_app(path: Any, **config: Any) -> Flask:
    app = Flask("key files")
    app.config.update(SECRET_KEY_FILE=path, **config)
    HipFlask(app)
    add_pages(app)
    return app


def add_pages(app: Flask) -> None:
    @app.route("/set")
    def put() -> str:
        session["user"] = "ada"
        return "set"

    @app.route("/get")
    def get() -> str:
        return f"{session.get('user')}"


def stock(key: str) -> Flask:
    app = Flask("stock")
    app.secret_key = key
    add_pages(app)
    return app


def cookie_of(app: Flask) -> dict[str, str]:
    response = app.test_client(use_cookies=False).get("/set")
    return {"Cookie": response.headers["Set-Cookie"].split(";")[0]}


def get(app: Flask, cookie: dict[str, str]) -> str:
    return app.test_client(use_cookies=False).get("/get", headers=cookie).text


def test_keys_change_in_three_steps_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"{OLD}\n")
    app, old, new = make_app(path), stock(OLD), stock(NEW)
    assert get(app, cookie_of(old)) == get(old, cookie_of(app)) == "ada"
    assert get(app, cookie_of(new)) == "None"

    path.write_text(f"{OLD}\n{NEW}\n")
    time.sleep(SEEN)
    assert get(app, cookie_of(new)) == get(app, cookie_of(old)) == get(old, cookie_of(app)) == "ada"

    path.write_text(f"{NEW}\n{OLD}\n")
    time.sleep(SEEN)
    assert get(app, cookie_of(old)) == get(new, cookie_of(app)) == "ada"
    # What else signs with the app's key has the new one, too.
    assert (app.secret_key, app.config["SECRET_KEY_FALLBACKS"]) == (NEW, [OLD])
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    assert isinstance(serializer, URLSafeTimedSerializer)
    assert serializer.loads(cookie_of(old)["Cookie"].split("=", 1)[1]) == {"user": "ada"}

    path.write_text(f"{NEW}\n")
    time.sleep(SEEN)
    assert (get(app, cookie_of(old)), get(app, cookie_of(new))) == ("None", "ada")


def test_broken_file_keeps_the_keys_and_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "keys"
    path.write_text(OLD)
    app = make_app(str(path))
    cookie = cookie_of(app)
    path.write_text(f"SECRET_KEY={NEW}\n")
    with caplog.at_level(logging.INFO, "hipflask"):
        for _ in range(2):
            time.sleep(SEEN)
            assert get(app, cookie) == "ada"
    (record,) = [it for it in caplog.records if it.levelno >= logging.ERROR]
    assert "`NAME=` before a key" in record.getMessage()
    assert OLD not in caplog.text and NEW not in caplog.text


def test_folder_has_a_key_in_each_file(tmp_path: Path) -> None:
    (tmp_path / "current").write_text(NEW)
    (tmp_path / "previous").write_text(OLD)
    app = make_app(tmp_path)
    assert (app.secret_key, app.config["SECRET_KEY_FALLBACKS"]) == (NEW, [OLD])


@pytest.mark.parametrize("text, expected", [
    ("", "no key"),
    (f"{NEW}\n\n", "a blank line"),
    ("tiger\n", "expected at least 16"),
    (f"[keys]\na = '{NEW}'\n", "brackets"),
])
def test_file_that_cannot_be_used_stops_the_app_when_it_starts(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        make_app(path)
    assert expected in str(refused.value) and NEW not in str(refused.value)


def test_key_beside_a_file_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(NEW)
    with pytest.raises(ConfigError, match="unset SECRET_KEY"):
        make_app(path, SECRET_KEY=OLD)
    app = make_app(path)
    HipFlask(app)  # for a second time, as some factories do
    with pytest.raises(ConfigError, match="cannot read"):
        make_app(tmp_path / "absent")
