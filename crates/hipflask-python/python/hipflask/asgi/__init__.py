"""Flask's sessions for ASGI: ``request.session`` of Starlette and FastAPI, in Flask's cookies and records.

    from hipflask.asgi import SessionMiddleware
    from starlette.applications import Starlette
    from starlette.middleware import Middleware

    app = Starlette(middleware=[Middleware(SessionMiddleware, secret_key="the Flask app's")])

Nothing here needs Starlette: any app that reads ``scope["session"]`` will do. It runs on asyncio.
"""

from __future__ import annotations

from .middleware import SessionMiddleware
from .session import AsyncSession, NotLoaded

__all__ = ["AsyncSession", "NotLoaded", "SessionMiddleware"]
