"""The package's types are those that a strict checker believes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import hipflask
import pytest

HERE = Path(__file__).parent
PACKAGE = Path(hipflask.__file__).parent


def strict(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder), *arguments]
    # From elsewhere, so that no module of the tests is taken for a package that the sample imports.
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments", [[str(HERE / "typing_sample.py")], ["-p", "hipflask"]], ids=["sample", "package"]
)
def test_strict_checker_finds_no_mistake(
    arguments: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    checked = strict(*arguments, folder=folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_package_tells_checkers_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()
