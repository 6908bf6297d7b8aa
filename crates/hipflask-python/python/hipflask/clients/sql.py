"""Sessions in a table, through an engine of SQLAlchemy or Python's own SQLite.

Of SQLite a process must have only one: two do not see each other's locks on a file, and destroy it. The
statements are the engine's; here they are carried out.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple
from urllib.parse import parse_qsl, quote

from flask import has_app_context

from .._native import sql_statements
from .form import Client, Record, Refused, Touch, Unreachable, micros, text_of

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

__all__ = ["EngineClient", "SQLiteClient"]

_NO_TABLE = (
    "there is no such file or table, or it is not one of Flask-Session: the option create=true of the address"
    " makes a new one"
)
_OWN_TRANSACTION = (
    "this request has an open transaction in the SQLite file of the sessions: commit it before a session is"
    " written"
)


class _Answer(NamedTuple):
    rows: list[Any]
    affected: int


class _Table(Client):
    """A table, whoever carries out its statements."""

    def __init__(self, address: str) -> None:
        statements = dict(sql_statements(address))
        self._ddl = statements.pop("ddl")
        self._statements = {name: texts[0] for name, texts in statements.items() if texts}
        self._limit: int | None = None
        self._is_prepared = False

    @abstractmethod
    def _run(self, sql: str, values: Mapping[str, Any]) -> _Answer:
        """Carries out a statement, in a transaction of its own."""

    @abstractmethod
    def _is_duplicate(self, error: Exception) -> bool:
        """Whether an error says that there is a row with the key."""

    def _would_wait_for_itself(self) -> bool:
        """Whether this request itself holds the lock that a write needs."""
        return False

    def load(self, key: str, touch: Touch) -> Record:
        ttl, below = touch or (0, 0)
        values = {"key": key, "ttl": micros(ttl), "below": micros(below)}
        rows = self._do("load", **values).rows
        if not rows:
            return None
        payload, is_due = rows[0]
        return _bytes(payload), bool(touch is not None and is_due and self._touch(values))

    def _touch(self, values: Mapping[str, Any]) -> bool:
        try:
            return self._do("touch_if_due", **values).affected > 0
        except Exception:
            # Reading is possible where changing is not.
            return False

    def create(self, key: str, payload: bytes, ttl: float) -> bool:
        values = {"key": key, "payload": self._checked(payload), "ttl": micros(ttl)}
        try:
            return self._do("create", **values).affected > 0
        except Exception as error:
            if not self._is_duplicate(error):
                raise
        # An expired record may be in the way.
        self._do("clear", key=key)
        try:
            return self._do("create", **values).affected > 0
        except Exception as error:
            if self._is_duplicate(error):
                return False
            raise

    def replace(self, key: str, current: bytes, payload: bytes, ttl: float) -> bool:
        values = {"key": key, "current": current, "payload": self._checked(payload), "ttl": micros(ttl)}
        return self._do("replace", **values).affected > 0

    def delete(self, key: str) -> bool:
        return self._do("delete", key=key).affected > 0

    def purge(self, limit: int) -> int:
        return self._do("purge", limit=limit).affected

    def _do(self, name: str, **values: Any) -> _Answer:
        self._prepare()
        if name != "load" and self._would_wait_for_itself():
            raise Unreachable(_OWN_TRANSACTION)
        return self._run(self._statements[name], {"now": time.time_ns() // 1000, **values})

    def _prepare(self) -> None:
        if self._is_prepared:
            return
        try:
            self._run(self._statements["load"], {"key": "", "below": 0, "now": 0})
        except Unreachable:
            raise
        except Exception as error:
            self._make(error)
        if "limit" in self._statements:
            self._limit = self._run(self._statements["limit"], {}).rows[0][1]
        self._is_prepared = True

    def _make(self, error: Exception) -> None:
        """Makes the table, as Flask-Session does."""
        try:
            self._make_all()
        except Exception:
            # PostgreSQL refuses to make a table that another one is making.
            self._make_all()

    def _make_all(self) -> None:
        for sql in self._ddl:
            self._run(sql, {})

    def _checked(self, payload: bytes) -> bytes:
        self._prepare()
        if self._limit is not None and len(payload) > self._limit:
            raise Refused(f"the session has {len(payload)} bytes and its column takes {self._limit}")
        return payload


class EngineClient(_Table):
    """A table in a database that the app has an engine of SQLAlchemy for.

    Connections are made as the engine makes them, and are not those of the engine's pool: a view that holds
    one of these and waits for another would wait for itself.
    """

    def __init__(self, engine: Engine, sessions: Any, address: str) -> None:
        super().__init__(address)
        from sqlalchemy import create_engine, exc, text

        self._text, self._exc, self._create_engine = text, exc, create_engine
        self._apps_engine = engine
        # Flask-SQLAlchemy's, one for each request.
        self._sessions = sessions
        self._is_sqlite = engine.url.get_backend_name() == "sqlite"
        self._engines: dict[int, Engine] = {}

    def _run(self, sql: str, values: Mapping[str, Any]) -> _Answer:
        try:
            with self._engine().begin() as connection:
                result = connection.execute(self._text(sql), dict(values))
                rows = result.fetchall() if result.returns_rows else []
                return _Answer(list(rows), result.rowcount)
        except self._exc.OperationalError as error:
            if self._is_sqlite and _is_locked(error.orig):
                raise Unreachable(text_of(error.orig)) from error
            raise

    def _engine(self) -> Engine:
        """Returns this process's engine; one that was forked leaves alone what is its parent's."""
        process = os.getpid()
        if process not in self._engines:
            engine = self._apps_engine
            self._engines[process] = self._create_engine(engine.url, pool=engine.pool.recreate())
        return self._engines[process]

    def _is_duplicate(self, error: Exception) -> bool:
        return isinstance(error, self._exc.IntegrityError)

    def settle(self) -> None:
        """Ends the transaction in which the view has SQLite's only lock of writers. It is committed, as
        Flask-Session commits what the view has left open, but not after an error that nobody has handled."""
        if self._would_wait_for_itself():
            session = self._sessions()
            if sys.exc_info()[1] is None:
                session.commit()
            else:
                session.rollback()

    def _would_wait_for_itself(self) -> bool:
        if not (self._is_sqlite and has_app_context() and self._sessions.registry.has()):
            return False
        session = self._sessions()
        if not session.in_transaction():
            return False
        try:
            connection = session.connection(bind_arguments={"bind": self._apps_engine}).connection
        except self._exc.InvalidRequestError:
            # A statement of the view has failed: its transaction is undone already.
            return False
        return bool(getattr(connection.dbapi_connection, "in_transaction", False))

    def words(self, error: Exception) -> str:
        cause = getattr(error, "orig", None)
        if isinstance(error, (self._exc.OperationalError, self._exc.InterfaceError)) and cause is not None:
            return text_of(cause)
        return super().words(error)


class SQLiteClient(_Table):
    """A table in a file of SQLite that is named by its address."""

    # SQLite's own locks are no business of a process that was forked meanwhile.
    holds_off_forks = True

    def __init__(self, address: str) -> None:
        super().__init__(address)
        place, _, query = address.partition("?")
        options = dict(parse_qsl(query))
        self._creates = options.get("create") == "true"
        self._journal_mode = options.get("journal_mode")
        mode = "rwc" if self._creates else "rw"
        self._uri = f"file:{quote(os.path.abspath(place.partition(':')[2]))}?mode={mode}"
        self._idle: dict[int, list[sqlite3.Connection]] = {}

    def _run(self, sql: str, values: Mapping[str, Any]) -> _Answer:
        # Those of a parent stay as they are: to close them here would end its locks.
        idle = self._idle.setdefault(os.getpid(), [])
        try:
            connection = idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            cursor = connection.execute(sql, values)
            answer = _Answer(cursor.fetchall(), cursor.rowcount)
        except sqlite3.OperationalError as error:
            connection.close()
            if _is_locked(error):
                raise Unreachable(text_of(error)) from error
            raise
        idle.append(connection)
        return answer

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self._uri, uri=True, timeout=self.deadline, isolation_level=None, check_same_thread=False
            )
            if self._journal_mode:
                connection.execute(f"PRAGMA journal_mode = {self._journal_mode}")
        except sqlite3.OperationalError as error:
            raise (Unreachable(text_of(error)) if self._creates else Refused(_NO_TABLE)) from error
        return connection

    def _make(self, error: Exception) -> None:
        if not self._creates:
            raise Refused(_NO_TABLE) from error
        super()._make(error)

    def _is_duplicate(self, error: Exception) -> bool:
        return isinstance(error, sqlite3.IntegrityError)

    def words(self, error: Exception) -> str:
        return text_of(error) if isinstance(error, sqlite3.OperationalError) else super().words(error)


def _is_locked(error: object) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


def _bytes(payload: Any) -> bytes:
    """Returns a column as bytes: drivers have several classes for it, and SQLite takes any text."""
    return payload.encode() if isinstance(payload, str) else bytes(payload or b"")
