"""Server-side sessions: Flask-Session, HipFlask in its place and the Rust side take turns on one cookie, over every store.

`pytest interop/test_stores.py -k flask-flask` has Flask on both sides, which checks this file and the servers. The side
that is named first also starts first, on an empty store: it makes the tables that the other one finds.
"""

import contextlib
import email.utils
import json
import pickle
import time

import pytest
from records import READERS
from servers import running
from stores import STORES
from visits import Guest, ask

PAIRS = [("flask", "flask"), ("flask", "rust"), ("rust", "flask"), ("flask", "python"), ("python", "flask")]
# Name: store, and settings in Flask's own words.
VARIANTS = {name: (name, {}) for name in STORES} | {
    "redis-json": ("redis", {"FLASK_SESSION_SERIALIZATION_FORMAT": "json"}),
    "redis-signed": ("redis", {"FLASK_SESSION_USE_SIGNER": "true"}),
    "redis-prefix": ("redis", {"FLASK_SESSION_KEY_PREFIX": "other-app/", "FLASK_SESSION_ID_LENGTH": "16"}),
    "sqlite-json": ("sqlite", {"FLASK_SESSION_SERIALIZATION_FORMAT": "json"}),
}
# The adapter for actix-web knows nothing of stores: one in memory of a server and one in a file are enough for it.
CASES = [(pair, variant) for pair in PAIRS for variant in VARIANTS]
CASES += [(("flask", "actix"), variant) for variant in ("redis-signed", "sqlite")]
FORMATS = {"filesystem": "pickle", "redis-json": "json", "sqlite-json": "json"}  # all others: msgpack

LIFETIME = 31 * 86400  # Flask's default, in seconds

# Values in Flask's tagged JSON, and what comes back where the format has no such type.
SAME = [
    *("null", "true", "false", "0", "-1", "127", "128", "-33", "65536", "9007199254740993", "9223372036854775807"),
    *("-9223372036854775808", "18446744073709551615", "0.0", "1.0", "-1.5", "0.1", "1e+16", "1e-07", "5e-324"),
    *('""', '"42"', '"true"', '"line\\nfeed \\u0001 \\"quoted\\" \\\\"', '"\\u017elu\\u0165 \\ud83d\\udc22"'),
    *("[]", "{}", '[1,[2,[3]],{"deep":[null]}]', '{"":1,"a":{"b":{"c":[true]}}}', f'"{"long " * 200}"'),
    json.dumps(list(range(20)), separators=(",", ":")),
]
UUID = "12345678-1234-5678-9abc-def012345678"
TAGGED = [
    ('{" b":"AAH/"}', {"json": '"AAH/"'}),
    ('{" t":[1,{" t":[]}]}', {"json": "[1,[]]", "msgpack": "[1,[]]"}),
    ('{" d":"Thu, 29 Feb 2024 12:34:56 GMT"}', {"json": '"2024-02-29T12:34:56Z"'}),
    ('{" d":"Fri, 13 Dec 1901 20:45:52 GMT"}', {"json": '"1901-12-13T20:45:52Z"'}),
    (f'{{" u":"{UUID.replace("-", "")}"}}', {"json": f'"{UUID}"', "msgpack": f'"{UUID}"'}),
]
MARKUP = ('{" m":"<b>bold</b>"}', {})  # refused by msgspec, so by Flask-Session


def values(variant):
    """Returns pairs of what is set and what is read, as tagged JSON."""
    kept_as = FORMATS.get(variant, "msgpack")
    tagged = [*TAGGED, MARKUP] if kept_as == "pickle" else TAGGED
    return [(value, value) for value in SAME] + [(value, read.get(kept_as, value)) for value, read in tagged]


class Sides:
    """Two apps over one store."""

    def __init__(self, pair, variant, store, ports):
        self.pair = pair
        self.variant = variant
        self.store = store
        self.ports = ports

    def record(self, guest):
        """Returns the session as its store has it: the bytes, and when they expire."""
        name, settings = VARIANTS[self.variant]
        key = settings.get("FLASK_SESSION_KEY_PREFIX", "session:") + guest.session_id.split(".")[0]
        return READERS[name](self.store, key)

    def in_turn(self, first):
        """Yields the ports for ever, one after the other."""
        turn = first
        while True:
            yield self.ports[turn % 2]
            turn += 1


