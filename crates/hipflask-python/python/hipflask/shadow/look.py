"""One request that is looked at: what stock has done, what the engine does with the same, and how they differ.

The engine decides; here is only compared.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

from .._native import take_log
from ..itsdangerous import BadData
from ..itsdangerous.encoding import base64_decode, base64_encode
from ..session import Session, StoredSession
from .cookies import is_large, signed_at
from .opening import is_used, opening_kind
from .saving import compare_cookies, compare_records
from .sides import Sides
from .store import Scene
from .words import content_words, kind_words, text_of

if TYPE_CHECKING:
    from .._native import Engine, Opened
    from .facts import Facts

__all__ = ["Look"]

#: The keys that say nothing of the visitor.
_OF_NOBODY = ("_permanent", "_fresh", "_flashes", "csrf_token")


class Look(Scene):
    """A request: `open` compares how its session was opened, and `save` how it was saved."""

    def __init__(self, facts: Facts, engine: Engine, header: str | None) -> None:
        super().__init__()
        self.facts = facts
        self.engine = engine
        self.header = header
        self.begun = time.time()
        #: Stock's session, what it was when it was opened, in a form that is compared.
        self.session: Any = None
        self.content: dict[Any, Any] = {}
        self.text: bytes | str = ""
        self.sid: str | None = None
        #: The session as Hipflask has it.
        self.mine: Session = StoredSession() if engine.is_stored else Session()
        self.opened: Opened | None = None
        #: The differences that are not counted yet: their codes, and who tells what they look like.
        self.found: dict[str, Callable[[], dict[str, Any]]] = {}
        self._codes: set[str] = set()
        self.is_lost = False
        #: Whether it is counted among the requests with a difference.
        self.is_counted = False
        #: When it has begun, when stock has, and how long the looking on has taken so far; in nanoseconds.
        self.begun_at = self.mark = self.spent = 0
        #: How long the engine has worked.
        self.nanoseconds = 0

    def note(self, code: str, words: Callable[[], dict[str, Any]] = dict) -> None:
        """Notes a difference, once for each code. `words` are asked for if it is one of the first."""
        if code not in self._codes:
            self._codes.add(code)
            self.found[code] = words

    def open(self, session: Any, error: Exception | None) -> str:
        """Opens the session as stock has just done, compares, and returns the engine's reason."""
        self.session = session
        self.content = {} if session is None else dict(session)
        self.text = text_of(self.content)
        self.sid = getattr(session, "sid", None)
        reason = self._open(self.begun)
        if self._is_equal(error):
            return reason
        # At the end of a life, stock's clock may have been a tick ahead.
        if int(time.time()) != int(self.begun):
            reason = self._open(time.time())
            if self._is_equal(error):
                return reason
        mine = dict(self.mine)
        self.note(opening_kind(self, reason, mine, error), lambda: self._words(reason, mine, error))
        self.is_lost = self._loses(mine)
        return reason

    def _words(self, reason: str, mine: dict[Any, Any], error: Exception | None) -> dict[str, Any]:
        stock = "opened" if is_used(self.content) else "empty" if error is None else kind_words(type(error))
        return {"stock": stock, "hipflask": reason, "keys": content_words(self.content, mine)}

    def _open(self, now: float) -> str:
        begin = time.perf_counter_ns()
        dict.clear(self.mine)
        self.opened = self.engine.open(self.mine, self.header, now, None)
        self.nanoseconds += time.perf_counter_ns() - begin
        if self.engine.is_stored:
            take_log()
        return self.opened.reason

    def _is_equal(self, error: Exception | None) -> bool:
        return error is None and self.text == text_of(dict(self.mine))

    def _loses(self, mine: dict[Any, Any]) -> bool:
        """Whether the visitor would be somebody else: nobody, or another user."""
        visitors = {key: value for key, value in self.content.items() if key not in _OF_NOBODY}
        if not visitors or not is_used(mine):
            return bool(visitors)
        users = self.facts.user_keys
        return any(key in users and mine.get(key) != value for key, value in visitors.items())

    def save(self, sides: Sides) -> None:
        """Saves what the request has left, as stock has just done, and compares."""
        assert self.opened is not None
        mine = self.mine
        is_used = sides.accessed or sides.modified
        sides.is_resigned = bool(mine._modified)
        # What never uses its session is not even opened, unless it is told to be.
        is_refreshed = self.facts.refreshes_untouched()
        if not (is_used or is_refreshed or sides.is_resigned or sides.header or sides.error or self.theirs):
            return
        sides.content = dict(self.session)
        sides.is_changed = is_used and text_of(sides.content) != self.text
        sides.is_left = not is_used and not is_refreshed
        if sides.is_left and self.engine.is_stored:
            # Nothing would be asked, written or sent.
            compare_records(self, sides, None)
            return
        dict.clear(mine)
        dict.update(mine, sides.content)
        mine._modified = sides.modified or sides.is_changed or sides.is_resigned
        if self.engine.is_stored:
            self._prepare_stored(self.opened, sides)
        header, failure = self._save(self.opened, sides)
        if failure is not None or sides.error is not None:
            if failure is None or sides.error is None:
                self._note_failure(sides, failure)
        elif self.engine.is_stored:
            compare_records(self, sides, header)
        else:
            compare_cookies(self, sides, header)

    def _save(self, opened: Opened, sides: Sides) -> tuple[str | None, Exception | None]:
        # A record says nothing of the time, and stock has saved it a moment ago.
        now = time.time() if self.engine.is_stored else signed_at(sides.header, self.begun)
        begin = time.perf_counter_ns()
        try:
            return self.engine.save(self.mine, opened, now, self.facts.json()), None
        except Exception as error:
            return None, error
        finally:
            self.nanoseconds += time.perf_counter_ns() - begin
            if self.engine.is_stored:
                take_log()

    def _prepare_stored(self, opened: Opened, sides: Sides) -> None:
        """Gives the session the id that stock has given it, and the fate that its content tells."""
        sid = getattr(self.session, "sid", None)
        had_record = any(payload is not None for payload in self.read.values())
        sides.is_renewed = self.mine._renewed = had_record and sid != self.sid
        # Only the end of everything can be told from the content.
        self.mine._cleared = sides.modified and not self.mine
        entropy = _entropy_of(sid)
        if entropy is not None and (sides.is_renewed or not had_record):
            opened.draw_id(entropy)

    def _note_failure(self, sides: Sides, failure: Exception | None) -> None:
        error = failure or sides.error
        words = partial(_failure_words, error, sides)
        if failure is not None:
            self.note("large_cookie" if is_large(sides.header) else "not_saved", words)
        else:
            mixes = len({type(key) for key in sides.content}) > 1
            self.note("mixed_keys" if mixes else "saved", words)


def _failure_words(error: Exception | None, sides: Sides) -> dict[str, Any]:
    return {"error": kind_words(type(error)), "keys": content_words({}, sides.content)}


def _entropy_of(sid: str | None) -> bytes | None:
    """Returns the bytes that an id is made of, if it is made as Flask-Session does."""
    try:
        entropy = base64_decode(sid or "")
    except BadData:
        return None
    return entropy if base64_encode(entropy).decode() == sid else None
