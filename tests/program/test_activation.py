"""What systemd does: sockets that listen already, and notifications."""

import contextlib
import os
import signal
import socket
import sys

import pytest

from client import RawConnection
from daemon import Daemon, run_todod, seconds, wait_until

# Makes sockets 3, 4, … as systemd would, and becomes the daemon. With a gate
# (a FIFO) it waits until somebody opens that.
ACTIVATE = """
import os, socket, sys
gate, claimed, *specs = sys.argv[1].split(",")
made = []
for spec in specs:
    kind, _, place = spec.partition(":")
    if kind == "unix":
        each = socket.socket(socket.AF_UNIX)
        each.bind(place)
        each.listen()
    elif kind == "tcp":
        each = socket.create_server(("127.0.0.1", 0))
    else:
        each = socket.socket(type=socket.SOCK_DGRAM)
    made.append(each)
# Out of the way first: they may have the numbers that others are to get.
high = [os.dup2(each.fileno(), 100 + n) for n, each in enumerate(made)]
for n, fd in enumerate(high):
    os.dup2(fd, 3 + n, inheritable=True)
os.closerange(3 + len(high), 200)
if gate:
    open(gate).close()
os.environ["LISTEN_FDS"] = str(len(made))
os.environ["LISTEN_PID"] = claimed or str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


def activated(tmp, *specs, gate="", pid="", kind=Daemon, **env):
    """A daemon that is given these sockets when it starts."""
    daemon = kind(folder=tmp, env=env)
    daemon.command = [sys.executable, "-I", "-S", "-c", ACTIVATE,
                      ",".join([str(gate), str(pid), *specs]),
                      *daemon.command]
    return daemon


class UnixConnection(RawConnection):
    """The same over a unix socket."""

    def __init__(self, daemon, path):
        self.daemon = daemon
        self.buffer = b""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds(20))
        self.socket.connect(str(path))


def test_the_sockets_of_systemd_are_used(tmp):
    path = tmp / "activated.sock"
    with activated(tmp, "tcp", f"unix:{path}", HOST="127.0.0.9",
                   PORT="1") as daemon:
        assert daemon.logged("using the sockets of systemd, not HOST and PORT")
        tcp, unix = daemon.addresses
        assert tcp[0] == "127.0.0.1" and tcp[1] > 1
        assert unix == (f"unix:{path}", None)
        with daemon.raw() as connection:
            assert connection.exchange("GET", "/health").status == 200
        with UnixConnection(daemon, path) as connection:
            assert connection.exchange("GET", "/health").status == 200
    assert path.exists(), "it is systemd's and not the daemon's to remove"


def test_connections_from_before_the_start_are_served(tmp):
    path, gate = tmp / "activated.sock", tmp / "gate"
    os.mkfifo(gate)
    daemon = activated(tmp, f"unix:{path}", gate=gate)
    try:
        daemon.start(wait=False)
        with contextlib.ExitStack() as stack:
            early = []
            for _ in range(5):
                early.append(stack.enter_context(wait_until(
                    lambda: connected(daemon, path), "the socket")))
                early[-1].request("GET", "/health")
            gate.write_bytes(b"")
            for connection in early:
                assert connection.response("GET", "/health").status == 200
        daemon.wait_log("ready")
        daemon._pardon_start_warnings()
        daemon.stop()
    finally:
        daemon.discard()


def connected(daemon, path):
    try:
        return UnixConnection(daemon, path)
    except OSError:
        return None


def test_sockets_for_another_process_are_not_taken(tmp):
    path = tmp / "activated.sock"
    with activated(tmp, f"unix:{path}", pid=1) as daemon:
        (address, port), = daemon.addresses
        assert address == "127.0.0.1" and port > 0
        with daemon.raw() as connection:
            assert connection.exchange("GET", "/health").status == 200


def test_a_socket_that_cannot_listen_is_refused(tmp):
    daemon = activated(tmp, "datagram")
    daemon.start(wait=False)
    daemon.expect_log("")
    daemon.finish()
    assert daemon.process.returncode == 78
    assert any("ListenStream=" in line["text"] for line in daemon.lines)


def test_a_number_without_sockets_is_refused(tmp):
    daemon = activated(tmp, "tcp")
    daemon.command[4] = ACTIVATE.replace("str(len(made))", "'2'")
    daemon.start(wait=False)
    daemon.expect_log("")
    daemon.finish()
    assert daemon.process.returncode == 78


# -- notifications

class Manager:
    """The end of NOTIFY_SOCKET at which systemd listens."""

    def __init__(self, name):
        self.name = str(name)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.name.replace("@", "\0", 1)
                         if self.name[0] == "@" else self.name)
        self.socket.settimeout(seconds(10))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def told(self):
        """The next notification, as the dict of its variables."""
        text = self.socket.recv(4096).decode("ascii")
        return dict(line.split("=", 1) for line in text.splitlines())

    def is_told_nothing_more(self):
        self.socket.setblocking(False)
        try:
            self.socket.recv(4096)
        except BlockingIOError:
            return True
        return False


def is_reloading(told):
    return told.keys() == {"RELOADING", "MONOTONIC_USEC"} \
        and told["RELOADING"] == "1" and told["MONOTONIC_USEC"].isdigit()


@pytest.mark.parametrize("name", ["{tmp}/notify", "@todod-test-{pid}"])
def test_systemd_is_told_of_start_reload_and_stop(tmp, name):
    with Manager(name.format(tmp=tmp, pid=os.getpid())) as manager:
        with Daemon(folder=tmp, env={"NOTIFY_SOCKET": manager.name}) as daemon:
            assert manager.told() == {"READY": "1"}
            for _ in range(2):
                since = daemon.mark()
                daemon.process.send_signal(signal.SIGHUP)
                assert is_reloading(manager.told())
                assert manager.told() == {"READY": "1"}
                daemon.wait_log("reloaded", since)
            daemon.stop()
            assert manager.told() == {"STOPPING": "1"}
            assert manager.is_told_nothing_more()


def test_a_refused_reload_ends_for_systemd_too(tmp):
    conf = tmp / "todod.conf"
    conf.write_text("")
    with Manager(tmp / "notify") as manager, \
            Daemon("--config", conf, folder=tmp,
                   env={"NOTIFY_SOCKET": manager.name}) as daemon:
        assert manager.told() == {"READY": "1"}
        conf.write_text("colour = red\n")
        daemon.expect_log("reload refused")
        daemon.process.send_signal(signal.SIGHUP)
        assert is_reloading(manager.told())
        assert manager.told() == {"READY": "1"}
        daemon.wait_log("reload refused")


def test_a_start_that_fails_is_never_ready(tmp):
    (tmp / "todod.db").write_bytes(b"no database" * 1000)
    with Manager(tmp / "notify") as manager:
        done = run_todod(folder=tmp, env={"NOTIFY_SOCKET": manager.name})
        assert done.returncode == 65
        assert manager.is_told_nothing_more()


@pytest.mark.parametrize("name", ["", "relative", "@", "{tmp}/nobody",
                                  "/" + "x" * 200])
def test_a_notify_socket_of_no_use_is_no_problem(tmp, name):
    with Daemon(folder=tmp, env={
            "NOTIFY_SOCKET": name.format(tmp=tmp)}) as daemon:
        assert daemon.http.get("/health").status_code == 200
