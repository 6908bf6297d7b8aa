"""Rows and sessions in one SQLite file: each page adds a row and sets a key of the session."""

import os
import sqlite3

from common import make_app
from flask import session
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text


def over(url):
    """Returns the app over the file of an address."""
    path = url.partition(":")[2]
    connection = sqlite3.connect(path, timeout=60)
    if os.environ["TWIN_JOURNAL_MODE"] == "wal":
        connection.execute("PRAGMA journal_mode = wal")
    connection.execute("CREATE TABLE IF NOT EXISTS row (page)")
    connection.close()

    app = make_app("shop_file")
    app.config.update(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{path}",
        # Patience for a busy machine.
        SQLALCHEMY_ENGINE_OPTIONS={"connect_args": {"timeout": 60}},
        SESSION_TYPE="sqlalchemy",
    )
    db = app.config["SESSION_SQLALCHEMY"] = SQLAlchemy(app)
    if os.environ.get("TWIN_SESSIONS") == "hipflask":
        from hipflask import HipFlask

        HipFlask(app)
    else:
        from flask_session import Session

        Session(app)

    @app.get("/none")
    def none():
        return "ok"

    @app.get("/<ending>")
    def add(ending):
        db.session.execute(text("INSERT INTO row VALUES (1)"))
        if ending == "committed":
            db.session.commit()
        session["pages"] = session.get("pages", 0) + 1
        return str(session["pages"])

    return app
