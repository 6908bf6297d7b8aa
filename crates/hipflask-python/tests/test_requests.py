"""What happens around a view: hooks, errors, streams, clients, several apps, and changing settings."""

from __future__ import annotations

import datetime
import operator
import threading
from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from clocks import NOW, Clock
from pairs import SECRET_KEY, Build, Pair, nothing, seen
from sides import SIDES

Views = dict[str, Callable[[], Any]]


def views(**rules: Callable[[], Any]) -> Build:
    """Returns a `build` with one page for each name, which is empty where the view returns no text."""

    def build(app: flask.Flask) -> None:
        for name, view in rules.items():
            app.add_url_rule(f"/{name}", name, lambda view=view: text_of(view()))

    return build


def text_of(answer: Any) -> Any:
    return answer if isinstance(answer, (str, flask.Response, tuple)) else ""


def put(key: str, value: Any) -> None:
    flask.session[key] = value


def everything() -> str:
    return repr(sorted(flask.session.items(), key=repr))


def paths(*names: str) -> Callable[[FlaskClient], Any]:
    return lambda client: [seen(client.get(f"/{name}")) for name in names]


BASIC = views(
    set=lambda: put("a", 1), all=everything, clear=lambda: flask.session.clear(), nothing=lambda: ""
)


def test_cookie_of_the_sessions_name_set_by_hand_is_sent_as_in_flask(pair: Pair, clock: Clock) -> None:
    def build(app: flask.Flask) -> None:
        BASIC(app)

        @app.route("/by_hand/<int:change>")
        def by_hand(change: int) -> flask.Response:
            if change:
                put("by hand", 1)
            response = flask.make_response("")
            response.set_cookie("session", "by hand")
            return response

    seen = pair.compare(build, paths("by_hand/1", "all", "by_hand/0", "all"))
    assert [len(answer["set_cookie"]) for answer in seen] == [2, 0, 1, 0]
    # Browsers keep the last of two, and what is left alone is a cookie that opens nothing.
    assert "by hand" in seen[1]["body"] and seen[3]["body"] == "[]"


# --- hooks and errors --------------------------------------------------------------------------------------


def test_hooks_change_the_session_as_in_flask(pair: Pair, clock: Clock) -> None:
    def build(app: flask.Flask) -> None:
        blueprint = flask.Blueprint("b", "b", url_prefix="/b")
        blueprint.before_request(lambda: put("blueprint_before", 1))

        @blueprint.after_request
        def blueprint_after(response: flask.Response) -> flask.Response:
            put("blueprint_after", len(flask.session))
            return response

        blueprint.add_url_rule("/all", "all", everything)
        app.register_blueprint(blueprint)
        BASIC(app)
        app.before_request(lambda: put("before", 1))

        @app.after_request
        def after(response: flask.Response) -> flask.Response:
            put("after", len(flask.session))
            return response

        @app.route("/later")
        def later() -> str:
            @flask.after_this_request
            def change(response: flask.Response) -> flask.Response:
                put("later", 1)
                return response

            return ""

        app.teardown_request(lambda _error: put("teardown", 1))
        app.teardown_appcontext(lambda _error: flask.g.pop("x", None))

    pair.compare(build, paths("all", "later", "b/all", "missing", "all", "clear", "all"))


def test_request_that_fails_saves_its_changes_as_in_flask(pair: Pair, clock: Clock) -> None:
    class Refused(Exception):
        """Has a handler of its own."""

    def fail(error: Exception) -> None:
        put("changed", type(error).__name__)
        raise error

    def build(app: flask.Flask) -> None:
        BASIC(app)
        views(
            fails=lambda: fail(ZeroDivisionError("x")),
            refused=lambda: fail(Refused()),
            aborts=lambda: (put("aborts", 1), flask.abort(403)),
            answers=lambda: (put("answers", 1), flask.abort(flask.make_response("own", 409))),
            redirects=lambda: (put("redirects", 1), flask.redirect("/all"))[1],
        )(app)

        @app.errorhandler(404)
        def missing(_error: Exception) -> tuple[str, int]:
            put("missing", flask.session.get("missing", 0) + 1)
            return everything(), 404

        @app.errorhandler(Refused)
        def refused(_error: Exception) -> tuple[str, int]:
            flask.flash("refused")
            return everything(), 418

        @app.errorhandler(500)
        def failed(_error: Exception) -> tuple[str, int]:
            return everything(), 500

    pair.compare(
        build,
        paths("all", "gone", "fails", "all", "refused", "aborts", "answers", "redirects", "gone", "all"),
    )


