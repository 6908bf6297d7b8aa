"""The walk-throughs of the operators' pages: each line that is typed gives what the page shows. `UPDATE_DOCS=1` writes the pages again."""

import contextlib
import os
import pathlib
import re
import subprocess
import sys

import pytest
from pages import DOCS, Page
from servers import accepts, rust_program, started

#: What differs from run to run, and what stands for it.
DIFFERING = [
    (r"\b[0-9a-f]{24}\b", "ID"),
    (r'"(expires|created|seen)":\d+', r'"\1":TIME'),
    (r"\b\d+[smhd] ago\b", "AGO"),
    (r"(?m)^date: .*$", "date: NOW"),
]


def masked(text):
    for pattern, word in DIFFERING:
        text = re.sub(pattern, word, text)
    # Stores list sessions in no order.
    return sorted(text.splitlines())


def environment():
    programs = [pathlib.Path(rust_program("hipflask")).parent, pathlib.Path(sys.executable).parent]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}
    return kept | {"PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]])}


def typed(line, folder, running):
    """Types a line into a shell and returns what it prints; one that ends in & goes on."""
    how = {"cwd": folder, "env": environment() | {"HOME": str(folder)}}
    if line.endswith("&"):
        port = int(re.search(r":(\d+)", line)[1])
        running.enter_context(started(["sh", "-c", f"exec {line[:-1]}"], lambda: accepts(port), **how))
        return ""
    how |= {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(["sh", "-c", line], text=True, timeout=60, **how).stdout


@pytest.mark.parametrize("name", ["operate_sessions.md", "gate.md"])
def test_walk_through_prints_what_the_page_shows(name, tmp_path):
    page = Page(name)
    for block in page.blocks:
        if block.file and block.language in ("python", "toml") and "[gate.headers]" not in block.text:
            (tmp_path / block.file).write_text(block.text)
    text, n_typed = page.text, 0
    with contextlib.ExitStack() as running:
        for block in page.all_of("console"):
            made = []
            for step in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                line, _, answer = step.partition("\n")
                said = typed(line, tmp_path, running)
                n_typed += 1
                is_shown = masked(said) == masked(answer)
                made.append(f"$ {line}\n{answer if is_shown else said}")
                assert is_shown or "UPDATE_DOCS" in os.environ, f"{line}:\n{said}\nUPDATE_DOCS=1 writes {name} again"
            text = text.replace(block.text, "".join(made))
    assert n_typed >= 4
    if text != page.text:
        (DOCS / name).write_text(text)
