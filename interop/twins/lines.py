"""Says what its session holds, and what Flask makes of the `Cookie` lines of a request."""

import os

from flask import Flask, request, session
from hipflask import HipFlask

app = Flask(__name__)
app.config.from_prefixed_env()
if "TWIN_STORE" in os.environ:
    app.config["SESSION_STORE"] = os.environ["TWIN_STORE"]
HipFlask(app)


@app.route("/set/<user>")
def put(user):
    session["user"] = user
    return "set"


@app.route("/get")
def get():
    return {"user": session.get("user"), "flask": request.cookies.get("session")}


if __name__ == "__main__":
    import waitress

    waitress.serve(app, host="127.0.0.1", port=int(os.environ["PORT"]))
