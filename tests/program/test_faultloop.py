"""The k-th call of a function of the system fails, for one k after the other:
nothing crashes or leaks, each answer is whole or none, and what was acknowledged
is kept. A sample; the whole of it with TODOD_TORTURE=1.
"""

import contextlib
import dataclasses
import os
import signal
import socket
import time

import httpx
import pytest

import backends
from certificates import Authority
from client import Closed
from daemon import (Daemon, folder, is_running, run_todod, seconds,
                    unavailable, wait_until)
from faultlife import DONE, REFUSED, UNSAID, Caller, Day, Stalled, outcome
from faults import Fault, Shim
from seeds import effort, seeded
from users import sign_up

# The sample: so many calls of each function while serving, so many functions
# at a start and at a stop.
SERVED = effort(2, None)
STARTED = 3
# Calls of malloc() that fail in a worker that starts: of the first, and of all.
RESTARTED = effort((20, 10), (None, None))
RESTARTED_FIRST = 300
# Rounds of creates, and how many of them come at once.
SHARED = effort(20, 500)
AT_ONCE = 12
# Who calls what.
SERVING = ("malloc", "calloc", "realloc", "accept4", "epoll_ctl", "read",
           "recv", "writev", "pread64", "pwrite64", "fdatasync", "getrandom")
STARTING = (*SERVING, "ftruncate64", "fsync")
STOPPING = ("malloc", "realloc", "epoll_ctl", "read", "pread64", "pwrite64",
            "ftruncate64")
ON_POSTGRES = ("malloc", "epoll_ctl", "connect", "recv", "send")
DAYS = [("serve", "sqlite", function) for function in SERVING] + [
    ("postgres", "postgres", function) for function in ON_POSTGRES
    if "postgres" in backends.selected()]
BOTH = [backend for backend in ("sqlite", "postgres")
        if backend in backends.selected()]
# The whole loop may be cut short; each function has its share.
SHARE = float(os.environ.get("TORTURE_SECONDS", "inf")) / (
    len(DAYS) + len(BOTH) + 4)


