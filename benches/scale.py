"""A model of what sessions cost a site, from what was measured: the tables and the plot of docs/scale.md.

    python3 benches/scale.py                   writes them, of benches/scale.json
    python3 benches/scale.py --check           fails where they are others
    python3 benches/scale.py keep RESULTS      puts what `scripts/bench` has measured into benches/scale.json
    python3 benches/scale.py show RESULTS      prints the tables of such results, and keeps nothing

The model has three steps. What one request costs is taken from the figures; what a store's part of it costs among N sessions lies on a line
through what was measured at several sizes, over the logarithm of N; and all is multiplied by the requests of a second. A session takes the
most bytes that it took at any size.
"""

from __future__ import annotations

import json
import math
import pathlib
import re
import statistics
import sys

import page
import plot

HERE = pathlib.Path(__file__).resolve().parent
KEPT, PAGE = HERE / "scale.json", HERE.parent / "docs/scale.md"
PLOT = HERE.parent / "docs/img/scale.svg"

# What is assumed, and not measured: docs/scale.md says the same in words.
WRITES, FIRST = 0.1, 0.1  # of the requests; first reads are of a session that the process has not had lately; the others read
BUSY = 0.6  # of a processor's time is planned for; the rest is for peaks
NODE_BYTES = 32e9  # of sessions in one Redis, which works on one core; as much again is free for its copy on a save
COPIES = 2  # of each session in Redis: one is a replica's
PRIMARY_CORES = 4  # of a PostgreSQL that a site has anyhow; of its memory, as much is for indexes of sessions as in a Redis
SIZES = [10**power for power in range(5, 10)]
RATES = [10**power for power in range(4, 8)]
OPERATIONS = {"read": 1 - WRITES - FIRST, "first read": FIRST, "write": WRITES}
# Of whole requests, those to sessions in use were measured.
REQUESTS = {"read": 1 - WRITES, "write": WRITES}


def figures(results: page.Results) -> dict:
    """Returns the medians that the model takes out of the results of `scripts/bench`."""

    def of(bench: str, case: str, contender: str, measure: str) -> float:
        return statistics.median(results.samples[bench][case, contender][measure])

    stores: dict = {}
    for (size, store), measures in results.samples["scale"].items():
        stores.setdefault(store, {})[size] = {name: rounded(statistics.median(of)) for name, of in measures.items()}
    cookie = {}
    for operation, call in (("read", "open"), ("write", "save")):
        larger = of("cookie", f"{call} w2", "hipflask", "CPU, ns") - of("cookie", f"{call} w1", "hipflask", "CPU, ns")
        cookie[operation] = rounded(of("http", "", f"hipflask, {operation}", "CPU, µs") + larger / 1000)
    requests = {operation: rounded(of("stores", operation, "hipflask", "server CPU, µs")) for operation in REQUESTS}
    machine = {name: results.machine[name] for name in ("date", "commit", "processor", "cores", "mode")}
    cookie_bytes = of("sizes", "w2", "hipflask", "cookie, bytes")
    return {"machine": machine, "request CPU, µs": {"cookie": cookie, "Redis": requests}, "cookie, bytes": cookie_bytes, "stores": stores}


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


