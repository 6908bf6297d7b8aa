"""`flask.session` under HipFlask is used as Flask's own: as a dict, and as what extensions take it for."""

from __future__ import annotations

import collections
import copy
import json
import operator
import pickle
import random
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import flask
import pytest
from flask.sessions import SessionMixin
from flask.testing import FlaskClient

from clocks import Clock
from pairs import Pair, page, seen

START: dict[str, Any] = {"a": 1, "l": [1, {"d": {"k": [1]}}], "t": (1, 2), "s": "text", "n": None}


def set_attribute(session: Any) -> Any:
    session.note = "kept"
    return session.note


def assign_later(session: Any) -> Any:
    session |= {"later": 1}
    return session


def fail_to_hash(session: Any) -> Any:
    return hash(session)


def merged_from_the_left(session: Any) -> Any:
    other = {"z": 1, "a": 2}
    other |= session
    return other


# Each is the first thing that a request does with its session, be it the proxy or what stands behind it.
USES: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda s: None,
    "is dict": lambda s: isinstance(s, dict),
    "is mapping": lambda s: (isinstance(s, Mapping), isinstance(s, MutableMapping)),
    "is session": lambda s: isinstance(s, SessionMixin),
    "get": lambda s: s.get("a"),
    "get missing": lambda s: (s.get("zz"), s.get("zz", 5)),
    "item": lambda s: s["a"],
    "item missing": lambda s: s["zz"],
    "nested item": lambda s: s["l"][1]["d"]["k"][0],
    "in": lambda s: ("a" in s, "zz" in s),
    "len": len,
    "bool": bool,
    "not": operator.not_,
    "iter": list,
    "next": lambda s: next(iter(s)),
    "reversed": lambda s: list(reversed(s)),
    "sorted": sorted,
    "keys": lambda s: list(s.keys()),
    "keys as set": lambda s: s.keys() & {"a", "zz"},
    "values": lambda s: list(s.values()),
    "items": lambda s: list(s.items()),
    "dict": dict,
    "dict with more": lambda s: dict(s, more=1),
    "unpacked": lambda s: {**s},
    "unpacked as arguments": lambda s: (lambda **named: named)(**s),
    "star": lambda s: [*s],
    "updates a dict": lambda s: {"z": 1} | dict(s),
    "or": lambda s: s | {"o": 1},
    "or, type": lambda s: type(s | {"o": 1}) is dict,
    "or from the left": lambda s: {"z": 1, "a": 2} | s,
    "or with no dict": lambda s: s | 5,
    "ior of another": merged_from_the_left,
    "update of another": lambda s: (d := {"z": 1}, d.update(s))[0],
    "ior": assign_later,
    "==": lambda s: (s == START, s == {}, s != START, s == 5),
    "== from the left": lambda s: (START == s, {} == s, START != s),
    "== itself": lambda s: s == s,
    "<": lambda s: s < {},
    "hash": fail_to_hash,
    "bool of empty": lambda s: bool(s) and not {},
    "copy": lambda s: (s.copy(), type(s.copy()) is type(s)),
    "copy.copy": lambda s: dict(copy.copy(s)),
    "copy.deepcopy": lambda s: dict(copy.deepcopy(s)),
    "deep copy of the dict": lambda s: copy.deepcopy(dict(s)),
    "json": json.dumps,
    "json of the dict": lambda s: json.dumps(dict(s)),
    "json of flask": lambda s: flask.json.dumps(s),
    "tojson": lambda s: flask.render_template_string("{{ s|tojson }}", s=s),
    "jsonify": lambda s: flask.jsonify(s).get_data(as_text=True),
    "pickle of the dict": lambda s: pickle.loads(pickle.dumps(dict(s))),
    "chain": lambda s: dict(collections.ChainMap({"z": 1}, s)),
    "counter": lambda s: collections.Counter(dict.fromkeys(s, 1)),
    "ordered": lambda s: list(collections.OrderedDict(s)),
    "percent": lambda s: "%(a)s-%(s)s" % s,
    "format": lambda s: "{a}-{s}-{l[1]}".format(**s),
    "format map": lambda s: "{a}-{s}".format_map(s),
    "itemgetter": lambda s: operator.itemgetter("a", "s")(s),
    "length hint": operator.length_hint,
    "repr": repr,
    "str": str,
    "in f-string": lambda s: f"{s}",
    "template": lambda s: flask.render_template_string("{{ s.a }}{{ s.missing }}{{ s['l'][1].d.k }}", s=s),
    "set": lambda s: operator.setitem(s, "x", 1),
    "set equal": lambda s: operator.setitem(s, "a", 1),
    "set number": lambda s: operator.setitem(s, 5, 1),
    "set None": lambda s: operator.setitem(s, None, 1),
    "set unhashable": lambda s: operator.setitem(s, [], 1),
    "set unwritable": lambda s: operator.setitem(s, "x", {1, 2}),
    "set tuple": lambda s: operator.setitem(s, "x", (1, b"x")),
    "delete": lambda s: operator.delitem(s, "a"),
    "delete missing": lambda s: operator.delitem(s, "zz"),
    "pop": lambda s: s.pop("a"),
    "pop with default": lambda s: s.pop("a", 7),
    "pop missing": lambda s: s.pop("zz"),
    "pop missing with default": lambda s: s.pop("zz", 7),
    "pop by name": lambda s: s.pop(key="a"),
    "popitem": lambda s: s.popitem(),
    "setdefault": lambda s: s.setdefault("a", 9),
    "setdefault missing": lambda s: s.setdefault("x", 9),
    "setdefault without value": lambda s: s.setdefault("x"),
    "setdefault number": lambda s: s.setdefault(5, 9),
    "update": lambda s: s.update({"x": 1}),
    "update nothing": lambda s: s.update(),
    "update with nothing": lambda s: s.update({}),
    "update by name": lambda s: s.update(x=1, y=2),
    "update with both": lambda s: s.update({"x": 1}, x=2),
    "update with pairs": lambda s: s.update([("x", 1), ("y", 2)]),
    "update with itself": lambda s: s.update(s),
    "update with numbers": lambda s: s.update({5: 1}),
    "update with no dict": lambda s: s.update(5),
    "update half": lambda s: s.update([("x", 1), 5]),
    "clear": lambda s: s.clear(),
    "clear and set": lambda s: (s.clear(), operator.setitem(s, "x", 1)),
    "changes while iterating": lambda s: [s.pop(key) for key in s],
    "fromkeys": lambda s: dict(s.fromkeys(["x"], 1)),
    "attribute": set_attribute,
    "missing attribute": lambda s: s.missing_attribute,
    "modified": lambda s: s.modified,
    "accessed": lambda s: s.accessed,
    "permanent": lambda s: s.permanent,
    "set permanent": lambda s: setattr(s, "permanent", True),
    "unset permanent": lambda s: setattr(s, "permanent", False),
    "set modified": lambda s: setattr(s, "modified", True),
    "set and take back": lambda s: (operator.setitem(s, "x", 1), setattr(s, "modified", False)),
    "take back and set": lambda s: (setattr(s, "modified", False), operator.setitem(s, "x", 1)),
    "nested and told": lambda s: (s["l"][1]["d"]["k"].append(2), setattr(s, "modified", True)),
    "nested and taken back": lambda s: (s["l"].append(2), setattr(s, "modified", False)),
    "nested and another key": lambda s: (s["l"].append(2), operator.setitem(s, "x", 1)),
    "moved to the end": lambda s: operator.setitem(s, "a", s.pop("a")),
}

