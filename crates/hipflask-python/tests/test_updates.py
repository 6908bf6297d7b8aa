"""`update_atomically` among other requests, other changes, and functions that fail."""

from __future__ import annotations

import math
from typing import Any, Callable

import pytest
from flask import session
from hipflask import SessionConflict

from overlap import START, Site

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


@pytest.mark.parametrize(
    "start, seen",
    [
        pytest.param(math.nan, None, id="nan"),
        pytest.param([math.nan, {"n": math.nan}], None, id="nested nan"),
        pytest.param(-0.0, None, id="negative zero"),
        pytest.param([1, [2]], (1, (2,)), id="tuples in the place of lists"),
    ],
)
def test_what_equals_what_the_store_has_is_updated_there(stored: Site, start: Any, seen: Any) -> None:
    stored.request(lambda: session.update(value=start, count=0))
    calls = []

    def update(before: Any) -> Any:
        calls.append(before)
        if len(calls) == 1:
            stored.request(lambda: session.update(value="theirs"))
        return [before]

    def view() -> None:
        if seen is not None:
            session["value"] = seen
        session.update_atomically("value", update)

    assert stored.request(view) == 200
    assert repr(calls) == repr([start, "theirs"])
    assert stored.content()["value"] == ["theirs"]


@pytest.mark.parametrize(
    "start, mine", [(1, True), (True, 1), (1, 1.0), (0.0, -0.0), (0, False), ([1], [True])], ids=repr
)
def test_what_only_python_calls_equal_is_the_requests_own(stored: Site, start: Any, mine: Any) -> None:
    stored.request(lambda: session.update(value=start))
    seen = []

    def view() -> None:
        session["value"] = mine
        session.update_atomically("value", lambda before: seen.append(before) or [before])

    assert stored.request(view) == 200
    assert repr(seen) == repr([mine])
    assert repr(stored.content()["value"]) == repr([mine])


def test_five_updates_of_a_nan_at_once_are_all_there(stored: Site) -> None:
    stored.request(lambda: session.update(value=math.nan))

    def nested(n_left: int) -> Callable[[], None]:
        def view() -> None:
            first = True

            def update(before: Any) -> Any:
                nonlocal first
                if first and n_left:
                    first = False
                    stored.request(nested(n_left - 1))
                return 1 if before != before else before + 1

            session.update_atomically("value", update)

        return view

    assert stored.request(nested(4)) == 200
    assert stored.content()["value"] == 5


def test_what_the_view_holds_stays_the_sessions_when_others_have_changed_it(stored: Site) -> None:
    stored.request(lambda: session.update(deep={"names": ["clarissa"], "gone": 1}))

    def others() -> None:
        session["cart"].append("bread")
        session["deep"]["names"].append("septimus")
        session["deep"]["other"] = 1
        del session["deep"]["gone"]
        session["count"] += 1

    def count(before: int) -> int:
        if before == 0:
            stored.request(others)
        return before + 1

    def view() -> None:
        cart, deep, names = session["cart"], session["deep"], session["deep"]["names"]
        item = {"tea": 1}
        cart.append(item)
        assert session.update_atomically("count", count) == 2
        assert session["cart"] is cart and session["deep"] is deep and deep["names"] is names
        assert cart == ["tea", "bread", {"tea": 1}] and cart[2] is item
        cart.append("milk")
        names.append("peter")
        item["tea"] = 2

    assert stored.request(view) == 200
    content = stored.content()
    assert content["cart"] == ["tea", "bread", {"tea": 2}, "milk"]
    assert content["deep"] == {"names": ["clarissa", "septimus", "peter"], "other": 1}


@pytest.mark.parametrize("start", [[], None], ids=["empty", "absent"])
def test_a_list_that_has_grown_is_still_one_after_an_update(stored: Site, start: list[str] | None) -> None:
    if start is not None:
        stored.request(lambda: session.update(teas=start))

    def view() -> None:
        session.setdefault("teas", []).append("green")
        session.update_atomically("count", lambda count: count + 1)
        stored.request(lambda: session.setdefault("teas", []).append("black"))

    assert stored.request(view) == 200
    assert stored.content()["teas"] == ["black", "green"]
