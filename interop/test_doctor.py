"""Each cause that `hipflask doctor` knows, from a cookie, header, recording or record that the real program made."""

import asyncio
import concurrent.futures
import contextlib
import hashlib
import http.server
import json
import pickle
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django.conf
import flask
import flask_session
import itsdangerous
import msgspec
import pytest
import redis
import stores
from django.contrib.sessions.backends import signed_cookies
from flask.sessions import SecureCookieSessionInterface
from servers import free_port, rust_program
from starlette.middleware.sessions import SessionMiddleware

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"
OTHER = "71d55a3b0c7a2f93e9d1b4c86605f8ae"
SECRET = "hunter2-is-in-no-report"


def doctor(*args: object, status: int | None = None) -> dict[str, Any]:
    """Returns the report, which must hold no secret."""
    run = [rust_program("hipflask"), "doctor", "--json", *map(str, args)]
    env = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(run, capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    assert status is None or done.returncode == status, done.stdout
    for secret in (SECRET, KEY, OTHER):
        assert secret not in done.stdout + done.stderr
    return json.loads(done.stdout)


def codes(*args: object) -> list[str]:
    return [cause["code"] for cause in doctor(*args)["causes"]]


def app_with(key: Any, **config: Any) -> flask.Flask:
    app = flask.Flask(__name__)
    app.config.update(SECRET_KEY=key, **config)
    return app


def flask_cookie(key: Any = KEY, content: dict | None = None, **config: Any) -> str:
    """Has Flask itself sign a session."""
    signer = SecureCookieSessionInterface().get_signing_serializer(app_with(key, **config))
    assert signer is not None
    return signer.dumps(content or {"user_id": 7, "secret": SECRET})


def toml(folder: Path, name: str, key: str = KEY, more: str = "") -> Path:
    path = folder / name
    path.write_text(f"SECRET_KEY = '{key}'\n{more}")
    return path


KEYS = ("--secret-key", KEY)


# Cookies


def test_cookie_that_opens_is_no_cause() -> None:
    report = doctor(flask_cookie(), *KEYS, status=0)
    assert report["causes"] == []
    assert any("holds the keys secret, user_id" in note for note in report["notes"])


def test_values_are_shown_when_asked() -> None:
    run = [rust_program("hipflask"), "doctor", flask_cookie(), *KEYS, "--show-values"]
    assert SECRET in subprocess.run(run, capture_output=True, text=True).stdout


def test_wrong_key() -> None:
    assert codes(flask_cookie(OTHER), *KEYS) == ["wrong_key"]


def test_nodes_with_different_keys(tmp_path: Path) -> None:
    nodes = ["--config", toml(tmp_path, "a.toml"), "--config", toml(tmp_path, "b.toml", OTHER)]
    assert codes(flask_cookie(), *nodes) == ["nodes_differ"]


def test_random_key_of_each_process(tmp_path: Path) -> None:
    config = tmp_path / "config.py"
    config.write_text("import os\nSECRET_KEY = os.urandom(24)\n")
    assert "random_key" in codes(flask_cookie(b"another start's"), "--config", config)


def test_retired_key() -> None:
    assert codes(flask_cookie(OTHER), *KEYS, "--secret-key", OTHER) == ["retired_key"]


def test_expired(tmp_path: Path) -> None:
    config = toml(tmp_path, "a.toml", more="PERMANENT_SESSION_LIFETIME = 900\n")
    later = ["--now", int(time.time()) + 1000]
    assert codes(flask_cookie(), "--config", config, *later) == ["expired"]


def test_clock_skew() -> None:
    assert codes(flask_cookie(), *KEYS, "--now", int(time.time()) - 300) == ["clock_skew"]


@pytest.mark.parametrize(
    ("salt", "digest", "derivation"),
    [
        ("flask-session", "sha1", "hmac"),
        ("cookie-session", "sha256", "hmac"),
        ("cookie-session", "sha1", "django-concat"),
        ("cookie-session", "sha512", "concat"),
    ],
)
def test_other_ways_of_signing(salt: str, digest: str, derivation: str) -> None:
    interface = SecureCookieSessionInterface()
    interface.salt = salt
    interface.digest_method = getattr(hashlib, digest)
    interface.key_derivation = derivation
    signer = interface.get_signing_serializer(app_with(KEY))
    assert signer is not None
    (cause,) = doctor(signer.dumps({"a": 1}), *KEYS)["causes"]
    assert cause["code"] == "other_signing"
    assert f"salt {salt}, digest {digest}, key derivation {derivation}" in cause["text"]


def test_epoch_of_old_itsdangerous(tmp_path: Path) -> None:
    """Version 0.24, of before Flask 1.0, counts seconds from 2011."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", tmp_path]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "itsdangerous==0.24"], check=True)
    program = (
        "import hashlib, itsdangerous\n"
        "print(itsdangerous.URLSafeTimedSerializer(\n"
        f"    {KEY!r}, salt='cookie-session',\n"
        "    signer_kwargs={'key_derivation': 'hmac', 'digest_method': hashlib.sha1}).dumps({'a': 1}))\n"
    )
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(tmp_path)})
    assert codes(done.stdout.strip(), *KEYS) == ["old_epoch"]


def starlette_cookie(key: str) -> str:
    """Has Starlette's middleware set its cookie."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"]["user"] = {"name": "u", "secret": SECRET}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "headers": [], "path": "/", "method": "GET"}
    visit = SessionMiddleware(app, secret_key=key)(scope, receive, send)
    with concurrent.futures.ThreadPoolExecutor() as thread:  # because Playwright's loop may run in this one
        thread.submit(asyncio.run, visit).result()
    headers = dict(sent[0]["headers"])
    return headers[b"set-cookie"].decode().split("=", 1)[1].split(";")[0]


def test_cookie_of_starlette() -> None:
    cookie = starlette_cookie(KEY)
    assert codes(cookie, *KEYS) == ["starlette_cookie"]
    assert codes(cookie) == ["starlette_cookie"]
    assert codes(starlette_cookie(OTHER), *KEYS) == ["starlette_cookie"]


def test_cookie_of_django() -> None:
    if not django.conf.settings.configured:
        django.conf.settings.configure(SECRET_KEY=KEY, SESSION_SERIALIZER="django.contrib.sessions.serializers.JSONSerializer")
    session = signed_cookies.SessionStore()
    session["user"] = SECRET
    assert codes(session._get_session_key(), *KEYS) == ["django_cookie"]


def test_cookies_of_other_programs() -> None:
    token = itsdangerous.URLSafeSerializer(KEY, salt="cookie-session").dumps({"a": 1})
    assert codes("eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJl", *KEYS) == ["other_program"]
    assert codes("s%3AaGVsbG8.d29ybGQ", *KEYS) == ["other_program"]
    assert codes(token, *KEYS) == ["cookie_cut"]  # a signature without a time looks the same


def test_cut_quoted_and_padded_cookies() -> None:
    cookie = flask_cookie()
    assert codes(cookie[: len(cookie) // 2], *KEYS) == ["cookie_cut"]
    assert codes(cookie[:-4], *KEYS) == ["cookie_cut"]
    assert codes(f'"{cookie}"', *KEYS) == ["cookie_quoted"]
    payload, stamp, signature = flask_cookie(content={"a": 1}).split(".")
    assert codes(f"{payload}==.{stamp}.{signature}", *KEYS) == ["cookie_padded"]


def test_weak_and_known_keys() -> None:
    report = doctor(flask_cookie("dev"), "--secret-key", "dev")
    (cause,) = report["causes"]
    assert cause["code"] == "weak_key"
    assert "keys a second" in cause["text"]


def test_cookie_over_the_browsers_limit() -> None:
    content = {"small": 1, "cart": [uuid.uuid4().hex for _ in range(250)], "secret": SECRET}
    (cause,) = doctor(f"session={flask_cookie(content=content)}", *KEYS)["causes"]
    assert cause["code"] == "cookie_too_large"
    assert "largest keys as JSON: cart: " in cause["text"]


# Headers


def test_copies_and_joined_lines() -> None:
    one, two = flask_cookie(), flask_cookie(content={"b": 2})
    assert codes(f"Cookie: session={one}; session={two}", *KEYS) == ["shadow_copies"]
    assert codes(f"Cookie: theme=dark,session={one}", *KEYS)[0] == "joined_cookie_lines"


def set_cookie(**config: Any) -> str:
    """Has Flask set its cookie, and returns the line of the header."""
    app = app_with(KEY, **config)

    @app.get("/")
    def index() -> str:
        flask.session["a"] = 1
        return ""

    return f"Set-Cookie: {app.test_client().get('/').headers['Set-Cookie']}"


def test_set_cookie_that_browsers_refuse() -> None:
    assert codes(set_cookie(SESSION_COOKIE_SAMESITE="None"), *KEYS) == ["same_site"]


def test_partitioned_on_one_side() -> None:
    both = f"{set_cookie(SESSION_COOKIE_SECURE=True)}\n{set_cookie(SESSION_COOKIE_PARTITIONED=True)}"
    assert codes(both, *KEYS) == ["partitioned"]


def test_cookie_of_another_name_is_not_looked_at() -> None:
    assert codes(f"Cookie: shop={flask_cookie(OTHER)}", *KEYS) == []
    assert codes(f"Cookie: shop={flask_cookie(OTHER)}", *KEYS, "--cookie-name", "shop") == ["wrong_key"]


# What a browser has recorded


class Site(http.server.ThreadingHTTPServer):
    """A Flask app's pages, of which each host sees the same."""

    def __init__(self, app: flask.Flask) -> None:
        client_of = app.test_client

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                cookie = self.headers.get("Cookie")
                headers = {"Cookie": cookie} if cookie else {}
                client = client_of(use_cookies=False)
                page = client.open(self.path, method=self.command, headers=headers)
                self.send_response(page.status_code)
                for name, value in page.headers:
                    if name.lower() in ("content-type", "set-cookie"):
                        self.send_header(name, value)
                body = page.get_data()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *args: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture
def recorded(chromium: Any, tmp_path: Path) -> Callable[..., Path]:
    """Has a real browser visit an app at http://shop.test and http://other.test, and saves what it recorded."""
    starter, how = chromium

    def record(visit: Callable[[Any, str, str], object], **config: Any) -> Path:
        site = Site(shop(**config))
        port = site.server_address[1]
        har = tmp_path / "visit.har"
        rules = "--host-resolver-rules=MAP shop.test 127.0.0.1, MAP other.test 127.0.0.1"
        browser = starter.launch(**{**how, "args": [*how["args"], rules]})
        context = browser.new_context(record_har_path=har)
        visit(context.new_page(), f"http://shop.test:{port}", f"http://other.test:{port}")
        context.close()
        browser.close()
        site.shutdown()
        return har

    return record


def shop(**config: Any) -> flask.Flask:
    app = app_with(KEY, **config)

    @app.route("/", methods=["GET", "POST"])
    def index() -> str:
        return f"user {flask.session.get('user')}"

    @app.get("/login")
    def login() -> str:
        flask.session["user"] = "u"
        return "in"

    @app.get("/form")
    def form() -> str:
        shop = flask.request.args["shop"]
        return f"<form method=post action='{shop}/'><button>go</button></form><iframe src='{shop}/'></iframe>"

    return app


def log_in_and_look(page: Any, shop: str, other: str) -> None:
    page.goto(f"{shop}/login")
    page.goto(f"{shop}/")


def test_visit_that_works_has_no_cause(recorded: Any) -> None:
    assert codes("--har", recorded(log_in_and_look), *KEYS) == []


def test_secure_cookie_over_http(recorded: Any) -> None:
    har = recorded(log_in_and_look, SESSION_COOKIE_SECURE=True)
    assert codes("--har", har, *KEYS) == ["secure_on_http"]


def test_same_site_after_a_post_and_in_an_iframe(recorded: Any) -> None:
    def visit(page: Any, shop: str, other: str) -> None:
        page.goto(f"{shop}/login")
        page.goto(f"{other}/form?shop={shop}")
        page.wait_for_load_state("networkidle")
        page.click("button")
        page.wait_for_load_state("networkidle")

    report = doctor("--har", recorded(visit, SESSION_COOKIE_SAMESITE="Lax"), *KEYS)
    assert {cause["code"] for cause in report["causes"]} == {"same_site"}
    texts = " ".join(cause["text"] for cause in report["causes"])
    assert "POST from a page of another site" in texts
    assert "GET from an iframe or a script of another site" in texts


def test_copies_of_two_paths_are_told_with_their_deletions(recorded: Any) -> None:
    def visit(page: Any, shop: str, other: str) -> None:
        page.goto(f"{shop}/login")
        old = {"name": "session", "value": "old", "domain": "shop.test", "path": "/"}
        page.context.add_cookies([{**old, "domain": ".shop.test"}])
        page.goto(f"{shop}/")

    report = doctor("--har", recorded(visit), *KEYS)
    (copies,) = [it for it in report["causes"] if it["code"] == "shadow_copies"]
    deletion = "Set-Cookie: session=; Domain=shop.test; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/"
    assert deletion in copies["text"]


def test_recording_without_the_cookie(recorded: Any) -> None:
    har = recorded(lambda page, shop, other: page.goto(f"{shop}/"))
    assert codes("--har", har, *KEYS) == ["no_cookie"]


# A live address


@contextlib.contextmanager
def served(app: flask.Flask) -> Any:
    site = Site(app)
    yield f"http://127.0.0.1:{site.server_address[1]}/"
    site.shutdown()


def test_live_address_is_asked_with_and_without_the_cookie() -> None:
    app = app_with(OTHER)

    @app.get("/")
    def index() -> str:
        flask.session["n"] = flask.session.get("n", 0) + 1
        return ""

    with served(app) as url:
        assert codes("--url", url, "--secret-key", OTHER) == []
        assert codes("--url", url, *KEYS) == ["wrong_key"]
    run = [rust_program("hipflask"), "doctor", "--url", f"http://127.0.0.1:{free_port()}/"]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot fetch http://127.0.0.1")


# Sessions in a store


@pytest.fixture(scope="module")
def server() -> Any:
    with stores.redis() as store:
        yield store


def stored(server: Any, **config: Any) -> str:
    """Has Flask-Session store a session, and returns its cookie."""
    client = redis.Redis.from_url(server.url)
    app = app_with(KEY, SESSION_TYPE="redis", SESSION_REDIS=client, **config)
    flask_session.Session(app)

    @app.get("/")
    def index() -> str:
        flask.session["secret"] = SECRET
        return ""

    header = app.test_client().get("/").headers["Set-Cookie"]
    return header.split("=", 1)[1].split(";")[0]


def test_stored_session_that_is_there_is_no_cause(server: Any) -> None:
    cookie = stored(server)
    report = doctor(cookie, "--store", server.url, *KEYS, status=0)
    assert any("the record is there" in note for note in report["notes"])
    assert not any(cookie in note for note in report["notes"])


def test_id_that_is_unknown(server: Any, tmp_path: Path) -> None:
    cookie = stored(server)
    redis.Redis.from_url(server.url).flushall()
    assert codes(cookie, "--store", server.url, *KEYS) == ["id_unknown"]
    config = toml(tmp_path, "a.toml", more="SESSION_KEY_PREFIX = 'other:'\n")
    assert codes(stored(server), "--store", server.url, "--config", config) == ["id_unknown"]


def test_records_that_are_not_what_they_should_be(server: Any, tmp_path: Path) -> None:
    client = redis.Redis.from_url(server.url)
    cookie = stored(server)
    for record, expected in [
        (pickle.dumps({"secret": SECRET}), ["record_pickled"]),
        (json.dumps({"secret": SECRET}).encode(), ["record_format"]),
        (msgspec.msgpack.encode({"secret": SECRET})[:-3], ["record_corrupt"]),
        (b"\x00\x01", ["record_corrupt"]),
        (msgspec.msgpack.encode(None), ["record_expired"]),
    ]:
        client.set(f"session:{cookie}", record)
        assert codes(cookie, "--store", server.url, *KEYS) == expected, record
    client.delete(f"session:{cookie}")
    client.rpush(f"session:{cookie}", "x")
    assert codes(cookie, "--store", server.url, *KEYS) == ["record_type"]


def test_signed_ids_on_one_side(server: Any, tmp_path: Path) -> None:
    config = toml(tmp_path, "a.toml", more="SESSION_USE_SIGNER = true\n")
    plain, signed = stored(server), stored(server, SESSION_USE_SIGNER=True)
    assert "signed_ids" in codes(plain, "--store", server.url, "--config", config)
    assert codes(signed, "--store", server.url, *KEYS) == ["signed_ids"]
    assert codes(signed, "--store", server.url, "--config", config) == []


def test_configuration_without_the_store_and_cookie_beside_one(tmp_path: Path, server: Any) -> None:
    assert codes(stored(server), *KEYS) == ["id_without_store"]
    config = toml(tmp_path, "a.toml", more="SESSION_TYPE = 'redis'\n")
    assert codes(flask_cookie(), "--config", config) == ["cookie_with_store"]


def test_store_that_cannot_be_reached(server: Any) -> None:
    cookie = stored(server)
    gone = f"redis://:{SECRET}@127.0.0.1:{free_port()}/0"
    (cause,) = doctor(cookie, "--store", gone, *KEYS)["causes"]
    assert cause["code"] == "store_unreachable"


def test_faults_of_the_configuration_are_causes(tmp_path: Path) -> None:
    config = toml(tmp_path, "a.toml", more="SESSION_COOKIE_SECUR = true\n")
    assert codes(flask_cookie(), "--config", config) == ["configuration"]
