#!/usr/bin/env bash
# Flask-Session on SQLAlchemy commits what a view has left open, also when the view has failed.
#
# A view adds a row, sets a key of its session and raises. Flask answers 500 and saves the session; Flask-Session saves it
# through the app's own SQLAlchemy session and commits that: the row of the failed view is in the database, where the same
# app with Flask's signed cookies, or with an untouched session, has none.
#
# Seen with Flask 3.1.3, Flask-Session 0.8.0, Flask-SQLAlchemy 3.1.1, SQLAlchemy 2.0.36, SQLite.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
    Flask==3.1.3 Werkzeug==3.1.9 Flask-Session==0.8.0 Flask-SQLAlchemy==3.1.1 SQLAlchemy==2.0.36 msgspec==0.20.0
cat > "$folder/app.py" <<'PYTHON'
import sqlite3
import sys
from importlib.metadata import version

import flask
import flask_session
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

for package in ("Flask", "Flask-Session", "Flask-SQLAlchemy", "SQLAlchemy"):
    print(package, version(package))


def rows_after_failure(folder, stored, touched):
    path = f"{folder}/{stored}-{touched}.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE item (name)")
    app = flask.Flask("app")
    app.config.update(SECRET_KEY="a key of this test", SQLALCHEMY_DATABASE_URI=f"sqlite:///{path}")
    db = SQLAlchemy(app)
    if stored:
        app.config.update(SESSION_TYPE="sqlalchemy", SESSION_SQLALCHEMY=db)
        flask_session.Session(app)

    @app.route("/")
    def view():
        db.session.execute(text("INSERT INTO item VALUES ('half done')"))
        if touched:
            flask.session["n"] = 1
        raise RuntimeError("the second half has failed")

    app.logger.disabled = True
    status = app.test_client().get("/").status_code
    (count,) = sqlite3.connect(path).execute("SELECT count(*) FROM item").fetchone()
    print(f"Flask-Session: {stored!s:5}  session changed: {touched!s:5}  status {status}, rows of the failed view: {count}")
    return status, count


seen = [rows_after_failure(sys.argv[1], *case) for case in ((False, True), (True, False), (True, True))]
sys.exit(seen != [(500, 0), (500, 0), (500, 1)])
PYTHON
"$folder/venv/bin/python" "$folder/app.py" "$folder"
