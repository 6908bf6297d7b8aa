#!/usr/bin/env bash
# Installs a wheel into a fresh environment of every Python that this machine has, and uses it there.
#
#   pythons.sh WHEEL [PYTHON…]     default: every Python from 3.9 to 3.15 of pyenv, or else of PATH
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
    for version in 3.9 3.10 3.11 3.12 3.13 3.14 3.15; do
        found=$(compgen -G "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version.*/bin/python" | tail -1) ||
            found=$(command -v "python$version") || { echo "not on this machine: Python $version" >&2; continue; }
        echo "$found"
    done
}

use() { # use PYTHON FLASK…: the tests that need nothing but Flask and pytest
    local folder
    folder=$(mktemp -d -p "$scratch")
    printf '\n== %s, %s\n' "$("$1" --version)" "${*:2}"
    "$1" -m venv "$folder"
    # From elsewhere and with a copy, so that only what the wheel has is there to import.
    cp "$here/test_smoke.py" "$folder/"
    (
        cd "$folder"
        PATH=$folder/bin # without Rust and without a compiler
        pip install -q --disable-pip-version-check pytest "${@:2}"
        pip install -q --disable-pip-version-check --no-deps "$wheel"
        python -m pytest -q -p no:cacheprovider test_smoke.py
    )
}

[ $# -gt 0 ] || mapfile -t all < <(pythons)
[ $# -eq 0 ] || all=("$@")
[ ${#all[@]} -gt 0 ] || { echo "no Python from 3.9 to 3.15 found" >&2; exit 1; }
for python in "${all[@]}"; do
    use "$python" flask
done
use "${all[0]}" 'flask==3.0.*'
use "${all[0]}" 'flask==2.3.*' 'werkzeug==3.0.*'
