"""What /api/health knows of a database on PostgreSQL, and what it costs."""

import concurrent.futures
import time

import pytest

from daemon import Daemon, run_todod, seconds, wait_until
from users import sign_up

ORIGIN = "http://localhost:3000"
HEALTHY = b'{"status":"healthy"}'
UNHEALTHY = b'{"status":"unhealthy","detail":"database unreachable"}'
CONNECTIONS = ("sql SELECT count(*) FROM pg_stat_activity"
               " WHERE usename = 'todod'")
TERMINATE = ("sql SELECT count(pg_terminate_backend(pid))"
             " FROM pg_stat_activity WHERE usename = 'todod'")
NOTICES = ("database connection", "database cannot", "request")


@pytest.fixture
def env(cluster, tmp):
    """A daemon's environment on an empty database of the cluster, by way of a
    proxy that counts."""
    port, proxy = cluster.said["port"], cluster.proxy()
    url = cluster.url(tmp).replace(f":{port}/", f":{proxy}/")
    return {"DATABASE_URL": url, "WORKERS": "2", "AUTO_MIGRATE": "yes"}


def health(daemon, method="GET"):
    return daemon.http.request(method, "/api/health",
                               headers={"Origin": ORIGIN})


def forget(cluster):
    """Has the proxy count from here on."""
    cluster.ask("proxy: bytes")
    cluster.ask("proxy: connections")


def ask_all_workers(daemon, count=100):
    """The answers to health calls that each worker has had its share of."""
    mark = daemon.mark()

    def ask(_):
        client = daemon.new_client()
        return client.get("/api/health").content

    def workers():
        return {line["worker"] for line in daemon.logged(
            "request", mark, route="/api/health")}

    answers = []
    deadline = time.monotonic() + seconds(20)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        while len(answers) < count or len(workers()) < 2:
            answers += pool.map(ask, range(16))
            assert time.monotonic() < deadline, workers()
    return set(answers)


def wait_closed(cluster):
    wait_until(lambda: cluster.tell(CONNECTIONS).strip() == "0",
               "no connection is left")


# -- what it costs

def test_it_does_not_wake_a_database_that_we_have_left(cluster, tmp, env):
    with Daemon(folder=tmp, env={**env, "DB_IDLE_TIMEOUT": "1",
                                 "HEALTH_DB_MAX_AGE": "1"}) as daemon:
        sign_up(daemon).create(title="Task")
        wait_closed(cluster)
        forget(cluster)
        assert ask_all_workers(daemon) == {HEALTHY}
        assert cluster.ask("proxy: bytes") == "0 0"
        assert cluster.ask("proxy: connections") == "0"


def test_nor_one_that_has_sent_us_away(cluster, tmp, env):
    with Daemon(folder=tmp, env={**env, "HEALTH_DB_MAX_AGE": "1"}) as daemon:
        sign_up(daemon).create(title="Task")
        cluster.tell(TERMINATE)
        wait_closed(cluster)
        forget(cluster)
        assert ask_all_workers(daemon) == {HEALTHY}
        assert cluster.ask("proxy: connections") == "0"


def test_all_workers_ask_once(cluster, tmp, env):
    """By the first call after the start, and in vain."""
    env = {**env, "WORKERS": "4", "HEALTH_DB_MAX_AGE": "3600"}
    run_todod("migrate", folder=tmp, env=env)
    cluster.tell("stop fast")
    daemon = Daemon(folder=tmp, env={**env, "AUTO_MIGRATE": "no"})
    daemon.expect_log(*NOTICES)
    try:
        daemon.start()
        wait_until(lambda: len(daemon.logged(
            "database cannot be reached: starting without it")) == 4,
            "each worker has tried")
        forget(cluster)
        assert ask_all_workers(daemon) == {UNHEALTHY}
        assert cluster.ask("proxy: connections") == "1"
    finally:
        cluster.tell("start")
    assert ask_all_workers(daemon) == {UNHEALTHY}
    sign_up(daemon)
    assert ask_all_workers(daemon) == {HEALTHY}
    daemon.stop()


# -- what it says

def test_an_outage_is_told_after_one_request(cluster, tmp, env):
    with Daemon(folder=tmp, env={**env, "HEALTH_DB_MAX_AGE": "1"}) as daemon:
        user = sign_up(daemon)
        assert health(daemon).content == HEALTHY
        daemon.expect_log(*NOTICES)
        cluster.tell("stop fast")
        try:
            assert user.request("GET", user.tasks).status_code == 503
            reply = health(daemon)
            assert (reply.status_code, reply.content) == (503, UNHEALTHY)
            assert reply.headers["retry-after"]
            assert reply.headers["access-control-allow-origin"] == ORIGIN
            head = health(daemon, "HEAD")
            assert (head.status_code, head.content) == (503, b"")
            assert daemon.http.get("/health").status_code == 200
        finally:
            cluster.tell("start")
        wait_until(lambda: health(daemon).content == HEALTHY,
                   "the database is back, though nobody else asks")


def test_a_database_that_does_not_answer_is_not_waited_for(cluster, tmp, env):
    """One worker, whose first call asks."""
    with Daemon(folder=tmp, env={**env, "WORKERS": "1"}) as daemon:
        daemon.expect_log(*NOTICES)
        cluster.ask("proxy: stall up 0")
        began = time.monotonic()
        assert health(daemon).content == UNHEALTHY
        assert 0.9 < time.monotonic() - began < seconds(5)
        cluster.ask("proxy: calm")


def test_its_age_is_checked(tmp, env):
    for age in ("0", "86401", "soon"):
        done = run_todod("--check-config", folder=tmp,
                         env={**env, "HEALTH_DB_MAX_AGE": age})
        assert done.returncode == 78
        assert "HEALTH_DB_MAX_AGE" in done.stderr
