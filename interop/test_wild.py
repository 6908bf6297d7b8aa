"""Applications of others change over to Hipflask with the lines of docs/in_the_wild.md while somebody is logged in, and back.

Stock and Hipflask serve at the same time, each with its own process, on one database and one store: as in a rolling deploy.
"""

import contextlib

import pytest
import stores
from moving_site import Browser
from servers import HERE
from wild_sites import OURS, PAGE, SHADOW, STOCK, Ckan, PgAdmin, Superset


@pytest.fixture
def redis():
    with stores.redis() as store:
        yield store.url


@pytest.fixture
def postgresql():
    with stores.postgresql() as store:
        yield store


@contextlib.contextmanager
def served(site, *kinds):
    """Serves a site in several ways at once and yields their ports."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(site.served(kind)) for kind in kinds]


def codes(report):
    assert (report["lost"], report["exceptions"], report["troubles"]) == (0, {}, {})
    assert report["requests"] == report["looked_at"] > 5
    return {code: found["count"] for code, found in report["differences"].items()}


def stays_logged_in(site, browser, ports):
    return {site.is_in(browser.at(port)) for port in ports} == {True}


def is_out(site, browser, ports):
    return {site.is_in(browser.at(port)) for port in ports} == {False}


def spend_some_time(site, port):
    """Logs in and out, and reads."""
    browser = Browser(port)
    for _ in range(2):
        assert not site.is_in(browser)
        site.log_in(browser)
        assert site.is_in(browser)
        site.log_out(browser)


def change_over_and_back(site, ports, change):
    """Logs in at the stock application, goes on with Hipflask and back, and logs out. `change` does something that the
    session keeps. Returns the cookie of the session that was ended."""
    stock, ours = ports
    browser = Browser(stock)
    site.log_in(browser)
    assert stays_logged_in(site, browser, ports)
    change(browser, ours, stock)
    change(browser, stock, ours)
    [cookie] = browser.cookies(site.cookie)
    site.log_out(browser.at(ours))
    assert is_out(site, browser, ports)
    # A log-in with Hipflask, by a form that the stock application has shown.
    assert site.log_in(browser.at(ours), site.token(browser)).status == 302
    assert stays_logged_in(site, browser, ports)
    site.log_out(browser)
    assert is_out(site, browser, ports)
    browser.plant(cookie.value, site.cookie)
    return browser


# --- Superset --------------------------------------------------------------------------------------------------


def choose_language(browser, at, other):
    """Chooses the language that is not chosen, of which the session takes note."""
    new = "de" if Superset.language(browser) == "en" else "en"
    browser.at(at).get(f"/lang/{new}")
    assert [Superset.language(browser.at(port)) for port in (at, other)] == [new, new]


def test_superset_in_signed_cookies(tmp_path):
    site = Superset(tmp_path)
    with served(site, STOCK, OURS) as ports:
        browser = change_over_and_back(site, ports, choose_language)
        # Without its token the form is refused.
        answer = Browser(ports[1]).post("/login/", username="ann", password="correct horse")
        assert answer.location.startswith("/login/")
        # A copy of a signed cookie is as good as before, with both.
        assert stays_logged_in(site, browser, ports)


def test_superset_in_redis(tmp_path, redis):
    site = Superset(tmp_path, redis)
    with served(site, STOCK, OURS, SHADOW) as (*ports, shadow):
        browser = change_over_and_back(site, ports, choose_language)
        assert is_out(site, browser, ports)
        spend_some_time(site, shadow)
    assert codes(site.report()).keys() == {"read_only", "log_in_id"}


# --- CKAN ------------------------------------------------------------------------------------------------------


def leave_a_message(browser, at, other):
    """Sends a form, whose message is shown once, by the next page."""
    site = Ckan
    assert site.edit(browser.at(at), "tea", _csrf_token="of nobody").status == 400
    assert site.edit(browser.at(at), "tea").status == 302
    assert site.messages(browser.at(other)) == ["Profile updated"]
    assert site.messages(browser.at(at)) == []


def test_ckan_in_signed_cookies(tmp_path, postgresql):
    site = Ckan(tmp_path, postgresql.url)
    with served(site, STOCK, OURS, SHADOW) as (*ports, shadow):
        browser = change_over_and_back(site, ports, leave_a_message)
        assert stays_logged_in(site, browser, ports)
        for port in ports:
            site.log_in(visitor := Browser(port))
            site.is_in(visitor)
            # Stays when the browser is closed.
            assert [cookie.expires is not None for cookie in visitor.cookies(site.cookie)] == [True]
        spend_some_time(site, shadow)
    # What the application's own interface does at opening.
    assert codes(site.report()).keys() == {"content"}
    assert site.report()["differences"]["content"]["examples"][0]["keys"] == ["_permanent: bool / absent"]


def test_ckan_in_redis(tmp_path, postgresql, redis):
    site = Ckan(tmp_path, postgresql.url, redis)
    with served(site, STOCK, OURS, SHADOW) as (*ports, shadow):
        browser = change_over_and_back(site, ports, leave_a_message)
        assert is_out(site, browser, ports)
        spend_some_time(site, shadow)
    report = site.report()
    # A view that takes note of the time of a visit sets it to what it was, or not.
    assert codes(report).keys() | {"unchanged"} == {"own_serializer", "unchanged", "log_in_id", "renewed_id", "deleted_cookie"}
    # Its serializer sorts the keys.
    for example in report["differences"]["own_serializer"]["examples"]:
        assert example["stock"] == example["hipflask"]


# --- pgAdmin ---------------------------------------------------------------------------------------------------


def query(site, browser, server, transaction):
    """Makes a query as the page's scripts do: the session holds what the next request needs."""
    panel = f"/sqleditor/initialize/sqleditor/{transaction}/1/{server}/5"
    assert site.ask(browser, panel, {"dbname": "postgres"})[0] == 200
    start = {"sql": "SELECT 6 * 7", "explain_plan": None}
    assert site.ask(browser, f"/sqleditor/query_tool/start/{transaction}", start)[0] == 200
    while (answer := site.ask(browser, f"/sqleditor/poll/{transaction}"))[1]["data"]["status"] == "Busy":
        pass
    return answer[1]["data"]["result"]


