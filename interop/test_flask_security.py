"""One log-in, one token of forms and one remember cookie, shared by a real app with Flask-Security and the Rust programs.

The Rust side of the site is two examples: `users` logs in, and `csrf` has the guarded form.
"""

import pytest
from flask import Flask, render_template_string, session
from flask_security import Security, SQLAlchemyUserDatastore, auth_required, current_user, hash_password
from flask_security.models import fsqla_v3
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from moving_site import Browser, rust
from servers import SECRET_KEY, serving

UNIQUIFIER = "4f1c0b6f2d8e4a6f9b4e5c3d2a1b0c9d"
EMAIL, PASSWORD = "ada@example.com", "correct horse"
TOKEN_PAGE = """<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">"""
SETTINGS = {
    "SECRET_KEY": SECRET_KEY,
    "SECURITY_PASSWORD_SALT": "interop",
    "SECURITY_CSRF_COOKIE_NAME": "XSRF-TOKEN",
    # The defaults, but for plain http.
    "SECURITY_CSRF_COOKIE": {"samesite": "Strict", "httponly": False, "secure": False},
    "SQLALCHEMY_DATABASE_URI": "sqlite://",
}


def site():
    app = Flask("site")
    app.config.from_mapping(SETTINGS)
    CSRFProtect(app)
    db = SQLAlchemy(app)
    fsqla_v3.FsModels.set_db_info(db)

    class Role(db.Model, fsqla_v3.FsRoleMixin):
        pass

    class User(db.Model, fsqla_v3.FsUserMixin):
        pass

    security = Security(app, SQLAlchemyUserDatastore(db, User, Role))

    @app.get("/members")
    @auth_required("session", within=-1)
    def members():
        return current_user.email

    @app.get("/account")
    @auth_required("session", within=15)
    def account():
        return "fresh"

    @app.get("/")
    def page():
        return render_template_string(TOKEN_PAGE)

    @app.post("/like")
    @auth_required("session", within=-1)
    def like():
        session["likes"] = session.get("likes", 0) + 1
        return str(session["likes"])

    with app.app_context():
        db.create_all()
        security.datastore.create_user(
            email=EMAIL, fs_uniquifier=UNIQUIFIER, password=hash_password(PASSWORD)
        )
        security.datastore.commit()
    return app


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """The ports of the three programs: two log in, two have the guarded form."""
    folder = tmp_path_factory.mktemp("flask_security")
    with (
        serving(site()) as theirs,
        rust(folder, "users", SESSIONS="cookie:", FS_UNIQUIFIER=UNIQUIFIER) as (users, _),
        rust(folder, "csrf") as (forms, _),
    ):
        yield {"flask": theirs, "rust": users, "forms": forms}


@pytest.fixture(params=["flask", "rust"], ids=["flask-to-rust", "rust-to-flask"])
def visitor(request, sides):
    """One browser, which goes from side to side, and the side that logs it in."""
    return Visitor(sides, request.param)


class Visitor:
    def __init__(self, sides, first):
        self.sides, self.first = sides, first
        self.browser = Browser(sides[first])

    def at(self, side):
        return self.browser.at(self.sides[side])

    def log_in(self, **more):
        if self.first == "rust":
            answer = self.at("rust").post("/log_in", name="ada", password=PASSWORD, **more)
        else:
            token = self.at("flask").get("/").token()
            answer = self.at("flask").post("/login", csrf_token=token, email=EMAIL, password=PASSWORD, **more)
        assert answer.status in (302, 303)

    def is_known(self):
        """Reports whether this is Ada; all sides have to agree."""
        seen = {side: self.at(side).get("/members").status for side in ("flask", "rust")}
        assert seen["flask"] == seen["rust"] and seen["flask"] in (200, 302)
        return seen["flask"] == 200

    def is_fresh(self):
        answer = self.at("flask").get("/account")
        assert (answer.status, answer.location) in [(200, None), (302, "/verify?next=/account")]
        return answer.status == 200

    def cookie(self, name):
        return self.browser.cookies(name)[0].value


def test_who_is_logged_in_at_one_side_is_so_at_the_other(visitor):
    assert not visitor.is_known()
    visitor.log_in()
    assert visitor.is_known() and visitor.is_fresh()


@pytest.mark.parametrize("side, path", [("flask", "/logout"), ("rust", "/log_out")])
def test_log_out_at_either_side_is_one_at_both(visitor, side, path):
    visitor.log_in(remember="y")
    token = visitor.at("flask").get("/").token()
    assert visitor.at(side).post(path, csrf_token=token).status in (302, 303)
    assert not visitor.is_known()
    assert not visitor.browser.cookies("remember_token")


def test_remember_cookie_of_one_side_logs_in_at_the_other(visitor):
    visitor.log_in(remember="y")
    remembered = visitor.cookie("remember_token")
    assert remembered.startswith(f"{UNIQUIFIER}|")
    visitor.browser.forget("session")
    # The other side is asked first.
    other = {"flask": "rust", "rust": "flask"}[visitor.first]
    assert visitor.at(other).get("/members").status == 200
    assert visitor.is_known() and not visitor.is_fresh()
    assert visitor.cookie("remember_token") == remembered


def test_both_sides_write_the_same_remember_cookie(sides):
    written = set()
    for side in ("flask", "rust"):
        visitor = Visitor(sides, side)
        visitor.log_in(remember="y")
        written.add(visitor.cookie("remember_token"))
    assert len(written) == 1


@pytest.mark.parametrize("renders, takes", [("flask", "forms"), ("forms", "flask")])
def test_token_of_one_side_is_taken_by_the_other(visitor, renders, takes):
    visitor.log_in()
    token = visitor.at(renders).get("/").token()
    assert visitor.at(takes).post("/like", csrf_token=token).status in (200, 303)
    assert visitor.at("forms").get("/likes").text == "1"
    assert visitor.at(takes).post("/like").status == 400


def test_token_of_the_csrf_cookie_is_taken_by_both(visitor):
    visitor.log_in()
    visitor.at("flask").get("/members")
    for side in ("flask", "forms"):
        answer = visitor.at(side).post("/like", headers={"X-XSRF-Token": visitor.cookie("XSRF-TOKEN")})
        assert answer.status in (200, 303), answer.text
    assert visitor.at("forms").get("/likes").text == "2"


def test_log_in_ends_the_tokens_of_before_at_the_rust_side_only(visitor):
    before = visitor.at("flask").get("/").token()
    visitor.log_in()
    taken = visitor.at("forms").post("/like", csrf_token=before).status == 303
    assert taken == (visitor.first == "flask")
