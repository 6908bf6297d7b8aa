"""Log-in by Flask-Login gives the session a new id by itself: an id that was planted opens nothing."""

from __future__ import annotations

import subprocess
import sys

import flask_login
import pytest
from flask import Flask, session
from hipflask import HipFlask

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"


class User(flask_login.UserMixin):
    id = "7"


def make_app(first: str) -> Flask:
    app = Flask("log_in")
    app.config.update(SECRET_KEY=KEY, SESSION_STORE="memory:")
    manager = flask_login.LoginManager()
    manager.user_loader(lambda _id: User())
    steps = {"session": lambda: HipFlask(app), "login": lambda: manager.init_app(app)}
    for name in sorted(steps, key=lambda name: name != first):
        steps[name]()
    app.add_url_rule("/start", "start", lambda: session.update(cart=["tea"]) or "")
    app.add_url_rule("/login", "login", lambda: str(flask_login.login_user(User(), remember=True)))
    app.add_url_rule("/me", "me", lambda: str(flask_login.current_user.is_authenticated))
    return app


@pytest.mark.parametrize("first", ["session", "login"])
def test_who_logs_in_gets_a_new_id(first: str) -> None:
    app = make_app(first)
    attacker, victim = app.test_client(), app.test_client()
    attacker.get("/start")
    planted = attacker.get_cookie("session")
    assert planted is not None
    victim.set_cookie("session", planted.value)
    assert victim.get("/login").text == "True"
    assert victim.get("/me").text == "True"
    renewed = victim.get_cookie("session")
    assert renewed is not None and renewed.value != planted.value
    assert attacker.get("/me").text == "False"


def test_who_comes_back_by_a_remember_cookie_gets_a_new_id() -> None:
    app = make_app("session")
    attacker, victim = app.test_client(), app.test_client()
    victim.get("/login")
    attacker.get("/start")
    planted = attacker.get_cookie("session")
    assert planted is not None
    victim.set_cookie("session", planted.value)
    assert victim.get("/me").text == "True"
    renewed = victim.get_cookie("session")
    assert renewed is not None and renewed.value != planted.value
    assert attacker.get("/me").text == "False"


def test_flask_login_is_not_needed() -> None:
    code = """
import sys
sys.modules["flask_login"] = None
from flask import Flask
from hipflask import HipFlask
app = Flask("without")
app.secret_key = "9f3c6a52be0d47c1886d1f7a0cb35e24"
HipFlask(app)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
