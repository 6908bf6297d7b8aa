"""Calls `hipflask doctor`, and makes what it is shown: Flask's cookies, and sites that a browser can visit."""

import http.server
import json
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import flask
from flask.sessions import SecureCookieSessionInterface
from servers import rust_program

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"
OTHER = "71d55a3b0c7a2f93e9d1b4c86605f8ae"
SECRET = "hunter2-is-in-no-report"


def called(*args: object, **env: str) -> subprocess.CompletedProcess[str]:
    run = [rust_program("hipflask"), "doctor", *map(str, args)]
    return subprocess.run(run, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"} | env, timeout=60)


def doctor(*args: object, status: int | None = None, **env: str) -> dict[str, Any]:
    """Returns the report, which must hold no secret."""
    done = called("--json", *args, **env)
    assert done.returncode in (0, 1), done.stderr
    assert status is None or done.returncode == status, done.stdout
    for secret in (SECRET, KEY, OTHER):
        assert secret not in done.stdout + done.stderr
    return json.loads(done.stdout)


def codes(*args: object, **env: str) -> list[str]:
    return [cause["code"] for cause in doctor(*args, **env)["causes"]]


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


class Site(http.server.ThreadingHTTPServer):
    """A Flask app's pages, of which each host sees the same; over TLS if there is a certificate with its key."""

    def __init__(self, app: flask.Flask, certificate: Path | None = None) -> None:
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
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()
