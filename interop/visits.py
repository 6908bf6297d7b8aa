"""One visitor of the `stored` app: a cookie jar, and answers that know when they came."""

import dataclasses
import http.client
import time
import urllib.parse

from client import Jar


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    text: str
    set_cookies: list
    started: float
    ended: float


def ask(port, path, cookie="", **query):
    """Sends one GET with this `Cookie` header, and keeps nothing."""
    if query:
        path += "?" + urllib.parse.urlencode(query)
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    set_cookies = response.headers.get_all("Set-Cookie") or []
    return Answer(response.status, text, set_cookies, started, time.monotonic())


class Guest:
    """Somebody with a cookie jar; each request names the port that it goes to."""

    def __init__(self):
        self.jar = Jar()

    @property
    def cookie(self):
        return self.jar.header()

    @property
    def session_id(self):
        return self.jar.cookies["session"]

    def get(self, port, path, **query):
        """Sends one GET, keeps its cookies and returns its text."""
        answer = ask(port, path, self.cookie, **query)
        assert answer.status == 200, f"{path} answers {answer.status}"
        for set_cookie in answer.set_cookies:
            self.jar.keep(set_cookie)
        return answer.text
