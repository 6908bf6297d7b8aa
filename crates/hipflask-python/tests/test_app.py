"""What is read of an app besides its configuration, and what an app's own code asks the session interface."""

from __future__ import annotations

import collections
import datetime
import enum
import gc
import hashlib
import json
import logging
import warnings
import weakref
from types import SimpleNamespace
from typing import Any

import flask
import flask_session.base
import hipflask
import pytest
from flask.json.provider import DefaultJSONProvider, JSONProvider
from flask.json.tag import JSONTag

from clocks import Clock
from pairs import SECRET_KEY, require_same, seen
from sides import SIDES

BOTH = pytest.mark.parametrize("side", ["flask", "hipflask"])


def count() -> str:
    flask.session.permanent = True
    flask.session["n"] = flask.session.get("n", 0) + 1
    return str(flask.session["n"])


def counted(app: flask.Flask) -> list[Any]:
    app.add_url_rule("/", "count", count)
    client = app.test_client()
    return [seen(client.get("/")) for _ in range(2)]


# --- attributes --------------------------------------------------------------------------------------------


class OfTheClass(flask.Flask):
    secret_key = SECRET_KEY
    permanent_session_lifetime = datetime.timedelta(hours=1)


class Computed(flask.Flask):
    @property
    def secret_key(self) -> str:  # type: ignore[override]
        return self.config["KEYS"]["session"]

    @property
    def permanent_session_lifetime(self) -> datetime.timedelta:  # type: ignore[override]
        return datetime.timedelta(minutes=self.config["MINUTES"])


@pytest.mark.parametrize("kind", [OfTheClass, Computed])
def test_attributes_of_a_class_count_as_in_flask(kind: type[flask.Flask], clock: Clock) -> None:
    def answers(side: str) -> list[Any]:
        app = kind("app")
        app.config.update(KEYS={"session": SECRET_KEY}, MINUTES=30)
        SIDES[side](app)
        return counted(app)

    expected = answers("flask")
    assert [answer["body"] for answer in expected] == ["1", "2"]
    require_same(answers("hipflask"), expected)


def test_computed_attribute_that_changes_is_followed(clock: Clock) -> None:
    app = Computed("app")
    app.config.update(KEYS={"session": SECRET_KEY}, MINUTES=30)
    hipflask.HipFlask(app)
    client = app.test_client()
    app.add_url_rule("/", "count", count)
    assert client.get("/").text == "1"
    clock.advance(20 * 60)
    assert client.get("/").text == "2"
    app.config["MINUTES"] = 10
    clock.advance(20 * 60)
    assert client.get("/").text == "1"
    app.config["KEYS"] = {"session": SECRET_KEY[::-1]}
    assert client.get("/").text == "1"


def test_extension_keeps_no_app_alive() -> None:
    def last(store: str | None) -> tuple[hipflask.HipFlask, weakref.ref[flask.Flask]]:
        app = flask.Flask("app")
        app.secret_key = SECRET_KEY
        return hipflask.HipFlask(app, store=store), weakref.ref(app)

    gc.disable()
    try:
        assert [last(store)[1]() for store in (None, "memory:")] == [None, None]
    finally:
        gc.enable()