@pytest.fixture(scope="module", params=CASES, ids=["-".join([*pair, variant]) for pair, variant in CASES])
def sides(request):
    pair, variant = request.param
    store, settings = VARIANTS[variant]
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(STORES[store]())
        settings = settings | store.env
        ports = [stack.enter_context(running(kind, "stored", sessions=store.url, settings=settings)) for kind in pair]
        yield Sides(pair, variant, store, ports)


either_first = pytest.mark.parametrize("first", [0, 1])


def everything(guest, port):
    """Returns the session as one side sees it; `_permanent` has a test of its own."""
    session = json.loads(guest.get(port, "/all"))
    session.pop("_permanent", None)
    return session


@either_first
def test_values_set_by_one_side_are_read_by_the_other(sides, first):
    writer, reader = sides.ports[first], sides.ports[1 - first]
    guest, expected = Guest(), {}
    for index, (value, read) in enumerate(values(sides.variant)):
        guest.get(writer, "/set", k=f"k{index}", v=value)
        expected[f"k{index}"] = read
    for port in (reader, writer):
        session = json.loads(guest.get(port, "/all"), parse_float=repr)
        for key, read in expected.items():
            assert session[key] == json.loads(read, parse_float=repr), read
        assert session.keys() - {"_permanent"} == expected.keys()


@either_first
def test_sides_change_one_session_in_turn(sides, first):
    guest, turns = Guest(), sides.in_turn(first)
    for number in range(6):
        guest.get(next(turns), "/set", k=f"key{number}", v=f"value {number}")
        guest.get(next(turns), "/append", k="list", v=f"item {number}")
        guest.get(next(turns), "/set", k="last", v=str(number))
    expected = {f"key{number}": f"value {number}" for number in range(6)}
    expected |= {"list": [f"item {number}" for number in range(6)], "last": 5}
    for port in sides.ports:
        assert everything(guest, port) == expected
        assert guest.get(port, "/get", k="key3") == "value 3"
        assert guest.get(port, "/get", k="absent") == "-"


@either_first
def test_messages_flashed_by_one_side_are_taken_by_the_other(sides, first):
    guest, turns = Guest(), sides.in_turn(first)
    messages = ["saved", "žluť 🐢", ""]
    for message in messages:
        guest.get(next(turns), "/flash", m=message)
    assert json.loads(guest.get(next(turns), "/flashes")) == messages
    for port in sides.ports:
        assert json.loads(guest.get(port, "/flashes")) == []


@either_first
def test_login_at_one_side_renews_the_id_for_both(sides, first):
    here, there = sides.ports[first], sides.ports[1 - first]
    guest = Guest()
    guest.get(there, "/set", k="cart", v="tea")
    planted, session_id = guest.cookie, guest.session_id
    guest.get(here, "/login", user="alice")
    assert guest.session_id != session_id
    for port in (there, here):
        assert ask(port, "/all", planted).text in ('{"_permanent":true}', "{}")
        assert everything(guest, port) == {"cart": "tea", "user": "alice"}
        assert guest.get(port, "/read") == "alice"


@either_first
def test_logout_at_one_side_ends_the_session_of_both(sides, first):
    here, there = sides.ports[first], sides.ports[1 - first]
    guest = Guest()
    guest.get(there, "/login", user="alice")
    old = guest.cookie
    guest.get(here, "/logout")
    assert guest.cookie == ""
    for port in (there, here):
        assert ask(port, "/read", old).text == "-"


@either_first
def test_neither_side_adopts_an_id_that_it_did_not_issue(sides, first):
    here, there = sides.ports[first], sides.ports[1 - first]
    guest = Guest()
    guest.jar.cookies["session"] = "chosen-by-the-client-and-never-issued-by-us"
    planted = guest.cookie
    guest.get(here, "/set", k="user", v="alice")
    assert guest.cookie != planted
    assert ask(there, "/read", planted).text == "-"
    assert guest.get(there, "/read") == "alice"


