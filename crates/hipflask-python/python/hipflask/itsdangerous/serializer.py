"""Signs values of any kind: a serializer makes bytes of them, a signer signs those.

Knows neither time nor URLs. Every method is a hook that a subclass may replace, as in
`itsdangerous.serializer <https://itsdangerous.palletsprojects.com/en/stable/serializer/>`_.
"""

from __future__ import annotations

import collections.abc as cabc
import json
import typing as t

from .encoding import want_bytes
from .exc import BadPayload, BadSignature
from .signer import Signer, _make_keys_list

if t.TYPE_CHECKING:
    import typing_extensions as te

    _Keys = t.Union[str, bytes, cabc.Iterable[str], cabc.Iterable[bytes]]
    _Kwargs = dict[str, t.Any]
    _Fallbacks = list[t.Union[_Kwargs, tuple[type[Signer], _Kwargs], type[Signer]]]
    # Whether tokens are text or bytes: what the serializer's own `dumps` returns.
    _TSerialized = te.TypeVar("_TSerialized", bound=t.Union[str, bytes], default=t.Union[str, bytes])
else:
    _TSerialized = t.TypeVar("_TSerialized", bound=t.Union[str, bytes])


class _PDataSerializer(t.Protocol[_TSerialized]):
    """What a serializer has to offer; its ``dumps`` may take more arguments by keyword."""

    def loads(self, payload: _TSerialized, /) -> t.Any: ...

    def dumps(self, obj: t.Any, /) -> _TSerialized: ...


def is_text_serializer(serializer: _PDataSerializer[t.Any]) -> te.TypeGuard[_PDataSerializer[str]]:
    """Tells whether a serializer writes text, by letting it write an empty ``dict``.

    >>> import pickle
    >>> is_text_serializer(json), is_text_serializer(pickle)
    (True, False)
    """
    return isinstance(serializer.dumps({}), str)


