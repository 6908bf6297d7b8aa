"""Who is compared: Flask's signed cookies and Flask-Session's records, each with and without Hipflask."""

from __future__ import annotations

import dataclasses

from flask import Flask
from workload import SECRET_KEY


@dataclasses.dataclass(frozen=True)
class Contender:
    """A way to keep the sessions of a Flask app."""

    name: str
    is_hipflask: bool = False
    redis: str | None = None  # the address of the store

    def make_app(self) -> Flask:
        """Returns an app with no pages whose sessions are kept in this way."""
        app = Flask("bench", static_folder=None)
        app.secret_key = SECRET_KEY
        if self.redis is not None:
            from redis import Redis

            app.config.update(SESSION_TYPE="redis", SESSION_REDIS=Redis.from_url(self.redis))
        if self.is_hipflask:
            from hipflask import HipFlask

            HipFlask(app, store=self.redis)
        elif self.redis is not None:
            from flask_session import Session

            Session(app)
        return app


def signed() -> list[Contender]:
    return [Contender("Flask"), Contender("Hipflask", is_hipflask=True)]


def stored(redis: str) -> list[Contender]:
    return [
        Contender("Flask-Session", redis=redis),
        Contender("Hipflask, Redis", is_hipflask=True, redis=redis),
    ]
