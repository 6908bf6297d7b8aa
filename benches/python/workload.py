"""The sessions that are opened and saved: those of the Rust benchmarks, and a long list."""

from __future__ import annotations

import dataclasses
from typing import Any

SECRET_KEY = "benches-only-e0f1c87a52b94d36"
TEAS = ["Earl Grey", "Assam", "Darjeeling", "Oolong", "Sencha", "Mint", "Rooibos"]


@dataclasses.dataclass(frozen=True)
class Workload:
    """A session, and the key of the integer in it that is read and changed."""

    name: str
    content: dict[str, Any]
    key: str


def item(at: int) -> dict[str, Any]:
    return {
        "id": 1000 + at * 37 % 97,
        "name": f"{TEAS[at % len(TEAS)]} tea, loose leaf, {50 + 25 * (at % 5)} g",
        "price": 2.5 + (at * 7 % 40) / 4,
        "quantity": 1 + at % 3,
        "sku": f"TEA-{at * 7919 % 9973:04}",
    }


LOGIN = {
    "_flashes": [("message", "Welcome back, clarissa. You were logged in.")],
    "csrf_token": "3c0f9d5be4b7a1d2a8f06e57c9b31d64f20e8a75",
    "user_id": 12345,
    "username": "clarissa",
}

WORKLOADS = [
    Workload("W1, a counter", {"count": 1}, "count"),
    Workload("W2, a log-in", LOGIN, "user_id"),
    Workload("W3, a cart of 30 items", {"cart": [item(at) for at in range(30)], "user_id": 12345}, "user_id"),
    Workload("W4, a list of 1,000 numbers", {"numbers": list(range(1000, 2000)), "user_id": 12345}, "user_id"),
]