# --- settings that Flask sends to browsers as they are ------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"SESSION_COOKIE_PATH": "shop"}, "SESSION_COOKIE_PATH"),
        ({"SESSION_COOKIE_PATH": "/a;b"}, "SESSION_COOKIE_PATH"),
        ({"APPLICATION_ROOT": "shop"}, "APPLICATION_ROOT"),
        ({"SESSION_COOKIE_NAME": "my session"}, "SESSION_COOKIE_NAME"),
        ({"SESSION_COOKIE_NAME": "a=b"}, "SESSION_COOKIE_NAME"),
        ({"SESSION_COOKIE_NAME": ""}, "SESSION_COOKIE_NAME"),
        ({"SESSION_COOKIE_NAME": "__Secure-session"}, "SESSION_COOKIE_SECURE"),
        ({"SESSION_COOKIE_NAME": "__Host-session"}, "SESSION_COOKIE_SECURE"),
        ({"SESSION_COOKIE_SAMESITE": "None"}, "SESSION_COOKIE_SECURE"),
        ({"SESSION_COOKIE_DOMAIN": "a b"}, "SESSION_COOKIE_DOMAIN"),
        ({"MAX_COOKIE_SIZE": -1}, "MAX_COOKIE_SIZE"),
        ({"SECRET_KEY_FALLBACKS": [""]}, "SECRET_KEY_FALLBACKS"),
    ],
    ids=repr,
)
def test_setting_that_loses_sessions_is_refused_and_says_what_to_change(
    config: dict[str, Any], named: str
) -> None:
    app = flask.Flask("app")
    app.config.update(config, SECRET_KEY=SECRET_KEY)
    app.add_url_rule("/", "count", count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cookie's size
        # Flask's test client does not parse each of these cookies, which it was sent all the same.
        assert app.test_client(use_cookies=False).get("/").headers["Set-Cookie"]
    with pytest.raises(hipflask.ConfigError, match=named):
        hipflask.HipFlask(app)


# --- questions to the session interface ------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("when", ["never", "before", "after"])
def test_cookies_are_minted_and_decoded_with_flasks_hooks(side: str, when: str, clock: Clock) -> None:
    def sign_otherwise(app: flask.Flask) -> None:
        interface: Any = app.session_interface
        interface.salt, interface.digest_method = "other", hashlib.sha256
        interface.key_derivation = "django-concat"

    app = flask.Flask("app")
    app.secret_key = SECRET_KEY
    app.config["SECRET_KEY_FALLBACKS"] = ["old-" + SECRET_KEY]
    app.session_interface = flask.sessions.SecureCookieSessionInterface()  # the other is of all apps
    if when == "before":
        sign_otherwise(app)
    SIDES[side](app)
    app.add_url_rule("/", "count", count)
    if when == "after":
        app.test_client().get("/")
        sign_otherwise(app)
    interface: Any = app.session_interface
    assert isinstance(interface, flask.sessions.SecureCookieSessionInterface)
    signing = interface.get_signing_serializer(app)
    salt = "cookie-session" if when == "never" else "other"
    assert (interface.salt, signing.salt) == (salt, salt.encode())

    client = app.test_client()
    client.set_cookie("session", signing.dumps({"n": 41, "at": datetime.datetime.now(datetime.timezone.utc)}))
    assert client.get("/").text == "42"
    cookie = client.get_cookie("session")
    assert cookie is not None
    content = signing.loads(cookie.value)
    assert content["n"] == 42
    assert interface.serializer.loads(interface.serializer.dumps(content)) == content
    opened = interface.open_session(app, SimpleNamespace(cookies={"session": cookie.value}))
    assert dict(opened) == content
    assert dict(interface.open_session(app, SimpleNamespace(cookies={}))) == {}
    app.secret_key = None
    assert interface.get_signing_serializer(app) is None


@pytest.mark.parametrize("name", ["clear", "renew", "destroy", "revoke_others", "update_atomically", "take"])
def test_without_a_key_each_change_is_flasks_error(name: str) -> None:
    app = flask.Flask("app")
    hipflask.HipFlask(app)
    with app.test_request_context(), pytest.raises(RuntimeError, match="no secret key was set"):
        assert dict(flask.session) == {}
        getattr(flask.session, name)("key", len)


@BOTH
def test_request_class_with_cookies_of_its_own_is_heard(side: str, clock: Clock) -> None:
    class Request(flask.Request):
        @property
        def cookies(self) -> Any:  # type: ignore[override]
            return {"session": self.headers.get("X-Session", "")}

    app = flask.Flask("app")
    app.secret_key = SECRET_KEY
    app.request_class = Request
    SIDES[side](app)
    app.add_url_rule("/", "count", count)
    signing = flask.sessions.SecureCookieSessionInterface().get_signing_serializer(app)
    assert signing is not None
    client = app.test_client()
    assert client.get("/", headers={"X-Session": signing.dumps({"n": 41})}).text == "42"
    assert client.get("/", headers={"X-Session": 'a"; \\é'}).text == "1"


class TagOrdered(JSONTag):
    key = " od"

    def check(self, value: Any) -> bool:
        return isinstance(value, collections.OrderedDict)

    def to_json(self, value: Any) -> Any:
        return list(value.items())


class TextSerializer(flask.json.tag.TaggedJSONSerializer):
    def dumps(self, value: Any) -> str:
        return repr(value)


def test_serializer_that_is_not_flasks_is_refused_whenever_it_comes() -> None:
    app = flask.Flask("app")
    app.secret_key = SECRET_KEY
    interface: Any = flask.sessions.SecureCookieSessionInterface()
    app.session_interface = interface
    for serializer in (TextSerializer(), json):
        interface.serializer = serializer
        with pytest.raises(hipflask.ConfigError, match="serializer"):
            hipflask.HipFlask(app)
    del interface.serializer
    hipflask.HipFlask(app)
    interface = app.session_interface
    with pytest.raises(hipflask.ConfigError, match="serializer"):
        interface.serializer.register(TagOrdered)
    with pytest.raises(hipflask.ConfigError, match="serializer"):
        interface.serializer = TextSerializer()


def test_second_installation_signs_as_the_first(clock: Clock) -> None:
    app = flask.Flask("app")
    app.secret_key = SECRET_KEY
    interface: Any = flask.sessions.SecureCookieSessionInterface()
    app.session_interface = interface
    interface.salt = "other"
    for _ in range(2):
        hipflask.HipFlask(app)
    app.add_url_rule("/", "count", count)
    client = app.test_client()
    client.set_cookie("session", interface.get_signing_serializer(app).dumps({"n": 41}))
    assert client.get("/").text == "42"


class Lasting(flask.sessions.SecureCookieSessionInterface):
    def open_session(self, *request: Any) -> Any:
        return super().open_session(*request)


class Unknown(flask.sessions.SessionInterface):
    pass


class OfFlaskSession(flask_session.base.ServerSideSessionInterface):
    """With a serializer of the app, as CKAN's."""

    def __init__(self) -> None:
        self.serializer = TextSerializer()  # type: ignore[assignment]

    def _retrieve_session_data(self, store_id: str) -> None:
        pass

    def _delete_session(self, store_id: str) -> None:
        pass

    def _upsert_session(self, lifetime: Any, session: Any, store_id: str) -> None:
        pass


REPLACED: dict[str, tuple[type[flask.sessions.SessionInterface], dict[str, Any], list[str]]] = {
    "flasks": (flask.sessions.SecureCookieSessionInterface, {}, []),
    "with_its_own_methods": (
        Lasting,
        {},
        ["Lasting has methods of its own, which are no longer called: open_session"],
    ),
    "unknown": (
        Unknown,
        {},
        ["Unknown has sessions of its own, which are not read: who is logged in has to log in again"],
    ),
    "serializer": (
        OfFlaskSession,
        {"SESSION_STORE": "memory:"},
        ["OfFlaskSession has a serializer of its own: set SESSION_SERIALIZATION_FORMAT to what it writes, such as tagged_json"],
    ),
    "known_format": (
        OfFlaskSession,
        {"SESSION_STORE": "memory:", "SESSION_SERIALIZATION_FORMAT": "tagged_json"},
        [],
    ),
    "taken_over": (Unknown, {"SESSION_STORE": "memory:", "SESSION_TAKE_OVER": "beaker"}, []),
}


@pytest.mark.parametrize("name", REPLACED)
def test_what_an_interface_has_done_and_nobody_does_now_is_told(name: str, caplog: pytest.LogCaptureFixture) -> None:
    interface, config, told = REPLACED[name]
    app = flask.Flask("app")
    app.secret_key = SECRET_KEY
    app.config.update(config)
    app.session_interface = interface()
    for _ in range(2):
        hipflask.HipFlask(app)
    assert [it.getMessage() for it in caplog.records if getattr(it, "reason", None) == "interface_replaced"] == told


def test_interface_that_is_set_afterwards_is_told(caplog: pytest.LogCaptureFixture) -> None:
    for later in (None, flask.sessions.SecureCookieSessionInterface):
        app = flask.Flask("app")
        app.secret_key = SECRET_KEY
        hipflask.HipFlask(app)
        if later is None:
            hipflask.HipFlask(app)
        else:
            app.session_interface = later()
        for _ in range(2):
            app.test_client().get("/")
    assert [it.getMessage() for it in caplog.records if getattr(it, "reason", None) == "interface_replaced"] == [
        "Hipflask does not serve the sessions of this app: SecureCookieSessionInterface was set after HipFlask(app)"
    ]


# --- weak keys ---------------------------------------------------------------------------------------------


def test_weak_key_fails_no_test_and_is_told_once_to_operators(caplog: pytest.LogCaptureFixture) -> None:
    def told() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        app = flask.Flask("app")
        app.config.update(SECRET_KEY="dev", SECRET_KEY_FALLBACKS=[SECRET_KEY, "test"])
        hipflask.HipFlask(app)
        app.testing = True
        client = app.test_client()
        client.get("/")
        assert told() == []
        app.testing = False
        client.get("/")
        client.get("/")
    assert [text.partition(":")[0] for text in told()] == ["SECRET_KEY", "SECRET_KEY_FALLBACKS, position 2"]
    assert "SESSION_REFUSE_WEAK_KEY" in told()[0]
    app.config["SESSION_REFUSE_WEAK_KEY"] = True
    assert client.get("/").status_code == 500


# --- the JSON of the app -----------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1


class ColoursToo(DefaultJSONProvider):
    sort_keys = False

    @staticmethod
    def default(value: Any) -> Any:
        return value.name if isinstance(value, Colour) else DefaultJSONProvider.default(value)


class Encoder(json.JSONEncoder):
    def default(self, value: Any) -> Any:
        return value.name if isinstance(value, Colour) else super().default(value)


class InAnEncoder(DefaultJSONProvider):
    def dumps(self, value: Any, **options: Any) -> str:
        return json.dumps(value, cls=Encoder, sort_keys=True, **options)


class OfOnesOwn(JSONProvider):
    def dumps(self, value: Any, **options: Any) -> str:
        return json.dumps(value, cls=Encoder, **options)

    def loads(self, text: str | bytes, **options: Any) -> Any:
        return json.loads(text, **options)


def fill_in_disorder() -> str:
    flask.session["z"] = "é\x7f\u2028\U0001f600\"\\\n"
    flask.session["a"] = {"y": 1, "b": {"d": (b"x", "ü"), "c": [{" t": "ß"}]}}
    flask.session["ä"] = {2: "two", 10: "ten"}
    return ""


def written(side: str, provider: type[JSONProvider], content: Any, **flags: bool) -> Any:
    app = flask.Flask("app")
    app.secret_key = SECRET_KEY
    app.json = provider(app)
    SIDES[side](app)
    for name, flag in flags.items():
        setattr(app.json, name, flag)
    app.add_url_rule("/", "view", content)
    app.add_url_rule("/all", "all", lambda: repr(dict(flask.session)))
    client = app.test_client()
    return [seen(client.get("/")), seen(client.get("/all"))]


@pytest.mark.parametrize("sort_keys", [True, False])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_cookie_is_written_as_the_apps_json_says(sort_keys: bool, ensure_ascii: bool, clock: Clock) -> None:
    answers = [
        written(side, DefaultJSONProvider, fill_in_disorder, sort_keys=sort_keys, ensure_ascii=ensure_ascii)
        for side in ("flask", "hipflask")
    ]
    assert answers[0][0]["set_cookie"]
    require_same(answers[1], answers[0])


@pytest.mark.parametrize("provider", [ColoursToo, InAnEncoder, OfOnesOwn])
def test_what_only_the_apps_json_can_write_is_written(provider: type[JSONProvider], clock: Clock) -> None:
    def view() -> str:
        flask.session["z"] = Colour.RED
        flask.session["a"] = [{"colours": [Colour.RED]}]
        return ""

    answers = [written(side, provider, view) for side in ("flask", "hipflask")]
    assert "RED" in answers[0][1]["body"]
    require_same(answers[1], answers[0])


def test_lone_surrogate_cannot_be_written_without_escapes(clock: Clock) -> None:
    def view() -> str:
        flask.session["a"] = "\ud800"
        return ""

    for side in ("flask", "hipflask"):
        assert written(side, DefaultJSONProvider, view, ensure_ascii=False)[0]["status"] == 500


@pytest.mark.parametrize("store", [None, "memory:"])
def test_setting_that_needs_a_store_is_never_silent(store: str | None, caplog: pytest.LogCaptureFixture) -> None:
    app = flask.Flask("signed")
    app.config.update(SECRET_KEY=SECRET_KEY, SESSION_IDLE_TIMEOUT=900)
    hipflask.HipFlask(app, store=store)
    assert caplog.messages == (
        [] if store else ["SESSION_IDLE_TIMEOUT has no effect: set SESSION_TYPE or SESSION_STORE"]
    )


@pytest.mark.parametrize("store", [None, "memory:"])
def test_revocations_beside_a_store_are_never_silent(store: str | None, caplog: pytest.LogCaptureFixture) -> None:
    app = flask.Flask("stored")
    app.config.update(SECRET_KEY=SECRET_KEY, SESSION_REVOCATIONS="memory:", SESSION_STORE_DEADLINE=1)
    hipflask.HipFlask(app, store=store)
    assert caplog.messages == (
        ["SESSION_REVOCATIONS has no effect: sessions lie in a store, where they are ended"] if store else []
    )
