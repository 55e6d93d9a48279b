"""Stopping, signals, reloading, workers that die, a master that dies."""

import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import time

import httpx
import pytest

from client import Closed, checking
from daemon import Daemon, is_running, wait_until
from users import PASSWORD, sign_in, sign_up, unique_email

# Hashing that takes long enough to be caught at it.
SLOW = {"HASH_PASSES": "16", "HASH_MEMORY_KIB": "49152",
        "HASH_THREADS": "4", "WORKERS": "1"}
SLOWEST = {"HASH_PASSES": "16", "HASH_MEMORY_KIB": "1048576",
           "HASH_THREADS": "1", "WORKERS": "1"}


def refuses_connections(daemon):
    try:
        with socket.create_connection(daemon.addresses[0], 5):
            return False
    except OSError:
        return True


def begin_sign_up(daemon, email):
    """Sends a sign-up and returns its connection, answer unread."""
    body = json.dumps({"name": "Slow", "email": email,
                       "password": PASSWORD}).encode()
    connection = daemon.raw()
    connection.request("POST", "/api/auth/signup",
                       [("Content-Type", "application/json")], body)
    return connection


def is_being_served(daemon):
    """Once this later request is answered, the earlier ones were read."""
    for _ in range(3):
        with daemon.raw() as connection:
            assert connection.exchange("GET", "/health").status == 200


# -- stopping

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(tmp, number):
    with Daemon(folder=tmp) as daemon:
        daemon.http.get("/health")
        daemon.process.send_signal(number)
        daemon.finish()
        assert daemon.process.returncode == 0
        assert daemon.lines[-1]["msg"] == "stopped"


def test_requests_in_flight_are_finished(tmp):
    with Daemon(folder=tmp, env=SLOW) as daemon:
        emails = [unique_email("slow") for _ in range(6)]
        pending = [begin_sign_up(daemon, email) for email in emails]
        is_being_served(daemon)
        daemon.process.send_signal(signal.SIGTERM)
        for connection in pending:
            reply = connection.response("POST", "/api/auth/signup")
            assert reply.status == 201, reply.body
            connection.close()
        daemon.finish()
        assert daemon.process.returncode == 0
        assert daemon.logged("stopped")
    with Daemon(folder=tmp, env=SLOW) as daemon:
        for email in emails:
            response = daemon.http.post("/api/auth/signup", json={
                "name": "Again", "email": email, "password": PASSWORD})
            assert response.json() == {"detail": "Email already registered"}


def test_idle_connections_do_not_hold_up_a_stop(tmp):
    with Daemon(folder=tmp) as daemon:
        idle = [daemon.raw() for _ in range(8)]
        for connection in idle[:4]:
            assert connection.exchange("GET", "/health").status == 200
        began = time.monotonic()
        daemon.stop()
        assert time.monotonic() - began < 5
        for connection in idle:
            assert connection.rest() == b""
            connection.close()


def test_a_half_sent_request_does_not_hold_up_a_stop(tmp):
    with Daemon("--drain-timeout=2", folder=tmp) as daemon:
        with daemon.raw() as connection:
            connection.send(b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\n"
                            b"Content-Length: 100\r\n\r\n{")
            is_being_served(daemon)
            daemon.expect_log("drain")
            daemon.process.send_signal(signal.SIGTERM)
            daemon.finish(6)


def test_a_second_signal_is_immediate(tmp):
    with Daemon(folder=tmp, env=SLOWEST) as daemon:
        connection = begin_sign_up(daemon, unique_email("slow"))
        is_being_served(daemon)
        daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses_connections(daemon), "the drain")
        assert daemon.process.poll() is None, "it did not wait to drain"
        began = time.monotonic()
        while daemon.process.poll() is None:
            # The two must not become one pending signal.
            daemon.process.send_signal(signal.SIGTERM)
            assert time.monotonic() - began < 3
            try:
                daemon.process.wait(0.05)
            except subprocess.TimeoutExpired:
                pass
        connection.close()
        daemon.lossy = True
        daemon.expect_log("")
        daemon.finish()


