"""Counts the instructions of single calls under valgrind, and compares them with the counts that are kept.

    python benches/instructions.py rust PROGRAM      the release build of `benches/src/bin/instructions.rs`
    python benches/instructions.py python PROGRAM    benches/python/instructions.py, with the hipflask that is installed

Prints a table, and fails when a count is more than 2 % above the one in instructions.json (10 % of Python, where builds of
the same code were seen 5 % apart), or half as much again where the compiler, Python or valgrind is another than when it
was kept. `--keep` writes the counts of this run into it instead.

The programs mark where a count begins and ends by a call of `getppid`, and say its name on a line. Valgrind knows no SHA
instructions, so that the share of an HMAC is larger here than in truth.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).parent / "python"))

from measure import keep

HERE = pathlib.Path(__file__).parent
KEPT = HERE / "instructions.json"
# How much more is taken for a fault: with the tools of the kept counts, and with others.
SAME, OTHER = {"rust": 0.02, "python": 0.10}, 0.50


def said_by(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def count(command: list[str]) -> dict[str, int]:
    """Runs a program that marks its calls; returns the instructions of each."""
    with tempfile.TemporaryDirectory() as folder:
        dump = pathlib.Path(folder, "dump")
        tool = ["valgrind", "--tool=callgrind", "--dump-before=getppid", f"--callgrind-out-file={dump}"]
        # What has an order by its hashes has the same in each run.
        fixed = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run([*tool, *command], env=fixed, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed under valgrind:\n{done.stdout}{done.stderr}")
        counts = {}
        for at, line in enumerate(done.stdout.splitlines(), start=1):
            name, n_calls = line.split("\t")
            if name:
                counts[name] = total(pathlib.Path(f"{dump}.{at}")) // int(n_calls)
        return counts


def total(dump: pathlib.Path) -> int:
    with dump.open() as lines:
        return next(int(line.split(":")[1]) for line in lines if line.startswith("summary:"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["rust", "python"])
    parser.add_argument("program", help="what makes the calls")
    parser.add_argument("--keep", action="store_true", help="keep the counts of this run")
    options = parser.parse_args()
    if options.what == "rust":
        command, version = [options.program], said_by("rustc", "--version")
    else:
        command, version = [sys.executable, options.program], f"Python {platform.python_version()}"
    tools = [version, said_by("valgrind", "--version"), platform.machine()]
    counts = count(command)
    all_kept = json.loads(KEPT.read_text())
    if options.keep:
        all_kept[options.what] = {"tools": tools, "counts": counts}
        KEPT.write_text(json.dumps(all_kept, indent=2) + "\n")
    kept = all_kept[options.what]
    allowed = SAME[options.what] if kept["tools"] == tools else OTHER
    print("| instructions of one call | kept | now | change |\n|---|--:|--:|--:|")
    faults = sorted(kept["counts"].keys() ^ counts.keys())
    for name, before in kept["counts"].items():
        now = counts.get(name, 0)
        keep("instructions", options.what, name, "instructions", [now])
        print(f"| {name} | {before:,} | {now:,} | {now / before - 1:+.1%} |")
        if now > before * (1 + allowed):
            faults.append(name)
    if faults:
        sys.exit(
            f"\nAbove what is kept by more than {allowed:.0%}, or not kept: {'; '.join(faults)}.\n"
            "Make it cheaper; or, if it is worth its cost, keep the new counts with --keep."
        )


if __name__ == "__main__":
    main()
