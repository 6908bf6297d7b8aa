"""Stores that the app's own clients carry out: slower than an address, and right where no address can say
what the client knows.

One module per kind of client. What a store is, is in `form`.
"""

from __future__ import annotations

from .form import Client

__all__ = ["Client"]
