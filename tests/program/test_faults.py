"""What the system may do to the processes: no memory, no descriptors, no
processes, no disk, no reader of the log, storms of signals. What is possible
goes on, the rest is refused, and all is well again afterwards."""

import contextlib
import email.utils
import os
import pathlib
import pwd
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time

import httpx
import pytest

from daemon import SOURCE_TOP, Daemon, binary, is_running, wait_until
from test_logs import Plain
from upgrades import HEALTH, Load, Upgradable, may_unshare
from users import bearer, mint, sign_in, sign_up

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
# A container may not even let root mount anything.
needs_mounts = pytest.mark.skipif(not may_unshare("--mount"),
                                  reason="nothing can be mounted here")
TWO = {"WORKERS": "2"}
# What a sanitizer does when a process ends needs what is missing here.
FRAIL = {**TWO, "ASAN_OPTIONS": ":".join(
    [*filter(None, [os.environ.get("ASAN_OPTIONS")]), "detect_leaks=0"])}


def set_limit(pid, what, soft):
    """Gives a process that runs already another soft limit, as its user; the
    old one."""
    owner = os.stat(f"/proc/{pid}")
    other = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    done = subprocess.run(
        [sys.executable, "-c", "import resource, sys\n"
         "pid, what, soft = map(int, sys.argv[1:])\n"
         "old, hard = resource.prlimit(pid, what)\n"
         "resource.prlimit(pid, what, (soft, hard))\n"
         "print(old)", str(pid), str(what), str(soft)],
        check=True, capture_output=True, text=True,
        **(other if os.getuid() == 0 else {}))
    return int(done.stdout)


@contextlib.contextmanager
def limited(pids, what, soft):
    """A lower limit for processes that run already."""
    old = {pid: set_limit(pid, what, soft) for pid in pids}
    try:
        yield
    finally:
        for pid, limit in old.items():
            if is_running(pid):
                set_limit(pid, what, limit)


def is_served(daemon):
    with daemon.raw() as connection:
        return connection.exchange("GET", "/health").status == 200


def kill_worker(daemon, number=0):
    """Kills a worker; the mark in the log before that."""
    since, pid = daemon.mark(), daemon.workers()[number]
    daemon.expect_log("worker exited")
    daemon.lossy = True
    os.kill(pid, signal.SIGKILL)
    daemon.wait_log("worker exited", since, pid=pid)
    daemon.discard_clients()
    return since


def stamp(line):
    """Seconds of an hour, of when it was written."""
    minutes, rest = line["ts"].rstrip("Z").split(":")[1:]
    return int(minutes) * 60 + float(rest)


def without_descriptors(daemon):
    """Neither the master nor its new workers can open anything."""
    master = daemon.process.pid
    used = 1 + max(int(name) for name in os.listdir(f"/proc/{master}/fd"))
    return limited([master], resource.RLIMIT_NOFILE, used)


# -- workers that die

def pauses(daemon, number):
    """Seconds between the ends of this worker and its next starts."""
    ended = None
    with daemon.changed:
        lines = list(daemon.lines)
    for line in lines:
        if line.get("worker") != number:
            continue
        if line["msg"] == "worker exited":
            ended = stamp(line)
        elif line["msg"] == "worker started" and ended is not None:
            yield (stamp(line) - ended) % 3600


def test_a_worker_that_keeps_dying_waits_longer_each_time(tmp):
    with Daemon(folder=tmp, env=FRAIL) as daemon:
        daemon.expect_log("cannot start a worker", "libevent")
        with without_descriptors(daemon):
            kill_worker(daemon)
            wait_until(lambda: len(list(pauses(daemon, 0))) >= 5,
                       "five tries", 30)
            assert is_served(daemon)
        for n, pause in enumerate(list(pauses(daemon, 0))[:5]):
            assert pause > 0.099 * 2 ** n


