"""A visitor with a real browser goes through the demo.

`DEMO_KIND=flask` sends the same visitor through the Flask twin, to check this file. `CHROMIUM` is the browser's path,
`SHOTS` the folder for screenshots. Fields, buttons and texts are those of TWINS.md.
"""

import base64
import contextlib
import http.server
import os
import pathlib
import re
import threading
import zlib

import pytest
from playwright.sync_api import expect
from servers import running

KIND = os.environ.get("DEMO_KIND", "rust")
SCREENS = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 800}}
PASSWORD = "correct horse"
# The demo keeps sessions in its database, unless it is started like this.
ENCRYPTED = {"sessions": "cookie:"}
PLAIN = {"sessions": "cookie:", "settings": {"FLASK_SESSION_ENCRYPTION": "false"}}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
only_rust = pytest.mark.skipif(KIND == "flask", reason="the twin does not have it")


def started_as(**how):
    """Has the demo of a test started in another way."""
    return pytest.mark.parametrize("address", [how], indirect=True)


@pytest.fixture(scope="session")
def browser(chromium):
    starter, how = chromium
    browser = starter.launch(**how)
    yield browser
    browser.close()


@pytest.fixture
def own_browser(chromium, address):
    """Starts a browser of its own, with all that a profile's folder keeps when it is quit."""
    starter, how = chromium

    @contextlib.contextmanager
    def start(profile):
        context = starter.launch_persistent_context(profile, base_url=address, **how)
        yield context.pages[0]
        context.close()

    return start