def test_hook_that_answers_or_fails_ends_as_in_flask(pair: Pair, clock: Clock) -> None:
    def build(app: flask.Flask) -> None:
        BASIC(app)

        @app.before_request
        def turn_away() -> Any:
            if flask.request.path == "/turned":
                put("turned", 1)
                return "away"
            return None

        @app.after_request
        def fail_after(response: flask.Response) -> flask.Response:
            if flask.request.path == "/nothing":
                put("after", 1)
                raise ZeroDivisionError("x")
            return response

    pair.compare(build, paths("turned", "all", "nothing", "all"))


# --- the response ------------------------------------------------------------------------------------------


def test_change_while_streaming_is_lost_as_in_flask(pair: Pair, clock: Clock) -> None:
    def build(app: flask.Flask) -> None:
        BASIC(app)

        @app.route("/stream")
        def stream() -> flask.Response:
            put("before", 1)

            @flask.stream_with_context
            def parts() -> Iterator[str]:
                yield everything()
                # Hipflask may refuse what it cannot save; the other sides lose it.
                yield ","
                yield str(flask.session.get("a"))

            return flask.Response(parts())

        @app.route("/reads-in-stream")
        def reads_in_stream() -> flask.Response:
            @flask.stream_with_context
            def parts() -> Iterator[str]:
                yield everything()

            return flask.Response(parts())

        @app.route("/plain-stream")
        def plain_stream() -> flask.Response:
            put("plain", 1)
            return flask.Response(iter(["a", "b"]))

    pair.compare(build, paths("set", "stream", "reads-in-stream", "plain-stream", "all"))


def test_cookie_joins_the_cookies_of_the_view(pair: Pair, clock: Clock) -> None:
    def build(app: flask.Flask) -> None:
        @app.route("/")
        def view() -> flask.Response:
            put("a", 1)
            response = flask.make_response("", 201)
            response.set_cookie("theme", "dark")
            response.headers["Vary"] = "Accept-Encoding"
            response.headers["Cache-Control"] = "no-store"
            return response

    answer = pair.compare(build, lambda client: seen(client.get("/")))
    assert [line.split("=")[0] for line in answer["set_cookie"]] == ["theme", "session"]
    assert answer["vary"] == ["Accept-Encoding, Cookie"]


def test_options_head_and_static_files_answer_as_in_flask(pair: Pair, clock: Clock) -> None:
    def visit(client: FlaskClient) -> Any:
        client.get("/set")
        client.get("/permanent")
        return [seen(client.open(path, method=method)) for path, method in REQUESTS]

    REQUESTS = [
        ("/set", "OPTIONS"),
        ("/all", "HEAD"),
        ("/set", "POST"),
        ("/static/missing", "GET"),
        ("/gone", "GET"),
    ]

    def build(app: flask.Flask) -> None:
        BASIC(app)
        views(permanent=lambda: setattr(flask.session, "permanent", True))(app)

    pair.compare(build, visit)


def test_untouched_permanent_session_is_sent_again_only_when_asked_for(clock: Clock, pair: Pair) -> None:
    def build(app: flask.Flask) -> None:
        BASIC(app)
        views(permanent=lambda: (put("a", 1), setattr(flask.session, "permanent", True)))(app)

    def visit(client: FlaskClient) -> Any:
        client.get("/permanent")
        clock.advance(1)
        return [bool(seen(client.get(f"/{name}"))["set_cookie"]) for name in ("nothing", "all")]

    clock.set(NOW)
    assert pair.run(pair.stock, build, visit, SESSION_REFRESH_UNTOUCHED=False) == [True, True]
    expected = [not pair.is_hipflask, True]
    assert pair.run(pair.other, build, visit, SESSION_REFRESH_UNTOUCHED=False) == expected


