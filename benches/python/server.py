"""Starts the servers: Redis, and gunicorn with one worker for each contender and kind of worker."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

from contender import Contender

HERE = pathlib.Path(__file__).resolve().parent
WORKERS = {"sync": (), "gthread": ("--threads", "4")}


@dataclasses.dataclass(frozen=True)
class Server:
    """One gunicorn with one worker."""

    contender: Contender
    worker: str
    port: int
    worker_pid: int

    def cpu_seconds(self) -> float:
        """Returns the CPU time that the worker has used, in user space and in the kernel."""
        fields = pathlib.Path(f"/proc/{self.worker_pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str, cookie: str = "") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response

    def new_cookie(self) -> str:
        """Returns the cookie of a new visitor, whose session has a counter."""
        cookie = self.get("/count").headers["Set-Cookie"]
        assert cookie, f"{self.contender.name} has set no cookie"
        return cookie.partition(";")[0]


def program(name: str) -> str:
    """Returns the path of a program of the system."""
    path = shutil.which(name)
    if path is None:
        sys.exit(f"`{name}` is not installed: benches/python/README.md says what is needed")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def started(arguments: list[str], is_ready: Callable[[], object], **options: object) -> Iterator[int]:
    """Runs a server in the foreground and yields its process id once `is_ready` no longer fails."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log, **options)
        try:
            deadline = time.monotonic() + 30
            while True:
                try:
                    is_ready()
                    break
                except (OSError, AssertionError):
                    if process.poll() is not None or time.monotonic() > deadline:
                        log.seek(0)
                        sys.exit(f"{arguments[0]} did not start:\n{log.read().decode(errors='replace')}")
                    time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """Runs a Redis that keeps everything in memory, and yields its address."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    ready = lambda: socket.create_connection(("127.0.0.1", port), 1).close()  # noqa: E731
    with tempfile.TemporaryDirectory() as folder, started([program("redis-server"), *options], ready, cwd=folder):
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def gunicorn(contender: Contender, worker: str) -> Iterator[Server]:
    port = free_port()
    options = ["--bind", f"127.0.0.1:{port}", "--worker-class", worker, "--workers", "1", *WORKERS[worker]]
    arguments = [sys.executable, "-m", "gunicorn", *options, "--log-level", "warning", "pages:app"]
    env = {**os.environ, "CONTENDER": json.dumps(dataclasses.asdict(contender)), "PYTHONPATH": python_path()}
    without_pid = Server(contender, worker, port, 0)

    def is_ready() -> None:
        assert without_pid.get("/untouched").status == 200

    with started(arguments, is_ready, cwd=HERE, env=env) as pid:
        [worker_pid] = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        yield dataclasses.replace(without_pid, worker_pid=int(worker_pid))


def python_path() -> str:
    return os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