# Flask sorts the keys before it writes them as strings, which fails if only some of them are strings: an
# error 500. HipFlask writes them as strings and sorts those.
MIXED_KEYS = {"set number", "set None", "setdefault number", "update with numbers"}


STARTS: dict[str, dict[str, Any]] = {"full": START, "empty": {}, "permanent": {**START, "_permanent": True}}


@pytest.mark.parametrize("use", USES)
def test_use_of_session_ends_as_in_flask(use: str, pair: Pair, clock: Clock) -> None:
    if pair.is_hipflask and use in MIXED_KEYS:
        with pytest.raises(AssertionError):
            compare_use(use, pair)
    else:
        compare_use(use, pair)


def compare_use(use: str, pair: Pair) -> None:
    facts: list[Any] = []

    def build(app: flask.Flask) -> None:
        @app.route("/<what>")
        def view(what: str) -> str:
            session = current(what)
            returned = outcome(use, session)
            state = [repr(sorted(map(repr, session.items()))), session.modified, session.permanent]
            facts.append([returned, list(session), *state])
            return ""

        @app.route("/start/<name>")
        def start(name: str) -> str:
            flask.session.update(copy.deepcopy(STARTS[name]))
            return ""

    def visit(client: FlaskClient) -> Any:
        facts.clear()
        answers = []
        for what in ("proxy", "object"):
            for name in STARTS:
                client.delete_cookie("session")
                answers += [seen(client.get(path)) for path in (f"/start/{name}", f"/{what}", f"/{what}")]
        return answers, facts[:]

    pair.compare(build, visit)


def current(what: str) -> Any:
    """Returns the session as views have it, or what stands behind that."""
    proxy: Any = flask.session
    return proxy if what == "proxy" else proxy._get_current_object()


def outcome(use: str, session: Any) -> str:
    """Uses a session and returns what that returns or raises, whatever the type of the session is called."""
    try:
        shown = repr(USES[use](session))
    except Exception as error:
        shown = f"{type(error).__name__}: {error}"
    return re.sub(r"\b(hipflask\.session\.|flask\.sessions\.)?(SecureCookie)?Session\b", "Session", shown)


