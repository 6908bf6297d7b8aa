"""A counter in the session: the session is a dict."""

from common import arguments, make_app, serve
from flask import session

app = make_app("counter")
NO_COUNTER = "No counter set!"


def number():
    count = session.get("count")
    return count if type(count) is int else None


@app.get("/start_counter")
def start_counter():
    session["count"] = 0
    return "New counter started!"


@app.get("/count")
def count():
    if number() is None:
        return NO_COUNTER
    session["count"] += 1
    return str(session["count"])


@app.get("/get_count")
def get_count():
    return NO_COUNTER if number() is None else str(number())


@app.get("/clear_count")
def clear_count():
    session.pop("count", None)
    return "Counter cleared!"


if __name__ == "__main__":
    serve(app, arguments().port)
