"""Sessions in Redis or Valkey, over the connections of the app's own client.

Knows redis-py and valkey-py by what they share, and imports neither. Their clients send a command again when
an answer is lost, which a comparison must not be; so the connections are asked, and not the client.
"""

from __future__ import annotations

import inspect
from typing import Any

from .form import Client, Record, Touch, Unreachable, text_of

__all__ = ["RedisClient"]

_LOAD = r"""local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return false end
if kind ~= 'string' then return {false, 0} end
local payload = redis.call('GET', KEYS[1])
if payload == '\192' or payload == 'null' or payload == '\128\005N.' then return {payload, 0} end
if redis.call('PTTL', KEYS[1]) >= tonumber(ARGV[2]) then return {payload, 0} end
if type(redis.pcall('PEXPIRE', KEYS[1], ARGV[1])) == 'table' then return {payload, 0} end
return {payload, 1}"""
_READ = r"""local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return false end
return {kind == 'string' and redis.call('GET', KEYS[1]), 0}"""
_CREATE = "return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') and 1 or 0"
_REPLACE = r"""if redis.call('TYPE', KEYS[1]).ok ~= 'string' then return 0 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1"""
_DELETE = "return redis.call('DEL', KEYS[1])"

#: How often a cluster is asked where a key is: it moves one at a time.
_MOVES = 5
_LONGEST = 1 << 60


class RedisClient(Client):
    """Records of a server, of the master that sentinels know, or of a cluster."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._nodes = getattr(client, "nodes_manager", None)

    def load(self, key: str, touch: Touch) -> Record:
        if touch is None:
            found = self._eval(_READ, key)
        else:
            found = self._eval(_LOAD, key, _millis(touch[0]), _millis(touch[1]))
        return None if found is None else (found[0], bool(found[1]))

    def create(self, key: str, payload: bytes, ttl: float) -> bool:
        return bool(self._eval(_CREATE, key, payload, _millis(ttl)))

    def replace(self, key: str, current: bytes, payload: bytes, ttl: float) -> bool:
        return bool(self._eval(_REPLACE, key, current, payload, _millis(ttl)))

    def delete(self, key: str) -> bool:
        return bool(self._eval(_DELETE, key))

    def _eval(self, script: str, key: str, *arguments: bytes | int) -> Any:
        words = ("EVAL", script, 1, key.encode(), *arguments)
        if self._nodes is None:
            return _ask(self._client.connection_pool, words)
        for _ in range(_MOVES):
            try:
                node = self._nodes.get_node_from_slot(self._client.keyslot(key.encode()))
                return _ask(self._client.get_redis_connection(node).connection_pool, words)
            except Exception as error:
                # The nodes may have changed their parts, and a lost one has been replaced.
                self._nodes.initialize()
                if not _is(error, "MovedError", "AskError", "TryAgainError"):
                    raise
        raise Unreachable("the cluster moves the key")

    def words(self, error: Exception) -> str:
        # Of a connection the text names the server; that of an answer may repeat what was asked.
        return text_of(error) if _is(error, "ConnectionError", "TimeoutError") else super().words(error)


def _ask(pool: Any, words: tuple[Any, ...]) -> Any:
    needs_name = inspect.signature(pool.get_connection).parameters.get("command_name")
    try:
        if needs_name is not None and needs_name.default is inspect.Parameter.empty:
            connection = pool.get_connection(words[0])
        else:
            connection = pool.get_connection()
    except Exception as error:
        if _is(error, "ConnectionError", "TimeoutError"):
            raise Unreachable(text_of(error)) from error
        raise
    try:
        connection.send_command(*words)
        return connection.read_response(disable_decoding=True)
    except BaseException:
        # An answer that is still to come is for nobody else.
        connection.disconnect()
        raise
    finally:
        pool.release(connection)


def _is(error: Exception, *names: str) -> bool:
    return any(it.__name__ in names for it in type(error).__mro__)


def _millis(seconds: float) -> int:
    return max(1, min(round(seconds * 1000), _LONGEST))
