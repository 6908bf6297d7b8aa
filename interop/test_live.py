"""The command line against the installed Flask: random sessions both ways, and mutated cookies.

Flask is asked live, with its clock held; nothing here is a recorded answer.
"""

import collections
import json
import random
import subprocess

import pytest
from flask import Flask
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature, SignatureExpired, TimestampSigner
from mutants import Mutants
from servers import rust_program
from sessions import Sessions

MAX_AGE = 31 * 86400
# (seed, key, now): an ordinary day, a key beyond ASCII, a time beyond 32 bits, a key longer than SHA-1's block.
BATCHES = [
    (1, "k", 1_763_692_800),
    (2, "clé secrète 🐢", 1_900_000_000),
    (3, "interop-key-3", 4_400_000_000),
    (4, "long " * 40, 3_000_000),
]
N_SESSIONS = 5_000  # of each batch, and each way
N_MUTANTS = 6_000  # of each batch
every_batch = pytest.mark.parametrize(("seed", "key", "now"), BATCHES, ids=lambda value: str(value)[:12])


class RealFlask:
    """Flask's own session serializer, at a time of our choice."""

    def __init__(self, key, now):
        app = Flask("live")
        app.secret_key = key
        self.context = app.app_context()
        self.now = now
        clock = self

        class HeldSigner(TimestampSigner):
            def get_timestamp(self):
                return clock.now

        self.serializer = SecureCookieSessionInterface().get_signing_serializer(app)
        self.serializer.signer = HeldSigner

    def sign(self, session, age=0):
        """Returns the cookie of a session that was written `age` seconds ago."""
        self.now -= age
        try:
            with self.context:
                return self.serializer.dumps(session)
        finally:
            self.now += age

    def tagged(self, session):
        """Returns the JSON text that Flask stores for a session."""
        with self.context:
            return TaggedJSONSerializer().dumps(session)

    def untagged(self, text):
        with self.context:
            return TaggedJSONSerializer().loads(text)

    def open(self, cookie, max_age=MAX_AGE):
        """Does what Flask's `open_session` does: returns the session, or the reasons that fit its refusal."""
        try:
            with self.context:
                return dict(SecureCookieSession(self.serializer.loads(cookie, max_age=max_age))), None
        except SignatureExpired as error:
            is_future = error.date_signed.timestamp() > self.now
            return None, {"not_yet_valid"} if is_future else {"expired"}
        except BadSignature:
            return None, {"bad_signature", "malformed", "bad_timestamp"}
        except (ValueError, OverflowError, OSError) as error:
            # A time after the year 9999 is an error of its own in Python.
            is_year = "year" in str(error) or "out of range" in str(error)
            return None, {"bad_timestamp", "bad_payload", "expired", "not_yet_valid"} if is_year else {"bad_payload"}
        except RecursionError:
            return None, {"bad_payload", "too_large"}
        except Exception as error:  # Flask answers all of these with a 500
            nested = isinstance(getattr(error, "original_error", None), RecursionError)
            return None, {"bad_payload", "too_large"} if nested else {"bad_payload"}


def hipflask(*arguments, lines=None):
    """Runs one command, `lines` as its standard input, and returns its status and its lines."""
    data = None if lines is None else b"".join(line.encode() + b"\n" for line in lines)
    done = subprocess.run(
        [rust_program("hipflask"), *arguments], input=data, capture_output=True, check=False, timeout=300
    )
    output = done.stdout.decode().split("\n")
    assert output.pop() == "", "the last line has no end"
    return done.returncode, output


def verify(lines, key, now, max_age=MAX_AGE):
    status, output = hipflask(
        "verify", "-", "--json", "--now", str(now), "--max-age", str(max_age), "--secret-key", key, lines=lines
    )
    assert len(output) == len(lines)
    return status, output


def split_answer(line):
    """Returns the session's exact text, and the rest of an answer."""
    before, after = '{"ok":true,"session":', ',"signed_at":'
    assert line.startswith(before), line
    session, rest = line.removeprefix(before).rsplit(after, 1)
    return session, json.loads('{"signed_at":' + rest)


