"""A site as docs/moving.md has it: Flask behind nginx, and one of the Rust programs of that page."""

import contextlib
import http.cookiejar
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from gunicorn_server import workers
from pages import Page
from servers import SECRET_KEY, accepts, free_port, rust_program, started
from stores import program

PAGE = Page("moving.md")
# What the page leaves to the reader's own nginx, and the name of the side that has answered.
NGINX = """
pid nginx.pid;
events {}
http {
    access_log off;
    add_header Answered-By $upstream_addr always;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}
"""


def environment(**more):
    """Returns the environment of both sides, as the page wants it: the same."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}
    return env | {"FLASK_SECRET_KEY": SECRET_KEY} | more


@contextlib.contextmanager
def flask(folder, app, port, **env):
    """Runs the page's app under gunicorn."""
    (folder / "app.py").write_text(app)
    assert "gunicorn --bind 127.0.0.1:5000 app:app" in PAGE.text
    arguments = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "app:app"]

    # Two workers, as in production; the port is open before they have loaded the app, and waits for them.
    with started([*arguments, "--workers", "2"], lambda: Browser(port).get("/"), cwd=folder, env=environment(**env)):
        yield


@contextlib.contextmanager
def rust(folder, name, port=None, sessions=None, **env):
    """Runs a program of the page, or an example, and yields its port and its log."""
    port = port or free_port()
    log = folder / f"{name}-{port}.log"
    # A program listens where --port or ADDRESS says, and looks at only one of them.
    arguments = ["sh", "-c", 'exec "$@" > "$LOG" 2>&1', "sh", rust_program(name), "--port", str(port)]
    if sessions:
        arguments += ["--sessions", sessions]
    env = environment(ADDRESS=f"127.0.0.1:{port}", LOG=str(log), NO_COLOR="1", **env)
    with started(arguments, lambda: accepts(port), env=env):
        yield port, Log(log)


class Log:
    """What a Rust program says."""

    def __init__(self, path):
        self.path = path

    def reasons(self):
        """Returns the reasons of the sessions that were opened or refused."""
        lines = [line for line in self.path.read_text().splitlines() if " opened " in line or " refused: " in line]
        return [re.search(r'reason="(\w+)"', line)[1] for line in lines]


class Nginx:
    """nginx with the page's site, in a folder of its own."""

    def __init__(self, folder, site, ports):
        self.folder, self.ports = folder, ports
        (folder / "nginx.conf").write_text(NGINX)
        self.write(site)

    def write(self, site):
        for typed, port in self.ports.items():
            site = site.replace(f":{typed}", f":{port}")
        (self.folder / "site.conf").write_text(site)

    def command(self, *more):
        nginx = program("nginx", "the Debian package nginx")
        return [nginx, "-p", self.folder, "-e", "stderr", "-c", "nginx.conf", *more]

    @contextlib.contextmanager
    def running(self):
        with started(self.command("-g", "daemon off;"), lambda: accepts(self.ports["8080"])) as process:
            self.pid = process.pid
            yield

    def reload(self, site):
        """Does what the page says, and waits until the workers of before are gone."""
        assert "nginx -t && nginx -s reload" in PAGE.text
        self.write(site)
        before = workers(self.pid)
        subprocess.run(self.command("-t"), check=True, capture_output=True)
        subprocess.run(self.command("-s", "reload"), check=True, capture_output=True)
        end = time.monotonic() + 20
        while not workers(self.pid) or set(before) & set(workers(self.pid)):
            assert time.monotonic() < end, "nginx goes on as before"
            time.sleep(0.02)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Answer:
    """One answer: what a visitor sees of it."""

    def __init__(self, response):
        self.status, self.headers, self.text = response.status, response.headers, response.read().decode()
        self.location, self.side = self.headers.get("Location"), self.headers.get("Answered-By")

    def token(self):
        """Returns the token of the forms."""
        return re.search(r'name="csrf_token" value="([^"]+)"', self.text)[1]


class Browser:
    """A visitor with Python's own cookie jar, which knows paths and, like browsers, no ports."""

    def __init__(self, port, jar=None):
        self.jar = http.cookiejar.CookieJar() if jar is None else jar
        self.port = port
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar), NoRedirect
        )

    def at(self, port):
        """Returns the same browser at another port."""
        return Browser(port, self.jar)

    def get(self, path):
        return self.ask(path, None)

    def post(self, path, headers=None, **form):
        return self.ask(path, urllib.parse.urlencode(form).encode(), headers)

    def ask(self, path, body, headers=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers or {})
        try:
            return Answer(self.opener.open(request, timeout=20))
        except urllib.error.HTTPError as error:
            return Answer(error)

    def follow(self, path, most=5):
        """Goes where a path leads, and returns all answers."""
        answers = [self.get(path)]
        while answers[-1].location and len(answers) < most:
            answers.append(self.get(answers[-1].location))
        return answers

    def log_in(self, **more):
        token = self.get("/login").token()
        answer = self.post("/login", csrf_token=token, name="julian", password="example", **more)
        assert (answer.status, answer.location) == (302, "/cart")

    def cookies(self, name="session"):
        return [cookie for cookie in self.jar if cookie.name == name]

    def forget(self, name):
        for cookie in self.cookies(name):
            self.jar.clear(cookie.domain, cookie.path, cookie.name)

    def plant(self, value, name="session"):
        """Puts a cookie of the site into the jar."""
        self.forget(name)
        self.jar.set_cookie(
            http.cookiejar.Cookie(
                *(0, name, value, None, False, "127.0.0.1", False, False, "/", True),
                *(False, None, True, None, None, {}),
            )
        )
