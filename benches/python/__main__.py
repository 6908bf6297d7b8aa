"""Hipflask in Flask beside Flask's own sessions and Flask-Session: `python benches/python --help`."""

from __future__ import annotations

import argparse
import contextlib

import calls
import contender
import whole
from server import redis_server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benches/python", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["calls", "requests"], help="only this; both if left out")
    parser.add_argument("--rounds", type=int, help="how often each contender takes its turn")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        if options.what != "requests":
            for contenders in (contender.signed(), contender.stored(redis)):
                print(calls.report(contenders, options.rounds or 101), end="\n\n", flush=True)
        if options.what != "calls":
            contenders = [*contender.signed(), *contender.stored(redis)]
            print(whole.report(contenders, options.rounds or 15), flush=True)


if __name__ == "__main__":
    main()
