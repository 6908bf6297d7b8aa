"""Requests of one visitor that overlap."""

from __future__ import annotations

from typing import Any, Callable

from flask import Flask, session
from hipflask import HipFlask

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"
START = {"count": 0, "cart": ["tea"], "name": "clarissa"}


class Site:
    """An app with one visitor, who sends further requests while one is under way."""

    def __init__(self, store: str | None, start: dict[str, Any] = START, **config: Any) -> None:
        self.app = Flask("updates")
        self.app.secret_key = KEY
        self.app.config.update(config)
        HipFlask(self.app, store=store)
        self.views: dict[str, Callable[[], Any]] = {"start": lambda: session.update(start)}
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
