"""How each client of Memcached is asked; none is imported.

Several of them repeat a question, ask another server, or say nothing when a server does not answer. Here a
question goes to the server of its key, once, and an answer that did not come is an error.
"""

from __future__ import annotations

import contextlib
import copy
import os
import sys
from abc import ABC, abstractmethod
from functools import partial
from typing import Any, Callable, Iterator, Optional

from .form import Unreachable

__all__ = ["Dialect", "Unreadable", "Unsupported", "dialect_of"]

_NO_ANSWER = "the server did not answer"
_MISSES = 8


class Unsupported(Exception):
    """A client with which sessions could not be kept; the text says why."""


class Unreadable:
    """What somebody else has put there."""


#: What is there, and its version.
Found = Optional[tuple[Any, Any]]


class Dialect(ABC):
    """A client, in the words of one."""

    @abstractmethod
    def gets(self, key: str) -> Found:
        """Returns what is there."""

    @abstractmethod
    def cas(self, key: str, value: bytes, version: Any, expires: int) -> bool:
        """Writes in the place of a version."""

    @abstractmethod
    def add(self, key: str, value: bytes, expires: int) -> bool:
        """Writes what must not be there yet."""

    @abstractmethod
    def delete(self, key: str) -> bool:
        """Removes what is there."""


def dialect_of(client: Any) -> Dialect:
    """Returns how a client is asked."""
    package = {it.__module__.partition(".")[0] for it in type(client).__mro__}
    if "pymemcache" in package:
        return _Pymemcache(client)
    if package & {"pylibmc", "_pylibmc"}:
        return _Pylibmc(client)
    if "memcache" in package:
        return _PythonMemcached(client)
    if "bmemcached" in package:
        return _Bmemcached(client)
    raise Unsupported(
        f"is a client of {type(client).__module__}: use pymemcache, pylibmc, python-memcached or"
        " python-binary-memcached"
    )


def _readable(value: Any) -> Any:
    value = value.encode() if isinstance(value, str) else value
    return value if isinstance(value, bytes) else Unreadable()


class _Connections:
    """Connections of this process, each for one question at a time."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._idle: dict[int, list[Any]] = {}

    @contextlib.contextmanager
    def one(self) -> Iterator[Any]:
        idle = self._idle.setdefault(os.getpid(), [])
        try:
            connection = idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        except BaseException:
            # An answer may still be to come; and what was idle as long has been closed, too.
            connection.disconnect_all()
            while idle:
                idle.pop().disconnect_all()
            raise
        idle.append(connection)


class _Pymemcache(Dialect):
    def __init__(self, client: Any) -> None:
        # The app's own client moves keys to other servers when one is away, and later back to old sessions.
        self._hasher = copy.deepcopy(client.hasher) if hasattr(client, "hasher") else None
        clients = {None: client} if self._hasher is None else client.clients
        self._servers = {name: _Connections(partial(_copied, each)) for name, each in clients.items()}

    def _connected(self, key: str) -> Any:
        name = None if self._hasher is None else self._hasher.get_node(key)
        return self._servers[name].one()

    def gets(self, key: str) -> Found:
        with self._connected(key) as server:
            value, version = server.gets(key)
        return None if version is None else (_readable(value), version)

    def cas(self, key: str, value: bytes, version: Any, expires: int) -> bool:
        with self._connected(key) as server:
            return bool(server.cas(key, value, version, expire=expires, noreply=False))

    def add(self, key: str, value: bytes, expires: int) -> bool:
        with self._connected(key) as server:
            return bool(server.add(key, value, expire=expires, noreply=False))

    def delete(self, key: str) -> bool:
        with self._connected(key) as server:
            return bool(server.delete(key, noreply=False))


def _copied(client: Any) -> Any:
    create = getattr(client, "_create_client", None)
    connection = copy.copy(client) if create is None else create()
    connection.sock = None
    connection.ignore_exc = False
    connection.serde = _Careful(connection.serde)
    return connection


class _Careful:
    """Reads as the app's client does, and says so of what it cannot read."""

    def __init__(self, serde: Any) -> None:
        self.serialize = serde.serialize
        self._deserialize = serde.deserialize

    def deserialize(self, key: Any, value: Any, flags: Any) -> Any:
        try:
            return self._deserialize(key, value, flags)
        except Exception:
            return Unreadable()


