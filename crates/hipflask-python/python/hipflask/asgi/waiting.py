"""Calls of the engine that may wait for a store, made in other threads, so that the event loop does not wait.

Knows nothing of sessions.
"""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable

from ..waiting import log, outcome

if TYPE_CHECKING:
    from .._native import Engine
    from ..waiting import Outcome

__all__ = ["elsewhere", "in_event_loop", "outcome_elsewhere"]

#: How many calls may wait at once. They are not the loop's own threads: while a store is away, those must be
#: free for what the app does in them.
_THREADS = ThreadPoolExecutor(64, thread_name_prefix="hipflask")


def in_event_loop() -> bool:
    """Reports whether this thread runs an event loop, which must not wait."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def outcome_elsewhere(engine: Engine, call: Callable[..., Any], *args: Any) -> Outcome:
    """Returns what a call comes to, and what is to be logged of it. Once begun, it is carried out, also if
    nobody waits for it any more."""
    if not engine.asks:
        return outcome(engine, call, *args)
    run = contextvars.copy_context().run
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, lambda: run(outcome, engine, call, *args))


async def elsewhere(engine: Engine, call: Callable[..., Any], *args: Any) -> Any:
    """Returns what a call returns."""
    result, error, records = await outcome_elsewhere(engine, call, *args)
    log(records)
    if error is not None:
        raise error
    return result