def spread(choice, calls, count):
    """So many numbers of calls out of 1 … calls, one of each stretch."""
    if count is None or count >= calls:
        return range(1, calls + 1)
    edges = [1 + calls * n // count for n in range(count + 1)]
    return [choice.randrange(low, max(high, low + 1))
            for low, high in zip(edges, edges[1:])]


def planned(phase, function, calls, count, choice):
    """The faults to try: all of them for the whole loop, in any order, so that
    one that is cut short has seen a bit of everything."""
    wanted = Fault.wanted()
    if wanted:
        return [wanted] if (wanted.phase, wanted.function) == (
            phase, function) else []
    modes = ("once", "always")
    if count is None:
        made = [Fault(phase, function, at, mode)
                for at in range(1, calls + 1) for mode in modes]
        choice.shuffle(made)
        return made
    return [Fault(phase, function, at, choice.choice(modes))
            for at in spread(choice, calls, count)]


def is_deliberate(line, fault):
    """Without random bytes a process ends itself: there is nothing to issue
    ids and salts from. One that cannot even be told to stop is killed."""
    if line["signal"] == signal.SIGKILL:
        return fault.mode == "always"
    return fault.function == "getrandom" and line["signal"] == signal.SIGABRT


def look_for_crashes(daemon, fault, since=0):
    crashed = [line for name in ("worker exited", "keeper exited")
               for line in daemon.logged(name, since)
               if "signal" in line and not is_deliberate(line, fault)]
    assert not crashed, daemon._story(f"crashed: {crashed}")


def pardon(daemon, function):
    """What a process says that ends itself for want of random bytes."""
    with daemon.changed:
        for line in daemon.lines:
            if function == "getrandom" and "no random bytes" in line["text"]:
                line.pop("raw", None)


class Findings:
    """What was tried, and what went wrong; the loop goes on after it."""

    def __init__(self, shim):
        self.shim = shim
        self.tried = self.met = 0
        self.found = []

    @contextlib.contextmanager
    def noted(self, fault):
        """What fails meanwhile says how to repeat it."""
        self.tried += 1
        try:
            yield
        except Exception as error:
            self.found.append(f"TODOD_TEST_FAULT='{fault}': {error}")
        self.met += self.shim.failed > 0

    def judge(self):
        print(f"{self.tried} faults, {self.met} met")
        assert not self.found, "\n".join(
            [f"{len(self.found)} findings", *self.found[:20]])


@pytest.fixture(scope="module")
def shim():
    with folder() as path:
        yield Shim(path)


def make(shim, path, backend="sqlite"):
    """A daemon with one worker, so that the same call is the same."""
    try:
        daemon = Daemon(folder=path, backend=backend, env={
            "WORKERS": "1", "DRAIN_TIMEOUT": "2",
            "REQUEST_TIMEOUT": "2", **shim.environment()})
    except backends.Missing as error:
        unavailable(str(error))
    daemon.lossy = True
    daemon.expect_log("")
    return daemon


@pytest.fixture
def served(shim, request):
    """A daemon under the shim, and a user of it."""
    backend = getattr(request, "param", "sqlite")
    shim.lift()
    with folder() as path, make(shim, path, backend) as daemon:
        yield daemon, sign_up(daemon)


def cut(daemon, function):
    """A worker connects to its database only when it has to."""
    if function == "connect":
        name = backends.Cluster.get().database(daemon.folder)
        backends.Cluster.get().tell(
            "sql SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND pid <> pg_backend_pid()")


def serve(daemon, user, shim, fault):
    """One day under this fault."""
    daemon.expect_log("")
    since = daemon.mark()
    cut(daemon, fault.function)
    day = Day(daemon, user)
    shim.arm(fault)
    try:
        day.live()
    except Stalled:
        # Where no worker can do anything any more, clients have to wait.
        if fault.mode == "once":
            raise
    finally:
        shim.lift()
        daemon.violations.clear()
        day.judge()
        look_for_crashes(daemon, fault, since)


def count(daemon, user, shim, function):
    """How often a day calls it; the first day has more to do."""
    for _ in range(2):
        cut(daemon, function)
        shim.count(function)
        day = Day(daemon, user)
        day.live()
        shim.lift()
        day.judge()
    return shim.calls


def try_all(findings, faults, attempt, share):
    """Each of the faults, until the time is over."""
    until = time.monotonic() + share
    for fault in faults:
        if time.monotonic() > until:
            break
        with findings.noted(fault):
            attempt(fault)


@pytest.mark.parametrize("phase, served, function", DAYS,
                         indirect=["served"])
def test_a_call_that_fails_while_serving_harms_nobody(
        phase, served, function, shim):
    daemon, user = served
    findings = Findings(shim)
    with seeded() as choice:
        calls = count(daemon, user, shim, function)
        print(f"{function}: {calls} calls")
        if not calls and function.endswith("alloc"):
            unavailable("the allocator of this build cannot be preceded")
        # What is never called tests nothing: it has no place in the list.
        assert calls
        faults = planned(phase, function, calls, SERVED, choice)
        try_all(findings, faults,
                lambda fault: serve(daemon, user, shim, fault), SHARE)
        pardon(daemon, function)
        findings.judge()


def test_an_acknowledged_write_is_on_the_disk(served, shim):
    _, user = served
    shim.count("fdatasync")
    for number in range(5):
        user.create(f"synced {number}")
        assert shim.calls > number
    shim.lift()


def shown(daemon, path, user):
    """The Reply to a GET once the service can give one: a worker that has ended
    for want of memory more than once is not replaced at once."""
    caller, reply = Caller(daemon), None
    with contextlib.suppress(Stalled):
        reply = caller.ask("GET", path, user)
    caller.close()
    return reply if reply and reply.status == 200 else None


def settled(reply, status, fault):
    """The outcome of a write; one that was answered is known: after a single
    fault there is a connection to ask with."""
    said = outcome(reply, status)
    assert not reply or said != UNSAID, f"{fault}: {reply.body!r}"
    return said


@pytest.mark.parametrize("served", ["postgres"], indirect=True)
def test_a_write_is_done_once_though_its_answer_cannot_be_kept(served, shim):
    """libpq has no memory for what the server says of a write that is done:
    the next connection finds out, and does not do it again."""
    daemon, user = served
    path, state = user.task(user.create("Once")["id"]), False
    caller = Caller(daemon)

    at, failed = 0, True
    while failed:
        at += 1
        since = daemon.mark()
        shim.arm(Fault("postgres", "malloc", at, "once"))
        said = settled(caller.ask("PATCH", f"{path}/complete", user), 200,
                       f"malloc {at}")
        shim.lift()
        failed = shim.failed
        look_for_crashes(daemon, Fault("postgres", "malloc", at, "once"),
                         since)
        states = {state, not state} if said == UNSAID else {
            state ^ (said == DONE)}
        state = wait_until(lambda: shown(daemon, path, user),
                           "the service", 40).json()["completed"]
        assert state in states, f"malloc {at}: {said}, and is {state}"
    caller.close()
    if at == 1:
        unavailable("the allocator of this build cannot be preceded")


@pytest.mark.parametrize("served", ["postgres"], indirect=True)
def test_creates_that_share_a_statement_are_told_the_truth(served, shim):
    """Of many at once some have no memory: each is there once, or not."""
    daemon, user = served
    head = "".join(f"{name}: {value}\r\n" for name, value in user.auth.items())

    def create(title):
        """One request, to be sent in one piece."""
        body = f'{{"title":"{title}"}}'
        return (f"POST {user.tasks} HTTP/1.1\r\nHost: x\r\n{head}"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    kept, refused, failed = set(), {}, 0
    with seeded() as choice:
        for round_ in range(SHARED):
            titles = [f"{round_}-{n}" for n in range(AT_ONCE)]
            with contextlib.ExitStack() as stack:
                callers = [stack.enter_context(daemon.raw()) for _ in titles]
                since = daemon.mark()
                fault = Fault("postgres", choice.choice(["malloc", "calloc"]),
                              choice.randint(1, 20 * AT_ONCE), "once")
                shim.arm(fault)
                for caller, title in zip(callers, titles):
                    caller.send(create(title))
                for caller, title in zip(callers, titles):
                    with contextlib.suppress(Closed, OSError):
                        reply = caller.response("POST", user.tasks)
                        said = settled(reply, 201, fault)
                        if said == DONE:
                            kept.add(title)
                        elif said == REFUSED:
                            refused[title] = f"{fault}: {reply.body!r}"
                shim.lift()
            failed += shim.failed > 0
            look_for_crashes(daemon, fault, since)
        daemon.violations.clear()
        if not failed:
            unavailable("the allocator of this build cannot be preceded")
        found = [task["title"] for task in
                 wait_until(lambda: shown(daemon, user.tasks, user),
                            "the service", 40).json()]
        assert len(found) == len(set(found))
        assert not kept - set(found)
        there = {title: refused[title] for title in set(found) & set(refused)}
        assert not there, daemon._story(f"refused, and there: {there}")
        assert len(kept) > SHARED


def bytes_for(daemon, request):
    """All that a new connection is answered until it is silent or closed."""
    answer = b""
    with socket.create_connection(daemon.addresses[0], seconds(5)) as client:
        # It may be closed already.
        with contextlib.suppress(OSError):
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            while data := client.recv(65536):
                answer += data
    return answer


@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_a_connection_without_memory_is_not_left_to_evhttp(shim, tmp, kind):
    """evhttp would read it by itself, and answer in HTML."""
    extra = {}
    if kind == "tls":
        version = run_todod("--version", folder=tmp, bare=True).stdout
        if "libssl" not in version:
            unavailable("this build has no TLS")
        extra = Authority().issue().save(tmp).env(tmp)
    request = (b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\n"
               b"Content-Length: 300\r\n\r\n" + b" " * 300)
    shim.lift()
    with Daemon(folder=tmp, env={"WORKERS": "1", **shim.environment(),
                                 **extra}) as daemon:
        daemon.lossy = True
        daemon.expect_log("")
        shim.arm(Fault("serve", "calloc", 1, "always"))
        answer = bytes_for(daemon, request)
        shim.lift()
        if not shim.calls:
            unavailable("the allocator of this build cannot be preceded")
        assert b"<HTML>" not in answer
        assert kind == "plain" or answer == b""
        assert bytes_for(daemon, request)


@pytest.mark.parametrize("function", ["epoll_ctl", "malloc"])
def test_a_worker_without_its_events_is_replaced(served, shim, function):
    """It could not watch a descriptor, or has no memory at all any more."""
    daemon, user = served
    since = daemon.mark()
    shim.arm(Fault("serve", function, 1, "always"))
    callers = []
    # What libevent has kept for the next requests lasts for a while.
    while not daemon.logged("worker exited", since) and len(callers) < 300:
        callers.append(Caller(daemon))
        with contextlib.suppress(Stalled):
            callers[-1].ask("GET", user.tasks, user)
        if not shim.failed:
            unavailable(f"{function} of this build cannot be made to fail")
    ended = daemon.wait_log("worker exited", since)
    caller = callers[-1]
    shim.lift()
    assert ended["status"] == os.EX_OSERR
    daemon.wait_log("worker started", since)
    assert caller.ask("GET", user.tasks, user).json() == []
    for caller in callers:
        caller.close()


def hang(daemon, shim):
    """One of its workers goes round in a circle for ever."""
    shim.arm(Fault("serve", "writev", 1, "hang"))
    with daemon.raw() as caller:
        caller.send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: shim.failed, "the call that hangs")
    shim.lift()


def test_a_worker_that_loops_does_not_outlive_the_master(served, shim):
    """It would hold the port, and nobody would be left to kill it."""
    daemon, _ = served
    pids = list(daemon.workers().values())
    hang(daemon, shim)
    daemon.discard_clients()
    daemon.kill()
    wait_until(lambda: not any(map(is_running, pids)), "their end", 20)
    daemon.discard()


def replace_worker(daemon):
    """Starts another worker, which takes over unless it fails."""
    since = daemon.mark()
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: daemon.logged("reloaded", since) or
               daemon.logged("reload refused", since), "a worker", 40)


