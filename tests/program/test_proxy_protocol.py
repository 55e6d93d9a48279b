"""PROXY headers: who is believed, in front of HTTP and of TLS."""

import contextlib
import socket
import ssl
import struct

import pytest

from certificates import Authority
from daemon import Daemon, run_todod, seconds, unavailable, wait_until

CONFIG = 78
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
WRONG = "a trusted proxy does not begin with a PROXY header"


def text(client="192.0.2.7", family="TCP4"):
    """A header of version 1."""
    server = "::1" if family == "TCP6" else "127.0.0.1"
    return f"PROXY {family} {client} {server} 4711 80\r\n".encode()


def block(client=None, command=1, more=b""):
    """A header of version 2; without a client of the proxy itself."""
    addresses, kind = b"", 0
    if client:
        family = socket.AF_INET6 if ":" in client else socket.AF_INET
        server = "::1" if ":" in client else "127.0.0.1"
        kind = 0x21 if ":" in client else 0x11
        addresses = (socket.inet_pton(family, client)
                     + socket.inet_pton(family, server)
                     + struct.pack("!HH", 4711, 80))
    return SIGNATURE + struct.pack(
        "!BBH", 0x20 | command, kind, len(addresses + more)) + addresses + more


KNOWN = [(text(), "192.0.2.7"), (text("2001:db8::7", "TCP6"), "2001:db8::7"),
         (text("::ffff:192.0.2.7", "TCP6"), "192.0.2.7"),
         (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
         (block("192.0.2.7"), "192.0.2.7"),
         (block("2001:db8::7", more=b"\x04\0\3abc"), "2001:db8::7"),
         (block(command=0), "127.0.0.1"), (block(), "127.0.0.1")]
IDS = ["text4", "text6", "mapped", "unknown", "block4", "block6", "local",
       "unspecified"]


@pytest.fixture(scope="module", params=["http", "https"])
def proxied(request, tmp_path_factory):
    """A daemon that believes this machine, with and without TLS."""
    folder = tmp_path_factory.mktemp("proxied")
    env = {"PROXY_PROTOCOL": "yes", "TRUSTED_PROXIES": "127.0.0.1",
           "RATE_LIMIT": "off"}
    tls = None
    if request.param == "https":
        if "libssl" not in run_todod("--version", folder=folder,
                                     bare=True).stdout:
            unavailable("this build has no TLS")
        chain = Authority().issue().save(folder)
        env.update(chain.env(folder))
        tls = chain.context()
    with Daemon(folder=folder, env=env, tls=tls) as daemon:
        yield daemon


@contextlib.contextmanager
def connected(daemon, header, size=None):
    """A connection that begins with these bytes, in pieces of that size."""
    size = size or len(header) or 1
    with socket.create_connection(daemon.addresses[0], seconds(20)) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(header), size):
            plain.sendall(header[at:at + size])
        if daemon.tls:
            with daemon.tls.wrap_socket(
                    plain, server_hostname="localhost") as secure:
                yield secure
        else:
            yield plain


def answer(connection, request=HEALTH):
    connection.sendall(request)
    data = b""
    while not data.endswith(b"}"):
        more = connection.recv(65536)
        assert more, data
        data += more
    return data


def client_of(daemon, header, size=None, request=HEALTH):
    """Whom the daemon takes the sender of a request for."""
    since = daemon.mark()
    with connected(daemon, header, size) as connection:
        assert answer(connection, request).startswith(b"HTTP/1.1 200 ")
    return daemon.wait_log("request", since)["client"]


@pytest.mark.parametrize("header, client", KNOWN, ids=IDS)
def test_the_client_is_the_one_the_header_names(proxied, header, client):
    assert client_of(proxied, header) == client


@pytest.mark.parametrize("size", [1, 5, 16])
@pytest.mark.parametrize("header", [text(), block("192.0.2.7")],
                         ids=["text", "block"])
def test_the_header_may_come_in_pieces(proxied, header, size):
    assert client_of(proxied, header, size) == "192.0.2.7"


def test_header_and_request_may_come_at_once(tmp):
    with Daemon(folder=tmp, env={"PROXY_PROTOCOL": "yes",
                                 "TRUSTED_PROXIES": "loopback"}) as daemon:
        since = daemon.mark()
        with connected(daemon, text() + HEALTH + HEALTH) as connection:
            wait_until(lambda: len(daemon.logged("request", since)) == 2,
                       "both answers")
            assert answer(connection).startswith(b"HTTP/1.1 200 ")
        assert {line["client"] for line in daemon.logged("request", since)} \
            == {"192.0.2.7"}


def test_a_named_proxy_that_is_trusted_may_name_another(tmp):
    with Daemon(folder=tmp, env={
            "PROXY_PROTOCOL": "yes",
            "TRUSTED_PROXIES": "127.0.0.1,192.0.2.7"}) as daemon:
        request = HEALTH.replace(
            b"\r\n\r\n", b"\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
        assert client_of(daemon, text(), None, request) == "203.0.113.9"
        assert client_of(daemon, text("192.0.2.8"), None,
                         request) == "192.0.2.8"


@pytest.mark.parametrize("data", [
    HEALTH, b"\x16\x03\x01\x02\x00\x01\x00", b"PROXY TCP4 x y 1 2\r\n",
    SIGNATURE + b"\x31\x11\0\0", b"PROXY UNKNOWN " + b"x" * 200])
def test_a_connection_without_one_is_closed(proxied, data):
    proxied.expect_log(WRONG)
    since = proxied.mark()
    with socket.create_connection(proxied.addresses[0],
                                  seconds(20)) as connection:
        connection.sendall(data)
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1000) == b""
    assert proxied.wait_log(WRONG, since)["peer"] == "127.0.0.1"
    assert client_of(proxied, text()) == "192.0.2.7"


def test_a_proxy_that_never_speaks_has_a_deadline(proxied):
    with socket.create_connection(proxied.addresses[0],
                                  seconds(40)) as silent, \
            socket.create_connection(proxied.addresses[0],
                                     seconds(40)) as halfway:
        halfway.sendall(b"PROXY TCP4 192.")
        with contextlib.suppress(ConnectionError):
            assert silent.recv(1) == b""
        with contextlib.suppress(ConnectionError):
            assert halfway.recv(1) == b""


def test_others_cannot_say_who_they_are(tmp):
    with Daemon(folder=tmp, env={"PROXY_PROTOCOL": "yes",
                                 "TRUSTED_PROXIES": "192.0.2.1"}) as daemon:
        assert client_of(daemon, b"") == "127.0.0.1"
        with connected(daemon, text()) as connection:
            assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_connections_are_counted_by_the_client(tmp):
    with Daemon(folder=tmp, env={
            "PROXY_PROTOCOL": "yes", "TRUSTED_PROXIES": "loopback",
            "WORKERS": "1", "MAX_CONNECTIONS_PER_CLIENT": "2"}) as daemon:
        with contextlib.ExitStack() as stack:
            for client in ("192.0.2.7", "192.0.2.7", "192.0.2.8"):
                connection = stack.enter_context(
                    connected(daemon, text(client)))
                assert answer(connection).startswith(b"HTTP/1.1 200 ")
            surplus = stack.enter_context(connected(daemon, text()))
            assert surplus.recv(1000).startswith(b"HTTP/1.1 503 ")


def test_a_list_of_proxies_is_required(tmp):
    done = run_todod("--check-config", folder=tmp,
                     env={"PROXY_PROTOCOL": "yes"})
    assert done.returncode == CONFIG
    assert "TRUSTED_PROXIES" in done.stderr
