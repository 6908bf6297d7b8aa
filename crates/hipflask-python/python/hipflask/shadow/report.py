"""The report of an app: one file, to which all its processes add what they have counted."""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .tally import Tally, add, empty

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment,unused-ignore]

__all__ = ["Report", "read"]

logger = logging.getLogger("hipflask")

_NAME = "report.json"
#: How long a process counts before it writes, in seconds; and how much longer than writing takes.
_PAUSE, _SHARE = 1.0, 200
#: How long a process that ends waits for others to have written, in seconds.
_PATIENCE = 2.0


class Report:
    """Counts in memory, and writes now and then: what has been written is forgotten here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.tally = empty()
        self._next = 0.0
        self._timer: threading.Timer | None = None
        self._is_broken = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_anew)
        atexit.register(self.write, _PATIENCE)

    def _begin_anew(self) -> None:
        # What was counted before a fork is the parent's, and so may the lock be.
        self.lock = threading.Lock()
        self.tally = empty()
        self._timer = None

    def write_if_due(self) -> None:
        """Writes, or, if that was done a moment ago, sees to it that it is done soon, although no request may come."""
        left = self._next - time.monotonic()
        if left <= 0:
            self.write(0)
        elif self._timer is None:
            self._timer = timer = threading.Timer(left, self._write_late)
            timer.daemon = True
            timer.start()

    def _write_late(self) -> None:
        self._timer = None
        self.write(0)

    def write(self, patience: float) -> None:
        """Adds what was counted since the last time to the file."""
        with self.lock:
            if not self.tally["requests"] and not self.tally["troubles"]:
                return
            counted, self.tally = self.tally, empty()
        begin = time.monotonic()
        self._next = begin + _PAUSE
        is_written = False
        try:
            is_written = self._add(counted, patience)
        except OSError as error:
            if not self._is_broken:
                self._is_broken = True
                logger.warning("the report of the shadow cannot be written: %s", type(error).__name__)
        finally:
            if not is_written:
                with self.lock:
                    add(counted, self.tally)
                    self.tally = counted
        now = time.monotonic()
        self._next = now + max(_PAUSE, _SHARE * (now - begin))

    def _add(self, counted: Tally, patience: float) -> bool:
        self.folder.mkdir(0o700, parents=True, exist_ok=True)
        with _locked(self.folder / "lock", patience) as is_ours:
            if not is_ours:
                return False
            path = self.folder / _NAME
            sum_ = _read(path) or empty()
            add(sum_, counted)
            new = path.with_suffix(".new")
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(sum_, file)
            new.replace(path)
            return True


def read(folders: list[Path]) -> Tally:
    """Returns the sum of reports, each of which may be a folder or a file."""
    sum_ = empty()
    for folder in folders:
        found = _read(folder / _NAME if folder.is_dir() else folder)
        if found is not None:
            add(sum_, found)
    return sum_


def _read(path: Path) -> Tally | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        # Cut off, or another program's.
        return None
    return found if isinstance(found, dict) and empty().keys() <= found.keys() else None


@contextlib.contextmanager
def _locked(path: Path, patience: float) -> Iterator[bool]:
    """Yields whether no other process writes meanwhile."""
    if fcntl is None:
        yield True
        return
    until = time.monotonic() + patience
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() >= until:
                    yield False
                    return
                time.sleep(0.01)
            else:
                yield True
                return
    finally:
        os.close(file)
