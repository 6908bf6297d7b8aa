#!/usr/bin/env bash
# A `.env` line of a name, `=`, a blank and a comment sets the comment as the value up to python-dotenv 1.2.3, and nothing
# from 1.2.4 on. Flask loads `.env` files with it, so that two nodes with the same file and different versions differ.
#
# Seen with python-dotenv 1.2.3: `FLASK_SESSION_KEY_PREFIX= # the default` is the text `# the default`; with 1.2.4: empty.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
printf 'FLASK_SESSION_KEY_PREFIX= # the default\n' > "$folder/.env"
for expected in "1.2.3 '# the default'" "1.2.4 ''"; do
    version=${expected%% *}
    "$folder/venv/bin/pip" install -q --disable-pip-version-check "python-dotenv==$version"
    seen=$("$folder/venv/bin/python" -c '
import importlib.metadata, sys
import dotenv
value = dotenv.dotenv_values(sys.argv[1])["FLASK_SESSION_KEY_PREFIX"]
print(importlib.metadata.version("python-dotenv"), repr(value))' "$folder/.env")
    echo "python-dotenv $seen"
    [ "$seen" = "$expected" ] || { echo "expected: $expected"; exit 1; }
done
