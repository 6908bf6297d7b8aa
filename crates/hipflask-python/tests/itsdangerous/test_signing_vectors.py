"""The recorded answers of itsdangerous, which the Rust core is held to as well."""

from __future__ import annotations

import datetime
import hashlib
import json
import pathlib
import time
import typing as t
import zlib

import hipflask.itsdangerous as itsdangerous
import pytest
from hipflask.itsdangerous import encoding

Row = t.Dict[str, t.Any]
VECTORS = pathlib.Path(__file__).parents[3] / "hipflask-core" / "tests" / "vectors"


def rows(name: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for line in (VECTORS / name).read_text("utf-8").splitlines():
        row = json.loads(line)
        found.setdefault(row["kind"], []).append(row)
    return found


SIGNING, TIMED = rows("signing.jsonl"), rows("timed.jsonl")


def raw(row: Row, name: str) -> bytes:
    return bytes.fromhex(row[f"{name}_hex"]) if f"{name}_hex" in row else row[name].encode()


def signer_of(row: Row, cls: t.Any = itsdangerous.Signer) -> t.Any:
    sep = raw(row, "sep") if "sep_hex" in row else b"."
    digest = getattr(hashlib, row["digest"])
    return cls(raw(row, "secret"), raw(row, "salt"), sep, row["derivation"], digest)


def plain(value: t.Any) -> t.Any:
    """Returns a value of the records, which name the type of everything, as Python's own."""
    kind = value["t"]
    if kind == "dict":
        return {plain(key): plain(item) for key, item in value["v"]}
    if kind == "str":
        return "".join(map(chr, value["cp"])) if "cp" in value else value["v"]
    return {"int": int, "float": float, "null": lambda _: None}[kind](value.get("v"))


def check_error(call: t.Callable[[], object], expected: Row) -> None:
    with pytest.raises(Exception) as caught:
        call()
    error: t.Any = caught.value
    assert (type(error).__name__, str(error)) == (expected["cls"], expected["msg"])
    assert isinstance(error, itsdangerous.BadSignature) == expected.get("is_bad_signature", False)
    if "payload_hex" in expected:
        payload = expected["payload_hex"]
        assert error.payload == (None if payload is None else bytes.fromhex(payload))
    if "date_signed" in expected:
        date = expected["date_signed"]
        assert error.date_signed == (date and datetime.datetime.fromisoformat(date))
    if "original" in expected:
        assert type(error.original_error).__name__ == expected["original"]


def check(call: t.Callable[[], object], row: Row, expected: object) -> None:
    if "error" in row:
        check_error(call, row["error"])
    else:
        assert repr(call()) == repr(expected), row["id"]  # `repr` also tells NaN from the rest


def test_signer_writes_the_recorded_bytes() -> None:
    for row in SIGNING["signer"]:
        signer, token = signer_of(row), raw(row, "token")
        assert signer.derive_key().hex() == row["key_hex"]
        assert signer.sign(raw(row, "payload")) == token
        assert signer.unsign(token) == raw(row, "payload")


def test_unsign_gives_the_recorded_verdicts() -> None:
    for row in SIGNING["unsign"]:
        check(
            lambda row=row: signer_of(row).unsign(raw(row, "in")),
            row,
            bytes.fromhex(row.get("value_hex", "")),
        )
    signer = itsdangerous.Signer("k", algorithm=itsdangerous.NoneAlgorithm())
    for row in SIGNING["unsign_none_algorithm"]:
        check(lambda row=row: signer.unsign(raw(row, "in")), row, bytes.fromhex(row.get("value_hex", "")))


def test_separators_are_refused_as_recorded() -> None:
    for row in SIGNING["sep"]:
        if row["ok"]:
            assert itsdangerous.Signer("k", sep=raw(row, "sep")).sep == raw(row, "sep")
        else:
            with pytest.raises(ValueError, match="^The given separator cannot be used because it "):
                itsdangerous.Signer("k", sep=raw(row, "sep"))


def test_rotated_keys_are_accepted_as_recorded() -> None:
    for row in SIGNING["rotation"]:
        signer = itsdangerous.Signer([bytes.fromhex(key) for key in row["keys_hex"]])
        check(lambda: signer.unsign(row["token"]), row, bytes.fromhex(row.get("value_hex", "")))
        if "signs_as" in row:
            assert signer.sign("v") == row["signs_as"].encode()
        else:
            pytest.raises(IndexError, signer.sign, "v")


def test_encoding_is_as_recorded() -> None:
    for row in SIGNING["int"]:
        number = int(row["int"])
        assert encoding.int_to_bytes(number).hex() == row["bytes_hex"]
        assert encoding.bytes_to_int(bytes.fromhex(row["bytes_hex"])) == number
    for row in SIGNING["b64encode"]:
        assert encoding.base64_encode(raw(row, "in")) == row["out"].encode()
    for row in SIGNING["b64decode"]:
        if row["out_hex"] is None:
            pytest.raises(itsdangerous.BadData, encoding.base64_decode, raw(row, "in"))
        else:
            assert encoding.base64_decode(raw(row, "in")).hex() == row["out_hex"]


@pytest.mark.parametrize("kind, name", [("serializer", "Serializer"), ("urlsafe", "URLSafeSerializer")])
def test_serializers_write_the_recorded_tokens(kind: str, name: str) -> None:
    for row in SIGNING[kind]:
        options = {"key_derivation": row["derivation"], "digest_method": getattr(hashlib, row["digest"])}
        serializer = getattr(itsdangerous, name)(raw(row, "secret"), raw(row, "salt"), signer_kwargs=options)
        value = json.loads(row["obj_json"])
        assert serializer.dumps(value) == row["token"]
        assert serializer.loads(row["token"]) == value


def test_payloads_are_deflated_and_read_as_recorded() -> None:
    class Verbatim:
        loads, dumps = staticmethod(bytes), staticmethod(lambda value: value or b"")

    serializer = itsdangerous.URLSafeSerializer("k", serializer=Verbatim)
    for row in SIGNING["compress"]:
        data = raw(row, "in")
        assert serializer.dump_payload(data) == row["payload"].encode()
        assert row["payload"].startswith(".") == row["compressed"] == (row["zlib_len"] < len(data) - 1)
        assert serializer.load_payload(row["payload"].encode()) == data
        assert len(zlib.compress(data)) == row["zlib_len"]
    for row in SIGNING["load_payload"]:
        load = itsdangerous.URLSafeSerializer("k").load_payload
        check(lambda: load(raw(row, "payload")), row, plain(row["value"]) if "value" in row else None)


def test_timestamp_signer_gives_the_recorded_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in TIMED["sign"]:
        monkeypatch.setattr(time, "time", lambda: row["now"] + row.get("now_fraction", 0))
        signer = signer_of(row, itsdangerous.TimestampSigner)
        assert signer.sign(raw(row, "value")) == row["token"].encode()
    for row in TIMED["unsign"]:
        monkeypatch.setattr(time, "time", lambda: row["now"])
        signer, token = signer_of(row, itsdangerous.TimestampSigner), raw(row, "token")
        value = bytes.fromhex(row["unsign"].get("value_hex", ""))
        check(lambda: signer.unsign(token, row["max_age"]), row["unsign"], value)
        dated = row["unsign_ts"]
        date = datetime.datetime.fromisoformat(dated["dt"]) if "dt" in dated else None
        check(lambda: signer.unsign(token, row["max_age"], True), dated, (value, date))


def test_timed_serializer_gives_the_recorded_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in TIMED["serializer"]:
        monkeypatch.setattr(time, "time", lambda: row["now"])
        options = {"key_derivation": row["derivation"], "digest_method": getattr(hashlib, row["digest"])}
        fallbacks = [{**options, "digest_method": getattr(hashlib, name)} for name in row["fallbacks"]]
        serializer = itsdangerous.URLSafeTimedSerializer(
            row["keys"], row["salt"], signer_kwargs=options, fallback_signers=fallbacks
        )
        expected = None
        if "value" in row:
            date = datetime.datetime.fromtimestamp(row["ts"], datetime.timezone.utc)
            expected = (plain(row["value"]), date)
        check(lambda: serializer.loads(row["token"], row["max_age"], True), row, expected)
