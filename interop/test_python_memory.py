"""A Flask app with the package `hipflask` needs no more memory after many requests than after a few.

The loop is that of `memory_loop.py`. A leak of 20 bytes per request is seen, as the first test shows. The loop alone,
with `--requests 1000000`, takes some minutes.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest
from servers import HERE

ALLOWED = 5  # bytes per request: pages of memory that were not touched during the warm-up


def growth(*arguments: str) -> float:
    """Runs the loop in a process of its own, and returns the bytes that a request has added."""
    command = [sys.executable, str(HERE / "memory_loop.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["per_request"]


def test_leak_of_20_bytes_is_seen() -> None:
    assert growth("flask") < ALLOWED < growth("flask", "--leak", "20")


@pytest.mark.parametrize("store", ["cookie", "memory:", "file"])
def test_requests_leave_nothing_in_memory(store: str, tmp_path: pathlib.Path) -> None:
    address = f"file:{tmp_path}/sessions" if store == "file" else store
    assert growth("hipflask", "--store", address) < ALLOWED
