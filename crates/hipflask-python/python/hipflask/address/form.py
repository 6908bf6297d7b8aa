"""Puts addresses together, and says what keeps a client from becoming one.

Knows what all addresses have in common, and no store.
"""

from __future__ import annotations

import logging
from typing import Any, Mapping, Union
from urllib.parse import quote

from .._native import store_kind
from ..clients import Client
from ..clients.sql import SQLiteClient
from ..errors import ConfigError

_logger = logging.getLogger("hipflask")


class Address(str):
    """The address of a store. It may hold a password, so what is printed of it is only its kind."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<address of a store, {self.partition(':')[0]}:…>"


class Untranslatable(Exception):
    """A client says what no address can. The text must hold no secret."""


#: Where sessions are kept: an address that the engine connects to, or a client that asks for it.
Store = Union[Address, Client]


def carried(address: Address) -> Store:
    """Returns the store of an address: SQLite's is reached through Python's own."""
    if store_kind(address)[0] != "sqlite":
        return address
    # What is in memory is seen by this process alone, in whichever form.
    return Address("memory:") if address.startswith("sqlite::memory:") else SQLiteClient(address)


def url(
    scheme: str,
    hosts: str = "",
    path: str = "",
    *,
    user: str | None = None,
    password: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Address:
    """Returns ``scheme://user:password@hosts/path?options``, with what is not a host percent-encoded."""
    login = quote(user or "", safe="") + (":" + quote(password, safe="") if password else "")
    query = "&".join(f"{name}={quote(value, safe='/:')}" for name, value in (options or {}).items())
    return Address(
        f"{scheme}://{login}{'@' if login else ''}{hosts}"
        + (f"/{quote(path, safe='/')}" if path else "")
        + (f"?{query}" if query else "")
    )


def host(name: str, port: int | None) -> str:
    """Returns ``name:port``, with brackets around what is an address of IPv6."""
    name = f"[{name}]" if ":" in name else name
    return name if port is None else f"{name}:{port}"


def given(
    config: Mapping[str, Any], name: str, schemes: tuple[str, ...], others: tuple[str, ...] = ()
) -> Store | None:
    """Returns the value of `name` if it is an address itself, which then says all that `others` would.

    `schemes` has one for each kind of store that it may be the address of.
    """
    value = config.get(name)
    if not isinstance(value, str):
        return None
    if store_kind(value)[0] not in {store_kind(f"{scheme}:")[0] for scheme in schemes}:
        raise ConfigError(f"{name} must be a client or an address that starts with {schemes[0]}:")
    for other in others:
        if config.get(other) is not None:
            raise ConfigError(f"{name} is an address, so {other} has no effect: write it into the address")
    return carried(Address(value))


def refused(name: str, what: str) -> ConfigError:
    """Returns the error for a client that asks for what no address can say. `what` must hold no secret."""
    return ConfigError(f"{name} {what}; to choose the store yourself, set SESSION_STORE to its address")


def assumed(name: str, what: str) -> None:
    """Logs which store is taken where the configuration names none."""
    _logger.warning("%s is not set: sessions are kept in %s", name, what, extra={"reason": "store_assumed"})


def no_effect(config: Mapping[str, Any], name: str, why: str) -> None:
    """Logs that a name of Flask-Session's has no effect here, if it is set."""
    if config.get(name) is not None:
        _logger.info("%s has no effect: %s", name, why, extra={"reason": "setting_without_effect"})
