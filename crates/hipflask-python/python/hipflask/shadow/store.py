"""The store that Hipflask sees while it looks on: what stock has read in this request, and a place of its own
for what Hipflask would write. The real store is asked by nobody but stock.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Optional

from ..clients.form import Client, Record, Touch

__all__ = ["SCENE", "Scene", "ShadowStore"]


class Scene:
    """The records of one request."""

    def __init__(self) -> None:
        #: What stock has read: a key and its record, or ``None`` where there was none.
        self.read: dict[str, bytes | None] = {}
        #: What stock has written, or ``None`` where it has deleted.
        self.theirs: dict[str, bytes | None] = {}
        #: What Hipflask would have written, or ``None`` where it would have deleted.
        self.ours: dict[str, bytes | None] = {}
        #: The bytes that stock has just read or written.
        self.payload: bytes | None = None

    def take(self) -> bytes | None:
        """Returns the bytes that stock has read or written, once."""
        payload, self.payload = self.payload, None
        return payload

    def now(self, key: str) -> bytes | None:
        """Returns the record that Hipflask would find."""
        return self.ours[key] if key in self.ours else self.read.get(key)


#: The request that is opened or saved at this moment, if it is looked at.
SCENE: ContextVar[Optional[Scene]] = ContextVar("hipflask_shadow", default=None)


class ShadowStore(Client):
    """Answers from the scene of the request, and keeps there what is written."""

    def __init__(self, pickles: bool) -> None:
        self.pickles = pickles

    def load(self, key: str, touch: Touch) -> Record:
        payload = _scene().now(key)
        # How long it still lives is not known, so that its life is never extended.
        return None if payload is None else (payload, False)

    def create(self, key: str, payload: bytes, ttl: float) -> bool:
        return self._write(key, None, payload)

    def replace(self, key: str, current: bytes, payload: bytes, ttl: float) -> bool:
        return self._write(key, current, payload)

    def delete(self, key: str) -> bool:
        scene = _scene()
        was_there = scene.now(key) is not None
        scene.ours[key] = None
        return was_there

    @staticmethod
    def _write(key: str, current: bytes | None, payload: bytes) -> bool:
        scene = _scene()
        if scene.now(key) != current:
            return False
        scene.ours[key] = payload
        return True


def _scene() -> Scene:
    scene = SCENE.get()
    if scene is None:
        raise LookupError("no request is looked at")
    return scene