def test_a_start_without_enough_descriptors_ends_or_serves(tmp):
    """Crashing for ever would look like serving to who started it."""
    reasons = set()
    for count in range(6, 24):
        daemon = Daemon(folder=tmp, env=FRAIL)
        daemon.command = ["sh", "-c", f'ulimit -n {count} && exec "$@"', "sh",
                          *daemon.command]
        daemon.start(wait=False)
        daemon.expect_log("")
        wait_until(lambda: daemon.process.poll() is not None
                   or daemon.logged("ready"), "an end of the start", 30)
        if daemon.logged("ready"):
            daemon.stop()
            break
        daemon.finish()
        assert daemon.process.returncode in (69, 71, 73, 78), count
        reasons |= {line["reason"] for line in daemon.logged("cannot serve")}
    assert "no worker could be started; the log says why" in reasons


@needs_root
def test_a_fork_that_fails_is_tried_again(tmp):
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp, nobody.pw_uid, nobody.pw_gid)
    # The usual one may be where only root can look.
    conf = tmp / "todod.conf"
    conf.touch()
    with Upgradable("--config", conf, folder=tmp, env=FRAIL) as daemon:
        master = daemon.process.pid
        daemon.expect_log("cannot fork", "upgrade failed", "reload refused",
                          "worker")
        with limited([master], resource.RLIMIT_NPROC, 1):
            since = kill_worker(daemon)
            daemon.wait_log("cannot fork", since, worker=0)
            assert is_served(daemon)
            daemon.tell(signal.SIGUSR2)
            line = daemon.wait_log("upgrade failed", since)
            assert "cannot fork" in line["reason"]
            daemon.tell(signal.SIGHUP)
            daemon.wait_log("reload refused", since)
            assert is_served(daemon)
        wait_until(lambda: is_running(daemon.workers()[0]), "the worker", 60)
        since = daemon.mark()
        daemon.tell(signal.SIGHUP)
        daemon.wait_log("reloaded", since)
        assert sign_up(daemon).create("as before")


# -- no descriptors

def test_a_master_without_descriptors_goes_on(tmp):
    conf = tmp / "todod.conf"
    conf.write_text("")
    with Upgradable("--config", conf, folder=tmp, env=FRAIL) as daemon:
        daemon.expect_log("reload refused", "upgrade failed",
                          "cannot start a worker", "worker exited",
                          "libevent")
        with without_descriptors(daemon):
            daemon.tell(signal.SIGHUP)
            line = daemon.wait_log("reload refused")
            assert "open files" in line["reason"], line
            daemon.tell(signal.SIGUSR2)
            line = daemon.wait_log("upgrade failed")
            assert "open files" in line["reason"], line
            since = kill_worker(daemon)
            daemon.wait_log("worker exited", since, worker=0, status=71)
            assert is_served(daemon)
        daemon.upgrade()
        assert is_served(daemon)
        assert len(daemon.logged("ready")) == 2


# -- no memory

@pytest.mark.unsanitized
def test_a_worker_without_memory_refuses_and_recovers(tmp):
    with Daemon(folder=tmp, env={"WORKERS": "1"}) as daemon:
        user = sign_up(daemon)
        pid = daemon.workers()[0]
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        used = int(status.partition("VmSize:")[2].split()[0]) * 1024
        with limited([pid], resource.RLIMIT_AS, used + (1 << 20)):
            daemon.expect_log("")
            # The hash of a password needs 19 MiB. It is no wrong password.
            response = sign_in(daemon, user.email)
            assert response.status_code == 503, response.text
            assert is_served(daemon)
        assert sign_in(daemon, user.email).status_code == 200
        assert user.create("as before")
        assert daemon.workers() == {0: pid}


# -- no disk

def writes_fail(user):
    """A write is refused, and may be repeated; a read is not."""
    response = user.request("POST", user.tasks, json={"title": "too much"})
    assert response.status_code in (201, 503), response.text
    if response.status_code == 201:
        return False
    assert response.headers["retry-after"]
    assert user.request("GET", user.tasks).status_code == 200
    return True


