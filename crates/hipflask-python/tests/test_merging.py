"""Each row of the table in `docs/merging.md`, over two requests of one visitor that overlap."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest
from flask import session

from overlap import Site

Change = Callable[[], Any]
POLICIES = ("last_writer", "first_writer", "error")


@pytest.fixture(params=["memory:", "file:"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"file:{tmp_path}" if request.param == "file:" else str(request.param)


def outcome(store: str, policy: str, start: dict[str, Any], mine: Change, theirs: Change) -> Any:
    """Returns what is left when another request came in between reading and changing; the status of
    the response if it is no 200."""
    site = Site(store, {"visitor": 1, **start}, SESSION_CONFLICT_POLICY=policy)

    def view() -> None:
        assert session["visitor"] == 1
        assert site.request(theirs) == 200
        mine()

    status = site.request(view)
    content = site.content()
    assert content.pop("visitor") == 1
    return content if status == 200 else status


def check(store: str, start: dict[str, Any], mine: Change, theirs: Change, expected: dict[str, Any]) -> None:
    """Requires an outcome that no policy changes."""
    check_policies(store, start, mine, theirs, (expected, expected, expected))


def check_policies(store: str, start: dict[str, Any], mine: Change, theirs: Change, expected: Any) -> None:
    actual = tuple(outcome(store, policy, start, mine, theirs) for policy in POLICIES)
    assert actual == expected


def put(**values: Any) -> Change:
    return lambda: session.update(values)


def drop(key: str) -> Change:
    return lambda: session.pop(key)


def grow(*items: Any) -> Change:
    return lambda: [session.setdefault("l", []).append(item) for item in items]


def grow_and_assign(*items: Any) -> Change:
    def change() -> None:
        value = session.get("l", [])
        value.extend(items)
        session["l"] = value

    return change


NOTHING: list[dict[str, Any]] = [{}, {"l": []}]


def test_different_keys_both_stay(store: str) -> None:
    check(store, {"a": 0}, put(a=1), put(b=2), {"a": 1, "b": 2})

    def set_at(key: str) -> Change:
        return lambda: session["deep"]["er"].update({key: 1})

    start: dict[str, Any] = {"deep": {"er": {}}}
    check(store, start, set_at("mine"), set_at("theirs"), {"deep": {"er": {"mine": 1, "theirs": 1}}})
    check(store, {}, put(d={"x": 1}), put(d={"y": 1}), {"d": {"x": 1, "y": 1}})


def test_equal_changes_are_one(store: str) -> None:
    check(store, {"n": 0}, put(n=1), put(n=1), {"n": 1})
    check(store, {}, put(l=[1]), put(l=[1]), {"l": [1]})
    check(store, {"n": 0}, drop("n"), drop("n"), {})


def test_policy_decides_about_one_key_that_both_have_changed(store: str) -> None:
    check_policies(store, {"n": 0}, put(n=1), put(n=2), ({"n": 1}, {"n": 2}, 409))
    check_policies(store, {"n": 0}, drop("n"), put(n=2), ({}, {"n": 2}, 409))
    check_policies(store, {"n": [1]}, put(n="x"), put(n=[1, 2]), ({"n": "x"}, {"n": [1, 2]}, 409))


@pytest.mark.parametrize("append", [grow, grow_and_assign])
def test_two_appends_both_stay_what_is_in_the_store_first(store: str, append: Callable[..., Change]) -> None:
    check(store, {"l": [1]}, append(2), append(3), {"l": [1, 3, 2]})
    check(store, {"l": [1]}, append(2), append(2), {"l": [1, 2, 2]})


@pytest.mark.parametrize("start", NOTHING, ids=["absent", "empty"])
def test_two_appends_both_stay_where_there_was_no_list(store: str, start: dict[str, Any]) -> None:
    check(store, start, grow("tea"), grow("tea"), {"l": ["tea", "tea"]})
    check(store, start, grow(1, 2), grow(3, 4), {"l": [3, 4, 1, 2]})

    def assign_empty_and_grow() -> None:
        session["l"] = []
        session["l"].append(1)

    check(store, start, assign_empty_and_grow, grow(2), {"l": [2, 1]})

    def update_and_grow() -> None:
        session.update(l=[])
        session["l"] += [1]

    check(store, start, update_and_grow, grow(2), {"l": [2, 1]})


@pytest.mark.parametrize("start", NOTHING, ids=["absent", "empty"])
def test_policy_decides_about_two_lists_that_were_assigned(store: str, start: dict[str, Any]) -> None:
    short, long = {"l": [1, 2]}, {"l": [1, 2, 3]}
    check_policies(store, start, put(**short), put(**long), (short, long, 409))
    check_policies(store, start, put(**long), put(**short), (long, short, 409))

    def assign_and_append() -> None:
        session["l"] = [1, 2]
        session["l"].append(3)

    check_policies(store, start, assign_and_append, put(**short), (long, short, 409))


def test_policy_decides_about_two_other_lists(store: str) -> None:
    start = {"l": [1, 2]}
    check_policies(store, start, put(l=[3]), put(l=[4]), ({"l": [3]}, {"l": [4]}, 409))


def test_append_is_added_to_what_another_request_has_assigned(store: str) -> None:
    check(store, {}, grow(1), put(l=[7, 8]), {"l": [7, 8, 1]})
    check(store, {"l": [1]}, grow(2), put(l=[7]), {"l": [7, 2]})


def test_what_another_request_has_appended_follows_the_list_that_is_assigned(store: str) -> None:
    check(store, {"l": [1, 2]}, lambda: session["l"].remove(1), grow(3), {"l": [2, 3]})
    check(store, {"l": [1]}, put(l=[7]), grow(3), {"l": [7, 3]})
    check(store, {"l": [1]}, lambda: session["l"].clear(), grow(3), {"l": [3]})


def test_what_was_added_to_a_list_that_the_other_side_took_stays(store: str) -> None:
    check(store, {"l": [1]}, drop("l"), grow(2), {"l": [2]})
    check(store, {"l": [1]}, grow(2), drop("l"), {"l": [2]})

    def begin_anew() -> None:
        drop("l")()
        grow(2)()

    check(store, {"l": [1]}, drop("l"), begin_anew, {"l": [2]})
    check(store, {"l": [1]}, begin_anew, grow(3), {"l": [3, 2]})
    check(store, {"l": [1]}, begin_anew, put(l=[3]), {"l": [3, 2]})


def test_empty_list_in_the_place_of_none_takes_nothing_away(store: str) -> None:
    check(store, {}, lambda: session.setdefault("l", []), grow(2), {"l": [2]})
    check(store, {}, grow(2), lambda: session.setdefault("l", []), {"l": [2]})


def test_lists_inside_of_dicts_merge_by_what_they_hold(store: str) -> None:
    def grow_inside(item: int) -> Change:
        return lambda: session["d"].setdefault("l", []).append(item)

    check(store, {"d": {"l": [1]}}, grow_inside(2), grow_inside(3), {"d": {"l": [1, 3, 2]}})
    mine, theirs = {"d": {"l": [2]}}, {"d": {"l": [3]}}
    check_policies(store, {"d": {}}, grow_inside(2), grow_inside(3), (mine, theirs, 409))


def test_flash_messages_are_always_appended(store: str) -> None:
    def flashed(*texts: str) -> dict[str, Any]:
        return {"_flashes": [["message", text] for text in texts]}

    def flash(text: str) -> Change:
        return lambda: flask.flash(text)

    def as_lists(mine: Change, theirs: Change, start: dict[str, Any], expected: dict[str, Any]) -> None:
        for policy in POLICIES:
            content = outcome(store, policy, start, mine, theirs)
            assert {key: [list(item) for item in items] for key, items in content.items()} == expected

    as_lists(flash("Saved"), flash("Saved"), {}, flashed("Saved", "Saved"))
    as_lists(flash("b"), flash("b"), flashed("a"), flashed("a", "b", "b"))
    as_lists(lambda: flask.get_flashed_messages(), flash("b"), flashed("a"), flashed("b"))

    def show_and_flash(text: str) -> Change:
        def change() -> None:
            flask.get_flashed_messages()
            flask.flash(text)

        return change

    as_lists(show_and_flash("c"), show_and_flash("b"), flashed("a"), flashed("b", "c"))


def test_merge_reaches_every_depth_that_can_be_stored(store: str) -> None:
    def bottom() -> dict[str, Any]:
        found: dict[str, Any] = session["d"]
        while "d" in found:
            found = found["d"]
        return found

    start: dict[str, Any] = {"l": [1]}
    for _ in range(480):
        start = {"d": start}

    def mine() -> None:
        bottom()["l"].append(2)
        bottom()["mine"] = 1

    site = Site(store, start)

    def view() -> None:
        assert bottom()["l"] == [1]
        assert site.request(lambda: bottom()["l"].append(3)) == 200
        mine()

    assert site.request(view) == 200
    found = []
    assert site.request(lambda: found.append(bottom())) == 200
    assert found == [{"l": [1, 3, 2], "mine": 1}]