# --- clients and contexts ----------------------------------------------------------------------------------


def test_session_transaction_writes_what_views_read(pair: Pair, clock: Clock) -> None:
    def visit(client: FlaskClient) -> Any:
        notes: list[Any] = []
        with client.session_transaction() as session:
            notes.append([dict(session), session.modified, bool(session)])
            session["a"] = {"b": (1, b"x")}
            session.permanent = True
        notes.append(seen(client.get("/all")))
        notes.append(client.get_cookie("session").value)  # type: ignore[union-attr]
        with client.session_transaction() as session:
            notes.append(dict(session))
            del session["a"]
            session["flag"] = None
        notes.append(seen(client.get("/all")))
        with client.session_transaction() as session:
            session.clear()
        notes.append([seen(client.get("/all")), client.get_cookie("session")])
        with client.session_transaction("/other", method="POST", base_url="https://localhost") as session:
            notes.append(dict(session))
        return notes

    pair.compare(BASIC, visit)


def test_stored_session_transaction_writes_what_views_read(stored_pair: Pair) -> None:
    def visit(client: FlaskClient) -> Any:
        notes = []
        with client.session_transaction() as session:
            session["a"] = {"b": [1, b"x"]}
        notes.append(client.get("/all").text)
        with client.session_transaction() as session:
            notes.append(dict(session))
            session.clear()
        notes.append(client.get("/all").text)
        return notes

    stored_pair.compare(BASIC, visit)


def test_client_keeps_the_context_of_its_last_request(pair: Pair, clock: Clock) -> None:
    def visit(client: FlaskClient) -> Any:
        notes: list[Any] = []
        with client:
            client.get("/set")
            notes.append([dict(flask.session), flask.session.get("a"), flask.session.modified])
            client.get("/all")
            notes.append([dict(flask.session), flask.session.modified, flask.request.path])
            client.get("/clear")
            notes.append(dict(flask.session))
        notes.append(seen(client.get("/all")))
        return notes

    pair.compare(BASIC, visit)


def test_session_works_in_a_context_without_a_server(pair: Pair, clock: Clock) -> None:
    def context(side: str) -> Any:
        app = pair.app(side)
        notes: list[Any] = []
        with app.test_request_context("/"):
            notes.append(dict(flask.session))
            put("a", 1)
            flask.flash("hello")
            notes.append(flask.get_flashed_messages())
            response = app.process_response(app.make_response("x"))
            notes.append(response.headers.getlist("Set-Cookie") + response.headers.getlist("Vary"))
        header = notes[-1][0].split(";")[0]
        with app.test_request_context("/", headers={"Cookie": header}):
            app.preprocess_request()
            notes.append([dict(flask.session), flask.session.modified])
        with app.test_request_context("/", headers={"Cookie": header}) as request_context:
            notes.append(request_context.session["a"])  # type: ignore[index]
        return notes

    assert context(pair.other) == context(pair.stock)


def test_session_outside_of_a_request_raises_as_in_flask(pair: Pair) -> None:
    def outside(side: str) -> str:
        app = pair.app(side)
        with app.app_context(), pytest.raises(RuntimeError) as raised:
            flask.session["a"] = 1
        return str(raised.value)

    assert outside(pair.other) == outside(pair.stock)


def test_thread_with_a_copied_context_reads_the_session(pair: Pair, clock: Clock) -> None:
    def build(app: flask.Flask) -> None:
        BASIC(app)

        @app.route("/thread")
        def thread() -> str:
            found: list[Any] = []

            @flask.copy_current_request_context
            def work() -> None:
                found.append([dict(flask.session), flask.session.get("a")])
                put("from_thread", 1)

            worker = threading.Thread(target=work)
            worker.start()
            worker.join()
            return repr(found) + everything()

    pair.compare(build, paths("set", "thread", "all"))