def test_sides_write_the_same_record(sides):
    records = []
    for port in sides.ports:
        guest = Guest()
        for index, (value, _read) in enumerate(values(sides.variant)):
            guest.get(port, "/set", k=f"k{index}", v=value)
        data, expires = sides.record(guest)
        # A pickle has many spellings; the order of the keys counts as in the other formats.
        records.append(list(pickle.loads(data).items()) if FORMATS.get(sides.variant) == "pickle" else data)
        assert abs(expires - time.time() - LIFETIME) < 10
    assert records[0] == records[1]


def test_sides_send_the_same_cookie(sides):
    signature = len(".") + 27 if sides.variant == "redis-signed" else 0
    length = (22 if sides.variant == "redis-prefix" else 43) + signature
    for kind, port in zip(sides.pair, sides.ports):
        guest = Guest()
        [set_cookie] = ask(port, "/set", k="a", v="b").set_cookies
        guest.jar.keep(set_cookie)
        value, expires, *attributes = set_cookie.split("; ")
        assert (len(value), attributes) == (len("session=") + length, ["HttpOnly", "Path=/"])
        left = email.utils.parsedate_to_datetime(expires.removeprefix("Expires=")).timestamp() - time.time()
        assert abs(left - LIFETIME) < 10
        [deletion] = ask(port, "/logout", guest.cookie).set_cookies
        # Some browsers delete only what has the same attributes, so our sides send all of them.
        http_only = "" if kind == "flask" else " HttpOnly;"
        assert deletion == f"session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0;{http_only} Path=/"


def test_sessions_are_permanent_from_the_start(sides):
    for port in sides.ports:
        guest = Guest()
        guest.get(port, "/set", k="a", v="b")
        for reader in sides.ports:
            assert json.loads(guest.get(reader, "/all")) == {"_permanent": True, "a": "b"}


# Not Flask-Session's format: its sessions are read until a date, and our two sides share what they have encrypted.
ENCRYPTED = {"FLASK_SESSION_ENCRYPTION": "true"}
UNTIL = {"FLASK_SESSION_ENCRYPTION_ACCEPT_PLAIN_UNTIL": "2099-01-01"}


@pytest.fixture(scope="module")
def encrypting():
    """A Redis, and ports: Flask-Session's, and those of both of our sides that encrypt, by a new key or an old one."""
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(STORES["redis"]())

        def start(kind, **settings):
            return stack.enter_context(running(kind, "stored", sessions=store.url, settings=settings | store.env))

        yield store, {
            "flask": start("flask"),
            **{kind: start(kind, **ENCRYPTED, **UNTIL) for kind in ("rust", "python")},
            **{f"late {kind}": start(kind, **ENCRYPTED) for kind in ("rust", "python")},
        }


@pytest.mark.parametrize(("first", "second"), [("rust", "python"), ("python", "rust")])
def test_encrypted_records_are_shared_by_rust_and_python(encrypting, first, second):
    store, ports = encrypting
    guest = Guest()
    for kind in (first, second, first):
        guest.get(ports[kind], "/append", k="list", v=f"secret of {kind}")
    guest.get(ports[second], "/login", user="ada-lovelace")
    for kind in (first, second, "late rust", "late python"):
        assert everything(guest, ports[kind]) == {
            "list": [f"secret of {each}" for each in (first, second, first)],
            "user": "ada-lovelace",
        }
    data, _ = READERS["redis"](store, f"session:{guest.session_id}")
    assert data.startswith(b"\xc1\x01") and b"secret" not in data and b"ada" not in data
    guest.get(ports[second], "/logout")
    assert ask(ports[first], "/read", guest.cookie).text == "-"


@pytest.mark.parametrize("kind", ["rust", "python"])
def test_encryption_is_switched_on_without_a_log_out(encrypting, kind):
    store, ports = encrypting
    guest = Guest()
    guest.get(ports["flask"], "/login", user="ada-lovelace")
    assert b"ada" in READERS["redis"](store, f"session:{guest.session_id}")[0]
    assert ask(ports[f"late {kind}"], "/read", guest.cookie).text == "-"
    assert guest.get(ports[kind], "/read") == "ada-lovelace"
    guest.get(ports[kind], "/set", k="more", v="1")
    assert b"ada" not in READERS["redis"](store, f"session:{guest.session_id}")[0]
    for each in ("rust", "python", "late rust", "late python"):
        assert guest.get(ports[each], "/read") == "ada-lovelace"
