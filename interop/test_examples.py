"""The example that needs a server: what its front page tells visitors to try. The others are in `examples/tests`."""

import contextlib
import os
import signal

import pytest
import redis
import stores
from servers import accepts, free_port, rust_program, started
from visits import Guest


@pytest.fixture
def store():
    with stores.redis() as store:
        yield store


@contextlib.contextmanager
def example(store):
    port = free_port()
    env = {**os.environ, "REDIS_URL": f"redis://127.0.0.1:{store.port}", "ADDRESS": f"127.0.0.1:{port}"}
    with started([rust_program("redis")], lambda: accepts(port), signal.SIGKILL, env=env):
        yield port


def test_session_in_redis_outlives_the_program_and_ends_at_log_out(store):
    guest = Guest()
    with example(store) as port, redis.Redis(port=store.port) as client:
        front = guest.get(port, "/")
        for path in ("/count", "/log_out"):
            assert f'"{path}"' in front
        assert [guest.get(port, "/count") for _ in range(2)] == ["1", "2"]
        assert client.keys("session:*") == [f"session:{guest.session_id}".encode()]
    with example(store) as port, redis.Redis(port=store.port) as client:
        assert guest.get(port, "/count") == "3"
        assert guest.get(port, "/log_out") == "ended"
        assert (client.keys("session:*"), guest.cookie) == ([], "")
        assert guest.get(port, "/count") == "1"
