"""Starts the sides: the Flask twins in `twins/`, the same with the Python package `hipflask`, and the built Rust programs.

`HIPFLASK_BIN_DIR` says where cargo put the Rust programs (`target/debug`; examples in its `examples/`).
A program that is not there is a failure, never a skip.
"""

import contextlib
import itertools
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from werkzeug.serving import make_server

HERE = pathlib.Path(__file__).resolve().parent
SECRET_KEY = "interop-tests-only-5b2c0e7d94f1a86e3377"
PROGRAMS = {"demo": "hipflask-demo"}
# All examples that there are in actix-web.
ACTIX = "hipflask-actix-twins"
MAX_WORKERS = 16


def rust_program(name):
    """Returns the path of a built Rust program."""
    folder = pathlib.Path(os.environ.get("HIPFLASK_BIN_DIR") or HERE.parent / "target" / "debug")
    for place in (folder / "examples", folder):
        candidate = place / PROGRAMS.get(name, name)
        if candidate.is_file():
            return str(candidate)
    raise AssertionError(f"`{name}` is not built in {folder}: set HIPFLASK_BIN_DIR")


def command(kind, example):
    """Returns how to call one side: `flask`, `python`, `fastapi`, `quart`, `rust`, `actix`, or the path of a program."""
    if kind in ("fastapi", "quart"):
        return [sys.executable, str(HERE / "twins" / f"in_{kind}.py"), example]
    if kind == "actix":
        return [rust_program(ACTIX), example]
    if kind in ("flask", "python"):
        return [sys.executable, str(HERE / "twins" / f"{example}.py")]
    return [rust_program(example) if kind == "rust" else str(kind)]


def ports():
    """Yields the ports of this worker of pytest, in an order of its own.

    They lie below those that the system gives to connections by itself, so that a port is still free when its server
    has got ready to take it.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = range(10_000 + worker, 32_000, MAX_WORKERS)
    yield from itertools.cycle(random.sample(own, len(own)))


PORTS = ports()


def free_port():
    for port in PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def accepts(port):
    """Fails until something listens on the port."""
    socket.create_connection(("127.0.0.1", port), 1).close()


def wait_until_ready(process, check, log, patience=30):
    """Repeats `check` until it no longer fails."""
    deadline = time.monotonic() + patience
    reason = None
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return check()
        except Exception as error:  # every client library has its own
            reason = error
        time.sleep(0.02)
    log.seek(0)
    output = log.read().decode(errors="replace")
    raise AssertionError(f"{process.args} did not start: {reason!r}\n{output}")


@contextlib.contextmanager
def started(arguments, check, stop=signal.SIGTERM, patience=30, **options):
    """Runs a server in the foreground, and stops it by its process id."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log, **options)
        try:
            wait_until_ready(process, check, log, patience)
            yield process
        finally:
            process.send_signal(stop)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def serving(app):
    """Serves a WSGI app from threads of this process and yields its port."""
    server = make_server("127.0.0.1", free_port(), app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def running(kind, example, data=None, sessions=None, settings=()):
    """Runs one side of one example and yields its port.

    `data` is where `accounts` and the demo keep their users, `sessions` the address of the store of `stored`, `settings` more of its
    environment.
    """
    port = free_port()
    arguments = [*command(kind, example), "--port", str(port)]
    if data is not None:
        arguments += ["--data", str(data)]
    if sessions is not None:
        arguments += ["--sessions", sessions]
    env = {key: value for key, value in os.environ.items() if not key.startswith("FLASK_")}
    env |= {"FLASK_SECRET_KEY": SECRET_KEY} | dict(settings)
    if kind == "python":
        env["TWIN_SESSIONS"] = "hipflask"
    with tempfile.TemporaryDirectory() as folder:
        with started(arguments, lambda: accepts(port), env=env, cwd=folder):
            yield port
