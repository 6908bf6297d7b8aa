"""``flask hipflask-shadow``: what was found, as text, as JSON, or as a page."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from .interface import PLACE
from .page import page
from .report import read
from .tally import Tally, totals

__all__ = ["command"]


def command(folder: Path) -> click.Command:
    """Returns the command of an app whose report is in `folder`."""

    @click.command("hipflask-shadow", help="Show what would be different with Hipflask's sessions.")
    @click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
    @click.option("--page", "to", type=click.Path(dir_okay=False), help="Write a page for a browser.")
    @click.option("--reset", is_flag=True, help="Forget what was counted so far.")
    @click.argument("folders", nargs=-1, type=click.Path(exists=True))
    @with_appcontext
    def shadow(as_json: bool, to: str | None, reset: bool, folders: tuple[str, ...]) -> None:
        if reset:
            (folder / "report.json").unlink(missing_ok=True)
            click.echo("what was counted so far is forgotten")
            return
        if "hipflask_shadow" in current_app.extensions and not hasattr(current_app.session_interface, PLACE):
            words = "nobody looks on: the app's session interface was set after HipFlask(app, shadow=True)"
            click.echo(words, err=True)
        report = totals(read([Path(it) for it in folders] or [folder]))
        if to is not None:
            try:
                Path(to).write_text(page(report), encoding="utf-8")
            except OSError as error:
                raise click.ClickException(f"the page cannot be written: {error.strerror}") from error
        click.echo(json.dumps(report, indent=2) if as_json else text(report), nl=True)

    return shadow


def text(report: Tally) -> str:
    """Returns a report for a terminal."""
    lines = [f"{report['looked_at']} of {report['requests']} requests looked at"]
    lines += [
        f"not looked on, {number} times: {name} (--reset forgets what is mended)"
        for name, number in report["troubles"].items()
    ]
    if report["looked_at"]:
        lines += [
            f"{report['lost']} would have lost their session: {'somebody' if report['lost'] else 'nobody'} would"
            " have been logged out",
            f"{report['unexplained']} differences that nobody has explained",
        ]
    else:
        lines.append("nothing is known yet: send some requests, and ask again")
    for it in report["differences"]:
        row = "UNEXPLAINED" if it["row"] is None else f"COMPATIBILITY.md: {it['row']}"
        lines.append(f"  {it['count']:>8}  {it['code']}: {it['text']} [{row}]")
    lines += [f"  {number:>8}  failed with {name}" for name, number in report["exceptions"].items()]
    times = report["microseconds_per_request"]
    lines.append(
        f"per request: stock {times['stock']} µs, Hipflask's engine {times['hipflask']} µs, looking on"
        f" {times['shadow']} µs"
    )
    return "\n".join(lines)
