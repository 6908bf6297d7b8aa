"""A plain cookie beside the session."""

from common import arguments, make_app, serve
from flask import make_response, render_template, session
from markupsafe import escape

app = make_app("cookies")


@app.get("/")
def index():
    session["username"] = "John"
    return render_template("index.html")


@app.get("/get")
def get_username():
    username = session.get("username")
    if not isinstance(username, str):
        return "No user name set!"
    return f"User Name is {escape(username)}"


@app.get("/cookie")
def theme_cookie():
    response = make_response("Theme cookie set!")
    response.set_cookie("theme", "dark")
    return response


if __name__ == "__main__":
    serve(app, arguments().port)
