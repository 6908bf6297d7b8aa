"""Draws the plots of docs/speed.md from its own tables: python3 benches/plot.py [--check]."""

import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

DOCS = Path(__file__).resolve().parent.parent / "docs"
PLOTS = {
    # file: (heading of the table, column, title, what a long bar means)
    "speed_open": ("beside Hipflask", 2, "CPU time to open a log-in (w2), Hipflask = 1", "shorter is faster"),
    "speed_store": ("", 3, "Requests a second that write their session, one Redis", "longer is faster"),
}
ROW, LEFT, WIDTH = 30, 300, 380


def table(text, heading):
    """Returns the rows of the first table whose first heading cell is `heading`."""
    lines = iter(text.splitlines())
    rows = []
    for line in lines:
        if line.startswith(f"| {heading} |" if heading else "| |"):
            next(lines)
            for row in lines:
                if not row.startswith("|"):
                    return rows
                rows.append([cell.strip() for cell in row.strip("|").split("|")])
    sys.exit(f"docs/speed.md has no table that starts with {heading!r}")


def label(cell):
    return re.sub(r"[`*]", "", cell).split(" (")[0].split(":")[0]


def draw(rows, title, meaning):
    bars = [(label(name), value) for name, value in rows]
    top = max(value for _, value in bars)
    height = 58 + ROW * len(bars)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" width="760" height="{height}" '
        'font-family="sans-serif" font-size="13" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="760" height="{height}" rx="6" fill="#ffffff"/>',
        f'<text x="16" y="26" font-size="14" font-weight="bold" fill="#24292f">{escape(title)}</text>',
        f'<text x="744" y="26" text-anchor="end" fill="#57606a">{meaning}</text>',
    ]
    for index, (name, value) in enumerate(bars):
        y = 44 + ROW * index
        color = "#2f6fd6" if name == "Hipflask" else "#9aa4b2"
        length = max(2, round(WIDTH * value / top))
        out += [
            f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end" fill="#24292f">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{length}" height="20" fill="{color}"/>',
            f'<text x="{LEFT + length + 6}" y="{y + 15}" fill="#24292f">{value:,g}</text>',
        ]
    return "\n".join([*out, "</svg>", ""])


def main():
    text = (DOCS / "speed.md").read_text()
    stale = []
    for name, (heading, column, title, meaning) in PLOTS.items():
        rows = [(row[0], float(row[column].replace(",", ""))) for row in table(text, heading)]
        if not any(label(row) == "Hipflask" for row, _ in rows):
            rows.insert(0, ("Hipflask", 1.0))
        svg, path = draw(rows, title, meaning), DOCS / "img" / f"{name}.svg"
        if "--check" not in sys.argv:
            path.write_text(svg)
        elif not path.exists() or path.read_text() != svg:
            stale.append(path.name)
    if stale:
        sys.exit(f"{', '.join(stale)}: python3 benches/plot.py draws them again")


main()
