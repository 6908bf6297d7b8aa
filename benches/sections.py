"""The parts of BENCHMARKS.md, in their order."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Section:
    """One bench: what is said of it, beside whom its contenders are shown, and what is drawn."""

    name: str
    title: str
    text: str
    beside: str = ""
    # With a unit, a table has a row for each contender and a column for each case, of the only measure.
    unit: str = ""
    # A table has a row for each measure instead of a column.
    is_turned: bool = False
    # The measures that are compared, if not all.
    compared: tuple[str, ...] = ()
    # Who is compared with another one than `beside`.
    pairs: dict[str, str] = dataclasses.field(default_factory=dict)
    # file, case, measure, title, and what a long bar means
    plots: tuple[tuple[str, str, str, str, str], ...] = ()

    def other(self, contender: str) -> str:
        return self.pairs.get(contender, self.beside)

    def group(self, case: str) -> str:
        """Returns the word that a table has for its head."""
        return case.partition(":")[0] if ":" in case else case.partition(" ")[0]


SHORTER, LONGER = "shorter is faster", "longer is faster"

SECTIONS = [
    Section(
        "cookie",
        "A signed cookie",
        "CPU time to open, save and refuse it, in one process; below 1 is faster than Hipflask. `w1` is a counter, `w2` a log-in with a "
        "flash message and a CSRF token, `w3` a cart of 30 items. The floor is the least that Flask's format can cost. What does not "
        "compress saves `w2` and `w3` faster, and sends more.",
        "hipflask",
        "ns",
        plots=(
            ("open_w2", "open w2", "CPU, ns", "CPU time to open a log-in (w2), Hipflask = 1", SHORTER),
            ("save_w2", "save w2", "CPU, ns", "CPU time to save a log-in (w2), Hipflask = 1", SHORTER),
        ),
    ),
    Section("layer", "Inside the router", "A request through axum's router, without a network.", "bare axum"),
    Section(
        "http",
        "Requests over a connection",
        "A counter app, 32 connections, one thread. What only sends a session's headers is the least that a session can cost.",
        "bare axum",
        plots=(("http", "", "requests/s", "Requests a second, bare axum = 1", LONGER),),
    ),
    Section(
        "stores",
        "Sessions in one Redis",
        "A counter app, 32 connections, 64 sessions. axum_session is set to ask Redis at each request, as the others do; by default "
        "it keeps sessions in the process for an hour. Flask-Session runs under gunicorn with four threads.",
        "hipflask",
        compared=("requests/s", "server CPU, µs", "Redis CPU, µs"),
        plots=(
            ("store_read", "read", "requests/s", "Requests a second that read their session, Hipflask = 1", LONGER),
            ("store_write", "write", "requests/s", "Requests a second that write their session, Hipflask = 1", LONGER),
        ),
    ),
    Section(
        "drivers",
        "The other stores, beside their bare drivers",
        "32 tasks of one thread; the driver sends the same statements. PostgreSQL does not wait for its disk.",
        "driver",
    ),
    Section(
        "memory",
        "Redis' memory",
        "What a session takes, among as many as the column says.",
        "hipflask",
    ),
    Section("purge", "Expired sessions in SQLite", "How long it takes to purge a thousand of them, as the table grows."),
    Section(
        "scale",
        "Reading and writing among many sessions",
        "Log-ins (`w2`) through Hipflask's stores. A first read is of a session that the process has not read before, a read of one of ten "
        "thousand in use, at random, and so is a write: it reads, and then compares and swaps. The log is "
        "what PostgreSQL writes to its disk first.",
        is_turned=True,
    ),
    Section(
        "calls",
        "Flask's calls, with and without the Python package",
        "CPU time of `open_session` and `save_session`. Below 1 is faster than Flask, or than Flask-Session on the same Redis.",
        "Flask",
        "µs",
        pairs={"Flask-Session": "Flask-Session", "Hipflask, Redis": "Flask-Session"},
    ),
    Section(
        "requests",
        "Flask's requests, with and without the Python package",
        "gunicorn with one worker, 8 connections, 200 visitors; beside Flask, or Flask-Session on the same Redis.",
        "Flask",
        pairs={"Flask-Session": "Flask-Session", "Hipflask, Redis": "Flask-Session"},
        plots=(
            ("flask_write", "gthread, write", "requests/s", "Requests a second of gunicorn that write, without Hipflask = 1", LONGER),
        ),
    ),
    Section(
        "asgi",
        "Requests through an ASGI app, without a network",
        "CPU time of a request to Starlette, threads included, beside starsessions, which keeps sessions in both places.",
        "starsessions",
    ),
    Section(
        "signing",
        "itsdangerous, and `hipflask.itsdangerous`",
        "The best of 60 rounds; below 1 is faster.",
        "itsdangerous",
    ),
    Section("instructions", "Instructions of one call", "Counted by valgrind, the same on every run."),
]
