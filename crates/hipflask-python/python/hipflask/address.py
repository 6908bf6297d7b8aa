"""Flask-Session's configuration → the address of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from .errors import ConfigError

if TYPE_CHECKING:
    from flask import Flask


def address_of(config: Mapping[str, Any], app: Flask) -> str | None:
    """Returns the address of the store that the configuration asks for, ``None`` for signed cookies."""
    kind = config.get("SESSION_TYPE")
    if kind is None or str(kind).lower() in ("null", "cookie"):
        return None
    raise ConfigError("SESSION_TYPE is not read yet: set SESSION_STORE to the address of the store")
