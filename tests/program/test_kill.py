"""Workers are killed under load: nothing acknowledged is lost or doubled."""

import os
import random
import signal
import threading
import time

from daemon import Daemon, seconds, wait_until
from journal import Writer, compare
from users import sign_up

DURATION = float(os.environ.get("TODOD_TEST_KILL_SECONDS", "6"))
WRITERS = 4


def kill_loop(daemon, seed):
    """Kills a random worker, waits for its replacement, and so on."""
    choice = random.Random(seed)
    until = time.monotonic() + DURATION
    kills = 0
    while time.monotonic() < until:
        number, pid = choice.choice(sorted(daemon.workers().items()))
        since = daemon.mark()
        os.kill(pid, signal.SIGKILL)
        kills += 1
        daemon.wait_log("worker exited", since, pid=pid)
        # The back-off grows with each death; the others serve meanwhile.
        daemon.wait_log("worker started", since, worker=number, timeout=40)
    return kills


def test_killed_workers_lose_no_acknowledged_create(tmp):
    with Daemon("--workers=3", folder=tmp, env={"WORKERS": None}) as daemon:
        daemon.lossy = True
        daemon.expect_log("worker")
        user = sign_up(daemon)
        daemon.describe()
        finished = threading.Event()
        writers = [Writer(daemon, user, n, finished) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            kills = kill_loop(daemon, seed=1)
        finally:
            finished.set()
            for writer in writers:
                writer.join(seconds(30))
        assert kills >= 3
        for writer in writers:
            assert not writer.is_alive()
            if writer.error:
                raise writer.error
            assert len(writer.acknowledged) > 20
            assert writer.longest_gap < seconds(5)

        daemon.discard_clients()
        wait_until(lambda: user.create("still here"), "the service")
        kept = [task["title"] for task in user.list()]
        kept.remove("still here")
        compare(writers, kept)
