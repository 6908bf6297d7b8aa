"""Signs bytes and checks them again: ``value`` and ``value.signature``.

Knows neither time nor serializers. Every method is a hook that a subclass may replace, as in
`itsdangerous.signer <https://itsdangerous.palletsprojects.com/en/stable/signer/>`_; the hashing behind them
is native for the digests of `hashlib` and Python's own for every other.
"""

from __future__ import annotations

import collections.abc as cabc
import hashlib
import hmac
import typing as t

from hipflask._native import Digests

from .encoding import _base64_alphabet, base64_decode, base64_encode, want_bytes
from .exc import BadSignature

_DEFAULT_SALT = b"itsdangerous.Signer"


def _lazy_sha1(string: bytes = b"") -> t.Any:
    # A Python without SHA-1 can import this module, and fails only where SHA-1 is asked for.
    return hashlib.sha1(string)


def _usable_digests() -> Digests:
    functions: list[tuple[t.Any, str]] = [(_lazy_sha1, "sha1")]
    for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"):
        functions.append((getattr(hashlib, name, None), name))
    return Digests([(function, name) for function, name in functions if _is_permitted(function)])


def _is_permitted(function: t.Any) -> bool:
    # What the interpreter refuses, for instance in FIPS mode, has to stay refused.
    try:
        function(b"")
    except Exception:
        return False
    return True


_DIGESTS = _usable_digests()


class SigningAlgorithm:
    """Computes and compares raw signatures. Subclasses have to override `get_signature`."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Returns the signature of ``value`` under a derived key, as raw bytes."""
        raise NotImplementedError()

    def verify_signature(self, key: bytes, value: bytes, sig: bytes) -> bool:
        """Tells whether ``sig`` is the signature of ``value``, in a time that gives nothing away."""
        return hmac.compare_digest(sig, self.get_signature(key, value))


class NoneAlgorithm(SigningAlgorithm):
    """Signs nothing: every signature is empty, so anybody can make one.

    >>> Signer("secret-key", algorithm=NoneAlgorithm()).sign("hello")
    b'hello.'
    """

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Returns no bytes."""
        return b""


class HMACAlgorithm(SigningAlgorithm):
    """Signs with HMAC over ``digest_method``, by default SHA-1.

    >>> HMACAlgorithm(hashlib.sha256).get_signature(b"key", b"hello").hex()[:16]
    '9307b3b915efb517'
    """

    default_digest_method: t.Any = staticmethod(_lazy_sha1)
    """The digest where none is given: a function of `hashlib`, or one that can be used like it."""

    def __init__(self, digest_method: t.Any = None) -> None:
        self.digest_method: t.Any = self.default_digest_method if digest_method is None else digest_method

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Returns the HMAC of ``value``."""
        tag = _DIGESTS.hmac(self.digest_method, key, value)
        return hmac.new(key, value, self.digest_method).digest() if tag is None else tag


