"""Real extensions that keep something in the session: they find it under HipFlask as under Flask."""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import flask
import flask_babel
import flask_debugtoolbar
import flask_login
import flask_principal
import pytest
from flask.testing import FlaskClient
from flask_dance.contrib.github import github, make_github_blueprint
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect, generate_csrf
from markupsafe import Markup
from wtforms import StringField

from clocks import NOW, Clock
from notation import describe
from pairs import Build, Pair, page, require_same, seen
from vectors import Row, check_all, rows

# --- Flask-Login -------------------------------------------------------------------------------------------


class User(flask_login.UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


def login_views(protection: str | None) -> Build:
    def build(app: flask.Flask) -> None:
        manager = flask_login.LoginManager(app)
        manager.session_protection = protection
        manager.login_view = "/login"
        manager.user_loader(lambda user_id: User(user_id) if user_id != "gone" else None)

        @app.route("/in")
        def log_in() -> str:
            arguments = flask.request.args
            seconds = arguments.get("d", type=float)
            flask_login.login_user(
                User(arguments.get("u", "1")),
                remember="r" in arguments,
                fresh="stale" not in arguments,
                duration=None if seconds is None else datetime.timedelta(seconds=seconds),
            )
            return ""

        @app.route("/me")
        def me() -> str:
            user = flask_login.current_user
            return repr(user.is_authenticated and user.get_id())

        app.add_url_rule("/out", "out", lambda: flask_login.logout_user() and "")
        app.add_url_rule("/need", "need", flask_login.login_required(lambda: ""))
        app.add_url_rule("/fresh", "fresh", flask_login.fresh_login_required(lambda: ""))
        app.add_url_rule("/confirm", "confirm", lambda: flask_login.confirm_login() or "")
        app.add_url_rule("/plain", "plain", lambda: "")
        app.add_url_rule("/set", "set", lambda: flask.session.update(x=1) or "")
        app.add_url_rule("/perm", "perm", lambda: setattr(flask.session, "permanent", True) or "")

    return build


def follow(client: FlaskClient, steps: list[Row]) -> list[Row]:
    """Takes the steps of a recorded flow, from two browsers in turn, and records what it meets."""
    taken = []
    for step in steps:
        response = client.get(step["path"], headers={"User-Agent": step["user_agent"]})
        with client.session_transaction() as session:
            content = describe(dict(session))
        answer = {name: value for name, value in seen(response).items() if name != "vary"}
        answer["body"] = answer["body"] if response.status_code == 200 else None
        taken.append(
            {"path": step["path"], "user_agent": step["user_agent"], **answer, "session_after": content}
        )
    return taken


def test_login_flows_are_those_that_flask_recorded(pair: Pair, clock: Clock) -> None:
    def check(row: Row) -> None:
        client = pair.app(
            pair.other, login_views(row["protection"]), **row["config"], SECRET_KEY=row["secret"]
        ).test_client()
        require_same(follow(client, row["steps"]), row["steps"])

    check_all(rows("extensions", "login_flow"), check)


def test_stored_login_flows_are_those_of_flask_session(stored_pair: Pair) -> None:
    def check(row: Row) -> None:
        def visit(client: FlaskClient) -> Any:
            taken = follow(client, row["steps"])
            return [{name: value for name, value in step.items() if name != "set_cookie"} for step in taken]

        stored_pair.compare(login_views(row["protection"]), visit, **row["config"])

    flows = rows("extensions", "login_flow")
    check_all([row for row in flows if not row["config"]], check)


def test_remembered_user_comes_back_without_a_session(pair: Pair, clock: Clock) -> None:
    def visit(client: FlaskClient) -> Any:
        answers = [seen(client.get("/in?r=1"))]
        client.delete_cookie("session")
        answers += [seen(client.get(path)) for path in ("/me", "/fresh", "/me", "/out", "/me")]
        return answers

    assert pair.compare(login_views("basic"), visit)[1]["body"] == "'1'"


def test_login_is_carried_from_side_to_side(any_pair: Pair) -> None:
    for sides in ((any_pair.stock, any_pair.other), (any_pair.other, any_pair.stock)):
        first, second = (
            any_pair.app(side, login_views("strong")).test_client(use_cookies=False) for side in sides
        )
        jar: dict[str, str] = {}

        def visit(client: FlaskClient, path: str) -> str:
            header = "; ".join(f"{name}={value}" for name, value in jar.items())
            response = client.get(path, headers={"Cookie": header, "User-Agent": "A"})
            for line in response.headers.getlist("Set-Cookie"):
                name, value = line.split(";")[0].split("=", 1)
                jar[name] = value
            return response.text

        visit(first, "/in?u=ann")
        assert visit(second, "/me") == visit(first, "/me") == "'ann'"
        visit(second, "/set")
        assert visit(first, "/me") == "'ann'"
        visit(second, "/out")
        assert visit(first, "/me") == visit(second, "/me") == "False"


# --- Flask-WTF ---------------------------------------------------------------------------------------------


class NameForm(FlaskForm):
    name = StringField()


def csrf_views(app: flask.Flask) -> None:
    CSRFProtect(app)
    app.add_url_rule("/token", "token", generate_csrf)
    app.add_url_rule("/p", "p", lambda: "ok", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])

    @app.route("/form", methods=["GET", "POST"])
    def form() -> str:
        form = NameForm()
        if form.validate_on_submit():
            return f"hello {form.name.data}"
        return flask.render_template_string("{{ form.hidden_tag() }}{{ form.errors }}", form=form)


