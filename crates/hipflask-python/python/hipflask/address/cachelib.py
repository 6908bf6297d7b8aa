"""The folder of a cachelib `FileSystemCache`: of Flask-Session's types `filesystem` and `cachelib`. Other caches
are asked themselves.

Knows the attributes of cachelib 0.1 to 0.17, which are private for want of others, and imports it not.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Mapping

from ..clients.cachelib import CachelibClient
from ..errors import ConfigError
from .form import Address, Store, Untranslatable, assumed, carried_by, given, no_effect, refused

if TYPE_CHECKING:
    from flask import Flask

_NAME = "SESSION_CACHELIB"
_MODES = (0o600, 0o640, 0o660)
_ALL_ARE_KEPT = "no session ends before it expires; `flask session_cleanup` removes those that have"


def of_folder(config: Mapping[str, Any], app: Flask) -> Address:
    """Returns the address of ``SESSION_FILE_DIR``."""
    no_effect(config, "SESSION_FILE_THRESHOLD", _ALL_ARE_KEPT)
    return _address(
        "SESSION_FILE_DIR", config.get("SESSION_FILE_DIR") or "flask_session", config.get("SESSION_FILE_MODE")
    )


def of_client(config: Mapping[str, Any], app: Flask) -> Store:
    """Returns the store of ``SESSION_CACHELIB``."""
    cache = config.get(_NAME)
    if cache is None:
        assumed(_NAME, "files in the folder flask_session")
        return _address(_NAME, "flask_session", None)
    text = given(config, _NAME, ("file",))
    if text is not None:
        return text
    if not all(hasattr(cache, name) for name in ("get", "set", "add", "delete")):
        raise ConfigError(f"{_NAME} must be a cache of cachelib or an address that starts with file:")
    folder = getattr(cache, "_path", None)
    if not any(it.__name__ == "FileSystemCache" for it in type(cache).__mro__) or folder is None:
        why = Untranslatable(f"is a {type(cache).__name__}")
        return carried_by(CachelibClient(cache), _NAME, why)
    # Old cachelib has no such attribute, and always MD5.
    method = getattr(cache, "_hash_method", None)
    if method is not None and method().name not in ("sha256", "md5"):
        raise refused(_NAME, "names its files by another hash than SHA-256 or MD5")
    return _address(_NAME, folder, getattr(cache, "_mode", None))


def _address(name: str, folder: Any, mode: int | None) -> Address:
    # Absolute, so that it stays the same folder when the process goes to another one.
    path = os.path.abspath(os.fsdecode(folder))
    if "?" in path:
        raise ConfigError(f"{name} must be a folder without a question mark in its path")
    if mode is None or mode == _MODES[0]:
        return Address(f"file:{path}")
    if mode not in _MODES:
        raise ConfigError(
            f"the mode of the session files must be one of {', '.join(map(oct, _MODES))} and not {mode!r}: "
            "sessions are for nobody else to read"
        )
    return Address(f"file:{path}?mode={mode:o}")
