"""The examples in the docstrings run, and the annotations hold under mypy, ours and a user's."""

from __future__ import annotations

import doctest
import importlib
import pathlib
import subprocess
import sys

import hipflask.itsdangerous
import pytest

PACKAGE = pathlib.Path(hipflask.itsdangerous.__file__).parent
TYPED_USE = pathlib.Path(__file__).with_name("typed_use.py")


@pytest.mark.parametrize("name", sorted(path.stem for path in PACKAGE.glob("*.py")))
def test_examples_run(name: str) -> None:
    module = importlib.import_module(f"hipflask.itsdangerous.{name}".replace(".__init__", ""))
    failed, attempted = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert attempted and not failed


def mypy(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", *arguments],
        cwd=PACKAGE.parents[1],
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_package_passes_mypy() -> None:
    assert mypy("-p", "hipflask.itsdangerous").startswith("Success")


@pytest.mark.parametrize("package", ["hipflask.itsdangerous", "itsdangerous"])
def test_users_see_the_same_types_as_with_the_real_package(package: str, tmp_path: pathlib.Path) -> None:
    source = TYPED_USE.read_text("utf-8").replace(
        "import hipflask.itsdangerous as itsdangerous", "import itsdangerous"
    )
    if package == "hipflask.itsdangerous":
        source = TYPED_USE.read_text("utf-8")
    use = tmp_path / "use.py"
    use.write_text(source.replace("from hipflask.itsdangerous", f"from {package}"), "utf-8")
    assert mypy(str(use)).startswith("Success")
