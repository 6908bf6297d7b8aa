"""What every test of addresses needs: an application, and its configuration as a function of names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import flask
import pytest
from hipflask.address import address_of


@pytest.fixture
def app(tmp_path: Path) -> flask.Flask:
    return flask.Flask("app", instance_path=str(tmp_path))


@pytest.fixture
def address(app: flask.Flask) -> Callable[..., str | None]:
    """Returns a function from Flask-Session's names, without `SESSION_`, to the address that they mean."""

    def read(type: Any = None, **names: Any) -> str | None:
        app.config.update({f"SESSION_{name}": value for name, value in names.items()}, SESSION_TYPE=type)
        return address_of(app.config, app)

    return read
