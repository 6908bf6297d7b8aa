"""A sign-in form, and a nav that knows who is signed in."""

from common import arguments, make_app, serve
from flask import redirect, render_template, request, session, url_for

app = make_app("sign_in")

USERS = {
    "julian": {
        "username": "julian",
        "password": "example",
        "email": "julian@example.com",
        "bio": "Some guy who likes small servers.",
    },
    "clarissa": {
        "username": "clarissa",
        "password": "sweetpotato22",
        "email": "clarissa@example.com",
        "bio": "Sweet potatoes, mostly.",
    },
}


def find(username):
    return USERS.get(username) if isinstance(username, str) else None


@app.get("/sign-in")
def sign_in():
    return render_template("sign_in.html")


@app.post("/sign-in")
def check_sign_in():
    user = find(request.form.get("username", ""))
    if user is None or user["password"] != request.form.get("password", ""):
        return redirect(url_for("sign_in"))
    session["USERNAME"] = user["username"]
    return redirect(url_for("profile"))


@app.get("/profile")
def profile():
    user = find(session.get("USERNAME"))
    if user is None:
        return redirect(url_for("sign_in"))
    return render_template("profile.html", user=user)


@app.get("/sign-out")
def sign_out():
    session.pop("USERNAME", None)
    return redirect(url_for("sign_in"))


if __name__ == "__main__":
    serve(app, arguments().port)
