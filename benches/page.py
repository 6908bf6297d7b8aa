"""Makes BENCHMARKS.md of what `scripts/bench` has measured. Needs nothing but Python.

    python3 benches/page.py machine MODE                        the line that says where it was measured
    python3 benches/page.py ran NAME SECONDS STATUS COMMAND…    the line that says what was run; on its input is what was wrong
    python3 benches/page.py make RESULTS PAGE PLOTS             the page, and the folder of its plots

Results are JSON lines: those two kinds, and what the benches add to the file that `BENCH_JSON` names: the samples of one contender
in one case, or why it is missing.
"""

from __future__ import annotations

import collections
import json
import os
import pathlib
import statistics
import sys

import facts
import plot
from sections import SECTIONS, Section

Samples = dict[tuple[str, str], dict[str, list[float]]]  # (case, contender): measure: what each round gave


class Results:
    """The lines, sorted by kind."""

    def __init__(self, lines: list[str]) -> None:
        self.machine: dict = {}
        self.ran: dict[str, dict] = {}
        self.missing: dict[str, list[tuple[str, str]]] = collections.defaultdict(list)
        self.samples: dict[str, Samples] = collections.defaultdict(dict)
        for line in map(json.loads, filter(str.strip, lines)):
            if "machine" in line:
                self.machine = line["machine"]
            elif "command" in line:
                self.ran[line["bench"]] = line
            elif "missing" in line:
                self.missing[line["bench"]].append((line["contender"], line["missing"]))
            else:
                of = self.samples[line["bench"]].setdefault((line["case"], line["contender"]), {})
                of[line["measure"]] = line["samples"]


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Returns the lower quartile, the median and the upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def ratios(own: list[float], other: list[float]) -> list[float]:
    """What disturbs a round disturbs both sides of it, so that the rounds are compared one by one."""
    return [mine / theirs for mine, theirs in zip(own, other)]


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(values: list[float]) -> str:
    low, middle, high = (number(value) for value in quartiles(values))
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def shown(name: str) -> str:
    """The names that the programs use, as people write them."""
    names = {"hipflask": "**Hipflask**", "flask": "Flask-Session", "Hipflask": "**Hipflask**"}
    return names.get(name, name.replace("hipflask,", "Hipflask,"))


def rows_of(section: Section, samples: Samples) -> list[str]:
    """A row for each case and contender: what was measured, and beside whom it is compared with."""
    measures = list(dict.fromkeys(measure for of in samples.values() for measure in of))
    has_cases = len({case for case, _ in samples}) > 1
    head = [*(["case"] if has_cases else []), "contender", *measures]
    compared = [measure for measure in section.compared or measures if section.beside]
    head += [f"{measure.split(',')[0]} beside" for measure in compared]
    rows = []
    for (case, contender), of in samples.items():
        row = [*([case] if has_cases else []), shown(contender)]
        row += [spread(of[measure]) if measure in of else "–" for measure in measures]
        for measure in compared:
            other = samples.get((case, section.other(contender)), {}).get(measure)
            is_itself = section.other(contender) == contender
            row.append("1" if is_itself else spread(ratios(of[measure], other)) if other and measure in of else "–")
        rows.append(row)
    return table(head, rows)


def columns_of(section: Section, samples: Samples) -> list[str]:
    """A row for each contender and a column for each case, of the one measure; a table for each group of cases."""
    lines = []
    for group in dict.fromkeys(section.group(case) for case, _ in samples):
        cases = list(dict.fromkeys(case for case, _ in samples if section.group(case) == group))
        contenders = dict.fromkeys(contender for case, contender in samples if case in cases)
        rows = []
        for contender in contenders:
            row = [shown(contender)]
            for case in cases:
                [own] = samples.get((case, contender), {"": []}).values()
                [other] = samples.get((case, section.other(contender)), {"": []}).values()
                if not own or not other:
                    row.append("–")
                elif contender == section.other(contender):
                    row.append(f"1 = {number(statistics.median(own))} {section.unit}")
                else:
                    row.append(spread(ratios(own, other)))
            rows.append(row)
        lines += [*table([group, *(case.removeprefix(group).lstrip(": ") for case in cases)], rows), ""]
    return lines[:-1]


