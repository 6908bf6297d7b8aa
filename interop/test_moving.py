"""docs/moving.md, typed and run: each step with real Flask, a real nginx and the page's own Rust program.

The Rust programs are built from `moving/`; the first test holds the page against them, word for word.
"""

import contextlib
import json
import time
import tomllib

import flask as real
import pytest
import stores
from flask.sessions import SecureCookieSessionInterface
from flask_login.utils import encode_cookie
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from moving_site import PAGE, Browser, Nginx, flask, rust
from servers import HERE, SECRET_KEY, free_port

PROGRAMS = HERE / "moving" / "src" / "bin"
APP = PAGE.block("python", "app.py").text
SITE = PAGE.block("nginx", "site.conf").text
THERE, BACK = PAGE.all_of("diff", "site.conf")
WRITING, STORED = PAGE.all_of("diff", "src/main.rs")
STORED_APP = PAGE.block("diff", "app.py").applied(APP)
TO_LOGIN = "/login?next=%2Fcart"
OTHER_KEY = "interop-tests-only-another-6e1f0a7742c9d3b8"
FALLBACKS = json.dumps([OTHER_KEY])


# --- the page and the programs ------------------------------------------------------------------------------


def test_page_shows_the_programs_that_are_built():
    main = PAGE.block("rust", "src/main.rs").text
    assert main == (PROGRAMS / "moving-read.rs").read_text()
    assert WRITING.applied(main) == (PROGRAMS / "moving-write.rs").read_text()
    assert STORED.applied(main) == (PROGRAMS / "moving-redis.rs").read_text()
    typed = tomllib.loads(PAGE.block("toml", "Cargo.toml").text)["dependencies"]
    assert typed.keys() == tomllib.loads((HERE / "moving" / "Cargo.toml").read_text())["dependencies"].keys()


def test_way_back_is_where_one_was():
    assert BACK.applied(THERE.applied(SITE)) == SITE


# --- the walk -----------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path):
    """The site as it was before: Flask behind nginx."""
    ports = {port: free_port() for port in ("5000", "5001", "8080")}
    nginx = Nginx(tmp_path, SITE, ports)
    with flask(tmp_path, APP, ports["5000"]), nginx.running():
        yield nginx


def add(browser, item, **form):
    """Sends the form of the home page."""
    form = form or {"csrf_token": browser.get("/").token()}
    return browser.post("/cart/add", item=item, **form)


def moved(site):
    """Sends the routes to Rust, as step 4 says."""
    site.reload(THERE.applied(SITE))


def test_step_1_reads_the_session_of_flask(site, tmp_path):
    browser = Browser(site.ports["8080"])
    browser.log_in()
    add(browser, "tea")
    with rust(tmp_path, "moving-read", site.ports["5001"]) as (port, log):
        assert browser.at(port).get("/cart").text == browser.get("/cart").text == "julian has: tea"
        assert log.reasons() == ["verified"]
        answer = Browser(port).get("/cart")
        assert (answer.status, answer.location) == (303, TO_LOGIN)
    answer = Browser(site.ports["8080"]).get("/cart")
    assert (answer.status, answer.location) == (302, TO_LOGIN)


def test_routes_move_and_come_back(site, tmp_path):
    with rust(tmp_path, "moving-write", site.ports["5001"]) as (port, log):
        browser = Browser(site.ports["8080"])
        browser.log_in()
        add(browser, "tea")
        open_form = browser.get("/").token()
        moved(site)
        assert browser.get("/cart").text == "julian has: tea"
        # A form that was open while the route moved.
        answer = add(browser, "cup", csrf_token=open_form)
        assert (answer.status, answer.location, answer.side) == (303, "/", f"127.0.0.1:{port}")
        home = browser.get("/")
        assert "<p>Added: cup</p>" in home.text and home.side == f"127.0.0.1:{site.ports['5000']}"
        assert browser.get("/cart").text == "julian has: tea, cup"
        assert browser.get("/cart?from=mail").side == f"127.0.0.1:{port}"
        assert browser.get("/cart/").side == f"127.0.0.1:{site.ports['5000']}"
        assert len(browser.cookies()) == 1
        assert set(log.reasons()) == {"verified"}

        # Log-out at Flask holds in Rust.
        browser.post("/logout", csrf_token=home.token())
        assert browser.get("/cart").location == TO_LOGIN

        browser.log_in()
        add(browser, "cup")
        site.reload(BACK.applied(THERE.applied(SITE)))
    assert browser.get("/cart").text == "julian has: tea, cup, cup"
    assert add(browser, "tea").status == 302
    assert browser.get("/cart").text == "julian has: tea, cup, cup, tea"


