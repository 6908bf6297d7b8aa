"""A report as one HTML page that needs nothing else."""

from __future__ import annotations

import time
from html import escape
from typing import Any

from .tally import Tally

__all__ = ["page"]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1d2430; }
details { max-width: 26rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.good { border-left: 6px solid #2c8a4b; background: #edf7f0; }
.bad { border-left: 6px solid #c0392b; background: #fdf0ee; }
.verdict { padding: .6rem 1rem; font-size: 1.1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; vertical-align: top; }
tr { border-bottom: 1px solid #dde2ea; }
td.number, th.number { text-align: right; width: 5rem; font-variant-numeric: tabular-nums; }
code { font-size: .9em; overflow-wrap: anywhere; } summary { cursor: pointer; }
ul { margin: .3rem 0; padding-left: 1.2rem; }
.row { color: #5a6575; font-size: .9em; }
@media (prefers-color-scheme: dark) {
  body { background: #161a21; color: #dfe4ec; } tr { border-color: #333b48; } .row { color: #98a3b3; }
  .good { background: #17291d; } .bad { background: #331b18; }
}
"""


def page(report: Tally) -> str:
    """Returns a report as a page."""
    unexplained = [it for it in report["differences"] if it["row"] is None]
    deliberate = [it for it in report["differences"] if it["row"] is not None]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Hipflask in the shadow</title><style>{_STYLE}</style><h1>Hipflask in the shadow</h1>",
        _verdict(report),
        _facts(report),
        _table("Differences that nobody has explained", unexplained),
        _table("Deliberate differences", deliberate),
        _counts("How sessions were opened", report["verdicts"]),
        _counts("What failed while looking on", report["exceptions"]),
        _counts("Why nobody looks on", report["troubles"]),
        "<p class=row>No value, id or cookie is in this page: only names of keys, types and lengths.</p></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _verdict(report: Tally) -> str:
    if not report["looked_at"]:
        return "<p class='verdict bad'>No request has been looked at yet.</p>"
    is_good = not report["unexplained"] and not report["lost"] and not report["exceptions"]
    lost, unexplained = report["lost"], report["unexplained"]
    words = "Nobody would have been logged out" if not lost else f"{_number(lost, 'request')} would have lost a session"
    tone = "good" if is_good else "bad"
    return f"<p class='verdict {tone}'>{words}; {_number(unexplained, 'difference')} nobody has explained.</p>"


def _number(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _facts(report: Tally) -> str:
    times = report["microseconds_per_request"]
    rows = {
        "Requests": report["requests"],
        "Looked at": report["looked_at"],
        "With a difference": report["with_difference"],
        "From": _moment(report["since"]),
        "To": _moment(report["until"]),
        "Stock's sessions, with their store": f"{times['stock']} µs a request",
        "Hipflask's engine, without a store": f"{times['hipflask']} µs a request",
        "Looking on, all in all": f"{times['shadow']} µs a request",
    }
    cells = (f"<tr><th>{escape(name)}<td>{escape(str(value))}" for name, value in rows.items())
    return f"<table>{''.join(cells)}</table>"


def _table(title: str, differences: list[dict[str, Any]]) -> str:
    if not differences:
        return f"<h2>{escape(title)}</h2><p>None."
    rows = "".join(_row(it) for it in differences)
    head = "<tr><th class=number>Times<th>With Hipflask<th>The first"
    return f"<h2>{escape(title)}</h2><table>{head}{rows}</table>"


def _row(it: dict[str, Any]) -> str:
    row = "" if it["row"] is None else f"<div class=row>COMPATIBILITY.md: {escape(it['row'])}</div>"
    shown = "".join(f"<li><code>{escape(_words(each))}</code>" for each in it["examples"])
    return (
        f"<tr><td class=number>{it['count']}<td>{escape(it['text'])} <code>{escape(it['code'])}</code>{row}"
        f"<td><details><summary>{len(it['examples'])} examples</summary><ul>{shown}</ul></details>"
    )


def _words(example: dict[str, Any]) -> str:
    parts = (f"{name}: {', '.join(it) if isinstance(it, list) else it}" for name, it in example.items() if it)
    return " · ".join(parts)


def _counts(title: str, names: dict[str, int]) -> str:
    if not names:
        return ""
    rows = "".join(f"<tr><td class=number>{number}<td>{escape(name)}" for name, number in sorted(names.items()))
    return f"<h2>{escape(title)}</h2><table>{rows}</table>"


def _moment(seconds: float | None) -> str:
    return "–" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
