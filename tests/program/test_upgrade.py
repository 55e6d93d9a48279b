"""SIGUSR2: a new todod takes the place of the old one, and nobody notices."""

import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import sqlite3

import pytest

import backends
from daemon import (Daemon, binary, is_running, run_todod, seconds,
                    unavailable, wait_until)
from issuer import Issuer, Key
from test_activation import Manager, UnixConnection, activated
from upgrades import HEALTH, Load, Upgradable, may_unshare
from users import bearer, sign_up

TORTURE = os.environ.get("TODOD_TORTURE") is not None
UPGRADES = int(os.environ.get("TODOD_TEST_UPGRADES") or (3, 20)[TORTURE])
RELOADS = int(os.environ.get("TODOD_TEST_RELOADS") or (5, 100)[TORTURE])
ONE = {"WORKERS": "1"}
# A machine that is busy with other things makes no request fail.
PATIENT = {"DB_WAIT_TIMEOUT": "30", "REQUEST_TIMEOUT": "60"}
HANGS = "#!/bin/sh\nexec sleep 300\n"
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


@pytest.fixture
def program(tmp):
    """A copy of todod, to be replaced by others."""
    (tmp / "bin").mkdir()
    path = tmp / "bin" / "todod"
    shutil.copy(binary(), path)
    return path


def started_as(program, folder, *args, **options):
    """A daemon from this program."""
    daemon = Upgradable(*args, folder=folder, **options)
    daemon.command[0] = str(program)
    return daemon


def replace(program, text):
    """Puts a script in the place of the program, as an installation does."""
    fresh = program.with_suffix(".new")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(program)


def is_served(daemon):
    with daemon.raw() as connection:
        return connection.exchange("GET", "/health").status == 200


def fails(daemon, word, since=0):
    """The upgrade fails with this word in the reason; the old one serves."""
    line = daemon.wait_log("upgrade failed", since, timeout=30)
    assert line["level"] == "error"
    assert word in line["reason"], line
    assert daemon.process.poll() is None
    daemon._pardon_start_warnings()
    for _ in range(4):
        assert is_served(daemon)


def tasks_of(user):
    """Requests with the token of the user: one that reads, one that writes."""
    head = (f" HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: {user.auth['Authorization']}\r\n")
    body = json.dumps({"title": "made under load"})
    return [f"GET {user.tasks}?status=completed{head}\r\n".encode(),
            (f"POST {user.tasks}{head}Content-Type: application/json\r\n"
             f"Content-Length: {len(body)}\r\n\r\n{body}").encode()]


def made_under(load):
    """How many tasks its clients have made."""
    return sum(client.answered for client in load.clients
               if client.request.startswith(b"POST"))


def kind_on(kind, backend, folder):
    """A daemon of this kind; the test is skipped without the backend."""
    try:
        return kind(backend=backend, folder=folder, env=PATIENT)
    except backends.Missing as error:
        unavailable(str(error))


def lasting():
    """The backends that outlast a worker."""
    return [name for name in backends.selected() if name != "memory"]


# -- an upgrade

def test_a_new_todod_takes_the_place_of_the_old_one(tmp):
    with Upgradable("--workers=2", folder=tmp,
                    env={"WORKERS": None}) as daemon:
        user = sign_up(daemon)
        task = user.create("from before")
        port, workers = daemon.port, daemon.workers()
        old = daemon.upgrade()
        assert daemon.master != old
        assert daemon.process.wait(seconds(10)) == 0
        wait_until(lambda: not any(map(is_running, workers.values())),
                   "the end of the old workers")
        daemon.discard_clients()
        assert user.list() == [task]
        assert {line["port"] for line in daemon.logged("listening")} == {port}
        parents = {int(pathlib.Path(f"/proc/{pid}/stat").read_text()
                       .rpartition(")")[2].split()[1])
                   for pid in daemon.workers().values()}
        assert parents == {daemon.master}


@pytest.mark.parametrize("backend", lasting())
def test_upgrades_under_load_lose_no_request(tmp, backend):
    with kind_on(Upgradable, backend, tmp) as daemon:
        user = sign_up(daemon)
        with Load(daemon, [HEALTH, *tasks_of(user)]) as load:
            for _ in range(UPGRADES):
                daemon.upgrade(60)
                load.wait_for_progress()
        assert len(user.list()) == made_under(load)


@pytest.mark.parametrize("backend", lasting())
def test_reloads_under_load_lose_no_request(tmp, backend):
    with kind_on(Daemon, backend, tmp) as daemon:
        user = sign_up(daemon)
        with Load(daemon, [HEALTH, *tasks_of(user)]) as load:
            for _ in range(RELOADS):
                since = daemon.mark()
                daemon.process.send_signal(signal.SIGHUP)
                daemon.wait_log("reloaded", since, timeout=60)
                load.wait_for_progress()
        assert len(user.list()) == made_under(load)


