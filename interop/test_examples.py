"""The example that needs a server: what its front page tells visitors to try. The others are in `examples/tests`."""

import pytest
import redis
import stores
from moving_site import rust
from visits import Guest


@pytest.fixture
def store():
    with stores.redis() as store:
        yield store


def test_session_in_redis_outlives_the_program_and_ends_at_log_out(store, tmp_path):
    guest = Guest()
    with rust(tmp_path, "redis", REDIS_URL=store.url) as (port, _), redis.Redis(port=store.port) as client:
        front = guest.get(port, "/")
        for path in ("/count", "/log_out"):
            assert f'"{path}"' in front
        assert [guest.get(port, "/count") for _ in range(2)] == ["1", "2"]
        assert client.keys("session:*") == [f"session:{guest.session_id}".encode()]
    with rust(tmp_path, "redis", REDIS_URL=store.url) as (port, _), redis.Redis(port=store.port) as client:
        assert guest.get(port, "/count") == "3"
        assert guest.get(port, "/log_out") == "ended"
        assert (client.keys("session:*"), guest.cookie) == ([], "")
        assert guest.get(port, "/count") == "1"