def serializer(salt="wtf-csrf-token", age=0, **options):
    """Returns itsdangerous' serializer, as it was `age` seconds ago."""

    class PastSigner(TimestampSigner):
        def get_timestamp(self):
            return int(time.time()) - age

    return URLSafeTimedSerializer(options.pop("key", SECRET_KEY), salt=salt, signer=PastSigner, **options)


@pytest.mark.parametrize("side", ["flask", "rust"])
def test_forms_are_refused_alike(site, tmp_path, side):
    with rust(tmp_path, "moving-write", site.ports["5001"]):
        browser, stranger = Browser(site.ports["8080"]), Browser(site.ports["8080"])
        browser.log_in()
        if side == "rust":
            moved(site)
        secret = serializer().loads(browser.get("/").token())
        assert "<p>Added" not in browser.get("/").text
        for token in [
            "",
            "nonsense",
            stranger.get("/login").token(),
            serializer().dumps("another secret"),
            serializer(age=3700).dumps(secret),
            serializer(age=-100).dumps(secret),
            serializer(salt="cookie-session").dumps(secret),
            serializer(key=OTHER_KEY).dumps(secret),
        ]:
            assert add(browser, "tea", csrf_token=token).status == 400, token
        assert browser.post("/cart/add", item="tea").status == 400
        assert add(browser, "nothing that is sold").status == 400
        assert add(browser, "tea", csrf_token=serializer(age=3500).dumps(secret)).status in (302, 303)
        assert browser.get("/cart").text == "julian has: tea"
        # A token without its session, and a session of nobody.
        browser.forget("session")
        assert add(browser, "tea", csrf_token=serializer().dumps(secret)).status == 400
        token = stranger.get("/login").token()
        assert add(stranger, "tea", csrf_token=token).location.startswith("/login?next=%2Fcart")


def test_form_of_an_old_key_is_accepted(site, tmp_path):
    with rust(tmp_path, "moving-write", FLASK_SECRET_KEY_FALLBACKS=FALLBACKS) as (port, _):
        browser = Browser(site.ports["5000"])
        browser.log_in()
        token = serializer(key=OTHER_KEY).dumps(session_of(browser)["csrf_token"])
        assert add(browser.at(port), "tea", csrf_token=token).status == 303


def test_step_3_remembers(site, tmp_path):
    with rust(tmp_path, "moving-write", site.ports["5001"]) as (port, log):
        browser = Browser(site.ports["8080"])
        browser.log_in(remember="on")
        moved(site)
        browser.forget("session")
        answers = browser.follow("/cart")
        assert [answer.location for answer in answers] == [TO_LOGIN, "/cart", None]
        assert answers[0].side == answers[2].side == f"127.0.0.1:{port}"
        assert answers[2].text.startswith("julian has")
        assert log.reasons()[-2:] == ["no_cookie", "verified"]
        browser.post("/logout", csrf_token=browser.get("/").token())
        assert browser.get("/cart").location == TO_LOGIN and not browser.cookies("remember_token")


def test_what_names_nobody_is_no_log_in(site, tmp_path):
    """`_fresh` alone, and the name of somebody who is no longer there: both are what Flask-Login itself writes."""
    with rust(tmp_path, "moving-read", site.ports["5001"]) as (port, log):
        visitor = Browser(site.ports["8080"])
        visitor.get("/login")
        assert visitor.get("/").location.startswith("/login")
        assert session_of(visitor)["_fresh"] is False and "_user_id" not in session_of(visitor)
        assert visitor.at(port).get("/cart").location == TO_LOGIN

        deleted = Browser(site.ports["8080"])
        deleted.plant(encode_cookie("clarissa", key=SECRET_KEY), "remember_token")
        deleted.get("/login")
        assert session_of(deleted)["_user_id"] == "clarissa"
        assert deleted.at(port).get("/cart").location == TO_LOGIN
        assert log.reasons() == ["verified"] * 2


def test_other_key_sends_visitors_in_a_circle(site, tmp_path):
    with rust(tmp_path, "moving-read", site.ports["5001"], FLASK_SECRET_KEY=OTHER_KEY) as (_, log):
        browser = Browser(site.ports["8080"])
        browser.log_in()
        moved(site)
        assert [answer.location for answer in browser.follow("/cart", most=4)] == [TO_LOGIN, "/cart"] * 2
        assert set(log.reasons()) == {"bad_signature"}


