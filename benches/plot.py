"""Draws plots. By itself, those of docs/speed.md from its own tables: python3 benches/plot.py [--check]."""

import math
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


def head(height, title, meaning):
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" width="760" height="{height}" '
        'font-family="sans-serif" font-size="13" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="760" height="{height}" rx="6" fill="#ffffff"/>',
        f'<text x="16" y="26" font-size="14" font-weight="bold" fill="#24292f">{escape(title)}</text>',
        f'<text x="744" y="26" text-anchor="end" fill="#57606a">{meaning}</text>',
    ]


def draw(rows, title, meaning):
    """Draws a bar for each name and value; a third and a fourth value are the quartiles, a thin line."""
    bars = [(label(name), value, quartiles) for name, value, *quartiles in rows]
    top = max(value for _, value, _ in bars)
    out = head(58 + ROW * len(bars), title, meaning)
    for index, (name, value, quartiles) in enumerate(bars):
        y = 44 + ROW * index
        color = "#2f6fd6" if name.startswith("Hipflask") else "#9aa4b2"
        length = max(2, round(WIDTH * value / top))
        out += [
            f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end" fill="#24292f">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{length}" height="20" fill="{color}"/>',
            f'<text x="{LEFT + length + 6}" y="{y + 15}" fill="#24292f">{value:,g}</text>',
        ]
        if quartiles:
            low, high = (LEFT + round(WIDTH * min(end / top, 1.1)) for end in quartiles)
            out.append(f'<path d="M{low} {y + 22}H{high}" stroke="#24292f"/>')
    return "\n".join([*out, "</svg>", ""])


def lines(curves, title, meaning, across, ends):
    """Draws a line through the points of each name, on logarithmic axes; `ends` are the powers of ten of both."""
    (left, right), (bottom, top) = ends
    at_x = lambda x: round(70 + 540 * (math.log10(x) - left) / (right - left))
    at_y = lambda y: round(320 - 270 * (math.log10(y) - bottom) / (top - bottom))
    out = head(370, title, meaning)
    for power in range(left, right + 1):
        x = at_x(10**power)
        out.append(f'<path d="M{x} 50V320" stroke="#d0d7de"/>')
        out.append(f'<text x="{x}" y="338" text-anchor="middle" fill="#57606a">{10**power:,}</text>')
    for power in range(bottom, top + 1):
        y = at_y(10**power)
        out.append(f'<path d="M70 {y}H610" stroke="#d0d7de"/>')
        out.append(f'<text x="62" y="{y + 4}" text-anchor="end" fill="#57606a">{10**power:,g}</text>')
    out.append(f'<text x="340" y="358" text-anchor="middle" fill="#24292f">{escape(across)}</text>')
    for (name, points), color in zip(curves.items(), ["#2f6fd6", "#c92a2a", "#57606a", "#2b8a3e"]):
        path = " ".join(f"{at_x(x)},{at_y(y)}" for x, y in points)
        x, y = at_x(points[-1][0]), at_y(points[-1][1])
        out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        out.append(f'<text x="{x + 8}" y="{y + 4}" fill="{color}">{escape(name)}</text>')
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


if __name__ == "__main__":
    main()
