"""Shadow mode: stock sessions serve as if nobody looked on, and what would be different is found."""

from __future__ import annotations

import base64
import datetime
import json
import logging
import math
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import flask_session
import flask_session.base
import flask_sqlalchemy
import freezegun
import hipflask
import pytest
from flask import session
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSessionInterface
from hipflask import HipFlask, Shadow
from hipflask.shadow.budget import Budget
from hipflask.shadow.kinds import KINDS
from hipflask.shadow.tally import MOST_EXAMPLES, empty, totals
from itsdangerous import URLSafeTimedSerializer

from pairs import SECRET_KEY

COMPATIBILITY = Path(__file__).parents[3] / "COMPATIBILITY.md"
SIDES = ("signed", "stored")
#: What is in sessions and must be nowhere else.
CANARY = "canary-of-a-value"
PAGES = (
    *("/nothing", "/put/a/1", "/put/cart/[]", "/read", "/inside", "/read", "/permanent", "/nothing", "/put/a/1"),
    *("/flash", "/clear", "/nothing", "/put/b/2", "/pop/b", "/missing", "/error", "/put/c/3"),
)


def views(app: flask.Flask) -> None:
    @app.get("/put/<key>/<value>")
    def put(key: str, value: str) -> str:
        session[key] = json.loads(value)
        return "put"

    @app.get("/pop/<key>")
    def pop(key: str) -> str:
        return str(session.pop(key))

    @app.get("/read")
    def read() -> Any:
        return dict(session)

    @app.get("/nothing")
    def nothing() -> str:
        return "nothing"

    @app.get("/inside")
    def inside() -> str:
        session["cart"].append("tea")
        return "appended"

    @app.get("/permanent")
    def permanent() -> str:
        session.permanent = True
        return "permanent"

    @app.get("/flash")
    def flash() -> str:
        flask.flash("saved")
        return "flashed"

    @app.get("/clear")
    def clear() -> str:
        session.clear()
        return "cleared"

    @app.get("/error")
    def error() -> str:
        session["error"] = True
        raise LookupError("a page that fails")


def build(
    side: str,
    folder: Path,
    shadow: Shadow | bool = True,
    change: Callable[[flask.Flask], None] | None = None,
    **config: Any,
) -> flask.Flask:
    """Builds an app with stock sessions; `change` makes them other ones before Hipflask looks on."""
    app = flask.Flask("shadow")
    app.secret_key = SECRET_KEY
    if side == "stored":
        from cachelib import FileSystemCache

        app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=FileSystemCache(str(folder / "sessions")))
    app.config.update(config)
    if side == "stored":
        flask_session.Session(app)
    if change is not None:
        change(app)
    if shadow:
        HipFlask(app, shadow=Shadow(str(folder / "report"), cost=1) if shadow is True else shadow)
    views(app)
    return app


def report(app: flask.Flask, *arguments: str) -> dict[str, Any]:
    """Returns what the command prints."""
    watch = app.extensions.get("hipflask_shadow")
    if watch is not None:
        watch.report.write(1)
    result = app.test_cli_runner().invoke(args=["hipflask-shadow", "--json", *arguments])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def codes(found: dict[str, Any]) -> dict[str, int]:
    return {it["code"]: it["count"] for it in found["differences"]}


def drive(app: flask.Flask, pages: tuple[str, ...] = PAGES) -> list[Any]:
    client = app.test_client()
    return [_whole(client.get(page)) for page in pages]


def _whole(response: Any) -> Any:
    return response.status, response.headers.to_wsgi_list(), response.get_data()