def test_walk_with_sessions_in_redis(tmp_path):
    ports = {port: free_port() for port in ("5000", "5001", "8080")}
    nginx = Nginx(tmp_path, SITE, ports)
    with contextlib.ExitStack() as stack:
        env = {"FLASK_SESSION_TYPE": "redis", "REDIS_URL": stack.enter_context(stores.redis()).url}
        stack.enter_context(flask(tmp_path, STORED_APP, ports["5000"], **env))
        stack.enter_context(nginx.running())
        _, log = stack.enter_context(rust(tmp_path, "moving-redis", ports["5001"], **env))
        browser = Browser(ports["8080"])
        browser.log_in()
        add(browser, "tea")
        moved(nginx)
        assert browser.get("/cart").text == "julian has: tea"
        add(browser, "cup", csrf_token=browser.get("/").token())
        browser.post("/logout", csrf_token=browser.get("/").token())
        assert browser.get("/cart").location == TO_LOGIN
        browser.log_in()
        nginx.reload(SITE)
        assert browser.get("/cart").side == f"127.0.0.1:{ports['5000']}"
        assert browser.get("/cart").text.startswith("julian has: tea")
        assert set(log.reasons()) == {"found"}


# --- the checklist ------------------------------------------------------------------------------------------


def flask_serializer(key=SECRET_KEY, age=0, **options):
    """Returns the serializer of Flask's own sessions, or of somebody who has changed it."""
    app = real.Flask("forger")
    app.secret_key = key
    theirs = SecureCookieSessionInterface()
    options = {"salt": theirs.salt, "serializer": theirs.serializer} | options
    return serializer(age=age, key=key, signer_kwargs={"key_derivation": theirs.key_derivation}, **options)


def session_of(browser):
    [cookie] = browser.cookies()
    return flask_serializer().loads(cookie.value)


class Reprs:
    """A serializer of one's own."""

    dumps, loads = staticmethod(repr), staticmethod(eval)


SESSION = {"_user_id": "julian", "_fresh": True}
OWN = "a `session_interface` of your own, with another salt or digest"
# The row, the reason, the settings of Rust, and who has signed the cookie.
SIGNED_ROWS = [
    ("`SECRET_KEY`", "bad_signature", {"FLASK_SECRET_KEY": OTHER_KEY}, flask_serializer()),
    ("`SECRET_KEY_FALLBACKS`", "bad_signature", {}, flask_serializer(OTHER_KEY)),
    ("`SESSION_COOKIE_NAME`", "no_cookie", {"FLASK_SESSION_COOKIE_NAME": "shop"}, flask_serializer()),
    ("`PERMANENT_SESSION_LIFETIME`", "expired", {"FLASK_PERMANENT_SESSION_LIFETIME": "60"}, flask_serializer(age=100)),
    ("the clocks of the machines", "not_yet_valid", {}, flask_serializer(age=-100)),
    (OWN, "bad_signature", {}, flask_serializer(salt="mine")),
    ("a serializer of your own", "bad_payload", {}, flask_serializer(serializer=Reprs)),
]


def check_row(row, reason):
    assert f"`{reason}`" in PAGE.rows()[row].rsplit("|", 1)[1], f"{row} does not say {reason}"


@pytest.mark.parametrize("row, reason, env, forger", SIGNED_ROWS, ids=[row for row, *_ in SIGNED_ROWS])
def test_unequal_setting_gives_its_reason(tmp_path, row, reason, env, forger):
    check_row(row, reason)
    with rust(tmp_path, "moving-read", **env) as (port, log):
        browser = Browser(port)
        browser.plant(forger.dumps(SESSION))
        assert browser.get("/cart").location == TO_LOGIN
        assert log.reasons() == [reason]


def test_equal_settings_know_the_user(tmp_path):
    """So that the test above can fail: the same with nothing changed, and with the fallback that was missing."""
    for forger, env, reason in [
        (flask_serializer(), {}, "verified"),
        (flask_serializer(OTHER_KEY), {"FLASK_SECRET_KEY_FALLBACKS": FALLBACKS}, "verified_by_fallback_key"),
    ]:
        with rust(tmp_path, "moving-read", **env) as (port, log):
            browser = Browser(port)
            browser.plant(forger.dumps(SESSION))
            assert browser.get("/cart").text.startswith("julian has")
            assert log.reasons() == [reason]


def test_write_under_another_key_logs_out_everywhere(site, tmp_path):
    browser = Browser(site.ports["5000"])
    browser.log_in()
    with rust(tmp_path, "counter", FLASK_SECRET_KEY=OTHER_KEY) as (port, _):
        browser.at(port).get("/get_count")
        assert browser.get("/cart").status == 200, "a read leaves the cookie alone"
        browser.at(port).get("/start_counter")
    assert browser.get("/cart").location == TO_LOGIN


def test_other_path_makes_two_cookies(site, tmp_path):
    check_row("`SESSION_COOKIE_DOMAIN`, `SESSION_COOKIE_PATH`", "verified")
    browser = Browser(site.ports["5000"])
    browser.log_in()
    with rust(tmp_path, "counter", FLASK_SESSION_COOKIE_PATH="/start_counter") as (port, _):
        browser.at(port).get("/start_counter")
        assert browser.at(port).get("/get_count").text == "No counter set!"
    assert sorted(cookie.path for cookie in browser.cookies()) == ["/", "/start_counter"]


