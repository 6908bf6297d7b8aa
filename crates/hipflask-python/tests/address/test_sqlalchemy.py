"""SESSION_SQLALCHEMY: Flask-SQLAlchemy, whose engines connect only when they are used."""

from __future__ import annotations

import logging
import ssl

import pytest
from flask_sqlalchemy import SQLAlchemy
from hipflask.clients.sql import EngineClient
from hipflask.errors import ConfigError


@pytest.fixture
def of(app, address):
    """Returns a function from a URL of SQLAlchemy, its driver's arguments and our names to an address."""

    def read(url, connect_args=None, **names):
        app.config["SQLALCHEMY_DATABASE_URI"] = url
        if connect_args is not None:
            app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": connect_args}
        return address("sqlalchemy", SQLALCHEMY=SQLAlchemy(app), **names)

    return read


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://h/d", "postgres://h/d?create=true"),
        ("postgresql+psycopg2://u@h:1/d", "postgres://u@h:1/d?create=true"),
        ("postgresql+psycopg://u%40:p%3A%2F%25@h/d", "postgres://u%40:p%3A%2F%25@h/d?create=true"),
        ("postgresql://u:p@[::1]:5432/d", "postgres://u:p@[::1]:5432/d?create=true"),
        (
            "postgresql+psycopg://h/d?sslmode=verify-full&sslrootcert=/my%20ca&connect_timeout=3&client_encoding=utf8",
            "postgres://h/d?sslmode=verify-full&sslrootcert=/my%20ca&create=true",
        ),
        (
            "postgresql+psycopg:///d?host=/run/postgresql&options=-c%20search_path%3Dx",
            "postgres:///d?host=/run/postgresql&options=-c%20search_path%3Dx&create=true",
        ),
        ("mysql+pymysql://u:p@h/d?charset=utf8mb4", "mysql://u:p@h/d?create=true"),
        ("mariadb+pymysql://u:p@h:3307/d", "mysql://u:p@h:3307/d?create=true"),
        (
            "mysql+pymysql://h/d?ssl_ca=/ca&ssl_cert=/c&ssl_key=/k",
            "mysql://h/d?ssl-ca=/ca&ssl-cert=/c&ssl-key=/k&ssl-mode=verify_identity&create=true",
        ),
        (
            "mysql+pymysql://h/d?ssl_ca=/ca&ssl_check_hostname=false",
            "mysql://h/d?ssl-ca=/ca&ssl-mode=verify_ca&create=true",
        ),
        ("mysql+pymysql:///d?unix_socket=/run/my.sock", "mysql:///d?socket=/run/my.sock&create=true"),
    ],
)
def test_urls_become_addresses(of, url, expected):
    assert of(url) == expected


@pytest.mark.parametrize(
    ("url", "connect_args", "expected"),
    [
        (
            "postgresql+psycopg://h/d",
            {"sslmode": "require", "keepalives": 1},
            "postgres://h/d?sslmode=require",
        ),
        ("postgresql+psycopg://h/d", {"prepare_threshold": None}, "postgres://h/d?prepared=false"),
        ("postgresql+psycopg://h/d?sslmode=allow", {"sslmode": "require"}, "postgres://h/d?sslmode=require"),
        ("mysql+pymysql://h/d", {"ssl": {"ca": "/ca"}}, "mysql://h/d?ssl-ca=/ca&ssl-mode=verify_identity"),
        (
            "mysql+pymysql://h/d",
            {"ssl": {"ca": "/ca", "check_hostname": False}},
            "mysql://h/d?ssl-ca=/ca&ssl-mode=verify_ca",
        ),
        ("mysql+pymysql://h/d", {"ssl": True}, "mysql://h/d?ssl-mode=required"),
        ("mysql+pymysql://h/d", {"ssl_disabled": True, "read_timeout": 3}, "mysql://h/d?ssl-mode=disabled"),
    ],
)
def test_what_the_driver_is_told_is_in_the_address(of, url, connect_args, expected):
    assert of(url, connect_args) == f"{expected}&create=true"


@pytest.mark.parametrize(
    "url", ["sqlite:///app.db", "sqlite:////srv/my app.db?timeout=30", "sqlite:///file:/srv/app.db?uri=true"]
)
def test_sqlite_is_reached_through_the_app_s_engine(of, url):
    assert isinstance(of(url), EngineClient)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_this_process(of, url):
    assert of(url) == "memory:"


def test_names_choose_the_table(of, caplog):
    with caplog.at_level(logging.INFO, "hipflask"):
        found = of(
            "postgresql://h/d",
            SQLALCHEMY_TABLE="t",
            SQLALCHEMY_SCHEMA="s",
            SQLALCHEMY_SEQUENCE="q",
            CLEANUP_N_REQUESTS=9,
        )
    assert found == "postgres://h/d?table=t&schema=s&sequence=q&create=true"
    assert caplog.messages == [
        "SESSION_CLEANUP_N_REQUESTS has no effect: run `flask session_cleanup` from time to time"
    ]


