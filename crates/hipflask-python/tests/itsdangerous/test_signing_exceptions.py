"""Exceptions: built, compared, pickled and copied as those of the real package."""

from __future__ import annotations

import copy
import datetime
import pickle
import typing as t

import pytest
from outcomes import PACKAGES, assert_same, described, ours, real

DATE = datetime.datetime(2025, 11, 21, tzinfo=datetime.timezone.utc)
ARGUMENTS: list[tuple[str, tuple[t.Any, ...], dict[str, t.Any]]] = [
    ("BadData", ("m",), {}),
    ("BadData", (5,), {}),
    ("BadData", (), {}),
    ("BadSignature", ("m", b"payload"), {}),
    ("BadSignature", ("m",), {"payload": {"a": 1}}),
    ("BadTimeSignature", ("m", b"p", DATE), {}),
    ("BadTimeSignature", ("m",), {"date_signed": DATE}),
    ("SignatureExpired", ("m", b"p", DATE), {}),
    ("SignatureExpired", ("m", b"p", DATE, 1), {}),
    ("BadHeader", ("m", b"p", {"alg": "none"}, ValueError("x")), {}),
    ("BadHeader", ("m",), {"header": 1, "original_error": KeyError()}),
    ("BadPayload", ("m", ValueError("x")), {}),
    ("BadPayload", ("m",), {"original_error": None}),
]


@pytest.mark.parametrize("name, args, kwargs", ARGUMENTS)
def test_exceptions_are_built_in_the_same_way(
    name: str, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
) -> None:
    assert_same(lambda package: described(getattr(package, name)(*args, **kwargs)))
    assert_same(lambda package: repr(getattr(package, name)(*args, **kwargs)))


@pytest.mark.parametrize("name, args, kwargs", ARGUMENTS)
def test_exceptions_survive_pickle_and_copy(
    name: str, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
) -> None:
    def copies(package: t.Any) -> object:
        error = getattr(package, name)(*args, **kwargs)
        found = [pickle.loads(pickle.dumps(error, protocol)) for protocol in range(2, 6)]
        assert {type(other) for other in found} == {type(error)}
        return [described(other) for other in [*found, copy.copy(error), copy.deepcopy(error)]]

    assert_same(copies)


def test_message_can_be_changed_later() -> None:
    for package in PACKAGES.values():
        error = package.BadSignature("before")
        error.message = "after"
        assert str(error) == "after"


def test_exceptions_are_not_those_of_the_real_package() -> None:
    # Said in the package's docstring; the test is here so that it stays true or is changed there.
    assert not issubclass(ours.BadSignature, real.BadSignature)
    assert "does not catch it" in str(ours.__doc__)


def test_signers_and_serializers_survive_pickle_and_copy() -> None:
    for package in PACKAGES.values():
        signer = package.TimestampSigner(["a", "b"], key_derivation="hmac", sep=":")
        serializer = package.Serializer("k", serializer=pickle, salt="s", fallback_signers=[package.Signer])
        del serializer.serializer  # a module cannot be pickled, with the real package neither
        for duplicate in (lambda o: pickle.loads(pickle.dumps(o)), copy.copy, copy.deepcopy):
            assert duplicate(signer).unsign(signer.sign("v")) == b"v"
            assert duplicate(serializer).make_signer().sign("v") == serializer.make_signer().sign("v")


def test_no_representation_shows_a_key() -> None:
    signer, serializer = ours.Signer("c0ffee"), ours.Serializer("c0ffee")
    for shown in (repr(signer), str(signer), repr(serializer), repr(signer.algorithm)):
        assert "c0ffee" not in shown
