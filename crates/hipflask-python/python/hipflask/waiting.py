"""Calls of the engine that may wait for a store: what they raise, what they log, and who waits meanwhile.

Knows nothing of sessions.
"""

from __future__ import annotations

import contextvars
import logging
import sys
from typing import TYPE_CHECKING, Any, Callable, Optional

from ._native import take_log

if TYPE_CHECKING:
    from ._native import Engine

    Record = tuple[int, str, list[tuple[str, str]]]
    #: What a call returned or raised, and what is to be logged of it.
    Outcome = tuple[Any, Optional[Exception], list[Record]]

__all__ = ["log", "outcome", "waiting"]

logger = logging.getLogger("hipflask")

#: How many greenlets may wait for a store at once.
_MOST_WAITING = 64


def waiting(engine: Engine, call: Callable[..., Any], *args: Any) -> Any:
    """Calls what may wait for a store."""
    if not engine.asks:
        return call(*args)
    if engine.blocks and _is_patched_by_gevent():
        result, error, records = outcome(engine, call, *args)
        log(records)
        if error is not None:
            raise error
        return result
    try:
        return call(*args)
    finally:
        log(take_log())


def outcome(engine: Engine, call: Callable[..., Any], *args: Any) -> Outcome:
    """Calls what may wait for a store. Under gevent another thread waits, since all greenlets of this
    one would wait with it; the records are for this one, as logging's locks are made for greenlets. What is
    only read there, such as a lazy text, finds the request of this one."""
    if engine.blocks and _is_patched_by_gevent():
        run = contextvars.copy_context().run
        result: Outcome = _threads_of_gevent().apply(run, (_outcome_here, call, args))
        return result
    return _outcome_here(call, args)


def _outcome_here(call: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    try:
        return call(*args), None, take_log()
    except Exception as error:
        return None, error, take_log()


def log(records: list[Record]) -> None:
    for level, message, fields in records:
        logger.log(level, "%s", message, extra=dict(fields))


def _threads_of_gevent() -> Any:
    """Returns the threads that wait for the greenlets of this one. They are not gevent's own: those are
    few, and while a store is away, nobody could look up a host name."""
    import gevent  # type: ignore[import-untyped,unused-ignore]
    from gevent.threadpool import ThreadPool  # type: ignore[import-untyped,unused-ignore]

    hub = gevent.get_hub()
    if not hasattr(hub, "hipflask_threads"):
        hub.hipflask_threads = ThreadPool(_MOST_WAITING, hub=hub)
    return hub.hipflask_threads


def _is_patched_by_gevent() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("socket"))
