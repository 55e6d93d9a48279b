"""A damaged database: nothing more is written, the exit status says so."""

import os
import random

import pytest

from bulk import SMALL_TASK, make_tasks, owner_on
from daemon import Daemon, folder, run_todod
from faults import Fault, Shim

DATA = 65
PAGE = 4096
MANY = 20_000
DAMAGE = ("database error", "worker exited", "drain timed out",
          "stopping: the database is damaged or of another version")


def overwrite_the_middle(path):
    """Writes noise over all pages but the first tenth and the last."""
    size = path.stat().st_size
    first, last = size // PAGE // 10, size // PAGE * 9 // 10
    assert last - first > 100
    with open(path, "r+b") as file:
        file.seek(first * PAGE)
        file.write(random.Random(1).randbytes((last - first) * PAGE))


def cut_off(path):
    os.truncate(path, path.stat().st_size // PAGE // 3 * PAGE)


def read_list(user):
    return user.daemon.http.get(user.tasks, headers=user.auth)


def write_task(user):
    return user.daemon.http.post(user.tasks, headers=user.auth,
                                 json={"title": "one more"})


@pytest.mark.parametrize("use", [read_list, write_task])
@pytest.mark.parametrize("damage", [overwrite_the_middle, cut_off])
def test_damage_met_while_it_serves_ends_it(tmp, damage, use):
    owner = make_tasks(tmp, MANY, SMALL_TASK)
    with Daemon(folder=tmp) as daemon:
        user = owner_on(daemon, owner)
        daemon.describe()
        damage(tmp / "todod.db")
        damaged = (tmp / "todod.db").read_bytes()
        daemon.expect_log(*DAMAGE)
        response = use(user)
        assert response.status_code == 503
        assert response.json() == {"detail": "Service unavailable"}
        daemon.finish()
        assert daemon.process.returncode == DATA
        assert daemon.logged("worker exited", status=DATA)
        line = daemon.logged("database error")[0]
        assert line["level"] == "error" and line["doing"] and line["reason"]
        stopping = daemon.logged(DAMAGE[-1])
        assert len(stopping) == 1 and stopping[0]["level"] == "error"
        assert (tmp / "todod.db").read_bytes() == damaged


@pytest.fixture(scope="module")
def shim():
    with folder() as path:
        yield Shim(path)


@pytest.mark.parametrize("use", [read_list, write_task])
@pytest.mark.parametrize("mode", ["once", "always"])
def test_a_disk_that_cannot_be_read_is_no_damage(tmp, shim, mode, use):
    """A cable, a path to a disk, a driver that starts anew: what waits for the
    disk is refused, and all goes on when it is there again."""
    owner = make_tasks(tmp, MANY, SMALL_TASK)
    shim.lift()
    with Daemon(folder=tmp, env={"WORKERS": "1",
                                 **shim.environment()}) as daemon:
        user = owner_on(daemon, owner)
        pids = daemon.workers()
        daemon.expect_log("database error", "request failed")
        shim.arm(Fault("serve", "pread64", 1, mode))
        try:
            response = use(user)
            assert shim.failed
        finally:
            shim.lift()
        assert response.status_code == 503
        assert response.json() == {"detail": "Service unavailable"}
        assert "retry-after" in response.headers
        assert "I/O" in daemon.wait_log("database error")["reason"]
        before = len(user.list())
        user.create("after")
        assert len(user.list()) == before + 1
        assert daemon.workers() == pids
        assert not daemon.logged("worker exited")


def header_and_noise():
    return b"SQLite format 3\0" + random.Random(2).randbytes(8 * PAGE)


@pytest.mark.parametrize("content", [
    b"This is no database.\n" * 1000, b"short",
    random.Random(3).randbytes(8 * PAGE), header_and_noise()],
    ids=["text", "short", "noise", "noise behind a header"])
@pytest.mark.parametrize("command", [[], ["migrate"], ["backup", "copy.db"]],
                         ids=["serve", "migrate", "backup"])
def test_a_file_that_is_no_database_is_refused_and_kept(tmp, command,
                                                        content):
    (tmp / "todod.db").write_bytes(content)
    done = run_todod(*command, folder=tmp)
    assert done.returncode == DATA, done.stderr
    assert "the database" in done.stderr and "damaged" in done.stderr
    assert command or "todod.db" in done.stderr
    assert (tmp / "todod.db").read_bytes() == content
    assert not (tmp / "copy.db").exists()
