#!/usr/bin/env bash
# Installs a wheel into a fresh environment of every Python that this machine has, and uses it there.
#
#   pythons.sh WHEEL [PYTHON…]     default: every Python from 3.9 to 3.13 of pyenv, or else of PATH
#
# Each Python runs the newest Flask that it can; one of them also runs the oldest Flasks.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
wheel=$(realpath "$1")
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

pythons() { # one interpreter for each version
    local version found
    for version in 3.9 3.10 3.11 3.12 3.13; do
        found=$(ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python 2>/dev/null | tail -1)
        [ -n "$found" ] || found=$(command -v "python$version") || continue
        echo "$found"
    done
}

use() { # use PYTHON FLASK…: the tests that need nothing but Flask and pytest
    local folder
    folder=$(mktemp -d -p "$scratch")
    printf '\n== %s, %s\n' "$("$1" --version)" "${*:2}"
    "$1" -m venv "$folder"
    "$folder/bin/pip" install -q --disable-pip-version-check pytest "${@:2}"
    "$folder/bin/pip" install -q --disable-pip-version-check --no-deps "$wheel"
    # From elsewhere and with a copy, so that only what the wheel has is there to import.
    cp "$here/test_smoke.py" "$folder/"
    (cd "$folder" && bin/python -m pytest -q -p no:cacheprovider test_smoke.py)
}

[ $# -gt 0 ] || mapfile -t all < <(pythons)
[ $# -eq 0 ] || all=("$@")
[ ${#all[@]} -gt 0 ] || { echo "no Python from 3.9 to 3.13 found" >&2; exit 1; }
for python in "${all[@]}"; do
    use "$python" flask
done
use "${all[0]}" 'flask==3.0.*'
use "${all[0]}" 'flask==2.3.*' 'werkzeug==3.0.*'