def test_async_views_share_the_session(pair: Pair, clock: Clock) -> None:
    def build(app: flask.Flask) -> None:
        BASIC(app)

        @app.route("/async")
        async def asynchronous() -> str:
            import asyncio

            async def part(number: int) -> None:
                await asyncio.sleep(0)
                put(f"part{number}", number)

            await asyncio.gather(*map(part, range(3)))
            flask.flash("from a coroutine")
            return everything()

        @app.before_request
        async def before() -> None:
            put("before", 1)

    pair.compare(build, paths("set", "async", "all"))


# --- settings ----------------------------------------------------------------------------------------------

NULL_USES: dict[str, Callable[[], Any]] = {
    "read": lambda: (flask.session.get("a"), "a" in flask.session, len(flask.session), dict(flask.session)),
    "item": lambda: flask.session["a"],
    "set": lambda: put("a", 1),
    "delete": lambda: operator.delitem(flask.session, "a"),
    "pop": lambda: flask.session.pop("a", None),
    "popitem": lambda: flask.session.popitem(),
    "clear": lambda: flask.session.clear(),
    "update": lambda: flask.session.update(a=1),
    "setdefault": lambda: flask.session.setdefault("a", 1),
    "permanent": lambda: flask.session.permanent,
    "set permanent": lambda: setattr(flask.session, "permanent", True),
    "modified": lambda: setattr(flask.session, "modified", True),
    "flash": lambda: flask.flash("x"),
    "flashed": lambda: flask.get_flashed_messages(),
    "bool": lambda: bool(flask.session),
}


@pytest.mark.parametrize("key", [None, "", b""], ids=["none", "text", "bytes"])
@pytest.mark.parametrize("use", NULL_USES)
def test_session_without_a_key_raises_what_flask_raises(use: str, key: Any, pair: Pair) -> None:
    def view() -> str:
        try:
            return repr(NULL_USES[use]())
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    answer = pair.compare(views(view=view), paths("view"), SECRET_KEY=key)
    assert not answer[0]["set_cookie"] and not answer[0]["vary"]


def test_session_transaction_without_a_key_raises_what_flask_raises(pair: Pair) -> None:
    def visit(client: FlaskClient) -> str:
        with pytest.raises(RuntimeError) as raised, client.session_transaction() as session:
            session["a"] = 1
        return str(raised.value)

    pair.compare(nothing, visit, SECRET_KEY=None)


CHANGES: dict[str, dict[str, Any]] = {
    "secret key": {"SECRET_KEY": "another-key-of-the-tests-82f6e1d90c37"},
    "no secret key": {"SECRET_KEY": None},
    "rotated key": {
        "SECRET_KEY": "another-key-of-the-tests-82f6e1d90c37",
        "SECRET_KEY_FALLBACKS": [SECRET_KEY],
    },
    "name": {"SESSION_COOKIE_NAME": "other"},
    "path": {"SESSION_COOKIE_PATH": "/all"},
    "root": {"APPLICATION_ROOT": "/app"},
    "domain": {"SESSION_COOKIE_DOMAIN": "localhost"},
    "secure": {"SESSION_COOKIE_SECURE": True},
    "http only": {"SESSION_COOKIE_HTTPONLY": False},
    "same site": {"SESSION_COOKIE_SAMESITE": "Lax"},
    "partitioned": {"SESSION_COOKIE_PARTITIONED": True},
    "no refresh": {"SESSION_REFRESH_EACH_REQUEST": False},
    "lifetime": {"PERMANENT_SESSION_LIFETIME": 5},
    "lifetime as span": {"PERMANENT_SESSION_LIFETIME": datetime.timedelta(days=3)},
}


@pytest.mark.parametrize("change", CHANGES)
def test_setting_that_changes_between_requests_is_followed(change: str, pair: Pair, clock: Clock) -> None:
    def build(app: flask.Flask) -> None:
        BASIC(app)
        views(permanent=lambda: setattr(flask.session, "permanent", True))(app)

    def visit(client: FlaskClient) -> Any:
        clock.set(NOW)
        answers = paths("set", "permanent", "all")(client)
        client.application.config.update(CHANGES[change])
        for name in ("all", "set", "permanent", "all", "clear", "all"):
            clock.advance(2)
            answers += paths(name)(client)
        return answers

    pair.compare(build, visit)


