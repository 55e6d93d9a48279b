"""What proxies say: who is believed, who the client is then, and HTTPS."""

import contextlib
import signal
import socket
import struct

import pytest

from daemon import Daemon, run_todod, wait_until
from expect import detail
from users import sign_in, sign_up, unique_email
from waits import are_read, no_writes

CLIENT = "203.0.113.1"
OTHER = "203.0.113.66"
HSTS = "strict-transport-security"


def behind(tmp, trusted, **env):
    return Daemon(folder=tmp, env={"TRUSTED_PROXIES": trusted, **env})


def client_of(daemon, headers, target="/"):
    """Who the access log says has sent this."""
    since = daemon.mark()
    with daemon.raw() as connection:
        assert connection.exchange("GET", target, headers).status == 200
    return daemon.wait_log("request", since)["client"]


@pytest.mark.parametrize("headers, client", [
    ([], "127.0.0.1"),
    ([("X-Forwarded-For", CLIENT)], CLIENT),
    ([("X-Forwarded-For", f"{OTHER}, {CLIENT}, 127.0.0.7")], CLIENT),
    ([("X-Forwarded-For", OTHER), ("X-Forwarded-For", CLIENT)], CLIENT),
    ([("X-Forwarded-For", "[2a00::1]:4711")], "2a00::1"),
    ([("X-Forwarded-For", "::ffff:203.0.113.1")], CLIENT),
    ([("Forwarded", f'for="{CLIENT}:80";proto=https')], CLIENT),
    ([("Forwarded", "for=_hidden")], "127.0.0.1"),
    ([("X-Real-IP", CLIENT)], CLIENT),
    ([("X-Forwarded-For", "unix")], "127.0.0.1"),
    ([("X-Forwarded-For", "127.0.0.1', '; DROP")], "127.0.0.1"),
    ([("X-Forwarded-For", ",".join([OTHER] * 999 + [CLIENT]))], CLIENT),
    ([("Forwarded", 'for="' + "\\" * 9000)], "127.0.0.1"),
], ids=lambda value: ascii(value)[:40])
def test_a_trusted_proxy_names_its_client(tmp, headers, client):
    with behind(tmp, "loopback") as daemon:
        assert client_of(daemon, headers) == client


def test_connections_of_a_proxy_are_those_of_many(tmp):
    for trusted, wanted in (("loopback", 200), ("10.0.0.0/8", 503)):
        with behind(tmp, trusted, WORKERS="1",
                    MAX_CONNECTIONS_PER_CLIENT="2") as daemon:
            with contextlib.ExitStack() as stack:
                for status in (200, 200, wanted):
                    connection = stack.enter_context(daemon.raw())
                    response = connection.exchange("GET", "/health", [])
                    assert response.status == status


def begin_to_write(daemon, user, headers):
    """A connection on which a task is being created, until there is no_writes
    any more."""
    connection = daemon.raw()
    connection.request("POST", user.tasks, [
        *user.auth.items(), *headers], b'{"title":"waits"}')
    return connection


def test_requests_of_a_client_behind_a_proxy_have_a_cap(tmp):
    """In flight at a time; what a proxy passes on for others goes on."""
    ipv6 = [("X-Forwarded-For", f"2001:db8:1:2::{n}") for n in (1, 2, 3)]
    client, other = (("X-Forwarded-For", ip) for ip in (CLIENT, OTHER))
    unclear = [client, ("Forwarded", f"for={OTHER}")]
    with behind(tmp, "loopback", WORKERS="1", REQUEST_TIMEOUT="300",
                MAX_CONNECTIONS_PER_CLIENT="2") as daemon:
        daemon.expect_log("a trusted proxy passes on")
        user = sign_up(daemon)
        with no_writes(tmp):
            busy = [begin_to_write(daemon, user, headers) for headers in (
                [client], [client], [ipv6[0]], [ipv6[1]], unclear, unclear)]
            are_read(daemon)
            with daemon.raw() as connection:
                for headers in ([client], [ipv6[2]], unclear):
                    reply = connection.exchange("GET", "/", headers)
                    assert reply.status == 503
                    assert reply.headers["retry-after"] == "1"
                    assert "Too many" in reply.json()["detail"]
                for headers in ([other], []):
                    reply = connection.exchange("GET", "/", headers)
                    assert reply.status == 200
        for connection in busy:
            assert connection.response("POST", user.tasks).status == 201
            connection.close()
        for _ in range(3):
            assert client_of(daemon, [client]) == CLIENT


