"""What the tests share: one Playwright for each process, and the mark of tests that run alone."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "alone: needs the machine for itself")


@pytest.fixture(scope="session")
def chromium() -> Iterator[tuple[Any, dict[str, Any]]]:
    """What starts browsers, and how. A process can have one Playwright only, which keeps an event loop in this thread."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "chromium is not installed: set CHROMIUM"
    with sync_playwright() as playwright:
        yield playwright.chromium, {"executable_path": path, "headless": True, "args": FLAGS}
