"""The closed list of differences between the stock sessions and Hipflask's: a code, a sentence, and the row of
COMPATIBILITY.md of a deliberate one.

Knows nothing of requests.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

__all__ = ["KINDS", "Kind"]


class Kind(NamedTuple):
    """A kind of difference."""

    code: str
    #: What happens with Hipflask.
    text: str
    #: The first cell of the row of COMPATIBILITY.md, if the difference is deliberate.
    row: Optional[str] = None


_ALL = (
    Kind("verdict", "one of both opens the session, for the other it is empty"),
    Kind("content", "the session is opened with other content"),
    Kind("set_cookie", "another Set-Cookie is sent, or only one of both sends one"),
    Kind("record", "other bytes are written, or only one of both writes or deletes"),
    Kind("not_saved", "the session is not saved: the page becomes an error"),
    Kind("saved", "the session is saved where the page is an error today"),
    # --- opening ----------------------------------------------------------------------------------------
    Kind(
        "bad_payload",
        "a cookie that is an error page today opens an empty session",
        "signed payload that does not decode",
    ),
    Kind(
        "bad_timestamp",
        "a cookie that is an error page today opens an empty session",
        "signed time after the year 9999",
    ),
    Kind(
        "odd_payload",
        "a payload that no Flask writes opens an empty session",
        "` m` tag around a list or dict",
    ),
    Kind(
        "large_payload",
        "a payload that inflates to too much opens an empty session",
        "payload that inflates to more than 4 MiB",
    ),
    Kind(
        "corrupt_record",
        "a record that is an error page today opens an empty session",
        "record that cannot be read",
    ),
    Kind("malformed_id", "an id that is none is not looked up", "id that is no id (`a b`, 200 letters)"),
    Kind(
        "joined_cookies",
        "a cookie beside a comma is found",
        "several `Cookie` header lines, which servers join with a comma",
    ),
    Kind(
        "store_down",
        "a page that uses its session is a 503 while the store is down, and others go on",
        "store is down",
    ),
    Kind(
        "pickled_zones",
        "times with a zone of a pickle are opened in UTC",
        "time with a zone in a pickle: `timezone`, `zoneinfo`, pytz, dateutil (not `tzlocal`, `tzstr`, `tzrange`),"
        " psycopg2, bson",
    ),
    Kind(
        "pickled_times",
        "times, durations and Decimals of a pickle are opened as texts",
        "time without a zone, date, time of day, duration, Decimal in a pickle",
    ),
    Kind("pickled_sets", "sets of a pickle are opened as lists", "set in a pickle"),
    Kind(
        "pickled_classes",
        "objects of a pickle are opened as what they hold, or not at all",
        "classes of an app or a package in a pickle",
    ),
    # --- saving a signed cookie -------------------------------------------------------------------------
    Kind(
        "untouched_permanent",
        "a permanent session is not sent again by a page that never uses it",
        "untouched permanent session",
    ),
    Kind(
        "changed_inside",
        "a change inside of a list or dict is saved, which is lost today",
        "a change inside of a list or dict",
    ),
    Kind(
        "large_cookie",
        "a cookie that browsers drop is an error",
        "cookie of more than 4,096 bytes, name and value together",
    ),
    Kind(
        "mixed_keys",
        "dict keys of several kinds are saved, which is an error page today",
        "dict keys of several kinds, such as `1` and `\"a\"`",
    ),
    Kind(
        "resigned",
        "a cookie that an old key has signed is signed anew when it is read",
        "cookie that a fallback key or digest has signed",
    ),
    Kind("encrypted", "the cookie or record is encrypted", "a cookie that nobody can read"),
    Kind(
        "json_provider",
        "the cookie is written in Flask's format, and not by the app's `dumps`",
        "`app.json` with a `dumps` of its own",
    ),
    Kind(
        "overridden",
        "a method that the app's session interface overrides is not called",
        "an overridden method of the session interface, such as `get_cookie_name`",
    ),
    # --- saving a record --------------------------------------------------------------------------------
    Kind(
        "unused",
        "a page that never uses its session writes and sends nothing",
        "a page that never asks for the session",
    ),
    Kind(
        "read_only",
        "a page that only reads its session writes nothing, and seldom sends its cookie",
        "reading",
    ),
    Kind("unchanged", "what was set to what it was is not written", "a set that changes nothing"),
    Kind("renewed_id", "the old record of a renewed id stays for 60 s, as no session", "renewed id"),
    Kind("log_in_id", "a log-in gets a new id", "log-in by Flask-Login, in a store"),
    Kind("deleted_cookie", "the deletion of the cookie carries all its attributes", "deletion of the cookie"),
    Kind("partitioned", "the cookie is partitioned", "`SESSION_COOKIE_PARTITIONED`"),
    Kind(
        "own_serializer",
        "the record holds the same, in other bytes than the app's serializer has written",
        "a serializer of one's own in Flask-Session",
    ),
    Kind("pickle_twins", "equal values in a pickle are written twice", "equal values in a pickle"),
)

KINDS = {kind.code: kind for kind in _ALL}