class Model:
    """What was measured up to a size, drawn on."""

    def __init__(self, kept: dict, most: int = 10**9) -> None:
        self.requests, self.cookie_bytes = kept["request CPU, µs"], kept["cookie, bytes"]
        self.stores = {
            name: {int(size): of for size, of in sizes.items() if int(size) <= most} for name, sizes in kept["stores"].items()
        }

    def at(self, store: str, measure: str, n_sessions: int) -> float:
        """Returns a figure among so many sessions: on the line of least squares over the logarithm, if that rises."""
        points = [(math.log10(size), of[measure]) for size, of in self.stores[store].items() if measure in of]
        if not points:
            return 0.0
        middle_x, middle_y = (statistics.fmean(axis) for axis in zip(*points))
        width = sum((x - middle_x) ** 2 for x, _ in points)
        slope = sum((x - middle_x) * (y - middle_y) for x, y in points) / width if width else 0.0
        return middle_y + max(slope, 0.0) * (math.log10(n_sessions) - middle_x)

    def mixed(self, store: str, measure: str, n_sessions: int, shares: dict[str, float] = OPERATIONS) -> float:
        """Returns what a request costs on average."""
        return sum(share * self.at(store, f"{operation}: {measure}", n_sessions) for operation, share in shares.items())

    def bytes(self, store: str, n_sessions: int) -> float:
        """Returns what all sessions take, once."""
        sizes = self.stores[store].values()
        return n_sessions * max(sum(value for measure, value in of.items() if ":" not in measure) for of in sizes)

    def index_bytes(self, store: str, n_sessions: int) -> float:
        return n_sessions * max(of.get("index, bytes", 0.0) for of in self.stores[store].values())

    def app_micros(self, store: str | None, n_sessions: int) -> float:
        """Returns the app's own CPU time of a request: measured with cookies, and with sessions in use in Redis, whose client's
        part is taken out for that of the store."""
        own = self.requests["Redis" if store else "cookie"]
        micros = sum(share * own[operation] for operation, share in REQUESTS.items())
        if store:
            clients = self.mixed("Redis", "client CPU, µs", n_sessions, REQUESTS)
            micros += self.mixed(store, "client CPU, µs", n_sessions) - clients
        return micros

    def wire_bytes(self, store: str | None, n_sessions: int) -> float:
        """Returns what a request moves because of its session: to and from the store, or as a cookie that a write sends back."""
        if store is None:
            return self.cookie_bytes * (1 + WRITES)
        return self.mixed(store, "sent, bytes", n_sessions) + self.mixed(store, "received, bytes", n_sessions)

    def cores(self, store: str, n_sessions: int, rate: int) -> float:
        return rate * self.mixed(store, "store CPU, µs", n_sessions) / 1e6 / BUSY

    def nodes(self, n_sessions: int, rate: int) -> int:
        """Returns how many Redis servers carry it, replicas not counted: each works on one core."""
        return max(math.ceil(self.cores("Redis", n_sessions, rate)), math.ceil(self.bytes("Redis", n_sessions) / NODE_BYTES))

    def choice(self, n_sessions: int, rate: int) -> str:
        """Returns the smallest that carries it."""
        if rate > n_sessions:
            return "–"  # No visitors ask that often.
        cores, index = self.cores("PostgreSQL", n_sessions, rate), self.index_bytes("PostgreSQL", n_sessions)
        if cores <= PRIMARY_CORES and index <= NODE_BYTES:
            return f"PostgreSQL, {cores:.1f} cores"
        nodes = self.nodes(n_sessions, rate)
        return "one Redis" if nodes == 1 else f"Redis Cluster of {nodes:,}"


def measured(kept: dict) -> list[str]:
    sizes = [(store, size, of) for store, sizes in kept["stores"].items() for size, of in sizes.items()]
    measures = dict.fromkeys(measure for _, _, of in sizes for measure in of)
    rows = [[measure, *(page.number(of[measure]) if measure in of else "–" for *_, of in sizes)] for measure in measures]
    machine = kept["machine"]
    about = f"{machine['processor']}, {machine['cores']} cores, {machine['date']}, commit {machine['commit']}."
    if machine["mode"] == "quick":
        about += " **From quick runs on a busy machine: not worth quoting, until a whole run takes their place.**"
    return [about, "", *page.table(["", *(f"{store}, {int(size):,}" for store, size, _ in sizes)], rows)]


def checked(kept: dict) -> list[str]:
    """The model that knows nothing of the largest size that was measured, beside what was measured there."""
    most = max(int(size) for sizes in kept["stores"].values() for size in sizes)
    if any(len(sizes) < 2 for sizes in kept["stores"].values()):
        return ["Only one size was measured, so that there is nothing to check."]
    model, rows = Model(kept, most - 1), []
    for store, sizes in kept["stores"].items():
        for measure in (f"{operation}: {part} CPU, µs" for part in ("store", "client") for operation in OPERATIONS):
            rows.append([f"{store}, {measure}", model.at(store, measure, most), sizes[str(most)][measure]])
        bytes_there = sum(value for measure, value in sizes[str(most)].items() if ":" not in measure)
        rows.append([f"{store}, bytes of a session", model.bytes(store, most) / most, bytes_there])
    cells = [[name, page.number(ours), page.number(there), f"{ours / there:.2f}"] for name, ours, there in rows]
    return page.table([f"{most:,} sessions", "model", "measured", "model beside"], cells)


