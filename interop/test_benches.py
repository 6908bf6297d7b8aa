"""The pages that scripts/bench writes: BENCHMARKS.md of a few lines of results, and docs/scale.md of the figures that are kept."""

import json
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCHES = ROOT / "benches"


def python(*args, **options):
    return subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True, **options)


def sample(case, contender, measure, samples, bench="stores"):
    return {"bench": bench, "case": case, "contender": contender, "measure": measure, "samples": samples}


def page_of(lines, folder):
    results, page = folder / "results.jsonl", folder / "BENCHMARKS.md"
    results.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    done = python(BENCHES / "page.py", "make", results, page, folder / "plots")
    assert done.returncode == 0, done.stderr
    return page.read_text()


def ran(name, status="0", said=""):
    done = python(BENCHES / "page.py", "ran", name, "60", status, "cargo", "run", name, input=said)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_page_shows_medians_quartiles_and_ratios_of_each_round(tmp_path):
    machine = {"machine": {"processor": "of a test", "mode": "all", "versions": {"`tower-sessions` (crate)": "0.14.0"}}}
    lines = [
        machine,
        sample("read", "hipflask", "requests/s", [100, 200, 300]),
        sample("read", "tower-sessions", "requests/s", [200, 100, 600]),
        ran("stores"),
    ]
    page = page_of(lines, tmp_path)
    assert "| processor | of a test |" in page
    assert "| `tower-sessions` (crate) | 0.14.0 |" in page
    assert "| **Hipflask** | 200 (150 to 250) | 1 |" in page
    # Round by round: 2, 0.5 and 2.
    assert "| tower-sessions | 200 (150 to 400) | 2 (1.25 to 2) |" in page
    assert "`cargo run stores`, 60 seconds." in page
    assert "`scripts/bench` has measured this in 1 min" in page
    assert not (tmp_path / "plots/store_write.svg").exists()
    plot = ElementTree.parse(tmp_path / "plots/store_read.svg").getroot()
    assert "tower-sessions" in "".join(plot.itertext())


def test_page_has_a_column_for_each_case_of_a_single_measure(tmp_path):
    lines = [
        sample("open w1", "floor", "CPU, ns", [50, 60, 70], "cookie"),
        sample("open w1", "hipflask", "CPU, ns", [100, 120, 140], "cookie"),
        sample("open w2", "hipflask", "CPU, ns", [1000, 1001, 1002], "cookie"),
        ran("cookie"),
    ]
    page = page_of(lines, tmp_path)
    assert "| open | w1 | w2 |" in page
    assert "| floor | 0.5 (0.5 to 0.5) | – |" in page
    assert "| **Hipflask** | 1 = 120 ns | 1 = 1,001 ns |" in page


def test_page_names_what_is_missing_what_failed_and_what_was_not_run(tmp_path):
    lines = [
        {"bench": "stores", "contender": "axess", "missing": "it is not in this build"},
        ran("stores"),
        ran("drivers", "1", "Error: no such table\n"),
    ]
    page = page_of(lines, tmp_path)
    assert "**axess is missing**: it is not in this build." in page
    assert "**It failed**, and what follows is what there was by then: status 1, `Error: no such table`" in page
    assert "## Redis' memory\n\nNot run." in page


def test_scale_page_is_what_the_kept_figures_give():
    done = python(BENCHES / "scale.py", "--check")
    assert done.returncode == 0, done.stderr


def test_scale_page_of_other_figures_is_refused(tmp_path):
    for file in ("benches", "docs"):
        shutil.copytree(ROOT / file, tmp_path / file, ignore=shutil.ignore_patterns("target", "src"))
    kept = tmp_path / "benches/scale.json"
    figures = json.loads(kept.read_text())
    figures["stores"]["Redis"]["1000000"]["memory, bytes"] *= 2
    kept.write_text(json.dumps(figures))
    script = tmp_path / "benches/scale.py"
    assert "docs/scale.md" in python(script, "--check").stderr
    assert python(script).returncode == 0
    assert python(script, "--check").returncode == 0
    assert (tmp_path / "docs/scale.md").read_text() != (ROOT / "docs/scale.md").read_text()
