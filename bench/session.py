"""One database with its data, and the rounds in which servers take turns on
it."""

import contextlib
import shutil
import sqlite3

import guests
import measure
import seed
import workloads
from servers import Failure, Postgres, Todod, call, outsider

BACKENDS = ("postgres", "sqlite")
SAMPLE = {"name": "Sample", "email": "sample@example.com",
          "password": seed.PASSWORD}


class Sqlite:
    """A file beside which each server gets a copy."""

    pid = None

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "seeded.db"

    def url(self, database):
        return f"sqlite:///{self.folder / database}.db"

    def copy(self):
        for path in self.folder.glob("copy.db*"):
            path.unlink()
        shutil.copy(self.path, self.folder / "copy.db")
        return self.url("copy")

    def stop(self):
        pass


class Backend:
    """Its database and its servers; nothing is left of them after `with`."""

    def __init__(self, name, options, folder, say):
        self.name = name
        self.options = options
        self.folder = folder
        self.say = say
        self.database = None
        self.people = None
        self.servers = [Todod(options.todod, folder / "todod")]
        self.servers += [outsider(text, folder) for text in options.against]

    def __enter__(self):
        self.folder.mkdir(parents=True)
        self.database = (Postgres() if self.name == "postgres"
                         else Sqlite(self.folder))
        try:
            self.fill(self.options.users)
        except BaseException:
            self.database.stop()
            raise
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()
        self.database.stop()

    @property
    def todod(self):
        return self.servers[0]

    # -- data

    def fill(self, users, big=seed.BIG):
        """Makes `seeded` anew with so many users."""
        self.people = seed.Population(users, big)
        self.say(f"{self.name}: {self.people.tasks} tasks")
        url = self.database.url("seeded")
        self.empty()
        self.todod.migrate(url)
        password_hash = self.sample_hash(url)
        if self.name == "postgres":
            seed.fill_postgres(self.database.sql, self.people, password_hash)
        else:
            seed.fill_sqlite(self.database.path, self.people, password_hash)

    def empty(self):
        if self.name == "postgres":
            self.database.sql("DROP SCHEMA IF EXISTS todod CASCADE")
        else:
            for path in self.folder.glob("seeded.db*"):
                path.unlink()

    def sample_hash(self, url):
        """A hash as this todod makes it: that of an account which signs up,
        and is then removed."""
        query = ("DELETE FROM {}users WHERE email = '" + SAMPLE["email"]
                 + "' RETURNING password_hash")
        self.todod.start(url)
        try:
            status, _ = call(self.todod.port, "POST", "/api/auth/signup",
                             SAMPLE)
        finally:
            self.todod.stop()
        if status != 201:
            raise Failure(f"nobody can sign up: {status}")
        if self.name == "postgres":
            return self.database.sql(query.format("todod.")).strip()
        with contextlib.closing(sqlite3.connect(
                self.database.path)) as database, database:
            return database.execute(query.format("")).fetchone()[0]

    # -- measuring

    @contextlib.contextmanager
    def running(self, server):
        """A server on a fresh copy of the data, ready to be loaded."""
        seconds = server.start(self.database.copy())
        try:
            people = self.people
            if not guests.are_known(server, people):
                self.say(f"{self.name}: {server.name} is filled by its API")
                people = guests.sign_up(server)
            bench = measure.Bench(server, people, server.folder,
                                  self.database.pid, self.options.generator)
            bench.start_ms = seconds * 1000
            yield bench
        finally:
            server.stop()
            for path in server.folder.glob("*.requests"):
                path.unlink()

    def connections_of(self, workload):
        return self.options.connections or workload.connections

    def measure(self, results):
        """Every server in every round, one after the other, so that what the
        machine does meanwhile befalls all of them."""
        if self.name == "postgres":
            results.add_version("PostgreSQL", self.database.version())
        for number in range(self.options.rounds):
            for server in self.servers:
                self.say(f"{self.name}: round {number + 1} of"
                         f" {self.options.rounds}, {server.name}")
                with self.running(server) as bench:
                    results.add("start", self.name, number,
                                {"server": server.name,
                                 "start_ms": bench.start_ms})
                    self.one_round(bench, number, results)

    def one_round(self, bench, number, results):
        for name in self.options.workloads:
            workload = workloads.WORKLOADS[name]
            for connections in self.connections_of(workload):
                sample = bench.sample(workload, connections,
                                      self.options.seconds,
                                      offset=number * 1009)
                results.add("samples", self.name, number, sample)
                self.say(f"  {name:10} {connections:5} connections"
                         f" {sample['rps']:9.0f}/s"
                         + (f" {sample['errors']} errors"
                            if sample["errors"] else ""))
