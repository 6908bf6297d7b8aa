"""Pickled records of the real Flask-Session are read by a reader that runs nothing."""

from __future__ import annotations

import collections
import datetime
import enum
import http
import logging
import pickle
import zoneinfo
from pathlib import Path
from typing import Any, NamedTuple

import bson.tz_util
import dateutil.tz
import psycopg2.tz
import pytest
import pytz
import werkzeug.datastructures as werkzeug
from cachelib import FileSystemCache
from flask import Flask, session
from flask_session import Session
from hipflask import HipFlask
from markupsafe import Markup


class Colour(str, enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Point(NamedTuple):
    x: int
    y: Any


class Cart(dict):  # type: ignore[type-arg]
    """A dict of the app's own."""


class Names(list):  # type: ignore[type-arg]
    """A list of the app's own."""


class Name(str):
    """A text of the app's own."""


class Visitor:
    def __init__(self) -> None:
        self.secret = "of the visitor"


PRAGUE = "Europe/Prague"
SHOWN = datetime.datetime(2024, 7, 1, 12, 30, 15, 7)


def of_pytz(name: str) -> datetime.datetime:
    return pytz.timezone(name).localize(SHOWN)


HELD: dict[str, tuple[Any, Any]] = {
    "counter": (collections.Counter("aab"), {"a": 2, "b": 1}),
    "default dict": (collections.defaultdict(list, a=[1]), {"a": [1]}),
    "ordered dict": (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    "deque": (collections.deque([1, 2]), [1, 2]),
    "deque with a length": (collections.deque([1, 2], 5), [1, 2]),
    "set": ({7}, [7]),
    "frozen set": (frozenset("a"), ["a"]),
    "MultiDict": (werkzeug.MultiDict([("a", "1"), ("b", "2"), ("a", "3")]), {"a": ["1", "3"], "b": ["2"]}),
    "ImmutableMultiDict": (werkzeug.ImmutableMultiDict([("a", "1"), ("a", "3")]), {"a": ["1", "3"]}),
    "CombinedMultiDict": (
        werkzeug.CombinedMultiDict([werkzeug.MultiDict({"a": "1"}), werkzeug.MultiDict([("a", "2"), ("b", "3")])]),
        {"a": ["1", "2"], "b": ["3"]},
    ),
    "ImmutableDict": (werkzeug.ImmutableDict(a=1), {"a": 1}),
    "TypeConversionDict": (werkzeug.TypeConversionDict(a=1), {"a": 1}),
    "Headers": (werkzeug.Headers([("a", "b"), ("a", "c")]), [("a", "b"), ("a", "c")]),
    "text enum": (Colour.RED, "red"),
    "int enum": (Number.ONE, 1),
    "http status": (http.HTTPStatus.NOT_FOUND, 404),
    "named tuple": (Point(1, ["a"]), (1, ["a"])),
    "dict of the app": (Cart(tea=1, milk=Cart(n=2)), {"tea": 1, "milk": {"n": 2}}),
    "list of the app": (Names(["a", "b"]), ["a", "b"]),
    "text of the app": (Name("ada"), "ada"),
    "markup": (Markup("<b>"), Markup("<b>")),
    "enum in a list": ([Colour.RED, {"n": Number.ONE}], ["red", {"n": 1}]),
}
TIMES: dict[str, datetime.datetime] = {
    "timezone.utc": SHOWN.replace(tzinfo=datetime.timezone.utc),
    "timezone with a name": SHOWN.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=-5), "-0500")),
    "zoneinfo in summer": SHOWN.replace(tzinfo=zoneinfo.ZoneInfo(PRAGUE)),
    "zoneinfo in winter": SHOWN.replace(month=1, tzinfo=zoneinfo.ZoneInfo(PRAGUE)),
    "zoneinfo, the first of two": datetime.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo(PRAGUE)),
    "zoneinfo, the second of two": datetime.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo(PRAGUE)),
    "zoneinfo, skipped": datetime.datetime(2024, 3, 31, 2, 30, tzinfo=zoneinfo.ZoneInfo(PRAGUE)),
    "zoneinfo, skipped, fold": datetime.datetime(2024, 3, 31, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo(PRAGUE)),
    "zoneinfo UTC": SHOWN.replace(tzinfo=zoneinfo.ZoneInfo("UTC")),
    "pytz in summer": of_pytz(PRAGUE),
    "pytz fixed": of_pytz("Etc/GMT-5"),
    "pytz local mean time": SHOWN.replace(tzinfo=pytz.timezone(PRAGUE)),
    "pytz.utc": SHOWN.replace(tzinfo=pytz.utc),
    "pytz.FixedOffset": SHOWN.replace(tzinfo=pytz.FixedOffset(330)),
    "dateutil tzutc": SHOWN.replace(tzinfo=dateutil.tz.UTC),
    "dateutil tzoffset": SHOWN.replace(tzinfo=dateutil.tz.tzoffset("x", -3600)),
    "dateutil gettz": SHOWN.replace(tzinfo=dateutil.tz.gettz(PRAGUE)),
    "psycopg2": SHOWN.replace(tzinfo=psycopg2.tz.FixedOffsetTimezone(offset=datetime.timedelta(minutes=-90))),
    "bson": SHOWN.replace(tzinfo=bson.tz_util.FixedOffset(90, "x")),
}


