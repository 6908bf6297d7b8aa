"""`hipflask gate` behind real nginx, Caddy, Traefik, Envoy and Apache, with the files of docs/gate and their Flask app as the log-in."""

import contextlib
import json
import re
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from http.client import HTTPConnection
from pathlib import Path

import doctor
import flask
import pytest
import redis
import stores
from cachelib import FileSystemCache
from flask.sessions import SecureCookieSessionInterface
from flask_session.filesystem import FileSystemSessionInterface
from flask_session.redis import RedisSessionInterface
from moving_site import NGINX
from pages import DOCS
from servers import SECRET_KEY, accepts, free_port, rust_program, serving, started
from stores import program

from hipflask import HipFlask

FILES = DOCS / "gate"
PAGE = DOCS / "gate.md"
PROXIES = ["nginx", "caddy", "traefik", "envoy", "apache"]
COMMANDS = {
    "nginx": ["-p", ".", "-e", "stderr", "-c", "whole.conf", "-g", "daemon off;"],
    "caddy": ["run", "--config", "Caddyfile", "--adapter", "caddyfile"],
    "traefik": ["--configfile=traefik.yml"],
    "envoy": ["-c", "envoy.yaml", "--base-id", "{port}", "--concurrency", "1"],
    "apache": ["-d", ".", "-f", "whole_apache.conf", "-D", "FOREGROUND"],
}
MODULES = ["mpm_event", "authn_core", "authz_core", "authz_user", "authnz_fcgi", "headers", "proxy", "proxy_http"]
# What Debian's own configuration has, but for a folder of its own.
APACHE = "\n".join(
    [
        "ServerName localhost",
        "User nobody",
        "Group nogroup",
        "DefaultRuntimeDir .",
        "PidFile apache.pid",
        "ErrorLog apache.log",
        *(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES),
        "Include apache.conf\n",
    ]
)
HTML = {"Accept": "text/html"}
FORGED = {"X-User-Id": "forged", "X-Role": "admin", "X-Forwarded-Uri": "/public", "X-Forwarded-Method": "POST"}


def echo(environ, start_response):
    """The site behind: shows what has reached it."""
    # What is left unread when a connection is closed takes the answer with it, now and then.
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    cookies = ["site=its-own"] + ["session=of-the-site"] * (environ["PATH_INFO"] == "/renewed")
    start_response("200 OK", [("Content-Type", "application/json"), *(("Set-Cookie", line) for line in cookies)])
    headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
    return [json.dumps({"path": environ["PATH_INFO"], "method": environ["REQUEST_METHOD"], **headers}).encode()]


class Gate:
    """A running gate: where it listens, where its metrics are."""

    def __init__(self, log):
        self.log = log

    def port(self, words):
        return int(re.search(rf"^{words} http://127\.0\.0\.1:(\d+)$", self.log.read_text(), re.MULTILINE)[1])

    @property
    def admin(self):
        return self.port("Health and metrics are on")

    def ask(self, path="/", method="GET", cookies=(), headers=()):
        return ask(self.port("Listening on"), path, method, cookies, headers)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.text = response.status, response.headers, response.read().decode()
        self.location = self.headers.get("Location")


