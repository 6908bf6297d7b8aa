"""The app's keys: judged, and read again from ``SECRET_KEY_FILE`` when that changes."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from typing import Any

from . import _native
from .errors import ConfigError

__all__ = ["KeyFile", "keys_of", "weaknesses"]

logger = logging.getLogger("hipflask")

#: How long nobody looks for changed keys after somebody has, in seconds.
_PAUSE = 1.0


class KeyFile:
    """Keeps an app's configuration at the keys of a file or folder. There Flask finds them, and whatever else
    signs with the app's key."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._next = 0.0
        self._trouble: str | None = None

    def refresh(self, config: dict[str, Any]) -> None:
        """Looks whether the keys have changed, unless somebody has just looked.

        :raises ConfigError: when there are no keys yet, and the file cannot be used.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _PAUSE
        try:
            keys = [key.decode() for key in _native.read_keys(os.fspath(config["SECRET_KEY_FILE"]))]
        except ConfigError as error:
            if not self._keys:
                raise
            if self._trouble != (trouble := str(error)):
                self._trouble = trouble
                logger.error("the keys stay what they were: %s", trouble)
            return
        if not self._keys and config.get("SECRET_KEY") not in (None, "", *keys):
            raise ConfigError("SECRET_KEY_FILE has all keys: unset SECRET_KEY and SECRET_KEY_FALLBACKS, or this")
        if keys != self._keys or self._trouble is not None:
            self._put(config, keys)
            self._trouble = None

    def _put(self, config: dict[str, Any], keys: list[str]) -> None:
        # Other threads read this meanwhile: at no moment is one of the keys unknown.
        config["SECRET_KEY_FALLBACKS"] = [*self._keys, *keys]
        config["SECRET_KEY"] = keys[0]
        config["SECRET_KEY_FALLBACKS"] = keys[1:]
        if self._keys:
            logger.info("the keys were read again")
        self._keys = keys


def keys_of(key: Any, fallbacks: Any) -> list[bytes]:
    """Returns the keys as bytes, the current one first."""
    if not key:
        return []
    if isinstance(fallbacks, (str, bytes)):
        raise ConfigError(
            "SECRET_KEY_FALLBACKS expects a list, found a string, of which Flask accepts every single"
            " character as a key: write [\"the old key\"]"
        )
    return [_key("SECRET_KEY", key), *(_key("SECRET_KEY_FALLBACKS", each) for each in fallbacks or ())]


def _key(name: str, key: Any) -> bytes:
    if isinstance(key, str):
        return key.encode()
    if isinstance(key, bytes):
        return key
    raise ConfigError(f"{name} expects str or bytes, found {type(key).__name__}")


def weaknesses(keys: list[bytes]) -> Iterator[str]:
    for position, key in enumerate(keys):
        weakness = _native.weakness(key)
        if weakness is not None:
            place = "SECRET_KEY" if position == 0 else f"SECRET_KEY_FALLBACKS, position {position}"
            yield f"{place}: {weakness}"
