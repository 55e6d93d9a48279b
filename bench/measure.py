"""One sample: the load, and what it costs whom."""

import os
import threading
import time

import load
import procs
import workloads


class Peak(threading.Thread):
    """Looks at the memory of a tree a few times while the load runs."""

    def __init__(self, root, seconds):
        super().__init__(daemon=True)
        self.root = root
        self.pause = max(0.2, seconds * 0.3)
        self.done = threading.Event()
        self.kib = 0

    def run(self):
        while not self.done.wait(self.pause):
            self.kib = max(self.kib, procs.pss_kib(self.root))

    def finish(self):
        self.done.set()
        self.join()
        return max(self.kib, procs.pss_kib(self.root))


def settle(*roots, limit_s=20.0):
    """Waits until they have finished what the last run left them."""
    deadline = time.monotonic() + limit_s
    for root in roots:
        while root is not None and time.monotonic() < deadline:
            clock = procs.Clock(root)
            time.sleep(0.2)
            if clock.used_us() <= procs.TICK_US:
                break


def load_us():
    """The processor time of the generators that have ended."""
    times = os.times()
    return (times.children_user + times.children_system) * 1e6


class Bench:
    """A server that runs, the database behind it, and how to load it."""

    def __init__(self, server, people, folder, database=None,
                 generator="wrk"):
        self.server = server
        self.people = people
        self.folder = folder
        self.database = database            # the root of its processes
        self.generate = load.GENERATORS[generator]

    def requests(self, workload):
        """The file of its requests, made when it is first asked for."""
        path = self.folder / f"{workload.name}.requests"
        if not path.exists():
            load.write_requests(
                path, workloads.requests_of(workload, self.people))
        return path

    def run(self, workload, connections, seconds, offset=0):
        return self.generate(self.server.port, self.requests(workload),
                             connections, seconds, offset)

    def sample(self, workload, connections, seconds, offset=0):
        """A dict of numbers; times are in microseconds."""
        seconds = max(seconds, workload.seconds_least)
        requests = self.requests(workload)
        settle(self.server.pid, self.database)
        peak = Peak(self.server.pid, seconds)
        before, load_before_us = procs.parse_busy(procs.read("stat")), load_us()
        ours, theirs = (procs.Clock(self.server.pid),
                        procs.Clock(self.database))
        peak.start()
        said = self.generate(self.server.port, requests, connections,
                             seconds, offset)
        cpu_us, database_us = ours.used_us(), theirs.used_us()
        after = procs.parse_busy(procs.read("stat"))
        total, idle, stolen = (b - a for a, b in zip(before, after))
        known = cpu_us + database_us + load_us() - load_before_us
        count = max(1, said["requests"])
        return {
            "server": self.server.name, "workload": workload.name,
            "connections": connections, **said,
            "cpu_us": cpu_us / count,
            "database_cpu_us": (database_us / count
                                if self.database else None),
            "peak_pss_kib": peak.finish(),
            "idle_share": idle / total if total else None,
            "others_share": (max(0, 1 - (idle + known / procs.TICK_US) / total)
                             if total else None),
        }