class _Pylibmc(Dialect):
    def __init__(self, client: Any) -> None:
        self._client = client
        self._connections = _Connections(self._copy)

    def _copy(self) -> Any:
        connection = self._client.clone()
        connection.behaviors.update({"cas": True, "auto_eject": False, "_noreply": False})
        return connection

    def gets(self, key: str) -> Found:
        with self._connections.one() as server:
            try:
                for _ in range(_MISSES):
                    value, version = server.gets(key)
                    # Now and then, and most of all in threads, it misses what is there; `get` does not.
                    if version is not None:
                        return _readable(value), version
                    if server.get(key) is None:
                        return None
            except Exception as error:
                if any(it.__module__.endswith("pylibmc") for it in type(error).__mro__):
                    raise
                return Unreadable(), None
        raise ConnectionError(_NO_ANSWER)

    def cas(self, key: str, value: bytes, version: Any, expires: int) -> bool:
        with self._connections.one() as server:
            try:
                return bool(server.cas(key, value, version, time=expires))
            except Exception as error:
                if type(error).__name__ == "NotFound":
                    return False
                raise

    def add(self, key: str, value: bytes, expires: int) -> bool:
        with self._connections.one() as server:
            return bool(server.add(key, value, time=expires))

    def delete(self, key: str) -> bool:
        with self._connections.one() as server:
            return bool(server.delete(key))


class _OfThreads(Dialect):
    """A client that has connections for each thread, and keeps quiet about those that fail."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._process = os.getpid()

    @abstractmethod
    def _server(self, key: str) -> Any:
        """Returns the server of a key."""

    @abstractmethod
    def _asked(self, server: Any, key: str, name: str, arguments: tuple[Any, ...]) -> Any:
        """Asks a server, and raises if it does not answer."""

    @abstractmethod
    def _close(self, server: Any) -> None:
        """Closes the connection to a server."""

    def _ask(self, name: str, key: str, *arguments: Any) -> Any:
        if self._process != os.getpid():
            # Those of the parent.
            self._client.disconnect_all()
            self._process = os.getpid()
        server = self._server(key)
        try:
            return self._asked(server, key, name, arguments)
        except BaseException:
            self._close(server)
            raise

    def cas(self, key: str, value: bytes, version: Any, expires: int) -> bool:
        return bool(self._ask("cas", key, value, version, expires))

    def add(self, key: str, value: bytes, expires: int) -> bool:
        return bool(self._ask("add", key, value, expires))


class _PythonMemcached(_OfThreads):
    def _server(self, key: str) -> Any:
        client = self._client
        encoded = client._encode_key(client.key_encoder(key))
        # Before it takes another one for a server that is away.
        server = client.buckets[_hash_of(client)(encoded) % len(client.buckets)]
        server.deaduntil = 0
        if not server.connect():
            raise Unreachable(_NO_ANSWER)
        return server

    def _asked(self, server: Any, key: str, name: str, arguments: tuple[Any, ...]) -> Any:
        client = self._client
        if name == "cas":
            value, version, expires = arguments
            client.cas_ids[client._encode_key(client.key_encoder(key))] = version
            arguments = (value, expires)
        try:
            answer = getattr(client, name)(key, *arguments)
        finally:
            versions, client.cas_ids = dict(client.cas_ids), {}
        if server.deaduntil:
            raise ConnectionError(_NO_ANSWER)
        return (answer, versions) if name == "gets" else answer

    def _close(self, server: Any) -> None:
        server.close_socket()

    def gets(self, key: str) -> Found:
        cached, self._client.cache_cas = self._client.cache_cas, True
        try:
            value, versions = self._ask("gets", key)
        except ValueError:
            # Flags that it does not know.
            return Unreadable(), None
        finally:
            self._client.cache_cas = cached
        return (_readable(value), next(iter(versions.values()))) if versions else None

    def delete(self, key: str) -> bool:
        return bool(self._ask("delete", key))


def _hash_of(client: Any) -> Callable[[bytes], int]:
    module = next(sys.modules[it.__module__] for it in type(client).__mro__ if it.__module__ == "memcache")
    hash_of: Callable[[bytes], int] = module.serverHashFunction
    return hash_of


class _Bmemcached(_OfThreads):
    def __init__(self, client: Any) -> None:
        super().__init__(client)
        if not hasattr(client, "_get_server") and len(list(client.servers)) > 1:
            raise Unsupported(
                "keeps copies on several servers, which no comparison can be made with: use a"
                " DistributedClient"
            )

    def _server(self, key: str) -> Any:
        choose = getattr(self._client, "_get_server", None)
        server = next(iter(self._client.servers)) if choose is None else choose(key)
        # It waits for seconds until it tries a server again.
        server.reconnects_deferred_until = None
        return server

    def _asked(self, server: Any, key: str, name: str, arguments: tuple[Any, ...]) -> Any:
        answer = getattr(server, name)(key, *arguments)
        if server.connection is None:
            raise ConnectionError(_NO_ANSWER)
        return answer

    def _close(self, server: Any) -> None:
        server.disconnect()

    def gets(self, key: str) -> Found:
        try:
            value, version = self._ask("get", key)
        except Exception as error:
            if isinstance(error, OSError) or type(error).__module__ == "bmemcached.exceptions":
                raise
            return Unreadable(), None
        return None if version is None else (_readable(value), version)

    def delete(self, key: str) -> bool:
        # It says that it has deleted what was not there.
        return self.gets(key) is not None and bool(self._ask("delete", key))
