"""Whatever a subclass replaces is honoured, in the order in which the real package asks for it."""

from __future__ import annotations

import hashlib
import hmac
import json
import pickle
import random
import time
import typing as t
import unittest.mock
import zlib

import freezegun
import pytest
from outcomes import PACKAGES, assert_same, ours, outcome, real
from outcomes import still_clock as still_clock

pytestmark = pytest.mark.usefixtures("still_clock")

SIGNER_HOOKS = ["derive_key", "get_signature", "verify_signature", "sign", "unsign", "validate"]
TIMED_HOOKS = [*SIGNER_HOOKS, "get_timestamp", "timestamp_to_datetime"]
SERIALIZER_HOOKS = [
    "load_payload",
    "dump_payload",
    "make_signer",
    "iter_unsigners",
    "dumps",
    "loads",
    "loads_unsafe",
]
Trace = t.List[t.Tuple[str, t.Any, t.Any]]


def traced(cls: t.Any, names: list[str], trace: Trace) -> t.Any:
    """Returns a subclass that writes down each call of a hook before it does what its parent does."""

    def hook(name: str) -> t.Any:
        def call(self: object, *args: object, **kwargs: object) -> object:
            trace.append((name, args, kwargs))
            return getattr(super(subclass, self), name)(*args, **kwargs)

        return call

    subclass = type("Traced", (cls,), {name: hook(name) for name in names})
    return subclass


def traced_algorithm(package: t.Any, trace: Trace) -> t.Any:
    return traced(package.HMACAlgorithm, ["get_signature", "verify_signature"], trace)()


@pytest.mark.parametrize("name, hooks", [("Signer", SIGNER_HOOKS), ("TimestampSigner", TIMED_HOOKS)])
def test_signers_call_the_same_hooks_with_the_same_arguments(name: str, hooks: list[str]) -> None:
    def run(package: t.Any) -> object:
        trace: Trace = []
        cls = traced(getattr(package, name), hooks, trace)
        signer = cls(["old", "new"], algorithm=traced_algorithm(package, trace))
        signed = signer.sign("value")
        old = getattr(package, name)("old").sign("value")
        calls = [signer.unsign, signer.validate, lambda token: signer.verify_signature("value", token)]
        if name == "TimestampSigner":
            calls += [
                lambda token: signer.unsign(token, max_age=-1),
                lambda token: signer.unsign(token, 5, True),
            ]
        tokens = [signed, signed.decode(), old, b"value", b"a.b", b"a.__________8.c", signed + b"!"]
        return [outcome(lambda: call(token)) for call in calls for token in tokens], trace

    assert len(assert_same(run)[2][1]) > 50  # type: ignore[index]


@pytest.mark.parametrize(
    "name", ["Serializer", "TimedSerializer", "URLSafeSerializer", "URLSafeTimedSerializer"]
)
def test_serializers_call_the_same_hooks_with_the_same_arguments(name: str) -> None:
    def run(package: t.Any) -> object:
        trace: Trace = []
        cls = traced(getattr(package, name), SERIALIZER_HOOKS, trace)
        inner = traced(type("Inner", (), {}), [], trace)()
        for function in ("dumps", "loads"):
            recorded = unittest.mock.Mock(side_effect=getattr(json, function))
            setattr(inner, function, recorded)
        signer = traced(cls.default_signer, ["derive_key", "sign", "unsign"], trace)
        made = cls(
            ["a", "b"], serializer=inner, signer=signer, fallback_signers=[{"sep": ":"}, cls.default_signer]
        )
        token = made.dumps({"id": 42})
        found = []
        for text in (token, token.encode(), token[:-2], token.replace(".", ":"), "", "x"):
            for options in ({}, {"salt": "other"}):
                found.append(outcome(lambda: made.loads(text, **options)))
                found.append(outcome(lambda: made.loads_unsafe(text, **options)))
        calls = [inner.dumps.call_args_list, inner.loads.call_args_list]
        # A generator's own name is no argument; everything else is compared.
        return found, trace, [[(c.args, c.kwargs) for c in made_calls] for made_calls in calls]

    assert len(assert_same(run)[2][1]) > 50  # type: ignore[index]


