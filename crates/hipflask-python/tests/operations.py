"""The operations of the vectors: what a view does to `flask.session`, and what each answers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import flask
from flask import session

from notation import describe, describe_text, read

Answers = list[dict[str, Any]]
CAUGHT = (AttributeError, KeyError, RuntimeError, TypeError, ValueError)


def run(operations: Iterable[list[Any]], answers: Answers) -> None:
    """Runs operations on the session of the current request and notes what each returns or raises."""
    for name, *operands in operations:
        if name == "abort":
            flask.abort(operands[0] if isinstance(operands[0], int) else read(operands[0]))
        if name == "raise":
            raise ZeroDivisionError("a view that fails")
        try:
            answers.append({"ok": describe(OPERATIONS[name](*map(read, operands)))})
        except CAUGHT as error:
            answers.append({"raised": type(error).__name__, "msg": describe_text(str(error)[:160])})


def interface() -> Any:
    return flask.current_app.session_interface


def _ior(other: dict[str, Any]) -> None:
    # A local name, because the proxy itself cannot be assigned to.
    current = session._get_current_object()  # type: ignore[attr-defined]
    current |= other


OPERATIONS: dict[str, Callable[..., Any]] = {
    "nop": lambda: None,
    "get": lambda *operands: session.get(*operands),
    "getitem": lambda key: session[key],
    "contains": lambda key: key in session,
    "len": lambda: len(session),
    "bool": lambda: bool(session),
    "keys": lambda: list(session),
    "dict": lambda: dict(session),
    "set": lambda key, value: operator.setitem(session, key, value),
    "del": lambda key: operator.delitem(session, key),
    "pop": lambda *operands: session.pop(*operands),
    "popitem": lambda: session.popitem(),
    "clear": lambda: session.clear(),
    "update": lambda other: session.update(other),
    "ior": _ior,
    "setdefault": lambda key, value: session.setdefault(key, value),
    "permanent": lambda: session.permanent,
    "set_permanent": lambda value: setattr(session, "permanent", value),
    "modified": lambda: session.modified,
    "set_modified": lambda value: setattr(session, "modified", value),
    "set_accessed": lambda value: setattr(session, "accessed", value),
    "new": lambda: session.new,
    "flash": lambda *operands: flask.flash(*operands),
    "get_flashed": lambda *operands: flask.get_flashed_messages(*operands),
    "append": lambda key, value: session[key].append(value),
    "regenerate": lambda: interface().regenerate(session),
    "sid": lambda: session.sid,  # type: ignore[attr-defined]
}