def test_a_database_that_may_not_grow_refuses_writes_only(tmp):
    with Daemon(folder=tmp, env=TWO) as daemon:
        user = sign_up(daemon)
        user.create("before")
        pids = daemon.workers()
        daemon.expect_log("database error", "request failed")
        with limited(pids.values(), resource.RLIMIT_FSIZE, 4096):
            wait_until(lambda: writes_fail(user), "a write that fails")
        kept = len(user.list())
        user.create("after")
        assert len(user.list()) == kept + 1
        assert daemon.workers() == pids
        assert all(map(is_running, pids.values()))


def mounted(tmp, script, **env):
    """A daemon for which the script has mounted something; nobody else sees
    it, and it is gone with the daemon."""
    daemon = Daemon(folder=tmp, env={**TWO, **env})
    daemon.command = ["unshare", "--mount", "sh", "-ec",
                      f'{script}\nexec "$@"', "sh", *daemon.command]
    return daemon


@needs_mounts
def test_a_full_disk_refuses_writes_and_no_reads(tmp):
    data = tmp / "data"
    data.mkdir()
    with mounted(tmp, f"mount -t tmpfs -o size=2m tmpfs {data}",
                 DATABASE_URL=f"sqlite:///{data}/todod.db") as daemon:
        user = sign_up(daemon)
        user.create("before")
        # As the daemon sees it.
        filler = pathlib.Path(f"/proc/{daemon.process.pid}/root{data}/filler")
        with open(filler, "wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
        daemon.expect_log("database error", "request failed")
        wait_until(lambda: writes_fail(user), "a write that fails")
        assert daemon.http.get("/health").status_code == 200
        filler.unlink()
        kept = len(user.list())
        wait_until(lambda: not writes_fail(user), "room")
        assert len(user.list()) > kept


@needs_mounts
@pytest.mark.parametrize("there", [True, False])
def test_a_disk_that_cannot_be_written_is_named_at_start(tmp, there):
    data = tmp / "data"
    data.mkdir()
    url = f"sqlite:///{data}/todod.db"
    migrate = f"DATABASE_URL={url} {binary()} migrate" if there else ":"
    daemon = mounted(tmp, f"mount -t tmpfs tmpfs {data}\n{migrate}\n"
                     f"mount -o remount,ro {data}", DATABASE_URL=url)
    daemon.start(wait=False)
    daemon.expect_log("")
    daemon.finish()
    assert daemon.process.returncode in (69, 71, 73, 74)
    assert any("ead-only" in line["text"] or "readonly" in line["text"]
               for line in daemon.lines), daemon.lines


@needs_mounts
def test_a_full_tmp_is_no_matter():
    folder = pathlib.Path("/var/tmp") / f"todod-{os.getpid()}"
    folder.mkdir()
    program = folder / "todod"
    try:
        # The one that is tested may be in /tmp itself.
        shutil.copy(binary(), program)
        daemon = mounted(folder, "mount -t tmpfs -o size=4k tmpfs /tmp\n"
                         "echo full >/tmp/full\n"
                         "! echo more >/tmp/more 2>/dev/null || exit 1",
                         # A build for coverage writes where it was built.
                         GCOV_PREFIX=str(folder))
        daemon.command[-1] = str(program)
        with daemon:
            user = sign_up(daemon)
            for n in range(20):
                user.create(f"task {n}", description="x" * 1000)
            assert len(user.list()) == 20
            since = daemon.mark()
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_log("reloaded", since)
            assert len(user.list()) == 20
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# -- the log

def children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return set(map(int, text.split()))


def is_answered(daemon):
    """By whoever takes a new connection."""
    return httpx.get(f"{daemon.url}/health",
                     trust_env=False).status_code == 200


@pytest.mark.parametrize("kind", ["blocked", "closed", "full"])
def test_processes_come_and_go_though_nobody_takes_the_log(tmp, kind):
    read_end, write_end = os.pipe()
    stderr = os.open("/dev/full", os.O_WRONLY) if kind == "full" else write_end
    with Plain(tmp, stderr, LOG_LEVEL="debug", **TWO) as daemon:
        if kind == "closed":
            os.close(read_end)
        for n in range(1500 if kind == "blocked" else 10):
            assert daemon.http.get("/health").status_code == 200
        master = daemon.process.pid
        before = children(master)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(children(master) - before) == 1,
                   "a new worker")
        assert is_answered(daemon)
        before = children(master)
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(children(master) - before) == 2
                   and not before & children(master), "the reload")
        assert is_answered(daemon)
        daemon.process.send_signal(signal.SIGUSR2)
        wait_until(lambda: daemon.process.poll() is not None, "the upgrade")
        assert is_answered(daemon)
    os.close(stderr)
    if kind == "full":
        os.close(write_end)
    if kind != "closed":
        os.close(read_end)