def test_a_sequence_has_no_effect_elsewhere(of, caplog):
    with caplog.at_level(logging.INFO, "hipflask"):
        assert of("mysql+pymysql://h/d", SQLALCHEMY_SEQUENCE="q") == "mysql://h/d?create=true"
    assert caplog.messages == [
        "SESSION_SQLALCHEMY_SEQUENCE has no effect: only PostgreSQL has sequences here"
    ]


@pytest.mark.parametrize("name", ["TABLE", "SCHEMA", "SEQUENCE"])
@pytest.mark.parametrize("value", ["a.b", 'a"b', "", "1st", "ü", "x" * 64])
def test_names_that_are_not_plain_are_refused(of, name, value):
    with pytest.raises(ConfigError, match=f"SESSION_SQLALCHEMY_{name} must be up to 63 letters"):
        of("postgresql://h/d", **{f"SQLALCHEMY_{name}": value})


def test_a_bind_key_chooses_another_engine(app, address):
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:////srv/app.db"
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"check_same_thread": False}}
    app.config["SQLALCHEMY_BINDS"] = {
        "text": "postgresql://h/d",
        "dict": {"url": "mysql+pymysql://h/d", "connect_args": {"ssl": {"ca": "/ca"}}},
    }
    database = SQLAlchemy(app)
    found = address("sqlalchemy", SQLALCHEMY=database, SQLALCHEMY_BIND_KEY="text")
    assert found == "postgres://h/d?create=true"
    found = address("sqlalchemy", SQLALCHEMY=database, SQLALCHEMY_BIND_KEY="dict")
    assert found == "mysql://h/d?ssl-ca=/ca&ssl-mode=verify_identity&create=true"
    with pytest.raises(
        ConfigError, match="SESSION_SQLALCHEMY_BIND_KEY must be one of the keys of SQLALCHEMY_BINDS"
    ):
        address("sqlalchemy", SQLALCHEMY=database, SQLALCHEMY_BIND_KEY="other")


def test_without_a_client_the_application_s_own_is_taken(app, address):
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:////srv/app.db"
    database = SQLAlchemy(app)
    assert isinstance(address("sqlalchemy"), EngineClient)
    assert app.extensions["sqlalchemy"] is database


def test_without_any_client_the_database_of_the_application_is_taken(app, address, caplog):
    with pytest.raises(ConfigError, match="or SQLALCHEMY_DATABASE_URI be set"):
        address("sqlalchemy")
    app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://u:secret@h/d"
    assert address("sqlalchemy") == "postgres://u:secret@h/d?create=true"
    assert caplog.messages == [
        "SESSION_SQLALCHEMY is not set: sessions are kept in the database of SQLALCHEMY_DATABASE_URI"
    ]


def test_a_client_without_this_application_is_refused(address):
    with pytest.raises(ConfigError, match=r"call its init_app\(app\) before HipFlask\(app\)"):
        address("sqlalchemy", SQLALCHEMY=SQLAlchemy())


@pytest.mark.parametrize(
    ("url", "connect_args", "message"),
    [
        ("postgresql://u:secret@h/d?service=x", None, "has the option service"),
        ("postgresql://u:secret@/d?host=a,b", None, "has several hosts"),
        ("postgresql://u:secret@/d?host=a&host=b", None, "has the option host with more than one value"),
        ("mysql+pymysql://u:secret@h/d?read_default_file=/x", None, "has the option read_default_file"),
        ("mysql+pymysql://u:secret@h/d", {"ssl": ssl.create_default_context()}, "has an SSLContext"),
        ("mysql+pymysql://u:secret@h/d", {"ssl_verify_cert": True}, "wants a certificate checked"),
        ("mysql+pymysql://u:secret@h/d", {"ssl": {"ca": "/ca", "cipher": "x"}}, "has the option ssl_cipher"),
    ],
)
def test_what_an_address_cannot_say_is_for_the_app_s_engine(of, caplog, url, connect_args, message):
    with caplog.at_level(logging.INFO, "hipflask"):
        assert isinstance(of(url, connect_args), EngineClient)
    assert caplog.messages[-1].startswith(f"SESSION_SQLALCHEMY {message}")
    assert caplog.messages[-1].endswith("sessions go through the app's engine, which takes longer")
    assert "secret" not in caplog.text


def test_an_engine_that_connects_by_itself_is_asked(app, address):
    app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://"
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"creator": lambda: None}
    assert isinstance(address("sqlalchemy", SQLALCHEMY=SQLAlchemy(app)), EngineClient)
