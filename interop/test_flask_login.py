"""One log-in and one remember cookie, shared by a real app with Flask-Login and by `examples/users.rs`."""

import contextlib

import pytest
from moving_site import Browser, flask, rust
from servers import free_port

APP = """
from flask import Flask, redirect, request
from flask_login import LoginManager, UserMixin, current_user, login_fresh, login_required, login_user, logout_user

app = Flask(__name__)
app.config.from_prefixed_env()
manager = LoginManager(app)
manager.login_view = "/log_in"


class User(UserMixin):
    id, name = "7", "ada"


@manager.user_loader
def load(user_id):
    return User() if user_id == "7" else None


@app.get("/")
def index():
    return str(current_user.is_authenticated)


@app.route("/log_in", methods=["GET", "POST"])
def log_in():
    if request.method == "POST":
        login_user(User(), remember="remember" in request.form)
        return redirect("/members")
    return "a form"


@app.get("/members")
@login_required
def members():
    return f"{current_user.name} {login_fresh()}"


@app.post("/log_out")
def log_out():
    logout_user()
    return redirect("/")
"""
FORM = {"name": "ada", "password": "correct horse"}


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """The ports of Flask and of the Rust program."""
    folder, port = tmp_path_factory.mktemp("flask_login"), free_port()
    with contextlib.ExitStack() as stack:
        stack.enter_context(flask(folder, APP, port))
        rust_port, _ = stack.enter_context(rust(folder, "users", SESSIONS="cookie:"))
        yield {"flask": port, "rust": rust_port}


@pytest.fixture(params=[("flask", "rust"), ("rust", "flask")], ids=["flask-to-rust", "rust-to-flask"])
def browsers(request, sides):
    """The same browser at the side that logs in, and at the other."""
    here = Browser(sides[request.param[0]])
    return here, here.at(sides[request.param[1]])


def is_ada(browser):
    answer = browser.get("/members")
    return answer.status == 200 and "ada" in answer.text


def test_who_is_logged_in_at_one_side_is_so_at_the_other(browsers):
    here, there = browsers
    answer = there.get("/members")
    assert (answer.status, answer.location) == (302, "/log_in?next=%2Fmembers")
    here.post("/log_in", **FORM)
    assert is_ada(there) and is_ada(here)
    there.post("/log_out")
    assert not is_ada(here) and not is_ada(there)


def test_remember_cookie_of_one_side_logs_in_at_the_other(browsers):
    here, there = browsers
    here.post("/log_in", **FORM, remember="yes")
    remembered = here.cookies("remember_token")[0]
    here.forget("session")
    assert is_ada(there)
    # The new session is one of a remembered user, for both: only Flask's page says so.
    assert is_ada(here)
    assert any(side.get("/members").text == "ada False" for side in browsers)
    assert there.cookies("remember_token")[0].value == remembered.value
    there.post("/log_out")
    assert not there.cookies("remember_token")
    assert not is_ada(here)


def test_both_sides_write_the_same_remember_cookie(sides):
    written = []
    for port in sides.values():
        browser = Browser(port)
        browser.post("/log_in", **FORM, remember="yes")
        cookie = browser.cookies("remember_token")[0]
        written.append((cookie.value, cookie.path, cookie.has_nonstandard_attr("HttpOnly"), cookie.secure))
    assert written[0] == written[1]


def test_altered_remember_cookie_is_nobody_at_either_side(sides):
    browser = Browser(sides["flask"])
    browser.post("/log_in", **FORM, remember="yes")
    value = browser.cookies("remember_token")[0].value
    for port in sides.values():
        for altered in (value.replace("7|", "8|", 1), value[:-1], value.upper(), "7|"):
            stranger = Browser(port)
            stranger.plant(altered, "remember_token")
            assert not is_ada(stranger), altered
