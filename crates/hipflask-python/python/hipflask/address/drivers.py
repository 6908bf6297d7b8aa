"""What drivers of PostgreSQL and MySQL are told, in the words of addresses.

Knows the options of psycopg 2 and 3, PyMySQL and mysqlclient. An option is either translated, or known to
change nothing that the store would see, or is a reason to go through the driver itself: a lost `sslmode`
would be no small thing.
"""

from __future__ import annotations

from typing import Any, Mapping

from .form import Untranslatable

_POSTGRES = {
    name: name
    for name in ("application_name", "hostaddr", "options", "sslcert", "sslkey", "sslmode", "sslrootcert")
}
_POSTGRES.update(dbname="dbname", host="host", password="password", port="port", user="user")
_POSTGRES_IDLE = frozenset(
    (
        "async_fallback autocommit client_encoding connect_timeout cursor_factory fallback_application_name"
        " gssencmode keepalives keepalives_count keepalives_idle keepalives_interval prepare_threshold"
        " row_factory tcp_user_timeout"
    ).split()
)
_MYSQL = {"unix_socket": "socket", "ssl_ca": "ssl-ca", "ssl_cert": "ssl-cert", "ssl_key": "ssl-key"}
_MYSQL_IDLE = frozenset(
    (
        "autocommit binary_prefix charset collation connect_timeout conv cursorclass init_command"
        " local_infile program_name read_timeout sql_mode use_unicode write_timeout"
    ).split()
)
_TLS = frozenset("ssl ssl_check_hostname ssl_disabled ssl_mode ssl_verify_cert ssl_verify_identity".split())


def of_postgres(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Returns the options of an address for what psycopg is told besides user, host and database."""
    options = _translated(arguments, _POSTGRES, _POSTGRES_IDLE)
    if "prepare_threshold" in arguments and arguments["prepare_threshold"] is None:
        # psycopg's word for a server that is reached through a pooler.
        options["prepared"] = "false"
    if "," in options.get("host", ""):
        raise Untranslatable("has several hosts")
    return options


def of_mysql(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Returns the options of an address for what PyMySQL or mysqlclient is told besides."""
    arguments = dict(arguments)
    tls = arguments.pop("ssl", None)
    if isinstance(tls, Mapping):
        arguments.update({f"ssl_{name}": value for name, value in tls.items()})
    elif tls not in (None, True, False, "true", "false"):
        raise Untranslatable("has an SSLContext")
    options = _translated(arguments, _MYSQL, _MYSQL_IDLE | _TLS)
    mode = _mysql_mode(arguments, bool(tls) and tls != "false")
    return {**options, "ssl-mode": mode} if mode else options


def _mysql_mode(arguments: Mapping[str, Any], is_wanted: bool) -> str | None:
    def is_on(name: str, default: bool) -> bool:
        return str(arguments.get(name, default)).lower() in ("true", "1")

    if arguments.get("ssl_mode"):
        return str(arguments["ssl_mode"]).lower()
    if is_on("ssl_disabled", False):
        return "disabled"
    if arguments.get("ssl_ca"):
        # As PyMySQL does with an `ssl` of files: the host's name counts, too.
        return "verify_identity" if is_on("ssl_check_hostname", True) else "verify_ca"
    if is_on("ssl_verify_identity", False) or is_on("ssl_verify_cert", False):
        raise Untranslatable("wants a certificate checked, and names no ssl_ca")
    is_wanted = is_wanted or any(arguments.get(name) for name in ("ssl_cert", "ssl_key"))
    return "required" if is_wanted else None


def _translated(
    arguments: Mapping[str, Any], known: Mapping[str, str], idle: frozenset[str]
) -> dict[str, str]:
    options = {}
    for name, value in arguments.items():
        if name in idle or value is None:
            continue
        if name not in known:
            raise Untranslatable(f"has the option {name}")
        if not isinstance(value, (str, int)):
            raise Untranslatable(f"has the option {name} with more than one value")
        options[known[name]] = str(value)
    return options