def loads(model: Model) -> list[str]:
    """What requests cost, among a million sessions."""
    n_sessions, rows = 10**6, []
    for rate in RATES:
        for name, store in (("signed cookie", None), *((store, store) for store in model.stores)):
            app = rate * model.app_micros(store, n_sessions) / 1e6 / BUSY
            network = rate * model.wire_bytes(store, n_sessions) * 8 / 1e9
            cores = page.number(model.cores(store, n_sessions, rate)) if store else "–"
            log = rate * model.mixed(store, "log, bytes", n_sessions) / 1e6 if store else 0
            rows.append([f"{rate:,}", name, page.number(app), cores, page.number(network), page.number(log) if log else "–"])
    return page.table(["requests/s", "sessions in", "app cores", "store cores", "network, Gbit/s", "log, MB/s"], rows)


def memory(model: Model) -> list[str]:
    rows = []
    for n_sessions in SIZES:
        redis, postgres = (model.bytes(store, n_sessions) / 1e9 for store in ("Redis", "PostgreSQL"))
        index = model.index_bytes("PostgreSQL", n_sessions) / 1e9
        rows.append([f"{n_sessions:,}", *map(page.number, (redis, redis * COPIES, postgres, index)), f"{model.nodes(n_sessions, 0):,}"])
    head = ["sessions", "Redis, GB", "with replicas, GB", "PostgreSQL's disk, GB", "of it indexes, GB", "Redis servers for it"]
    return page.table(head, rows)


def choices(model: Model) -> list[str]:
    rows = [[f"{n_sessions:,}", *(model.choice(n_sessions, rate) for rate in RATES)] for n_sessions in SIZES]
    return page.table(["sessions", *(f"{rate:,}/s" for rate in RATES)], rows)


def tables(kept: dict) -> dict[str, list[str]]:
    model = Model(kept)
    return {
        "choices": choices(model),
        "loads": loads(model),
        "memory": memory(model),
        "measured": measured(kept),
        "checked": checked(kept),
    }


def drawn(kept: dict) -> str:
    model = Model(kept)
    curves = {store: [(rate, model.cores(store, 10**6, rate)) for rate in RATES] for store in model.stores}
    title, meaning = "Cores of the store, for a million sessions", "lower is cheaper"
    return plot.lines(curves, title, meaning, "requests a second", ((4, 7), (-2, 4)))


def filled(text: str, made: dict[str, list[str]]) -> str:
    """Puts each table between its marks."""
    for name, lines in made.items():
        mark, end = f"<!-- {name}: python3 benches/scale.py -->", f"<!-- end of {name} -->"
        between = re.compile(f"{re.escape(mark)}.*?{re.escape(end)}", re.DOTALL)
        new = "\n".join([mark, "", *lines, "", end])
        text, n_found = between.subn(lambda _: new, text)
        if n_found != 1:
            sys.exit(f"docs/scale.md has {n_found} places for {name}")
    return text


def main() -> None:
    match sys.argv[1:]:
        case ["keep" | "show" as what, path]:
            try:
                kept = figures(page.Results(pathlib.Path(path).read_text(encoding="utf-8").splitlines()))
            except KeyError as missing:
                sys.exit(f"the model has nothing to go by: {missing} is not in {path}")
            if what == "keep":
                KEPT.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            for lines in tables(kept).values():
                print(*lines, "", sep="\n")
        case [] | ["--check"]:
            kept, text = json.loads(KEPT.read_text(encoding="utf-8")), PAGE.read_text(encoding="utf-8")
            new, svg = filled(text, tables(kept)), drawn(kept)
            if sys.argv[1:]:
                if new != text or not PLOT.exists() or PLOT.read_text() != svg:
                    sys.exit("docs/scale.md or its plot is not what benches/scale.json gives: python3 benches/scale.py writes them again")
                return
            PAGE.write_text(new, encoding="utf-8")
            PLOT.write_text(svg)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