class Unfinished:
    """A request whose end is sent later: until then it is in flight."""

    BODY = b'{"title":"late but whole"}'

    def __init__(self, daemon, user):
        self.user = user
        self.connection = daemon.raw()
        self.connection.request("POST", user.tasks, [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(self.BODY))),
            *user.auth.items()], self.BODY[:9])
        # The only worker has read it before these.
        for _ in range(3):
            assert is_served(daemon)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def finish(self):
        """The answer, whose worker takes no other request."""
        self.connection.send(self.BODY[9:])
        reply = self.connection.response("POST", self.user.tasks)
        assert reply.status == 201, reply.body
        assert reply.headers["connection"] == "close"
        return reply.json()


def test_requests_in_flight_are_finished_by_the_old_one(tmp):
    with Upgradable(folder=tmp, env=ONE) as daemon:
        user = sign_up(daemon)
        daemon.discard_clients()
        with Unfinished(daemon, user) as request:
            old = daemon.upgrade()
            assert is_running(old) and is_served(daemon)
            task = request.finish()
        wait_until(lambda: not is_running(old), "the end of the old one")
        assert user.list() == [task]


def test_the_next_upgrade_need_not_wait_for_the_drain_of_the_last(tmp):
    with Upgradable(folder=tmp, env=ONE) as daemon:
        user = sign_up(daemon)
        daemon.discard_clients()
        with Unfinished(daemon, user) as request:
            first = daemon.upgrade()
            # It drains: another signal is not for it any more.
            os.kill(first, signal.SIGUSR2)
            second = daemon.upgrade()
            assert is_running(first) and second != first
            task = request.finish()
        wait_until(lambda: not is_running(first) and not is_running(second),
                   "the end of the old ones")
        assert user.list() == [task]
        assert len(daemon.logged("upgrading")) == 2


def test_the_last_one_to_end_leaves_one_complete_file(tmp):
    """Also when that is the old one, which has a request to finish."""
    with Upgradable(folder=tmp, env=ONE) as daemon:
        user = sign_up(daemon)
        daemon.discard_clients()
        with Unfinished(daemon, user) as request:
            old = daemon.upgrade()
            new = daemon.master
            os.kill(new, signal.SIGTERM)
            wait_until(lambda: not is_running(new), "the end of the new one")
            assert is_running(old)
            request.finish()
        daemon.finish()
    assert sorted(each.name for each in tmp.glob("todod.db*")) == ["todod.db"]


@pytest.mark.parametrize("name", ["{bin}/todod", "bin/todod", "todod"])
def test_it_is_the_program_that_is_there_now(tmp, program, name):
    """However it was named when it was started, and though it is running."""
    path = f"{program.parent}:/usr/bin:/bin"
    with started_as(name.format(bin=program.parent), tmp,
                    env={"PATH": path}) as daemon:
        before = os.stat(f"/proc/{daemon.master}/exe")
        fresh = program.with_suffix(".new")
        shutil.copy(binary(), fresh)
        fresh.replace(program)
        daemon.upgrade()
        after = os.stat(f"/proc/{daemon.master}/exe")
        assert after.st_ino == program.stat().st_ino != before.st_ino


def test_the_new_one_has_the_flags_and_reads_the_file_anew(tmp):
    conf = tmp / "todod.conf"
    conf.write_text("workers = 1\n")
    with Upgradable("--config", conf, "--log-level=debug", folder=tmp,
                    env={"WORKERS": None}) as daemon:
        conf.write_text("workers = 3\n")
        since = daemon.mark()
        daemon.upgrade()
        assert daemon.logged("ready", since)[0]["workers"] == 3
        arguments = pathlib.Path(f"/proc/{daemon.master}/cmdline").read_text()
        assert arguments.rstrip("\0").split("\0") == daemon.command


def test_no_descriptor_is_left_over(tmp):
    with Upgradable(folder=tmp, env={
            "HOST": f"127.0.0.1,unix:{tmp}/s"}) as daemon:
        def descriptors(pid):
            return sorted(os.path.basename(os.readlink(each)).split(":")[0]
                          for each in
                          pathlib.Path(f"/proc/{pid}/fd").iterdir())

        worker = daemon.workers()[0]
        before = descriptors(daemon.master), descriptors(worker)
        for _ in range(2):
            daemon.upgrade()
            # Theirs that are made with the first requests are there, too.
            assert is_served(daemon)
        pids = daemon.master, daemon.workers()[0]
        wait_until(lambda: tuple(map(descriptors, pids)) == before,
                   "the same descriptors")


# -- one that fails