def test_secret_key_may_be_set_after_the_extension(pair: Pair, clock: Clock) -> None:
    def late(side: str) -> Any:
        app = pair.app(side, BASIC, SECRET_KEY=None)
        app.secret_key = SECRET_KEY
        return paths("set", "all")(app.test_client())

    expected = late(pair.stock)
    assert late(pair.other) == expected and expected[0]["set_cookie"]


def test_extension_of_an_app_factory_serves_several_apps(clock: Clock) -> None:
    from hipflask import HipFlask

    extension = HipFlask()

    def create_app(key: str, name: str) -> flask.Flask:
        app = flask.Flask("factory")
        app.config.update(SECRET_KEY=key, SESSION_COOKIE_NAME=name)
        extension.init_app(app)
        BASIC(app)
        return app

    def stock(key: str, name: str) -> flask.Flask:
        app = flask.Flask("factory")
        app.config.update(SECRET_KEY=key, SESSION_COOKIE_NAME=name)
        BASIC(app)
        return app

    settings = [(SECRET_KEY, "one"), ("another-key-of-the-tests-82f6e1d90c37", "two")]
    clients = [create_app(*setting).test_client() for setting in settings]
    expected = [stock(*setting).test_client() for setting in settings]
    for name in ("set", "all", "clear", "all"):
        for client, stock_client in zip(clients, expected):
            assert seen(client.get(f"/{name}")) == seen(stock_client.get(f"/{name}"))


def test_apps_of_one_process_keep_their_sessions_apart(pair: Pair, clock: Clock) -> None:
    def mounted(side: str) -> Any:
        front = pair.app(side, BASIC)
        back = pair.app(side, BASIC, SESSION_COOKIE_NAME="back", APPLICATION_ROOT="/back")
        shared = pair.app(side, BASIC)
        client = Client(DispatcherMiddleware(front, {"/back": back, "/shared": shared}))
        order = [
            "/set",
            "/back/all",
            "/back/set",
            "/back/all",
            "/all",
            "/shared/all",
            "/shared/clear",
            "/all",
            "/back/all",
        ]
        return [seen(client.get(path)) for path in order]

    assert mounted(pair.other) == mounted(pair.stock)


def test_sides_read_the_cookies_of_each_other(pair: Pair, clock: Clock) -> None:
    for writer, reader in ((pair.stock, pair.other), (pair.other, pair.stock)):
        header = seen(pair.app(writer, BASIC).test_client().get("/set"))["set_cookie"][0].split(";")[0]
        client = pair.app(reader, BASIC).test_client(use_cookies=False)
        assert client.get("/all", headers={"Cookie": header}).text == "[('a', 1)]"


def test_interface_answers_questions_as_flasks(pair: Pair, clock: Clock) -> None:
    def facts(side: str) -> Any:
        app = pair.app(side, SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=True, APPLICATION_ROOT="/x")
        interface = app.session_interface
        with app.test_request_context():
            session = flask.session
            session.permanent = True
            return [
                interface.get_cookie_name(app),
                interface.get_cookie_domain(app),
                interface.get_cookie_path(app),
                interface.get_cookie_httponly(app),
                interface.get_cookie_secure(app),
                interface.get_cookie_samesite(app),
                interface.get_cookie_partitioned(app),
                interface.get_expiration_time(app, session),
                interface.should_set_cookie(app, session),
                interface.is_null_session(session),
                interface.is_null_session(interface.make_null_session(app)),
                isinstance(interface, flask.sessions.SessionInterface),
                interface.pickle_based,
            ]

    assert facts(pair.other) == facts(pair.stock)


def test_side_is_installed_whatever_came_first(clock: Clock) -> None:
    app = flask.Flask("late")
    app.secret_key = SECRET_KEY
    BASIC(app)
    SIDES["hipflask"](app)
    assert app.test_client().get("/set").headers.getlist("Set-Cookie")
