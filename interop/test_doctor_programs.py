"""What `hipflask doctor` says of cookies that other programs set under the name of Flask's."""

import asyncio
import concurrent.futures
import json
import os
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Any

import django.conf
import flask
import flask_jwt_extended
import itsdangerous
import pytest
from django.contrib.sessions.backends import signed_cookies
from doctor import KEY, KEYS, OTHER, SECRET, app_with, codes, doctor
from starlette.middleware.sessions import SessionMiddleware
from stores import DOWNLOADED, program

# Answers a request with each of three packages of Node, and prints the cookies that they set.
NODE = """
const http = require("http");
const packages = [
  require("express-session")({ name: "session", secret: "key", resave: false, saveUninitialized: true }),
  require("cookie-session")({ name: "session", keys: ["key"] }),
];
const server = http.createServer((request, response) => packages[request.url.slice(1)](request, response, () => {
  request.session.user = process.env.SECRET;
  response.end();
}));
server.listen(0, "127.0.0.1", async () => {
  const ask = (path) => new Promise((done) => http.get({ port: server.address().port, path }, done));
  const lines = [];
  for (const path of ["/0", "/1"]) lines.push((await ask(path)).headers["set-cookie"]);
  const sealed = await require("iron-session").sealData({ user: process.env.SECRET }, { password: "key".repeat(11) });
  console.log(JSON.stringify([...lines, [`session=${sealed}`]]));
  process.exit();
});
"""


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


# Recorded from `ruby interop/rails.rb`: since version 5.2, and before.
RAILS = [
    (
        "session=gj8zF3qPuOPO2j0VYwuGX2b2066qc%2BvWeV3nL1SdJM1k4uIP22iI6LjhrCQWat%2Fpr72F3zFZ42XrgLUAhpQxQLA%3D--oW8klx"
        "Wa0GiQ9yFy--GQdw7GAAMCEL8DqfXjmd8g%3D%3D"
    ),
    (
        "session=Uk9heGtVbFVjN0EyNFllaWkzM3BYNXdNQWNyTlZ4RnprZm9CNEJyelJXWk9xR2ViVTUwckZxU2c1VVhlRlA3V1FZeGlLd2lUbUJNRD"
        "gzcnhjUHZEbjU0eDFzQlhxaEFpdDZFRUt1YkN1VVE9LS0wY3AxbVFNajdhUXhiNmF5dlR1czJRPT0%3D--6ce53fdffef5d127a0f8b74266d6"
        "aa66c165f670"
    ),
]


def other_program(*args: object) -> str:
    """Returns whose cookie it is, in doctor's words."""
    (cause,) = doctor(*args, *KEYS)["causes"]
    assert cause["code"] == "other_program"
    return cause["text"].partition(" (")[2].rstrip(")")


@pytest.fixture(scope="module")
def node() -> list[str]:
    """Returns a `Cookie` line for each package, with all that it has set."""
    env = os.environ | {"NODE_PATH": str(DOWNLOADED / "node_modules"), "SECRET": SECRET}
    run = [program("node", "the Debian package nodejs"), "-e", NODE]
    done = subprocess.run(run, capture_output=True, text=True, check=True, env=env, timeout=60)
    return ["; ".join(line.partition(";")[0] for line in lines) for lines in json.loads(done.stdout)]


def test_cookies_of_node(node: list[str]) -> None:
    express, cookie, iron = node
    for line, expected in ((express, "express"), (cookie, "cookie"), (iron, "iron")):
        assert other_program(f"Cookie: {line}") == f"{expected}-session of Node"
    assert "session.sig=" in cookie
    value = cookie.partition(";")[0].removeprefix("session=")
    assert other_program(value) == "cookie-session of Node"


@pytest.mark.parametrize("cookie", RAILS)
def test_cookies_of_rails(cookie: str) -> None:
    assert other_program(f"Cookie: {cookie}") == "Rails"
    assert other_program(urllib.parse.unquote(cookie.removeprefix("session="))) == "Rails"


def test_tokens_of_flask_jwt_extended() -> None:
    app = app_with(KEY, JWT_TOKEN_LOCATION=["cookies"], JWT_ACCESS_COOKIE_NAME="session")
    flask_jwt_extended.JWTManager(app)

    @app.get("/")
    def index() -> flask.Response:
        response = flask.Response()
        flask_jwt_extended.set_access_cookies(response, flask_jwt_extended.create_access_token("julian"))
        return response

    line = app.test_client().get("/").headers.getlist("Set-Cookie")[0]
    assert other_program(f"Set-Cookie: {line}") == "a JSON Web Token"


def test_tokens_of_old_pyjwt(tmp_path: Path) -> None:
    """Versions before 2 write `typ` before `alg`."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", tmp_path]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "PyJWT==1.7.1"], check=True)
    run = [sys.executable, "-c", f"import jwt; print(jwt.encode({{'a': 1}}, {KEY!r}).decode())"]
    done = subprocess.run(run, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(tmp_path)})
    assert other_program(done.stdout.strip()) == "a JSON Web Token"


def test_token_without_time() -> None:
    token = itsdangerous.URLSafeSerializer(KEY, salt="cookie-session").dumps({"a": 1})
    assert codes(token, *KEYS) == ["cookie_cut"]  # a signature without a time looks the same
