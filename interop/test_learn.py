"""docs/learn_*.md: each chapter's Flask code under real Flask, and its example in Rust, asked the same.

The Rust code of a chapter is compiled by rustdoc; its pictures are made by `scripts/screenshots`.
"""

import contextlib
import json
import re
import struct
import subprocess
import sys
import time

import pytest
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from moving_site import Browser, flask, rust
from pages import DOCS, Page
from servers import SECRET_KEY, free_port, rust_program

CHAPTERS = sorted(path.name for path in DOCS.glob("learn_*.md"))
SESSION, COOKIES, EXPIRY, SHOP, LOG_IN = map(Page, CHAPTERS)


@contextlib.contextmanager
def both(folder, page, file, example, **settings):
    """Runs a chapter's app in Flask and its example in Rust, and yields a browser at each."""
    assert f"cargo run --example {example}" in page.text
    port = free_port()
    with flask(folder, page.block("python", file).text, port), rust(folder, example, **settings) as (rust_port, _):
        yield Browser(port), Browser(rust_port)


def says(answer, *texts):
    """Confirms that an answer has all these texts, and returns where it leads to."""
    for text in texts:
        assert text in answer.text
    return answer.location


def test_chapters_are_short_and_lead_on():
    assert len(CHAPTERS) == 5
    for name, following in zip(CHAPTERS, [*CHAPTERS[1:], None]):
        text = Page(name).text
        assert len(text.splitlines()) <= 80, name
        assert following is None or f"]: {following}\n" in text


@pytest.mark.parametrize("chapter", range(1, 6))
def test_chapter_has_its_picture(chapter):
    picture = (DOCS / "img" / f"learn-{chapter}.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) <= 40 * 1024
    width, height = struct.unpack(">II", picture[16:24])
    assert width > height > 100
    assert f"[img-learn-{chapter}]: img/learn-{chapter}.png" in Page(CHAPTERS[chapter - 1]).text


def test_counter_counts(tmp_path):
    with both(tmp_path, SESSION, "counter.py", "counter") as browsers:
        for browser in browsers:
            says(browser.get("/count"), "No counter set!")
            says(browser.get("/start_counter"), "New counter started!")
            assert [browser.get("/count").text for _ in range(3)] == ["1", "2", "3"]
            says(Browser(browser.port).get("/count"), "No counter set!")


def test_cookie_is_decoded(tmp_path):
    command, shown = SESSION.block("console").text.splitlines()
    cookie = command.removeprefix("$ hipflask decode ")
    (tmp_path / "decode.py").write_text(SESSION.block("python", "decode.py").text)
    for decode in ([rust_program("hipflask"), "decode"], [sys.executable, tmp_path / "decode.py"]):
        decoded = subprocess.run([*decode, cookie], check=True, capture_output=True, text=True).stdout
        assert decoded.startswith(shown), decoded
    # It is a real one, of the key of these tests.
    assert forger().loads(cookie) == json.loads(shown)


def forger(age=0):
    """Returns the serializer of Flask's sessions, `age` seconds ago."""

    class PastSigner(TimestampSigner):
        def get_timestamp(self):
            return int(time.time()) - age

    theirs = SecureCookieSessionInterface()
    return URLSafeTimedSerializer(
        *(SECRET_KEY, theirs.salt, theirs.serializer),
        signer=PastSigner,
        signer_kwargs={"key_derivation": theirs.key_derivation},
    )


def test_name_is_kept_in_a_cookie(tmp_path):
    with both(tmp_path, COOKIES, "cookies.py", "cookies") as browsers:
        for browser in browsers:
            says(browser.get("/"), "The session now holds a user name.")
            says(browser.get("/get"), "User Name is John")
            assert browser.get("/cookie").headers["Set-Cookie"] == "theme=dark; Path=/"
            assert "John" in str(forger().loads(browser.cookies()[0].value))


def test_name_is_kept_on_the_server(tmp_path):
    app = COOKIES.block("python", "cookies.py").text + COOKIES.block("python", "stored.py").text
    port, store = free_port(), f"file:{tmp_path / 'rust'}"
    assert "--sessions file:sessions" in COOKIES.text
    with flask(tmp_path, app, port), rust(tmp_path, "cookies", sessions=store) as (rust_port, _):
        for browser, folder in [(Browser(port), "sessions"), (Browser(rust_port), "rust")]:
            browser.get("/")
            says(browser.get("/get"), "User Name is John")
            assert re.fullmatch(r"[\w-]{43}", browser.cookies()[0].value)
            assert any(b"John" in path.read_bytes() for path in (tmp_path / folder).iterdir() if path.is_file())


def test_session_lasts_an_hour(tmp_path):
    with both(tmp_path, EXPIRY, "lifetime.py", "lifetime") as browsers:
        for browser in browsers:
            says(browser.get("/"), "Not logged in")
            answer = browser.get("/login")
            cookie = re.match(r"session=([^;]+);", answer.headers["Set-Cookie"])[1]
            assert "Expires=" in answer.headers["Set-Cookie"] and answer.location == "/"
            # The example's cookie is `Secure`, which this jar does not send over http.
            browser.plant(cookie)
            says(browser.get("/"), "Logged in as user 12345")
            browser.plant(cookie)
            removed = browser.get("/logout").headers["Set-Cookie"]
            assert "user_id" not in forger().loads(re.match(r"session=([^;]+);", removed)[1])
            for age, text in [(3595, "Logged in as user 12345"), (3605, "Not logged in")]:
                browser.plant(forger(age).dumps({"_permanent": True, "user_id": 12345}))
                says(browser.get("/"), text)


def test_shop_believes_a_plain_cookie(tmp_path):
    with both(tmp_path, SHOP, "shop.py", "shop") as browsers:
        for browser in browsers:
            assert browser.post("/add", item="bread").status == 400
            for item in ("teapot", "cup"):
                assert browser.post("/add", item=item).location == "/"
            browser.plant("1", "total")
            assert dollars(browser) == [1, 34]
            [cookie] = browser.cookies()
            browser.plant(cookie.value[:3] + ("A" if cookie.value[3] != "A" else "B") + cookie.value[4:])
            assert dollars(browser) == [1, 0]


def dollars(browser):
    """Returns the totals by the plain cookie and by the session."""
    return [int(amount) for amount in re.findall(r"\$(\d+)", browser.get("/").text)[:2]]


def test_members_log_in(tmp_path):
    with both(tmp_path, LOG_IN, "log_in.py", "log_in") as browsers:
        for browser in browsers:
            # Rust adds the way back.
            assert browser.get("/members").location.removesuffix("?next=%2Fmembers") == "/"
            says(browser.get("/"), "Please log in first")
            for name, password in [("ada", "wrong"), ("bob", "correct horse")]:
                assert browser.post("/log_in", name=name, password=password).location == "/"
                says(browser.get("/"), "Wrong name or password")
            assert browser.post("/log_in", name="ada", password="correct horse").location == "/members"
            says(browser.get("/members"), "Welcome, ada")
