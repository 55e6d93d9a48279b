"""Workers are killed under load: nothing acknowledged is lost or doubled."""

import os
import random
import signal
import threading
import time

import httpx

from client import checking
from daemon import Daemon, seconds, wait_until
from users import sign_up

DURATION = float(os.environ.get("TODOD_TEST_KILL_SECONDS", "6"))
WRITERS = 4


class Writer(threading.Thread):
    """Creates tasks for one user and keeps a journal of the answers."""

    def __init__(self, daemon, user, number, finished):
        super().__init__(daemon=True)
        self.todod = daemon
        self.user = user
        self.number = number
        self.finished = finished
        self.acknowledged = []
        self.unknown = []       # the connection broke before the answer
        self.error = None
        self.longest_gap = 0

    def run(self):
        try:
            self.write()
        except BaseException as error:
            self.error = error

    def write(self):
        count, last = 0, time.monotonic()
        http = checking(self.todod)
        while not self.finished.is_set():
            count += 1
            title = f"writer {self.number} task {count}"
            try:
                response = http.post(self.user.tasks, headers=self.user.auth,
                                     json={"title": title})
            except httpx.TransportError as error:
                if not isinstance(error, httpx.ConnectError):
                    self.unknown.append(title)
                http.close()
                http = checking(self.todod)
                continue
            if response.status_code == 503:
                continue
            assert response.status_code == 201, response.text
            self.acknowledged.append(title)
            now = time.monotonic()
            self.longest_gap = max(self.longest_gap, now - last)
            last = now
        http.close()


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
        acknowledged = {title for writer in writers
                        for title in writer.acknowledged}
        unknown = {title for writer in writers for title in writer.unknown}
        assert len(kept) == len(set(kept)), "a create was done twice"
        assert acknowledged <= set(kept), "an acknowledged create is missing"
        assert set(kept) <= acknowledged | unknown
