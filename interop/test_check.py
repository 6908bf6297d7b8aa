"""What `hipflask check` reads is what Flask reads: `.env` files, and configurations in Python."""

import json
import subprocess
from datetime import timedelta
from io import StringIO
from pathlib import Path

import dotenv
import flask
import pytest
from servers import rust_program

KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"
COMMAND = rust_program("hipflask")


def values_differ(folder: Path, name: str, text: str, cookie_name: str) -> list[str]:
    """Checks a file beside TOML that has this name of the cookie, and returns what differs."""
    (folder / name).write_text(text, newline="")
    other = f"SECRET_KEY = '{KEY}'\nSESSION_COOKIE_NAME = {json.dumps(cookie_name)}\n"
    (folder / "other.toml").write_text(other)
    run = [COMMAND, "check", "--json", folder / name, folder / "other.toml"]
    done = subprocess.run(run, capture_output=True, text=True)
    report = json.loads(done.stdout)
    return [difference["setting"] for difference in report["differences"]]


VALUES = [
    "shop",
    "a b  ",
    "'a b  '",
    '"a\\tb"',
    "'a\\tb'",
    '"a\\\\"',
    "'it\\'s'",
    "a#b",
    "a #b",
    "#b",
    " # b",
    "a\\nb",
    "$KEY",
    "${NAME}x",
    "'${NAME}'",
    "${NONE:-default}",
    "${NONE}",
    "a'b'",
    '"a"  # comment',
    "'two\nlines'",
    "\u00e9",
    "a\r",
    "a=b",
    "\ta\t",
]


@pytest.mark.parametrize("value", VALUES)
def test_dotenv_files_are_read_as_by_python_dotenv(tmp_path: Path, value: str) -> None:
    text = f"NAME=n\nFLASK_SECRET_KEY={KEY}\nexport FLASK_SESSION_COOKIE_NAME={value}\n"
    theirs = dotenv.dotenv_values(stream=StringIO(text, newline=""))["FLASK_SESSION_COOKIE_NAME"]
    assert theirs is not None
    assert values_differ(tmp_path, "a.env", text, theirs) == []
    assert values_differ(tmp_path, "a.env", text, theirs + "x") == ["SESSION_COOKIE_NAME"]


@pytest.mark.parametrize(
    "expression",
    [
        "'shop'",
        "'a' \"b\"",
        r"'\x41\u00e9\t\'\q\101'",
        r"r'a\nb'",
        "'''a\nb'''",
        "('a' +\n 'b')",
        "'a' \\\n'b'",
    ],
)
def test_python_files_are_read_as_by_flask(tmp_path: Path, expression: str) -> None:
    text = f"SECRET_KEY = '{KEY}'  # it\nSESSION_COOKIE_NAME = {expression}\n"
    (tmp_path / "a.py").write_text(text)
    app = flask.Flask(__name__)
    app.config.from_pyfile(tmp_path / "a.py")
    assert values_differ(tmp_path, "a.py", text, app.config["SESSION_COOKIE_NAME"]) == []


@pytest.mark.parametrize("lifetime", ["timedelta(days=1, minutes=2)", "60 * 60", "timedelta(1, 5)"])
def test_lifetimes_in_python_are_seconds(tmp_path: Path, lifetime: str) -> None:
    text = f"from datetime import timedelta\nSECRET_KEY = '{KEY}'\nPERMANENT_SESSION_LIFETIME = {lifetime}\n"
    (tmp_path / "a.py").write_text(text)
    app = flask.Flask(__name__)
    app.config.from_pyfile(tmp_path / "a.py")
    theirs = app.permanent_session_lifetime
    assert isinstance(theirs, timedelta)
    seconds = int(theirs.total_seconds())
    toml = f"SECRET_KEY = '{KEY}'\nPERMANENT_SESSION_LIFETIME = {seconds}\n"
    (tmp_path / "b.toml").write_text(toml)
    done = subprocess.run([COMMAND, "check", tmp_path / "a.py", tmp_path / "b.toml"])
    assert done.returncode == 0
