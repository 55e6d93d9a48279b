"""What is bounded: connections, descriptors, answers nobody takes."""

import contextlib
import json
import os
import pathlib
import resource
import select
import signal
import socket
import time

import pytest

from bulk import BIG_TASK, make_tasks, owner_on
from client import RawConnection
from daemon import Daemon, folder, wait_until
from users import sign_up

LONG = 1000                     # tasks of a list that is sent in pieces
MIB = 1024 * 1024
SHORTAGE = "cannot accept connections"
TOO_MUCH = "Too many requests at once, try again"


def single(*args, tmp, **env):
    """A daemon with one worker, so that what is counted is in one place."""
    return Daemon("--workers=1", *args, folder=tmp,
                  env={"WORKERS": None, **env})


def only_worker(daemon):
    pid, = daemon.workers().values()
    return pid


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def sockets(pid):
    count = 0
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(link).startswith("socket:")
    return count


def cpu_seconds(pid):
    """The time a process has computed so far."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid, what):
    """VmRSS or VmHWM, the most there ever was of it, in bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == what:
            return int(value.split()[0]) * 1024
    raise AssertionError(f"no {what}")


def ask(connection):
    connection.request("GET", "/health")
    return connection


def served(connection):
    """Reads the answer that was asked for."""
    reply = connection.response("GET", "/health")
    assert reply.status == 200, reply
    return connection


def are_silent(connections):
    return not select.select([c.socket for c in connections], [], [], 0)[0]


def go_round(connection):
    """The loop of the connection's worker has gone round a few times."""
    for _ in range(5):
        served(ask(connection))


# -- connections

def test_connections_beyond_the_cap_wait_their_turn(tmp):
    with single("--max-connections=4", tmp=tmp) as daemon:
        inside = [served(ask(daemon.raw())) for _ in range(4)]
        outside = [ask(daemon.raw()) for _ in range(8)]
        while outside:
            go_round(inside[-1])
            assert are_silent(outside), "more than the cap"
            inside.pop(0).close()
            inside.append(served(outside.pop(0)))
        for connection in inside:
            served(ask(connection)).close()
        served(ask(daemon.raw())).close()


def test_the_cap_is_that_of_each_worker(tmp):
    with Daemon("--workers=2", "--max-connections=4", folder=tmp,
                env={"WORKERS": None}) as daemon:
        inside = [served(ask(daemon.raw())) for _ in range(8)]
        late = [ask(daemon.raw()) for _ in range(2)]
        for connection in inside:
            go_round(connection)
        assert are_silent(late), "more than the cap"
        # Whichever worker they belong to.
        for connection in inside:
            connection.close()
        for connection in late:
            served(connection).close()


def test_one_that_gives_up_waiting_takes_no_place(tmp):
    with single("--max-connections=2", tmp=tmp) as daemon:
        inside = [served(ask(daemon.raw())) for _ in range(2)]
        quitter, patient = ask(daemon.raw()), ask(daemon.raw())
        quitter.close()
        go_round(inside[0])
        assert are_silent([patient])
        inside[0].close()
        served(patient).close()
        inside[1].close()


# -- descriptors

def test_a_low_limit_of_descriptors_lowers_the_cap(tmp):
    """Half of 64: what is beyond waits, and accept() never fails."""
    daemon = single(tmp=tmp)
    daemon.command = ["sh", "-c", 'ulimit -n 64 && exec "$@"', "sh",
                      *daemon.command]
    with daemon:
        inside = [served(ask(daemon.raw())) for _ in range(32)]
        late = ask(daemon.raw())
        go_round(inside[0])
        assert are_silent([late]), "more than the cap"
        inside.pop().close()
        served(late).close()
        for connection in inside:
            connection.close()
        assert not daemon.logged(SHORTAGE)


