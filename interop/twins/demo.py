"""The demo's twin: `accounts` with the sessions of Flask-Login and the secret of Flask-WTF, as the demo's are."""

import accounts
import flask
from flask import abort, g, request
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_wtf.csrf import generate_csrf

app = accounts.app
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
manager = LoginManager(app)
manager.login_view = "login"
manager.login_message, manager.login_message_category = "Please log in first", "warning"
manager.session_protection = None


class Account(UserMixin):
    def __init__(self, row):
        self.row = row
        self.id = row["id"]


@manager.user_loader
def load(user_id):
    row = accounts.find_user(user_id)
    return row and Account(row)


def load_user():
    g.user = current_user.row if current_user.is_authenticated else None


def let_in(user_id):
    login_user(load(user_id))


def stranger():
    # Flask-Login would lead back to the address of a form, too, which cannot be opened.
    if request.method == "POST":
        return accounts.turn_away(manager.login_message_category, manager.login_message, "login")
    return manager.unauthorized()


def no_owner():
    abort(403, "Not Authorized")


def render_template(name, **context):
    """Renders a page, of which each form would have a token."""
    page = flask.render_template(name, **context)
    if "<form" in page:
        generate_csrf()
    return page


for its_own in (load_user, let_in, stranger, no_owner, render_template):
    setattr(accounts, its_own.__name__, its_own)

if __name__ == "__main__":
    accounts.main()
