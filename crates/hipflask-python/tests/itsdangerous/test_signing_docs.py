"""The examples in the docstrings run, and users see the types that the real package shows them."""

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


@pytest.mark.parametrize("package", ["hipflask.itsdangerous", "itsdangerous"])
def test_users_see_the_same_types_as_with_the_real_package(package: str, tmp_path: pathlib.Path) -> None:
    source = TYPED_USE.read_text("utf-8").replace("hipflask.itsdangerous", package)
    use = tmp_path / f"use_of_{package.replace('.', '_')}.py"
    use.write_text(source.replace("import itsdangerous as itsdangerous", "import itsdangerous"), "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(use)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
