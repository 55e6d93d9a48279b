"""What only a daemon on PostgreSQL does: pools, migrations, outages."""

import concurrent.futures
import os
import socket
import subprocess
import time

import pytest

from daemon import (SOURCE_TOP, Daemon, base_environment, binary, merged,
                    run_todod, seconds, standard_environment, wait_until)
from users import sign_in, sign_up

DATA, UNAVAILABLE, CONFIG = 65, 69, 78
MIGRATIONS = list((SOURCE_TOP / "migrations/postgres").glob("*.sql"))


@pytest.fixture
def env(cluster, tmp):
    """A daemon's environment on an empty database of the cluster."""
    return {"DATABASE_URL": cluster.url(tmp), "WORKERS": "2",
            "AUTO_MIGRATE": "yes"}


def start_migrating(folder, env):
    """todod migrate, not waited for."""
    base = {**base_environment(folder), **standard_environment(folder, "memory")}
    return subprocess.Popen([binary(), "migrate"], cwd=folder,
                            env=merged(base, env), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


# -- migrations

def test_migrate_says_what_is_missing_and_applies_it(tmp, env):
    env["AUTO_MIGRATE"] = "no"
    before = run_todod("migrate", "--status", folder=tmp, env=env)
    assert before.returncode == DATA, before.stderr
    assert before.stdout.count("pending") == len(MIGRATIONS)
    done = run_todod("migrate", folder=tmp, env=env)
    assert done.returncode == 0, done.stderr
    after = run_todod("migrate", "--status", folder=tmp, env=env)
    assert after.returncode == 0, after.stderr
    assert after.stdout.count("applied") == len(MIGRATIONS)
    with Daemon(folder=tmp, env=env) as daemon:
        sign_up(daemon)


def test_a_dry_run_prints_the_sql_and_changes_nothing(tmp, env):
    def status():
        return run_todod("migrate", "--status", folder=tmp, env=env).stdout

    missing = status()
    before = run_todod("migrate", "--dry-run", folder=tmp, env=env)
    assert before.returncode == 0, before.stderr
    assert before.stdout.startswith("-- 0001_create_users.sql\n")
    assert "CREATE TABLE todod.tasks (" in before.stdout
    assert status() == missing
    assert run_todod("migrate", folder=tmp, env=env).returncode == 0
    applied = status()
    after = run_todod("migrate", "--dry-run", folder=tmp, env=env)
    assert (after.returncode, after.stdout) == (0, ""), after.stderr
    assert run_todod("migrate", folder=tmp, env=env).returncode == 0
    assert status() == applied != missing


@pytest.mark.parametrize("kind", ["url", "pgbouncer_url"])
def test_several_migrations_at_once_are_one(cluster, tmp, env, kind):
    env["DATABASE_URL"] = cluster.url(tmp, kind)
    running = [start_migrating(tmp, env) for _ in range(6)]
    said = [process.communicate(timeout=seconds(30)) for process in running]
    assert [process.returncode for process in running] == [0] * 6, said
    applied = "".join(err for _, err in said).count("migration applied")
    assert applied == len(MIGRATIONS), said


def test_serve_refuses_an_outdated_schema(tmp, env):
    env["AUTO_MIGRATE"] = "no"
    done = run_todod(folder=tmp, env=env)
    assert done.returncode == DATA, done.stderr
    assert "run todod migrate" in done.stderr


@pytest.mark.parametrize("variable", ["DATABASE_URL_UNPOOLED", "DIRECT_URL"])
def test_migrations_go_past_the_pooler(cluster, tmp, variable):
    env = {"DATABASE_URL": "postgresql://u@127.0.0.1:1/none?sslmode=disable",
           variable: cluster.url(tmp)}
    done = run_todod("migrate", folder=tmp, env=env)
    assert done.returncode == 0, done.stderr


def test_migrate_without_a_server_says_so(tmp):
    env = {"DATABASE_URL": "postgresql://u:hidden@127.0.0.1:1/none"}
    done = run_todod("migrate", folder=tmp, env=env)
    assert done.returncode == UNAVAILABLE
    assert "cannot be reached" in done.stderr
    assert "hidden" not in done.stderr


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DIRECT_URL"])
def test_migrate_waits_for_a_connection_as_long_as_it_is_told(tmp, variable):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"postgresql://u@127.0.0.1:{mute.getsockname()[1]}/none"
        env = {"DATABASE_URL": "postgresql://u@127.0.0.1:1/none",
               "DB_CONNECT_TIMEOUT": "1", variable: url}
        # Without the setting it would be 30 s: longer than this waits.
        done = run_todod("migrate", folder=tmp, env=env)
    assert done.returncode == UNAVAILABLE, done.stderr
    assert "no answer within the connect time-out" in done.stderr


# -- settings

def test_a_pool_that_is_too_small_is_refused(tmp, env):
    done = run_todod("--check-config", folder=tmp,
                     env={**env, "WORKERS": "4", "DB_POOL_SIZE": "7"})
    assert done.returncode == CONFIG
    assert "DB_POOL_SIZE" in done.stderr and "8" in done.stderr


def test_an_unknown_parameter_is_named(tmp, env):
    url = env["DATABASE_URL"] + "&sslnegotiation=direct"
    done = run_todod("--check-config", folder=tmp,
                     env={**env, "DATABASE_URL": url})
    assert done.returncode == CONFIG
    assert "sslnegotiation" in done.stderr
    assert "password" not in done.stderr.replace("user:password", "")


@pytest.mark.parametrize("kind", ["socket_url", "tls_url"])
def test_sockets_and_tls(cluster, tmp, kind):
    env = {"DATABASE_URL": cluster.url(tmp, kind), "AUTO_MIGRATE": "yes"}
    with Daemon(folder=tmp, env=env) as daemon:
        user = sign_up(daemon)
        assert sign_in(daemon, user.email).status_code == 200


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_who_becomes_another_leaves_roots_home(cluster, tmp):
    """libpq looks for a certificate there, if there is TLS."""
    (tmp / "root").mkdir(mode=0o700)
    os.chown(tmp, 65534, 65534)
    url, _, _ = cluster.url(tmp, "tls_url").partition("?")
    env = {"DATABASE_URL": f"{url}?sslmode=require", "AUTO_MIGRATE": "yes",
           "HOME": str(tmp / "root")}
    with Daemon(folder=tmp, env=env) as daemon:
        assert sign_up(daemon).list() == []


def test_of_several_hosts_the_one_that_answers_is_taken(cluster, tmp, env):
    port = cluster.said["port"]
    url = env["DATABASE_URL"].replace(
        f"@127.0.0.1:{port}/", f"@127.0.0.1:1,localhost:1,localhost:{port}/")
    with Daemon(folder=tmp, env={**env, "DATABASE_URL": url}) as daemon:
        assert sign_up(daemon).list() == []


def test_the_password_is_never_shown(cluster, tmp, env):
    shown = run_todod("--dump-config", folder=tmp, env=env).stdout
    with Daemon(folder=tmp, env={**env, "LOG_LEVEL": "debug"}) as daemon:
        sign_up(daemon)
        shown += "".join(line["text"] for line in daemon.lines)
    assert cluster.said["password"] not in shown
    assert "a%20password" not in shown


def test_what_the_server_says_at_login_stays_out_of_the_log(cluster, tmp, env):
    """libpq would print it on standard error, between lines of JSON."""
    name = cluster.database(tmp)
    cluster.tell(f"sql ALTER ROLE todod IN DATABASE {name}"
                 " SET default_text_search_config = 'nowhere'")
    with Daemon(folder=tmp, env=env) as daemon:
        sign_up(daemon).create()


# -- outages

def test_an_outage_is_told_at_once_and_ends_with_it(cluster, tmp, env):
    with Daemon(folder=tmp, env=env) as daemon:
        user = sign_up(daemon)
        task = user.create(title="Before")
        cluster.tell("stop fast")
        daemon.expect_log("database connection", "database cannot",
                          "request")
        try:
            wait_until(lambda: user.request(
                "GET", user.task(task["id"])).status_code == 503, "a 503")
            began = time.monotonic()
            replies = [user.request("GET", user.task(task["id"]))
                       for _ in range(20)]
            assert {r.status_code for r in replies} == {503}
            assert all("retry-after" in r.headers for r in replies)
            assert time.monotonic() - began < seconds(2)
        finally:
            cluster.tell("start")
        wait_until(lambda: user.request(
            "GET", user.task(task["id"])).status_code == 200, "a 200", 2)
        wait_until(lambda: user.request(
            "POST", user.tasks, json={"title": "After"}).status_code == 201,
            "a 201", 2)


def test_a_database_that_is_away_does_not_prevent_the_start(cluster, tmp, env):
    run_todod("migrate", folder=tmp, env=env)
    env["AUTO_MIGRATE"] = "no"
    cluster.tell("stop fast")
    daemon = Daemon(folder=tmp, env=env)
    daemon.expect_log("database", "request", "sign-in")
    try:
        daemon.start()
        assert sign_in(daemon, "a@example.org").status_code == 503
    finally:
        cluster.tell("start")
    wait_until(lambda: sign_in(daemon, "a@example.org").status_code == 401,
               "the database is back")
    daemon.stop()


def test_an_idle_daemon_sends_nothing(cluster, tmp, env):
    port = str(cluster.said["port"])
    proxy = cluster.proxy()
    env["DATABASE_URL"] = env["DATABASE_URL"].replace(f":{port}/", f":{proxy}/")
    with Daemon(folder=tmp, env={**env, "DB_IDLE_TIMEOUT": "1"}) as daemon:
        user = sign_up(daemon)
        user.create(title="Task")
        wait_until(lambda: cluster.tell(
            "sql SELECT count(*) FROM pg_stat_activity"
            " WHERE usename = 'todod'").strip() == "0", "all are closed")
        cluster.ask("proxy: bytes")
        cluster.ask("proxy: connections")
        with daemon.changed:
            daemon.changed.wait(3)
        assert cluster.ask("proxy: bytes") == "0 0"
        assert cluster.ask("proxy: connections") == "0"
        assert len(user.list()) == 1


def test_open_connections_are_silent_too(cluster, tmp, env):
    port = str(cluster.said["port"])
    proxy = cluster.proxy()
    env["DATABASE_URL"] = env["DATABASE_URL"].replace(f":{port}/", f":{proxy}/")
    with Daemon(folder=tmp, env=env) as daemon:
        sign_up(daemon).create(title="Task")
        cluster.ask("proxy: bytes")
        for _ in range(50):
            assert daemon.http.get("/health").status_code == 200
        with daemon.changed:
            daemon.changed.wait(2)
        assert cluster.ask("proxy: bytes") == "0 0"
        assert cluster.tell(
            "sql SELECT count(*) > 0 FROM pg_stat_activity"
            " WHERE usename = 'todod'").strip() == "t"


def test_writes_of_many_share_their_commits(cluster, tmp, env):
    with Daemon(folder=tmp, env={**env, "WORKERS": "1"}) as daemon:
        users = [sign_up(daemon) for _ in range(4)]
        name = cluster.database(tmp)
        count = ("sql SELECT xact_commit FROM pg_stat_database"
                 f" WHERE datname = '{name}'")

        def create(number):
            user = users[number % 4]
            return user.request("POST", user.tasks,
                                json={"title": f"Task {number}"}).status_code

        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            assert set(pool.map(create, range(400))) == {201}
        assert sum(len(user.list()) for user in users) == 400
        assert int(cluster.tell(count)) > 0
