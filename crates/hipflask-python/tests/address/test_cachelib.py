"""SESSION_FILE_… and SESSION_CACHELIB: folders of cachelib."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

import pytest
from cachelib import FileSystemCache, SimpleCache
from hipflask.clients.cachelib import CachelibClient
from hipflask.errors import ConfigError


def test_the_folder_is_flask_session_s(address, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert address("filesystem") == f"file:{tmp_path}/flask_session"
    assert address("cachelib") == f"file:{tmp_path}/flask_session"
    assert address("filesystem", FILE_DIR="some where") == f"file:{tmp_path}/some where"
    assert address("filesystem", FILE_DIR=Path("/srv/ü")) == "file:/srv/ü"


@pytest.mark.parametrize(
    ("mode", "suffix"), [(None, ""), (384, ""), (0o660, "?mode=660"), (0o640, "?mode=640")]
)
def test_the_mode_is_in_the_address(address, mode, suffix):
    assert address("filesystem", FILE_DIR="/srv/s", FILE_MODE=mode) == f"file:/srv/s{suffix}"


@pytest.mark.parametrize("mode", [0o666, 0o644, 600, "600"])
def test_other_modes_are_refused(address, mode):
    with pytest.raises(ConfigError, match="must be one of 0o600, 0o640, 0o660 and not "):
        address("filesystem", FILE_DIR="/srv/s", FILE_MODE=mode)


def test_a_threshold_has_no_effect_and_says_so(address, caplog):
    with caplog.at_level(logging.INFO, "hipflask"):
        assert address("filesystem", FILE_DIR="/srv/s", FILE_THRESHOLD=9) == "file:/srv/s"
    assert caplog.messages == [
        "SESSION_FILE_THRESHOLD has no effect: no session ends before it expires; "
        "`flask session_cleanup` removes those that have"
    ]
    assert caplog.records[0].reason == "setting_without_effect"


@pytest.mark.parametrize("hash_method", [hashlib.sha256, hashlib.md5])
def test_a_file_system_cache_becomes_an_address(address, tmp_path, hash_method):
    cache = FileSystemCache(str(tmp_path), threshold=0, mode=0o660, hash_method=hash_method)
    assert address("cachelib", CACHELIB=cache) == f"file:{tmp_path}?mode=660"
    os.chdir(tmp_path)
    assert address("cachelib", CACHELIB=FileSystemCache("here")) == f"file:{tmp_path}/here"


def test_other_caches_are_asked_themselves(address, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "hipflask"):
        assert isinstance(address("cachelib", CACHELIB=SimpleCache()), CachelibClient)
    assert caplog.messages == [
        "SESSION_CACHELIB is a SimpleCache: sessions go through the app's client, which takes longer"
    ]
    with pytest.raises(ConfigError, match="names its files by another hash than SHA-256 or MD5"):
        address("cachelib", CACHELIB=FileSystemCache(str(tmp_path), hash_method=hashlib.sha1))


def test_question_marks_are_refused(address):
    with pytest.raises(ConfigError, match="SESSION_FILE_DIR must be a folder without a question mark"):
        address("filesystem", FILE_DIR="/srv/what?")
