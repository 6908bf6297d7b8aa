"""Requests against Flask-Session's recorded answers, over files: what the client sees, and what is stored."""

from __future__ import annotations

import json
import pickle
import re
import struct
import warnings
from pathlib import Path
from typing import Any

import freezegun.api
import pytest
from cachelib.file import FileSystemCache
from werkzeug.http import parse_cookie

from clocks import Clock
from itsdangerous import Signer
from notation import read
from sides import SIDES
from test_lifecycle import make_app, send
from vectors import Differences, Row, assert_same, check_all, rows

DIFFERENCES = {
    "flask_session": Differences(),
    "hipflask": Differences()
    .add(
        [871, 872, 879, 880, 887, 888, 956, 957, 964, 965, 972, 973, 1102, 1103],
        "a blank record that is only read lives longer, too: extending does not look into it",
    )
    .add(
        [943, 944, 953, 954, 955, 977, 978, 980, 1092],
        "a record without its last key stays for a minute, blank: another request may add to it",
    )
    .add(
        [1023, 1024, 1031, 1032, 1039, 1040], "a record that was blank and stays blank is not deleted either"
    )
    .add(
        [1182, 1183, 1185, 1186], "a record that has more life left than reading would give it is left alone"
    )
    .add([*range(1187, 1190), *range(1193, 1196)], "a lifetime of 1.5 seconds is not cut to one")
    .add(
        [1242, 1245, *range(1247, 1250), *range(1253, 1256)],
        "SESSION_COOKIE_PARTITIONED is no longer ignored",
    )
    .add([1264], "an id that a fallback key has signed is accepted")
    .add([1272, 1273], "a renewal after `clear` takes effect, too: no session fixation")
    .add(range(1289, 1292), "`modified = False` keeps a change from being saved")
    .add([1295, 1296, 1297], "what cannot be an id never reaches the store"),
}
INITIAL_LIFE = 60  # seconds that the records have left before each request: few, so that reading extends them


@pytest.mark.parametrize("side", ["flask_session", "hipflask"])
def test_stored_request_ends_as_in_flask_session(side: str, clock: Clock, tmp_path: Path) -> None:
    [initial] = rows("server_side", "flask_session_store")
    records = {key: read(content) for key, content in initial["store"].items()}

    def check(row: Row) -> None:
        clock.set(row["now"])
        folder = tmp_path / str(row["id"])
        expected = {"status": row["status"], "vary": row["vary"], "results": neutral_ids(row["results"])}
        expected["set_cookie"] = [neutral_cookie(line, row) for line in row["set_cookie"]]
        expected["records"] = expected_records(row, records)
        assert_same(answer(row, side, Store(folder, records, side)), expected)

    check_all(rows("server_side", "flask_session"), check, DIFFERENCES[side])


class Store:
    """A folder of sessions as cachelib lays them out, for one request."""

    def __init__(self, folder: Path, records: dict[str, Any], side: str) -> None:
        self.folder = folder
        self.cache = FileSystemCache(str(folder))
        # The native engine's files live by the machine's own clock.
        self.now = freezegun.api.time.time() if side == "flask_session" else freezegun.api.real_time()
        self.expiry = int(freezegun.api.real_time()) + INITIAL_LIFE
        self.before = records
        for key, content in records.items():
            path = Path(self.cache._get_filename(key))
            path.write_bytes(struct.pack("I", self.expiry) + pickle.dumps(content))

    def after(self, keys: list[str]) -> dict[str, Any]:
        """Returns what has become of the records under some keys: the content and life of those that were
        written, and None for those that are gone."""
        found: dict[str, Any] = dict.fromkeys(keys)
        for key in keys:
            path = Path(self.cache._get_filename(key))
            if not path.exists():
                continue
            data = path.read_bytes()
            [expiry], content = struct.unpack("I", data[:4]), pickle.loads(data[4:])
            if (
                content is not None
            ):  # which stands for no session for those that are still to learn of its end
                found[key] = written(content, expiry - self.now)
                if expiry == self.expiry and content == self.before.get(key):
                    del found[key]
        return found


def written(content: Any, ttl: float) -> str:
    # Half of the seconds, since one may pass between writing and looking.
    return f"{content!r} for {round(ttl / 2) * 2} s"


def answer(row: Row, side: str, store: Store) -> dict[str, Any]:
    app = make_app(row)
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=store.cache)
    if side == "hipflask":
        app.config.update(SESSION_TYPE="filesystem", SESSION_FILE_DIR=str(store.folder))
        app.config["SESSION_TOUCH_AFTER"] = 0.0  # with each request, as by Flask-Session
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of weak keys, and Flask-Session's of its own settings
        try:
            SIDES[side](app)
        except Exception as error:
            return {"refused": type(error).__name__}
        seen = send(app, row)
    new_ids = [new_id(line, row) for line in seen["set_cookie"]]
    prefix = row["config"].get("SESSION_KEY_PREFIX", "session:")
    new = store.after([prefix + session_id for session_id in new_ids if session_id])
    seen["set_cookie"] = [neutral_cookie(line, row) for line in seen["set_cookie"]]
    if side == "hipflask":
        seen["set_cookie"] = [without_flags(line) for line in seen["set_cookie"]]
    seen["results"] = neutral_ids(seen["results"])
    seen["records"] = store.after(list(store.before)) | {prefix + "NEW": record for record in new.values()}
    return seen


def expected_records(row: Row, records: dict[str, Any]) -> dict[str, Any]:
    """Returns what Flask-Session's log of a request leaves in the store."""
    after: dict[str, Any] = {}
    for word, key, *operands in row["store_log"]:
        key = re.sub(r"SID\d-\d+$", "NEW", key)
        if word == "set":
            content, ttl = operands
            after[key] = written(read(content), ttl)
        elif word == "delete" and key in records:
            after[key] = None
    return after


def neutral_ids(results: Any) -> Any:
    """Puts a word in the place of new ids that a view has asked for."""
    return json.loads(re.sub(r'"(SID\d-32|[A-Za-z0-9_-]{43})"', '"NEW"', json.dumps(results)))


KNOWN = {"abc", "np", "npf", "onlyp", "empty", "fl", "a b", "a;b", "é", ""}


def new_id(line: str, row: Row) -> str | None:
    """Returns the id in a cookie, without its signature, if it was made for this response."""
    [value] = parse_cookie(line.split(";")[0]).values()
    if row["config"].get("SESSION_USE_SIGNER") and value:
        value = Signer(row["secret"], salt="flask-session", key_derivation="hmac").unsign(value).decode()
    return None if value in KNOWN else value


def without_flags(line: str) -> str:
    """Takes off what the browser is also told when a cookie ends. Flask-Session names only the domain and
    the path, and browsers then keep, say, a partitioned cookie."""
    if " Max-Age=0;" not in line:
        return line
    assert "; HttpOnly" in line
    return re.sub("; (HttpOnly|Secure|SameSite=Lax|Partitioned)", "", line)


def neutral_cookie(line: str, row: Row) -> str:
    """Puts a word in the place of a new id, whose length must be right."""
    session_id = new_id(line, row)
    if session_id is None:
        return line
    length = row["config"].get("SESSION_ID_LENGTH", 32)
    characters = -(-length * 4 // 3)
    assert re.fullmatch(rf"SID\d-{length}|[A-Za-z0-9_-]{{{characters}}}", session_id), line
    name, _, attributes = line.partition("=")
    return f"{name}=NEW; " + attributes.split("; ", 1)[1]
