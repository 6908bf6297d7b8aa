"""An app as its author writes it, for the type checker: `test_typing.py` runs `mypy --strict` over it.

Each `type: ignore` is a mistake that the checker has to find, or it reports the comment as unused.
"""

from __future__ import annotations

from typing import Any, cast

from flask import Flask, Response, session
from hipflask import (
    ConfigError,
    HipFlask,
    Session,
    SessionConflict,
    SessionError,
    StoreUnavailable,
    __version__,
)

extension = HipFlask()


def create_app(store: str | None = None) -> Flask:
    app = Flask(__name__)
    extension.init_app(app)
    HipFlask(app, store=store)
    HipFlask(app, store=5)  # type: ignore[arg-type]
    HipFlask(app, "memory:")  # type: ignore[call-arg]
    return app


def current() -> Session:
    return cast(Session, session)


def use() -> Response:
    mine = current()
    mine["cart"] = [1, 2]
    count: Any = mine.update_atomically("count", lambda count: (count or 0) + 1)
    mine.update_atomically("count", 1)  # type: ignore[arg-type]
    state: Any = mine.take("oauth_state")
    mine.take(5)  # type: ignore[arg-type]
    is_known: bool = mine.permanent or mine.new or mine.modified or mine.accessed
    reason: str = mine.reason
    sid: str | None = mine.sid
    sid_is_text: str = mine.sid  # type: ignore[assignment]
    mine.reason = "mine"  # type: ignore[misc]
    mine.permanent = True
    mine.modified = False
    mine.renew()
    mine.destroy()
    return Response(f"{count} {state} {is_known} {reason} {sid} {sid_is_text}")


def revoke(app: Flask, session_id: str) -> bool:
    extension.revoke(5)  # type: ignore[arg-type]
    return extension.revoke(session_id)


def explain(error: Exception) -> int | str | None:
    if isinstance(error, (StoreUnavailable, SessionConflict)):
        return error.code
    if isinstance(error, ConfigError):
        return str(ValueError(error))
    return str(error) if isinstance(error, SessionError) else __version__
