"""Each example against its Flask twin: the same steps, the same answers.

`flask-flask` runs check the harness itself; the others are the proof: `flask-rust` of the examples in axum and of the demo, whose
twin has Flask-Login, `flask-actix` of those in actix-web (`twins/actix`), which has no `accounts`, `flask-python` of the twins
themselves with `HipFlask(app)`, and `fastapi` and `quart` of those in other frameworks, all of which need the package `hipflask`.
"""

import contextlib

import pytest
from client import Client
from servers import running
from steps import STEPS, Request

PAIRS = [("flask", other) for other in ("flask", "rust", "actix", "python", "fastapi", "quart")]
PAIRS += [("fastapi", "rust")]
WITHOUT_DATA = ("fastapi", "quart", "actix")
WITH_DATA = ("accounts", "demo")
CASES = [
    (pair, example) for pair in PAIRS for example in STEPS if example not in WITH_DATA or not set(pair) & set(WITHOUT_DATA)
]
# As Flask keeps sessions.
DEMO = {"sessions": "cookie:", "settings": {"FLASK_SESSION_ENCRYPTION": "false"}}
every_example = pytest.mark.parametrize("example", STEPS)
every_case = pytest.mark.parametrize("pair, example", CASES, ids=["-".join([*pair, example]) for pair, example in CASES])


@contextlib.contextmanager
def two_sides(pair, example, folders):
    how = DEMO if example == "demo" else {}
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(running(kind, example, folder if example in WITH_DATA else None, **how))
            for kind, folder in zip(pair, folders)
        ]


def alone(port):
    return lambda _step: port


def in_turn(ports, first):
    """Chooses the sides request by request; the twin (side 0) takes what only it can do."""
    turn = first

    def route(step):
        nonlocal turn
        turn += 1
        return ports[0 if step.twin_only else turn % 2]

    return route


def perform(steps, route):
    client = Client(route)
    return [client.perform(step) for step in steps]


def compare(example, expected, actual):
    for index, (step, left, right) in enumerate(zip(STEPS[example], expected, actual, strict=True)):
        assert left == right, f"step {index} of {example}: {step}"


@every_example
def test_twin_says_what_the_contract_says(example, tmp_path):
    with two_sides(["flask"], example, [tmp_path]) as [port]:
        answers = perform(STEPS[example], alone(port))
    for index, (step, answer) in enumerate(zip(STEPS[example], answers, strict=True)):
        if isinstance(step, Request):
            assert answer["status"] < 500, f"step {index} of {example}: {step}"
            assert step.says in answer.get("text", ""), f"step {index} of {example}: {step}"


@every_case
def test_sides_answer_the_same_alone(pair, example, tmp_path):
    with two_sides(pair, example, [tmp_path / "left", tmp_path / "right"]) as ports:
        compare(example, *(perform(STEPS[example], alone(port)) for port in ports))


@every_case
@pytest.mark.parametrize("first", [0, 1])
def test_sides_share_one_session_in_turn(pair, example, first, tmp_path):
    with two_sides(["flask"], example, [tmp_path / "alone"]) as [port]:
        expected = perform(STEPS[example], alone(port))
    with two_sides(pair, example, [tmp_path / "shared"] * 2) as ports:
        actual = perform(STEPS[example], in_turn(ports, first))
    compare(example, expected, actual)
