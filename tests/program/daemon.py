"""Starts the real todod in a folder of its own and watches what it says.

A Daemon keeps every log line. A line at warning or above that the test did not
announce with expect_log() fails the test, and so does a sanitizer's report, a
line that is not JSON, or a response that broke a rule of checks.py.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest

import backends
import checks
import client

SECRET = "a-secret-of-the-tests-that-is-longer-than-32-bytes"
PATIENCE = float(os.environ.get("TODOD_TEST_PATIENCE", "1"))
SOURCE_TOP = pathlib.Path(__file__).resolve().parents[2]
QUIET_LEVELS = {"debug", "info", "notice"}
SANITIZERS = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer",
              "ThreadSanitizer", "UndefinedBehaviorSanitizer")
# What the daemon rightly warns of because of how the tests start it.
START_WARNINGS = ("root", "memory", "secret", "JWT_SECRET_KEY", "IPv6")
PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS",
             "LLVM_PROFILE_FILE", "GCOV_PREFIX", "GCOV_PREFIX_STRIP")
# What a coverage build says when it cannot write what it counts: after it
# gave up root, or where a killed process has left half a file.
COVERAGE = ("profiling:", "libgcov profiling error:")


def seconds(value):
    """A time-out, stretched for slow builds by TODOD_TEST_PATIENCE."""
    return value * PATIENCE


def unavailable(reason):
    """Skips the test, or fails it where nothing may be skipped."""
    if os.environ.get("TODOD_REQUIRE_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def is_sanitized():
    """Whether the daemon under test is built with ASan."""
    path = pathlib.Path(os.environ.get("TODOD") or SOURCE_TOP / "build/todod")
    return path.is_file() and b"__asan_init" in path.read_bytes()


def binary():
    """The daemon under test; without one the test is skipped."""
    path = pathlib.Path(os.environ.get("TODOD") or SOURCE_TOP / "build/todod")
    path = path.absolute()
    if not os.access(path, os.X_OK):
        unavailable(f"{path} is not there: build it or set TODOD")
    return str(path)


def base_environment(folder):
    """PATH and HOME, and what steers a sanitizer or coverage build."""
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
    for name in PASSED_ON:
        if name in os.environ:
            env[name] = os.environ[name]
    return env


def merged(env, more):
    """env with more laid over it; a value of None removes the name."""
    env = {**env, **(more or {})}
    return {name: str(value) for name, value in env.items()
            if value is not None}


def run_todod(*args, folder, env=None, bare=False, timeout=15, given=""):
    """Runs todod to its end: start-up errors, --help, backup, migrate, token.
    given is its standard input.

    The environment is that of a Daemon on SQLite in this folder, or with
    bare=True only PATH and HOME, with env laid over it.
    """
    base = base_environment(folder)
    if not bare:
        base.update(standard_environment(folder, "sqlite"))
    return subprocess.run(
        [binary(), *map(str, args)], cwd=folder, env=merged(base, env),
        input=given, capture_output=True, text=True,
        timeout=seconds(timeout),
    )


def standard_environment(folder, backend):
    """The variables every test daemon gets unless the test says otherwise."""
    return {
        "HOST": "127.0.0.1",
        "PORT": "0",
        "LOG_FORMAT": "json",
        "ENVIRONMENT": "development",
        "JWT_SECRET_KEY": SECRET,
        "HASH_MEMORY_KIB": "19456",
        "HASH_PASSES": "2",
        **backends.BACKENDS[backend](folder),
    }


def wait_until(condition, what, timeout=10):
    """Polls condition() until it is true and returns its value."""
    deadline = time.monotonic() + seconds(timeout)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(0.01)


def is_running(pid):
    """Whether a process is there and is not a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Daemon:
    """One todod: its folder, processes, log lines and checking clients."""

    registry = set()

    def __init__(self, *args, backend="sqlite", env=None, folder=None,
                 bare=False, tls=None):
        self.command = [binary(), *map(str, args)]
        self.backend = backend
        self.tls = tls          # the context of its clients; None: plain HTTP
        self.owns_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="todod-"))
        base = base_environment(self.folder)
        if bare:
            base["PORT"], base["LOG_FORMAT"] = "0", "json"
        else:
            base.update(standard_environment(self.folder, backend))
        self.env = merged(base, env)
        self.process = None
        self.lossy = False      # access lines may be missing (killed workers)
        self.changed = threading.Condition()
        self.violations = []
        self.expected = set()
        self._forget()

    def _forget(self):
        self.lines = []         # each a dict; {"raw": …} when it is not JSON
        self.verified = 0       # lines looked at by verify()
        self.answered = []      # request ids whose access line is awaited
        self.description = None
        self.clients = []
        self.addresses = []

    # -- starting and stopping

    def start(self, wait=True):
        """Starts the daemon and, unless told not to, waits for "ready"."""
        self._forget()
        read_end, write_end = os.pipe()
        # Room for a burst, so that a busy test machine drops no log line.
        with contextlib.suppress(OSError):
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 1 << 20)
        self.process = subprocess.Popen(
            self.command, cwd=self.folder, env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=write_end, start_new_session=True,
        )
        os.close(write_end)
        self.reader = threading.Thread(
            target=self._read, args=(os.fdopen(read_end, "rb"),), daemon=True)
        self.reader.start()
        Daemon.registry.add(self)
        if wait:
            self.wait_log("ready")
            self.addresses = [(line["address"], line.get("port"))
                              for line in self.logged("listening")]
            self._pardon_start_warnings()
        return self

    def _pardon_start_warnings(self):
        with self.changed:
            for line in self.lines:
                text = str(line.get("msg", ""))
                if any(word in text for word in START_WARNINGS):
                    line["pardoned"] = True

    def _read(self, stream):
        with stream:
            for raw in stream:
                text = raw.decode("utf-8", "backslashreplace").rstrip("\n")
                try:
                    line = json.loads(text)
                    if not isinstance(line, dict):
                        raise ValueError("not an object")
                except ValueError:
                    line = {"raw": text}
                line["text"] = text
                with self.changed:
                    self.lines.append(line)
                    self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def stop(self, timeout=10):
        """SIGTERM; the daemon must drain, say "stopped" and exit with 0."""
        self.discard_clients()      # else it waits for their next requests
        self.process.send_signal(signal.SIGTERM)
        self.finish(timeout)
        assert self.process.returncode == 0, self._story(
            f"exit status {self.process.returncode} after SIGTERM, not 0")
        assert self.logged("stopped"), self._story('no "stopped" event')

    def finish(self, timeout=10):
        """Waits for the daemon to end by itself, then looks at its log."""
        try:
            self.process.wait(seconds(timeout))
            self.reader.join(seconds(5))
            assert not self.reader.is_alive(), self._story(
                "a process of the daemon outlived its master")
        finally:
            self.discard()
        self.verify()

    def kill(self):
        """SIGKILL to the master only; the workers must notice themselves."""
        self.process.kill()
        self.process.wait(seconds(5))

    def discard(self):
        """Ends whatever is left, whatever its state."""
        Daemon.registry.discard(self)
        self.discard_clients()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(seconds(5))

    def discard_clients(self):
        """Closes kept connections, which may lead to a worker that died."""
        for each in self.clients:
            each.close()
        self.clients = []

    def __enter__(self):
        try:
            return self.start()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise

    def __exit__(self, kind, error, trace):
        try:
            if self in Daemon.registry:
                if kind is None:
                    self.stop()
                else:
                    self.discard()
        finally:
            if self.owns_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self):
        self.stop()
        return self.start()

    # -- what it says

    def logged(self, msg, since=0, **fields):
        """The lines with this msg and these fields so far."""
        with self.changed:
            lines = self.lines[since:]
        return [line for line in lines if line.get("msg") == msg
                and all(line.get(k) == v for k, v in fields.items())]

    def mark(self):
        """The place in the log now, for the since of the other calls."""
        with self.changed:
            return len(self.lines)

    def wait_log(self, msg, since=0, timeout=10, **fields):
        """The first such line, waited for."""
        deadline = time.monotonic() + seconds(timeout)
        while True:
            found = self.logged(msg, since, **fields)
            if found:
                return found[0]
            with self.changed:
                if not self.reader.is_alive() or time.monotonic() > deadline:
                    break
                self.changed.wait(0.05)
        found = self.logged(msg, since, **fields)
        if found:
            return found[0]
        raise AssertionError(self._story(f'no "{msg}" event {fields or ""}'))

    def expect_log(self, *messages):
        """Announces warnings of this test, each by the start of its msg."""
        self.expected.update(messages)

    def _story(self, problem):
        with self.changed:
            tail = [line["text"] for line in self.lines[-25:]]
        return "\n".join([f"{problem}; the log ends:", *tail])

    # -- judging

    def settle(self, timeout=3):
        """Waits for the access lines of all answers, so that every warning
        that belongs to this test is in the log."""
        deadline = time.monotonic() + seconds(timeout)
        with self.changed:
            awaited = set(self.answered)
            while True:
                awaited -= {line.get("request_id") for line in self.lines
                            if line.get("msg") == "request"}
                if not awaited or self.lossy or not self.reader.is_alive():
                    self.answered = []
                    return
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self.changed.wait(left)
            self.answered = []
        raise AssertionError(self._story(
            f"no access line for the requests {sorted(awaited)[:5]}"))

    def verify(self):
        """Fails for a broken rule or a log line that nobody announced."""
        try:
            self.settle()
        finally:
            with self.changed:
                fresh = self.lines[self.verified:]
                self.verified = len(self.lines)
            expected, self.expected = self.expected, set()
            violations, self.violations = self.violations, []
        problems = [*violations, *self._complaints(fresh, expected)]
        assert not problems, "\n".join(problems)

    def _complaints(self, lines, expected):
        for line in lines:
            if any(mark in line["text"] for mark in SANITIZERS):
                yield f"a sanitizer reports: {line['text']}"
            elif line["text"].startswith(COVERAGE):
                continue
            elif "raw" in line and self.env.get("LOG_FORMAT") == "json":
                yield f"a log line that is not JSON: {line['raw']}"
            elif line.get("pardoned") or "raw" in line:
                continue
            elif line.get("level") not in QUIET_LEVELS and not any(
                    str(line.get("msg")).startswith(e) for e in expected):
                yield f"an unexpected log line: {line['text']}"

    def answer(self, reply, documented):
        """Judges one response; called by the clients for each of them."""
        with self.changed:
            if reply.headers.get("x-request-id"):
                self.answered.append(reply.headers["x-request-id"])
        problems = checks.invariants(reply)
        if documented:
            problems += self.describe().problems(reply)
        if problems:
            text = f"{reply}: " + "; ".join(problems)
            self.violations.append(text)
            raise AssertionError(text)

    def describe(self):
        """The daemon's own /openapi.json, fetched once."""
        if self.description is None:
            with client.plain(self) as http:
                response = http.get("/openapi.json")
            assert response.status_code == 200, response.text[:500]
            self.description = checks.Description.of(response.content)
        return self.description

    # -- talking to it

    @property
    def url(self):
        address, port = self.addresses[0]
        if address.startswith("unix:"):
            return "http://localhost"
        scheme = "https" if self.tls else "http"
        return f"{scheme}://[{address}]:{port}" if ":" in address \
            else f"{scheme}://{address}:{port}"

    @property
    def port(self):
        return self.addresses[0][1]

    @property
    def http(self):
        """The checking client: every answer must be documented."""
        return self._client("_http", documented=True)

    @property
    def wild(self):
        """For unknown routes and methods: all rules but the description."""
        return self._client("_wild", documented=False)

    def _client(self, name, documented):
        made = getattr(self, name, None)
        if made is None or made.is_closed:
            made = self.new_client(documented=documented)
            setattr(self, name, made)
        return made

    def new_client(self, documented=True, **options):
        made = client.checking(self, documented, **options)
        self.clients.append(made)
        return made

    def raw(self):
        """A bare connection, for requests no HTTP library would send."""
        return client.RawConnection(self)

    # -- its processes

    def workers(self):
        """The process id of each worker, by its number."""
        return {line["worker"]: line["pid"]
                for line in self.logged("worker started")}


@contextlib.contextmanager
def folder():
    """A short-named private folder that ends with the test."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="todod-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