def shuffled(value, chance):
    """Puts the keys of parsed JSON in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(item, chance)) for key, item in value.items()]
        chance.shuffle(items)
        return dict(items)
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


@every_batch
def test_verify_reads_what_flask_wrote(seed, key, now):
    flask, sessions, chance = RealFlask(key, now), Sessions(seed), random.Random(seed)
    ages = [chance.choice([0, 1, MAX_AGE, chance.randint(0, MAX_AGE)]) for _ in range(N_SESSIONS)]
    cookies = [flask.sign(sessions.session(), age) for age in ages]
    status, answers = verify(cookies, key, now)
    for cookie, age, answer in zip(cookies, ages, answers):
        text, rest = split_answer(answer)
        assert text == flask.tagged(flask.open(cookie)[0]), cookie
        assert rest == {"signed_at": now - age, "age": age, "key": 0, "compressed": cookie.startswith(".")}, cookie
    assert status == 0


@every_batch
def test_sign_writes_what_flask_writes(seed, key, now):
    flask, sessions, chance = RealFlask(key, now), Sessions(-seed), random.Random(seed)
    lines = [flask.tagged(sessions.session()) for _ in range(N_SESSIONS)]
    # People write spaces, and keys in any order.
    lines = [line if chance.random() < 0.7 else json.dumps(shuffled(json.loads(line), chance)) for line in lines]
    status, cookies = hipflask("sign", "-", "--now", str(now), "--secret-key", key, lines=lines)
    assert len(cookies) == len(lines)
    for line, cookie in zip(lines, cookies):
        assert cookie == flask.sign(flask.untagged(line)), line
    assert status == 0


@every_batch
def test_verify_judges_mutants_as_flask_does(seed, key, now):
    flask, sessions = RealFlask(key, now), Sessions(seed)
    cookies = [flask.sign(sessions.session(), age=seed) for _ in range(400)]
    cookies = [cookie for cookie in cookies if len(cookie) < 1500]
    mutants = Mutants(seed, cookies, key, now, MAX_AGE)
    kinds, lines = zip(*(mutants.mutant() for _ in range(N_MUTANTS)))
    verdicts = [flask.open(line) for line in lines]
    status, answers = verify(lines, key, now)
    for kind, line, (session, reasons), answer in zip(kinds, lines, verdicts, answers):
        label = f"{kind}: {line[:3000]!r}"
        if reasons is None:
            text, _ = split_answer(answer)
            # Only the order of keys may differ: the mutant may have had any.
            assert flask.tagged(flask.untagged(text)) == flask.tagged(session), label
        else:
            refusal = json.loads(answer)
            assert refusal["ok"] is False and refusal["reason"] in reasons, f"{answer} is not {reasons}: {label}"
    assert status == 1
    check_variety(reasons for _, reasons in verdicts)


def check_variety(reasons):
    """Fails when the mutants have become so tame, or so wild, that they prove little."""
    counts = collections.Counter("accepted" if found is None else min(found) for found in reasons)
    for verdict in ("accepted", "bad_payload", "bad_signature", "expired", "not_yet_valid"):
        assert counts[verdict] >= N_MUTANTS // 50, counts


KEY, NOW = "interop-key", 1_763_692_800


def test_sign_and_verify_take_one_item_each():
    flask = RealFlask(KEY, NOW)
    cookie = flask.sign({"user_id": 1})
    assert hipflask("sign", '{"user_id":1}', "--secret-key", KEY, "--now", str(NOW)) == (0, [cookie])
    assert hipflask("verify", cookie, "--secret-key", KEY, "--now", str(NOW)) == (0, ['{"user_id":1}'])
    answer = '{"ok":true,"session":{"user_id":1},"signed_at":1763692800,"age":5,"key":0,"compressed":false}'
    assert hipflask("verify", cookie, "--json", "--secret-key", KEY, "--now", str(NOW + 5)) == (0, [answer])


def test_verify_refuses_with_a_reason():
    cookie = RealFlask(KEY, NOW).sign({"user_id": 1})
    for now, reason in [(NOW + 61, "expired"), (NOW - 1, "not_yet_valid")]:
        assert verify([cookie], KEY, now, max_age=60) == (1, [f'{{"ok":false,"reason":"{reason}"}}'])
    assert verify([cookie], "other", NOW) == (1, ['{"ok":false,"reason":"bad_signature"}'])


def test_verify_names_the_fallback_key():
    cookie = RealFlask("old", NOW).sign({"user_id": 1})
    keys = [argument for key in ("new", "older", "old") for argument in ("--secret-key", key)]
    status, [answer] = hipflask("verify", cookie, "--json", "--now", str(NOW), *keys)
    assert (status, json.loads(answer)["key"]) == (0, 2)


def test_batch_goes_on_after_a_refusal():
    good = RealFlask(KEY, NOW).sign({"a": 1})
    lines = [good, "nonsense", "", good]
    assert hipflask("verify", "-", "--now", str(NOW), "--secret-key", KEY, lines=lines) == (
        1,
        ['{"a":1}', "", "", '{"a":1}'],
    )
    lines = ['{"a":1}', "{", "", '{"a":1}']
    assert hipflask("sign", "-", "--now", str(NOW), "--secret-key", KEY, lines=lines) == (1, [good, "", "", good])


def test_wrong_usage_is_status_2():
    assert hipflask("verify", "x", "--max-age", "soon", "--secret-key", KEY) == (2, [])