class Files:
    """One folder of session files, and an app of each side over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "sessions"
        self.cookie = {"Cookie": "session="}
        self.value: Any = None

    def app(self, by_hipflask: bool) -> Flask:
        app = Flask("pickles")
        app.secret_key = "9f3c6a52be0d47c1886d1f7a0cb35e24"
        cache = FileSystemCache(str(self.folder), threshold=500)
        app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)
        (HipFlask if by_hipflask else Session)(app)  # type: ignore[operator]

        @app.route("/set")
        def put() -> str:
            session["value"] = self.value
            return "set"

        @app.route("/get")
        def get() -> str:
            self.value = session.get("value", "lost")
            return str(session.reason)  # type: ignore[attr-defined]

        return app

    def carry_over(self, value: Any) -> tuple[str, Any]:
        """Stores a value with Flask-Session, and returns what HipFlask reads and why."""
        self.value = value
        response = self.app(False).test_client().get("/set")
        self.cookie = {"Cookie": response.headers["Set-Cookie"].split(";")[0]}
        return self.app(True).test_client(use_cookies=False).get("/get", headers=self.cookie).text, self.value


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", HELD)
def test_what_flask_session_has_pickled_becomes_what_it_holds(kind: str, files: Files) -> None:
    value, expected = HELD[kind]
    reason, read = files.carry_over(value)
    assert (reason, read) == ("found", expected)
    assert type(read) is type(expected)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", TIMES)
def test_pickled_times_keep_their_instant_in_each_package_of_zones(kind: str, files: Files) -> None:
    reason, read = files.carry_over(TIMES[kind])
    assert (reason, read) == ("found", TIMES[kind].astimezone(datetime.timezone.utc))


@pytest.mark.filterwarnings("ignore")
def test_what_is_refused_names_its_class_and_nothing_of_it(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hipflask"):
        reason, read = files.carry_over({"who": Visitor()})
    assert (reason, read) == ("corrupt_record", "lost")
    assert f"{__name__}.Visitor" in caplog.text
    assert "of the visitor" not in caplog.text and "who" not in caplog.text.replace("whose", "")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.filterwarnings("ignore")
def test_every_protocol_is_read(protocol: int, files: Files) -> None:
    files.carry_over("first")
    (path,) = (path for path in files.folder.iterdir() if path.is_file() and b"value" in path.read_bytes())
    values = {"times": list(TIMES.values()), "held": {kind: value for kind, (value, _) in HELD.items()}}
    if protocol < 2:
        # These hold sets and deques as other programs; nobody has written them since Python 3 came.
        values["held"] = {}
    path.write_bytes(path.read_bytes()[:4] + pickle.dumps({"value": values}, protocol))
    client = files.app(True).test_client(use_cookies=False)
    assert client.get("/get", headers=files.cookie).text == "found"
    # Before protocol 4, Python itself forgets which of two hours is meant.
    times = pickle.loads(pickle.dumps(list(TIMES.values()), protocol))
    assert files.value["times"] == [time.astimezone(datetime.timezone.utc) for time in times]
    for kind, read in files.value["held"].items():
        assert read == HELD[kind][1], kind
