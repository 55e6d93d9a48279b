"""Processes are killed and the database is unplugged while clients write:
nothing acknowledged is lost or doubled, and nobody waits for nothing."""

import concurrent.futures
import os
import pathlib
import re
import signal
import threading
import time

import pytest

from client import checking, plain
from daemon import Daemon, is_running, seconds, wait_until
from journal import Writer, compare
from seeds import effort, seeded
from users import sign_up

ROUNDS = effort(16, 1000)
OUTAGE = effort(2, 20)          # seconds
WRITERS = 4
CLIENTS = 8
ENOUGH = 200                    # answers in an outage
GROWTH_MAX = 48 << 20
DISTURBED = ("worker", "database", "request", "write with unknown outcome",
             "outcome of a write")
OURS = ("sql SELECT pid FROM pg_stat_activity WHERE datname = '{}'"
        " AND usename = 'todod'")
# Freed memory that a sanitizer keeps is no growth.
SMALL_QUARANTINE = "quarantine_size_mb=1"


@pytest.fixture
def env(cluster, tmp):
    """Short deadlines, so that a test can wait for them."""
    options = os.environ.get("ASAN_OPTIONS")
    return {"DATABASE_URL": cluster.url(tmp), "AUTO_MIGRATE": "yes",
            "REQUEST_TIMEOUT": "3", "DB_CONNECT_TIMEOUT": "2",
            "DB_WAIT_TIMEOUT": "1", "WORKERS": "3",
            "ASAN_OPTIONS": ":".join(filter(None, [options,
                                                   SMALL_QUARANTINE]))}


def living(daemon):
    return [pid for pid in daemon.workers().values() if is_running(pid)]


def serving(cluster, folder):
    """The server's processes that serve todod; none while it recovers."""
    try:
        said = cluster.tell(OURS.format(cluster.database(folder)))
    except RuntimeError:
        return []
    return [int(pid) for pid in said.split()]


def acknowledged(writers):
    return sum(len(writer.acknowledged) for writer in writers)


def kill_one(daemon, cluster, folder, choice):
    """A worker, unless one is missing, or a process of the database."""
    workers = living(daemon)
    processes = serving(cluster, folder)
    kinds = [pids for pids in (workers if len(workers) > 2 else [], processes)
             if pids]
    if not kinds:
        return False
    try:
        os.kill(choice.choice(choice.choice(kinds)), signal.SIGKILL)
    except ProcessLookupError:
        return False            # it has just ended by itself
    return True


def finish(writers, finished):
    finished.set()
    for writer in writers:
        writer.join(seconds(60))
        assert not writer.is_alive()
        if writer.error:
            raise writer.error


def test_kills_at_random_lose_and_double_nothing(cluster, tmp, env):
    with seeded() as choice, Daemon(folder=tmp, env=env) as daemon:
        daemon.lossy = True
        daemon.expect_log(*DISTURBED)
        user = sign_up(daemon)
        daemon.describe()
        finished = threading.Event()
        writers = [Writer(daemon, user, n, finished, flips=True)
                   for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            for number in range(ROUNDS):
                wait_until(lambda: kill_one(daemon, cluster, tmp, choice),
                           f"round {number}: something to kill", 30)
                before = acknowledged(writers)
                wait_until(lambda: acknowledged(writers) > before + WRITERS
                           or any(writer.error for writer in writers),
                           f"round {number}: writes go on", 30)
        finally:
            finish(writers, finished)
        daemon.discard_clients()
        wait_until(lambda: len(living(daemon)) == 3, "all workers", 40)
        # Too many for the checks of every member.
        with plain(daemon) as http:
            kept = http.get(user.tasks, headers=user.auth).json()
        compare(writers, [task["title"] for task in kept])
        assert acknowledged(writers) > ROUNDS


# -- unplugging

class Load:
    """Clients that read and write without a pause; counts their answers."""

    def __init__(self, daemon, user, task):
        self.daemon, self.user, self.task = daemon, user, task
        self.finished = threading.Event()
        self.answers = []       # (status, has Retry-After, when)

    def client(self, number):
        path = self.user.task(self.task["id"])
        with checking(self.daemon) as http:
            while not self.finished.is_set():
                response = (
                    http.get(path, headers=self.user.auth) if number % 2 else
                    http.post(self.user.tasks, headers=self.user.auth,
                              json={"title": "under load"}))
                self.answers.append((response.status_code,
                                     "retry-after" in response.headers))

    def __enter__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)
        self.running = [self.pool.submit(self.client, number)
                        for number in range(CLIENTS)]
        return self

    def __exit__(self, *_):
        self.finished.set()
        self.pool.shutdown()
        for each in self.running:
            each.result()


def resident(daemon):
    """Bytes of memory of all workers."""
    total = 0
    for pid in living(daemon):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        total += int(re.search(r"VmRSS:\s+(\d+)", status)[1]) << 10
    return total


@pytest.mark.parametrize("unplug, plug, enough", [
    ("stop fast", "start", ENOUGH),
    # Who is silent is noticed only when a deadline has passed.
    ("freeze", "thaw", CLIENTS)], ids=["stopped", "frozen"])
def test_an_unplugged_database_costs_nothing_but_itself(cluster, tmp, env,
                                                        unplug, plug, enough):
    with Daemon(folder=tmp, env=env) as daemon:
        daemon.lossy = True     # what is logged is more than is read
        daemon.expect_log(*DISTURBED)
        user = sign_up(daemon)
        task = user.create("there")
        with Load(daemon, user, task) as load:
            wait_until(lambda: len(load.answers) > ENOUGH, "load")
            assert {status for status, _ in load.answers} <= {200, 201}
            cluster.tell(unplug)
            try:
                wait_until(lambda: load.answers[-1][0] == 503, "a 503", 30)
                before, began = resident(daemon), time.monotonic()
                start = len(load.answers)
                wait_until(lambda: len(load.answers) > start + enough and
                           time.monotonic() > began + OUTAGE,
                           "refusals without a wait", OUTAGE + 30)
                refused = load.answers[start + CLIENTS:]
                assert set(refused) <= {(503, True)}
                assert resident(daemon) - before < GROWTH_MAX
            finally:
                cluster.tell(plug)
            start = len(load.answers)
            wait_until(lambda: {200, 201} <= {
                status for status, _ in load.answers[start:]},
                "reads and writes are back", 10)
            wait_until(lambda: all(status in (200, 201) for status, _ in
                                   load.answers[-50:]),
                       "all of them are", 10)
        assert user.get(task["id"]) == task