def test_a_shortage_of_descriptors_is_survived(tmp):
    with single(tmp=tmp) as daemon:
        pid = only_worker(daemon)
        listening = sockets(pid)
        user = sign_up(daemon)
        # That connection stays; the one that asked for the description goes.
        wait_until(lambda: sockets(pid) == listening + 1, "one connection")
        taken = {int(n) for n in os.listdir(f"/proc/{pid}/fd")}
        limit, room = max(taken) + 5, max(taken) + 5 - len(taken)
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
        daemon.expect_log(SHORTAGE)

        inside = [served(ask(daemon.raw())) for _ in range(room)]
        late = [ask(daemon.raw()) for _ in range(6)]
        first = daemon.wait_log(SHORTAGE)
        assert first["error"] and first["remedy"]
        computed = cpu_seconds(pid)
        # Two more lines: at least two seconds of it.
        wait_until(lambda: len(daemon.logged(SHORTAGE)) >= 3, "the log")
        assert cpu_seconds(pid) - computed < 0.5, "it spins"
        times = [line["ts"] for line in daemon.logged(SHORTAGE)]
        assert len({ts[:19] for ts in times}) == len(times), times
        assert are_silent(late)
        assert user.create("in need")["title"] == "in need"
        for connection in inside:
            served(ask(connection))

        for connection in inside:
            connection.close()
        for connection in late:
            served(connection).close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        more = [served(ask(daemon.raw())) for _ in range(room + 6)]
        for connection in more:
            connection.close()
        assert [task["title"] for task in user.list()] == ["in need"]


# -- long lists

@pytest.fixture(scope="module")
def long_list():
    """A folder with a database in which one user has a very long list."""
    with folder() as path:
        yield path, make_tasks(path, LONG, BIG_TASK)


def auth(user):
    return list(user.auth.items())


def whole(reply):
    """The answer is the list, all of it and in order."""
    assert reply.status == 200, reply
    ids = [task["id"] for task in json.loads(reply.body)]
    assert ids == list(range(LONG, 0, -1))


def test_a_long_list_comes_in_chunks_and_the_connection_stays(long_list):
    path, owner = long_list
    with single(tmp=path) as daemon, daemon.raw() as connection:
        user = owner_on(daemon, owner)
        for _ in range(2):
            reply = connection.exchange("GET", user.tasks, auth(user))
            assert reply.headers["transfer-encoding"] == "chunked"
            whole(reply)
        reply = connection.exchange(
            "GET", user.tasks, [*auth(user), ("Connection", "close")])
        assert reply.headers["connection"].lower() == "close"
        whole(reply)
        assert connection.rest() == b""


def test_requests_behind_a_long_list_are_answered_in_order(long_list):
    path, owner = long_list
    with single(tmp=path) as daemon, daemon.raw() as connection:
        user = owner_on(daemon, owner)
        for _ in range(2):
            connection.request("GET", user.tasks, auth(user))
            connection.request("HEAD", user.tasks, auth(user))
            ask(connection)
        for _ in range(2):
            whole(connection.response("GET", user.tasks))
            # The rule that every answer has a length is not for this one.
            assert connection.response("HEAD", user.tasks,
                                       judge=False).status == 200
            served(connection)


@pytest.mark.parametrize("extra", [[], [("Connection", "keep-alive")]])
def test_to_http_1_0_a_long_list_ends_with_the_connection(long_list, extra):
    path, owner = long_list
    with single(tmp=path) as daemon, daemon.raw() as connection:
        user = owner_on(daemon, owner)
        connection.request("GET", user.tasks, [*auth(user), *extra],
                           version="1.0")
        # The rule that every answer has a length is not for this one.
        reply = connection.response("GET", user.tasks, judge=False)
        assert "transfer-encoding" not in reply.headers
        assert "content-length" not in reply.headers
        assert reply.headers["connection"].lower() == "close"
        whole(reply)