def ask(port, path="/", method="GET", cookies=(), headers=(), body=None):
    """Asks with one `Cookie` line for each of the cookies."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.putrequest(method, path, skip_accept_encoding=True)
        lines = [("Cookie", cookie) for cookie in cookies] + list(dict(headers).items())
        if body is not None:
            lines += [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(body)))]
        for name, value in lines:
            connection.putheader(name, value)
        connection.endheaders(body)
        return Answer(connection.getresponse())


@contextlib.contextmanager
def gate(folder, *options, port=0, **env):
    log = folder / "gate.log"
    log.unlink(missing_ok=True)
    run = ["sh", "-c", 'exec "$@" 2> gate.log', "sh", rust_program("hipflask"), "gate", *options]
    if "--fastcgi-listen" not in options:
        run += ["--listen", f"127.0.0.1:{port}"]
    run += ["--admin-listen", "127.0.0.1:0"]
    running = Gate(log)
    env = {"PATH": "/usr/bin:/bin", "FLASK_SECRET_KEY": SECRET_KEY} | env
    with started(run, lambda: running.admin, cwd=folder, env=env) as running.process:
        yield running
    assert running.process.returncode == 0, log.read_text()


def signed(key=SECRET_KEY, **values):
    """Has Flask itself sign a session."""
    app = flask.Flask(__name__)
    app.secret_key = key
    return f"session={SecureCookieSessionInterface().get_signing_serializer(app).dumps(values)}"


# --- the gate alone -----------------------------------------------------------------------------------------

STAFF = signed(user_id="julian", role="staff")
OPTIONS = ["--require", "user_id", "--require", "role in admin,staff", "--header", "X-User-Id=user_id"]


def test_every_path_and_method_is_answered(tmp_path):
    with gate(tmp_path, *OPTIONS) as running:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"):
            for path in ("/", "/any/path?next=//evil.example&rd=x", "/healthz", "/metrics"):
                allowed = running.ask(path, method, [STAFF])
                assert (allowed.status, allowed.text) == (200, ""), (method, path)
                assert allowed.headers.get_all("X-User-Id") == ["julian"]
                assert "Set-Cookie" not in allowed.headers and "ETag" not in allowed.headers
                refused = running.ask(path, method)
                assert (refused.status, refused.text, refused.location) == (401, "", None), (method, path)
                assert "X-User-Id" not in refused.headers and "Set-Cookie" not in refused.headers


def test_what_is_no_session_of_this_key_is_refused(tmp_path):
    other = signed(key="another-key-of-interop-tests-0c1d2e3f", user_id="julian", role="staff")
    with gate(tmp_path, *OPTIONS) as running:
        for cookie in (other, STAFF[:-1], STAFF + "x", "session=", signed(role="staff"), signed(user_id="julian")):
            assert running.ask(cookies=[cookie]).status == 401, cookie
        # GHSA-5hvv-m4w4-gf6v: no user agent is let through.
        for agent in ("GoogleHC/1.0", "ELB-HealthChecker/2.0", "kube-probe/1.30", "Pingdom"):
            assert running.ask("/healthz", headers={"User-Agent": agent}).status == 401
        assert running.ask(cookies=[STAFF], headers={"If-None-Match": "*", "Expect": "100-continue"}).status == 200
        assert running.ask(cookies=[STAFF], headers={"Upgrade": "websocket", "Connection": "Upgrade"}).status == 200


def test_cookie_lines_are_read_joined_and_apart(tmp_path):
    with gate(tmp_path, *OPTIONS) as running:
        for lines in ([f"a=1,{STAFF}"], [f"a=1, {STAFF}"], ["a=1", STAFF], [f"a=1; {STAFF}"], [f"{STAFF},a=1"]):
            assert running.ask(cookies=lines).status == 200, lines
        # The site's own cookie might hold this text, which somebody else has chosen.
        assert running.ask(cookies=[f'note="a,{STAFF}"']).status == 401
        other = signed(user_id="clarissa", role="staff")
        assert running.ask(cookies=[f"a=1,{STAFF},{other}"]).status == 401


def test_admin_address_has_health_and_metrics(tmp_path):
    with gate(tmp_path, *OPTIONS) as running:
        running.ask()
        running.ask(cookies=[STAFF])
        assert ask(running.admin, "/healthz").status == 200
        assert ask(running.admin, "/").status == 404
        metrics = ask(running.admin, "/metrics").text
        assert 'hipflask_gate_answers_total{status="200"} 1' in metrics
        assert 'hipflask_gate_sessions_total{reason="no_cookie"} 1' in metrics
        assert "hipflask_gate_seconds_count 2" in metrics
    assert SECRET_KEY not in running.log.read_text()


def test_only_listed_proxies_are_believed(tmp_path):
    """GHSA-7x63-xv5r-3p2x: X-Forwarded-Uri of anybody; GHSA-pxq7: fragments."""
    config = tmp_path / "site.toml"
    config.write_text((FILES / "site.toml").read_text().replace('"KEY"', f'"{SECRET_KEY}"'))
    forged = {"X-Forwarded-Uri": "/public/x"}
    with gate(tmp_path, "--config", "site.toml") as running:
        assert running.ask("/admin", headers=forged).status == 401
        assert running.ask("/public/x").status == 200
        for path in ("/public/../admin", "/public%2f..%2fadmin", "/admin?/public", "/admin#/public", "/publican"):
            assert running.ask(path).status == 401, path
    with gate(tmp_path, "--config", "site.toml", "--trusted-proxy", "10.0.0.0/8") as running:
        assert running.ask("/public/x", headers=forged).status == 401
    with gate(tmp_path, "--config", "site.toml", "--trusted-proxy", "127.0.0.1") as running:
        assert running.ask("/", headers=forged).status == 200
        assert running.ask("/public/x").status == 401, "the proxy has said nothing"
        assert running.ask("/", headers={"X-Forwarded-Uri": "/public#/../admin"}).status == 200
        assert running.ask("/", headers={"X-Forwarded-Uri": "/admin#/public"}).status == 401


def test_navigations_go_to_the_log_in_and_back_to_this_site_only(tmp_path):
    with gate(tmp_path, *OPTIONS, "--login-url", "https://a.example/login") as running:
        found = running.ask("/a?b=c", headers=HTML)
        assert (found.status, found.location) == (302, "https://a.example/login?next=%2Fa%3Fb%3Dc")
        # GHSA-f24x: whoever is sent to log in gets no session from here.
        assert "Set-Cookie" not in found.headers
        assert running.ask("//evil.example/", headers=HTML).location == "https://a.example/login"
        assert running.ask("/a", "POST", headers=HTML).status == 401
        assert running.ask("/a", headers=HTML | {"Sec-Fetch-Mode": "cors"}).status == 401
        assert running.ask("/a", headers={"Accept": "application/json"}).status == 401
    run = [rust_program("hipflask"), "gate", "--login-url", "/login"]
    done = subprocess.run(run, capture_output=True, text=True, env={"FLASK_SECRET_KEY": SECRET_KEY}, timeout=20)
    assert done.returncode == 2 and "expected an absolute address" in done.stderr


def test_refreshed_cookie_is_sent_only_if_asked_for(tmp_path):
    permanent = signed(_permanent=True, user_id="julian", role="staff")
    with gate(tmp_path, *OPTIONS, "--set-cookie") as running:
        [line] = running.ask(cookies=[permanent]).headers.get_all("Set-Cookie")
        assert line.startswith("session=") and "Expires=" in line
        assert "Set-Cookie" not in running.ask(cookies=[STAFF]).headers
        assert "Set-Cookie" not in running.ask(cookies=["session=x"]).headers
    with gate(tmp_path, *OPTIONS) as running:
        assert "Set-Cookie" not in running.ask(cookies=[permanent]).headers


def test_stored_session_is_read_extended_and_ended(tmp_path):
    app = flask.Flask(__name__)
    app.secret_key = SECRET_KEY
    cache = FileSystemCache(str(tmp_path / "sessions"), threshold=500)
    app.session_interface = FileSystemSessionInterface(app, cache_dir=str(tmp_path / "sessions"))

    @app.get("/login")
    def login():
        flask.session.update(user_id="julian", role="staff")
        return "ok"

    cookie = app.test_client().get("/login").headers["Set-Cookie"].partition(";")[0]

    def records():
        """Returns the records without cachelib's own count of them."""
        files = [path.read_bytes() for path in (tmp_path / "sessions").iterdir() if path.is_file()]
        return [text for text in files if b"julian" in text]

    def expiry(record):
        return struct.unpack("I", record[:4])[0]

    with gate(tmp_path, *OPTIONS, "--store", f"file:{tmp_path}/sessions", FLASK_SESSION_TOUCH_AFTER="0") as running:
        [before] = records()
        time.sleep(1.1)
        allowed = running.ask(cookies=[cookie])
        assert (allowed.status, allowed.headers["X-User-Id"]) == (200, "julian")
        assert "Set-Cookie" not in allowed.headers
        [after] = records()
        assert expiry(after) > expiry(before)
        assert cache.delete("session:" + cookie.removeprefix("session="))
        assert running.ask(cookies=[cookie]).status == 401