def test_pgadmin(tmp_path, postgresql):
    site = PgAdmin(tmp_path)
    with served(site, STOCK, OURS, SHADOW) as (stock, ours, shadow):
        before = Browser(stock)
        site.log_in(before)
        assert site.is_in(before)
        # Its own sessions are its own: everybody logs in once, as after each restart of it.
        assert not site.is_in(before.at(ours))

        browser = Browser(ours)
        token = site.token(browser)
        planted = browser.cookies(site.cookie)[0].value
        assert site.log_in(browser, "of nobody").location != "/browser/" and not site.is_in(browser)
        assert site.log_in(browser, token).location == "/browser/"
        assert site.is_in(browser)
        known = browser.cookies(site.cookie)[0].value
        assert known != planted

        settings = {"name": "tea", "host": "127.0.0.1", "port": postgresql.port, "username": "postgres", "db": "postgres"}
        settings |= {"gid": 1, "connect_now": False, "password": "x", "connection_params": []}
        server = site.ask(browser, "/browser/server/obj/1/", settings)[1]["node"]["_id"]
        assert site.ask(browser, f"/browser/server/connect/1/{server}", {"password": "x"})[1]["data"]["connected"]
        assert query(site, browser, server, 1) == query(site, browser, server, 2) == [[42]]

        site.log_out(browser)
        assert not site.is_in(browser)
        for cookie in (planted, known):
            browser.plant(cookie, site.cookie)
            assert not site.is_in(browser)
        # The same visitor goes back.
        site.log_in(browser.at(stock))
        assert site.is_in(browser.at(stock))
        spend_some_time(site, shadow)
    # Hipflask does not know these sessions, says so, and leaves them alone.
    assert "neither Flask's signed cookies nor those of Flask-Session" in str(site.report()["troubles"])


# --- the page --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pgadmin4", "apache_superset", "ckan", "otterwiki"])
def test_page_has_the_versions_that_are_installed(name):
    lists = "".join(path.read_text() for path in (HERE / "wild").glob("*.txt"))
    [line] = [line for line in lists.splitlines() if line.startswith(f"{name}==")]
    assert any(line.split("==")[1] in application for application in PAGE.rows())
