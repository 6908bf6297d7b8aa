"""The code of the pages about this package runs as it stands, and the app that it makes does what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import flask
import pytest

PROJECT = Path(__file__).parents[3]
PAGES = ["crates/hipflask-python/README.md", "docs/python.md"]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)]*)\)")


def app_of(page: str) -> flask.Flask:
    """Runs a page's blocks one after another, as one program."""
    names: dict[str, Any] = {"__name__": "page"}
    blocks = BLOCK.findall((PROJECT / page).read_text("utf-8"))
    for position, block in enumerate(blocks, 1):
        exec(compile(block, f"{page}, block {position}", "exec"), names)
    assert len(blocks) >= 3
    app: flask.Flask = names["app"]
    return app


@pytest.mark.parametrize("store", ["", "memory:"])
@pytest.mark.parametrize("page", PAGES)
def test_app_of_the_page_counts_and_logs_out(page: str, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_SECRET_KEY", "of-the-tests-only-1d7c40b6f2a94e08")
    if store:
        monkeypatch.setenv("FLASK_SESSION_STORE", store)
    client = app_of(page).test_client()
    assert [client.get("/count").text for _ in range(3)] == ["1", "2", "3"]
    before = client.get_cookie("session")
    assert client.post("/login").status_code < 400
    with client.session_transaction() as session:
        assert session["user"] == "ann"
    assert client.get_cookie("session") != before
    assert client.post("/logout").status_code < 400
    assert client.get("/count").text == "1"


@pytest.mark.parametrize("page", PAGES)
def test_page_has_no_link_that_breaks_elsewhere(page: str) -> None:
    links = LINK.findall((PROJECT / page).read_text("utf-8"))
    assert [link for link in links if not link.startswith("https://")] == []


@pytest.mark.parametrize("page", PAGES)
def test_page_names_settings_that_there_are(page: str) -> None:
    name = re.compile(r"\bSESSION_[A-Z_]+\b")
    settings = (PROJECT / "docs/settings.md").read_text("utf-8")
    assert set(name.findall((PROJECT / page).read_text("utf-8"))) <= set(name.findall(settings))
