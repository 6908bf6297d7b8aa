"""`take`: a value that exactly one request gets; and Flask-Session's `pop` beside it, which every request gets."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import flask
import pytest
from cachelib.file import FileSystemCache
from flask import session
from hipflask import SessionConflict

import sides
from overlap import KEY, START, Site

N_REQUESTS = 4
STORES = ["memory:", "file:{}/sessions", "sqlite:{}/s.db?create=true"]


@pytest.fixture(params=[*STORES, None])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    return Site(request.param and request.param.format(tmp_path))


def test_what_is_taken_is_gone_and_the_rest_stays(site: Site) -> None:
    taken: list[Any] = []

    def view() -> None:
        session["cart"].append("milk")
        taken.extend([session.take("name"), session.take("name"), session.take("nothing")])
        assert "name" not in session

    assert site.request(view) == 200
    assert taken == ["clarissa", None, None]
    assert site.content() == {"count": 0, "cart": ["tea", "milk"]}
    assert site.request(lambda: taken.append(session.take("name"))) == 200
    assert taken[-1] is None


def test_what_this_request_has_set_is_taken(site: Site) -> None:
    def view() -> None:
        session["name"] = "septimus"
        assert session.take("name") == "septimus"
        session["state"] = None
        assert session.take("state") is None and "state" not in session

    assert site.request(view) == 200
    assert site.content() == {"count": 0, "cart": ["tea"]}


@pytest.mark.parametrize("equal", [["tea"], ("tea",)])
def test_what_is_set_to_what_the_store_has_is_taken_too(site: Site, equal: Any) -> None:
    def view() -> None:
        session["cart"] = equal
        assert list(session.take("cart")) == ["tea"]
        assert "cart" not in session and session.take("cart") is None

    assert site.request(view) == 200
    assert site.content() == {"count": 0, "name": "clarissa"}


def overlapping(side: str, folder: Path) -> list[Any]:
    """Returns what requests of one visitor get that all have their session before one of them takes."""
    app = flask.Flask("overlapping")
    cache = FileSystemCache(str(folder / side))
    app.config.update(SECRET_KEY=KEY, SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)
    sides.SIDES[side](app)
    ready, got = threading.Barrier(N_REQUESTS), []

    @app.route("/start")
    def start() -> str:
        session["state"] = "af0ifjsldkj"
        return ""

    @app.route("/take")
    def take() -> str:
        assert "state" in session
        ready.wait()
        got.append(session.take("state") if side == "hipflask" else session.pop("state", None))
        return ""

    line = app.test_client().get("/start").headers["Set-Cookie"].partition(";")[0]
    ask = lambda: app.test_client(use_cookies=False).get("/take", headers={"Cookie": line})
    threads = [threading.Thread(target=ask) for _ in range(N_REQUESTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(got, key=str)


def test_one_of_several_requests_gets_it_and_with_flask_session_all_do(tmp_path: Path) -> None:
    one = [None] * (N_REQUESTS - 1) + ["af0ifjsldkj"]
    assert overlapping("hipflask", tmp_path) == sorted(one, key=str)
    assert overlapping("flask_session", tmp_path) == ["af0ifjsldkj"] * N_REQUESTS


def test_an_overlapping_request_does_not_write_it_back() -> None:
    site = Site("memory:")

    def view() -> None:
        assert session["name"] == "clarissa"
        site.request(lambda: session.take("name"))
        session["count"] = 1
        assert session.take("name") is None

    assert site.request(view) == 200
    assert site.content() == {"count": 1, "cart": ["tea"]}


def test_a_session_that_was_ended_meanwhile_gives_nothing() -> None:
    site = Site("memory:")

    def view() -> None:
        assert session["name"] == "clarissa"
        site.request(lambda: session.destroy())
        with pytest.raises(SessionConflict):
            session.take("name")

    site.request(view)
    assert site.content() == {}


def test_an_old_copy_of_a_signed_cookie_gives_it_again() -> None:
    site, taken = Site(None), []
    old = site.cookie
    for _ in range(2):
        site.cookie = old
        site.request(lambda: taken.append(session.take("name")))
    assert taken == [START["name"]] * 2
