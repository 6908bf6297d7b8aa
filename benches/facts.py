"""What a page of benchmarks says of the machine and of the contenders. Nothing in it names the machine."""

from __future__ import annotations

import datetime
import glob
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
CRATES = {
    "Cargo.lock": ["axum", "axum-extra", "cookie", "itsdangerous"],
    "benches/stores/Cargo.lock": [
        "tower-sessions",
        "tower-sessions-redis-store",
        "axum_session",
        "axum_session_redispool",
        "axess",
        "actix-session",
        "sqlx",
        "mongodb",
    ],
}
PACKAGES = ["Flask", "Flask-Session", "itsdangerous", "Werkzeug", "redis", "gunicorn", "starlette", "starsessions"]
PROGRAMS = [
    [os.environ.get("REDIS_SERVER", "redis-server"), "--version"],
    [*sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))[-1:], "--version"],
    ["mariadbd", "--version"],
    ["wrk", "-v"],
    ["valgrind", "--version"],
]


def said(*command: str) -> str:
    """Returns the first line that a program says, or nothing if it is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    except OSError:
        return ""
    return (done.stdout or done.stderr).partition("\n")[0].strip()


def field(path: str, name: str) -> str:
    try:
        found = re.search(rf"^{name}\s*:\s*(.*)$", pathlib.Path(path).read_text(), re.MULTILINE)
    except OSError:
        return "unknown"
    return found[1] if found else "unknown"


def machine() -> dict[str, str]:
    memory = field("/proc/meminfo", "MemTotal").partition(" ")[0]
    commit = said("git", "rev-parse", "--short", "HEAD")
    changed = said("git", "status", "--porcelain", "--untracked-files=no")
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit + (", and changes that are not committed" if changed else ""),
        "processor": field("/proc/cpuinfo", "model name"),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory) / 2**20:.0f} GiB" if memory.isdigit() else "unknown",
        "kernel": f"{platform.system()} {platform.release()}",
        "load before": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "compiler": said("rustc", "--version"),
        "Python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Returns the versions of what is compared, and of the servers; what is not installed is left out."""
    found = {"hipflask": field_of_toml(ROOT / "Cargo.toml")}
    for lock, names in CRATES.items():
        text = (ROOT / lock).read_text()
        for name in names:
            # A lock can have several versions of a crate; ours is the newest.
            numbers = re.findall(rf'name = "{name}"\nversion = "(.*)"', text)
            if numbers:
                found[f"`{name}` (crate)"] = max(numbers, key=lambda number: [int(part) for part in re.findall(r"\d+", number)])
    for name in PACKAGES:
        try:
            found[f"{name} (Python)"] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    for program, *option in PROGRAMS:
        if words := said(program, *option):
            found[pathlib.Path(program).name] = (re.search(r"\d+(\.\d+)+", words) or [words])[0]
    return found


def field_of_toml(path: pathlib.Path) -> str:
    found = re.search(r'^version = "(.*)"$', path.read_text(), re.MULTILINE)
    return found[1] if found else "unknown"