def test_untouched_session_costs_no_header(pair: Pair) -> None:
    def build(app: flask.Flask) -> None:
        app.add_url_rule("/", "index", lambda: flask.render_template("plain.html"))
        app.add_url_rule("/set", "set", lambda: operator.setitem(flask.session, "a", 1) or "")

    def visit(client: FlaskClient) -> Any:
        client.get("/set")
        response = client.get("/")
        assert not response.headers.getlist("Set-Cookie") and "Cookie" not in response.headers.get("Vary", "")
        return seen(response)

    pair.compare(build, visit)


NESTED: dict[str, Callable[[Any], Any]] = {
    "list": lambda s: s["l"].append(2),
    "dict in list": lambda s: s["l"][1].update(x=1),
    "dict in dict in list": lambda s: s["l"][1]["d"].pop("k"),
    "list in dict in dict in list": lambda s: s["l"][1]["d"]["k"].append(2),
    "sorted list": lambda s: s["l"].sort(key=str, reverse=True),
    "through get": lambda s: s.get("l").clear(),
    "through setdefault": lambda s: s.setdefault("l", []).append(3),
    "through values": lambda s: [value.append(4) for value in s.values() if isinstance(value, list)],
    "through a copy": lambda s: s.copy()["l"].append(5),
    "before and after a read": lambda s: (s["l"].append(6), s.get("a"), s["l"].append(7)),
    "an equal number of another kind": lambda s: operator.setitem(s["l"], 0, True),
    "an equal float": lambda s: operator.setitem(s["l"][1]["d"]["k"], 0, 1.0),
    "the last item of two": lambda s: operator.setitem(s["l"], 1, None),
    "as many others": lambda s: operator.setitem(s["l"], slice(None), [3, 4]),
    "the same value under another key": lambda s: s["l"][1].update(e=s["l"][1].pop("d")),
    "one dict in the place of another": lambda s: operator.setitem(s["l"], 1, {"d": {"k": [2]}}),
}

#: What comes to the same as not to change anything.
IDLE: dict[str, Callable[[Any], Any]] = {
    "an equal list": lambda s: operator.setitem(s["l"], 1, copy.deepcopy(s["l"][1])),
    "there and back": lambda s: (s["l"].append(2), s["l"].pop()),
    "another dict that is equal": lambda s: s["l"][1].update(d={"k": [1]}),
}


@pytest.mark.parametrize("change", NESTED)
@pytest.mark.parametrize("what", ["proxy", "object"])
def test_nested_change_is_saved_as_flask_does_when_told(
    change: str, what: str, clock: Clock, tmp_path: Any
) -> None:
    pair = Pair("flask", "hipflask", tmp_path)

    def build(tell: bool) -> Callable[[flask.Flask], None]:
        def add_views(app: flask.Flask) -> None:
            @app.route("/")
            def view() -> str:
                session = current(what)
                NESTED[change](session)
                if tell:
                    session.modified = True
                return ""

            @app.route("/all")
            def everything() -> str:
                return repr(dict(flask.session))

            app.add_url_rule("/start", "start", lambda: flask.session.update(copy.deepcopy(START)) or "")

        return add_views

    def visit(client: FlaskClient) -> Any:
        client.get("/start")
        return seen(client.get("/")), seen(client.get("/all"))

    told = pair.run("flask", build(tell=True), visit)
    assert pair.run("hipflask", build(tell=False), visit) == told
    untold = pair.run("flask", build(tell=False), visit)
    assert untold != told


@pytest.mark.parametrize("change", IDLE)
def test_nested_change_back_to_what_was_is_none(change: str, clock: Clock, tmp_path: Any) -> None:
    def build(app: flask.Flask) -> None:
        app.add_url_rule("/start", "start", lambda: flask.session.update(copy.deepcopy(START)) or "")
        app.add_url_rule("/", "index", lambda: str(IDLE[change](flask.session)))

    client = Pair("flask", "hipflask", tmp_path).app("hipflask", build).test_client()
    client.get("/start")
    assert client.get("/").headers.getlist("Set-Cookie") == []


def test_nested_change_in_session_transaction_is_saved(clock: Clock, tmp_path: Any) -> None:
    client = Pair("flask", "hipflask", tmp_path).app("hipflask").test_client()
    with client.session_transaction() as session:
        session["l"] = [{"d": []}]
    with client.session_transaction() as session:
        session["l"][0]["d"].append(1)
    with client.session_transaction() as session:
        assert session["l"] == [{"d": [1]}]


