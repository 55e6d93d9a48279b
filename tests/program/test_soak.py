"""Under a mixed load of good, bad and broken-off requests, and over reloads, no
process takes more and more memory or keeps descriptors. Short in the suite,
SOAK_SECONDS long for `make torture`.
"""

import os
import pathlib
import random
import signal
import time

from client import Closed, RawConnection
from daemon import Daemon, is_sanitized, wait_until
from users import PASSWORD, sign_up

# Of the load; the reloads come on top.
DURATION = float(os.environ.get("SOAK_SECONDS", "6"))
ROUNDS_MIN = 6
REQUESTS = 100                  # of a round
RELOADS = 4
# What caches and the allocator may still take after the first rounds; a leak of
# some hundred bytes with each request is more.
GROWTH_KIB = 1024
SANITIZED_KIB = 8 * 1024        # it remembers where each piece came from


def children(pid):
    """The processes that have this parent."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return sorted(found)


def memory_kib(pid):
    """Its share of what is in memory and is no file."""
    sizes = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(
            ).splitlines()[1:]:
        name, value = line.split()[:2]
        sizes[name] = int(value)
    return sizes.get("Pss_Anon:", sizes["Pss:"])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def growth(samples):
    """How much the later two thirds grew, by their straight line."""
    samples = samples[len(samples) // 3:]
    count = len(samples)
    middle = (count - 1) / 2
    mean = sum(samples) / count
    slope = sum((n - middle) * (sample - mean)
                for n, sample in enumerate(samples)) / sum(
                    (n - middle) ** 2 for n in range(count))
    return slope * (count - 1)


class Load:
    """Requests of all kinds, on one kept connection and on many short ones."""

    def __init__(self, daemon, user, seed):
        self.daemon, self.user = daemon, user
        self.choice = random.Random(seed)
        self.kept = None
        self.answered = 0

    def round(self):
        kinds = (self.live, self.live, self.live, self.refused, self.unknown,
                 self.malformed, self.too_large, self.half, self.unread)
        self.kept = RawConnection(self.daemon)
        for number in range(REQUESTS):
            self.choice.choice(kinds)()
            if number == 0:
                self.sign_in()
        self.kept.close()

    def ask(self, method, path, status, body=b"", auth=True):
        headers = list(self.user.auth.items()) if auth else []
        reply = self.kept.exchange(method, path, headers, body)
        assert reply.status == status, reply
        self.answered += 1
        return reply

    def live(self):
        task = self.ask("POST", self.user.tasks, 201,
                        b'{"title":"soaked"}').json()
        path = self.user.task(task["id"])
        self.ask("PATCH", f"{path}/complete", 200)
        self.ask("GET", self.user.tasks, 200)
        self.ask("DELETE", path, 200)

    def sign_in(self):
        self.ask("POST", "/api/auth/signin", 200, (
            f'{{"email":"{self.user.email}","password":"{PASSWORD}"}}'
        ).encode(), auth=False)

    def refused(self):
        self.ask("GET", self.user.tasks, 401, auth=False)
        self.ask("POST", self.user.tasks, 400, b'{"title":')

    def unknown(self):
        self.ask("GET", "/nothing/here", 404)

    def broken(self, data, reads=True):
        """Bytes on a connection of their own, which then ends."""
        try:
            with RawConnection(self.daemon) as connection:
                connection.send(data)
                if reads:
                    connection.response(judge=False)
        except (Closed, OSError):
            pass        # that end of it had enough

    def malformed(self):
        self.broken(b"GET  / HTTP/9.9\r\n\r\n")

    def too_large(self):
        self.broken(b"POST /api/todos HTTP/1.1\r\nHost: x\r\n"
                    b"Content-Length: 99999999\r\n\r\n")

    def half(self):
        self.broken(b"POST /api/todos HTTP/1.1\r\nHost: x\r\n"
                    b"Content-Length: 100\r\n\r\n{", reads=False)

    def unread(self):
        self.broken(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n",
                    reads=False)


def reload_once(daemon):
    """SIGHUP; the new workers serve and the old ones are gone."""
    old = set(children(daemon.process.pid))
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(children(daemon.process.pid)) == len(old) and
               not old & set(children(daemon.process.pid)), "a reload")


def rest(pids, before):
    """Waits until they have no more descriptors than before."""
    wait_until(lambda: all(descriptors(pid) <= before[pid] for pid in pids),
               "the end of all connections")


def soaked(tmp):
    """A daemon to soak; a sanitizer's heap of freed memory is kept small."""
    options = os.environ.get("ASAN_OPTIONS", "")
    daemon = Daemon(folder=tmp, env={
        "ASAN_OPTIONS": f"{options}:quarantine_size_mb=1".lstrip(":")})
    daemon.lossy = True
    return daemon


def bound():
    """Of the growth, in this build."""
    return SANITIZED_KIB if is_sanitized() else GROWTH_KIB


def test_no_process_grows_under_a_mixed_load(tmp):
    with soaked(tmp) as daemon:
        user = sign_up(daemon)
        daemon.discard_clients()
        load = Load(daemon, user, seed=1)
        load.round()
        pids = [daemon.process.pid, *children(daemon.process.pid)]
        before = {pid: descriptors(pid) for pid in pids}
        samples = {pid: [] for pid in pids}
        until = time.monotonic() + DURATION
        while time.monotonic() < until or \
                len(samples[pids[0]]) < ROUNDS_MIN:
            load.round()
            daemon.expect_log("token refused")
            rest(pids, before)
            for pid in pids:
                samples[pid].append(memory_kib(pid))
        print(f"{load.answered} answers, {samples}")
        assert [daemon.process.pid, *children(daemon.process.pid)] == pids
        for pid in pids:
            assert growth(samples[pid]) < bound(), \
                f"{pid} has grown: {samples[pid]}"


def test_the_master_does_not_grow_over_reloads(tmp):
    with soaked(tmp) as daemon:
        master = daemon.process.pid
        reload_once(daemon)
        before = descriptors(master)
        samples = []
        count = RELOADS * max(1, int(DURATION / 60))
        for _ in range(count):
            reload_once(daemon)
            wait_until(lambda: descriptors(master) <= before,
                       "the descriptors of the workers before")
            samples.append(memory_kib(master))
        print(samples)
        assert growth(samples) < bound(), f"the master has grown: {samples}"