def test_last_writer_decides_on_attributes(site, tmp_path):
    check_row(next(row for row in PAGE.rows() if "`SESSION_COOKIE_SAMESITE`" in row), "verified")
    browser = Browser(site.ports["5000"])
    with rust(tmp_path, "counter", FLASK_SESSION_COOKIE_SAMESITE="Strict") as (port, _):
        for _ in range(2):
            assert "SameSite" not in Browser(site.ports["5000"], browser.jar).get("/login").headers["Set-Cookie"]
            assert "SameSite=Strict" in browser.at(port).get("/start_counter").headers["Set-Cookie"]
            browser.forget("session")


FLASK_HAS = "`SESSION_TYPE`: Flask has a store, Rust has none"
RUST_HAS = "`SESSION_TYPE`: Rust has a store, Flask has none"
# The row, the reason, the program, what its environment has of its own, and what Flask's has.
STORED_ROWS = [
    (FLASK_HAS, "malformed", "moving-read", {"FLASK_SESSION_TYPE": "null"}, {}),
    ("the server and its database (`SESSION_REDIS`)", "unknown_id", "moving-redis", {"REDIS_URL": "/1"}, {}),
    ("`SESSION_KEY_PREFIX`", "unknown_id", "moving-redis", {"FLASK_SESSION_KEY_PREFIX": "shop:"}, {}),
    ("`SESSION_USE_SIGNER`: on in Flask only", "signed_id", "moving-redis", {}, {"FLASK_SESSION_USE_SIGNER": "true"}),
    ("`SESSION_USE_SIGNER`: on in Rust only", "unsigned_id", "moving-redis", {"FLASK_SESSION_USE_SIGNER": "true"}, {}),
]


@pytest.mark.parametrize("row, reason, name, theirs, flasks", STORED_ROWS, ids=[row for row, *_ in STORED_ROWS])
def test_unequal_setting_of_a_store_gives_its_reason(tmp_path, row, reason, name, theirs, flasks):
    check_row(row, reason)
    with stores.redis() as store:
        env = {"FLASK_SESSION_TYPE": "redis", "REDIS_URL": store.url}
        port = free_port()
        with flask(tmp_path, STORED_APP, port, **env | flasks):
            browser = Browser(port)
            browser.log_in()
            theirs = env | theirs
            if theirs["REDIS_URL"].startswith("/"):
                theirs["REDIS_URL"] = store.url.replace("/0", theirs["REDIS_URL"])
            with rust(tmp_path, name, **theirs) as (port, log):
                assert browser.at(port).get("/cart").location == TO_LOGIN
                assert log.reasons() == [reason]


def test_cookie_is_no_id(tmp_path):
    check_row(RUST_HAS, "malformed_id")
    with stores.redis() as store, rust(tmp_path, "moving-redis", REDIS_URL=store.url) as (port, log):
        browser = Browser(port)
        browser.plant(flask_serializer().dumps(SESSION))
        assert browser.get("/cart").location == TO_LOGIN
        assert log.reasons() == ["malformed_id"]


REFUSED = [({"FLASK_SESSION_TYPE": "redis"}, "SESSION_TYPE"), ({"FLASK_SECRET_KEY": "dev"}, "publicly known")]


@pytest.mark.parametrize("env, named", REFUSED, ids=[named for _, named in REFUSED])
def test_rust_refuses_what_cannot_work(tmp_path, env, named):
    """A store that the program has not, and a key that everybody guesses."""
    refused = pytest.raises(AssertionError, match="did not start")
    with refused, rust(tmp_path, "moving-read", **env):
        pass
    [log] = tmp_path.glob("*.log")
    assert named in log.read_text()


@pytest.mark.parametrize("formats", [("msgpack", "json"), ("json", "msgpack")], ids="-".join)
def test_both_sides_read_both_formats(tmp_path, formats):
    check_row("`SESSION_SERIALIZATION_FORMAT`", "found")
    flasks, theirs = ({"FLASK_SESSION_SERIALIZATION_FORMAT": each} for each in formats)
    with stores.redis() as store:
        env = {"FLASK_SESSION_TYPE": "redis", "REDIS_URL": store.url}
        port = free_port()
        with flask(tmp_path, STORED_APP, port, **env | flasks):
            browser = Browser(port)
            browser.log_in()
            with rust(tmp_path, "moving-redis", **env | theirs) as (reader, log):
                assert browser.at(reader).get("/cart").text == browser.get("/cart").text
                assert log.reasons() == ["found"]
            with rust(tmp_path, "counter", sessions=store.url, **env | theirs) as (writer, _):
                browser.at(writer).get("/start_counter")
                assert browser.get("/cart").status == 200
                assert browser.at(writer).get("/get_count").text == "0"
