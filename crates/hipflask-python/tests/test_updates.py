"""`update_atomically` among other requests, other changes, and functions that fail."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from flask import Flask, session
from hipflask import HipFlask, SessionConflict

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"
START = {"count": 0, "cart": ["tea"], "name": "clarissa"}


class Site:
    """An app with one visitor, who sends further requests while one is under way."""

    def __init__(self, store: str | None) -> None:
        self.app = Flask("updates")
        self.app.secret_key = KEY
        HipFlask(self.app, store=store)
        self.views: dict[str, Callable[[], Any]] = {"start": lambda: session.update(START)}
        self.app.add_url_rule("/<name>", view_func=lambda name: str(self.views[name]()), endpoint="view")
        response = self.app.test_client().get("/start")
        self.cookie = response.headers["Set-Cookie"].partition(";")[0]

    def request(self, view: Callable[[], Any]) -> int:
        """Sends a request for a view, and returns the status of the response."""
        name = str(len(self.views))
        self.views[name] = view
        response = self.app.test_client(use_cookies=False).get(f"/{name}", headers={"Cookie": self.cookie})
        self.cookie = response.headers.get("Set-Cookie", self.cookie).partition(";")[0]
        return response.status_code

    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        assert self.request(lambda: found.update(session)) == 200
        return {key: value for key, value in found.items() if key != "_permanent"}


@pytest.fixture(params=["memory:", None], ids=["stored", "signed"])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param)


@pytest.fixture
def stored() -> Site:
    return Site("memory:")


def test_what_was_changed_in_place_before_is_saved_too(site: Site) -> None:
    def view() -> None:
        session["cart"].append("milk")
        session.update_atomically("count", lambda count: count + 1)

    site.request(view)
    assert site.content() == {**START, "count": 1, "cart": ["tea", "milk"]}


def test_a_list_that_was_taken_before_is_still_the_sessions(site: Site) -> None:
    def view() -> None:
        cart = session["cart"]
        session.update_atomically("count", lambda count: count + 1)
        cart.append("milk")

    site.request(view)
    assert site.content() == {**START, "count": 1, "cart": ["tea", "milk"]}


def test_what_is_returned_is_what_the_session_has(site: Site) -> None:
    def view() -> None:
        assert session.update_atomically("count", lambda count: count + 1) == 1
        session.update_atomically("cart", lambda cart: [*cart, "milk"]).append("jam")
        assert session["cart"] == ["tea", "milk", "jam"]

    assert site.request(view) == 200
    assert site.content() == {**START, "count": 1, "cart": ["tea", "milk", "jam"]}


def test_it_goes_on_from_what_the_request_has_set(site: Site) -> None:
    def view() -> None:
        session["count"] = 5
        assert session.update_atomically("count", lambda count: count + 1) == 6
        del session["name"]
        assert session.update_atomically("name", lambda name: str(name)) == "None"

    assert site.request(view) == 200
    assert site.content() == {**START, "count": 6, "name": "None"}


def test_nothing_of_a_session_that_was_ended_goes_into_the_next(site: Site) -> None:
    def view() -> None:
        session.destroy()
        assert session.update_atomically("count", lambda count: (count or 0) + 1) == 1

    before = site.cookie
    assert site.request(view) == 200
    assert site.cookie != before
    assert site.content() == {"count": 1}


def test_another_request_in_the_way_makes_it_begin_again(stored: Site) -> None:
    seen = []

    def others() -> None:
        session["count"] += 10
        session["name"] = "septimus"

    def count(before: int) -> int:
        seen.append(before)
        if len(seen) == 1:
            stored.request(others)
        return before + 1

    def view() -> None:
        assert session.update_atomically("count", count) == 11
        assert session["name"] == "septimus"

    assert stored.request(view) == 200
    assert seen == [0, 10]
    assert stored.content() == {**START, "count": 11, "name": "septimus"}


def test_what_others_wrote_stays_when_the_function_fails_in_the_end(stored: Site) -> None:
    def others() -> None:
        session.update(count=7, name="septimus")
        session["cart"].append("bread")

    def sold_out(before: int) -> int:
        if before:
            raise LookupError("sold out")
        stored.request(others)
        return 1

    def view() -> None:
        session["cart"].append("milk")
        with pytest.raises(LookupError):
            session.update_atomically("count", sold_out)
        assert dict(session) == {"_permanent": True, "count": 7, "name": "septimus", "cart": ["tea", "bread", "milk"]}

    assert stored.request(view) == 200
    assert stored.content() == {"count": 7, "name": "septimus", "cart": ["tea", "bread", "milk"]}


def test_the_function_may_use_the_session(site: Site) -> None:
    def view() -> None:
        session.update_atomically("count", lambda count: count + len(session["cart"]))
        session.update_atomically("name", lambda _: str(session.update_atomically("count", lambda n: n + 1)))

    assert site.request(view) == 200
    assert site.content() == {**START, "count": 2, "name": "2"}


def test_a_session_that_was_ended_meanwhile_is_a_conflict(stored: Site) -> None:
    def count(before: int) -> int:
        stored.request(lambda: session.destroy())
        return before + 1

    def view() -> None:
        with pytest.raises(SessionConflict):
            session.update_atomically("count", count)

    stored.request(view)
    assert stored.content() == {}
