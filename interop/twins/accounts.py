"""Accounts: sign-up, log-in, a page for members, a profile that only its owner changes."""

import functools
import os
import re
import sqlite3

import bcrypt
from common import arguments, make_app, serve
from flask import abort, flash, g, redirect, render_template, request, session, url_for

app = make_app("accounts")

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    username      TEXT NOT NULL UNIQUE COLLATE NOCASE,
    email         TEXT NOT NULL,
    bio           TEXT NOT NULL DEFAULT '',
    password_hash TEXT NOT NULL
);
"""
LONGEST_PASSWORD = 72  # bytes; bcrypt reads no further
ROUNDS = 4  # the least that bcrypt knows: this app only ever meets test users
NOBODY = bcrypt.hashpw(b"nobody has this password", bcrypt.gensalt(ROUNDS))


# --- database -------------------------------------------------------------------------------------------


def connect():
    connection = sqlite3.connect(app.config["DATABASE"], timeout=5, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def query(sql, *values):
    """Runs one statement and returns its first row, if it has one."""
    if "connection" not in g:
        g.connection = connect()
    return g.connection.execute(sql, values).fetchone()


@app.teardown_appcontext
def disconnect(_error):
    if "connection" in g:
        g.connection.close()


# --- the user and the guards -----------------------------------------------------------------------------


def find_user(user_id):
    return query("SELECT id, username, email, bio FROM users WHERE id = ?", user_id)


# `demo` does the four that follow with Flask-Login.


def load_user():
    user_id = session.get("user_id")
    g.user = None
    if type(user_id) is int and abs(user_id) < 2**63:
        g.user = find_user(user_id)
    if g.user is None:
        session.pop("user_id", None)


def let_in(user_id):
    session["user_id"] = user_id


def stranger():
    return turn_away("warning", "Please log in first", "login")


def no_owner():
    return turn_away("error", "Not Authorized", "welcome")


def page(guard=None):
    """Loads the user, then lets `guard` turn the visitor away before the view runs."""

    def decorate(view):
        @functools.wraps(view)
        def wrapped(**path):
            load_user()
            return (guard and guard(**path)) or view(**path)

        return wrapped

    return decorate


def turn_away(category, message, endpoint):
    flash(message, category)
    return redirect(url_for(endpoint))


def guest(**_path):
    if g.user:
        return turn_away("info", "You are logged in already", "welcome")


def user(**_path):
    if not g.user:
        return stranger()


def owner(id):
    refusal = user()
    if refusal is None and g.user["id"] != id:
        refusal = no_owner()
    return refusal


# --- validation ------------------------------------------------------------------------------------------


def username_error(text):
    if not re.fullmatch("[A-Za-z0-9._-]{3,30}", text):
        return "Use 3 to 30 letters, digits, dots, dashes or underscores"


def email_error(text):
    if len(text) > 254 or not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        return "Enter an e-mail address"


def password_error(text):
    if len(text) < 8 or len(text.encode()) > LONGEST_PASSWORD:
        return "Use 8 to 72 characters"


def bio_error(text):
    if len(text) > 500:
        return "Use at most 500 characters"


CHECKS = {"username": username_error, "email": email_error, "password": password_error, "bio": bio_error}


def read_form(*fields):
    """Returns the typed values and, for each field that is not valid, what to do about it."""
    form = {field: request.form.get(field, "") for field in fields}
    form = {field: text if field == "password" else text.strip().replace("\r\n", "\n") for field, text in form.items()}
    errors = {field: CHECKS[field](text) for field, text in form.items()}
    return form, {field: error for field, error in errors.items() if error}


# --- pages -----------------------------------------------------------------------------------------------


@app.get("/")
@page()
def home():
    return render_template("home.html")


@app.get("/signup")
@page(guest)
def signup():
    return render_template("signup.html", form={}, errors={})


@app.post("/signup")
@page(guest)
def create_user():
    form, errors = read_form("username", "email", "password")
    password = form.pop("password")
    if errors:
        return render_template("signup.html", form=form, errors=errors), 422
    password_hash = bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS)).decode()
    try:
        query(
            "INSERT INTO users (username, email, password_hash) VALUES (?, ?, ?)",
            form["username"],
            form["email"],
            password_hash,
        )
    except sqlite3.IntegrityError:
        return turn_away("error", "Username already taken", "signup")
    return turn_away("success", "Account created, now log in", "login")


@app.get("/login")
@page(guest)
def login():
    return render_template("login.html")


@app.post("/login")
@page(guest)
def check_login():
    username = request.form.get("username", "").strip()
    password = request.form.get("password", "").encode()
    found = query("SELECT id, password_hash FROM users WHERE username = ?", username)
    expected = found["password_hash"].encode() if found else NOBODY
    # An unknown name costs a hash check too, so that the time does not tell who exists.
    right = bcrypt.checkpw(password[:LONGEST_PASSWORD], expected)
    if not (found and right and len(password) <= LONGEST_PASSWORD):
        return turn_away("error", "Wrong username or password", "login")
    session.clear()
    let_in(found["id"])
    return turn_away("success", "You are logged in", "welcome")


@app.get("/welcome")
@page(user)
def welcome():
    return render_template("welcome.html")


@app.post("/logout")
@page()
def logout():
    session.clear()
    return turn_away("info", "You have been logged out", "login")


# Eighteen digits always fit SQLite's integers.
USER = "/users/<int(max=999999999999999999):id>"


@app.get(USER)
@page(user)
def show_user(id):
    shown = find_user(id)
    if shown is None:
        abort(404)
    return render_template("profile.html", user=shown)


@app.get(f"{USER}/edit")
@page(owner)
def edit_user(id):
    return render_template("edit.html", form=g.user, errors={})


@app.post(f"{USER}/edit")
@page(owner)
def update_user(id):
    form, errors = read_form("email", "bio")
    if errors:
        return render_template("edit.html", form=form, errors=errors), 422
    query("UPDATE users SET email = ?, bio = ? WHERE id = ?", form["email"], form["bio"], g.user["id"])
    flash("Profile updated", "success")
    return redirect(url_for("show_user", id=g.user["id"]))


@app.post(f"{USER}/delete")
@page(owner)
def delete_user(id):
    query("DELETE FROM users WHERE id = ?", g.user["id"])
    session.clear()
    return turn_away("info", "Account deleted", "signup")


def main():
    options = arguments()
    os.makedirs(options.data, exist_ok=True)
    app.config["DATABASE"] = os.path.join(options.data, "accounts.sqlite3")
    with connect() as connection:
        connection.executescript(SCHEMA)
    serve(app, options.port)


if __name__ == "__main__":
    main()