def test_user_keys_of_the_configuration_name_the_user(tmp_path):
    with gate(tmp_path, FLASK_SESSION_USER_KEYS='["username"]') as running:
        assert running.ask(cookies=[signed(username="julian")]).status == 200
        assert running.ask(cookies=[signed(user_id="julian")]).status == 401


def in_redis(store, **values):
    """Has Flask-Session keep a session in Redis, and returns its cookie."""
    app = flask.Flask(__name__)
    app.session_interface = RedisSessionInterface(app, client=redis.Redis.from_url(store.url))

    @app.get("/login")
    def login():
        flask.session.update(values)
        return "ok"

    return app.test_client().get("/login").headers["Set-Cookie"].partition(";")[0]


def revoke(store, user):
    """Ends the sessions of a user, as an operator does."""
    run = [rust_program("hipflask"), "sessions", "revoke", "--user", user, "--yes", "--store", store.url]
    env = {"FLASK_SECRET_KEY": SECRET_KEY}
    done = subprocess.run(run, capture_output=True, text=True, env=env, timeout=20)
    assert done.returncode == 0, done.stderr


def test_revoked_stored_session_opens_nothing(tmp_path):
    with stores.redis() as store, gate(tmp_path, *OPTIONS, "--store", store.url) as running:
        ended, other = (in_redis(store, user_id=user, role="staff") for user in ("julian", "clarissa"))
        assert [running.ask(cookies=[cookie]).status for cookie in (ended, other)] == [200, 200]
        revoke(store, "julian")
        assert [running.ask(cookies=[cookie]).status for cookie in (ended, other)] == [401, 200]


