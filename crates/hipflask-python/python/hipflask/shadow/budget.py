"""How much of the time of requests may be spent on looking at them."""

from __future__ import annotations

__all__ = ["Budget"]

#: How many requests of a process are looked at in any case.
_FREE = 200


class Budget:
    """Lets requests pass while more than a share of their time has been spent. Threads may come between its steps:
    what they lose is one request's time."""

    def __init__(self, cost: float) -> None:
        self._cost = cost
        self._free = _FREE
        #: What is spent and not yet paid for, and how long a request takes; in nanoseconds.
        self._debt = 0.0
        self._mean = 0.0

    def allows(self) -> bool:
        """Whether the next request may be looked at."""
        if self._free > 0:
            self._free -= 1
            return True
        self._debt = max(0.0, self._debt - self._cost * self._mean)
        return self._debt == 0 or self._cost >= 1

    def spend(self, spent: int, request: int) -> None:
        """Notes what a look has cost, and how long its request has taken without it."""
        self._mean += (request - self._mean) / 16 if self._mean else request
        if self._free <= 0:
            self._debt += spent
