"""HTTPS, from clients that close, cut and renew it as the standards allow."""

import contextlib
import socket
import ssl
import subprocess
from email.utils import parsedate_to_datetime

import pytest

from certificates import Authority
from daemon import Daemon, run_todod, seconds, unavailable
from users import sign_up
from waits import are_read, no_writes

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
VERSIONS = pytest.mark.parametrize("version", [TLS12, TLS13],
                                   ids=["tls12", "tls13"])
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
TASK = b'{"title":"waits"}'


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A certificate and its key in a folder; a build may lack TLS."""
    folder = tmp_path_factory.mktemp("chain")
    if "libssl" not in run_todod("--version", folder=folder, bare=True).stdout:
        unavailable("this build has no TLS")
    made = Authority().issue().save(folder)
    made.folder = folder
    return made


@pytest.fixture
def served(chain, tmp):
    """A daemon with one worker that speaks HTTPS."""
    with Daemon(folder=tmp, tls=chain.context(), env={
            **chain.env(chain.folder), "WORKERS": "1",
            "REQUEST_TIMEOUT": "300"}) as daemon:
        yield daemon


def connect(daemon):
    """A TCP connection without a word of TLS."""
    return socket.create_connection(daemon.addresses[0], seconds(20))


class Wire:
    """A TLS client whose records and segments are in the test's hands."""

    def __init__(self, daemon, context):
        self.socket = connect(daemon)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing,
                                    server_hostname="localhost")
        self._do(self.tls.do_handshake)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self, size=65536):
        """Sends what TLS has to say, in segments of that size."""
        data = self.outgoing.read()
        for at in range(0, len(data), size):
            self.socket.sendall(data[at:at + size])

    def _do(self, step, *args):
        while True:
            try:
                result = step(*args)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
            data = self.socket.recv(65536)
            if data:
                self.incoming.write(data)
            else:
                self.incoming.write_eof()

    def say(self, data, size=65536):
        """Sends it, in records and segments of that size."""
        for at in range(0, len(data), size):
            self.tls.write(data[at:at + size])
            self.flush(size)

    def end(self, how):
        """Ends this side, by an alert, by TCP, or by both."""
        if "notify" in how:
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLError):
                self.tls.unwrap()
            self.flush()
        if "fin" in how:
            self.socket.shutdown(socket.SHUT_WR)

    def rest(self):
        """All bytes up to a close_notify, without which it is an error."""
        answer = b""
        while True:
            data = self._do(self.tls.read, 65536)
            if not data:
                return answer
            answer += data


def create(user, size=len(TASK)):
    """A request for a new task, whose body may be cut short."""
    return b"\r\n".join([
        b"POST " + user.tasks.encode() + b" HTTP/1.1", b"Host: localhost",
        *(f"{name}: {value}".encode() for name, value in user.auth.items()),
        b"Content-Type: application/json", b"Connection: close",
        b"Content-Length: %d" % len(TASK), b"", TASK[:size]])


# -- ends

@VERSIONS
@pytest.mark.parametrize("how", ["notify", "fin", "notify, fin"])
def test_a_client_that_has_said_all_gets_its_answer(served, chain, tmp, how,
                                                    version):
    """It ends its side while the answer is not even there."""
    user = sign_up(served)
    with Wire(served, chain.context(version)) as wire:
        with no_writes(tmp):
            wire.say(create(user))
            wire.end(how)
            are_read(served)
        if how == "fin":
            assert wire.rest().startswith(b"HTTP/1.1 201 ")
        else:
            # The library reads no more; whoever looks at the socket can.
            total = 0
            while data := wire.socket.recv(65536):
                total += len(data)
            assert total > 300
    task, = user.list()
    assert task["title"] == "waits"


@VERSIONS
def test_a_request_that_is_cut_off_is_none(served, chain, version):
    """Whoever can cut a connection must not make another request of one."""
    user = sign_up(served)
    for request in (HEALTH[:-2], HEALTH[:9], create(user, len(TASK) - 1)):
        with Wire(served, chain.context(version)) as wire:
            wire.say(request)
            wire.end("fin")
            assert wire.rest().startswith(b"HTTP/1.1 400 ")
    assert user.list() == []


@VERSIONS
def test_an_end_between_requests_is_one(served, chain, version):
    for how in ("fin", "notify"):
        with Wire(served, chain.context(version)) as wire:
            wire.say(HEALTH)
            wire.end(how)
            if how == "fin":
                assert wire.rest().startswith(b"HTTP/1.1 200 ")
            else:
                while wire.socket.recv(65536):
                    pass


# -- records

@VERSIONS
def test_records_and_segments_may_be_single_bytes(served, chain, version):
    with Wire(served, chain.context(version)) as wire:
        wire.say(HEALTH + LAST, 1)
        answers = wire.rest()
    assert answers.count(b"HTTP/1.1 200 ") == 2


def test_keys_may_be_renewed(served, chain):
    """Before a request, and for the answers too (RFC 8446, 4.6.3)."""
    command = ["openssl", "s_client", "-tls1_3", "-connect",
               f"127.0.0.1:{served.port}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as client:
        for word in (b"K\n", b"k\n", b"K\n", LAST):
            since = served.mark()
            client.stdin.write(word)
            client.stdin.flush()
            if word == LAST:
                break
            # It tells at once what it does, and later what it reads.
            while b"KEYUPDATE" not in client.stderr.readline():
                assert client.poll() is None
            client.stdin.write(HEALTH)
            client.stdin.flush()
            served.wait_log("request", since, status=200)
        shown = client.stdout.read()
    assert shown.count(b"HTTP/1.1 200 OK") == 4
    assert shown.count(b'"status":"ok"') == 4


# -- what is no TLS

@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_plain_http_is_answered_as_any_other_error(served, method):
    with connect(served) as connection:
        connection.sendall(f"{method} /health HTTP/1.1\r\n"
                           "Host: x\r\n\r\n".encode())
        answer = b""
        while data := connection.recv(65536):
            answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    assert status == "HTTP/1.1 400 Bad Request"
    headers = dict(line.lower().split(": ", 1) for line in lines)
    with served.raw() as connection:
        usual = connection.exchange("GET", "/ ").headers
    # Those that a request has to be read for come with HTTPS only.
    assert set(usual) - set(headers) == {"vary", "x-request-id"}
    for name in ("content-type", "cache-control", "referrer-policy",
                 "x-content-type-options", "connection"):
        assert headers[name] == usual[name]
    assert parsedate_to_datetime(headers["date"])
    assert headers["content-length"] == "54"
    assert len(body) == (54 if method == "GET" else 0)
