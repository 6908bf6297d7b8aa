"""Hashes of passwords, in both directions: Werkzeug's, Flask-Bcrypt's and argon2-cffi's, against the example `passwords`."""

import subprocess

import argon2
import pytest
import servers
from flask import Flask
from flask_bcrypt import Bcrypt
from werkzeug.security import check_password_hash, generate_password_hash

PASSWORDS = ["correct horse", "", "pässword 🐎", "x" * 60]


def rust(*arguments, password):
    command = [servers.rust_program("passwords"), *arguments]
    return subprocess.run(command, input=f"{password}\n", capture_output=True, text=True, check=True).stdout.strip()


def bcrypt(*, long):
    app = Flask(__name__)
    app.config.update(BCRYPT_LOG_ROUNDS=4, BCRYPT_HANDLE_LONG_PASSWORDS=long)
    return Bcrypt(app)


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize(
    "method", ["scrypt", "scrypt:1024:4:2", "pbkdf2", "pbkdf2:sha1:1000", "pbkdf2:sha384:10", "pbkdf2:SHA512:10"]
)
def test_rust_verifies_what_werkzeug_writes(method, password):
    made = generate_password_hash(password, method)
    assert rust(made, password=password) == "right, needs a new hash"
    assert rust(made, password=password + ".") == "wrong"


@pytest.mark.parametrize("password", PASSWORDS)
def test_werkzeug_verifies_what_rust_writes(password):
    made = rust("--scheme", "werkzeug", password=password)
    assert len(made) == len(generate_password_hash(password))
    assert check_password_hash(made, password)
    assert not check_password_hash(made, password + ".")
    assert rust(made, "--scheme", "werkzeug", password=password) == "right"


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("password", [*filter(None, PASSWORDS), "a" * 72])
def test_flask_bcrypt_and_rust_verify_each_other(password, long):
    options = ["--long"] if long else []
    flask = bcrypt(long=long)
    by_flask = flask.generate_password_hash(password).decode()
    assert rust(by_flask, *options, password=password) == "right, needs a new hash"
    assert rust(by_flask, *options, password="." + password) == "wrong"
    by_rust = rust("--scheme", "bcrypt", *options, password=password)
    assert flask.check_password_hash(by_rust, password)
    assert not flask.check_password_hash(by_rust, "." + password[:60])


def test_long_passwords_need_the_option_of_flask_bcrypt():
    flask, password = bcrypt(long=True), "a" * 73
    made = flask.generate_password_hash(password).decode()
    assert rust(made, "--long", password=password).startswith("right")
    assert rust(made, "--long", password=password + "b") == "wrong"
    assert rust(made, password=password) == "wrong"
    with pytest.raises(ValueError, match="72 bytes"):  # where Rust says no
        bcrypt(long=False).check_password_hash(made, password)


@pytest.mark.parametrize("password", PASSWORDS)
def test_argon2_cffi_and_rust_verify_each_other(password):
    hasher = argon2.PasswordHasher()
    by_python = hasher.hash(password)
    assert rust(by_python, password=password) == "right, needs a new hash"
    assert rust(by_python, password=password + ".") == "wrong"
    by_rust = rust(password=password)
    assert hasher.verify(by_rust, password)
    assert rust(by_rust, password=password) == "right"