def test_a_log_that_may_not_grow_ends_nobody(tmp):
    """The signal that the system sends then would."""
    with open(tmp / "log", "wb") as log, Plain(tmp, log, **TWO) as daemon:
        assert daemon.http.get("/health").status_code == 200
        workers = children(daemon.process.pid)
        pids = [daemon.process.pid, *workers]
        with limited(pids, resource.RLIMIT_FSIZE, 1):
            for _ in range(10):
                assert is_answered(daemon)
            assert children(daemon.process.pid) == workers
        wait_until(lambda: is_answered(daemon) and b"lines dropped" in
                   (tmp / "log").read_bytes(), "a line on dropped lines")


# -- storms of signals

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_storm_of_stops_ends_it_cleanly(tmp, number):
    with Daemon(folder=tmp, env=FRAIL) as daemon:
        user = sign_up(daemon)
        made = [user.create(f"task {n}") for n in range(5)]
        daemon.expect_log("")
        daemon.discard_clients()
        pids = [daemon.process.pid, *daemon.workers().values()]

        def has_ended():
            for pid in pids * 20:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            return daemon.process.poll() is not None

        wait_until(has_ended, "the end")
        daemon.lossy = True
        daemon.finish()
        assert daemon.process.returncode == 0
        daemon.start()
        assert user.list() == made[::-1]


def test_a_storm_of_other_signals_costs_no_request(tmp):
    with Upgradable(folder=tmp, env=TWO) as daemon:
        with Load(daemon, [HEALTH]) as load:
            for _ in range(3):
                for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2,
                               signal.SIGCHLD) * 50:
                    for pid in [daemon.master, *daemon.workers().values()]:
                        if number != signal.SIGUSR2 or pid == daemon.master:
                            with contextlib.suppress(ProcessLookupError):
                                os.kill(pid, number)
                load.wait_for_progress()
            wait_until(lambda: daemon.logged("upgraded"), "an upgrade", 60)
            load.wait_for_progress()
        wait_until(lambda: is_settled(daemon), "an end of it all", 60)
        daemon._pardon_start_warnings()


def is_settled(daemon):
    """Whether the last master has nothing left to do."""
    begun = daemon.logged("upgrading")
    done = daemon.logged("upgraded")
    return len(begun) == len(done) and not is_running(daemon.process.pid)


# -- what stands still

@pytest.mark.parametrize("number, sign", [
    (signal.SIGHUP, "reloaded"), (signal.SIGUSR2, "upgraded"),
    (signal.SIGTERM, "stopped")])
def test_a_stopped_worker_holds_up_no_change(tmp, number, sign):
    """It cannot finish its requests: it is killed when its time is up."""
    with Upgradable("--drain-timeout=1", folder=tmp, env=TWO) as daemon:
        pid = daemon.workers()[0]
        daemon.expect_log("worker exited")
        daemon.lossy = True
        os.kill(pid, signal.SIGSTOP)
        since = daemon.mark()
        daemon.tell(number)
        ended = daemon.wait_log("worker exited", since, pid=pid, timeout=20)
        assert ended["signal"] == signal.SIGKILL
        daemon.wait_log(sign, since)
        if number == signal.SIGTERM:
            daemon.finish()
            assert daemon.process.returncode == 0
        else:
            daemon._pardon_start_warnings()
            assert is_served(daemon)