def restart(daemon, shim, fault):
    """A worker starts under this fault."""
    since = daemon.mark()
    shim.arm(fault)
    try:
        replace_worker(daemon)
    finally:
        shim.lift()
    look_for_crashes(daemon, fault, since)


@pytest.mark.parametrize("served", BOTH, indirect=True)
def test_a_worker_that_starts_without_memory_does_not_crash(served, shim):
    """What a library does once a process, it may take for granted later."""
    daemon, user = served
    findings = Findings(shim)
    with seeded() as choice:
        shim.count("malloc")
        replace_worker(daemon)
        shim.lift()
        if not shim.calls:
            unavailable("the allocator of this build cannot be preceded")
        print(f"{shim.calls} calls")
        early, all_over = RESTARTED
        faults = [Fault("restart", "malloc", at, "once") for at in [
            *spread(choice, RESTARTED_FIRST, early),
            *spread(choice, shim.calls, all_over)]]
        wanted = Fault.wanted()
        if wanted:
            faults = [wanted] * (wanted.phase == "restart")
        try_all(findings, faults,
                lambda fault: restart(daemon, shim, fault), SHARE)
        findings.judge()
    daemon.discard_clients()
    assert user.list() == []


def finish(daemon, fault):
    """It ended by itself: by its own will, and it said why."""
    daemon.reader.join(seconds(5))
    pardon(daemon, fault.function)
    with daemon.changed:
        for line in daemon.lines:
            # Said before the options were read, so before it is known how.
            if line["text"] == "todod: out of memory":
                line["level"] = "error"
                line.pop("raw", None)
    daemon.finish()
    status = daemon.process.returncode
    assert status > 0 or is_deliberate({"signal": -status}, fault), \
        daemon._story(f"exit status {status}")
    assert any(line.get("level") in ("error", "warn") or "raw" in line
               for line in daemon.lines), "it did not say why"