@pytest.mark.parametrize("reset", [False, True])
def test_readers_that_leave_midway_leave_nothing_behind(long_list, reset):
    path, owner = long_list
    with single(tmp=path) as daemon:
        user = owner_on(daemon, owner)
        with daemon.raw() as witness:
            served(ask(witness))
            pid = only_worker(daemon)
            before = descriptors(pid)
            for taken in (1, 400, 4096, 300_000, 3_000_000) * 2:
                reader = Hog(daemon, user)
                while taken > 0:
                    taken -= len(reader.socket.recv(min(taken, 65536)))
                if reset:
                    reader.socket.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER,
                        b"\1\0\0\0\0\0\0\0")
                reader.close()
            wait_until(lambda: descriptors(pid) == before, "the closes")
            wait_until(lambda: len(daemon.logged("request", outcome="gone"))
                       == 10, "the access lines")
            whole(witness.exchange("GET", user.tasks, auth(user)))


# -- answers that nobody takes

class Hog(RawConnection):
    """Asks for the list and takes little: its segments and windows are so
    small that the kernel, too, holds little of it."""

    def __init__(self, daemon, user):
        self.daemon = daemon
        self.buffer = b""
        self.user = user
        self.socket = socket.socket()
        self.socket.settimeout(20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(daemon.addresses[0])
        self.request("GET", user.tasks, auth(user))

    def status(self):
        """Waits for the answer to begin; only a refusal is read whole."""
        while len(self.buffer) < 12:
            self._more()
        status = int(self.buffer[9:12])
        if status != 200:
            reply = self.response("GET", self.user.tasks)
            assert reply.status == 503
            assert reply.headers["content-type"] == "application/json"
            assert reply.json() == {"detail": TOO_MUCH}
        return status


def test_a_slow_reader_gets_more_time_for_what_it_takes(long_list):
    """Each piece of the list takes it longer than the time-out."""
    path, owner = long_list
    with single("--send-timeout=1", tmp=path) as daemon:
        reader = Hog(daemon, owner_on(daemon, owner))
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        began = time.monotonic()
        rests = 0
        while not reader.buffer.endswith(b"\r\n0\r\n\r\n"):
            reader._more()
            if len(reader.buffer) > rests * 65536:
                rests += 1
                time.sleep(0.05)    # it is slow
        assert time.monotonic() - began > 2, "it was too fast to tell"
        whole(reader.response("GET", reader.user.tasks))
        reader.close()


def measured(*args, tmp):
    """A sanitizer keeps what was freed; here it counts."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return single(*args, tmp=tmp, ASAN_OPTIONS=":".join(
        filter(None, [options, "quarantine_size_mb=1"])))


def test_too_much_unsent_is_answered_with_503(long_list):
    path, owner = long_list
    with measured(tmp=path) as daemon, daemon.raw() as other:
        user = owner_on(daemon, owner)
        served(ask(other))
        pid = only_worker(daemon)
        before = memory(pid, "VmRSS")
        hogs = []
        while True:
            hogs.append(Hog(daemon, user))
            if hogs[-1].status() == 503:
                break
            assert len(hogs) < 200, "nothing is ever too much"
            if len(hogs) < 20:
                served(ask(other))
        assert len(hogs) > 20, "too much too soon"
        assert memory(pid, "VmHWM") - before < 150 * MIB
        refused = other.exchange("GET", "/health")
        assert refused.status == 503
        assert refused.json() == {"detail": TOO_MUCH}

        for hog in hogs:
            hog.close()
        wait_until(lambda: other.exchange("GET", "/health").status == 200,
                   "the end of the refusals")
        whole(other.exchange("GET", user.tasks, auth(user)))


def test_a_burst_of_long_lists_is_bounded_too(long_list):
    """All of them are let in before storage has read the first."""
    path, owner = long_list
    with measured(tmp=path) as daemon:
        user = owner_on(daemon, owner)
        pid = only_worker(daemon)
        before = memory(pid, "VmRSS")
        os.kill(pid, signal.SIGSTOP)
        hogs = [Hog(daemon, user) for _ in range(120)]
        os.kill(pid, signal.SIGCONT)
        statuses = [hog.status() for hog in hogs]
        assert memory(pid, "VmHWM") - before < 150 * MIB
        assert 20 < statuses.count(200) < 120
        for hog in hogs:
            hog.close()
        with daemon.raw() as other:
            wait_until(lambda: other.exchange("GET", "/health").status == 200,
                       "the end of the refusals")