#: Values that hold nothing, alone and in a row, between those that hold others.
MIXED = [1, 2, {"a": [3, 4], "b": 5}, 6, [], (7, [8], 9), "ten", [[11, 12], 13], 14, 15]

IN_A_LIST: dict[str, Callable[[list[Any], int], Any]] = {
    "another": lambda items, at: operator.setitem(items, at, "other"),
    "one less": lambda items, at: items.pop(at),
    "one more": lambda items, at: items.insert(at, 16),
    "two for one": lambda items, at: operator.setitem(items, slice(at, at + 1), [None, None]),
    "exchanged with the first": lambda items, at: items.insert(0, items.pop(at)) if at else items.append(17),
    "all from there on": lambda items, at: operator.delitem(items, slice(at, None)),
}


@pytest.mark.parametrize("change", IN_A_LIST)
def test_change_anywhere_in_a_mixed_list_is_saved(change: str, clock: Clock, tmp_path: Any) -> None:
    client = Pair("flask", "hipflask", tmp_path).app("hipflask").test_client()
    for at in range(len(MIXED)):
        with client.session_transaction() as session:
            session["l"] = copy.deepcopy(MIXED)
        with client.session_transaction() as session:
            assert session["l"] == MIXED and not session.modified
            IN_A_LIST[change](session["l"], at)
            changed = copy.deepcopy(session["l"])
            assert changed != MIXED and session.modified
        with client.session_transaction() as session:
            assert session["l"] == changed


def test_read_of_nested_values_is_no_change(clock: Clock, tmp_path: Any) -> None:
    def build(app: flask.Flask) -> None:
        app.add_url_rule("/start", "start", lambda: flask.session.update(copy.deepcopy(START)) or "")
        app.add_url_rule("/", "index", lambda: str(flask.session["l"][1]["d"]["k"]))

    client = Pair("flask", "hipflask", tmp_path).app("hipflask", build).test_client()
    client.get("/start")
    assert client.get("/").headers.getlist("Set-Cookie") == []


@pytest.mark.parametrize("seed", range(40))
def test_random_uses_end_as_in_flask(seed: int, pair: Pair, clock: Clock) -> None:
    told = {"nested and told", "set modified"}
    harmless = [use for use in USES if use != "set unwritable" and use not in MIXED_KEYS]
    facts: list[Any] = []

    def build(app: flask.Flask) -> None:
        @app.route("/<int:number>")
        def view(number: int) -> str:
            chance = random.Random(f"{seed}/{number}")
            for use in chance.choices(harmless, k=chance.randrange(0, 6)):
                # A change that Flask is not told of is the difference that another test shows.
                if use.startswith("nested") and use not in told:
                    continue
                session = current(chance.choice(["proxy", "object"]))
                facts.append([use, outcome(use, session), session.modified])
            return ""

        app.add_url_rule("/start", "start", lambda: flask.session.update(copy.deepcopy(START)) or "")

    def visit(client: FlaskClient) -> Any:
        facts.clear()
        clock.set(1763692800)
        answers = [seen(client.get("/start"))]
        for number in range(12):
            clock.advance(0.4)
            answers.append(seen(client.get(f"/{number}")))
        return answers, facts[:]

    pair.compare(build, visit)


def test_template_reads_session_as_in_flask(pair: Pair, clock: Clock) -> None:
    def build(app: flask.Flask) -> None:
        @app.route("/start")
        def start() -> str:
            flask.session.update(foo="<b>", bar={"deep": [1, 2]})
            flask.flash("saved", "info")
            flask.flash("<i>")
            return ""

        app.add_url_rule("/", "index", lambda: flask.render_template("session.html"))
        app.add_url_rule("/plain", "plain", lambda: flask.render_template("plain.html"))

    def visit(client: FlaskClient) -> Any:
        return [seen(client.get(path)) for path in ("/", "/start", "/plain", "/", "/", "/plain")]

    answers = pair.compare(build, visit)
    assert "info-saved;message-&lt;i&gt;;" in answers[3]["body"]


def test_stored_session_reads_back_as_in_flask_session(stored_pair: Pair) -> None:
    def build(app: flask.Flask) -> None:
        @app.route("/start")
        def start() -> str:
            flask.session.update(foo="<b>", bar={"deep": [1, (2, 3)]}, raw=b"x")
            flask.flash("saved", "info")
            return ""

        @app.route("/")
        def index() -> str:
            flask.session.pop("raw", None)  # which JSON cannot say
            return flask.render_template("session.html")

        app.add_url_rule("/all", "all", lambda: repr(sorted(flask.session.items())))
        app.add_url_rule("/clear", "clear", lambda: flask.session.clear() or "")

    def visit(client: FlaskClient) -> Any:
        return [page(client.get(path)) for path in ("/", "/start", "/all", "/", "/all", "/clear", "/all")]

    stored_pair.compare(build, visit)
