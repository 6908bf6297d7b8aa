#!/usr/bin/env bash
# pylibmc's `gets` says now and then that there is nothing, of a key that is there all the time; its `get` never does.
#
# Each question has a client of its own, as pylibmc's documentation asks of threads. Most misses come in threads; a program
# that compares and swaps by `gets` and `cas` takes the value for gone.
#
# Seen with pylibmc 1.6.3 (libmemcached 1.0.16), memcached 1.6.18.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check pylibmc==1.6.3
cat > "$folder/ask.py" <<'PYTHON'
import atexit
import concurrent.futures
import os
import socket
import subprocess
import sys
import time

import pylibmc

print("pylibmc", pylibmc.__version__, "libmemcached", pylibmc.libmemcached_version)
print(subprocess.run(["memcached", "-V"], capture_output=True, text=True).stdout.strip())
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
user = ["-u", "nobody"] if os.geteuid() == 0 else []
process = subprocess.Popen(["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", *user])
atexit.register(process.kill)
time.sleep(1)
server = f"127.0.0.1:{port}"
pylibmc.Client([server]).set("key", b"value")


def client():
    return pylibmc.Client([server], behaviors={"cas": True})


def misses(question, n_threads):
    with concurrent.futures.ThreadPoolExecutor(n_threads) as pool:
        return sum(pool.map(question, range(2000)))


seen = {}
for n_threads in (1, 8):
    seen["get", n_threads] = misses(lambda _: client().get("key") is None, n_threads)
    seen["gets", n_threads] = misses(lambda _: client().gets("key") == (None, None), n_threads)
for (name, n_threads), count in seen.items():
    print(f"{name:4} in {n_threads} threads: {count} of 2000 say that there is nothing")
sys.exit(not (seen["get", 1] == seen["get", 8] == 0 < seen["gets", 8]))
PYTHON
"$folder/venv/bin/python" "$folder/ask.py"