def test_revoked_signed_cookie_opens_nothing(tmp_path):
    app = flask.Flask(__name__)
    with stores.redis() as store:
        app.config.update(SECRET_KEY=SECRET_KEY, SESSION_REVOCATIONS=store.url)
        extension = HipFlask(app)
        settings = {"FLASK_SESSION_REVOCATIONS": store.url, "FLASK_SESSION_REVOCATIONS_DELAY": "0"}
        with gate(tmp_path, *OPTIONS, "--set-cookie", **settings) as running:
            ended, other = (signed(_permanent=True, user_id=user, role="staff") for user in ("julian", "clarissa"))
            assert [running.ask(cookies=[cookie]).status for cookie in (ended, other)] == [200, 200]
            extension.revoke_user("julian")
            refused = running.ask(cookies=[ended])
            assert (refused.status, refused.headers["Set-Cookie"]) == (401, None)
            assert running.ask(cookies=[other]).status == 200


def test_outage_of_the_store_lets_nobody_in(tmp_path):
    with stores.redis() as store, gate(tmp_path, *OPTIONS, "--store", store.url) as running:
        cookie = in_redis(store, user_id="julian", role="staff")
        assert running.ask(cookies=[cookie]).status == 200
        store.stop()
        down = running.ask(cookies=[cookie])
        assert (down.status, down.text, down.headers["X-User-Id"]) == (503, "", None)
        assert running.ask().status == 401, "without a cookie nothing is looked up"