class Serializer(t.Generic[_TSerialized]):
    """Signs values, so that they can be handed out and believed when they come back.

    Tokens stay readable: signing guards integrity, not secrecy. Give each purpose a salt of its own, so that
    a token of one cannot be used for another.

    >>> serializer = Serializer("secret-key", salt="unsubscribe")
    >>> token = serializer.dumps({"id": 42})
    >>> token[:10]
    '{"id": 42}'
    >>> serializer.loads(token)
    {'id': 42}
    >>> serializer.loads_unsafe(token.replace("42", "43"))
    (False, {'id': 43})

    :param secret_key: the key, or an iterable of keys from the oldest to the newest. The last one signs,
        all of them are accepted.
    :param salt: keeps purposes apart; it need not be secret. ``None`` leaves it to the signer.
    :param serializer: an object or a module with ``dumps`` and ``loads``, by default `json`.
    :param serializer_kwargs: passed to the ``dumps`` of ``serializer``.
    :param signer: the class that signs.
    :param signer_kwargs: passed to ``signer``, beside keys and salt.
    :param fallback_signers: what is also accepted: each item holds other arguments for ``signer``, or is
        another class, or a pair of a class and its arguments.
    """

    default_serializer: _PDataSerializer[t.Any] = json
    """Makes text or bytes of values where no other serializer is given."""

    default_signer: type[Signer] = Signer
    """Signs where no other class is given."""

    default_fallback_signers: _Fallbacks = []
    """What is also accepted where nothing else is given."""

    # A serializer that writes text makes a `Serializer[str]`, one that writes bytes a `Serializer[bytes]`,
    # whether it is given by position or by keyword. With one whose type tells neither, the user has to say.
    @t.overload
    def __init__(
        self: Serializer[str],
        secret_key: _Keys,
        salt: str | bytes | None = b"itsdangerous",
        serializer: None | _PDataSerializer[str] = None,
        serializer_kwargs: _Kwargs | None = None,
        signer: type[Signer] | None = None,
        signer_kwargs: _Kwargs | None = None,
        fallback_signers: _Fallbacks | None = None,
    ) -> None: ...

    @t.overload
    def __init__(
        self: Serializer[bytes],
        secret_key: _Keys,
        salt: str | bytes | None,
        serializer: _PDataSerializer[bytes],
        serializer_kwargs: _Kwargs | None = None,
        signer: type[Signer] | None = None,
        signer_kwargs: _Kwargs | None = None,
        fallback_signers: _Fallbacks | None = None,
    ) -> None: ...

    @t.overload
    def __init__(
        self: Serializer[bytes],
        secret_key: _Keys,
        salt: str | bytes | None = b"itsdangerous",
        *,
        serializer: _PDataSerializer[bytes],
        serializer_kwargs: _Kwargs | None = None,
        signer: type[Signer] | None = None,
        signer_kwargs: _Kwargs | None = None,
        fallback_signers: _Fallbacks | None = None,
    ) -> None: ...

    @t.overload
    def __init__(
        self,
        secret_key: _Keys,
        salt: str | bytes | None,
        serializer: t.Any,
        serializer_kwargs: _Kwargs | None = None,
        signer: type[Signer] | None = None,
        signer_kwargs: _Kwargs | None = None,
        fallback_signers: _Fallbacks | None = None,
    ) -> None: ...

    @t.overload
    def __init__(
        self,
        secret_key: _Keys,
        salt: str | bytes | None = b"itsdangerous",
        *,
        serializer: t.Any,
        serializer_kwargs: _Kwargs | None = None,
        signer: type[Signer] | None = None,
        signer_kwargs: _Kwargs | None = None,
        fallback_signers: _Fallbacks | None = None,
    ) -> None: ...

    def __init__(
        self,
        secret_key: _Keys,
        salt: str | bytes | None = b"itsdangerous",
        serializer: t.Any | None = None,
        serializer_kwargs: _Kwargs | None = None,
        signer: type[Signer] | None = None,
        signer_kwargs: _Kwargs | None = None,
        fallback_signers: _Fallbacks | None = None,
    ) -> None:
        self.secret_keys: list[bytes] = _make_keys_list(secret_key)
        self.salt: bytes | None = None if salt is None else want_bytes(salt)
        self.serializer: _PDataSerializer[_TSerialized] = (
            self.default_serializer if serializer is None else serializer
        )
        self.is_text_serializer: bool = is_text_serializer(self.serializer)
        self.signer: type[Signer] = self.default_signer if signer is None else signer
        self.signer_kwargs: _Kwargs = signer_kwargs or {}
        self.fallback_signers: _Fallbacks = (
            list(self.default_fallback_signers) if fallback_signers is None else fallback_signers
        )
        self.serializer_kwargs: _Kwargs = serializer_kwargs or {}

    @property
    def secret_key(self) -> bytes:
        """The newest key, which signs."""
        return self.secret_keys[-1]

    def load_payload(self, payload: bytes, serializer: _PDataSerializer[t.Any] | None = None) -> t.Any:
        """Returns the value that the bytes stand for, read by ``serializer`` or else by that of this object.

        Raises `BadPayload`, with the serializer's own exception as ``original_error``.
        """
        chosen: t.Any = serializer
        if serializer is None:
            chosen, is_text = self.serializer, self.is_text_serializer
        else:
            is_text = is_text_serializer(serializer)
        try:
            return chosen.loads(payload.decode("utf-8") if is_text else payload)
        except Exception as error:
            raise BadPayload(
                "Could not load the payload because an exception occurred on unserializing the data.",
                original_error=error,
            ) from error

    def dump_payload(self, obj: t.Any) -> bytes:
        """Returns the bytes of a value, not signed yet."""
        dumps: cabc.Callable[..., str | bytes] = self.serializer.dumps
        return want_bytes(dumps(obj, **self.serializer_kwargs))

    def make_signer(self, salt: str | bytes | None = None) -> Signer:
        """Returns a new signer, for ``salt`` in place of that of this object."""
        return self.signer(self.secret_keys, salt=self.salt if salt is None else salt, **self.signer_kwargs)

    def iter_unsigners(self, salt: str | bytes | None = None) -> cabc.Iterator[Signer]:
        """Yields the signers that `loads` tries: that of `make_signer`, then the fallbacks with each key."""
        if salt is None:
            salt = self.salt
        yield self.make_signer(salt)
        for fallback in self.fallback_signers:
            if isinstance(fallback, dict):
                signer, kwargs = self.signer, fallback
            elif isinstance(fallback, tuple):
                signer, kwargs = fallback
            else:
                signer, kwargs = fallback, self.signer_kwargs
            for secret_key in self.secret_keys:
                yield signer(secret_key, salt=salt, **kwargs)

    def dumps(self, obj: t.Any, salt: str | bytes | None = None) -> _TSerialized:
        """Returns the token of a value: text if the serializer writes text, else bytes."""
        payload = want_bytes(self.dump_payload(obj))
        token = self.make_signer(salt).sign(payload)
        return token.decode("utf-8") if self.is_text_serializer else token  # type: ignore[return-value]

    def dump(self, obj: t.Any, f: t.IO[t.Any], salt: str | bytes | None = None) -> None:
        """Writes the token of a value to a file, opened for text or bytes as `dumps` returns them."""
        f.write(self.dumps(obj, salt))

    def loads(self, s: str | bytes, salt: str | bytes | None = None, **kwargs: t.Any) -> t.Any:
        """Returns the value inside a token.

        Raises `BadSignature` if no signer confirms it, and `BadPayload` if it is confirmed but unreadable.
        ``kwargs`` are ignored; they let subclasses take more arguments.
        """
        s = want_bytes(s)
        refusal: BadSignature | None = None
        for signer in self.iter_unsigners(salt):
            try:
                return self.load_payload(signer.unsign(s))
            except BadSignature as error:
                refusal = error
        raise _last(refusal)

    def load(self, f: t.IO[t.Any], salt: str | bytes | None = None) -> t.Any:
        """Returns the value inside the token that a file holds."""
        return self.loads(f.read(), salt)

    def loads_unsafe(self, s: str | bytes, salt: str | bytes | None = None) -> tuple[bool, t.Any]:
        """Returns whether the signature is good, and the value **even if it is not**.

        The value is ``None`` where it is unreadable beside a bad signature. For debugging: anybody can write
        such a token, so never use this with a serializer that can be harmed by input, such as `pickle`.
        """
        return self._loads_unsafe_impl(s, salt)

    def load_unsafe(self, f: t.IO[t.Any], salt: str | bytes | None = None) -> tuple[bool, t.Any]:
        """Like `loads_unsafe`, for the token that a file holds."""
        return self.loads_unsafe(f.read(), salt=salt)

    # Subclasses whose `loads` takes more arguments call this, under this name also with itsdangerous.
    def _loads_unsafe_impl(
        self,
        s: str | bytes,
        salt: str | bytes | None,
        load_kwargs: _Kwargs | None = None,
        load_payload_kwargs: _Kwargs | None = None,
    ) -> tuple[bool, t.Any]:
        try:
            return True, self.loads(s, salt=salt, **(load_kwargs or {}))
        except BadSignature as refusal:
            if refusal.payload is None:
                return False, None
            try:
                return False, self.load_payload(refusal.payload, **(load_payload_kwargs or {}))
            except BadPayload:
                return False, None


def _last(refusal: BadSignature | None) -> BadSignature:
    if refusal is None:
        raise TypeError("expected iter_unsigners() to yield at least one signer")
    return refusal