def overridden_key(package: t.Any) -> t.Any:
    class Signer(package.Signer):  # type: ignore[misc]
        def derive_key(self, secret_key: t.Any = None) -> bytes:
            key = package.want_bytes(self.secret_keys[-1] if secret_key is None else secret_key)
            return hashlib.scrypt(key, salt=self.salt, n=2, r=1, p=1, dklen=32)

    return Signer(["old", "new"], salt="s")


def overridden_signature(package: t.Any) -> t.Any:
    class Signer(package.TimestampSigner):  # type: ignore[misc]
        def get_signature(self, value: t.Any) -> bytes:
            return b"ABCD" + super().get_signature(value)

        def verify_signature(self, value: t.Any, sig: t.Any) -> bool:
            return super().verify_signature(value, package.want_bytes(sig)[4:])

    return Signer("k")


def overridden_defaults(package: t.Any) -> t.Any:
    class Signer(package.TimestampSigner):  # type: ignore[misc]
        default_digest_method = staticmethod(hashlib.sha512)
        default_key_derivation = "hmac"

        def get_timestamp(self) -> int:
            return 5

    return Signer("k", sep="::")


def method_as_digest(package: t.Any) -> t.Any:
    class Signer(package.Signer):  # type: ignore[misc]
        def default_digest_method(self, data: bytes = b"") -> t.Any:
            return hashlib.sha384(self.salt + data)

    return Signer("k")


def own_algorithm(package: t.Any) -> t.Any:
    class Blake(package.signer.SigningAlgorithm):  # type: ignore[misc]
        def get_signature(self, key: bytes, value: bytes) -> bytes:
            return hashlib.blake2b(value, key=key[:64]).digest()

    return package.Signer("k", algorithm=Blake())


def algorithm_that_compares(package: t.Any) -> t.Any:
    class Truncated(package.HMACAlgorithm):  # type: ignore[misc]
        default_digest_method = staticmethod(hashlib.sha256)

        def get_signature(self, key: bytes, value: bytes) -> bytes:
            return super().get_signature(key, value)[:12]

        def verify_signature(self, key: bytes, value: bytes, sig: bytes) -> bool:
            return len(sig) == 12 and hmac.compare_digest(sig, self.get_signature(key, value))

    return package.TimestampSigner("k", algorithm=Truncated())


def patched_instance(package: t.Any) -> t.Any:
    signer = package.Signer("k")
    signer.derive_key = lambda secret_key=None: b"fixed"
    signer.algorithm.get_signature = lambda key, value: key + value[:3]
    return signer


@pytest.mark.parametrize(
    "make",
    [
        overridden_key,
        overridden_signature,
        overridden_defaults,
        method_as_digest,
        own_algorithm,
        algorithm_that_compares,
        patched_instance,
        lambda package: package.Signer("k", algorithm=package.NoneAlgorithm()),
        lambda package: package.Signer("k", algorithm=package.HMACAlgorithm(hashlib.sha256)),
        lambda package: package.Signer(
            "k", digest_method=lambda data=b"": hashlib.blake2b(data, digest_size=16)
        ),
        lambda package: package.Signer("k", digest_method=hashlib.sha3_256, key_derivation="hmac"),
        lambda package: package.Signer("k", digest_method="sha256", key_derivation="none"),
    ],
)
def test_overridden_signers_sign_the_same(make: t.Callable[[t.Any], t.Any]) -> None:
    def run(package: t.Any) -> object:
        signer = make(package)
        signed = signer.sign("value")
        return (
            signed,
            signer.unsign(signed),
            [outcome(lambda: signer.unsign(token)) for token in (b"v", signed[:-4])],
        )

    assert assert_same(run)[0] == "returned"
    assert make(ours).unsign(make(real).sign("v")) == b"v"


