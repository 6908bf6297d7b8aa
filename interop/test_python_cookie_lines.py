"""Several `Cookie` lines of one request, behind the real servers, which join them each in its own way."""

import contextlib
import json
import os
import socket
import sys

import pytest

from servers import HERE, SECRET_KEY, accepts, free_port, started

GUNICORN = ("-m", "gunicorn", "--pythonpath", str(HERE / "twins"), "--log-level", "warning", "lines:app")
SERVERS = {
    "gunicorn sync": (*GUNICORN, "--worker-class", "sync"),
    "gunicorn gthread": (*GUNICORN, "--worker-class", "gthread", "--threads", "2"),
    "waitress": (str(HERE / "twins" / "lines.py"),),
}


@pytest.fixture(scope="module", params=SERVERS)
def serve(request, tmp_path_factory):
    """Serves the app with sessions in the cookie, or in a store, and returns its port."""
    with contextlib.ExitStack() as servers:
        ports = {}
        folder = tmp_path_factory.mktemp("sessions")
        for name, store in {"cookie": {}, "store": {"TWIN_STORE": f"file:{folder}"}}.items():
            port = free_port()
            arguments = [sys.executable, *SERVERS[request.param]]
            if request.param.startswith("gunicorn"):
                arguments += ["--bind", f"127.0.0.1:{port}"]
            env = {key: value for key, value in os.environ.items() if not key.startswith(("FLASK_", "TWIN_"))}
            env |= {"FLASK_SECRET_KEY": SECRET_KEY, "PORT": str(port)} | store
            servers.enter_context(started(arguments, lambda port=port: accepts(port), env=env, cwd=folder))
            ports[name] = port
        yield ports


def exchange(port, path, lines=()):
    """Sends one request with these `Cookie` lines, as they are, and returns head and body of the answer."""
    head = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *(f"Cookie: {line}" for line in lines)]
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, body = answer.decode().split("\r\n\r\n", 1)
    return head, body


def cookie_of(port, user):
    head, _body = exchange(port, f"/set/{user}")
    (line,) = (line for line in head.splitlines() if line.lower().startswith("set-cookie: "))
    return line.split(": ", 1)[1].split(";")[0]


@pytest.mark.parametrize("kind", ["cookie", "store"])
def test_session_is_found_in_any_of_several_cookie_lines(serve, kind):
    port = serve[kind]
    ada, bob = cookie_of(port, "ada"), cookie_of(port, "bob")

    def user(*lines):
        _head, body = exchange(port, "/get", lines)
        return json.loads(body)["user"]

    assert user(ada) == "ada"
    assert user("theme=dark", ada) == "ada"
    assert user(ada, "theme=dark") == "ada"
    assert user("theme=dark; a=1", f"b=2; {ada}", "c=3") == "ada"
    assert user(ada, bob) == "ada", "the first of the name wins"
    assert user(f"theme=dark; {ada}", bob) == "ada"
    # What may be a part of another cookie's value is none.
    assert user(f"theme=x,{bob}; {ada}") == "ada"
    assert user(f'theme="x,{bob}"; {ada}') == "ada"
    assert user(f'theme="x,{bob}"') is None


def test_flask_itself_finds_no_session_behind_another_line(serve):
    """If this changes, so may what the package does."""
    ada = cookie_of(serve["cookie"], "ada")
    _head, body = exchange(serve["cookie"], "/get", ("theme=dark", ada))
    assert json.loads(body)["flask"] is None
