"""Serves a Flask app of `twins/` with gunicorn, in as many processes and threads as asked for.

Knows neither what the app does nor what is tested; `stores.py` starts the stores.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator

from servers import HERE, SECRET_KEY, free_port, started
from stores import Store
from visits import ask

# Who keeps the sessions of the app, and what its environment says then.
SESSIONS = {"flask-session": {}, "hipflask": {"TWIN_SESSIONS": "hipflask"}}


@contextlib.contextmanager
def served(
    sessions: str, store: Store, *, app: str = "stored", worker: str = "gthread", options: tuple[str, ...] = ()
) -> Iterator[int]:
    """Runs two workers (of four threads, where the kind of worker has threads), and yields their port."""
    with gunicorn(sessions, store, app=app, worker=worker, options=options) as (port, _pid):
        yield port


@contextlib.contextmanager
def gunicorn(
    sessions: str, store: Store, *, app: str = "stored", worker: str = "gthread", options: tuple[str, ...] = ()
) -> Iterator[tuple[int, int]]:
    """As `served`, but yields the id of the master's process as well."""
    port = free_port()
    env = {key: value for key, value in os.environ.items() if not key.startswith(("FLASK_", "TWIN_", "GUNICORN_"))}
    env |= {"FLASK_SECRET_KEY": SECRET_KEY} | SESSIONS[sessions] | store.env
    threads = ("--threads", "4") if worker == "gthread" else ()
    arguments = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", worker, "--workers", "2"),
        *("--pythonpath", str(HERE / "twins"), "--log-level", "warning", *threads, *options),
        f"{app}:over({store.url!r})",
    ]

    def check() -> None:
        # The port is open long before the workers have loaded the app.
        assert ask(port, "/none").status == 200

    with tempfile.TemporaryDirectory() as folder:
        with started(arguments, check, env=env, cwd=folder) as process:
            yield port, process.pid


def workers(master: int) -> list[int]:
    """Returns the process ids of a master's workers."""
    return [int(pid) for pid in pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()]
