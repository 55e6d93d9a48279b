"""Rate limits: one over all workers, counted early, never a lock-out."""

import concurrent.futures
import os
import pathlib
import signal
import threading
import time

import pytest

from client import plain
from daemon import Daemon, run_todod, seconds, wait_until
from expect import detail
from users import (PASSWORD, Person, bearer, mint, sign_in, sign_up,
                   unique_email)

WRONG = "Wr0ng!password"
PAGE = "http://localhost:3000"
MIB = 1 << 20


def limited(tmp, *, trusted="loopback", **limits):
    """A daemon whose peer is a trusted proxy; the test is its clients."""
    return Daemon(folder=tmp, env={
        "TRUSTED_PROXIES": trusted,
        **{f"RATE_LIMIT_{name}": limit for name, limit in limits.items()}})


def as_client(address):
    return {"X-Forwarded-For": address}


def attempt(daemon, email, password=WRONG, address="203.0.113.1"):
    return daemon.http.post("/api/auth/signin", headers=as_client(address),
                            json={"email": email, "password": password})


def cpu_seconds(pids):
    """What these processes have computed so far."""
    ticks = 0
    for pid in pids:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def resident(pid):
    """Memory of a process, the shared mapping included, in bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


# -- one limit for all

def test_over_all_workers_there_is_one_limit(tmp):
    barrier = threading.Barrier(8)

    def burst(number):
        barrier.wait()
        statuses = []
        for _ in range(10):
            with plain(daemon) as http:     # a connection each
                statuses.append(http.get("/", headers=as_client(
                    "203.0.113.1")).status_code)
        return statuses

    with limited(tmp, ADDRESS="20/h") as daemon:
        daemon.expect_log("too many requests")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = sum(pool.map(burst, range(8)), [])
        assert statuses.count(200) == 20
        assert statuses.count(429) == 60
        served = {line["worker"] for line in daemon.logged("request")}
        assert len(served) == 2, "one worker has answered it all"


def test_killed_workers_forget_nothing(tmp):
    with limited(tmp, ADDRESS="3/h") as daemon:
        daemon.lossy = True
        daemon.expect_log("too many requests", "worker exited")
        client = as_client("203.0.113.1")
        for status in (200, 200, 200, 429):
            assert daemon.http.get("/", headers=client).status_code == status
        for number, pid in sorted(daemon.workers().items()):
            since = daemon.mark()
            os.kill(pid, signal.SIGKILL)
            daemon.wait_log("worker started", since, worker=number)
        daemon.discard_clients()

        def answer():
            with plain(daemon) as http:
                return http.get("/", headers=client).status_code

        assert answer() == 429
        with plain(daemon) as http:
            assert http.get("/", headers=as_client("203.0.113.2")
                            ).status_code == 200


def test_a_reload_forgets_nothing(tmp):
    with limited(tmp, ADDRESS="1/h") as daemon:
        daemon.expect_log("too many requests")
        client = as_client("203.0.113.1")
        assert daemon.http.get("/", headers=client).status_code == 200
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("reloaded")
        daemon.discard_clients()
        assert daemon.http.get("/", headers=client).status_code == 429


# -- by address

def test_an_address_that_a_stranger_makes_up_does_not_help(tmp):
    with limited(tmp, trusted="none", SIGNIN="2/h") as daemon:
        daemon.expect_log("too many requests", "sign-in refused")
        statuses = [attempt(daemon, unique_email(),
                            address=f"203.0.113.{n}").status_code
                    for n in range(4)]
        assert statuses == [401, 401, 429, 429]


def test_a_client_makes_up_none_behind_a_proxy(tmp):
    with limited(tmp, SIGNIN="2/h") as daemon:
        daemon.expect_log("too many requests", "sign-in refused")
        statuses = [attempt(daemon, unique_email(),
                            address=f"198.51.100.{n}, 203.0.113.1"
                            ).status_code for n in range(4)]
        assert statuses == [401, 401, 429, 429]
        assert attempt(daemon, unique_email(),
                       address="203.0.113.2").status_code == 401


def test_ipv6_counts_by_its_64(tmp):
    with limited(tmp, ADDRESS="2/h") as daemon:
        daemon.expect_log("too many requests")
        statuses = [daemon.http.get("/", headers=as_client(
            f"2a00:1:2:3:{n}::{n}")).status_code for n in range(3)]
        assert statuses == [200, 200, 429]
        assert daemon.http.get("/", headers=as_client("2a00:1:2:4::1")
                               ).status_code == 200


def test_health_checks_and_preflights_never_count(tmp):
    with limited(tmp, ADDRESS="1/h") as daemon:
        for _ in range(3):
            assert daemon.http.get("/health").status_code == 200
            assert daemon.http.get("/api/health").status_code == 200
            assert daemon.http.options("/api/todos", headers={
                "Origin": PAGE, "Access-Control-Request-Method": "GET",
            }).status_code == 204
        assert daemon.http.get("/", headers=as_client("203.0.113.1")
                               ).status_code == 200


@pytest.mark.parametrize("request_line, status", [
    (b"BREW /docs HTTP/1.1", 501), (b"GET /docs HTTP/1.1", 308)])
def test_what_is_refused_at_once_counts(tmp, request_line, status):
    with Daemon(folder=tmp, env={
            "TRUSTED_PROXIES": "loopback", "REQUIRE_HTTPS": "yes",
            "RATE_LIMIT_ADDRESS": "2/h"}) as daemon:
        daemon.expect_log("too many requests")
        scheme = b"https" if status == 501 else b"http"
        with daemon.raw() as connection:
            connection.send(3 * (
                request_line + b"\r\nHost: x\r\nX-Forwarded-Proto: " + scheme +
                b"\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"))
            assert [connection.response().status for _ in range(3)] == [
                status, status, 429]


def test_sign_up_has_a_limit_of_its_own(tmp):
    def answer(address):
        return daemon.http.post(
            "/api/auth/signup", headers=as_client(address),
            json={"name": "Ada", "email": unique_email(),
                  "password": PASSWORD}).status_code

    with limited(tmp, SIGNUP="2/h") as daemon:
        daemon.expect_log("too many requests", "sign-in refused")
        assert [answer("203.0.113.1") for _ in range(3)] == [201, 201, 429]
        assert answer("203.0.113.2") == 201
        assert attempt(daemon, unique_email()).status_code == 401


def test_as_it_comes_nobody_on_this_machine_is_hindered(tmp):
    """More than the limits by address allow in their time."""
    with Daemon(folder=tmp) as daemon:
        daemon.expect_log("sign-in refused")
        user = sign_up(daemon)
        for _ in range(20):
            assert sign_in(daemon, user.email).status_code == 200
        for _ in range(50):
            response = sign_in(daemon, unique_email(), WRONG)
            assert response.status_code == 401
            assert '"signin"' not in response.headers["ratelimit"]


@pytest.mark.slow
def test_memory_does_not_grow_with_100000_clients(tmp):
    batch, batches = 500, 200

    def send(connection, start):
        connection.send(b"".join(
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 2a00:%x:%x::1"
            b"\r\n\r\n" % (n >> 16, n & 0xffff)
            for n in range(start, start + batch)))
        for _ in range(batch):
            assert connection.response(judge=False).status == 200

    asan = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS", ""),
                                  "quarantine_size_mb=1"]))
    with Daemon(folder=tmp, env={
            "WORKERS": "1", "TRUSTED_PROXIES": "loopback",
            "RATE_LIMIT_ADDRESS": "100/h",
            "ASAN_OPTIONS": asan}) as daemon:
        daemon.lossy = True
        pid, = daemon.workers().values()
        with daemon.raw() as connection:
            for n in range(10):
                send(connection, 0x10000000 + n * batch)
            before = resident(pid)
            for n in range(batches):
                send(connection, n * batch)
        grown = resident(pid) - before
        assert grown < 6 * MIB, f"{grown / MIB:.1f} MiB"


# -- by account

def test_refusals_come_before_the_hash(tmp):
    """Ten times as many cost less than the few that were hashed."""
    with Daemon(folder=tmp, env={
            "RATE_LIMIT_ACCOUNT": "5/h", "HASH_PASSES": "8"}) as daemon:
        daemon.expect_log("too many requests", "sign-in refused")
        email = unique_email()
        pids = daemon.workers().values()
        daemon.describe()
        before = cpu_seconds(pids)
        for _ in range(5):
            assert sign_in(daemon, email, WRONG).status_code == 401
        hashed = cpu_seconds(pids) - before
        for _ in range(50):
            assert sign_in(daemon, email).status_code == 429
        refused = cpu_seconds(pids) - before - hashed
        assert refused < hashed, (refused, hashed)


def test_the_wait_grows_and_then_the_right_password_works(tmp):
    def next_wait(email):
        """Tries until it is refused; how long it has to wait then."""
        def refused():
            response = sign_in(daemon, email, WRONG)
            assert response.status_code in (401, 429)
            return response.headers.get("retry-after")
        return int(wait_until(refused, "a refusal"))

    def let_in(email):
        wait_until(lambda: sign_in(daemon, email, WRONG).status_code == 401,
                   "the end of the wait", 20)

    with Daemon(folder=tmp, env={"RATE_LIMIT_ACCOUNT": "3/6s"}) as daemon:
        daemon.expect_log("too many requests", "sign-in refused")
        user = sign_up(daemon)
        first = next_wait(user.email)
        assert 1 <= first <= 2
        deadline = time.monotonic() + seconds(60)
        while True:
            let_in(user.email)
            wait = next_wait(user.email)
            assert wait <= 6
            if wait > first:
                break
            assert time.monotonic() < deadline, "the wait does not grow"
        wait_until(lambda: sign_in(daemon, user.email).status_code == 200,
                   "the right password", 20)
        # It has begun anew.
        for _ in range(2):
            assert sign_in(daemon, user.email, WRONG).status_code == 401
        assert sign_in(daemon, user.email).status_code == 200


def test_the_limit_of_an_account_is_the_same_from_everywhere(tmp):
    with limited(tmp, ACCOUNT="3/h") as daemon:
        daemon.expect_log("too many requests", "sign-in refused")
        known, unknown = sign_up(daemon).email, unique_email()
        for email in (known, unknown):
            statuses = [attempt(daemon, email.swapcase() if n % 2 else email,
                                address=f"203.0.113.{n}").status_code
                        for n in range(5)]
            assert statuses == [401, 401, 401, 429, 429]


# -- by user, and what an answer looks like

@pytest.mark.parametrize("dialect", ["multiuser", "secured"])
def test_each_dialect_refuses_in_its_form(tmp, dialect):
    with Daemon(folder=tmp, env={
            "TASKS_DIALECT": dialect, "ACCOUNTS": "off",
            "RATE_LIMIT_USER": "2/h"}) as daemon:
        daemon.expect_log("too many requests")
        for path in ("/api/{}/tasks", "/api/todos"):
            person = Person(daemon)
            path = path.format(person.id)
            for n in range(2):
                response = person.request("GET", path)
                assert response.status_code == 200
                assert response.headers["ratelimit"].startswith(
                    f'"user";r={1 - n};t=')
                assert response.headers["ratelimit-policy"] == \
                    '"user";q=2;w=3600'
            refused = person.request("GET", path, headers={"Origin": PAGE})
            wait = int(refused.headers["retry-after"])
            assert 0 < wait <= 1800
            detail(refused, 429,
                   f"Too many requests, try again in {wait} seconds")
            exposed = refused.headers["access-control-expose-headers"]
            assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= \
                set(exposed.split(", "))
            problem = person.request("POST", path, content=b"{", headers={
                "Accept": "application/problem+json"})
            assert problem.status_code == 429
            assert problem.headers["content-type"] == \
                "application/problem+json"
            assert problem.json()["title"] == "Too Many Requests"
            other = Person(daemon)
            assert other.request("GET", "/api/todos").status_code == 200


def test_a_user_has_one_limit_with_any_token(tmp):
    with Daemon(folder=tmp, env={"RATE_LIMIT_USER": "3/h"}) as daemon:
        daemon.expect_log("too many requests")
        user = sign_up(daemon)
        statuses = []
        for n in range(5):
            token = mint(user.id, jti=str(n))
            statuses.append(daemon.http.get(
                "/api/todos", headers=bearer(token)).status_code)
        assert statuses == [200, 200, 200, 429, 429]


def test_off_is_off(tmp):
    with Daemon(folder=tmp, env={
            "RATE_LIMIT": "off", "RATE_LIMIT_ACCOUNT": "1/h",
            "RATE_LIMIT_USER": "1/h", "RATE_LIMIT_ADDRESS": "1/h",
            "TRUSTED_PROXIES": "none"}) as daemon:
        daemon.expect_log("sign-in refused")
        user = sign_up(daemon)
        for _ in range(3):
            assert sign_in(daemon, user.email, WRONG).status_code == 401
            response = user.request("GET", user.tasks)
            assert response.status_code == 200
            assert "ratelimit" not in response.headers


# -- the configuration

@pytest.mark.parametrize("value", ["fast", "100", "0/m", "1/0s", "1/25h",
                                   "20000/s", "-1/m"])
def test_a_limit_that_is_none_is_refused(tmp, value):
    done = run_todod("--check-config", folder=tmp,
                     env={"RATE_LIMIT_USER": value})
    assert done.returncode == 78
    assert "RATE_LIMIT_USER" in done.stderr and "100/m" in done.stderr


def test_limits_are_shown(tmp):
    done = run_todod("--dump-config", "--rate-limit-user=5/10m", folder=tmp)
    assert done.returncode == 0
    assert "rate-limit-user = 5/10m" in done.stdout
    assert "rate-limit-account = 100/h" in done.stdout
