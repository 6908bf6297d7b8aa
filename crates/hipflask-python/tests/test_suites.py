"""The test suites of Flask, itsdangerous and the extensions that Flask apps log in with, run on this package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SOURCES = Path(os.environ.get("CARGO_TARGET_DIR", TESTS.parents[2] / "target")) / "suites"

#: What passes with Flask and not here, which COMPATIBILITY.md tells its readers, too.
DIFFERENCES = {
    "Flask==3.1.3": {
        "tests/test_basic.py::test_session_refresh_vary": (
            "a permanent session is not sent again with a page that never uses it: "
            "SESSION_REFRESH_UNTOUCHED"
        ),
    },
}


@pytest.mark.parametrize(
    ("package", "place"),
    [
        ("Flask==3.1.3", "flask"),
        ("Flask-Login==0.6.3", "flask"),
        ("Flask-WTF==1.3.0", "flask"),
        ("itsdangerous==2.2.0", "itsdangerous"),
    ],
)
def test_suite_passes_but_for_what_is_meant_to_differ(package: str, place: str) -> None:
    folder = source_of(package)
    # Some may not pass either way, for instance with a newer Werkzeug than they were written for.
    runs = [start(folder, ""), start(folder, place)]
    stock, ours = map(passed, runs)
    assert len(stock) > 80
    assert stock - ours == DIFFERENCES.get(package, {}).keys()


def source_of(package: str) -> Path:
    """Returns the folder with a package's source, after downloading it once."""
    folder = SOURCES / package
    if not any(folder.glob("*/tests")):
        options = ["-q", "--disable-pip-version-check", "--no-deps", "--no-binary", package.partition("==")[0]]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, "-d", folder, package], check=True)
        [archive] = folder.glob("*.tar.gz")
        shutil.unpack_archive(archive, folder)
    [tests] = folder.glob("*/tests")
    return tests.parent


def start(folder: Path, place: str) -> subprocess.Popen[str]:
    """Runs a suite, with this package in the place of another one."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "in_place", "-rA", "--tb=no", "tests"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TESTS / "suites"), "HIPFLASK_IN_PLACE_OF": place},
        stdout=subprocess.PIPE,
        text=True,
    )


def passed(run: subprocess.Popen[str]) -> set[str]:
    """Waits for a suite, and returns the names of the tests that have passed."""
    output, _ = run.communicate()
    return {line[7:] for line in output.splitlines() if line.startswith("PASSED ")}
