"""A permanent session that lasts an hour, in a cookie that scripts cannot read."""

from datetime import timedelta

from common import arguments, make_app, serve
from flask import redirect, session, url_for

app = make_app("lifetime")
app.config.update(
    PERMANENT_SESSION_LIFETIME=timedelta(minutes=60),
    SESSION_COOKIE_SECURE=True,
    SESSION_COOKIE_HTTPONLY=True,
    # Flask knows no such setting and sends every permanent session again; HipFlask does when asked to.
    SESSION_REFRESH_UNTOUCHED=True,
)


@app.get("/login")
def login():
    session.permanent = True
    session["user_id"] = 12345
    return redirect(url_for("index"))


@app.get("/")
def index():
    user_id = session.get("user_id")
    if type(user_id) is not int:
        return "Not logged in"
    return f"Logged in as user {user_id}"


@app.get("/logout")
def logout():
    session.pop("user_id", None)
    return redirect(url_for("index"))


if __name__ == "__main__":
    serve(app, arguments().port)
