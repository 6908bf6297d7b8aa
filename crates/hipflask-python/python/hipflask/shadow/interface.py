"""The app's own session interface, at whose calls somebody looks on."""

from __future__ import annotations

import contextlib
import pickle
from typing import TYPE_CHECKING, Any, Iterator

from flask.sessions import SessionInterface

from .store import SCENE

if TYPE_CHECKING:
    from flask import Flask, Request, Response
    from flask.sessions import SessionMixin

    from .watch import Watch

__all__ = ["PLACE", "watched"]

#: Where a session interface keeps who watches it.
PLACE = "_hipflask_watch"


def watched(interface: SessionInterface, watch: Watch) -> SessionInterface:
    """Returns a copy of a session interface, of a class of its own that tells `watch` what is done."""
    is_server_side = hasattr(interface, "_retrieve_session_data")
    beside = _beside(interface, _WatchedStore if is_server_side else _WatchedCookies)
    setattr(beside, PLACE, watch)
    if is_server_side:
        beside.serializer = _beside(beside.serializer, _WatchedSerializer)
        if hasattr(beside, "cache"):
            beside.cache = _beside(beside.cache, _WatchedCache)
    return beside  # type: ignore[no-any-return]


def _beside(it: Any, mixin: type) -> Any:
    """Returns a copy of an object that has the methods of `mixin` before its own, and is still of its class."""
    kind = type(it)
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    both: Any = type(kind.__name__, (mixin, kind), names)
    beside = both.__new__(both)
    for name in _attributes(it):
        object.__setattr__(beside, name, getattr(it, name))
    return beside


def _attributes(it: Any) -> Iterator[str]:
    """Yields the names of what an object holds. Flask's own serializer holds some of it in slots."""
    yield from getattr(it, "__dict__", ())
    for base in type(it).__mro__:
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(it, name):
                yield name


class _Watched(SessionInterface):
    _hipflask_watch: Watch

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        look = self._hipflask_watch.begin(app, request)
        if look is None:
            return super().open_session(app, request)
        token = SCENE.set(look)
        try:
            session = super().open_session(app, request)
        except Exception as error:
            self._hipflask_watch.opened(look, request, None, error)
            raise
        else:
            self._hipflask_watch.opened(look, request, session, None)
            return session
        finally:
            SCENE.reset(token)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        watch = self._hipflask_watch
        ending = watch.end(session, response)
        if ending is None:
            return super().save_session(app, session, response)
        token = SCENE.set(ending.look)
        try:
            super().save_session(app, session, response)
        except Exception as error:
            watch.saved(ending, response, error)
            raise
        else:
            watch.saved(ending, response, None)
        finally:
            SCENE.reset(token)


class _WatchedCookies(_Watched):
    """An interface of signed cookies, which the app may tell at any time how to sign."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in ("salt", "digest_method", "key_derivation", "serializer"):
            self._hipflask_watch.sign_as(self)


class _WatchedStore(_Watched):
    """An interface of Flask-Session, whose methods for records are these."""

    def _retrieve_session_data(self, store_id: str) -> Any:
        found = super()._retrieve_session_data(store_id)  # type: ignore[misc]
        scene = SCENE.get()
        if scene is not None:
            scene.read[store_id] = scene.take()
        return found

    def _upsert_session(self, lifetime: Any, session: Any, store_id: str) -> None:
        super()._upsert_session(lifetime, session, store_id)  # type: ignore[misc]
        scene = SCENE.get()
        if scene is not None:
            scene.theirs[store_id] = scene.take()

    def _delete_session(self, store_id: str) -> None:
        super()._delete_session(store_id)  # type: ignore[misc]
        scene = SCENE.get()
        if scene is not None:
            scene.theirs[store_id] = None


class _WatchedSerializer:
    """Flask-Session's, between its records and dicts."""

    def encode(self, session: Any) -> bytes:
        payload: bytes = super().encode(session)  # type: ignore[misc]
        return _noted(payload)

    def decode(self, payload: bytes) -> Any:
        return super().decode(_noted(payload))  # type: ignore[misc]


class _WatchedCache:
    """A cache of cachelib, which pickles the dicts that it gets."""

    def get(self, key: str) -> Any:
        found = super().get(key)  # type: ignore[misc]
        _note_pickle(found)
        return found

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        done = super().set(key, value, *args, **kwargs)  # type: ignore[misc]
        _note_pickle(value)
        return done


def _noted(payload: bytes) -> bytes:
    scene = SCENE.get()
    if scene is not None:
        scene.payload = payload
    return payload


def _note_pickle(value: Any) -> None:
    if SCENE.get() is not None and value is not None:
        with contextlib.suppress(Exception):
            _noted(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