def test_answer_under_way_is_finished_at_sigterm(tmp_path):
    answers = []
    with stores.redis() as store, gate(tmp_path, *OPTIONS, "--store", store.url) as running:
        cookie = in_redis(store, user_id="julian", role="staff")
        assert running.ask(cookies=[cookie]).status == 200
        port = running.port("Listening on")
        with store.frozen():
            asking = threading.Thread(target=lambda: answers.append(ask(port, cookies=[cookie])))
            asking.start()
            time.sleep(0.3)
            running.process.terminate()
            deadline = time.monotonic() + 5
            with pytest.raises(ConnectionRefusedError):
                while time.monotonic() < deadline:
                    accepts(port)
                    time.sleep(0.02)
            assert running.process.poll() is None and not answers
        asking.join(20)
        assert [answer.status for answer in answers] == [200]
        assert running.process.wait(20) == 0


# --- behind proxies -----------------------------------------------------------------------------------------


def executable(proxy):
    if proxy == "nginx":
        return program("nginx", "the Debian package nginx")
    if proxy == "apache":
        return program("apache2", "the Debian package apache2-bin", "/usr/sbin/apache2")
    found = Path(sys.executable).with_name(proxy)
    assert found.is_file(), f"{proxy} is not installed: interop/requirements.txt"
    return str(found)


class Site:
    def __init__(self, port, running):
        self.port, self.gate, self.cookies = port, running, []

    def ask(self, path="/", method="GET", headers=(), **options):
        return ask(self.port, path, method, options.pop("cookies", self.cookies), headers, **options)

    def log_in(self, user="julian", address="/login"):
        answer = self.ask(address, "POST", body=f"user={user}".encode())
        self.cookies = [answer.headers["Set-Cookie"].partition(";")[0]]
        return answer


def options_of(proxy):
    """Returns what the page says to type for a proxy."""
    return re.search(rf"^hipflask gate --config site.toml(.*) +# {proxy}$", PAGE.read_text(), re.MULTILINE)[1].split()


@pytest.fixture(params=PROXIES)
def site(request, tmp_path):
    with behind(request.param, tmp_path, options_of(request.param)) as found:
        yield found


@contextlib.contextmanager
def behind(proxy, tmp_path, options, settings="", passes=()):
    """Runs a site as docs/gate has it, with free ports for those in the files, more settings, and more lines in files."""
    with serving(echo) as site_port:
        ports = {"8080": free_port(), "5000": free_port(), "5001": site_port, "4180": free_port()}

        def with_ports(text):
            for typed, port in ports.items():
                text = re.sub(rf"(:|port_value: ){typed}\b", rf"\g<1>{port}", text)
            return text

        for source in FILES.iterdir():
            text = source.read_text().replace('"KEY"', f'"{SECRET_KEY}"')
            if source.name in passes:
                anchor, lines = passes[source.name]
                assert text.count(anchor) == 1
                text = text.replace(anchor, f"{anchor}\n{lines}")
            (tmp_path / source.name).write_text(with_ports(text))
        config = tmp_path / "site.toml"
        config.write_text(settings + config.read_text())
        (tmp_path / "whole.conf").write_text(NGINX.replace("site.conf", "nginx.conf"))
        (tmp_path / "whole_apache.conf").write_text(APACHE)
        options = [with_ports(option) for option in options]
        app = [sys.executable, "-m", "flask", "--app", "app", "run", "--port", str(ports["5000"])]
        command = [part.replace("{port}", str(ports["8080"])) for part in COMMANDS[proxy]]
        with (
            started(app, lambda: accepts(ports["5000"]), cwd=tmp_path),
            gate(tmp_path, "--config", "site.toml", *options, port=ports["4180"]) as running,
            started([executable(proxy), *command], lambda: accepts(ports["8080"]), cwd=tmp_path) as process,
        ):
            found = Site(ports["8080"], running)
            found.proxy, found.process = proxy, process
            # Traefik and Envoy listen before they know their routes.
            deadline = time.monotonic() + 20
            while found.ask("/public").status != 200 and time.monotonic() < deadline:
                time.sleep(0.05)
            yield found


