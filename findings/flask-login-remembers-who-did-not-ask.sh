#!/usr/bin/env bash
# Flask-Login: with REMEMBER_COOKIE_REFRESH_EACH_REQUEST, a user who logs in without "remember me" gets the remember cookie all the same.
#
# The setting is documented to refresh the cookie at every request. It sets it for everybody whose session has a user.
# So who closes the browser on a shared computer is logged in again by the next visit, for 365 days.
#
#   findings/flask-login-remembers-who-did-not-ask.sh
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check Flask==3.1.3 Werkzeug==3.1.9 Flask-Login==0.6.3
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import flask
import flask_login

print(", ".join(f"{name} {version(name)}" for name in ("Flask", "Werkzeug", "Flask-Login")))


def visits(refreshes):
    """Logs in without `remember`, closes the browser, and comes back."""
    app = flask.Flask("app")
    app.config.update(SECRET_KEY="of this script", REMEMBER_COOKIE_REFRESH_EACH_REQUEST=refreshes)
    manager = flask_login.LoginManager(app)

    class User(flask_login.UserMixin):
        id = "7"

    manager.user_loader(lambda user_id: User())

    @app.get("/log_in")
    def log_in():
        flask_login.login_user(User(), remember=False)
        return ""

    @app.get("/")
    def index():
        return str(flask_login.current_user.is_authenticated)

    browser = app.test_client()
    browser.get("/log_in")
    has_cookie = browser.get_cookie("remember_token") is not None
    browser.delete_cookie("session")  # it ends with the browser
    return has_cookie, browser.get("/").text


seen = {refreshes: visits(refreshes) for refreshes in (False, True)}
for refreshes, (has_cookie, is_back) in seen.items():
    print(f"REMEMBER_COOKIE_REFRESH_EACH_REQUEST={refreshes}: remember cookie: {has_cookie}; logged in after the browser was closed: {is_back}")
assert seen == {False: (False, "False"), True: (True, "True")}, "this has changed"
PYTHON