def test_abstract_algorithm_is_refused() -> None:
    def run(package: t.Any) -> object:
        return package.Signer("k", algorithm=package.signer.SigningAlgorithm()).sign("v")

    assert assert_same(run) == ("raised", "NotImplementedError")


def test_attributes_may_be_reassigned_at_any_time() -> None:
    rng = random.Random(11)
    choices: dict[str, list[t.Any]] = {
        "secret_keys": [[b"a"], [b"a", b"b"], [b"b", "c"], [], [b""], (b"t",), None],
        "salt": [b"s", b"", "text", None],
        "sep": [b".", b":", ".", b"a"],
        "key_derivation": ["concat", "django-concat", "hmac", "none", "unknown", None],
        "digest_method": [hashlib.sha1, hashlib.sha256, hashlib.md5, hashlib.blake2s, "sha1", None],
        "algorithm": ["NoneAlgorithm", "HMACAlgorithm", "sha512", None],
    }
    signers = {name: package.Signer("first") for name, package in PACKAGES.items()}
    for _ in range(3000):
        name = rng.choice(list(choices))
        value = rng.choice(choices[name])
        for package_name, signer in signers.items():
            package, own = PACKAGES[package_name], value
            if name == "algorithm" and value:
                sha512 = value == "sha512"
                own = package.HMACAlgorithm(hashlib.sha512) if sha512 else getattr(package, value)()
            setattr(signer, name, own)
        theirs, mine = (outcome(lambda s=signer: s.sign("value")) for signer in signers.values())
        assert mine == theirs
        token = mine[2] if mine[0] == "returned" else b"value.AAAA"
        theirs, mine = (outcome(lambda s=signer: s.unsign(token)) for signer in signers.values())
        assert mine == theirs
        theirs, mine = (
            outcome(lambda s=signer: (s.secret_key, s.derive_key("x"))) for signer in signers.values()
        )
        assert mine == theirs
    for signer in signers.values():
        signer.secret_keys = [b"one"]
        signer.secret_keys.append(b"two")
        assert signer.secret_key == b"two"
        with pytest.raises(AttributeError):
            signer.secret_key = b"three"


class ReversedJSON:
    """A serializer that returns bytes and takes a keyword."""

    @staticmethod
    def dumps(value: object, shift: int = 0) -> bytes:
        return json.dumps(value).encode()[::-1] + b" " * shift

    @staticmethod
    def loads(data: bytes) -> t.Any:
        return json.loads(data.rstrip()[::-1])


@pytest.mark.parametrize(
    "name", ["Serializer", "TimedSerializer", "URLSafeSerializer", "URLSafeTimedSerializer"]
)
@pytest.mark.parametrize("serializer", [json, pickle, ReversedJSON, ReversedJSON()])
def test_other_serializers_are_used(name: str, serializer: t.Any) -> None:
    def run(package: t.Any) -> object:
        options = {"shift": 3} if serializer is not json and serializer is not pickle else {}
        made = getattr(package, name)("k", serializer=serializer, serializer_kwargs=options)
        token = made.dumps({"a": [1, "é"]})
        broken = made.make_signer().sign(b"}{")
        refused = [outcome(lambda: made.loads(other)) for other in (broken, token[:-3])]
        return token, made.loads(token), made.is_text_serializer, refused

    assert assert_same(run)[0] == "returned"


