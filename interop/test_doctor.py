"""Each cause that `hipflask doctor` knows, from a cookie, header or recording that the real program made.

`test_doctor_programs.py` has the cookies of other programs, `test_doctor_stores.py` what lies in stores.
"""

import contextlib
import hashlib
import http.cookiejar
import http.cookies
import json
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest
from doctor import KEY, KEYS, OTHER, SECRET, Site, app_with, called, codes, doctor, flask_cookie, toml
from flask.sessions import SecureCookieSessionInterface
from servers import HERE, free_port
from stores import program

# Cookies


def test_cookie_that_opens_is_no_cause() -> None:
    report = doctor(flask_cookie(), *KEYS, status=0)
    assert report["causes"] == []
    assert any("holds the keys secret, user_id" in note for note in report["notes"])


def test_values_are_shown_when_asked() -> None:
    assert SECRET in called(flask_cookie(), *KEYS, "--show-values").stdout


def test_wrong_key() -> None:
    assert codes(flask_cookie(OTHER), *KEYS) == ["wrong_key"]


def test_nodes_with_different_keys(tmp_path: Path) -> None:
    nodes = ["--config", toml(tmp_path, "a.toml"), "--config", toml(tmp_path, "b.toml", OTHER)]
    assert codes(flask_cookie(), *nodes) == ["nodes_differ"]


def test_random_key_of_each_process(tmp_path: Path) -> None:
    config = tmp_path / "config.py"
    config.write_text("import os\nSECRET_KEY = os.urandom(24)\n")
    program = (
        "import flask, flask.sessions\n"
        "app = flask.Flask('app')\n"
        f"app.config.from_pyfile({str(config)!r})\n"
        "signer = flask.sessions.SecureCookieSessionInterface().get_signing_serializer(app)\n"
        "print(signer.dumps({'user_id': 7}))\n"
    )
    run = [sys.executable, "-c", program]
    starts = [subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)]
    assert starts[0] != starts[1]
    for cookie in starts:
        assert codes(cookie, "--config", config) == ["random_key"]


def test_retired_key() -> None:
    assert codes(flask_cookie(OTHER), *KEYS, "--secret-key", OTHER) == ["retired_key"]


def test_expired(tmp_path: Path) -> None:
    config = toml(tmp_path, "a.toml", more="PERMANENT_SESSION_LIFETIME = 900\n")
    later = ["--now", int(time.time()) + 1000]
    assert codes(flask_cookie(), "--config", config, *later) == ["expired"]


def test_clock_skew() -> None:
    """Flask in a process whose clock is ten minutes ahead."""
    flask_ahead = [program("faketime", "the Debian package faketime"), "+10 minutes", sys.executable]
    run = [*flask_ahead, "-c", "import doctor; print(doctor.flask_cookie())"]
    done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=HERE)
    (cause,) = doctor(done.stdout.strip(), *KEYS)["causes"]
    assert cause["code"] == "clock_skew" and " minutes ahead of this machine" in cause["text"]


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


