"""Server-side sessions by Flask-Session, or HipFlask in its place: pages that read and write one key, slowly if asked to."""

import os
import time
from urllib.parse import parse_qs, urlsplit

from common import arguments, make_app, serve
from flask import Response, flash, get_flashed_messages, request, session
from flask.json.tag import TaggedJSONSerializer

app = make_app("stored")
# Flask's own names, as the Rust side reads them: FLASK_SESSION_KEY_PREFIX and so on.
app.config.from_prefixed_env()
TAGGED = TaggedJSONSerializer()


# --- the store ---------------------------------------------------------------------------------------------
# Each client library is imported where it is used, so that an app starts with one of them only.


def redis(url):
    from redis import Redis

    return {"SESSION_TYPE": "redis", "SESSION_REDIS": Redis.from_url(url)}


def memcached(url):
    from pymemcache.client.base import PooledClient

    # By default its writes return before they are done, and the other side would read too early.
    client = PooledClient(urlsplit(url).netloc, default_noreply=False)
    return {"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": client}


def filesystem(url):
    return {"SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": urlsplit(url).path}


def sqlalchemy(url):
    from flask_sqlalchemy import SQLAlchemy

    scheme, rest = url.split(":", 1)
    dialects = {"sqlite": "sqlite:///", "postgres": "postgresql+psycopg:", "mysql": "mysql+pymysql:"}
    app.config["SQLALCHEMY_DATABASE_URI"] = dialects[scheme] + rest
    return {"SESSION_TYPE": "sqlalchemy", "SESSION_SQLALCHEMY": SQLAlchemy(app)}


def mongodb(url):
    from pymongo import MongoClient

    database = urlsplit(url).path.strip("/")
    return {"SESSION_TYPE": "mongodb", "SESSION_MONGODB": MongoClient(url), "SESSION_MONGODB_DB": database}


def dynamodb(url):
    import boto3

    parts = urlsplit(url)
    [endpoint] = parse_qs(parts.query).get("endpoint", [None])
    client = boto3.resource("dynamodb", region_name=parts.netloc, endpoint_url=endpoint)
    get_waiter = client.meta.client.get_waiter

    def get_quick_waiter(name):
        waiter = get_waiter(name)
        waiter.config.delay = 0.05  # seconds between two looks at a new table, instead of 20
        return waiter

    client.meta.client.get_waiter = get_quick_waiter
    return {"SESSION_TYPE": "dynamodb", "SESSION_DYNAMODB": client, "SESSION_DYNAMODB_TABLE": parts.path.strip("/")}


STORES = {
    "redis": redis,
    "memcached": memcached,
    "file": filesystem,
    "sqlite": sqlalchemy,
    "postgres": sqlalchemy,
    "mysql": sqlalchemy,
    "mongodb": mongodb,
    "dynamodb": dynamodb,
}


# --- pages -------------------------------------------------------------------------------------------------


def page(path):
    """Registers a page whose answer is plain text."""

    def register(view):
        app.add_url_rule(path, view.__name__, lambda: Response(view(), mimetype="text/plain"))
        return view

    return register


def wait():
    time.sleep(request.args.get("wait", 0, int) / 1000)


def parsed(text):
    """Returns the value that tagged JSON stands for, or the text itself where it is no JSON."""
    try:
        return TAGGED.loads(text)
    except ValueError:
        return text


def shown(value):
    return value if isinstance(value, str) else TAGGED.dumps(value)


@page("/set")
def set_value():
    key, value = request.args["k"], parsed(request.args["v"])
    session.get(key)
    wait()
    session[key] = value
    return "ok"


@page("/get")
def get_value():
    key = request.args["k"]
    return shown(session[key]) if key in session else "-"


@page("/all")
def all_values():
    return TAGGED.dumps(dict(session))


@page("/append")
def append():
    key, value = request.args["k"], parsed(request.args["v"])
    values = session.get(key)
    wait()
    session[key] = [*(values if isinstance(values, list) else []), value]
    return "ok"


@page("/read")
def read():
    user = session.get("user", "-")
    wait()
    return shown(user)


@page("/login")
def login():
    app.session_interface.regenerate(session)
    session["user"] = request.args["user"]
    return "ok"


@page("/logout")
def logout():
    session.clear()
    return "ok"


@page("/none")
def none():
    return "ok"


@page("/flash")
def flash_message():
    flash(request.args["m"])
    return "ok"


@page("/flashes")
def flashes():
    return TAGGED.dumps(get_flashed_messages())


def over(url):
    """Returns the app over the store of this address; gunicorn calls this, too."""
    app.config.update(STORES[url.split(":")[0]](url))
    if os.environ.get("TWIN_SESSIONS") == "hipflask":
        from hipflask import HipFlask as Session
    else:
        from flask_session import Session
    with app.app_context():
        Session(app)
    return app


if __name__ == "__main__":
    options = arguments()
    serve(over(options.sessions), options.port)