def test_subclass_replaces_the_steps_of_a_serializer() -> None:
    def run(package: t.Any) -> object:
        class Own(package.URLSafeTimedSerializer):  # type: ignore[misc]
            default_serializer = ReversedJSON
            default_fallback_signers = [{"key_derivation": "hmac"}]

            def dump_payload(self, obj: object) -> bytes:
                return b"v1-" + super().dump_payload(obj)

            def load_payload(self, payload: bytes, *args: object, **kwargs: object) -> object:
                if not payload.startswith(b"v1-"):
                    raise package.BadPayload("expected the first version")
                return super().load_payload(payload[3:], *args, **kwargs)

            def make_signer(self, salt: t.Any = None) -> t.Any:
                signer = super().make_signer(salt)
                signer.sep = b"~"
                return signer

        serializer = Own("k")
        token = serializer.dumps([1])
        old = package.TimestampSigner("k", "itsdangerous", key_derivation="hmac").sign(b"v1-" + b"XTFb")
        tokens = [
            token,
            old,
            package.TimestampSigner("k", "itsdangerous", "~").sign("x"),
            token.replace(b"~", b"."),
        ]
        return token, [
            outcome(lambda: call(text))
            for text in tokens
            for call in (serializer.loads, serializer.loads_unsafe)
        ]

    found = assert_same(run)
    assert found[0] == "returned" and found[2][1][2] == ("returned", "list", [1])  # type: ignore[index]


@pytest.mark.parametrize("name", ["Serializer", "URLSafeTimedSerializer"])
def test_fallback_signers_are_accepted_in_all_three_forms(name: str) -> None:
    def run(package: t.Any) -> object:
        cls = getattr(package, name)
        base = cls.default_signer

        class Sha512(base):  # type: ignore[misc,valid-type]
            default_digest_method = staticmethod(hashlib.sha512)

        sha256 = {"digest_method": hashlib.sha256}
        forms = [
            [],
            [sha256],
            [Sha512],
            [(Sha512, {"key_derivation": "hmac"})],
            [sha256, Sha512, (base, {"sep": ":"})],
        ]
        written = [
            cls("old", signer=Sha512, signer_kwargs=kwargs)
            for kwargs in ({}, {"key_derivation": "hmac"}, sha256)
        ]
        written += [cls("old"), cls("new", signer_kwargs=sha256), cls("other")]
        tokens = [serializer.dumps("value") for serializer in written]
        readers = [cls(["old", "new"], fallback_signers=form) for form in forms]
        readers.append(
            cls(["old", "new"], fallback_signers=[Sha512], signer_kwargs={"key_derivation": "hmac"})
        )
        read = [outcome(lambda: reader.loads(token)) for reader in readers for token in tokens]
        unsigners = [
            [(type(s).__name__, s.secret_keys, s.salt) for s in reader.iter_unsigners("s")]
            for reader in readers
        ]
        return read, unsigners, [reader.fallback_signers is form for reader, form in zip(readers, forms)]

    found: t.Any = assert_same(run)
    verdicts = [how for how, *_ in found[2][0]]
    assert {"returned", "raised"} == set(verdicts)


def test_salt_is_taken_by_the_same_rules() -> None:
    def run(package: t.Any) -> object:
        found = []
        for salt in (b"itsdangerous", None, "", b"a"):
            serializer = package.URLSafeTimedSerializer("k", salt)
            for other in (None, "", "a", b"a"):
                token = serializer.dumps(1, other)
                found += [token, outcome(lambda: serializer.loads(token, salt=other))]
                found += [
                    outcome(lambda: serializer.loads(token, 10, False, other)),
                    serializer.make_signer(other).salt,
                ]
                found += [outcome(lambda: serializer.loads_unsafe(token, 10, other))]
        return found

    assert_same(run)
    assert_same(lambda package: package.Serializer("k").loads("x", unknown=1))
    assert_same(lambda package: package.TimedSerializer("k").loads("x", unknown=1))


def test_no_signer_at_all_is_a_type_error() -> None:
    def run(package: t.Any) -> object:
        class Nobody(package.Serializer):  # type: ignore[misc]
            def iter_unsigners(self, salt: object = None) -> t.Iterator[t.Any]:
                return iter(())

        return Nobody("k").loads("x.y")

    assert assert_same(run) == ("raised", "TypeError")


