"""The metrics and spans of the demo and the gate over a real Redis, in a real Prometheus, against docs/observability.md."""

import concurrent.futures
import contextlib
import itertools
import json
import re
import subprocess
import time
import urllib.parse
from http.client import HTTPConnection
from unittest import mock

import msgspec
import pytest
import redis
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from pages import DOCS
from servers import SECRET_KEY, accepts, free_port, rust_program, started
from stores import program
from stores import redis as redis_server
from test_gate import ask, gate, signed

PAGE = (DOCS / "observability.md").read_text()
RULES = DOCS / "observability" / "alerts.yml"
DASHBOARD = json.loads((DOCS / "observability" / "grafana.json").read_text())
DEBIAN = "the Debian package prometheus"
# The demo binds no sessions to devices.
ABSENT = {"hipflask_dbsc_refused_total"}
PASSWORD = "hunter2-of-interop-tests"


def words(table):
    """Returns the names in the first column of the table of the page that begins so."""
    rows = PAGE.partition(table)[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)`", rows, re.MULTILINE))


def expressions():
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    rules = re.findall(r"expr: \|\n((?: {10}.*\n)+)", RULES.read_text())
    assert len(rules) == RULES.read_text().count("alert:")
    return [expr.replace("$job", ".*").replace("$__rate_interval", "5m") for expr in panels + rules]


def samples(text):
    """Returns what Prometheus would read from a text: each name and its labels, and the number."""
    found = {}
    for line in filter(lambda it: it and not it.startswith("#"), text.splitlines()):
        name, labels, number = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
        found[name, frozenset(re.findall(r'(\w+)="(.*?)"', labels or ""))] = float(number)
    return found


class Program:
    """A running program, where its metrics are."""

    def __init__(self, admin):
        self.admin = admin

    def text(self):
        answer = ask(self.admin, "/metrics")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4")
        return answer.text

    def count(self, name, **labels):
        """Adds up what has these labels, among others."""
        wanted = set(labels.items())
        return sum(number for (its, has), number in samples(self.text()).items() if its == name and wanted <= has)

    def wait_for(self, number, name, **labels):
        deadline = time.monotonic() + 20
        while self.count(name, **labels) != number:
            assert time.monotonic() < deadline, (name, labels, number, self.text())
            time.sleep(0.005)


class Visitor:
    """Somebody at the log-in of the demo."""

    def __init__(self, port):
        self.port, self.cookie = port, None
        page = self.ask()
        self.token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]

    def ask(self, method="GET", **form):
        body = urllib.parse.urlencode(form).encode() if form else None
        answer = ask(self.port, "/login", method, [self.cookie] if self.cookie else [], body=body)
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.cookie = line.partition(";")[0]
        return answer

    @property
    def key(self):
        return self.cookie.replace("session=", "session:")

    def log_in(self):
        """Has a password checked, which takes long enough for others to come between."""
        return self.ask("POST", csrf_token=self.token, username="nobody", password=PASSWORD)


@pytest.fixture
def demo(tmp_path):
    with redis_server() as server:
        port, admin = free_port(), free_port()
        run = [rust_program("demo"), "--port", str(port), "--data", "data", "--sessions", server.url]
        run = ["sh", "-c", 'exec "$@" 2> demo.log', "sh", *run, "--admin-listen", f"127.0.0.1:{admin}"]
        env = {"FLASK_SECRET_KEY": SECRET_KEY, "FLASK_SESSION_ENCRYPTION": "false", "PATH": "/usr/bin:/bin"}
        with started(run, lambda: accepts(port), cwd=tmp_path, env=env | {"RUST_LOG": "hipflask=debug"}, stop=2):
            running = Program(admin)
            running.port, running.store, running.log = port, server, tmp_path / "demo.log"
            yield running


@contextlib.contextmanager
def prometheus(folder, **targets):
    """Runs Prometheus with the rules of the page, which it does not wait with."""
    port = free_port()
    (folder / "alerts.yml").write_text(re.sub(r"for: \w+", "for: 0s", RULES.read_text()))
    jobs = [{"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{at}"]}]} for job, at in targets.items()]
    config = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
        "rule_files": ["alerts.yml"],
        "scrape_configs": jobs,
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # YAML, too
    run = [program("prometheus", DEBIAN), "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb"]

    def api(path, **query):
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(query)}")
            answer = json.loads(connection.getresponse().read())
        assert answer["status"] == "success", answer
        return answer["data"]

    with started([*run, f"--web.listen-address=127.0.0.1:{port}"], lambda: api("query", query="1"), cwd=folder):
        yield api


def between(visitor, demo, change):
    """Changes the store while the visitor's password is checked, and returns the answer."""
    loads = {"name": "hipflask_store_operations_total", "operation": "load", "outcome": "found"}
    before = demo.count(**loads)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(visitor.log_in)
        demo.wait_for(before + 1, **loads)
        change()
        return answer.result()


def test_files_are_valid():
    checked = subprocess.run([program("promtool", DEBIAN), "check", "rules", RULES], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    register_default_plugins()
    read = Dashboard.from_json(DASHBOARD)

    def known(ours, theirs):
        """Reports whether nothing of ours was dropped or changed."""
        if isinstance(ours, dict):
            return all(name in theirs and known(value, theirs[name]) for name, value in ours.items())
        if isinstance(ours, list):
            return len(ours) == len(theirs) and all(map(known, ours, theirs))
        return ours == theirs

    assert known(DASHBOARD, json.loads(JSONEncoder().encode(read)))
    assert not known(DASHBOARD | {"unknown": []}, json.loads(JSONEncoder().encode(read)))


def test_what_happens_is_counted_and_found_by_prometheus(demo, tmp_path):
    records = redis.Redis(port=demo.store.port)
    secrets = set()
    with (
        gate(tmp_path, FLASK_SESSION_REVOCATIONS=demo.store.url) as running,
        prometheus(tmp_path, demo=demo.admin, gate=running.admin) as api,
    ):
        guard = Program(running.admin)
        visitor = Visitor(demo.port)
        secrets |= {visitor.cookie, visitor.token}

        def write():
            record = msgspec.msgpack.decode(records.get(visitor.key)) | {"theirs": 1}
            records.set(visitor.key, msgspec.msgpack.encode(record), keepttl=True)

        assert between(visitor, demo, write).status == 302
        record = msgspec.msgpack.decode(records.get(visitor.key))
        assert record["theirs"] == 1 and "_flashes" in record, "merged"
        assert demo.count("hipflask_sessions_saved_total", outcome="merged") == 1
        assert demo.count("hipflask_sessions_conflicts_total") == 1
        replaced = {"name": "hipflask_store_operations_total", "store": "redis", "operation": "replace"}
        assert demo.count(**replaced, outcome="conflict") == demo.count(**replaced, outcome="replaced") == 1
        assert demo.count("hipflask_store_operation_seconds_count", store="redis", operation="replace") == 2
        assert demo.count("hipflask_store_written_bytes_total") > 2 * 40

        between(visitor, demo, lambda: records.delete(visitor.key))
        assert demo.count("hipflask_sessions_saved_total", outcome="gone") == 1
        assert demo.count("hipflask_sessions_dropped_total", reason="gone_during_request") == 1
        assert ask(demo.port, "/login", "POST", body=b"a=1").status == 400
        assert demo.count("hipflask_csrf_refused_total", reason="csrf_token_missing") == 1

        ask(demo.port, "/login", cookies=["session=" + "u" * 43])
        assert demo.count("hipflask_sessions_opened_total", reason="unknown_id") == 1

        with mock.patch("time.time", lambda now=time.time: now() - 40 * 24 * 3600):
            expired = signed(_permanent=True, user_id="julian")
        good = signed(user_id="julian")
        secrets |= {expired, good, "julian", PASSWORD}
        assert [running.ask(cookies=[cookie]).status for cookie in (expired, good)] == [401, 200]
        assert guard.count("hipflask_sessions_opened_total", reason="expired") == 1
        assert guard.count("hipflask_gate_sessions_total", reason="expired") == 1
        assert guard.count("hipflask_sessions_verified_total", key="0", digest="sha1") == 1
        assert guard.count("hipflask_gate_answers_total") == guard.count("hipflask_gate_seconds_count") == 2

        visitor = Visitor(demo.port)
        secrets |= {visitor.cookie, visitor.token}
        assert between(visitor, demo, demo.store.stop).status == 503
        assert demo.count("hipflask_sessions_save_failed_total", reason="store_unavailable") == 1
        assert demo.count("hipflask_sessions_saved_total", outcome="failed") == 1
        assert visitor.ask().status == 503
        assert demo.count("hipflask_store_failed_total", operation="load") == 1
        assert guard.count("hipflask_gate_answers_total", status="503") == 0

        # A rate needs two samples that differ.
        due = {"HipflaskStoreFailing", "HipflaskGateClosed"}
        deadline = time.monotonic() + 30
        for n in itertools.count():
            assert visitor.ask().status == 503
            assert running.ask(cookies=[signed(user_id=f"julian{n}")]).status == 503
            groups = api("rules")["groups"]
            rules = {rule["name"]: rule for group in groups for rule in group["rules"]}
            firing = {name for name, rule in rules.items() if rule["state"] == "firing"}
            if due <= firing:
                break
            assert time.monotonic() < deadline, (firing, demo.text(), guard.text())
            time.sleep(0.2)
        assert {rule["health"] for rule in rules.values()} == {"ok"}
        assert set(rules) == words("| alert |")
        assert not firing & {"HipflaskForeignSignatures", "HipflaskRecordsUnreadable", "HipflaskClocksDiffer"}

        [merged] = api("query", query='hipflask_sessions_saved_total{outcome="merged"}')["result"]
        assert (merged["metric"]["job"], merged["value"][1]) == ("demo", "1")
        texts = demo.text() + guard.text()
        check_names(texts, api)
    check_privacy(texts + demo.log.read_text() + running.log.read_text(), secrets)
    check_spans(demo.log.read_text())


def check_names(texts, api):
    """The page, the rules and the dashboard name what there is, and nothing else."""
    labels = {}
    for name, has in samples(texts):
        labels.setdefault(name, set()).update(dict(has))
    there = {re.sub(r"(?<=_seconds)_(bucket|sum|count)$", "", name) for name in labels}
    assert words("| metric |") == there | ABSENT
    for row in re.findall(r"^\| `(hipflask_\w+)` \| (.*?) \|", PAGE, re.MULTILINE):
        name = row[0] + "_count" if row[0].endswith("_seconds") else row[0]
        assert name in ABSENT or labels[name] == set(re.findall(r"`(\w+)`", row[1])), row
    outcomes = {value for _, has in samples(texts) for name, value in has if name == "outcome"}
    assert outcomes <= set(re.findall(r"`(\w+)`", PAGE))
    reasons = set(re.findall(r"^\| `(\w+)`", (DOCS / "reasons.md").read_text(), re.MULTILINE))
    shown = set()
    for expr in expressions():
        for name, selector in re.findall(r"(hipflask_\w+)(?:\{(.*?)\})?", expr):
            shown.add(name)
            for label, values in re.findall(r'(\w+)[=!]~?"(.*?)"', selector):
                assert label == "job" or name in ABSENT or label in labels[name], expr
                known = {"outcome": set(re.findall(r"`(\w+)`", PAGE)), "reason": reasons, "status": {"503"}}
                assert label == "job" or set(values.split("|")) <= known[label], expr
        has_data = bool(api("query", query=expr.partition(" > ")[0])["result"])
        quiet = r"dbsc|bad_signature|bad_payload|not_yet_valid"
        assert has_data or re.search(quiet, expr), expr
    histograms = {"hipflask_store_operation_seconds_bucket", "hipflask_gate_seconds_bucket"}
    assert shown <= set(labels) | ABSENT and histograms <= shown


def check_privacy(text, secrets):
    for secret in secrets:
        for part in {secret, secret.partition("=")[2], *secret.partition("=")[2].split(".")}:
            assert len(part) < 5 or part not in text, "a secret is shown"
    assert SECRET_KEY not in text


def check_spans(log):
    log = re.sub(r"\x1b\[\d+m", "", log)
    closed = [line for line in log.splitlines() if re.search(r": close\b", line)]
    for wanted in (
        r'session\.open\{hipflask\.reason="no_cookie"\}',
        r'session\.open\{.*hipflask\.reason="found".*hipflask\.cookie\.size=43',
        r'session\.open:store\{otel\.name="load" otel\.kind="client" db\.system\.name="redis" '
        r'db\.operation\.name="load" hipflask\.outcome="found" hipflask\.record\.size=\d+\}',
        r'session\.save:store\{.*db\.operation\.name="replace" hipflask\.outcome="conflict"',
        r'session\.save\{.*hipflask\.outcome="merged"',
        r'store\{.*error\.type="unreachable" otel\.status_code="ERROR"',
        r'session\.save\{hipflask\.outcome="failed" error\.type="store_unavailable" otel\.status_code="ERROR"\}',
        r'session\.open\{error\.type="store_unavailable" otel\.status_code="ERROR"\}',
    ):
        assert any(re.search(wanted, line) for line in closed), (wanted, "\n".join(closed))