def test_csrf_verdicts_are_those_that_flask_recorded(pair: Pair, clock: Clock) -> None:
    def check(row: Row) -> None:
        clock.set(row["now"])
        client = pair.app(pair.other, csrf_views, **row["config"], SECRET_KEY=row["secret"]).test_client()
        if row["session_csrf"] is not None:
            with client.session_transaction(base_url=row["base_url"]) as session:
                session["csrf_token"] = row["session_csrf"]
        response = client.open(
            row["path"],
            method=row["method"],
            headers=row["headers"],
            data=row["form"],
            base_url=row["base_url"],
        )
        found = re.search("<p>(.*?)</p>", response.text) if response.status_code == 400 else None
        assert response.status_code == row["status"]
        assert (found and found[1]) == row["message"]

    flows = [{**row, "secret": "k"} for row in rows("extensions", "csrf_flow")]
    check_all(flows, check)


def test_csrf_token_is_accepted_from_side_to_side(any_pair: Pair) -> None:
    for issuer, checker in ((any_pair.stock, any_pair.other), (any_pair.other, any_pair.stock)):
        issued = any_pair.app(issuer, csrf_views).test_client().get("/token")
        [cookie] = [line.split(";")[0] for line in issued.headers.getlist("Set-Cookie")]
        client = any_pair.app(checker, csrf_views).test_client(use_cookies=False)

        def post(**headers: str) -> int:
            return client.post(
                "/p", headers={key.replace("_", "-"): value for key, value in headers.items()}
            ).status_code

        assert post(X_CSRFToken=issued.text, Cookie=cookie) == 200
        assert post(X_CSRFToken=issued.text + "x", Cookie=cookie) == 400
        assert post(X_CSRFToken=issued.text) == 400
        assert post(Cookie=cookie) == 400


def test_form_is_validated_as_in_flask(any_pair: Pair) -> None:

    def visit(client: FlaskClient) -> Any:
        blank = client.get("/form").text
        [token] = re.findall('name="csrf_token" type="hidden" value="([^"]*)"', blank)
        answers = [
            page(client.post("/form", data={"name": "ann", "csrf_token": sent}))
            for sent in (token, token, "")
        ]
        return [[answer["status"], answer["body"] if answer["status"] == 200 else ""] for answer in answers]

    assert any_pair.compare(csrf_views, visit)[0] == [200, "hello ann"]


# --- others ------------------------------------------------------------------------------------------------


def test_debug_toolbar_shows_the_session(pair: Pair) -> None:
    def build(app: flask.Flask) -> None:
        app.debug = True
        flask_debugtoolbar.DebugToolbarExtension(app)

        @app.route("/")
        def index() -> str:
            flask.session["shown"] = "in the toolbar"
            flask.flash("also there")
            return "<html><body>page</body></html>"

        app.add_url_rule("/plain", "plain", lambda: "<html><body>page</body></html>")

    def visit(client: FlaskClient) -> Any:
        found = []
        for path in ("/", "/plain"):
            response = client.get(path)
            text = re.sub(r"&#3[49];", "'", response.text)
            found.append(
                [response.status_code, "flDebug" in text, "'in the toolbar'" in text, seen(response)["vary"]]
            )
        with client.session_transaction() as session:
            found.append(dict(session))
        return found

    assert pair.compare(build, visit)[0][:3] == [200, True, True]


