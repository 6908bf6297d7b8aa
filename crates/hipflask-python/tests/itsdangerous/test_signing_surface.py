"""Everything that the real package offers is here, under the same name and with the same parameters."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import types
import typing as t

import pytest
from outcomes import ours, real

MODULES = ["", ".encoding", ".exc", ".serializer", ".signer", ".timed", ".url_safe"]


def modules(name: str) -> tuple[types.ModuleType, types.ModuleType]:
    return importlib.import_module(real.__name__ + name), importlib.import_module(ours.__name__ + name)


def public(names: t.Iterable[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith("_"))


def parameters(function: t.Any) -> list[tuple[str, object, object]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", MODULES)
def test_module_has_every_public_name(name: str) -> None:
    theirs, mine = modules(name)
    for public_name in public(vars(theirs)):
        their_value, my_value = getattr(theirs, public_name), getattr(mine, public_name, None)
        if isinstance(their_value, types.ModuleType) and not their_value.__name__.startswith("itsdangerous"):
            # What is replaced in tests, such as `timed.time`, has to be the same module.
            assert my_value in (their_value, None)
            assert my_value or their_value.__name__ in ("base64", "collections.abc", "string", "typing")
        else:
            assert type(my_value) is type(their_value), public_name


@pytest.mark.parametrize("name", MODULES)
def test_module_has_the_private_names_that_others_import_all_the_same(name: str) -> None:
    theirs, mine = modules(name)
    private = {private for private in vars(theirs) if private.startswith("_") and not private.endswith("__")}
    assert private <= vars(mine).keys()


@pytest.mark.parametrize("name", MODULES)
def test_functions_and_classes_have_the_same_parameters(name: str) -> None:
    theirs, mine = modules(name)
    n_compared = 0
    for public_name, value in vars(theirs).items():
        if getattr(value, "__module__", None) != theirs.__name__ or public_name.startswith("_"):
            continue
        assert parameters(getattr(mine, public_name)) == parameters(value), public_name
        n_compared += 1
    assert n_compared >= (0 if name == "" else 1)


@pytest.mark.parametrize("name", MODULES[1:])
def test_classes_have_the_same_members_and_ancestors(name: str) -> None:
    theirs, mine = modules(name)
    for class_name, cls in inspect.getmembers(theirs, inspect.isclass):
        if cls.__module__ != theirs.__name__ or class_name.startswith("_"):
            continue
        my_cls = getattr(mine, class_name)
        assert my_cls.__module__ == mine.__name__
        assert [base.__name__ for base in my_cls.__mro__] == [base.__name__ for base in cls.__mro__]
        for member in public(set(dir(cls)) - set(dir(Exception))):
            their_member, my_member = (
                inspect.getattr_static(cls, member),
                inspect.getattr_static(my_cls, member),
            )
            assert type(my_member) is type(their_member), (class_name, member)
            if callable(getattr(cls, member)) and not inspect.isclass(getattr(cls, member)):
                assert parameters(getattr(my_cls, member)) == parameters(getattr(cls, member)), member
        assert set(public(dir(my_cls))) >= set(public(dir(cls)))


@pytest.mark.parametrize(
    "make",
    [
        lambda package: package.Signer("k"),
        lambda package: package.TimestampSigner("k", algorithm=package.NoneAlgorithm()),
        lambda package: package.HMACAlgorithm(),
        lambda package: package.Serializer("k"),
        lambda package: package.URLSafeTimedSerializer("k"),
        lambda package: package.BadHeader("m"),
        lambda package: package.BadPayload("m"),
        lambda package: package.SignatureExpired("m"),
    ],
)
def test_objects_have_the_same_attributes(make: t.Callable[[t.Any], object]) -> None:
    theirs, mine = vars(make(real)), vars(make(ours))
    assert list(mine) == list(theirs)
    for name, value in theirs.items():
        if isinstance(value, (str, bytes, list, dict, bool)):
            assert mine[name] == value and type(mine[name]) is type(value), name


def test_defaults_of_classes_are_the_same() -> None:
    for package in (real, ours):
        assert package.Signer.default_key_derivation == "django-concat"
        assert package.Signer.default_digest_method(b"a").name == "sha1"
        assert package.HMACAlgorithm.default_digest_method().name == "sha1"
        assert package.Serializer.default_signer is package.Signer
        assert package.Serializer.default_serializer.__name__ == "json"
        assert package.TimedSerializer.default_signer is package.TimestampSigner
        assert package.URLSafeTimedSerializer.default_serializer.dumps({"a": "é"}) == '{"a":"é"}'
        assert package.Serializer.default_fallback_signers == []


def test_version_is_that_of_the_interface_and_deprecated() -> None:
    for package in (real, ours):
        with pytest.warns(DeprecationWarning, match="__version__") as caught:
            assert package.__version__ == "2.2.0"
        assert caught[0].filename == __file__
        with pytest.raises(AttributeError):
            package.no_such_name


def test_import_needs_neither_flask_nor_the_real_package() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['flask', 'itsdangerous', 'werkzeug']));"
        "import hipflask.itsdangerous as i; print(i.Signer('k').unsign(i.Signer('k').sign('v')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "b'v'\n"
