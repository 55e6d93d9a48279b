"""What no single run of load can tell: memory at rest and for each idle
connection, whether sign-ins hold up the others, and what a request costs when
there are more users."""

import contextlib
import resource
import socket
import threading
import time

import load
import measure
import procs
import seed
import workloads

ONE = workloads.WORKLOADS["one"]
ACTIVE = 64
SIGNING_IN = 8
IDLE_CONNECTIONS = 10000
SPARE_DESCRIPTORS = 200
GROWTH = (10, 100, 1000, 10000)         # users, with a hundred tasks each
GROWING = ("one", "list-100", "create")


def quiet_pss_kib(pid):
    """Once nothing is going on any more."""
    measure.settle(pid)
    return procs.pss_kib(pid)


def idle(stage, results):
    """Memory at rest: the master, its workers and the keeper."""
    with stage.running(stage.todod) as bench:
        pid = bench.server.pid
        results.add("idle", stage.name, 0, {
            "server": bench.server.name,
            "processes": len(procs.tree(pid)),
            "pss_kib": quiet_pss_kib(pid)})


def descriptors():
    """As many idle connections as this process and todod may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(0, min(IDLE_CONNECTIONS, hard - SPARE_DESCRIPTORS))


@contextlib.contextmanager
def idle_connections(port, count):
    """Connections that have had one answer each and ask for nothing more."""
    request = load.raw("GET", "/health")
    held = []
    with contextlib.ExitStack() as stack:
        while len(held) < count:
            connection = stack.enter_context(
                socket.create_connection(("127.0.0.1", port), timeout=30))
            connection.sendall(request)
            connection.recv(4096)
            held.append(connection)
        yield held


def still_open(held):
    count = 0
    for connection in held:
        connection.setblocking(False)
        try:
            count += connection.recv(1) != b""
        except BlockingIOError:
            count += 1
        except OSError:
            pass
    return count


def crowd(stage, results):
    """Thousands of connections that are kept alive, and a few that work."""
    count = descriptors()
    seconds = stage.options.seconds
    with stage.running(stage.todod) as bench:
        alone = bench.sample(ONE, ACTIVE, seconds)
        before = quiet_pss_kib(bench.server.pid)
        with idle_connections(bench.server.port, count) as held:
            with_them = quiet_pss_kib(bench.server.pid)
            sample = bench.sample(ONE, ACTIVE, seconds)
            left = still_open(held)
    results.add("crowd", stage.name, 0, {
        "server": bench.server.name, "connections": count, "left": left,
        "connection_kib": (with_them - before) / count if count else None,
        "alone": alone, "crowded": sample})


def disturbed(stage, results):
    """Reads, without and with others who sign in all the time."""
    seconds = max(4, stage.options.seconds)
    sign_in = workloads.WORKLOADS["sign-in"]
    with stage.running(stage.todod) as bench:
        for number in range(stage.options.rounds):
            alone = bench.sample(ONE, ACTIVE, seconds)
            others = threading.Thread(target=bench.run, args=(
                sign_in, SIGNING_IN, seconds + 2))
            bench.requests(sign_in)
            others.start()
            time.sleep(1)           # until their load is there
            sample = bench.run(ONE, ACTIVE, seconds)
            others.join()
            results.add("disturbed", stage.name, number, {
                "server": bench.server.name, "alone": alone,
                "disturbed": sample})


def growth(stage, results):
    """The same requests, of ten times the users each time."""
    for users in GROWTH:
        stage.fill(users, big=())
        with stage.running(stage.todod) as bench:
            for name in GROWING:
                sample = bench.sample(workloads.WORKLOADS[name], ACTIVE,
                                      stage.options.seconds)
                results.add("growth", stage.name, 0, {
                    "users": users, "tasks": users * seed.TASKS_EACH,
                    **sample})


# The last one leaves other data behind than the others want.
EXTRAS = {"idle": idle, "crowd": crowd, "disturbed": disturbed,
          "growth": growth}
ABOUT = {"idle": "memory at rest",
         "crowd": f"{IDLE_CONNECTIONS} idle connections",
         "disturbed": f"reads while {SIGNING_IN} others sign in",
         "growth": "more and more users"}