@pytest.mark.parametrize("text, word", [
    (None, "No such file"), ("", "Exec format"),
    ("#!/bin/sh\nexit 3\n", "status 3"),
    ("#!/bin/sh\nexit 0\n", "status 0"),
    ("#!/bin/sh\nkill -KILL $$\n", "signal 9")])
def test_a_program_that_does_not_run_leaves_the_old_one(tmp, program, text,
                                                        word):
    with started_as(program, tmp) as daemon:
        user = sign_up(daemon)
        if text is None:
            program.unlink()
        else:
            replace(program, text)
        daemon.expect_log("upgrade failed")
        daemon.tell(signal.SIGUSR2)
        fails(daemon, word)
        # And the next one may do better.
        shutil.copy(binary(), program)
        daemon.upgrade()
        daemon.discard_clients()
        assert user.create("after all")


@pytest.mark.parametrize("text, word", [
    ("colour = red\n", "colour"), ("workers = x\n", "workers"),
    (None, "todod.conf")])
def test_a_bad_configuration_leaves_the_old_one(tmp, text, word):
    conf = tmp / "todod.conf"
    conf.write_text("")
    with Upgradable("--config", conf, folder=tmp) as daemon:
        if text is None:
            conf.unlink()
        else:
            conf.write_text(text)
        daemon.expect_log("upgrade failed")
        daemon.tell(signal.SIGUSR2)
        fails(daemon, word)


def test_a_reload_meanwhile_reaches_the_new_one(tmp, program):
    with started_as(program, tmp) as daemon:
        real = program.with_suffix(".real")
        program.rename(real)
        replace(program, f'#!/bin/sh\nsleep 1\nexec {real} "$@"\n')
        daemon.tell(signal.SIGUSR2)
        daemon.wait_log("upgrading")
        daemon.tell(signal.SIGHUP)
        daemon.wait_log("upgraded")
        daemon.wait_log("reloaded")
        daemon._pardon_start_warnings()


def test_a_database_from_the_future_leaves_the_old_one(tmp):
    with Upgradable(folder=tmp) as daemon:
        user = sign_up(daemon)
        with contextlib.closing(sqlite3.connect(tmp / "todod.db")) as db:
            db.execute("INSERT INTO schema_migrations (version, name,"
                       " applied_at) VALUES (9999, 'from_the_future', 1)")
            db.commit()
        daemon.expect_log("upgrade failed", "database schema is too new")
        daemon.tell(signal.SIGUSR2)
        fails(daemon, "database")
        assert user.create("still here")