def seen(answer):
    """Returns what has reached the site."""
    assert answer.status == 200, answer.text
    return json.loads(answer.text)


def test_visitor_logs_in_comes_back_and_logs_out(site):
    stopped = site.ask("/cart?page=2&x=a%26b", headers=HTML)
    assert stopped.status == 302
    login = urllib.parse.urlsplit(stopped.location)
    assert login.netloc == f"127.0.0.1:{site.port}" and "Set-Cookie" not in stopped.headers
    back = site.log_in(address=f"{login.path}?{login.query}")
    assert back.location == "/cart?page=2&x=a%26b"
    page = site.ask(back.location, headers=HTML)
    assert page.headers.get_all("Set-Cookie") == ["site=its-own"]
    reached = seen(page)
    assert (reached["path"], reached["HTTP_X_USER_ID"], reached["HTTP_X_ROLE"]) == ("/cart", "julian", "staff")
    assert seen(site.ask("/cart", "POST", body=b"a=1"))["method"] == "POST"
    gone = site.ask("/logout", "POST", body=b"").headers["Set-Cookie"]
    assert gone.startswith("session=;")
    assert site.ask("/cart", cookies=[]).status == 401


def test_what_the_visitor_forges_does_not_arrive(site):
    assert site.ask("/admin", headers=FORGED).status == 401
    assert site.ask("/admin", headers={"User-Agent": "GoogleHC/1.0"}).status == 401
    reached = seen(site.ask("/public", headers=FORGED))
    assert not reached.get("HTTP_X_USER_ID") and not reached.get("HTTP_X_ROLE")
    site.log_in("clarissa")
    reached = seen(site.ask("/", headers=FORGED))
    assert (reached["HTTP_X_USER_ID"], reached["HTTP_X_ROLE"]) == ("clarissa", "reader")
    assert site.ask("/admin", headers=FORGED).status == 403
    assert site.ask("/admin", headers=FORGED | HTML).status == 403, "to log in again would not help"
    site.log_in("julian")
    assert seen(site.ask("/admin", headers=FORGED))["HTTP_X_ROLE"] == "staff"


def test_rules_look_at_the_page_alone(site):
    assert site.ask("/public/a").status == 200
    for path in ("/admin?/public", "/?next=/public", "/public/../admin", "/public/%2e%2e/admin", "/publican"):
        assert site.ask(path).status in (401, 307, 308), path
    for path in ("/public%2f..%2fadmin", "/admin#/public"):
        assert site.ask(path).status != 200, path


def test_second_cookie_line_is_found(site):
    site.log_in()
    assert site.ask("/", cookies=["theme=dark", *site.cookies]).status == 200


def test_cookie_lines_that_envoy_joins_are_told(tmp_path):
    with behind("envoy", tmp_path, options_of("envoy")) as site:
        joined = seen(site.ask("/public", cookies=["theme=dark", STAFF]))["HTTP_COOKIE"]
    app = flask.Flask(__name__)
    app.secret_key = SECRET_KEY
    with app.test_request_context(headers={"Cookie": STAFF}):
        assert flask.session["user_id"] == "julian"
    with app.test_request_context(headers={"Cookie": joined}):
        assert not flask.session, "it is a part of the theme"
    assert doctor.codes(f"Cookie: {joined}", "--secret-key", SECRET_KEY) == ["joined_cookie_lines"]


def test_site_is_closed_without_its_gate(site):
    site.log_in()
    assert site.ask("/").status == 200
    site.gate.process.terminate()
    site.gate.process.wait(20)
    assert site.ask("/").status in (403, 500, 502)


def row(words):
    """Returns what the page's table says of each proxy."""
    line = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {words}"))
    return dict(zip(PROXIES, (cell.strip() for cell in line.split("|")[2:-1]), strict=True))


