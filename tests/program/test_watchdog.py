"""A worker that hangs is found, aborted and replaced; slow, by its nature:
ten seconds of silence are too many, and five more end what ignores the abort.
"""

import os
import resource
import signal
import time

import pytest

from daemon import Daemon, is_running, seconds, wait_until

SILENCE = 10                    # after which a worker hangs
GRACE = 5                       # after the abort


def leave_no_core(pid):
    """It is going to be aborted."""
    hard = resource.prlimit(pid, resource.RLIMIT_CORE)[1]
    resource.prlimit(pid, resource.RLIMIT_CORE, (0, hard))


def serve_until(daemon, condition, what, timeout):
    """Polls condition() by being a client all the time; the longest time
    that one of them waited."""
    slowest = 0

    def poll():
        nonlocal slowest
        began = time.monotonic()
        with daemon.raw() as connection:
            assert connection.exchange("GET", "/health").status == 200
        slowest = max(slowest, time.monotonic() - began)
        return condition()

    wait_until(poll, what, timeout)
    return slowest


@pytest.mark.slow
def test_a_worker_that_hangs_is_aborted_and_replaced(tmp):
    with Daemon("--workers=3", folder=tmp, env={"WORKERS": None}) as daemon:
        daemon.lossy = True
        daemon.expect_log("worker hangs", "worker exited")
        waking, dead, _ = sorted(daemon.workers())
        pids = daemon.workers()
        for pid in pids.values():
            leave_no_core(pid)
        since = daemon.mark()
        began = time.monotonic()
        os.kill(pids[waking], signal.SIGSTOP)
        os.kill(pids[dead], signal.SIGSTOP)

        slowest = serve_until(
            daemon, lambda: len(daemon.logged("worker hangs", since)) == 2,
            "the watchdog", SILENCE + 5)
        assert time.monotonic() - began > SILENCE - 2, "too soon"
        hangs = daemon.logged("worker hangs", since)
        assert {line["pid"] for line in hangs} == {pids[waking], pids[dead]}
        assert all(line["level"] == "error" for line in hangs)

        # One that goes on meets its abort; one that does not is killed.
        os.kill(pids[waking], signal.SIGCONT)
        ended = daemon.wait_log("worker exited", since, pid=pids[waking])
        assert ended["signal"] == signal.SIGABRT
        assert is_running(pids[dead])
        slowest = max(slowest, serve_until(
            daemon, lambda: daemon.logged("worker exited", since,
                                          pid=pids[dead]),
            "the kill", GRACE + 5))
        ended, = daemon.logged("worker exited", since, pid=pids[dead])
        assert ended["signal"] == signal.SIGKILL
        assert slowest < seconds(3)

        for number in (waking, dead):
            daemon.wait_log("worker started", since, worker=number)
        replaced = daemon.workers()
        assert replaced[waking] != pids[waking]
        assert replaced[dead] != pids[dead]
        wait_until(lambda: all(map(is_running, replaced.values())),
                   "the new workers")
        served = set()

        def is_served_by_all():
            with daemon.raw() as connection:
                connection.exchange("GET", "/health")
            served.update(line["worker"] for line in daemon.logged(
                "request", since) if "worker" in line)
            return served == set(replaced)

        wait_until(is_served_by_all, "an answer of each worker")