def test_who_leaves_a_proxy_does_not_count_any_more(tmp):
    headers = [("X-Forwarded-For", CLIENT)]
    with behind(tmp, "loopback", WORKERS="1", REQUEST_TIMEOUT="300",
                MAX_CONNECTIONS_PER_CLIENT="1") as daemon:
        user = sign_up(daemon)
        with no_writes(tmp):
            leaver = begin_to_write(daemon, user, headers)
            are_read(daemon)
            with daemon.raw() as connection:
                assert connection.exchange("GET", "/", headers).status == 503
            leaver.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     struct.pack("ii", 1, 0))
            leaver.close()
            wait_until(lambda: daemon.http.get(
                "/", headers=dict(headers)).status_code == 200, "a place")


def test_nobody_else_does(tmp):
    headers = [(name, CLIENT) for name in ("X-Forwarded-For", "X-Real-IP")]
    for trusted in (None, "none", "10.0.0.0/8,::1,unix"):
        with behind(tmp, trusted) as daemon:
            assert client_of(daemon, headers) == "127.0.0.1"


def test_a_unix_socket_can_be_a_proxy(tmp):
    for trusted, client in (("unix", CLIENT), ("private", "unix")):
        with behind(tmp, trusted, HOST=f"unix:{tmp}/s") as daemon:
            since = daemon.mark()
            daemon.http.get("/", headers={"X-Forwarded-For": CLIENT})
            assert daemon.wait_log("request", since)["client"] == client


def test_headers_that_contradict_each_other_name_nobody(tmp):
    with behind(tmp, "loopback", WORKERS="1") as daemon:
        daemon.expect_log("a trusted proxy")
        headers = [("X-Forwarded-For", CLIENT),
                   ("Forwarded", f"for={OTHER}")]
        for _ in range(3):
            assert client_of(daemon, headers) == "127.0.0.1"
        assert len([line for line in daemon.lines
                    if line["msg"].startswith("a trusted proxy")]) == 1


def test_a_proxy_that_nobody_has_named_is_warned_of_once(tmp):
    with behind(tmp, None, WORKERS="1") as daemon:
        daemon.expect_log("a proxy that", "sign-in refused")
        sign_in(daemon, unique_email())
        assert not daemon.logged("request", status=429)
        for _ in range(3):
            daemon.http.post("/api/auth/signin", headers={
                "X-Forwarded-For": CLIENT},
                json={"email": unique_email(), "password": "x"})
        line, = [line for line in daemon.lines
                 if line["msg"].startswith("a proxy that")]
        assert "TRUSTED_PROXIES" in line["msg"]
        assert line["peer"] == "127.0.0.1"