@pytest.fixture(scope="session")
def shots(tmp_path_factory):
    folder = pathlib.Path(os.environ.get("SHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def address(request, tmp_path):
    with running(KIND, "demo", tmp_path / "data", **getattr(request, "param", {})) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(browser, address):
    """A visitor at a fresh demo, who sees no script fail and no file missing."""
    with browser.new_context(base_url=address, viewport=SCREENS["desk"]) as context:
        page = context.new_page()
        page.set_default_timeout(10_000)
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("response", lambda response: problems.append(response.url) if is_missing(response) else None)
        yield page
        assert problems == []


def is_missing(response):
    return response.request.resource_type != "document" and response.status >= 400 and "favicon" not in response.url


def flashes(page):
    return page.get_by_role("status", name="Messages")


def heading(page, text):
    return page.get_by_role("heading", level=1, name=text, exact=True)


def button(page, name):
    return page.get_by_role("main").get_by_role("button", name=name, exact=True)


def sign_up(page, username="ada", password=PASSWORD):
    page.goto("/signup")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Email").fill(f"{username}@example.com")
    page.get_by_label("Password").fill(password)
    button(page, "Sign up").click()


def log_in(page, username="ada", password=PASSWORD, path="/login", remember=False):
    page.goto(path)
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    if remember:
        page.get_by_label("Remember me").check()
    button(page, "Log in").click()


def enter(page):
    """Signs up and logs in."""
    sign_up(page)
    log_in(page)
    expect(heading(page, "Welcome, ada")).to_be_visible()


def log_out(page):
    page.get_by_role("navigation").get_by_role("button", name="Log out").click()


def cookie_names(page):
    return {cookie["name"] for cookie in page.context.cookies()}


def session_cookie(page):
    [cookie] = [cookie for cookie in page.context.cookies() if cookie["name"] == "session"]
    return cookie


def is_logged_in(page):
    page.goto("/welcome")
    expect(heading(page, "Welcome, ada")).to_be_visible()


def is_logged_out(page):
    page.goto("/welcome")
    expect(page).to_have_url(re.compile("/login"))
    expect(flashes(page)).to_have_text("Please log in first")


def test_visitor_signs_up_logs_in_and_logs_out(page):
    page.goto("/welcome")
    expect(flashes(page)).to_have_text("Please log in first")
    sign_up(page)
    expect(page).to_have_url(re.compile("/login$"))
    expect(flashes(page)).to_have_text("Account created, now log in")
    log_in(page, password="wrong horse")
    expect(page).to_have_url(re.compile("/login$"))
    expect(flashes(page)).to_have_text("Wrong username or password")
    log_in(page)
    expect(heading(page, "Welcome, ada")).to_be_visible()
    expect(flashes(page)).to_have_text("You are logged in")
    page.reload()
    expect(heading(page, "Welcome, ada")).to_be_visible()
    expect(flashes(page)).to_have_count(0)
    assert session_cookie(page)["httpOnly"] and session_cookie(page)["expires"] == -1
    log_out(page)
    expect(flashes(page)).to_have_text("You have been logged out")
    page.goto("/welcome")
    expect(flashes(page)).to_have_text("Please log in first")


def test_sign_up_says_what_to_mend(page):
    page.goto("/signup")
    # The browser's own checks are off, so that the server's are seen.
    page.locator("main form").evaluate("form => form.noValidate = true")
    page.get_by_label("Username").fill("a b")
    page.get_by_label("Password").fill("short")
    button(page, "Sign up").click()
    for field in ("Username", "Email", "Password"):
        expect(page.get_by_label(field)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Username")).to_have_value("a b")
    expect(page.get_by_label("Username")).to_have_accessible_description(re.compile("Use 3 to 30"))
    expect(page.get_by_label("Password")).to_have_value("")
    sign_up(page)
    sign_up(page)
    expect(flashes(page)).to_have_text("Username already taken")


def test_owner_edits_and_deletes_the_profile(page):
    sign_up(page, "bob")
    enter(page)
    page.get_by_role("main").get_by_role("link", name="Edit your profile").click()
    page.get_by_label("Bio").fill("Likes <b>turtles</b> 🐢")
    button(page, "Save").click()
    expect(flashes(page)).to_have_text("Profile updated")
    expect(page.get_by_role("main")).to_contain_text("Likes <b>turtles</b> 🐢")
    page.goto("/users/1/edit")
    expect(page.locator("body")).to_contain_text("Not Authorized")
    page.goto("/users/1")
    expect(heading(page, "bob")).to_be_visible()
    expect(button(page, "Delete account")).to_have_count(0)
    page.goto("/users/2")
    button(page, "Delete account").click()
    expect(flashes(page)).to_have_text("Account deleted")
    log_in(page)
    expect(flashes(page)).to_have_text("Wrong username or password")


def test_edited_cookie_logs_the_visitor_out(page):
    enter(page)
    cookie = session_cookie(page)
    value = cookie["value"]
    cookie["value"] = value[0] + ("A" if value[1] != "A" else "B") + value[2:]
    page.context.add_cookies([cookie])
    page.goto("/welcome")
    expect(flashes(page)).to_have_text("Please log in first")


@only_rust
def test_log_in_goes_back_to_where_the_visitor_was_stopped(page, address):
    sign_up(page)
    page.goto("/users/1/edit")
    way_back = page.url
    assert way_back == f"{address}/login?next=%2Fusers%2F1%2Fedit"
    log_in(page, password="wrong horse", path=way_back)
    expect(flashes(page)).to_have_text("Wrong username or password")
    log_in(page, path=page.url)
    expect(page).to_have_url(f"{address}/users/1/edit")
    log_out(page)
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example/"):
        log_in(page, path=f"/login?next={elsewhere}")
        expect(page).to_have_url(f"{address}/welcome")
        log_out(page)


class Attack(http.server.BaseHTTPRequestHandler):
    """A page with a form for another site, whose address is the path."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        form = f'<main><form method="post" action="http:/{self.path}"><button>Win</button></form></main>'
        self.wfile.write(form.encode())

    def log_message(self, *_):
        pass


@only_rust
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_form_of_another_site_is_refused(page, address, host):
    """Of the same site, but for the port, it comes with the cookie; of another one without."""
    enter(page)
    cookies = page.context.cookies()
    with serving_pages(Attack) as port:
        page.goto(f"http://{host}:{port}{address.removeprefix('http:/')}/sessions/end_all")
        button(page, "Win").click()
        expect(heading(page, "Form refused")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("The request comes from another site.")
    expect(page.get_by_role("main").locator("code")).to_have_text("csrf_cross_site")
    logs_out = page.get_by_role("navigation").get_by_role("button", name="Log out")
    expect(logs_out).to_have_count(1 if host == "127.0.0.1" else 0)
    assert page.context.cookies() == cookies
    is_logged_in(page)


@only_rust
def test_browser_that_is_started_again_remembers_the_user(own_browser, tmp_path):
    profile = tmp_path / "profile"
    with own_browser(profile) as page:
        sign_up(page)
        log_in(page)
        expect(heading(page, "Welcome, ada")).to_be_visible()
        assert cookie_names(page) == {"session"}
    with own_browser(profile) as page:
        assert cookie_names(page) == set()
        is_logged_out(page)
        log_in(page, remember=True)
        expect(heading(page, "Welcome, ada")).to_be_visible()
    with own_browser(profile) as page:
        assert cookie_names(page) == {"hipflask_remember"}
        is_logged_in(page)


@only_rust
def test_second_browser_logs_out_everywhere(own_browser, tmp_path):
    with own_browser(tmp_path / "first") as first:
        sign_up(first)
        log_in(first, remember=True)
        expect(heading(first, "Welcome, ada")).to_be_visible()
        with own_browser(tmp_path / "second") as second:
            log_in(second)
            second.get_by_role("navigation").get_by_role("link", name="Sessions").click()
            button(second, "Log out everywhere").click()
            expect(flashes(second)).to_have_text("You have been logged out everywhere")
            is_logged_out(second)
        is_logged_out(first)
    with own_browser(tmp_path / "first") as first:
        is_logged_out(first)


def decoded(cookie):
    """Decodes whatever of a cookie is base64, as anybody can."""
    text = cookie["value"].removeprefix(".").split(".")
    content = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in text]
    return b"".join(zlib.decompress(part) if part.startswith(b"x\x9c") else part for part in content)


@only_rust
@started_as(**ENCRYPTED)
def test_encrypted_cookie_is_read_by_the_server_alone(page):
    enter(page)
    page.goto("/cookie")
    cookie = session_cookie(page)
    assert cookie["value"].startswith("e1.") and b"_user_id" not in decoded(cookie)
    main = page.get_by_role("main")
    expect(main.locator(".sealed")).to_have_text(cookie["value"])
    expect(main).to_contain_text(f"its length: {len(cookie['value'])} bytes")
    expect(main.get_by_label("Your session")).to_contain_text('"_user_id": "1"')
    expect(main.get_by_role("listitem").filter(has_text="Now")).to_contain_text("encrypted")
    button(page, "Tamper with it").click()
    expect(page.get_by_role("alert").locator("code")).to_have_text("bad_signature")
    expect(main.get_by_label("Your session")).to_have_count(0)
    is_logged_out(page)


@only_rust
@started_as(**PLAIN)
def test_cookie_page_shows_the_parts_and_the_reset(page):
    page.goto("/cookie")
    expect(page.get_by_role("main")).to_contain_text("You have no session cookie yet")
    enter(page)
    page.get_by_role("navigation").get_by_role("link", name="Your cookie").click()
    expect(heading(page, "Your session cookie")).to_be_visible()
    parts = [page.locator(f'code[data-part="{part}"]').inner_text() for part in ("payload", "time", "signature")]
    value = session_cookie(page)["value"]
    assert ".".join(parts) == value and b"_user_id" in decoded(session_cookie(page))
    for name in ("Payload", "Time", "Signature"):
        expect(page.get_by_role("heading", level=2, name=name)).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    button(page, "Tamper with it").click()
    expect(page).to_have_url(re.compile("/cookie$"))
    expect(page.get_by_role("alert")).to_contain_text("The session was reset")
    expect(page.get_by_role("alert").locator("code")).to_have_text("bad_signature")
    tampered = session_cookie(page)["value"]
    assert len(tampered) == len(value) and sum(a != b for a, b in zip(tampered, value)) == 1
    page.goto("/welcome")
    expect(flashes(page)).to_have_text("Please log in first")
    log_in(page)
    page.goto("/cookie")
    expect(page.get_by_role("alert")).to_have_count(0)


@only_rust
def test_session_in_the_list_is_ended_from_another_browser(page, browser, address):
    enter(page)
    with browser.new_context(base_url=address, user_agent=FIREFOX) as elsewhere:
        other = elsewhere.new_page()
        log_in(other)
        expect(heading(other, "Welcome, ada")).to_be_visible()
        page.get_by_role("navigation").get_by_role("link", name="Sessions").click()
        sessions = page.get_by_role("list", name="Your sessions").get_by_role("listitem")
        expect(sessions).to_have_count(2)
        expect(sessions.filter(has_text="This one")).to_contain_text("Chrome on Linux")
        expect(sessions.filter(has_text="Firefox on Linux")).to_contain_text("last used just now")
        button(page, "End").click()
        expect(flashes(page)).to_have_text("The session was ended")
        expect(sessions).to_have_count(1)
        other.goto("/welcome")
        expect(flashes(other)).to_have_text("Please log in first")
    expect(button(page, "End all others")).to_have_count(0)
    button(page, "Log out").click()
    expect(flashes(page)).to_have_text("You have been logged out")


class Offer(http.server.BaseHTTPRequestHandler):
    """Offers a cookie whose name and value have as many bytes as the path says, behind long attributes."""

    def do_GET(self):
        size = int(self.path.rpartition("/")[2])
        self.send_response(200)
        self.send_header("Set-Cookie", f"name={'v' * (size - 4)}; HttpOnly; Path=/{'p' * 900}")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving_pages(handler):
    """Serves pages of another site, and yields its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@only_rust
def test_browser_counts_name_and_value_up_to_4096(browser):
    """What `CookieSessions::MAX_COOKIE_SIZE` rests on."""
    with serving_pages(Offer) as port:
        for size, is_kept in ((4096, True), (4097, False)):
            with browser.new_context() as context:
                context.new_page().goto(f"http://127.0.0.1:{port}/{'p' * 900}/{size}")
                assert [len(cookie["name"] + cookie["value"]) for cookie in context.cookies()] == [size] * is_kept


def tour(page):
    """Visits every page in its states, and yields a name for each."""
    page.goto("/")
    yield "home"
    page.goto("/signup")
    page.locator("main form").evaluate("form => form.noValidate = true")
    button(page, "Sign up").click()
    yield "signup-errors"
    sign_up(page)
    log_in(page, password="wrong horse")
    yield "login-flash"
    log_in(page)
    yield "welcome"
    page.goto("/users/1")
    yield "profile"
    page.goto("/users/1/edit")
    yield "edit"
    if KIND == "rust":
        # Two more sessions, which the visitor has left behind.
        for _ in range(2):
            page.context.clear_cookies()
            log_in(page)
        page.goto("/sessions")
        yield "sessions"
        page.goto("/cookie")
        yield "cookie"
        button(page, "Tamper with it").click()
        yield "cookie-reset"
        log_in(page)
        page.goto("/users/2/edit")
        yield "not-authorized"
        with serving_pages(Attack) as port:
            page.goto(f"http://127.0.0.1:{port}/{page.url.split('/')[2]}/logout")
            button(page, "Win").click()
        yield "form-refused"


LOOKS = [(screen, scheme) for screen in SCREENS for scheme in ("light", "dark")]


def fits(page, shots, name, screen, scheme):
    page.set_viewport_size(SCREENS[screen])
    page.emulate_media(color_scheme=scheme)
    page.screenshot(path=shots / f"{name}-{screen}-{scheme}.png", full_page=True)
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1], f"{name} is wider than the {screen}"


def test_pages_fit_the_screen(page, shots):
    for name in tour(page):
        for look in LOOKS:
            fits(page, shots, name, *look)


@only_rust
@pytest.mark.parametrize("address, name", [(ENCRYPTED, "encrypted"), (PLAIN, "plain")], indirect=["address"])
def test_pages_of_cookies_fit_the_screen(page, shots, name):
    enter(page)
    for path in ("cookie", "sessions"):
        page.goto(f"/{path}")
        for look in LOOKS:
            fits(page, shots, f"{path}-{name}", *look)