def test_clock_can_be_replaced_in_every_usual_way() -> None:
    for package in PACKAGES.values():
        signer = package.TimestampSigner("k")
        with freezegun.freeze_time("2025-11-21 02:40:00") as frozen:
            signed = signer.sign("v")
            frozen.tick(61)
            assert signer.unsign(signed, max_age=61) == b"v"
            with pytest.raises(package.SignatureExpired, match="^Signature age 61 > 60 seconds$") as caught:
                signer.unsign(signed, max_age=60)
            assert caught.value.date_signed.isoformat() == "2025-11-21T02:40:00+00:00"
        with unittest.mock.patch("time.time", return_value=1_763_692_790.9):
            with pytest.raises(package.SignatureExpired, match="^Signature age -10 < 0 seconds$"):
                signer.unsign(signed, max_age=60)
        with unittest.mock.patch.object(package.timed.time, "time", return_value=1_763_692_800):
            assert signer.sign("v") == signed
        with unittest.mock.patch.object(package.TimestampSigner, "get_timestamp", return_value=1_763_692_800):
            assert signer.sign("v") == signed


@pytest.mark.parametrize(
    "timestamp", [0, 1, 255, 256, 2**31, 253402300799, 253402300800, 2**63, 2**64 - 1, 2**64, -1, 1.5]
)
def test_any_time_is_signed_and_read_in_the_same_way(
    monkeypatch: pytest.MonkeyPatch, timestamp: float
) -> None:
    def run(package: t.Any) -> object:
        monkeypatch.setattr(package.TimestampSigner, "get_timestamp", lambda self: timestamp)
        signer, serializer = package.TimestampSigner("k"), package.URLSafeTimedSerializer("k")
        signed, token = signer.sign("v"), serializer.dumps("v")
        monkeypatch.setattr(time, "time", lambda: 1_763_692_800)
        monkeypatch.setattr(package.TimestampSigner, "get_timestamp", lambda self: 1_763_692_800)
        calls: list[t.Callable[[], object]] = [
            lambda: signer.unsign(signed),
            lambda: signer.unsign(signed, return_timestamp=True),
            lambda: signer.unsign(signed, max_age=60),
            lambda: signer.unsign(signed[:-4]),
            lambda: signer.validate(signed, max_age=1e12),
            lambda: serializer.loads(token),
            lambda: serializer.loads(token, return_timestamp=True),
            lambda: serializer.loads_unsafe(token, max_age=60),
        ]
        return [signed, token, [outcome(call) for call in calls]]

    assert_same(run)


def test_replaced_zlib_is_used() -> None:
    value = {"a": "long " * 50}

    def run(package: t.Any) -> object:
        with unittest.mock.patch(
            "zlib.compress", lambda data: zlib.compressobj(1).compress(data) or b"short"
        ):
            return package.URLSafeSerializer("k").dumps(value)

    assert assert_same(run)[2] != real.URLSafeSerializer("k").dumps(value)


def test_native_deflate_steps_back_for_another_zlib() -> None:
    from hipflask.itsdangerous import url_safe

    assert url_safe._is_matched(zlib.compress) == (url_safe._MATCHED is zlib.compress)
    assert not url_safe._is_matched(lambda data: zlib.compress(data, 5))


def test_refused_digest_stays_refused() -> None:
    from hipflask.itsdangerous import signer

    def refuse(data: bytes = b"") -> t.Any:
        raise ValueError("disabled for FIPS")

    with unittest.mock.patch.object(hashlib, "sha1", refuse):
        digests = signer._usable_digests()
    assert digests.hmac(signer._lazy_sha1, b"k", b"v") is None
    assert digests.hmac(refuse, b"k", b"v") is None
    assert digests.hmac(hashlib.sha256, b"k", b"v") == hmac.digest(b"k", b"v", "sha256")
    with (
        unittest.mock.patch.object(signer, "_DIGESTS", digests),
        unittest.mock.patch.object(hashlib, "sha1", refuse),
    ):
        with pytest.raises(ValueError, match="disabled for FIPS"):
            ours.Signer("k").sign("v")
