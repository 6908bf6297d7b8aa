"""Puts addresses together, and says what keeps a client from becoming one.

Knows what all addresses have in common, and no store.
"""

from __future__ import annotations

import logging
from typing import Any, Mapping, Union
from urllib.parse import quote, unquote

from .._native import store_kind
from ..clients import Client
from ..errors import ConfigError

_logger = logging.getLogger("hipflask")


class Address(str):
    """The address of a store. It may hold a password, so what is printed of it is only its kind."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<address of a store, {self.partition(':')[0]}:…>"


class Untranslatable(Exception):
    """A client says what no address can. The text must hold no secret."""


#: Where sessions are kept: an address, or a client that asks there.
Store = Union[Address, Client]


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


def split_options(address: str) -> tuple[str, list[tuple[str, str]]]:
    """Returns what is before the question mark, and the options behind it, as they are written."""
    place, _, query = address.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return place, [(name, value) for name, _, value in pairs]


def taken(options: list[tuple[str, str]], name: str, default: str) -> str:
    """Takes an option out."""
    value = unquote(dict(options).get(name, default))
    options[:] = [option for option in options if option[0] != name]
    return value


def creates(options: list[tuple[str, str]]) -> bool:
    """Takes out whether what is not there is to be made."""
    value = taken(options, "create", "false")
    if value not in ("true", "false"):
        raise ConfigError(
            "the address of the session store has the option `create`, which must be true or false"
        )
    return value == "true"


def given(
    config: Mapping[str, Any], name: str, schemes: tuple[str, ...], others: tuple[str, ...] = ()
) -> Address | None:
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
    return Address(value)


def refused(name: str, what: str) -> ConfigError:
    """Returns the error for a client that asks for what no address can say. `what` must hold no secret."""
    return ConfigError(f"{name} {what}; to choose the store yourself, set SESSION_STORE to its address")


def carried_by(client: Client, name: str, why: Untranslatable, word: str = "client") -> Client:
    """Returns the app's client as the store, and logs why no address can stand for it."""
    _logger.info("%s %s: sessions go through the app's %s, which takes longer", name, why, word)
    return client


def assumed(name: str, what: str) -> None:
    """Logs which store is taken where the configuration names none."""
    _logger.warning("%s is not set: sessions are kept in %s", name, what, extra={"reason": "store_assumed"})


def no_effect(config: Mapping[str, Any], name: str, why: str) -> None:
    """Logs that a name of Flask-Session's has no effect here, if it is set."""
    if config.get(name) is not None:
        _logger.info("%s has no effect: %s", name, why, extra={"reason": "setting_without_effect"})
