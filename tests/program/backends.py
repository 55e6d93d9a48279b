"""The storage backends that the whole-program tests run on.

Each entry turns a daemon's private folder into the environment that selects
the backend. PostgreSQL's servers are private ones, started when the first test
wants one and gone with the tests; each folder has a database of its own there.
"""

import atexit
import json
import os
import pathlib
import subprocess
import sys
import threading

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"


class Missing(Exception):
    """Something that a backend needs is not installed."""


class Cluster:
    """tests/support/pgserver: a PostgreSQL server and PgBouncer."""

    shared = None

    def __init__(self, *args):
        self.lock = threading.Lock()
        self.databases = {}
        self.is_proxied = False
        self.process = subprocess.Popen(
            [sys.executable, str(SUPPORT / "pgserver"), "--pgbouncer", *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = self.process.stdout.readline()
        if not said:
            self.process.wait(30)
            raise Missing("no PostgreSQL server or no PgBouncer to be had")
        self.said = json.loads(said)
        atexit.register(self.close)

    @classmethod
    def get(cls):
        """The one that all tests share but those that harm it."""
        if cls.shared is None:
            cls.shared = cls()
        return cls.shared

    def ask(self, command):
        """One of pgserver's commands; what it answers after the "ok"."""
        with self.lock:
            self.process.stdin.write(command.replace("\n", " ") + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        if not answer.startswith("ok"):
            raise RuntimeError(f"{command}: {answer}")
        return answer[2:].strip()

    def tell(self, command):
        """The same for "sql": what psql printed; else None."""
        answer = self.ask(command)
        return json.loads(answer) if answer.startswith('"') else None

    def proxy(self):
        """The port of tests/support/faultproxy before the server."""
        if not self.is_proxied:
            self.ask("proxy")
        self.is_proxied = True
        return self.said["proxy_port"]

    def database(self, folder):
        """The name of the folder's own database, made when it is new."""
        key = str(folder)
        if key not in self.databases:
            name = f"db{len(self.databases)}"
            self.tell(f"sql CREATE DATABASE {name} OWNER {self.said['user']}")
            self.databases[key] = name
        return self.databases[key]

    def url(self, folder, kind="url"):
        """"url", "socket_url", "tls_url" or "pgbouncer_url" of its database."""
        name = self.said["database"]
        return self.said[kind].replace(f"/{name}?",
                                       f"/{self.database(folder)}?")

    def close(self):
        """Ends the servers and removes what they kept."""
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(60)


def needs_libpq():
    """A build may lack the backend."""
    todod = os.environ.get("TODOD")
    if todod and os.access(todod, os.X_OK):
        said = subprocess.run([todod, "--version"], capture_output=True,
                              text=True, check=False).stdout
        if "libpq" not in said:
            raise Missing("this build has no PostgreSQL backend")


def postgres(folder):
    needs_libpq()
    return {"DATABASE_URL": Cluster.get().url(folder), "WORKERS": "2",
            "AUTO_MIGRATE": "yes"}


def pgbouncer(folder):
    needs_libpq()
    cluster = Cluster.get()
    return {"DATABASE_URL": cluster.url(folder, "pgbouncer_url"),
            "DATABASE_URL_UNPOOLED": cluster.url(folder), "WORKERS": "2",
            "AUTO_MIGRATE": "yes"}


def sqlite(folder):
    return {"DATABASE_URL": f"sqlite:///{folder}/todod.db", "WORKERS": "2"}


def memory(folder):
    return {"DATABASE_URL": "memory:", "WORKERS": "1"}


BACKENDS = {"sqlite": sqlite, "memory": memory, "postgres": postgres,
            "pgbouncer": pgbouncer}


def selected():
    """The backends named by TODOD_TEST_BACKENDS, in its order."""
    wanted = os.environ.get("TODOD_TEST_BACKENDS") or ",".join(BACKENDS)
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    unknown = [name for name in names if name not in BACKENDS]
    if unknown or not names:
        raise ValueError(
            f"TODOD_TEST_BACKENDS={wanted!r}: unknown {unknown}; "
            f"known are {sorted(BACKENDS)}"
        )
    return names