def turned(samples: Samples) -> list[str]:
    """A row for each measure, and a column for each contender and case."""
    measures = dict.fromkeys(measure for of in samples.values() for measure in of)
    rows = [[measure, *(spread(of[measure]) if measure in of else "–" for of in samples.values())] for measure in measures]
    return table(["", *(f"{contender}, {int(case):,}" for case, contender in samples)], rows)


def drawn(section: Section, samples: Samples, folder: pathlib.Path, page: pathlib.Path) -> list[str]:
    lines = []
    for name, case, measure, title, meaning in section.plots:
        bars = []
        for (of_case, contender), of in samples.items():
            other = samples.get((case, section.other(contender)), {}).get(measure)
            if of_case != case or not other or measure not in of:
                continue
            low, middle, high = quartiles(ratios(of[measure], other))
            bars.append((shown(contender), float(f"{middle:.3g}"), low, high))
        if not bars:
            continue
        path = folder / f"{name}.svg"
        path.write_text(plot.draw(bars, title, meaning), encoding="utf-8")
        lines += ["", f"![{title}]({os.path.relpath(path, page.parent)})"]
    return lines


def part(section: Section, results: Results, folder: pathlib.Path, page: pathlib.Path) -> list[str]:
    samples, ran = results.samples[section.name], results.ran.get(section.name)
    lines = ["", f"## {section.title}", ""]
    if ran is None:
        return [*lines, "Not run."]
    lines += [f"`{ran['command']}`, {ran['seconds']} seconds. {section.text}"]
    if ran["failed"]:
        lines += ["", f"**It failed**, and what follows is what there was by then: {ran['failed']}"]
    for contender, reason in results.missing[section.name]:
        lines += ["", f"**{shown(contender).strip('*')} is missing**: {reason}."]
    if samples:
        in_rows = columns_of if section.unit else rows_of
        made = turned(samples) if section.is_turned else in_rows(section, samples)
        lines += ["", *made, *drawn(section, samples, folder, page)]
    return lines


def make(results: Results, page: pathlib.Path, folder: pathlib.Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    machine = dict(results.machine)
    mode, versions = machine.pop("mode", ""), machine.pop("versions", {})
    command = f"scripts/bench{' quick' if mode == 'quick' else ''}"
    minutes = sum(ran["seconds"] for ran in results.ran.values()) / 60
    lines = [
        "# Benchmarks",
        "",
        f"What sessions cost with Hipflask and with others. `{command}` has measured this in {minutes:.0f} min and written the page; "
        "no figure is put in by hand.",
        "All contenders of a table take turns in one run. A figure is the median of the rounds (lower to upper quartile). What is called "
        "*beside* is a ratio, taken round by round, and **counts more than times**, which depend on the machine and its load.",
    ]
    if mode == "quick":
        lines += ["", "**A quick run, of few rounds: it shows that everything runs, and no figure is worth quoting.**"]
    lines += ["", "## The machine", "", *table(["", ""], [[name, str(value)] for name, value in machine.items()])]
    lines += ["", "## Who takes part", "", *table(["", "version"], [[name, value] for name, value in versions.items()])]
    for section in SECTIONS:
        lines += part(section, results, folder, page)
    lines += ["", "What this means for a site of a given size: [scale](docs/scale.md). How it is measured: [benches](benches/README.md).", ""]
    return "\n".join(lines)


def main() -> None:
    match sys.argv[1:]:
        case ["machine", mode]:
            print(json.dumps({"machine": {**facts.machine(), "mode": mode, "versions": facts.versions()}}, ensure_ascii=False))
        case ["ran", name, seconds, status, *command]:
            said = [line.strip() for line in sys.stdin.read().splitlines() if line.strip()] or ["it said nothing"]
            failed = f"status {status}, `{said[-1][:300]}`" if int(status) else None
            line = {"bench": name, "command": " ".join(command), "seconds": int(seconds), "failed": failed}
            print(json.dumps(line, ensure_ascii=False))
        case ["make", results, page, plots]:
            lines = pathlib.Path(results).read_text(encoding="utf-8").splitlines()
            out = pathlib.Path(page)
            out.write_text(make(Results(lines), out, pathlib.Path(plots)), encoding="utf-8")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