def test_the_drain_has_a_deadline(tmp):
    with Daemon("--drain-timeout=1", folder=tmp, env=SLOWEST) as daemon:
        connection = begin_sign_up(daemon, unique_email("slow"))
        is_being_served(daemon)
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.lossy = True
        daemon.expect_log("")
        daemon.finish()
        assert 0.5 < time.monotonic() - began < 6
        connection.close()


def test_it_can_be_stopped_and_started_again_and_again(tmp):
    with Daemon(folder=tmp) as daemon:
        user = sign_up(daemon)
        made = []
        for n in range(4):
            made.insert(0, user.create(f"round {n}"))
            daemon.restart()
            assert user.list() == made


def test_it_stops_while_clients_go_on(tmp):
    """A stop under load: every answer is whole, none is a failure."""
    with Daemon(folder=tmp) as daemon:
        user = sign_up(daemon)
        acknowledged = []

        def write(number):
            with checking(daemon) as http:
                for n in range(100000):
                    title = f"{number}-{n}"
                    try:
                        response = http.post(user.tasks, headers=user.auth,
                                             json={"title": title})
                    except httpx.TransportError:
                        return "gone"
                    if response.status_code == 503:
                        return "gone"
                    assert response.status_code == 201
                    acknowledged.append(title)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            writers = [pool.submit(write, n) for n in range(4)]
            wait_until(lambda: len(acknowledged) > 60, "some writes")
            daemon.stop()
            assert [each.result() for each in writers] == ["gone"] * 4
        daemon.start()
        kept = [task["title"] for task in user.list()]
        assert len(kept) == len(set(kept))
        assert set(acknowledged) <= set(kept)
        assert len(kept) - len(acknowledged) <= 4


def test_a_client_that_has_just_connected_is_served_while_it_stops(tmp):
    with Daemon(folder=tmp, env={"WORKERS": "1"}) as daemon:
        with daemon.raw() as fresh, daemon.raw() as later:
            # Accepted after the first one, which has sent nothing yet.
            assert later.exchange("GET", "/health").status == 200
            daemon.process.send_signal(signal.SIGTERM)
            wait_until(lambda: refuses_connections(daemon), "the drain")
            assert fresh.exchange("GET", "/health").status == 200
            # One that has been served is closed a moment later.
            assert later.rest() == b""
        daemon.finish()


def test_a_client_that_goes_on_is_told_to_close_while_it_stops(tmp):
    """Its connection is not closed under its next request."""
    with Daemon(folder=tmp, env={"WORKERS": "1"}) as daemon:
        with daemon.raw() as connection:
            assert connection.exchange("GET", "/health").status == 200
            daemon.process.send_signal(signal.SIGTERM)
            wait_until(lambda: refuses_connections(daemon), "the drain")
            last = connection.exchange("GET", "/health")
            assert last.status == 200
            assert last.headers["connection"] == "close"
            assert connection.rest() == b""
        daemon.finish()


# -- reloading