@pytest.mark.parametrize("proxy", PROXIES)
def test_outage_of_the_store_closes_the_site(proxy, tmp_path):
    with stores.redis() as store:
        settings = f'SESSION_REVOCATIONS = "{store.url}"\nSESSION_REVOCATIONS_DELAY = 0\n'
        with behind(proxy, tmp_path, options_of(proxy), settings) as site:
            site.log_in()
            assert site.ask("/").status == 200
            revoke(store, "clarissa")
            assert site.ask("/").status == 200
            store.stop()
            assert site.ask("/").status == int(row("503: the store is down")[proxy])
            site.gate.process.terminate()
            site.gate.process.wait(20)
            assert site.ask("/").status == int(row("the gate is down")[proxy])


@pytest.mark.parametrize("proxy", PROXIES)
def test_outage_of_the_sessions_closes_the_site(proxy, tmp_path):
    with stores.redis() as store, behind(proxy, tmp_path, [*options_of(proxy), "--store", store.url]) as site:
        cookie = in_redis(store, user_id="julian", role="staff")
        assert seen(site.ask("/", cookies=[cookie]))["HTTP_X_USER_ID"] == "julian"
        assert site.ask("/", cookies=["session=of-nobody-at-all"]).status == 401
        store.stop()
        closed = site.ask("/", cookies=[cookie], headers=HTML)
        assert closed.status == int(row("503: the store is down")[proxy])
        assert not {"Set-Cookie", "Location", "X-User-Id"} & set(closed.headers)
        assert ("<h1>" in closed.text) == row("its page")[proxy].endswith("own"), closed.text
        assert closed.text == "" or "<h1>" in closed.text


def set_names(page):
    """Returns what a page sets: whose cookie."""
    owners = {"site=its-own": "site", "session=of-the-site": "site's session"}
    return [owners.get(line, "gate") for line in page.headers.get_all("Set-Cookie")]


PERMANENT = signed(_permanent=True, user_id="julian", role="staff")


@pytest.mark.parametrize("proxy", PROXIES)
def test_redirect_and_refreshed_cookie_on_their_way(proxy, tmp_path):
    options = [option for option in options_of(proxy) if option != "--no-redirect"]
    with behind(proxy, tmp_path, [*options, "--set-cookie"]) as site:
        status = 500 if row("302")[proxy].startswith("becomes 500") else 302
        assert site.ask("/", headers=HTML).status == status
        page = site.ask("/", cookies=[PERMANENT])
        expected = {"lost": ["site"], "arrives": ["gate", "site"]}[row("`Set-Cookie` of the gate")[proxy]]
        assert (page.status, set_names(page)) == (200, expected)


def passing():
    """Returns for each proxy what the page has it pass the cookie by: lines of its file, and what they stand behind."""
    section = PAGE.read_text().partition("### A cookie from the gate")[2].partition("\n## ")[0]
    blocks = re.findall(r"```\w+\n# (\S+), behind ([^\n]+)\n(.*?)\n```", section, re.DOTALL)
    return {file: (anchor, lines) for file, anchor, lines in blocks}


@pytest.mark.parametrize("proxy", PROXIES)
def test_refreshed_cookie_arrives_where_the_proxy_passes_it(proxy, tmp_path):
    with behind(proxy, tmp_path, [*options_of(proxy), "--set-cookie"], passes=passing()) as site:
        kept, session = ("site", "site's session")
        assert set_names(site.ask("/", cookies=[STAFF])) == [kept], "nothing is refreshed"
        assert sorted(set_names(site.ask("/", cookies=[PERMANENT]))) == ["gate", kept]
        arriving = set_names(site.ask("/renewed", cookies=[PERMANENT]))
        assert kept in arriving
        said = row("the site sets `session`, too")[proxy]
        last = [name for name in arriving if name != kept][-1]
        assert (session in arriving, last) == {
            "both arrive, the site's last": (True, session),
            "both arrive, the gate's last": (True, "gate"),
            "the site's is lost": (False, "gate"),
        }[said]
        assert site.ask("/", cookies=[]).status == 401