def test_hook_of_an_extension_reads_every_session(any_pair: Pair) -> None:

    def build(app: flask.Flask) -> None:
        @app.after_request
        def show(response: flask.Response) -> flask.Response:
            response.headers["X-Session"] = repr(sorted(flask.session.items()))
            return response

        app.add_url_rule("/set", "set", lambda: flask.session.update(a=[1]) or "")
        app.add_url_rule("/plain", "plain", lambda: "")
        app.add_url_rule("/clear", "clear", lambda: flask.session.clear() or "")

    def visit(client: FlaskClient) -> Any:
        responses = [
            client.get(path) for path in ("/plain", "/set", "/plain", "/missing", "/clear", "/plain")
        ]
        return [[page(response), response.headers["X-Session"]] for response in responses]

    any_pair.compare(build, visit)


def test_babel_takes_its_locale_from_the_session(any_pair: Pair) -> None:
    def build(app: flask.Flask) -> None:
        flask_babel.Babel(app, locale_selector=lambda: flask.session.get("locale", "en"))

        @app.route("/number")
        def number() -> str:
            return flask_babel.format_decimal(1234.5)

        @app.route("/locale/<name>")
        def choose(name: str) -> str:
            flask.session["locale"] = name
            flask_babel.refresh()
            return flask_babel.format_decimal(1234.5)

    def visit(client: FlaskClient) -> Any:
        return [
            page(client.get(path)) for path in ("/number", "/locale/de", "/number", "/locale/fr", "/number")
        ]

    assert [answer["body"] for answer in any_pair.compare(build, visit)][:3] == [
        "1,234.5",
        "1.234,5",
        "1.234,5",
    ]


def test_principal_keeps_its_identity_in_the_session(any_pair: Pair) -> None:
    def build(app: flask.Flask) -> None:
        flask_principal.Principal(app)
        member = flask_principal.Permission(flask_principal.UserNeed("ann"))

        @flask_principal.identity_loaded.connect_via(app)
        def provide(_app: flask.Flask, identity: Any) -> None:
            identity.provides.add(flask_principal.UserNeed(identity.id))

        @app.route("/in/<name>")
        def log_in(name: str) -> str:
            flask_principal.identity_changed.send(app, identity=flask_principal.Identity(name))
            return ""

        app.add_url_rule("/members", "members", member.require(403)(lambda: "welcome"))

    def visit(client: FlaskClient) -> Any:
        return [page(client.get(path)) for path in ("/members", "/in/bob", "/members", "/in/ann", "/members")]

    assert [answer["status"] for answer in any_pair.compare(build, visit)] == [403, 200, 403, 200, 200]


def test_dance_keeps_state_and_token_in_the_session(any_pair: Pair) -> None:
    def build(app: flask.Flask) -> None:
        blueprint = make_github_blueprint(client_id="id", client_secret="secret")
        app.register_blueprint(blueprint, url_prefix="/login")

        @app.route("/token", methods=["GET", "POST", "DELETE"])
        def token() -> str:
            if flask.request.method == "POST":
                blueprint.token = {"access_token": "abc", "token_type": "bearer"}
            elif flask.request.method == "DELETE":
                del blueprint.token
            return f"{github.authorized} {blueprint.token}"

    def visit(client: FlaskClient) -> Any:
        state = "state=[A-Za-z0-9]+"
        started = client.get("/login/github")
        assert re.search(state, started.location)
        answers: list[Any] = [re.sub(state, "", started.location)]
        with client.session_transaction() as session:
            answers.append(session["github_oauth_state"] in started.location)
        wrong = client.get("/login/github/authorized?state=wrong&code=1")
        answers.append([wrong.status_code, wrong.location])
        answers += [
            page(client.open("/token", method=method)) for method in ("GET", "POST", "GET", "DELETE", "GET")
        ]
        return answers

    assert any_pair.compare(build, visit)[1] is True


