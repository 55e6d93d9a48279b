"""The servers: a PostgreSQL of one's own, todod, and others that are measured
beside it. Each dies with the benchmark."""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

import procs
import seed

TOP = pathlib.Path(__file__).resolve().parents[1]
PATIENCE_S = 60.0
STOP_S = 15.0
PASSED_ON = ("PATH", "HOME", "LANG", "TZ")
# What todod needs to be as it is when it is run for real: with local accounts
# and a log of every request. Other programs do not know these names.
SETTINGS = {"ACCOUNTS": "on", "ENVIRONMENT": "development",
            "LOG_LEVEL": "info", "HASH_MEMORY_KIB": "19456",
            "HASH_PASSES": "2"}


class Failure(Exception):
    """Something that ends the benchmark, in a sentence."""


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)      # PR_SET_PDEATHSIG


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """The one that the tests use. The database that was filled is `seeded`;
    each server gets a copy of it."""

    SETTINGS = ("autovacuum=off", "max_wal_size=4GB", "checkpoint_timeout=1h")

    def __init__(self):
        command = [sys.executable, str(TOP / "tests/support/pgserver"),
                   "--database", "seeded"]
        for setting in self.SETTINGS:
            command += ["--set", setting]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=die_with_parent)
        line = self.process.stdout.readline()
        if not line:
            raise Failure("there is no PostgreSQL to be measured with")
        self.about = json.loads(line)
        self.pid = self.about["pid"]

    def obey(self, line):
        self.process.stdin.write(line.replace("\n", " ") + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer.startswith("ok"):
            raise Failure(f"PostgreSQL: {answer}")
        return answer[3:]

    def sql(self, text):
        return json.loads(self.obey("sql " + text) or '""')

    def version(self):
        return self.sql("SHOW server_version").split()[0]

    def url(self, database):
        return self.about["url"].replace("/seeded?", f"/{database}?")

    def copy(self):
        """A new copy of what was filled; who used the last one has gone."""
        self.sql("DROP DATABASE IF EXISTS copy WITH (FORCE)")
        self.sql("CREATE DATABASE copy TEMPLATE seeded OWNER "
                 + self.about["user"])
        self.sql("CHECKPOINT")
        return self.url("copy")

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait()


def call(port, method, path, body=None, token=None, timeout=PATIENCE_S):
    """One request; status and what the JSON says."""
    headers = {}
    if token:
        headers["Authorization"] = "Bearer " + token
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
    return answer.status, json.loads(text) if text else None


class Server:
    """A program that serves on a port of this machine: it is told by its
    environment (DATABASE_URL, HOST, PORT, JWT_SECRET_KEY) what to do."""

    def __init__(self, name, command, env, folder):
        self.name = name
        self.command = command
        self.env = env
        self.folder = folder
        self.port = None
        self.process = None

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def environment(self, url):
        env = {name: os.environ[name] for name in PASSED_ON
               if name in os.environ}
        env.update(DATABASE_URL=url, HOST="127.0.0.1", PORT=str(self.port),
                   JWT_SECRET_KEY=seed.SECRET)
        env.update(SETTINGS)
        env.update(self.env)
        return env

    def start(self, url):
        """Returns after how many seconds the first request was answered."""
        self.port = free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=self.environment(url),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=die_with_parent)
        while not self.answers():
            if self.process.poll() is not None:
                raise Failure(f"{self.name} does not start: "
                              + self.last_words())
            if time.monotonic() - begin > PATIENCE_S:
                raise Failure(f"{self.name} does not answer")
            time.sleep(0.002)
        return time.monotonic() - begin

    def last_words(self):
        return (self.folder / "log").read_text(errors="replace")[-1000:]

    def answers(self):
        with contextlib.suppress(OSError, http.client.HTTPException,
                                 ValueError):
            return call(self.port, "GET", "/health", timeout=5)[0] == 200
        return False

    def stop(self):
        """Ends the whole tree, whatever it has become."""
        if self.process is None:
            return
        pids = procs.tree(self.process.pid)
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
        for pid in filter(self.is_ours, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def is_ours(self, pid):
        """Not a process of somebody else that has the number now."""
        stat = procs.read(f"{pid}/stat")
        fields = stat.rpartition(")")[2].split()
        return len(fields) > 3 and int(fields[3]) == self.process.pid


class Todod(Server):
    """Our own."""

    def __init__(self, binary, folder):
        env = {}
        # Thousands of sign-ins from one address are no attack here.
        if "--rate-limit " in self.ask(binary, "--help"):
            env["RATE_LIMIT"] = "off"
        self.binary = binary
        super().__init__("todod", [binary], env, folder)

    @staticmethod
    def ask(binary, option):
        try:
            return subprocess.run([binary, option], capture_output=True,
                                  text=True, check=False).stdout
        except OSError as error:
            raise Failure(f"{binary}: {error.strerror}") from error

    def version(self):
        return self.ask(self.binary, "--version").strip()

    def migrate(self, url):
        """Makes the tables; also the file, on SQLite."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = 0
        done = subprocess.run(
            [self.binary, "migrate"], cwd=self.folder,
            env=self.environment(url), capture_output=True, text=True,
            check=False)
        if done.returncode != 0:
            raise Failure(f"todod migrate: {done.stderr}")


def outsider(text, folder):
    """--against NAME=COMMAND; it runs in a folder of its name."""
    name, sign, command = text.partition("=")
    words = shlex.split(command)
    if not (sign and name and words):
        raise Failure(f"--against {text}: NAME=COMMAND is wanted")
    words[0] = shutil.which(words[0]) or words[0]
    return Server(name, words, {}, folder / name)