def begin(daemon):
    """Whether it serves; else it has ended."""
    daemon.start(wait=False)
    wait_until(lambda: daemon.logged("ready") or
               daemon.process.poll() is not None, "a start or an end", 40)
    if daemon.process.poll() is None:
        daemon.addresses = [(line["address"], line.get("port"))
                            for line in daemon.logged("listening")]
        caller = Caller(daemon)
        with contextlib.suppress(Stalled):
            caller.ask("GET", "/health")
        caller.close()
    return daemon.process.poll() is None


def use(daemon):
    """What was started in spite of a fault serves. A worker that was struck
    may have to be replaced yet."""
    def welcomed():
        with contextlib.suppress(AssertionError, httpx.TransportError):
            return sign_up(daemon)
        daemon.discard_clients()
        return None

    user = wait_until(welcomed, "a sign-up", 40)
    day = Day(daemon, user)
    day.live()
    day.judge()
    daemon.discard_clients()


def start(shim, fault):
    """Starts under the fault, and again without it in the same folder."""
    with folder() as path:
        daemon = make(shim, path)
        shim.arm(fault, "all")
        try:
            is_ready = begin(daemon)
        finally:
            shim.lift()
        try:
            if is_ready:
                use(daemon)
                daemon.stop()
            else:
                finish(daemon, fault)
            look_for_crashes(daemon, fault)
        finally:
            daemon.discard()
        with make(shim, path) as daemon:
            use(daemon)


