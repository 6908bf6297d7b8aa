"""Sessions of other packages, as they write them themselves: a visitor of each, and the cookie that it got."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

#: What each visitor's session holds.
CONTENT = {"count": 7, "user": "ada", "cart": ["tea", "milk"], "deep": {"a": [1, {"b": None}]}}

KEY = "6d1f7a0cb35e249f3c6a52be0d47c188"


def only(cookies):
    """Returns name and value of the only cookie of some `Set-Cookie` lines."""
    [line] = cookies
    name, _, value = line.split(";")[0].strip().partition("=")
    return name.strip(), value.strip()


def of_wsgi(app, path="/"):
    from werkzeug.test import Client

    answer = Client(app, use_cookies=False).get(path)
    assert answer.status_code == 200, answer.text
    return only(answer.headers.getlist("Set-Cookie"))


def of_asgi(app, path="/"):
    """Asks an ASGI app, with its start and its end."""
    lines = []

    async def ask():
        scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "raw_path": path.encode()}
        scope |= {"query_string": b"", "headers": [(b"host", b"localhost")], "scheme": "http", "asgi": {"version": "3.0"}}
        scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "root_path": "", "extensions": {}}

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            if message["type"] == "http.response.start":
                assert message["status"] == 200, message
                lines.extend(value.decode() for name, value in message["headers"] if name.lower() == b"set-cookie")

        await app(scope, receive, send)

    asyncio.run(ask())
    return only(lines)


def starlette(_redis):
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.sessions import SessionMiddleware
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def index(request):
        request.session.update(CONTENT)
        return PlainTextResponse("")

    return of_asgi(Starlette(routes=[Route("/", index)], middleware=[Middleware(SessionMiddleware, secret_key=KEY)]))


def starsessions(redis):
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from starsessions import SessionAutoloadMiddleware, SessionMiddleware
    from starsessions.stores.redis import RedisStore

    async def index(request):
        request.session.update(CONTENT)
        return PlainTextResponse("")

    store = RedisStore(f"redis://127.0.0.1:{redis}")
    sessions = Middleware(SessionMiddleware, store=store, lifetime=3600, cookie_https_only=False)
    return of_asgi(Starlette(routes=[Route("/", index)], middleware=[sessions, Middleware(SessionAutoloadMiddleware)]))


def quart_session(redis, cookie=None):
    """Makes a session, or returns the count of one."""
    from quart import Quart, session
    from quart_session import Session

    app = Quart("quart_session")
    app.config.update(
        SECRET_KEY=KEY, SESSION_TYPE="redis", SESSION_URI=f"redis://127.0.0.1:{redis}", SESSION_COOKIE_SECURE=False
    )
    Session(app)

    @app.route("/")
    async def index():
        session.update(CONTENT, pair=(1, 2))
        return ""

    @app.route("/count")
    async def count():
        return str(session.get("count"))

    async def ask():
        async with app.test_app() as started:
            headers = {"Cookie": f"session={cookie}"} if cookie else {}
            answer = await started.test_client().get("/count" if cookie else "/", headers=headers)
            assert answer.status_code == 200
            return await answer.get_data(as_text=True) if cookie else only(answer.headers.getlist("Set-Cookie"))

    return asyncio.run(ask())


def django_app(engine, **options):
    """Returns an app of Django that makes a session."""
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path

    def index(request):
        request.session.update(CONTENT)
        return HttpResponse()

    settings.configure(
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["django.contrib.sessions"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
        ROOT_URLCONF=type("urls", (), {"urlpatterns": [path("", index)]}),
        SECRET_KEY=KEY,
        SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}",
        **options,
    )
    django.setup()
    return get_wsgi_application()


def django_signed_cookies(_redis):
    return of_wsgi(django_app("signed_cookies"))


def django_in(engine, **where):
    """Makes a session in a database, whose table Django makes, and returns the cookie and the row."""
    database = {"ENGINE": f"django.db.backends.{engine}", **where}
    app = django_app("db", DATABASES={"default": database}, USE_TZ=True)
    from django.contrib.sessions.models import Session
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    cookie = of_wsgi(app)
    return cookie, Session.objects.get(pk=cookie[1])


def django_database(redis):
    """Makes a session in a database, and copies what Django has written as it is."""
    from redis import StrictRedis

    cookie, row = django_in("sqlite3", NAME=":memory:")
    StrictRedis(port=redis).set(f"session:{cookie[1]}", row.session_data, ex=3600)
    return cookie


def django_at(url):
    """Makes a session in the database that an address of ours names."""
    kind, _, place = url.partition(":")
    if kind == "sqlite":
        return django_in("sqlite3", NAME=place)[0]
    user, _, rest = place.removeprefix("//").partition("@")
    host, _, rest = rest.partition(":")
    port, _, name = rest.partition("/")
    if kind == "mysql":
        import pymysql

        # Django asks for a version of mysqlclient.
        pymysql.version_info = (2, 2, 1, "final", 0)
        pymysql.install_as_MySQLdb()
    engine = {"mysql": "mysql", "postgres": "postgresql"}[kind]
    return django_in(engine, NAME=name, USER=user, HOST=host, PORT=port)[0]


def flask_kvsession(redis):
    from flask import Flask, session
    from flask_kvsession import KVSessionExtension
    from redis import StrictRedis
    from simplekv.memory.redisstore import RedisStore

    app = Flask("flask_kvsession")
    app.secret_key = KEY
    KVSessionExtension(RedisStore(StrictRedis(port=redis)), app)

    @app.route("/")
    def index():
        session.update(CONTENT)
        return ""

    return of_wsgi(app)


def beaker(redis, serializer="pickle"):
    from beaker.middleware import SessionMiddleware

    def index(environ, start_response):
        session = environ["beaker.session"]
        session.update(CONTENT)
        session.save()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    options = {
        "session.type": "ext:redis",
        "session.url": f"redis://127.0.0.1:{redis}/0",
        "session.secret": KEY,
        "session.key": "beaker.session.id",
        "session.timeout": 3600,
        "session.data_serializer": serializer,
    }
    return of_wsgi(SessionMiddleware(index, options))


def flask_session(version, url, cookie=None):
    """Counts by a version of Flask-Session, which is in a folder of its own, and returns the count and the cookie."""
    sys.path.insert(0, os.path.join(os.environ["FLASK_SESSIONS"], version))
    from importlib.metadata import version as installed

    from flask import Flask, session
    from flask_session import Session
    from werkzeug.test import Client

    assert installed("Flask-Session") == version
    app = Flask("flask_session")
    kind, _, place = url.partition(":")
    host, _, port = place.removeprefix("//").partition("/")[0].partition(":")
    if kind == "redis":
        from redis import StrictRedis

        app.config.update(SESSION_TYPE="redis", SESSION_REDIS=StrictRedis(port=int(port)))
    elif kind == "memcached":
        from pylibmc import Client as Memcached

        app.config.update(SESSION_TYPE="memcached", SESSION_MEMCACHED=Memcached([f"{host}:{port}"]))
    elif kind == "mongodb":
        from pymongo import MongoClient

        database = url.rpartition("/")[2].partition("?")[0]
        app.config.update(SESSION_TYPE="mongodb", SESSION_MONGODB=MongoClient(url), SESSION_MONGODB_DB=database)
    elif kind == "file":
        app.config.update(SESSION_TYPE="filesystem", SESSION_FILE_DIR=place)
    else:
        app.config.update(SESSION_TYPE="sqlalchemy", SQLALCHEMY_DATABASE_URI=f"sqlite:///{place}")
    Session(app)
    if kind == "sqlite":
        with app.app_context():
            (getattr(app.session_interface, "db", None) or app.session_interface.client).create_all()

    @app.route("/")
    def index():
        session["count"] = session.get("count", 0) + 1
        session["pair"] = (1, 2)
        return str(session["count"])

    answer = Client(app, use_cookies=False).get("/", headers={"Cookie": f"session={cookie}"} if cookie else {})
    return answer.text, only(answer.headers.getlist("Set-Cookie"))[1]


def hipflask(redis, cookie):
    """Counts twice by Hipflask without the setting that keeps formats, and returns the count and what the log says."""
    import logging

    from flask import Flask, session
    from hipflask import HipFlask
    from werkzeug.test import Client

    told = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    logging.getLogger("hipflask").addHandler(handler)
    app = Flask("hipflask")
    app.secret_key = KEY
    HipFlask(app, store=f"redis://127.0.0.1:{redis}")

    @app.route("/")
    def index():
        session["count"] += 1
        return str(session["count"])

    client = Client(app, use_cookies=False)
    answers = [client.get("/", headers={"Cookie": f"session={cookie}"}).text for _ in range(2)]
    return answers, [text for text in told if "SESSION_KEEP_FORMAT" in text]


def beaker_json(redis):
    return beaker(redis, "json")


#: The sessions, by what makes them, with the word of `SESSION_TAKE_OVER`.
PACKAGES = {
    "starlette": "starlette",
    "django_signed_cookies": "django_signed_cookies",
    "django_database": "django_database",
    "starsessions": "starsessions",
    "quart_session": "quart_session",
    "flask_kvsession": "flask_kvsession",
    "beaker": "beaker",
    "beaker_json": "beaker",
}


def apart(function, *arguments):
    """Calls a function of this file in a process of its own."""
    command = [sys.executable, os.fspath(Path(__file__)), function, *map(str, arguments)]
    made = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(made.stdout.splitlines()[-1])


def visitor(package, redis=0):
    """Lets a package make a session, and returns the name and the value of its cookie."""
    return tuple(apart(package, redis))


def vectors(redis):
    """Returns what each package has written, a line each: `crates/hipflask-core/tests/vectors/foreign.jsonl`."""
    from redis import StrictRedis

    client = StrictRedis(port=redis)
    lines = []
    for maker, word in PACKAGES.items():
        client.flushall()
        name, value = visitor(maker, redis)
        line = {"maker": maker, "package": word, "cookie": value, "time": int(time.time())}
        for key in client.scan_iter():
            line |= {"key": key.decode(), "record": client.get(key).hex()}
        lines.append(json.dumps(line))
    return "\n".join(lines)


if __name__ == "__main__":
    first = int(sys.argv[2]) if sys.argv[2].isdecimal() else sys.argv[2]
    made = globals()[sys.argv[1]](first, *sys.argv[3:])
    print(made if sys.argv[1] == "vectors" else json.dumps(made))
