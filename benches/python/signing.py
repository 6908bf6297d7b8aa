"""Times each operation beside the real itsdangerous, in turns in one process:
``python benches/python/signing.py``.

Prints microseconds per call (the best of many rounds) and how many times faster ours is.
"""

from __future__ import annotations

import hashlib
import pickle
import time
import typing as t

import hipflask.itsdangerous as ours
import itsdangerous as real
from measure import keep

ROUNDS = 60
KEY = "a secret key of a usual length, 48 characters..."
FLASK = {"key_derivation": "hmac", "digest_method": hashlib.sha1}
SMALL = {"user_id": 42}
MIDDLE = {"_user_id": "42", "_fresh": True, "csrf_token": "8f1b" * 10, "cart": list(range(20))}
LARGE = {"rows": [{"id": n, "name": f"row {n}"} for n in range(2000)]}


def operations(package: t.Any) -> dict[str, t.Callable[[], object]]:
    """Returns what to time, by name; tokens are made outside of the timing."""
    signer, timed = package.Signer(KEY), package.TimestampSigner(KEY)
    flask_signer = package.TimestampSigner(KEY, salt="cookie-session", **FLASK)
    rotated = package.Signer(["old", "older", KEY])
    sha256, blake = (
        package.Signer(KEY, digest_method=digest) for digest in (hashlib.sha256, hashlib.blake2b)
    )
    signed, stamped, forged = signer.sign("value"), timed.sign("value"), signer.sign("value")[:-3] + b"AAA"
    by_old, megabyte = package.Signer("old").sign("value"), b"x" * 1_000_000
    signed_megabyte, flask_stamped = signer.sign(megabyte), flask_signer.sign("value")
    found: dict[str, t.Callable[[], object]] = {
        "Signer(key)": lambda: package.Signer(KEY),
        "Signer.sign": lambda: signer.sign("value"),
        "Signer.unsign": lambda: signer.unsign(signed),
        "Signer.unsign, oldest of 3 keys": lambda: rotated.unsign(by_old),
        "Signer.validate, forged": lambda: signer.validate(forged),
        "Signer.sign, SHA-256": lambda: sha256.sign("value"),
        "Signer.sign, BLAKE2b": lambda: blake.sign("value"),
        "Signer.sign, 1 MB": lambda: signer.sign(megabyte),
        "Signer.unsign, 1 MB": lambda: signer.unsign(signed_megabyte),
        "TimestampSigner.sign": lambda: timed.sign("value"),
        "TimestampSigner.unsign": lambda: timed.unsign(stamped, max_age=60),
        "TimestampSigner.unsign, date": lambda: timed.unsign(stamped, return_timestamp=True),
        "TimestampSigner.sign, as Flask": lambda: flask_signer.sign("value"),
        "TimestampSigner.unsign, as Flask": lambda: flask_signer.unsign(flask_stamped, max_age=60),
        "base64_encode": lambda: package.base64_encode(b"twenty bytes of data"),
        "base64_decode": lambda: package.base64_decode(b"dHdlbnR5IGJ5dGVzIG9mIGRhdGE"),
        "base64_encode, 1 MB": lambda: package.base64_encode(megabyte),
        "base64_decode, 1 MB": lambda: package.base64_decode(megabyte),
        "want_bytes": lambda: package.want_bytes("value"),
        "int_to_bytes": lambda: package.encoding.int_to_bytes(1_763_692_800),
        "bytes_to_int": lambda: package.encoding.bytes_to_int(b"i \x7f\x00"),
    }
    for name in ("Serializer", "TimedSerializer", "URLSafeSerializer", "URLSafeTimedSerializer"):
        cls = getattr(package, name)
        found[f"{name}(key)"] = lambda cls=cls: cls(KEY)
        for size, value in (("small", SMALL), ("middle", MIDDLE), ("large", LARGE)):
            serializer = cls(KEY, salt="cookie-session", signer_kwargs=FLASK)
            found[f"{name}.dumps, {size}"] = lambda s=serializer, v=value: s.dumps(v)
            found[f"{name}.loads, {size}"] = lambda s=serializer, token=serializer.dumps(value): s.loads(
                token
            )
    pickled = package.Serializer(KEY, serializer=pickle)
    found["Serializer.dumps, pickle"] = lambda: pickled.dumps(MIDDLE)
    found["Serializer.loads, pickle"] = lambda token=pickled.dumps(MIDDLE): pickled.loads(token)
    return found


def seconds_per_call(operation: t.Callable[[], object], calls: int) -> float:
    """Returns the mean of one round."""
    start = time.perf_counter()
    for _ in range(calls):
        operation()
    return (time.perf_counter() - start) / calls


def measure() -> dict[str, tuple[float, float]]:
    """Returns seconds per call of the real package and of ours."""
    times = {}
    for (name, theirs), mine in zip(operations(real).items(), operations(ours).values()):
        calls = max(1, int(0.002 / seconds_per_call(theirs, 3)))
        best = [float("inf"), float("inf")]
        for _ in range(ROUNDS):
            for at, operation in enumerate((theirs, mine)):
                best[at] = min(best[at], seconds_per_call(operation, calls))
        times[name] = (best[0], best[1])
    return times


if __name__ == "__main__":
    print(f"{'operation':42}{'itsdangerous':>14}{'hipflask':>12}{'ratio':>9}")
    for name, (theirs, mine) in measure().items():
        keep("signing", name, "itsdangerous", "best, µs", [theirs * 1e6])
        keep("signing", name, "hipflask", "best, µs", [mine * 1e6])
        print(f"{name:42}{theirs * 1e6:12.2f}µs{mine * 1e6:10.2f}µs{theirs / mine:8.2f}x")