def test_the_list_can_change_with_a_reload(tmp):
    conf = tmp / "todod.conf"
    conf.write_text("trusted-proxies = none\n")
    with Daemon(f"--config={conf}", folder=tmp) as daemon:
        headers = [("X-Forwarded-For", CLIENT)]
        assert client_of(daemon, headers) == "127.0.0.1"
        conf.write_text("trusted-proxies = 127.0.0.0/8\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("reloaded")
        wait_until(lambda: client_of(daemon, headers) == CLIENT,
                   "the new list")


# -- https

@pytest.fixture
def strict(tmp):
    with behind(tmp, "loopback", REQUIRE_HTTPS="yes",
                CORS_ORIGINS="http://localhost:3000") as daemon:
        yield daemon


def test_https_is_served_and_stays(strict):
    response = strict.wild.get("/", headers={"X-Forwarded-Proto": "https"})
    assert response.status_code == 200
    assert response.headers[HSTS] == "max-age=31536000"


@pytest.mark.parametrize("headers", [
    {}, {"X-Forwarded-Proto": "http"},
    {"Forwarded": "for=203.0.113.1;proto=http",
     "X-Forwarded-Proto": "https"}], ids=str)
def test_http_is_sent_to_https(strict, headers):
    response = strict.wild.get("/docs?a=%2F", headers={
        "Host": "todo.example:8000", **headers})
    detail(response, 308, "Permanent Redirect")
    assert response.headers["location"] == "https://todo.example/docs?a=%2F"
    assert HSTS not in response.headers
    head = strict.wild.head("/docs", headers=headers)
    assert head.status_code == 308


def test_what_carries_something_is_refused(strict):
    page = {"Origin": "http://localhost:3000"}
    response = strict.wild.post("/api/auth/signin", headers=page,
                                json={"email": "a@b.example"})
    detail(response, 403, "HTTPS is required")
    assert response.headers["access-control-allow-origin"] == page["Origin"]
    problem = strict.wild.delete("/api/todos/1", headers={
        "Accept": "application/problem+json"})
    assert problem.json()["detail"] == "HTTPS is required"


def test_health_checks_need_no_https(strict):
    for path in ("/health", "/api/health"):
        response = strict.wild.get(path)
        assert response.status_code == 200
        assert HSTS not in response.headers


@pytest.mark.parametrize("host", [
    "evil.example/", "a@evil.example", "a b", "evil.example#", "[::1",
    'a"b', "a\\b", "a\tb"])
def test_a_host_that_is_none_gets_into_no_header(strict, host):
    with strict.raw() as connection:
        reply = connection.exchange("GET", "/", [
            ("Host", "todo.example"), ("X-Forwarded-Host", host)])
        assert reply.headers["location"] == "https://todo.example/"
    with strict.raw() as connection:
        reply = connection.exchange("GET", "/", [("Host", host)])
        assert reply.status in (400, 403)
        assert "location" not in reply.headers


def test_a_host_in_the_target_counts_instead_of_the_other(strict):
    """RFC 9112, 3.2.2: and 1.0 needs no other."""
    for rest in (b"HTTP/1.1\r\nHost: evil.example", b"HTTP/1.0"):
        with strict.raw() as connection:
            connection.send(b"GET http://good.example:81?a " + rest +
                            b"\r\n\r\n")
            reply = connection.response()
            assert reply.status == 308
            assert reply.headers["location"] == "https://good.example/?a"


def test_a_stranger_chooses_no_host(tmp):
    with behind(tmp, "10.0.0.0/8", REQUIRE_HTTPS="yes") as daemon:
        response = daemon.wild.get("/", headers={
            "Host": "todo.example", "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "https"})
        assert response.headers["location"] == "https://todo.example/"


# -- the configuration

@pytest.mark.parametrize("env, words", [
    ({"TRUSTED_PROXIES": "10.0.0.1/8"}, "TRUSTED_PROXIES 10.0.0.1/8 network"),
    ({"TRUSTED_PROXIES": "proxy.example"}, "TRUSTED_PROXIES proxy.example"),
    ({"REQUIRE_HTTPS": "yes"}, "REQUIRE_HTTPS TRUSTED_PROXIES"),
    ({"REQUIRE_HTTPS": "yes", "TRUSTED_PROXIES": "none"}, "TRUSTED_PROXIES"),
], ids=str)
def test_what_cannot_work_is_refused(tmp, env, words):
    for command in ([], ["--check-config"]):
        done = run_todod(*command, folder=tmp, env=env)
        assert done.returncode == 78, done.stderr
        assert all(word in done.stderr for word in words.split())


def test_the_list_is_shown(tmp):
    done = run_todod("--dump-config", "--trusted-proxies=loopback,unix",
                     folder=tmp)
    assert done.returncode == 0
    assert "trusted-proxies = loopback,unix" in done.stdout
