"""Logs visitors in: the Flask app that was there before."""

import tomllib

from flask import Flask, redirect, request, session

app = Flask(__name__)
app.config.from_file("site.toml", load=tomllib.load, text=False)
ROLES = {"julian": "staff", "clarissa": "reader"}  # your database, and passwords


@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "GET":
        return '<form method="post"><input name="user"><button>Log in</button></form>'
    user = request.form["user"]
    if user not in ROLES:
        return "Nobody has this name.", 403
    session.clear()
    session.update(user_id=user, role=ROLES[user])
    page = request.args.get("next", "/")
    is_local = page.startswith("/") and not page.startswith(("//", "/\\"))
    return redirect(page if is_local else "/")


@app.post("/logout")
def logout():
    session.clear()
    return redirect("/")
