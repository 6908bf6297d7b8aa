"""What can be wrong with how sessions are set up. Knows nothing of requests."""

from __future__ import annotations


class ConfigError(ValueError):
    """The configuration cannot work; the text says which name is wrong and what to write instead."""
