"""Whole requests: how many gunicorn answers in a second, what they cost it, and what they ask of Redis.

All servers are up at once and take turns in short rounds, under the load of `wrk`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import re
import statistics
import subprocess
import tempfile

from contender import Contender
from measure import keep, median_ratio, table
from redis import Redis
from server import WORKERS, Server, gunicorn, program

PATHS = {"/untouched": "untouched", "/read": "read", "/count": "write"}
SECONDS = 1  # of a round
N_CONNECTIONS = 8
# As many visitors that overlapping requests of one session are rare, as on a site.
N_VISITORS = 200
N_COUNTED = 100
# What this program asks for itself, and what clients say when they connect.
NOT_OF_SESSIONS = {"CONFIG", "INFO", "CLIENT", "HELLO", "SCRIPT"}

VISITORS = """
local cookies = {%s}
local turn = 0
function request()
    turn = turn %% #cookies + 1
    return wrk.format("GET", nil, {["Cookie"] = cookies[turn]})
end
"""


@dataclasses.dataclass
class Rounds:
    """What was measured of one server and one path, round by round."""

    per_second: list[float] = dataclasses.field(default_factory=list)
    cpu: list[float] = dataclasses.field(default_factory=list)  # microseconds of a request


def load(server: Server, path: str, script: str) -> tuple[int, float]:
    """Sends requests for one round; returns how many were answered, and in how many seconds."""
    url = f"http://127.0.0.1:{server.port}{path}"
    command = [program("wrk"), "-t1", f"-c{N_CONNECTIONS}", f"-d{SECONDS}s", "-s", script, url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in output, f"{server.contender.name} answered with errors:\n{output}"
    [(count, seconds)] = re.findall(r"(\d+) requests in ([\d.]+)s", output)
    return int(count), float(seconds)


def measure(server: Server, path: str, script: str, rounds: Rounds) -> None:
    before = server.cpu_seconds()
    n_requests, seconds = load(server, path, script)
    rounds.cpu.append((server.cpu_seconds() - before) * 1e6 / n_requests)
    rounds.per_second.append(n_requests / seconds)


def commands(server: Server, path: str) -> str:
    """Counts the commands of Redis in a number of requests, one after the other."""
    if server.contender.redis is None:
        return "–"
    cookie = server.new_cookie()
    with contextlib.closing(Redis.from_url(server.contender.redis)) as client:
        client.config_resetstat()
        for _ in range(N_COUNTED):
            server.get(path, cookie)
        stats = client.info("commandstats")
    counts = {name.removeprefix("cmdstat_").upper(): each["calls"] for name, each in stats.items()}
    shown = [
        f"{count / N_COUNTED:g} {name}"
        for name, count in counts.items()
        if name.split("|")[0] not in NOT_OF_SESSIONS
    ]
    return " + ".join(shown) or "0"


def report(contenders: list[Contender], n_rounds: int) -> str:
    """Returns a table with a row for each kind of worker, path and contender. Contenders come in pairs: the second
    of each is compared with the first."""
    rows = []
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for worker in WORKERS:
            servers = [stack.enter_context(gunicorn(contender, worker)) for contender in contenders]
            scripts = []
            for server in servers:
                cookies = ", ".join(f'"{server.new_cookie()}"' for _ in range(N_VISITORS))
                scripts.append(folder / f"{server.port}.lua")
                scripts[-1].write_text(VISITORS % cookies)
            for path, title in PATHS.items():
                rounds = [Rounds() for _ in servers]
                for turn in range(n_rounds):
                    for at in range(len(servers)):
                        at = (at + turn) % len(servers)
                        measure(servers[at], path, str(scripts[at]), rounds[at])
                for at, server in enumerate(servers):
                    rival = rounds[at - at % 2]
                    case = f"{worker}, {title}"
                    keep("requests", case, server.contender.name, "requests/s", rounds[at].per_second)
                    keep("requests", case, server.contender.name, "worker CPU, µs", rounds[at].cpu)
                    rows.append(
                        [
                            worker,
                            title,
                            server.contender.name,
                            f"{statistics.median(rounds[at].per_second):.0f}",
                            f"{statistics.median(rounds[at].cpu):.0f}",
                            f"{median_ratio(rounds[at].per_second, rival.per_second):.2f}" if at % 2 else "",
                            f"{median_ratio(rival.cpu, rounds[at].cpu):.2f}" if at % 2 else "",
                            commands(server, path),
                        ]
                    )
    head = ["worker", "page", "sessions", "requests/s", "CPU, µs", "× requests/s", "÷ CPU", "Redis"]
    return table(head, rows)
