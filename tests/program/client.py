"""HTTP clients that put every response before the daemon's judge.

checking() is httpx with an event hook; RawConnection sends bytes as they are
and reads answers with a strict parser of its own.
"""

import dataclasses
import json
import socket

import httpcore
import httpx
from httpcore.backends.sync import SyncBackend

TIMEOUT = 20
BODY_LIMIT = 65536              # bytes a request body may have


def padded(size):
    """A valid body of a task of exactly this many bytes."""
    body = b'{"title":"padded"}'
    return body + b" " * (size - len(body))


@dataclasses.dataclass
class Reply:
    """What the checks look at: one request's outline and its response."""

    method: str
    target: str                 # path and query as sent
    sent: httpx.Headers
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def path(self):
        return self.target.partition("?")[0]

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.method} {self.target[:200]} -> {self.status}"


class NoDelayBackend(SyncBackend):
    """httpcore sends head and body apart; Nagle would add 40 ms to each."""

    def connect_tcp(self, *args, **options):
        stream = super().connect_tcp(*args, **options)
        stream.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream


def transport(uds=None, tls=None):
    """An httpx transport over TCP, in the TLS context if there is one, or over
    the unix socket uds."""
    made = httpx.HTTPTransport(trust_env=False)
    made._pool = httpcore.ConnectionPool(
        uds=uds, ssl_context=tls, max_connections=100, keepalive_expiry=60,
        network_backend=NoDelayBackend())
    return made


def plain(daemon, **options):
    """A client without checks, of the daemon's first address."""
    address = daemon.addresses[0][0]
    uds = address[len("unix:"):] if address.startswith("unix:") else None
    options.setdefault("transport", transport(uds, daemon.tls))
    options.setdefault("base_url", daemon.url)
    return httpx.Client(timeout=TIMEOUT, trust_env=False, **options)


def checking(daemon, documented=True, **options):
    """A client whose every response goes through daemon.answer()."""

    def judge(response):
        response.read()
        request = response.request
        daemon.answer(
            Reply(request.method, request.url.raw_path.decode("ascii"),
                  request.headers, response.status_code, response.headers,
                  response.content),
            documented)

    return plain(daemon, event_hooks={"response": [judge]}, **options)


class Closed(Exception):
    """The peer ended the connection before a whole response."""


class RawConnection:
    """A connection of TCP (with TLS if the daemon speaks it) or by a unix
    socket; answers are read one by one, exactly to their end."""

    def __init__(self, daemon):
        self.daemon = daemon
        address, port = daemon.addresses[0]
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(TIMEOUT)
            self.socket.connect(address.removeprefix("unix:"))
        else:
            self.socket = socket.create_connection((address, port), TIMEOUT)
        if daemon.tls:
            self.socket = daemon.tls.wrap_socket(self.socket,
                                                 server_hostname="localhost")
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method, target, headers=(), body=b"", version="1.1"):
        """Sends a well-formed request around the given pieces, all bytes or
        str; Host and Content-Length are added when absent."""
        lines = [_bytes(name) + b": " + _bytes(value)
                 for name, value in headers]
        names = {_bytes(name).lower() for name, _ in headers}
        if b"host" not in names:
            lines.append(b"Host: localhost")
        if body and not names & {b"content-length", b"transfer-encoding"}:
            lines.append(b"Content-Length: %d" % len(body))
        start = b" ".join([_bytes(method), _bytes(target),
                           b"HTTP/" + _bytes(version)])
        self.send(b"\r\n".join([start, *lines, b"", body]))

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            raise Closed(f"after {self.buffer[:100]!r}")
        self.buffer += data

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _take_line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def _take_chunks(self):
        body = b""
        while True:
            size = int(self._take_line(), 16)
            body += self._take(size)
            assert self._take_line() == b"", "a chunk longer than it says"
            if size == 0:
                return body

    def _take_head(self):
        version, status, _ = self._take_line().split(b" ", 2)
        assert version in (b"HTTP/1.1", b"HTTP/1.0"), version
        headers = []
        while True:
            line = self._take_line()
            if not line:
                return int(status), httpx.Headers(headers)
            name, colon, value = line.partition(b":")
            assert colon, f"a header line without a colon: {line!r}"
            headers.append((name, value.strip()))

    def response(self, method="GET", target="/", sent=(), judge=True):
        """Reads the next final response; raises Closed when there is none."""
        status, headers = self._take_head()
        while 100 <= status < 200:
            status, headers = self._take_head()
        body = b""
        if method != "HEAD" and status not in (204, 304):
            if headers.get("transfer-encoding", "").lower() == "chunked":
                body = self._take_chunks()
            elif "content-length" in headers:
                body = self._take(int(headers["content-length"]))
            else:
                body = self.rest()
        reply = Reply(_text(method), _text(target), httpx.Headers(list(sent)),
                      status, headers, body)
        if judge:
            self.daemon.answer(reply, documented=False)
        return reply

    def exchange(self, method, target, headers=(), body=b"", version="1.1"):
        """request() and its response()."""
        self.request(method, target, headers, body, version)
        return self.response(method, target, headers)

    def rest(self):
        """All bytes until the peer closes."""
        while True:
            try:
                self._more()
            except Closed:
                data, self.buffer = self.buffer, b""
                return data

    def last_words(self, data):
        """Sends the data and no more; all that comes back, perhaps b""."""
        try:
            self.send(data)
            self.finish_sending()
        except OSError:
            pass        # the peer had enough; what it said may be there
        return self.rest()

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)


def _bytes(value):
    return value if isinstance(value, bytes) else value.encode("utf-8")


def _text(value):
    return value if isinstance(value, str) else value.decode("latin-1")
