"""The `stored` app with three more pages, for clients that count in one session. There is no such Rust program.

They answer with the id of the process that served them.
"""

from __future__ import annotations

import os

from flask import request, session
from stored import over, page

__all__ = ["over"]  # gunicorn looks for it here


@page("/fill")
def fill() -> str:
    """Makes the record long."""
    session["filler"] = "x" * request.args.get("n", 0, int)
    return str(os.getpid())


@page("/put")
def put() -> str:
    """Sets one key to a number."""
    session[request.args["k"]] = request.args.get("n", type=int)
    return str(os.getpid())


@page("/add")
def add() -> str:
    """Adds one to a number: by an atomic update, where there is one."""
    key = request.args["k"]
    if hasattr(session, "update_atomically"):
        session.update_atomically(key, lambda number: (number or 0) + 1)
    else:
        session[key] = session.get(key, 0) + 1
    return str(os.getpid())