def test_flashed_messages_arrive_as_in_flask(any_pair: Pair) -> None:
    heard: list[Any] = []

    def build(app: flask.Flask) -> None:
        def hear(_sender: flask.Flask, message: str, category: str, **_more: Any) -> None:
            heard.append([message, category])

        flask.message_flashed.connect(hear, app, weak=False)

        @app.route("/flash")
        def flash() -> str:
            flask.flash("one")
            flask.flash("two", "error")
            return ""

        @app.route("/list")
        def show() -> str:
            first = flask.get_flashed_messages(category_filter=["error"])
            flask.flash("three")
            return repr([first, flask.get_flashed_messages(), "_flashes" in flask.session])

        app.add_url_rule("/rest", "rest", lambda: repr(flask.get_flashed_messages()))

    def visit(client: FlaskClient) -> Any:
        heard.clear()
        return [page(client.get(path)) for path in ("/flash", "/flash", "/list", "/rest", "/rest")], heard[:]

    answers, _ = any_pair.compare(build, visit)
    assert answers[2]["body"] == "[['two', 'two'], ['one', 'two', 'one', 'two'], True]"


class Parcel(str):
    """A text that is more than a text."""


@pytest.mark.parametrize(
    "message",
    [3, 1e16, True, None, [1, "it's", None, 1.5], {"a": [b"x"]}, b"x", Markup("a&amp;b"), Parcel("a&b")],
    ids=repr,
)
def test_flash_that_is_no_text_shows_as_in_flask(any_pair: Pair, message: Any) -> None:
    def build(app: flask.Flask) -> None:
        app.add_url_rule("/flash", "flash", lambda: flask.flash(message) or "")
        shown = "{% for category, message in get_flashed_messages(true) %}{{ category }}: {{ message }}{% endfor %}"
        app.add_url_rule("/show", "show", lambda: flask.render_template_string(shown))

    def visit(client: FlaskClient) -> Any:
        return [page(client.get(path)) for path in ("/flash", "/show", "/show")]

    answers = any_pair.compare(build, visit)
    assert answers[1]["body"].startswith("message: ")


LAZY = """
import sys
if sys.argv[2] == "gevent":
    import gevent.monkey
    gevent.monkey.patch_all()
import flask, flask_babel, hipflask

app = flask.Flask("lazy")
app.config.update(SECRET_KEY="of-the-tests-only-1d7c40b6f2a94e08", SESSION_STORE=sys.argv[1] or None)
flask_babel.Babel(app, locale_selector=lambda: flask.request.args["locale"])
hipflask.HipFlask(app)
today = flask_babel.LazyString(lambda: flask_babel.format_date(__import__("datetime").date(2026, 3, 1), "MMMM") + " & Co")
app.add_url_rule("/flash", "flash", lambda: flask.flash(today) or flask.flash(flask_babel.lazy_gettext("hello")) or "")
shown = "{{ get_flashed_messages()|join('; ') }}"
app.add_url_rule("/show", "show", lambda: flask.render_template_string(shown))
client = app.test_client()
assert client.get("/flash?locale=de").status_code == 200
print(client.get("/show?locale=en").text)
"""


@pytest.mark.parametrize("threads", ["threads", "gevent"])
@pytest.mark.parametrize("store", ["", "memory:", "file", "sqlite"])
def test_lazy_text_is_flashed_in_the_language_of_its_page(store: str, threads: str, tmp_path: Path) -> None:
    # By processes, because gevent changes the whole one that it is in.
    address = {"file": f"file:{tmp_path}/sessions", "sqlite": f"sqlite:{tmp_path}/db?create=true"}.get(store, store)
    run = subprocess.run([sys.executable, "-c", LAZY, address, threads], capture_output=True, text=True, check=False)
    assert (run.stdout.replace("&amp;", "&"), run.returncode) == ("März & Co; hello\n", 0), run.stderr


def test_session_of_an_extension_that_expires_is_gone(pair: Pair, clock: Clock) -> None:
    def visit(client: FlaskClient) -> Any:
        clock.set(NOW)
        answers = [seen(client.get("/in"))]
        for seconds in (59, 2, 1):
            clock.advance(seconds)
            answers.append(seen(client.get("/me")))
        return answers

    answers = pair.compare(login_views(None), visit, PERMANENT_SESSION_LIFETIME=60)
    assert [answer["body"] for answer in answers] == ["", "'1'", "False", "False"]
