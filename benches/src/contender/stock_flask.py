"""Times Flask's sessions on demand.

Each line of standard input is `calls part operation key cookie`; the answer is the nanoseconds of
CPU time of one call. The first line of standard output is Flask's version.
"""

import importlib.metadata
import sys
import time

import flask

app = flask.Flask(__name__)
app.secret_key = sys.argv[1]
interface = app.session_interface
serializer = interface.get_signing_serializer(app)
max_age = int(app.permanent_session_lifetime.total_seconds())


class Request:
    """The part of a request that `open_session` looks at."""

    def __init__(self, cookie):
        self.cookies = {"session": cookie}


def loads(cookie):
    try:
        return serializer.loads(cookie, max_age=max_age)
    except flask.sessions.BadSignature:
        return None


def prepare(part, operation, key, cookie):
    request = Request(cookie)
    if operation == "save":
        content = loads(cookie)
        if part == "serializer":
            return lambda: serializer.dumps(content)
        session = flask.sessions.SecureCookieSession(content)
        session.modified = True

        def save():
            response = app.response_class()
            interface.save_session(app, session, response)
            return response

        assert "Set-Cookie" in save().headers
        return save
    if part == "serializer":
        open_ = lambda: loads(cookie)
    else:
        open_ = lambda: interface.open_session(app, request)
    if operation == "forged":
        assert not open_()
        return open_
    wanted = "cart" if operation == "open_cart" else key
    assert open_()[wanted]
    return lambda: open_()[wanted]


prepared = {}
print(importlib.metadata.version("flask"), flush=True)
for line in sys.stdin:
    calls, request = line.rstrip("\n").split(" ", 1)
    if request not in prepared:
        prepared[request] = prepare(*request.split(" "))
    call = prepared[request]
    start = time.thread_time_ns()
    for _ in range(int(calls)):
        call()
    print((time.thread_time_ns() - start) / int(calls), flush=True)