class Signer:
    """Appends a signature to bytes, and returns the bytes once the signature is confirmed.

    A signed value stays readable: signing guards integrity, not secrecy.

    >>> signer = Signer("secret-key", salt="greeting")
    >>> signed = signer.sign("hello")
    >>> signer.unsign(signed)
    b'hello'
    >>> signer.unsign(b"hullo" + signed[5:])
    Traceback (most recent call last):
    hipflask.itsdangerous.exc.BadSignature: Signature b'...' does not match

    :param secret_key: the key, or an iterable of keys from the oldest to the newest. The last one signs,
        all of them are accepted.
    :param salt: keeps apart what is signed for different purposes; it need not be secret.
    :param sep: stands between value and signature. Must not be empty or something that base64 writes.
    :param key_derivation: how key and salt become the key of the signature: ``"concat"``,
        ``"django-concat"``, ``"hmac"`` or ``"none"``.
    :param digest_method: a function of `hashlib`, or one that can be used like it.
    :param algorithm: computes signatures in place of `HMACAlgorithm` over ``digest_method``.
    """

    default_digest_method: t.Any = staticmethod(_lazy_sha1)
    """The digest where none is given: SHA-1, whose weakness to collisions does not touch HMAC."""

    default_key_derivation: str = "django-concat"
    """The key derivation where none is given."""

    def __init__(
        self,
        secret_key: str | bytes | cabc.Iterable[str] | cabc.Iterable[bytes],
        salt: str | bytes | None = b"itsdangerous.Signer",
        sep: str | bytes = b".",
        key_derivation: str | None = None,
        digest_method: t.Any | None = None,
        algorithm: SigningAlgorithm | None = None,
    ) -> None:
        self.secret_keys: list[bytes] = _make_keys_list(secret_key)
        self.sep: bytes = want_bytes(sep)
        if self.sep in _base64_alphabet:
            raise ValueError(
                "The given separator cannot be used because it can occur in a signature:"
                " choose one without ASCII letters, digits and '-_=', such as '.' or ':'"
            )
        self.salt: bytes = _DEFAULT_SALT if salt is None else want_bytes(salt)
        self.key_derivation: str = self.default_key_derivation if key_derivation is None else key_derivation
        self.digest_method: t.Any = self.default_digest_method if digest_method is None else digest_method
        self.algorithm: SigningAlgorithm = (
            HMACAlgorithm(self.digest_method) if algorithm is None else algorithm
        )

    @property
    def secret_key(self) -> bytes:
        """The newest key, which signs."""
        return self.secret_keys[-1]

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """Returns the key of the signature for one secret key, by default the newest.

        Does not make a good key out of a bad password: secret keys should be long and random.
        Raises `TypeError` if ``key_derivation`` is unknown.
        """
        if secret_key is None:
            secret_key = self.secret_keys[-1]
        elif isinstance(secret_key, str):
            secret_key = want_bytes(secret_key)
        key = _DIGESTS.derive_key(self.digest_method, self.key_derivation, self.salt, secret_key)
        if key is None:
            return _derive_in_python(self.digest_method, self.key_derivation, self.salt, secret_key)
        return key

    def get_signature(self, value: str | bytes) -> bytes:
        """Returns the signature of ``value`` under the newest key, as base64."""
        if isinstance(value, str):
            value = want_bytes(value)
        key = self.derive_key()
        return base64_encode(self.algorithm.get_signature(key, value))

    def sign(self, value: str | bytes) -> bytes:
        """Returns ``value``, the separator and the signature, in one piece."""
        value = want_bytes(value)
        return value + self.sep + self.get_signature(value)

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        """Tells whether any key confirms the base64 signature ``sig`` of ``value``, the newest first."""
        try:
            raw = base64_decode(sig)
        except Exception:
            return False
        value = want_bytes(value)
        for secret_key in reversed(self.secret_keys):
            key = self.derive_key(secret_key)
            if self.algorithm.verify_signature(key, value, raw):
                return True
        return False

    def unsign(self, signed_value: str | bytes) -> bytes:
        """Returns the value inside ``signed_value``. Raises `BadSignature` if no key confirms it."""
        signed_value = want_bytes(signed_value)
        if self.sep not in signed_value:
            raise BadSignature(f"No {self.sep!r} found in value")
        value, _, sig = signed_value.rpartition(self.sep)
        if not self.verify_signature(value, sig):
            raise BadSignature(f"Signature {sig!r} does not match", payload=value)
        return value

    def validate(self, signed_value: str | bytes) -> bool:
        """Tells whether `unsign` returns a value."""
        try:
            self.unsign(signed_value)
        except BadSignature:
            return False
        return True


def _make_keys_list(secret_key: str | bytes | cabc.Iterable[str] | cabc.Iterable[bytes]) -> list[bytes]:
    if isinstance(secret_key, (str, bytes)):
        return [want_bytes(secret_key)]
    return [want_bytes(key) for key in secret_key]


def _derive_in_python(digest_method: t.Any, key_derivation: str, salt: bytes, secret_key: bytes) -> bytes:
    if key_derivation == "none":
        return secret_key
    if key_derivation == "hmac":
        mac = hmac.new(secret_key, digestmod=digest_method)
        mac.update(salt)
        return mac.digest()
    if key_derivation == "concat":
        salted = salt
    elif key_derivation == "django-concat":
        salted = salt + b"signer"
    else:
        raise TypeError(
            f"Unknown key derivation method: expected 'concat', 'django-concat', 'hmac' or 'none',"
            f" not {key_derivation!r}"
        )
    return t.cast(bytes, digest_method(salted + secret_key).digest())
