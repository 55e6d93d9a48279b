"""A daemon whose master changes, and clients that count what fails."""

import os
import select
import signal
import socket
import subprocess
import threading
import time

from daemon import Daemon, is_running, wait_until


HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


def may_unshare(what):
    """Whether the system lets us have a namespace of our own."""
    try:
        return subprocess.run(["unshare", "--fork", what, "true"],
                              capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


class Upgradable(Daemon):
    """SIGUSR2 makes another process its master."""

    @property
    def master(self):
        """The process id of the newest master that serves."""
        done = self.logged("upgraded")
        return done[-1]["pid"] if done else self.process.pid

    def tell(self, number):
        os.kill(self.master, number)

    def upgrade(self, timeout=30):
        """Has a new todod take the place of this one; the old master."""
        old, since = self.master, self.mark()
        self.tell(signal.SIGUSR2)
        self.wait_log("upgraded", since, timeout=timeout)
        self._pardon_start_warnings()
        return old

    def stop(self, timeout=20):
        since = self.mark()
        master = self.master
        self.discard_clients()
        os.kill(master, signal.SIGTERM)
        wait_until(lambda: self.process.poll() is not None
                   and not is_running(master), "the end", timeout)
        self.finish(timeout)
        assert self.process.returncode == 0, self._story("not a clean end")
        assert self.logged("stopped", since), self._story('no "stopped" event')


class Client(threading.Thread):
    """Asks all the time, on one connection for as long as it may, or on a new
    one each time.  A request that was sent and not answered has failed; a
    connection that was closed before is no failure."""

    def __init__(self, daemon, keeps_alive, request):
        super().__init__(daemon=True)
        self.address = daemon.addresses[0]
        self.keeps_alive = keeps_alive
        self.request = request
        self.finished = threading.Event()
        self.connection = None
        self.answered = 0
        self.connections = 0
        self.failures = []

    def run(self):
        while not self.finished.is_set():
            began = time.monotonic()
            try:
                self.ask()
                self.answered += 1
            except (OSError, ValueError) as error:
                self.failures.append(
                    f"{error!r} after {time.monotonic() - began:.3f} s, "
                    f"{self.answered} answers")
                self.leave()
        self.leave()

    def leave(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def is_usable(self):
        """Whether it is open, as far as can be known before sending."""
        return self.connection and not select.select(
            [self.connection], [], [], 0)[0]

    def ask(self):
        if not self.is_usable():
            self.leave()
            if self.address[0].startswith("unix:"):
                self.connection = socket.socket(socket.AF_UNIX)
                self.connection.settimeout(20)
                self.connection.connect(self.address[0][len("unix:"):])
            else:
                self.connection = socket.create_connection(self.address, 20)
            self.connections += 1
        self.connection.sendall(self.request)
        head = self.answer()
        if not head.startswith(b"HTTP/1.1 2"):
            raise ValueError(f"answered {head[:200]!r}")
        if not self.keeps_alive or b"\r\nconnection: close" in head.lower():
            self.leave()

    def answer(self):
        """Reads to the end of one answer; its head."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more(data)
        head, _, body = data.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                while len(body) < int(value):
                    body += self.more(data)
                return head
        raise ValueError(f"an answer without a length: {head[:200]!r}")

    def more(self, data):
        got = self.connection.recv(65536)
        if not got:
            raise ValueError(f"closed after {data[:100]!r}")
        return got


class Load:
    """Clients of both kinds while the block runs; then none may have
    failed."""

    def __init__(self, daemon, requests=(HEALTH,), each=2):
        self.daemon = daemon
        self.clients = [Client(daemon, keeps_alive, request)
                        for request in requests
                        for keeps_alive in (True, False)
                        for _ in range(each)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        self.wait_for_progress()
        return self

    def wait_for_progress(self, answers=3):
        """Each client has had so many answers since."""
        before = {client: client.answered for client in self.clients}
        wait_until(lambda: all(client.answered >= before[client] + answers
                               for client in self.clients),
                   "progress of all clients", 20)

    def finish(self):
        for client in self.clients:
            client.finished.set()
        for client in self.clients:
            client.join(30)
            assert not client.is_alive(), "a client hangs"

    def __exit__(self, kind, *_):
        self.finish()
        self.daemon.discard_clients()
        failures = [failure for client in self.clients
                    for failure in client.failures]
        if kind is None:
            assert not failures, "\n".join(
                [f"{len(failures)} requests failed:", *failures[:10]])