def test_a_stopped_master_holds_up_nobody(tmp):
    with Daemon(folder=tmp, env=TWO) as daemon:
        user = sign_up(daemon)
        daemon.expect_log("worker exited")
        daemon.lossy = True
        os.kill(daemon.process.pid, signal.SIGSTOP)
        pid = daemon.workers()[0]
        since = daemon.mark()
        os.kill(pid, signal.SIGKILL)
        daemon.discard_clients()
        assert user.create("meanwhile")
        daemon.process.send_signal(signal.SIGHUP)
        assert user.list()
        os.kill(daemon.process.pid, signal.SIGCONT)
        daemon.wait_log("worker exited", since, pid=pid)
        daemon.wait_log("reloaded", since)
        daemon.discard_clients()
        assert len(user.list()) == 1


def test_the_port_is_free_when_the_master_was_killed(tmp):
    with Daemon(folder=tmp, env=TWO) as daemon:
        user = sign_up(daemon)
        for n in range(3):
            port = daemon.port
            pids = daemon.workers().values()
            user.create(f"round {n}")
            daemon.lossy = True
            daemon.expect_log("the master is gone")
            daemon.kill()
            wait_until(lambda: not any(map(is_running, pids)), "their end")
            daemon.discard()
            daemon.env["PORT"] = str(port)
            daemon.start()
            assert len(user.list()) == n + 1


# -- clocks

@pytest.fixture
def clock(tmp):
    """Sets the wall clock of the daemons of a test: a function that takes
    the seconds by which it is wrong, and their environment as env."""
    library, offset = tmp / "clockshim.so", tmp / "offset"
    # config.h is where the daemon was built.
    subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC",
                    "-I", os.path.dirname(binary()), "-o", library,
                    SOURCE_TOP / "tests/support/clockshim.c"], check=True)

    def set_clock(wrong_by):
        with open(offset, "r+b" if offset.exists() else "wb") as file:
            file.write(struct.pack("=q", wrong_by))

    set_clock(0)
    set_clock.env = {
        **FRAIL, "LD_PRELOAD": library, "CLOCKSHIM_FILE": offset,
        "ASAN_OPTIONS": FRAIL["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}
    return set_clock


def date_of(response):
    return email.utils.parsedate_to_datetime(response.headers["date"])


@pytest.mark.parametrize("jump", [7200, -7200, 10 ** 8, -10 ** 8])
def test_a_clock_that_jumps_hurts_nobody(tmp, clock, jump):
    with Daemon(folder=tmp, env=clock.env) as daemon:
        user = sign_up(daemon)
        task = user.create("from before")
        pids = daemon.workers()
        with daemon.raw() as kept:
            before = date_of(kept.exchange("GET", "/health"))
            with Load(daemon, [HEALTH]) as load:
                clock(jump)
                load.wait_for_progress(20)
            # No deadline has come, and none is further away.
            moved = date_of(kept.exchange("GET", "/health")) - before
            assert abs(moved.total_seconds() - jump) < 600
        # Tokens go by the time of day.
        now = time.time() + jump
        user.auth = bearer(mint(user.id, exp=int(now + 600)))
        assert user.get(task["id"]) == task
        old = bearer(mint(user.id, exp=int(now - 600)))
        daemon.expect_log("token refused")
        response = daemon.http.get(user.tasks, headers=old)
        assert response.status_code == 401
        # What was changed last says so, even if the clock does not.
        stamps = [task["updated_at"]]
        for jump_on in (jump, 0, -jump):
            clock(jump_on)
            user.auth = bearer(mint(user.id, exp=2 ** 40))
            stamps.append(user.update(task["id"], title="x")["updated_at"])
        assert stamps == sorted(set(stamps))
        # Watchdog, back-off and drain do not look at it at all.
        assert daemon.workers() == pids
        since = kill_worker(daemon)
        daemon.wait_log("worker started", since, worker=0)
        since = daemon.mark()
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("reloaded", since)