def test_a_reload_takes_the_new_configuration(tmp):
    conf = tmp / "todod.conf"
    conf.write_text("cors-origins = https://old.example\n")
    with Daemon("--config", conf, folder=tmp) as daemon:
        user = sign_up(daemon)
        assert is_allowed(daemon, "https://old.example")
        conf.write_text("cors-origins = https://new.example\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("reloaded")
        wait_until(lambda: all(is_allowed(daemon, "https://new.example")
                               for _ in range(8)), "the new origin")
        assert not is_allowed(daemon, "https://old.example")
        assert user.create("after the reload")


def is_allowed(daemon, origin):
    """Asked on a new connection, which any worker may take."""
    with daemon.raw() as connection:
        reply = connection.exchange("GET", "/health", [("Origin", origin)])
    return reply.headers.get("access-control-allow-origin") == origin


@pytest.mark.parametrize("text, word", [
    ("cors-origins = https://old.example\ncolour = red\n", "colour"),
    ("log-level = loud\n", "log-level"), ("workers = x\n", "workers"),
    (None, "todod.conf")])
def test_a_bad_file_keeps_the_old_configuration(tmp, text, word):
    conf = tmp / "todod.conf"
    conf.write_text("cors-origins = https://old.example\n")
    with Daemon("--config", conf, folder=tmp,
                env={"WORKERS": None}) as daemon:
        pids = daemon.workers()
        if text is None:
            conf.unlink()
        else:
            conf.write_text(text)
        daemon.expect_log("reload refused")
        daemon.process.send_signal(signal.SIGHUP)
        line = daemon.wait_log("reload refused")
        assert word in line["text"], line
        for _ in range(4):
            assert is_allowed(daemon, "https://old.example")
        assert daemon.workers() == pids


def set_version(tmp, version):
    """As a newer todod's migration leaves the schema, or as it was."""
    with contextlib.closing(sqlite3.connect(tmp / "todod.db")) as db:
        db.execute("DELETE FROM schema_migrations WHERE version = 9999")
        if version:
            db.execute("INSERT INTO schema_migrations (version, name,"
                       " applied_at) VALUES (9999, 'from_the_future', 1)")
        db.commit()


def test_a_schema_that_becomes_newer_stops_nobody(tmp):
    """A rolling deployment migrates first: those that serve go on."""
    with Daemon(folder=tmp) as daemon:
        user = sign_up(daemon)
        set_version(tmp, 9999)
        daemon.expect_log("database schema is too new", "worker exited",
                          "cannot start a worker", "reload refused")
        daemon.lossy = True
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("reload refused")
        assert user.create("still here")
        master, since = daemon.process.pid, daemon.mark()
        wait_until(lambda: len(children(master)) == 2, "the end of the new")
        os.kill(children(master)[0], signal.SIGKILL)
        daemon.wait_log("database schema is too new", since)
        for _ in range(10):
            daemon.discard_clients()
            assert len(user.list()) == 1
        set_version(tmp, None)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("reloaded", since)


def test_a_stop_while_it_migrates_is_a_stop(tmp):
    with open(tmp / "todod.db-lock", "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        daemon = Daemon(folder=tmp)
        daemon.expect_log("running as root")
        try:
            daemon.start(wait=False)
            wait_until(lambda: children(daemon.process.pid), "the migration")
            job, = children(daemon.process.pid)
            daemon.process.send_signal(signal.SIGTERM)
            daemon.finish(5)
            assert daemon.process.returncode == 0
            assert daemon.logged("stopped")
            wait_until(lambda: not is_running(job), "its end")
        finally:
            daemon.discard()


def test_reloads_lose_no_request(tmp):
    conf = tmp / "todod.conf"
    conf.write_text("")
    with Daemon("--config", conf, folder=tmp) as daemon:
        user = sign_up(daemon)
        for n in range(5):
            since = daemon.mark()
            daemon.process.send_signal(signal.SIGHUP)
            for _ in range(10):
                with daemon.new_client() as http:
                    response = http.get(user.tasks, headers=user.auth)
                assert response.status_code == 200
            daemon.wait_log("reloaded", since)


# -- workers and the master

def test_a_killed_worker_is_replaced(tmp):
    with Daemon(folder=tmp) as daemon:
        user = sign_up(daemon)
        for number, pid in sorted(daemon.workers().items()):
            daemon.expect_log("worker exited")
            daemon.lossy = True
            since = daemon.mark()
            os.kill(pid, signal.SIGKILL)
            daemon.wait_log("worker exited", since, pid=pid)
            daemon.wait_log("worker started", since, worker=number)
            daemon.discard_clients()
            assert daemon.workers()[number] != pid
            assert user.create(f"after worker {number}")
            wait_until(lambda: is_running(daemon.workers()[number]),
                       "the new worker")
        assert len(user.list()) == 2


def test_a_crashing_worker_is_replaced(tmp):
    with Daemon(folder=tmp, env={"WORKERS": "1"}) as daemon:
        since = daemon.mark()
        daemon.expect_log("worker exited")
        os.kill(daemon.workers()[0 if 0 in daemon.workers() else 1],
                signal.SIGABRT)
        daemon.wait_log("worker started", since)
        assert daemon.http.get("/health").status_code == 200


def test_a_stopped_worker_strands_no_new_connection(tmp):
    """One worker hangs; new connections are served by the others."""
    with Daemon("--workers=3", folder=tmp, env={"WORKERS": None}) as daemon:
        daemon.lossy = True
        daemon.expect_log("worker")
        victim = next(iter(daemon.workers().values()))
        os.kill(victim, signal.SIGSTOP)
        try:
            for _ in range(30):
                with daemon.raw() as connection:
                    assert connection.exchange("GET", "/health").status == 200
        finally:
            os.kill(victim, signal.SIGCONT)


def test_the_masters_death_ends_the_workers(tmp):
    with Daemon(folder=tmp) as daemon:
        user = sign_up(daemon)
        task = user.create("kept")
        pids = list(daemon.workers().values())
        assert pids and all(map(is_running, pids))
        daemon.expect_log("")
        daemon.lossy = True
        daemon.kill()
        wait_until(lambda: not any(map(is_running, pids)), "the workers' end")
        assert refuses_connections(daemon)
        daemon.discard()
    with Daemon(folder=tmp) as daemon:
        user.daemon = daemon
        assert user.list() == [task]


def children(pid):
    """Of a process with one thread, the keeper's among them."""
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


def test_a_stopped_process_does_not_outlive_the_master(tmp):
    """It would hold the port, and nobody would be left to wake it."""
    with Daemon(folder=tmp, env={
            "JWKS_URL": "http://127.0.0.1:9/jwks"}) as daemon:
        sign_up(daemon)
        pids = children(daemon.process.pid)
        assert set(daemon.workers().values()) < set(pids)
        daemon.expect_log("")
        daemon.lossy = True
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        daemon.kill()
        wait_until(lambda: not any(map(is_running, pids)), "their end")
        assert refuses_connections(daemon)
        daemon.discard()


def test_a_workers_death_breaks_only_its_own_connections(tmp):
    with Daemon(folder=tmp) as daemon:
        daemon.expect_log("worker exited")
        daemon.lossy = True
        connections = []

        def both_serve():
            """Each of the workers has a connection; one more until then."""
            connections.append(daemon.raw())
            assert connections[-1].exchange("GET", "/health").status == 200
            return len({line["worker"]
                        for line in daemon.logged("request")}) > 1

        wait_until(both_serve, "connections of both workers")
        since = daemon.mark()
        os.kill(next(iter(daemon.workers().values())), signal.SIGKILL)
        daemon.wait_log("worker started", since)
        survivors = 0
        for connection in connections:
            try:
                reply = connection.exchange("GET", "/health")
                survivors += reply.status == 200
            except (Closed, OSError):
                pass
            connection.close()
        assert 0 < survivors < len(connections)


def test_a_sign_in_survives_the_death_of_another_worker(tmp):
    """Hashing slots of a killed worker are given back."""
    with Daemon(folder=tmp, env={"HASH_PASSES": "16"}) as daemon:
        user = sign_up(daemon)
        daemon.expect_log("worker exited")
        daemon.lossy = True
        for _ in range(3):
            since = daemon.mark()
            pending = [begin_sign_up(daemon, unique_email("lost"))
                       for _ in range(8)]
            is_being_served(daemon)
            for pid in daemon.workers().values():
                os.kill(pid, signal.SIGKILL)
            for number in daemon.workers():
                daemon.wait_log("worker started", since, worker=number)
            for connection in pending:
                connection.close()
        daemon.discard_clients()
        assert sign_in(daemon, user.email).status_code == 200
