"""One token on both sides: a form that Flask-WTF has rendered is sent to the example `csrf`, and the other way round."""

import json
import time

import pytest
from flask import Flask, redirect, render_template_string, session
from flask_wtf.csrf import CSRFError, CSRFProtect
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from moving_site import Browser, rust
from servers import SECRET_KEY, serving

NEW_KEY = "interop-tests-only-another-6e1f0a7742c9d3b8"
PAGE = """<form method="post" action="/like"><input type="hidden" name="csrf_token" value="{{ csrf_token() }}"></form>"""


def twin(key):
    """Returns the example's twin: Flask, guarded by Flask-WTF."""
    app = Flask("twin")
    app.secret_key = key
    app.config["SECRET_KEY_FALLBACKS"] = [SECRET_KEY]
    CSRFProtect(app)
    app.register_error_handler(CSRFError, lambda error: (error.description, 400))

    @app.get("/")
    def page():
        return render_template_string(PAGE)

    @app.post("/like")
    def like():
        session["likes"] = session.get("likes", 0) + 1
        return redirect("/likes")

    return app


def flask(key=SECRET_KEY):
    return serving(twin(key))


@pytest.fixture
def sides(tmp_path):
    with flask() as theirs, rust(tmp_path, "csrf") as (ours, log):
        yield {"flask": theirs, "rust": ours, "log": log}


@pytest.mark.parametrize("renders, takes", [("flask", "rust"), ("rust", "flask"), ("flask", "flask"), ("rust", "rust")])
def test_form_of_one_side_is_sent_to_the_other(sides, renders, takes):
    visitor = Browser(sides[renders])
    token = visitor.get("/").token()
    answer = visitor.at(sides[takes]).post("/like", csrf_token=token)
    assert (answer.status, answer.location) in [(302, "/likes"), (303, "/likes")]
    # The secret is made once, whoever shows the next form.
    other = visitor.at(sides[takes]).get("/").token()
    assert visitor.at(sides[renders]).post("/like", csrf_token=other).status in (302, 303)


def test_token_of_the_same_second_is_the_same(sides):
    visitor = Browser(sides["flask"])
    visitor.get("/")
    for _ in range(20):
        tokens = {visitor.at(sides[side]).get("/").token() for side in ("flask", "rust", "flask")}
        if len(tokens) == 1:
            return
    raise AssertionError("never within one second")


@pytest.mark.parametrize("side", ["flask", "rust"])
def test_both_refuse_alike_and_say_why(sides, side):
    visitor, stranger = Browser(sides["flask"]), Browser(sides["flask"])
    secret = URLSafeTimedSerializer(SECRET_KEY, salt="wtf-csrf-token").loads(visitor.get("/").token())

    def signed(value, age=0, key=SECRET_KEY, salt="wtf-csrf-token"):
        class Past(TimestampSigner):
            def get_timestamp(self):
                return int(time.time()) - age

        return URLSafeTimedSerializer(key, salt=salt, signer=Past).dumps(value)

    for token, text in [
        ("", "The CSRF token is missing."),
        ("nonsense", "The CSRF token is invalid."),
        (signed(secret, key=NEW_KEY), "The CSRF token is invalid."),
        (signed(secret, salt="cookie-session"), "The CSRF token is invalid."),
        (signed(secret, age=3700), "The CSRF token has expired."),
        (signed(secret, age=-100), "The CSRF token has expired."),
        (stranger.get("/").token(), "The CSRF tokens do not match."),
    ]:
        answer = visitor.at(sides[side]).post("/like", csrf_token=token)
        assert (answer.status, answer.text) == (400, text)
    answer = Browser(sides[side]).post("/like", csrf_token=signed(secret))
    assert (answer.status, answer.text) == (400, "The CSRF session token is missing.")
    assert visitor.at(sides[side]).post("/like", csrf_token=signed(secret, age=3500)).status in (302, 303)


def test_open_form_outlives_a_new_key_in_rust_only(tmp_path):
    with flask() as before:
        visitor = Browser(before)
        token = visitor.get("/").token()
    fallbacks = {"FLASK_SECRET_KEY": NEW_KEY, "FLASK_SECRET_KEY_FALLBACKS": json.dumps([SECRET_KEY])}
    with flask(NEW_KEY) as theirs, rust(tmp_path, "csrf", **fallbacks) as (ours, _):
        answer = visitor.at(theirs).post("/like", csrf_token=token)
        assert (answer.status, answer.text) == (400, "The CSRF token is invalid.")
        assert visitor.at(ours).post("/like", csrf_token=token).status == 303
        # What Rust now shows is signed with the new key, and Flask takes it.
        fresh = visitor.at(ours).get("/").token()
        assert visitor.at(theirs).post("/like", csrf_token=fresh).status == 302