@pytest.fixture
def same_ids(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes Flask-Session's next ids the same as before."""

    def start() -> None:
        numbers = iter(range(10_000))

        def token_urlsafe(length: int) -> str:
            return base64.urlsafe_b64encode(next(numbers).to_bytes(length, "big")).rstrip(b"=").decode()

        monkeypatch.setattr(secrets, "token_urlsafe", token_urlsafe)

    return start


@pytest.mark.parametrize("side", SIDES)
def test_no_byte_of_a_response_changes_and_nothing_is_written(
    side: str, tmp_path: Path, same_ids: Callable[[], None]
) -> None:
    seen = []
    for shadow in (False, True):
        same_ids()
        folder = tmp_path / str(shadow)
        app = build(side, folder, shadow)
        with freezegun.freeze_time("2025-11-21T02:40:00"):
            answers = drive(app)
        files = {it.name: it.read_bytes() for it in (folder / "sessions").glob("*")}
        seen.append((answers, files))
    assert seen[0] == seen[1]
    assert any("Set-Cookie" in dict(headers) for _, headers, _ in seen[1][0])
    found = report(app)
    assert found["looked_at"] == found["requests"] == len(PAGES)
    assert (found["unexplained"], found["lost"], found["exceptions"]) == (0, 0, {})


@pytest.mark.parametrize("side", SIDES)
def test_slow_page_is_no_difference(side: str, tmp_path: Path) -> None:
    app = build(side, tmp_path)
    with freezegun.freeze_time("2025-11-21T02:40:00") as clock:

        @app.get("/slow")
        def slow() -> str:
            session.update(_permanent=True, a=1)
            clock.tick(5)
            return "slow"

        assert "Expires" in app.test_client().get("/slow").headers["Set-Cookie"]
    assert codes(report(app)) == {}


EXPECTED = {
    "signed": {"changed_inside": 1, "untouched_permanent": 1},
    "stored": {"unused": 1, "read_only": 2, "unchanged": 2, "deleted_cookie": 2},
}


@pytest.mark.parametrize("side", SIDES)
def test_what_is_deliberate_is_told_with_its_row(side: str, tmp_path: Path) -> None:
    app = build(side, tmp_path)
    drive(app)
    found = report(app)
    assert found["unexplained"] == 0
    assert codes(found) == EXPECTED[side]
    assert all(it["row"] and it["examples"] for it in found["differences"])


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"SESSION_SERIALIZATION_FORMAT": "json", "SESSION_USE_SIGNER": True},
        {"SESSION_PERMANENT": False, "SESSION_REFRESH_EACH_REQUEST": False},
        {"SESSION_KEY_PREFIX": "another:", "SESSION_ID_LENGTH": 20},
    ],
    ids=["msgpack", "signed_ids_and_json", "not_permanent", "prefix_and_length"],
)
@pytest.mark.filterwarnings("ignore:The 'use_signer' option:DeprecationWarning")
def test_records_of_bytes_have_no_difference_that_nobody_has_explained(
    config: dict[str, Any], tmp_path: Path
) -> None:
    app = flask.Flask("shadow")
    app.secret_key = SECRET_KEY
    app.config.update(SESSION_TYPE="sqlalchemy", SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/db", **config)
    app.config["SESSION_SQLALCHEMY"] = flask_sqlalchemy.SQLAlchemy(app)
    flask_session.Session(app)
    HipFlask(app, shadow=Shadow(str(tmp_path / "report"), cost=1))
    views(app)
    drive(app)
    found = report(app)
    assert found["looked_at"] == len(PAGES)
    assert (found["unexplained"], found["lost"], found["exceptions"]) == (0, 0, {})


@pytest.mark.parametrize("is_extra", [False, True])
def test_records_of_another_serializer_are_told(is_extra: bool, tmp_path: Path) -> None:
    """CKAN gives Flask's, which has its tags in slots, to Flask-Session, and sorts the keys."""

    class Serializer(TaggedJSONSerializer, flask_session.base.Serializer):  # type: ignore[misc]
        def encode(self, session: Any) -> bytes:
            content = {**session, "x": len(session)} if is_extra else session
            return json.dumps(json.loads(self.dumps(content)), sort_keys=True).encode()

        def decode(self, serialized_data: bytes) -> Any:
            return self.loads(serialized_data.decode())

    app = flask.Flask("shadow")
    app.config.update(SESSION_TYPE="sqlalchemy", SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/db")
    app.config["SESSION_SQLALCHEMY"] = flask_sqlalchemy.SQLAlchemy(app)
    flask_session.Session(app)
    app.session_interface.serializer = Serializer()  # type: ignore[attr-defined]
    app.config["SESSION_SERIALIZATION_FORMAT"] = "tagged_json"
    HipFlask(app, shadow=Shadow(str(tmp_path / "report"), cost=1))
    views(app)
    client = app.test_client()
    assert [client.get(f"/put/{it}/1").text for it in "ba"] == ["put", "put"]
    found = report(app)
    assert (codes(found), found["exceptions"]) == ({"record" if is_extra else "own_serializer": 2}, {})


def test_budget_lets_requests_pass_while_looking_is_dear() -> None:
    budget = Budget(0.05)
    looked_at = 0
    for _ in range(1200):
        if budget.allows():
            looked_at += 1
            budget.spend(200_000, 1_000_000)
    # The first 200, and then one of four, because a look takes four times what it may.
    assert looked_at == 200 + 1000 // 4


def test_each_row_is_in_the_list_of_differences() -> None:
    rows = {line.split(" | ")[0].removeprefix("| ") for line in COMPATIBILITY.read_text("utf-8").splitlines()}
    assert [kind.code for kind in KINDS.values() if kind.row is not None and kind.row not in rows] == []


# --- differences that are made on purpose ------------------------------------------------------------------


class OtherSalt(SecureCookieSessionInterface):
    def get_signing_serializer(self, app: flask.Flask) -> Any:
        serializer = super().get_signing_serializer(app)
        assert isinstance(serializer, URLSafeTimedSerializer)
        serializer.salt = b"another"
        return serializer


class Forgetful(SecureCookieSessionInterface):
    """Opens a session without one of its keys."""

    def open_session(self, app: flask.Flask, request: flask.Request) -> Any:
        opened = super().open_session(app, request)
        assert opened is not None
        dict.pop(opened, "_user_id", None)
        return opened


class OtherCookie(SecureCookieSessionInterface):
    def save_session(self, app: flask.Flask, session: Any, response: flask.Response) -> None:
        super().save_session(app, session, response)
        cookies = response.headers.getlist("Set-Cookie")
        response.headers.remove("Set-Cookie")
        for cookie in cookies:
            response.headers.add("Set-Cookie", f"{cookie}; SameSite=Lax")


class OtherPath(SecureCookieSessionInterface):
    def get_cookie_path(self, app: flask.Flask) -> str:
        return "/app"


def _interface(kind: type) -> Callable[[flask.Flask], None]:
    return lambda app: setattr(app, "session_interface", kind())


def _other_bytes(app: flask.Flask) -> None:
    interface: Any = app.session_interface

    class Extra(type(interface)):  # type: ignore[misc]
        def _upsert_session(self, lifetime: Any, session: Any, store_id: str) -> None:
            super()._upsert_session(lifetime, {**session, "extra": len(session)}, store_id)

    interface.__class__ = Extra


def _other_prefix(app: flask.Flask) -> None:
    app.session_interface.key_prefix = "another:"  # type: ignore[attr-defined]


MADE = {
    "other_salt": ("signed", _interface(OtherSalt), {"verdict": 2, "set_cookie": 3}, 2),
    "key_dropped_at_opening": ("signed", _interface(Forgetful), {"content": 1}, 0),
    "other_attribute": ("signed", _interface(OtherCookie), {"set_cookie": 3}, 0),
    "overridden_method": ("signed", _interface(OtherPath), {"overridden": 3}, 0),
    "other_prefix": ("stored", _other_prefix, {"verdict": 2, "record": 3, "set_cookie": 2}, 2),
    "other_bytes": ("stored", _other_bytes, {"record": 2}, 0),
}


@pytest.mark.parametrize("name", MADE)
def test_difference_is_found(name: str, tmp_path: Path) -> None:
    side, change, expected, lost = MADE[name]
    app = build(side, tmp_path, change=change)
    client = app.test_client()
    for page in ("/put/a/1", "/put/_user_id/7", "/put/a/2"):
        assert client.get(page, base_url=f"http://localhost{app.session_interface.get_cookie_path(app)}").text == "put"
    found = report(app)
    assert codes(found) == expected
    assert found["lost"] == lost
    assert {it["endpoint"] for kind in found["differences"] for it in kind["examples"]} == {"put"}
    assert found["unexplained"] == sum(number for code, number in expected.items() if KINDS[code].row is None)


# --- what is different by intention ------------------------------------------------------------------------


def test_stocks_error_pages_are_told(tmp_path: Path) -> None:
    app = build("signed", tmp_path)
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    client = app.test_client()
    client.set_cookie("session", serializer.make_signer(serializer.salt).sign(b"!").decode())
    assert client.get("/read").status_code == 500
    found = report(app)
    assert codes(found) == {"bad_payload": 1}
    assert found["unexplained"] == found["lost"] == 0


def test_large_cookie_is_told(tmp_path: Path) -> None:
    app = build("signed", tmp_path)
    assert app.test_client().get(f'/put/large/"{secrets.token_hex(4000)}"').status_code == 200
    assert codes(report(app)) == {"large_cookie": 1}


def test_resigned_and_encrypted_cookies_are_told(tmp_path: Path) -> None:
    client = build("signed", tmp_path, False).test_client()
    client.get("/put/a/1")
    fallback = {"SECRET_KEY": "b" * 40, "SECRET_KEY_FALLBACKS": [SECRET_KEY], "SESSION_RESIGN": True}
    app = build("signed", tmp_path, **fallback)
    app.test_client(use_cookies=False).get("/read", headers={"Cookie": _cookie_of(client)})
    assert codes(report(app)) == {"resigned": 1}
    app = build("signed", tmp_path, Shadow(str(tmp_path / "encrypted")), SESSION_ENCRYPTION=True)
    app.test_client().get("/put/a/1")
    assert codes(report(app)) == {"encrypted": 1}


def _cookie_of(client: Any) -> str:
    cookie = client.get_cookie("session")
    assert cookie is not None
    return f"session={cookie.value}"


def test_objects_of_pickles_are_told(tmp_path: Path) -> None:
    app = build("stored", tmp_path)

    @app.get("/odd")
    def odd() -> str:
        session["set"], session["time"] = {1}, datetime.timedelta(1)
        return "odd"

    @app.get("/only/<kind>")
    def only(kind: str) -> str:
        session.pop(kind)
        return "one"

    client = app.test_client()
    for page in ("/odd", "/read", "/only/set", "/nothing"):
        client.get(page)
    found = codes(report(app))
    assert found["pickled_sets"] == 2
    assert found["pickled_times"] == 1


def test_log_in_by_flask_login_is_told(tmp_path: Path) -> None:
    import flask_login

    def change(app: flask.Flask) -> None:
        users = flask_login.LoginManager(app)
        users.user_loader(lambda name: _User(name))
        app.add_url_rule("/log-in", view_func=lambda: str(flask_login.login_user(_User("7"))), endpoint="log_in")

    app = build("stored", tmp_path, change=change)
    assert app.test_client().get("/log-in").text == "True"
    assert codes(report(app)) == {"log_in_id": 1}


class _User:
    is_active = is_authenticated = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_id(self) -> str:
        return self.name


def test_new_id_is_told(tmp_path: Path) -> None:
    app = build("stored", tmp_path)

    @app.get("/renew")
    def renew() -> str:
        app.session_interface.regenerate(session._get_current_object())  # type: ignore[attr-defined]
        return "renewed"

    client = app.test_client()
    assert [client.get(page).text for page in ("/put/a/1", "/renew", "/put/a/2")] == ["put", "renewed", "put"]
    assert codes(report(app)) == {"renewed_id": 1}


# --- what must not happen ----------------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("place", ["begin", "open", "save"])
def test_what_fails_in_the_shadow_is_counted_and_no_more(
    side: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise LookupError(CANARY)

    target = {"begin": "hipflask.shadow.watch.cookie_header", "open": "hipflask.shadow.look.Look.open"}
    monkeypatch.setattr(target.get(place, "hipflask.shadow.look.Look.save"), fail)
    app = build(side, tmp_path)
    client = app.test_client()
    assert [client.get(page).text for page in ("/put/a/1", "/put/a/2")] == ["put", "put"]
    found = report(app)
    assert found["exceptions"] == {"LookupError": 2}
    assert CANARY not in json.dumps(found)


@pytest.mark.parametrize("side", SIDES)
def test_no_value_id_or_cookie_is_told(side: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kind = OtherSalt if side == "signed" else None
    app = build(side, tmp_path, change=_interface(kind) if kind else _other_prefix)
    client = app.test_client()
    state = "_state_google_aB3dEfGh1jK2lM3nO4"
    for page in (f'/put/user_id/"{CANARY}"', f'/put/{state}/["{CANARY}"]', "/put/ann@example.org/1", "/clear"):
        assert client.get(page).status_code == 200
    cookie = _cookie_of(client) if client.get_cookie("session") else ""
    page = tmp_path / "page.html"
    told = json.dumps(report(app, "--page", str(page))) + caplog.text + page.read_text("utf-8")
    told += app.test_cli_runner().invoke(args=["hipflask-shadow"]).output
    assert "user_id: str of" in told
    for secret in (CANARY, state, "ann@", SECRET_KEY, *filter(None, [cookie.partition("=")[2]])):
        assert secret not in told


def test_memory_is_bounded(tmp_path: Path) -> None:
    app = build("signed", tmp_path, change=_interface(OtherSalt))
    app.extensions["hipflask_shadow"].report.write_if_due = lambda: None
    client = app.test_client()
    sizes = []
    for number in range(200):
        client.get(f'/put/key_{number}/"{"x" * number}"')
        sizes.append(len(json.dumps(app.extensions["hipflask_shadow"].report.tally)))
    assert sizes[-1] < sizes[40] + 200
    found = report(app)
    assert all(len(it["examples"]) <= MOST_EXAMPLES < it["count"] for it in found["differences"])


@pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")
def test_processes_are_summed(tmp_path: Path) -> None:
    app = build("signed", tmp_path, change=_interface(OtherSalt))
    client = app.test_client()
    client.get("/put/a/1")
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            for number in range(50):
                client.get(f"/put/a/{number}")
            app.extensions["hipflask_shadow"].report.write(10)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    client.get("/put/a/2")
    found = report(app)
    assert found["requests"] == found["looked_at"] == 152
    assert codes(found) == {"verdict": 151, "set_cookie": 152}


def test_process_that_ends_leaves_what_it_has_counted(tmp_path: Path) -> None:
    program = (
        "import sys, flask, hipflask; app = flask.Flask('x'); app.secret_key = 'k' * 32\n"
        "hipflask.HipFlask(app, shadow=hipflask.Shadow(sys.argv[1])); [app.test_client().get('/') for _ in range(5)]"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["requests"] == 10


def test_share_of_the_requests(tmp_path: Path) -> None:
    app = build("signed", tmp_path, Shadow(str(tmp_path / "report"), share=0))
    drive(app)
    found = report(app)
    assert (found["requests"], found["looked_at"]) == (len(PAGES), 0)


def test_folder_that_cannot_be_written_to_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("no folder")
    app = build("signed", tmp_path, Shadow(str(tmp_path / "file" / "report")))
    for _ in range(2):
        drive(app)
        app.extensions["hipflask_shadow"].report.write(1)
    assert [it.getMessage() for it in caplog.records if it.name == "hipflask"] == [
        "the report of the shadow cannot be written: NotADirectoryError"
    ]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no_session_type": ({"SESSION_TYPE": "redis"}, "call Session(app)"),
    "impossible_cookie": ({"SESSION_COOKIE_SAMESITE": "None"}, "SameSite=None"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_app_that_hipflask_refuses_goes_on_and_is_told_why(name: str, tmp_path: Path) -> None:
    config, words = REFUSED[name]
    app = build("signed", tmp_path, **config)
    assert app.test_client().get("/put/a/1").text == "put"
    found = report(app)
    assert [words in text for text in found["troubles"]] == [True]
    assert found["looked_at"] == 0


def test_quart_is_refused() -> None:
    import quart

    with pytest.raises(hipflask.ConfigError, match="Flask app"):
        HipFlask(quart.Quart("shadow"), shadow=True)


@pytest.mark.parametrize("side", SIDES)
def test_the_shadow_steps_in(side: str, tmp_path: Path) -> None:
    before = build(side, tmp_path).test_client()
    before.get("/put/user_id/7")
    app = build(side, tmp_path, False)
    HipFlask(app)
    assert app.test_client(use_cookies=False).get("/read", headers={"Cookie": _cookie_of(before)}).json["user_id"] == 7


def test_the_interface_is_still_the_apps(tmp_path: Path) -> None:
    app = build("signed", tmp_path)
    assert isinstance(app.session_interface, SecureCookieSessionInterface)
    assert not hasattr(flask.Flask.session_interface, "_hipflask_watch")
    app.session_interface.salt = "another"  # type: ignore[attr-defined]
    client = app.test_client()
    client.get("/put/a/1")
    assert client.get("/read").json == {"a": 1}
    assert codes(report(app)) == {}


def test_interface_that_is_set_afterwards_is_told(tmp_path: Path) -> None:
    app = build("signed", tmp_path)
    told = app.test_cli_runner().invoke(args=["hipflask-shadow"]).output
    assert "nobody looks on" not in told
    app.session_interface = OtherPath()
    assert "nobody looks on" in app.test_cli_runner().invoke(args=["hipflask-shadow"]).output


def test_app_is_looked_on_at_once(tmp_path: Path) -> None:
    app = build("stored", tmp_path)
    with pytest.raises(hipflask.ConfigError, match="already"):
        HipFlask(app, shadow=True)
    served = flask.Flask("served")
    served.secret_key = SECRET_KEY
    HipFlask(served)
    with pytest.raises(hipflask.ConfigError, match="serves"):
        HipFlask(served, shadow=True)


@pytest.mark.parametrize("shadow", [Shadow(cost=3), Shadow(share=50), Shadow(share=-1), Shadow(cost=math.nan), "report"])
def test_shadow_that_is_none_is_refused(shadow: Any) -> None:
    with pytest.raises(hipflask.ConfigError, match="expected"):
        HipFlask(shadow=shadow)


def test_last_requests_are_written_although_no_other_comes(tmp_path: Path) -> None:
    app = build("signed", tmp_path)
    drive(app)
    until = time.monotonic() + 30
    while (found := json.loads((tmp_path / "report" / "report.json").read_text()))["requests"] < len(PAGES):
        assert time.monotonic() < until, found["requests"]
        time.sleep(0.05)


def test_report_on_nothing_says_so(tmp_path: Path) -> None:
    app = build("signed", tmp_path, SESSION_TYPE="redis")
    printed = app.test_cli_runner().invoke(args=["hipflask-shadow"]).output.splitlines()
    assert printed[0] == "0 of 0 requests looked at"
    assert "call Session(app) first" in printed[1] and "--reset" in printed[1]
    assert printed[2].startswith("nothing is known yet")
    result = app.test_cli_runner().invoke(args=["hipflask-shadow", "--page", str(tmp_path / "none" / "page.html")])
    assert (result.exit_code, result.output) == (1, "Error: the page cannot be written: No such file or directory\n")


def test_report_is_forgotten_when_asked(tmp_path: Path) -> None:
    app = build("signed", tmp_path)
    drive(app)
    report(app)
    assert app.test_cli_runner().invoke(args=["hipflask-shadow", "--reset"]).exit_code == 0
    assert report(app) == totals(empty())