def stop(shim, fault):
    """Stops under the fault; a task that was there before is there again."""
    with folder() as path:
        with contextlib.ExitStack() as stack:
            daemon = make(shim, path).start()
            stack.callback(daemon.discard)
            user = sign_up(daemon)
            user.create("kept")
            daemon.discard_clients()
            shim.arm(fault, "all")
            stack.callback(shim.lift)
            daemon.process.send_signal(signal.SIGTERM)
            daemon.process.wait(seconds(15))
            daemon.reader.join(seconds(5))
            pardon(daemon, fault.function)
            daemon.finish()
            look_for_crashes(daemon, fault)
            assert daemon.process.returncode >= 0
        with make(shim, path) as daemon:
            user = dataclasses.replace(user, daemon=daemon)
            assert [task["title"] for task in user.list()] == ["kept"]


def calls_of(shim, function, phase):
    """How often a start or a stop calls it."""
    with folder() as path:
        daemon = make(shim, path)
        if phase == "start":
            shim.count(function, "all")
        assert begin(daemon)
        if phase == "stop":
            shim.count(function, "all")
        else:
            shim.lift()
        daemon.stop()
        shim.lift()
    return shim.calls


@pytest.mark.parametrize("phase, attempt, functions", [
    ("start", start, STARTING), ("stop", stop, STOPPING)])
def test_a_call_that_fails_at_a_start_or_stop_harms_nobody(
        shim, phase, attempt, functions):
    findings = Findings(shim)
    with seeded() as choice:
        wanted = Fault.wanted()
        if wanted:
            functions = [wanted.function] * (wanted.phase == phase)
        else:
            functions = choice.sample(functions,
                                      effort(STARTED, len(functions)))
        for function in functions:
            calls = calls_of(shim, function, phase)
            print(f"{function}: {calls} calls")
            faults = planned(phase, function, calls, effort(1, None), choice)
            try_all(findings, faults, lambda fault: attempt(shim, fault),
                    2 * SHARE / len(functions))
        findings.judge()
