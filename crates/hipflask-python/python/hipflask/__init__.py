"""Flask's sessions on a Rust engine: the same cookies and records, and nothing lost.

    from flask import Flask, session
    from hipflask import HipFlask

    app = Flask(__name__)
    app.config.from_prefixed_env()
    HipFlask(app)

``hipflask.itsdangerous`` is a drop-in for the package ``itsdangerous`` and needs no Flask; what
does is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._native import __version__

if TYPE_CHECKING:
    from .errors import (
        ConfigError,
        HipFlaskError,
        SessionConflict,
        SessionError,
        StoreUnavailable,
        TooManySessions,
    )
    from .extension import HipFlask
    from .interface import HipFlaskSessionInterface
    from .session import Session
    from .shadow import Shadow

__all__ = [
    "ConfigError",
    "HipFlask",
    "HipFlaskError",
    "HipFlaskSessionInterface",
    "Session",
    "SessionConflict",
    "SessionError",
    "Shadow",
    "StoreUnavailable",
    "TooManySessions",
    "__version__",
]

_HOMES = {
    "HipFlask": "extension",
    "HipFlaskSessionInterface": "interface",
    "Session": "session",
    "Shadow": "shadow",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f".{_HOMES.get(name, 'errors')}", __name__)
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