def test_cut_cookies() -> None:
    cookie = flask_cookie()
    assert codes(cookie[: len(cookie) // 2], *KEYS) == ["cookie_cut"]
    assert codes(cookie[:-4], *KEYS) == ["cookie_cut"]


def test_quoted_cookie_of_a_cookie_file(tmp_path: Path) -> None:
    """Python's and Perl's LWP write each value into a file of cookies in quotes."""
    jar = http.cookiejar.LWPCookieJar(tmp_path / "cookies")
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with served(shop()) as url:
        opener.open(f"{url}login").close()
    jar.save(ignore_discard=True)
    line = (tmp_path / "cookies").read_text().splitlines()[1]
    value = line.removeprefix("Set-Cookie3: session=").partition(";")[0]
    assert value.startswith('"')
    assert codes(value, *KEYS) == ["cookie_quoted"]


def test_padded_cookie_of_a_gateway() -> None:
    """Node encodes with padding, and Python's `http.cookies` puts what has an equals sign in quotes."""
    recode = "const [payload, ...rest] = process.argv[1].split('.');\n"
    recode += "const bytes = Buffer.from(payload, 'base64url');\n"
    recode += "console.log([bytes.toString('base64'), ...rest].join('.'));"
    run = [program("node", "the Debian package nodejs"), "-e", recode, flask_cookie(content={"a": 1})]
    padded = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    assert codes(padded, *KEYS) == ["cookie_padded"]
    cookies = http.cookies.SimpleCookie({"session": padded})
    assert codes(cookies.output(), *KEYS) == ["cookie_quoted", "cookie_padded"]


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

    @app.get("/logout")
    def logout() -> str:
        flask.session.clear()
        return "out"

    @app.get("/deploy")
    def deploy() -> str:
        """Goes on as another version of the app, with other settings."""
        app.config.update(SESSION_COOKIE_PARTITIONED=True)
        return "new"

    @app.get("/fill")
    def fill() -> str:
        flask.session["cart"] = [uuid.uuid4().hex for _ in range(250)]
        return "full"

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


def sent(har: Path, name: str) -> list[bool]:
    """Says of each page whether the browser has sent a cookie of the name."""
    requests = [entry["request"] for entry in json.loads(har.read_text())["log"]["entries"]]
    lines = [[it["value"] for it in request["headers"] if it["name"].lower() == "cookie"] for request in requests]
    pages = [it for it, request in zip(lines, requests, strict=True) if "favicon" not in request["url"]]
    return [f"{name}=" in " ".join(it) for it in pages]


def test_attributes_that_browsers_refuse(recorded: Any) -> None:
    for name, config in (
        ("__Host-session", {}),
        ("__Secure-session", {}),
        ("session", {"SESSION_COOKIE_DOMAIN": "other.test"}),
    ):
        har = recorded(log_in_and_look, SESSION_COOKIE_NAME=name, **config)
        assert sent(har, name) == [False, False]
        assert codes("--har", har, *KEYS, "--cookie-name", name) == ["cookie_attributes"], name


def test_cookie_that_the_browser_finds_too_large(recorded: Any) -> None:
    def visit(page: Any, shop: str, other: str) -> None:
        page.goto(f"{shop}/fill")
        page.goto(f"{shop}/")

    har = recorded(visit)
    assert sent(har, "session") == [False, False]
    assert codes("--har", har, *KEYS) == ["cookie_too_large"]


def test_cookie_that_the_user_has_cleared(recorded: Any) -> None:
    def visit(page: Any, shop: str, other: str) -> None:
        log_in_and_look(page, shop, other)
        page.context.clear_cookies()
        page.goto(f"{shop}/")

    har = recorded(visit)
    assert sent(har, "session") == [False, True, False]
    (cause,) = doctor("--har", har, *KEYS)["causes"]
    assert cause["code"] == "not_sent" and "GET /" in cause["text"]


def test_cookie_that_the_app_deletes(recorded: Any) -> None:
    def visit(page: Any, shop: str, other: str) -> None:
        page.goto(f"{shop}/login")
        page.goto(f"{shop}/logout")
        page.goto(f"{shop}/")

    har = recorded(visit)
    assert sent(har, "session") == [False, True, False]
    assert codes("--har", har, *KEYS) == ["deleted_by_server"]


def test_app_that_begins_to_partition_its_cookie(recorded: Any) -> None:
    def visit(page: Any, shop: str, other: str) -> None:
        own = shop.replace("shop.test", "localhost")  # where browsers take Secure over http
        for path in ("/login", "/deploy", "/login", "/"):
            page.goto(own + path)

    har = recorded(visit, SESSION_COOKIE_SECURE=True)
    assert sent(har, "session") == [False, True, True, True]
    assert codes("--har", har, *KEYS) == ["partitioned", "shadow_copies"]


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
    done = called("--url", f"http://127.0.0.1:{free_port()}/")
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot fetch http://127.0.0.1")


def certificate(folder: Path, kind: str) -> Path:
    """Makes a certificate that signs itself, and its key."""
    path = folder / "certificate.pem"
    run = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    run += ["-subj", "/CN=shop", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", f"basicConstraints=critical,{kind}"]
    subprocess.run([*run, "-out", path, "-keyout", path], check=True, capture_output=True)
    return path


def test_live_address_over_https(tmp_path: Path) -> None:
    own = certificate(tmp_path, "CA:FALSE")
    site = Site(shop(SESSION_COOKIE_SECURE=True), own)
    url = f"https://127.0.0.1:{site.server_address[1]}"
    refused = called("--url", f"{url}/login", *KEYS)
    assert refused.returncode == 2
    assert "UnknownIssuer; give the certificate of its authority with --ca-file" in refused.stderr
    trusting = ("--ca-file", own)
    assert codes("--url", f"{url}/login", *KEYS, *trusting) == []
    assert codes("--url", f"{url}/login", "--secret-key", OTHER, *trusting) == ["wrong_key"]
    assert codes(flask_cookie(), "--url", f"{url}/logout", *KEYS, *trusting) == ["deleted_by_server"]
    site.shutdown()


def test_certificates_that_are_of_no_use(tmp_path: Path) -> None:
    authority = certificate(tmp_path, "CA:TRUE")
    site = Site(shop(), authority)
    url = f"https://127.0.0.1:{site.server_address[1]}/"
    assert "it is an authority's own (CA:TRUE)" in called("--url", url, "--ca-file", authority).stderr
    authority.write_text("no certificate\n")
    assert "expected a certificate as PEM" in called("--url", url, "--ca-file", authority).stderr
    assert "No such file" in called("--url", url, "--ca-file", tmp_path / "nowhere").stderr
    site.shutdown()


def test_faults_of_the_configuration_are_causes(tmp_path: Path) -> None:
    config = toml(tmp_path, "a.toml", more="SESSION_COOKIE_SECUR = true\n")
    assert codes(flask_cookie(), "--config", config) == ["configuration"]