def test_one_that_hangs_can_be_killed(tmp, program):
    with started_as(program, tmp) as daemon:
        replace(program, HANGS)
        daemon.expect_log("upgrade failed")
        daemon.tell(signal.SIGUSR2)
        pid = daemon.wait_log("upgrading")["pid"]
        # Once more changes nothing, and a reload waits.
        daemon.tell(signal.SIGUSR2)
        daemon.tell(signal.SIGHUP)
        assert is_served(daemon)
        os.kill(pid, signal.SIGKILL)
        fails(daemon, "signal 9")
        daemon.wait_log("reloaded")
        assert len(daemon.logged("upgrading")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_meanwhile_ends_both(tmp, program, number):
    with started_as(program, tmp, "--drain-timeout=1") as daemon:
        replace(program, HANGS)
        daemon.tell(signal.SIGUSR2)
        pid = daemon.wait_log("upgrading")["pid"]
        daemon.tell(number)
        daemon.finish()
        assert daemon.process.returncode == 0
        assert not is_running(pid)


def test_one_whose_predecessor_is_killed_goes_on(tmp, program):
    with started_as(program, tmp) as daemon:
        user = sign_up(daemon)
        task = user.create("kept")
        replace(program, f"""#!/bin/sh
while ! [ -e {tmp}/go ]; do sleep 0.02; done
exec {binary()} "$@"
""")
        daemon.tell(signal.SIGUSR2)
        pid = daemon.wait_log("upgrading")["pid"]
        since = daemon.mark()
        daemon.expect_log("the master is gone", "the todod before is gone")
        daemon.kill()
        (tmp / "go").touch()
        daemon.wait_log("the todod before is gone already", since)
        daemon._pardon_start_warnings()
        daemon.discard_clients()
        assert user.list() == [task]
        os.kill(pid, signal.SIGTERM)
        daemon.finish()
        assert daemon.lines[-1]["msg"] == "stopped"


def test_data_in_memory_are_not_given_up(tmp):
    with Upgradable(backend="memory", folder=tmp) as daemon:
        user = sign_up(daemon)
        task = user.create("kept")
        daemon.expect_log("upgrade failed")
        daemon.tell(signal.SIGUSR2)
        fails(daemon, "memory")
        assert user.list() == [task]


@pytest.mark.skipif(not may_unshare("--pid"), reason="no second process 1")
def test_process_1_does_not_go(tmp):
    """Its end would be that of its container."""
    daemon = Upgradable(folder=tmp)
    daemon.command = ["unshare", "--pid", "--fork", "--kill-child",
                      *daemon.command]
    with daemon:
        parent = daemon.process.pid
        children = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
        pid = int(children.read_text())
        daemon.expect_log("upgrade failed")
        os.kill(pid, signal.SIGUSR2)
        fails(daemon, "container")
        os.kill(pid, signal.SIGTERM)
        daemon.finish()


# -- what else there is

def test_unix_sockets_stay_and_go_with_the_last_one(tmp, program):
    path = tmp / "s"
    with started_as(program, tmp, env={"HOST": f"unix:{path}"}) as daemon:
        before = path.stat()
        daemon.upgrade()
        assert daemon.process.wait(seconds(10)) == 0
        assert path.stat().st_ino == before.st_ino
        # One that fails must not take it away, either.
        replace(program, f'#!/bin/sh\nexec {binary()} "$@" --workers=x\n')
        daemon.expect_log("upgrade failed")
        daemon.tell(signal.SIGUSR2)
        daemon.wait_log("upgrade failed")
        assert path.stat().st_ino == before.st_ino
        assert daemon.http.get("/health").status_code == 200
    assert not path.exists()


def test_sockets_of_systemd_are_handed_on(tmp):
    path = tmp / "activated.sock"
    daemon = activated(tmp, "tcp", f"unix:{path}", kind=Upgradable)
    with daemon:
        for _ in range(2):
            daemon.upgrade()
        assert is_served(daemon)
        with UnixConnection(daemon, path) as connection:
            assert connection.exchange("GET", "/health").status == 200
    assert path.exists()


def test_systemd_is_told_of_the_new_one(tmp):
    with Manager(tmp / "notify") as manager:
        with Upgradable(folder=tmp,
                        env={"NOTIFY_SOCKET": manager.name}) as daemon:
            assert manager.told() == {"READY": "1"}
            daemon.upgrade()
            assert manager.told() == {"MAINPID": str(daemon.master)}
            assert daemon.process.wait(seconds(10)) == 0
            daemon.stop()
            assert manager.told() == {"STOPPING": "1"}
            assert manager.is_told_nothing_more()


@needs_root
def test_it_needs_no_rights_of_root(tmp, program):
    # The copy is where it can be executed by others, too.
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp, nobody.pw_uid, nobody.pw_gid)
    secret = tmp / "secret"
    secret.write_text("x" * 40)
    os.chown(secret, 0, nobody.pw_gid)
    secret.chmod(0o640)
    # The usual one may be where only root can look.
    conf = tmp / "todod.conf"
    conf.touch()
    with started_as(program, tmp, "--user=nobody", "--config", conf, env={
            "ENVIRONMENT": "production", "HOST": f"127.0.0.1,unix:{tmp}/s",
            "JWT_SECRET_KEY": None, "JWT_SECRET_KEY_FILE": secret}) as daemon:
        daemon.upgrade()
        assert os.stat(f"/proc/{daemon.master}").st_uid == nobody.pw_uid
        assert is_served(daemon)
        # What only root can read is a reason to stay.
        assert daemon.process.wait(seconds(10)) == 0
        secret.chmod(0o600)
        daemon.expect_log("upgrade failed")
        daemon.tell(signal.SIGUSR2)
        line = daemon.wait_log("upgrade failed")
        assert "secret" in line["reason"] and "denied" in line["reason"]
        assert is_served(daemon)


def test_keys_of_an_issuer_pass_over(tmp):
    key = Key()
    with Issuer(key) as issuer:
        env = {"JWT_SECRET_KEY": None, "BETTER_AUTH_URL": issuer.url}
        with Upgradable(folder=tmp, env=env) as daemon:
            daemon.wait_log("keys fetched")
            headers = bearer(key.sign("someone"))
            request = (f"GET /api/todos HTTP/1.1\r\nHost: x\r\n"
                       f"Authorization: {headers['Authorization']}\r\n\r\n")
            first = daemon.logged("keeper started")[-1]["pid"]
            with Load(daemon, [request.encode()]) as load:
                for _ in range(2):
                    daemon.upgrade()
                    load.wait_for_progress()
            wait_until(lambda: not is_running(first), "the keeper's end")
            assert is_running(daemon.logged("keeper started")[-1]["pid"])


@pytest.mark.parametrize("value", [
    "", "x", "5", "5:", ":5", "5:6", "5:6,", "0:1", "1:2", "-1:3",
    "99999999999999999999:3", "5:" + ",".join(["6"] * 100)])
def test_a_handover_from_nobody_is_refused(tmp, value):
    done = run_todod(folder=tmp, env={"TODOD_HANDOVER": value})
    assert done.returncode == 64
    assert "TODOD_HANDOVER" in done.stderr
