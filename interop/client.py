"""The scripted client: a cookie jar, requests, and answers in a form that can be compared."""

import email.utils
import html.parser
import http.client
import re
import time
import urllib.parse

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner
from servers import SECRET_KEY
from steps import Forge, Plant, Request, Tamper, Visitor

# Random, or a time: Flask-Login's identifier, the time of log-in that only the demo notes, Flask-WTF's secret.
OWN = ("_id", "_hipflask_authenticated", "csrf_token")
INLINE = {"a", "b", "code", "em", "span", "strong"}
VOID = {"br", "hr", "img", "input", "link", "meta"}

app = Flask("client")
app.secret_key = SECRET_KEY
SERIALIZER = SecureCookieSessionInterface().get_signing_serializer(app)


class VisibleText(html.parser.HTMLParser):
    """Collects what a page shows, but for elements that only one side has."""

    def __init__(self):
        super().__init__()
        self.pieces = []
        self.hidden = []  # open elements, counted from the outermost one that is left out

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in VOID and (self.hidden or tag == "head" or "data-only" in attrs):
            self.hidden.append(tag)
        if tag not in INLINE:
            self.pieces.append(" ")
        if tag == "input" and not self.hidden and attrs.get("name") != "csrf_token":
            self.pieces.append(attrs.get("value") or "")

    def handle_endtag(self, tag):
        if tag in self.hidden:
            while self.hidden.pop() != tag:
                pass
        if tag not in INLINE:
            self.pieces.append(" ")

    def handle_data(self, data):
        if not self.hidden:
            self.pieces.append(data)


def visible_text(body):
    if "<" not in body:
        return body
    parser = VisibleText()
    parser.feed(body)
    parser.close()
    return " ".join("".join(parser.pieces).split())


class Jar:
    """One visitor's cookies. Loopback counts as a safe place for `Secure` ones, as in browsers."""

    def __init__(self):
        self.cookies = {}

    def header(self):
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def keep(self, set_cookie):
        pair, *attributes = set_cookie.split("; ")
        name, value = pair.split("=", 1)
        expires = [a.split("=", 1)[1] for a in attributes if a.lower().startswith("expires=")]
        if expires and email.utils.parsedate_to_datetime(expires[0]).timestamp() <= time.time():
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value


def signed_session(session, age):
    """Returns the cookie value that Flask would have written `age` seconds ago."""

    class PastSigner(TimestampSigner):
        def get_timestamp(self):
            return int(time.time()) - age

    past = SecureCookieSessionInterface().get_signing_serializer(app)
    past.signer = PastSigner
    with app.app_context():
        return past.dumps(session)


def masked_cookie(set_cookie):
    """Checks the signature of a session cookie, and puts ages in place of times."""
    pair, *attributes = set_cookie.split("; ")
    name, value = pair.split("=", 1)
    origin = time.time()
    if name == "session" and value:
        session, signed_at = SERIALIZER.loads(value, max_age=60, return_timestamp=True)
        origin = signed_at.timestamp()
        payload = value.rsplit(".", 2)[0]
        own = [session.pop(key) for key in OWN if key in session]
        if own:
            payload = without_own(payload, value, session)
        pair = f"session={payload} = {session!r}"
    return "; ".join([pair, *(masked_expiry(attribute, origin) for attribute in attributes)])


def without_own(payload, value, session):
    """Returns the payload of a session without what no two sides have alike, once Flask has written the same with it."""
    assert payload_of(SERIALIZER.loads(value)) == payload
    return payload_of(session)


def payload_of(session):
    return SERIALIZER.dumps(session).rsplit(".", 2)[0]


def masked_expiry(attribute, origin):
    name, _, value = attribute.partition("=")
    if name != "Expires" or " 1970 " in value:
        return attribute
    seconds = email.utils.parsedate_to_datetime(value).timestamp() - origin
    # Flask reads the clock once to sign and once more for the expiry, so a second may pass between them.
    return f"Expires=+{10 * round(seconds / 10)}"


class Client:
    """Performs steps; every request goes to the port that `route` chooses."""

    def __init__(self, route):
        self.route = route
        self.jars = {"": Jar()}
        self.jar = self.jars[""]

    def perform(self, step):
        """Performs one step and returns the answer, or None where nothing is asked."""
        match step:
            case Request():
                return self.request(step, self.route(step))
            case Plant(name, value):
                self.jar.cookies[name] = value
            case Forge(session, age):
                self.jar.cookies["session"] = signed_session(session, age)
            case Tamper():
                value = self.jar.cookies["session"]
                self.jar.cookies["session"] = value[0] + ("A" if value[1] != "A" else "B") + value[2:]
            case Visitor(name):
                self.jar = self.jars.setdefault(name, Jar())
        return None

    def request(self, step, port):
        # As a browser says it of the site's own pages and forms.
        headers = {"Sec-Fetch-Site": "same-origin"}
        body = None
        if self.jar.cookies:
            headers["Cookie"] = self.jar.header().encode()
        if step.form is not None:
            body = urllib.parse.urlencode(step.form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request(step.method, step.path, body, headers)
            response = connection.getresponse()
            body = response.read().decode()
        finally:
            connection.close()
        set_cookies = response.headers.get_all("Set-Cookie") or []
        for set_cookie in set_cookies:
            self.jar.keep(set_cookie)
        return self.answer(response, set_cookies, body)

    @staticmethod
    def answer(response, set_cookies, body):
        """Returns what is compared of an answer; TWINS.md has the list."""
        answer = {
            "status": response.status,
            "location": response.headers.get("Location"),
            "set_cookie": sorted(masked_cookie(set_cookie) for set_cookie in set_cookies),
        }
        is_page = response.status in (200, 422)
        if is_page:
            answer["type"] = response.headers.get("Content-Type", "").lower()
            answer["text"] = visible_text(body)
        if is_page or any(cookie.startswith("session=") for cookie in set_cookies):
            vary = ",".join(response.headers.get_all("Vary") or [])
            answer["vary_cookie"] = "cookie" in re.split(r"\s*,\s*", vary.strip().lower())
        return answer
