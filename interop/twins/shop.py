"""A total and a store credit, once in plain cookies and once in the session."""

import re

from common import arguments, make_app, serve
from flask import abort, redirect, render_template, request, session, url_for

app = make_app("shop")

ITEMS = [
    {"slug": "tea", "name": "Tea", "price": 4},
    {"slug": "cup", "name": "Cup", "price": 9},
    {"slug": "teapot", "name": "Teapot", "price": 25},
]
LARGEST = 999_999_999
CREDIT = 10


def from_cookie(name):
    text = request.cookies.get(name, "")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0


def from_session(name):
    number = session.get(name)
    return number if type(number) is int and 0 <= number <= LARGEST else 0


def summary(read):
    total, credit = read("total"), read("credit")
    return {"total": total, "credit": credit, "to_pay": max(total - credit, 0)}


def raise_by(name, amount):
    """Adds to both copies of a number and goes back to the page."""
    response = redirect(url_for("index"))
    response.set_cookie(name, str(min(from_cookie(name) + amount, LARGEST)))
    session[name] = min(from_session(name) + amount, LARGEST)
    return response


@app.get("/")
def index():
    return render_template("index.html", items=ITEMS, plain=summary(from_cookie), signed=summary(from_session))


@app.post("/add")
def add():
    for item in ITEMS:
        if item["slug"] == request.form.get("item"):
            return raise_by("total", item["price"])
    abort(400)


@app.post("/credit")
def credit():
    return raise_by("credit", CREDIT)


@app.post("/clear")
def clear():
    response = redirect(url_for("index"))
    for name in ("total", "credit"):
        session.pop(name, None)
        response.delete_cookie(name)
    return response


if __name__ == "__main__":
    serve(app, arguments().port)
