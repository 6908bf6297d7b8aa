"""Starts the two sides: the Flask twins in `twins/`, and the built Rust programs.

`HIPFLASK_BIN_DIR` says where cargo put the Rust programs (`target/debug`; examples in its `examples/`).
A program that is not there is a failure, never a skip.
"""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SECRET_KEY = "interop-tests-only-5b2c0e7d94f1a86e3377"
# The demo is the `accounts` example with more pages, so either program can stand for the other.
DEMO_PROGRAMS = ("hipflask-demo", "demo")
PROGRAMS = {"accounts": ("accounts", *DEMO_PROGRAMS), "demo": (*DEMO_PROGRAMS, "accounts")}
TWINS = {"demo": "accounts"}


def rust_program(name):
    """Returns the path of a built Rust program."""
    folder = pathlib.Path(os.environ.get("HIPFLASK_BIN_DIR") or HERE.parent / "target" / "debug")
    names = PROGRAMS.get(name, (name,))
    candidates = [place / each for each in names for place in (folder / "examples", folder)]
    for candidate in candidates:
        if candidate.is_file():
            return str(candidate)
    raise AssertionError(f"`{name}` is not built in {folder}: set HIPFLASK_BIN_DIR")


def command(kind, example):
    if kind == "flask":
        return [sys.executable, str(HERE / "twins" / f"{TWINS.get(example, example)}.py")]
    return [rust_program(example)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(process, port, log):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    log.seek(0)
    raise AssertionError(f"{process.args} did not start:\n{log.read().decode(errors='replace')}")


@contextlib.contextmanager
def running(kind, example, data=None):
    """Runs one side of one example and yields its port; `data` is where `accounts` keeps its users."""
    port = free_port()
    arguments = [*command(kind, example), "--port", str(port)]
    if data is not None:
        arguments += ["--data", str(data)]
    env = {key: value for key, value in os.environ.items() if not key.startswith("FLASK_")}
    env["FLASK_SECRET_KEY"] = SECRET_KEY
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(arguments, env=env, cwd=folder, stdout=log, stderr=log)
        try:
            wait_until_ready(process, port, log)
            yield port
        finally:
            process.terminate()
            process.wait(10)
