"""Makes calls between marks, so that valgrind counts the instructions of each: see benches/instructions.py."""

from __future__ import annotations

import gc
import os

import contender
from calls import N_CALLS, OPERATIONS, Subject
from workload import WORKLOADS


def mark(name: str, n_calls: int) -> None:
    os.getppid()
    print(name, n_calls, sep="\t", flush=True)


def main() -> None:
    gc.disable()
    [hipflask] = (each for each in contender.signed() if each.is_hipflask)
    app = hipflask.make_app()
    with app.app_context():
        for workload in WORKLOADS[:3]:  # those of the Rust counts
            subject = Subject(app, workload)
            for name, prepare in OPERATIONS.items():
                prepare(subject)()  # The first calls may set up what is kept.
                batch = prepare(subject)
                mark("", 0)
                batch()
                mark(f"{name}: {workload.name}", N_CALLS)


if __name__ == "__main__":
    main()
