"""Tokens of an issuer elsewhere: where the keys come from, how they are kept
and renewed, and what happens when the issuer or the keeper is not there."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import pwd
import random
import resource
import signal
import socket
import stat
import subprocess
import threading
import time

import jwt
import pytest

import backends
import issuer as issuers
from daemon import (SECRET, Daemon, binary, is_running, run_todod, seconds,
                    unavailable, wait_until)
from issuer import PATH, Issuer, Key, jwks, say
from users import bearer, mint

SHARED = "the-secret-of-a-better-auth-server-of-the-tests"
COOL_DOWN = 1
CONFIG = 78
USER = "Zk3vN0aQ9xB7cD1eF2gH4iJ6kL8mN0pQ"
TASKS = f"/api/{USER}/tasks"


@pytest.fixture(autouse=True, scope="module")
def has_libcurl():
    """What is fetched is fetched by libcurl, which a build may lack."""
    said = subprocess.run([binary(), "--version"], capture_output=True,
                          text=True, check=True).stdout
    if "libcurl" not in said:
        unavailable("this build has no libcurl")


def environment(issuer=None, **more):
    """Of a daemon whose users live elsewhere; a fast one."""
    return {"JWT_SECRET_KEY": None, "JWKS_COOL_DOWN": str(COOL_DOWN),
            "BETTER_AUTH_URL": issuer.url if issuer else None, **more}


@contextlib.contextmanager
def serving(tmp, issuer=None, warm=True, **more):
    """Such a daemon; its log must hold no token and no secret."""
    with Daemon(folder=tmp, env=environment(issuer, **more)) as daemon:
        if warm and issuer:
            daemon.wait_log("keys fetched")
        yield daemon
        with daemon.changed:
            text = "\n".join(line["text"] for line in daemon.lines)
        assert SHARED not in text and SECRET not in text
        for token in Key.made:
            assert token not in text
            assert token.rpartition(".")[2] not in text


def ask(daemon, token, path=TASKS):
    return daemon.http.get(path, headers=bearer(token))


def status(daemon, token):
    return ask(daemon, token).status_code


def accepted(daemon, key, **more):
    response = ask(daemon, key.sign(USER, **more))
    assert response.status_code == 200, response.text


def becomes(daemon, key, wanted=200):
    """Waits until a token of the key is answered so."""
    daemon.expect_log("token refused")
    wait_until(lambda: status(daemon, key.sign(USER)) == wanted,
               f"a {wanted} for {key.kid}")


def refused(daemon, token):
    daemon.expect_log("token refused")
    response = ask(daemon, token)
    assert response.status_code == 401, response.text
    assert "invalid_token" in response.headers["www-authenticate"]


def cold(daemon, key):
    """There are no keys: nobody can say whether the token is good."""
    response = ask(daemon, key.sign(USER))
    assert response.status_code == 503, response.text
    assert int(response.headers["retry-after"]) > 0


def rested(issuer):
    """Waits for the end of the cool-down, so that the next wish is heard."""
    wait_until(lambda: issuer.since_last() > COOL_DOWN + seconds(1),
               "the rest")


def reason(daemon, since=0):
    """Why the last fetch failed, as the log has it."""
    daemon.expect_log("fetch of keys failed")
    return daemon.wait_log("fetch of keys failed", since)["reason"]


def keeper(daemon):
    """The process id of the keeper."""
    return daemon.logged("keeper started")[-1]["pid"]


# -- keys that are there

def test_tokens_of_every_algorithm_are_taken(tmp):
    keys = [Key(alg) for alg in issuers.ALGORITHMS]
    with Issuer(*keys) as issuer, serving(tmp, issuer) as daemon:
        assert daemon.logged("keys fetched")[0]["count"] == len(keys)
        for key in keys:
            accepted(daemon, key)
        assert issuer.fetches() == 1


def test_one_bad_key_does_not_spoil_the_others(tmp):
    good = Key("ES256")
    broken = [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "weak"},
              {"kty": "oct", "k": "c2VjcmV0"}, {"kty": "EC"}, 5]
    with Issuer(*broken, good) as issuer, serving(tmp, issuer) as daemon:
        line = daemon.logged("keys fetched")[0]
        assert (line["count"], line["left_out"]) == (1, len(broken))
        accepted(daemon, good)


def test_the_content_type_does_not_matter(tmp):
    key = Key()
    issuer = Issuer(key)
    issuer.answer = lambda handler: say(handler, jwks(key),
                                        kind="text/html; charset=x")
    with issuer, serving(tmp, issuer) as daemon:
        accepted(daemon, key)


def test_a_whole_url_may_be_given(tmp):
    key = Key()
    with Issuer(key) as issuer, serving(
            tmp, BETTER_AUTH_URL="https://unused.invalid",
            JWKS_URL=issuer.url + PATH) as daemon:
        daemon.wait_log("keys fetched")
        accepted(daemon, key)


def test_users_live_elsewhere_without_a_sign_up(tmp):
    """The variables of the original backend, and no others."""
    key = Key()
    with Issuer(key) as issuer, Daemon(folder=tmp, bare=True, env={
            "DATABASE_URL": f"sqlite:///{tmp}/todo.db",
            "BETTER_AUTH_URL": issuer.url,
            "CORS_ORIGINS": "http://localhost:3000"}) as daemon:
        daemon.wait_log("keys fetched")
        for route in ("signup", "signin"):
            response = daemon.wild.post(f"/api/auth/{route}", json={})
            assert response.status_code == 404
        accepted(daemon, key)
        assert not (tmp / "todo.db.jwt-secret").exists()


def test_accounts_and_users_from_elsewhere_go_together(tmp):
    key = Key()
    with Issuer(key) as issuer, serving(
            tmp, issuer, JWT_SECRET_KEY=SECRET,
            BETTER_AUTH_SECRET=SHARED) as daemon:
        accepted(daemon, key)
        assert status(daemon, mint(USER, secret=SHARED)) == 200
        refused(daemon, mint(USER))     # ours, but there is no such account


def test_issuer_and_audience_are_looked_at(tmp):
    key = Key()
    with Issuer(key) as issuer, serving(
            tmp, issuer, JWT_ISSUER="https://me",
            JWT_AUDIENCE="https://todo") as daemon:
        accepted(daemon, key, iss="https://me", aud="https://todo")
        refused(daemon, key.sign(USER, iss="https://me", aud="https://you"))
        refused(daemon, key.sign(USER, iss="https://you", aud="https://todo"))
        refused(daemon, key.sign(USER))


def test_a_shared_secret_may_come_from_a_file(tmp):
    (tmp / "secret").write_text(SHARED + "\n")
    (tmp / "secret").chmod(0o600)
    with serving(tmp, BETTER_AUTH_SECRET_FILE=str(tmp / "secret"),
                 JWT_REQUIRE_EXP="no") as daemon:
        assert status(daemon, mint(USER, secret=SHARED)) == 200
        assert status(daemon, mint(USER, secret=SHARED, exp=None)) == 200
        assert not daemon.logged("keeper started")


# -- an issuer that is not there, or not well

def test_without_keys_a_token_cannot_be_judged(tmp):
    key = Key()
    issuer = Issuer(key).start()
    issuer.stop()
    with serving(tmp, issuer, warm=False, BETTER_AUTH_SECRET=SHARED) as daemon:
        assert "connect" in reason(daemon).lower()
        cold(daemon, key)
        assert daemon.http.get("/health").status_code == 200
        assert status(daemon, mint(USER, secret=SHARED)) == 200
        refused(daemon, "not.a.token")
        with issuer:
            becomes(daemon, key)


def big(handler):
    say(handler, jwks(Key()) + b" " * 65536)


def endless(handler):
    with contextlib.suppress(OSError):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 4096)


def redirect(handler):
    say(handler, b"", status=302, headers=[("Location", "/elsewhere")])


def silent(handler):
    """Until the client has had enough."""
    handler.connection.settimeout(60)
    with contextlib.suppress(OSError):
        handler.rfile.read(1)


def dripping(handler):
    with contextlib.suppress(OSError):
        handler.send_response(200)
        handler.send_header("Content-Length", "60000")
        handler.end_headers()
        while True:
            handler.wfile.write(b" ")
            time.sleep(0.05)


def answers(body, status=200):
    return lambda handler: say(handler, body, status)


def hang_up(handler):
    handler.close_connection = True


BAD = {
    "too long": (big, "longer than 65536"),
    "without end": (endless, "longer than 65536"),
    "a redirect": (redirect, "redirects are not followed"),
    "no answer": (silent, "in time"),
    "a byte at a time": (dripping, "in time"),
    "nothing": (hang_up, ""),
    "an error": (answers(b"{}", 500), "status is 500"),
    "not found": (answers(b"{}", 404), "status is 404"),
    "no content": (answers(b"", 204), "status is 204"),
    "an empty body": (answers(b""), ""),
    "a page": (answers(b"<html>sign in</html>"), "JSON"),
    "half a set": (answers(jwks(Key())[:-2]), "JSON"),
    "two sets": (answers(jwks(Key()) * 2), "JSON"),
    "another object": (answers(b'{"key":[]}'), ""),
    "no object": (answers(b"[]"), ""),
    "no keys": (answers(b'{"keys":[]}'), ""),
    "no usable key": (answers(b'{"keys":[{"kty":"oct","k":"AA"}]}'), ""),
    "33 keys": (answers(jwks(*[Key() for _ in range(33)])), ""),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_is_no_set_of_keys(tmp, name):
    answer, words = BAD[name]
    key = Key()
    issuer = Issuer(key)
    issuer.answer = answer
    with issuer, serving(tmp, issuer, warm=False,
                         JWKS_TIMEOUT="1") as daemon:
        assert words in reason(daemon)
        cold(daemon, key)
        assert {path for _, path in issuer.asked} == {PATH}
        # Once it is well, so is todod.
        issuer.answer = None
        becomes(daemon, key)


def test_a_bad_answer_does_not_replace_good_keys(tmp):
    key, other = Key(), Key()
    with Issuer(key) as issuer, serving(tmp, issuer) as daemon:
        accepted(daemon, key)
        issuer.answer = answers(b'{"keys":[]}')
        rested(issuer)
        refused(daemon, other.sign(USER))
        reason(daemon)
        accepted(daemon, key)


def test_nobody_else_waits_for_a_slow_issuer(tmp):
    key, other = Key(), Key()
    with Issuer(key) as issuer, serving(tmp, issuer) as daemon:
        accepted(daemon, key)
        released = threading.Event()

        def slow(handler):
            released.wait(60)
            say(handler, jwks(key, other))

        issuer.answer = slow
        rested(issuer)
        before = issuer.fetches()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waits = pool.submit(status, daemon, other.sign(USER))
            wait_until(lambda: issuer.fetches() > before, "the fetch")
            for _ in range(20):
                accepted(daemon, key)
            released.set()
            daemon.expect_log("token refused")      # by a slow machine
            assert waits.result(seconds(10)) in (200, 401)
        becomes(daemon, other)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.parametrize("way", ["end", "reset", "half", "more"])
def test_clients_that_leave_while_they_wait_for_keys_harm_nobody(tmp, way):
    key, other = Key(), Key()
    with Issuer(key) as issuer, serving(tmp, issuer, WORKERS="1") as daemon:
        accepted(daemon, key)
        released = threading.Event()

        def slow(handler):
            released.wait(60)
            say(handler, jwks(key, other))

        issuer.answer = slow
        rested(issuer)
        fetches = issuer.fetches()
        daemon.expect_log("token refused")      # by a slow machine
        pid, = daemon.workers().values()
        before = descriptors(pid)
        waiting = [daemon.raw() for _ in range(12)]
        since = daemon.mark()
        for number, connection in enumerate(waiting):
            method = "POST" if number % 2 else "GET"
            body = b'{"title":"left behind"}' if number % 2 else b""
            connection.request(method, TASKS, [
                ("Authorization", f"Bearer {other.sign(USER)}")], body)
            if way == "more":
                connection.request("GET", "/health")
        wait_until(lambda: issuer.fetches() > fetches, "the fetch")
        wait_until(lambda: descriptors(pid) >= before + 12, "all of them")
        for connection in waiting:
            if way == "reset":
                connection.socket.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            if way == "half":
                connection.finish_sending()
            else:
                connection.close()
        accepted(daemon, key)
        released.set()
        if way == "half":       # this one still listens
            for number, connection in enumerate(waiting):
                reply = connection.response("POST" if number % 2 else "GET",
                                            TASKS)
                assert reply.status in (200, 201, 401), reply
                connection.close()
        wait_until(lambda: descriptors(pid) <= before, "the closes")
        wait_until(lambda: len([line for line in daemon.logged(
            "request", since) if line["route"].endswith("/tasks")]) == 13,
            "an access line of each")
        issuer.answer = None
        issuer.keys = [key, other]
        becomes(daemon, other)
        assert list(daemon.workers().values()) == [pid]


# -- TLS

def test_tls_is_checked_against_the_given_authority(tmp):
    key = Key()
    with Issuer(key, tls=issuers.tls_for(tmp)) as issuer, serving(
            tmp, issuer, JWKS_CA_FILE=str(tmp / "ca.pem")) as daemon:
        accepted(daemon, key)


@pytest.mark.parametrize("host, authority", [
    ("other.example", "ca.pem"), ("localhost", None),
    ("localhost", "others.pem")])
def test_tls_that_proves_nothing_is_refused(tmp, host, authority):
    key = Key()
    issuers.tls_for(tmp)
    (tmp / "ca.pem").rename(tmp / "others.pem")
    ca_file = {"JWKS_CA_FILE": str(tmp / authority)} if authority else {}
    with Issuer(key, tls=issuers.tls_for(tmp, host)) as issuer, serving(
            tmp, issuer, warm=False, **ca_file) as daemon:
        assert "certificate" in reason(daemon).lower()
        cold(daemon, key)
        assert issuer.asked == []


@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "all_proxy",
                                  "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_not_used(tmp, name):
    key = Key()
    with Issuer(key) as issuer, serving(
            tmp, issuer, **{name: "http://127.0.0.1:1"}) as daemon:
        accepted(daemon, key)


# -- rotation

def test_known_keys_outlive_their_issuer(tmp):
    key, unknown = Key(), Key()
    with Issuer(key) as issuer, serving(tmp, issuer,
                                        JWKS_CACHE_TTL="1") as daemon:
        accepted(daemon, key)
        issuer.stop()
        reason(daemon)
        for _ in range(3):
            accepted(daemon, key)
            refused(daemon, unknown.sign(USER))
        issuer.start()
        wait_until(lambda: daemon.logged("keys unchanged", level="info"),
                   "the return of the issuer")


def test_an_unknown_key_is_fetched_at_once(tmp):
    old, new = Key(), Key("ES256")
    with Issuer(old) as issuer, serving(tmp, issuer) as daemon:
        accepted(daemon, old)
        issuer.keys = [old, new]
        rested(issuer)
        accepted(daemon, new)
        accepted(daemon, old)
        assert issuer.fetches() == 2


def test_a_withdrawn_key_counts_no_more(tmp):
    old, new = Key(), Key()
    with Issuer(old) as issuer, serving(tmp, issuer,
                                        JWKS_CACHE_TTL="1") as daemon:
        token = old.sign(USER)
        assert status(daemon, token) == 200
        issuer.keys = [new]
        daemon.expect_log("token refused")
        wait_until(lambda: status(daemon, token) == 401, "the withdrawal")
        accepted(daemon, new)


def test_keys_are_fetched_again_before_they_are_old(tmp):
    key = Key()
    with Issuer(key) as issuer, serving(tmp, issuer,
                                        JWKS_CACHE_TTL="2") as daemon:
        wait_until(lambda: issuer.fetches() >= 4, "the refreshes")
        gaps = [later - sooner for (sooner, _), (later, _)
                in zip(issuer.asked, issuer.asked[1:])]
        assert min(gaps) >= COOL_DOWN
        accepted(daemon, key)
        assert len(daemon.logged("keys fetched")) == 1


def test_rotation_under_load_fails_no_request(tmp):
    key = Key()
    with Issuer(key) as issuer, serving(tmp, issuer) as daemon:
        newest = [key]
        ended = threading.Event()
        answered = []

        def load():
            with daemon.new_client() as http:
                while not ended.is_set():
                    used = newest[0]
                    response = http.get(TASKS,
                                        headers=bearer(used.sign(USER)))
                    answered.append((used.kid, response.status_code))

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(load) for _ in range(4)]
            for alg in ("RS256", "EdDSA", "ES512"):
                rested(issuer)
                fresh = Key(alg)
                issuer.keys = [newest[0], fresh]
                newest[0] = fresh
                wait_until(lambda key=fresh: any(
                    kid == key.kid for kid, _ in answered[-50:]),
                    "answers for the new key")
            ended.set()
            for client in clients:
                client.result()
        assert {code for _, code in answered} == {200}
        assert issuer.fetches() == 4


def test_a_flood_of_unknown_keys_is_no_flood_of_fetches(tmp):
    good = Key()
    forged = Key()
    with Issuer(good) as issuer, serving(tmp, issuer) as daemon:
        daemon.expect_log("token refused")
        accepted(daemon, good)
        ended = threading.Event()
        head = forged.sign(USER)

        def flood(number):
            random_kid = random.Random(number)
            count = 0
            with daemon.new_client() as http:
                while not ended.is_set():
                    kid = f"{random_kid.random():.17f}"
                    header = issuers.encoded(json.dumps(
                        {"alg": "EdDSA", "kid": kid}).encode())
                    token = ".".join([header, *head.split(".")[1:]])
                    response = http.get(TASKS, headers=bearer(token))
                    assert response.status_code == 401, response.text
                    count += 1
            return count

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            floods = [pool.submit(flood, number) for number in range(4)]
            before = issuer.fetches()
            while issuer.fetches() < before + 4:
                accepted(daemon, good)
            ended.set()
            count = sum(each.result() for each in floods)
        assert count > issuer.fetches() * 4
        gaps = [later - sooner for (sooner, _), (later, _)
                in zip(issuer.asked, issuer.asked[1:])]
        assert min(gaps) >= COOL_DOWN, gaps


# -- the keeper

def test_the_keeper_listens_nowhere_and_has_no_database(tmp):
    key = Key()
    with Issuer(key) as issuer, serving(tmp, issuer) as daemon:
        accepted(daemon, key)
        pid = keeper(daemon)
        listening = set()
        for table in ("tcp", "tcp6"):
            lines = pathlib.Path(f"/proc/{pid}/net/{table}").read_text()
            listening |= {row.split()[9] for row in lines.splitlines()[1:]
                          if row.split()[3] == "0A"}
        links = []
        for entry in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                links.append(os.readlink(f"/proc/{pid}/fd/{entry}"))
        assert links
        for link in links:
            assert "todod.db" not in link
            assert link.removeprefix("socket:[").rstrip("]") not in listening


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_the_keeper_has_no_more_rights_than_the_workers(tmp):
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp, nobody.pw_uid, nobody.pw_gid)
    key = Key()
    with Issuer(key) as issuer, serving(tmp, issuer) as daemon:
        accepted(daemon, key)
        text = pathlib.Path(f"/proc/{keeper(daemon)}/status").read_text()
        for field in ("Uid", "Gid"):
            line, = [line for line in text.splitlines()
                     if line.startswith(field)]
            assert "0" not in line.split()[1:]
        assert "CapEff:\t0000000000000000" in text
        assert "NoNewPrivs:\t1" in text
        assert kept(tmp).stat().st_uid == nobody.pw_uid


def test_a_killed_keeper_is_replaced_and_nobody_notices(tmp):
    key = Key()
    with Issuer(key) as issuer, serving(tmp, issuer) as daemon:
        for _ in range(3):
            daemon.expect_log("keeper exited")
            since = daemon.mark()
            pid = keeper(daemon)
            os.kill(pid, signal.SIGKILL)
            daemon.wait_log("keeper exited", since, pid=pid)
            accepted(daemon, key)
            daemon.wait_log("keeper started", since)
            assert keeper(daemon) != pid
        fresh = Key()
        issuer.keys = [key, fresh]
        rested(issuer)
        accepted(daemon, fresh)
        assert issuer.fetches() == 2, "a new keeper asks for what is there"


def test_a_keeper_killed_while_it_fetches_is_replaced(tmp):
    key, fresh = Key(), Key()
    with Issuer(key) as issuer, serving(tmp, issuer) as daemon:
        issuer.answer = silent
        rested(issuer)
        before = issuer.fetches()
        daemon.expect_log("keeper exited", "token refused")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waits = pool.submit(status, daemon, fresh.sign(USER))
            wait_until(lambda: issuer.fetches() > before, "the fetch")
            issuer.answer = None
            issuer.keys = [key, fresh]
            os.kill(keeper(daemon), signal.SIGKILL)
            # It waits no longer, or for the next keeper's fetch.
            assert waits.result(seconds(10)) in (200, 401)
        becomes(daemon, fresh)
        accepted(daemon, key)


def test_a_keeper_that_stands_still_harms_nobody(tmp):
    key, fresh = Key(), Key()
    with Issuer(key) as issuer, serving(tmp, issuer) as daemon:
        accepted(daemon, key)
        rested(issuer)
        pid = keeper(daemon)
        daemon.expect_log("keeper hangs", "keeper exited")  # on a slow machine
        os.kill(pid, signal.SIGSTOP)
        try:
            issuer.keys = [key, fresh]
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                waits = pool.submit(refused, daemon, fresh.sign(USER))
                for _ in range(20):
                    accepted(daemon, key)
                waits.result(seconds(20))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        becomes(daemon, fresh)


@pytest.mark.slow
def test_a_keeper_that_hangs_is_replaced(tmp):
    key, fresh = Key(), Key()
    with Issuer(key) as issuer, serving(tmp, issuer) as daemon:
        pid = keeper(daemon)
        hard = resource.prlimit(pid, resource.RLIMIT_CORE)[1]
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, hard))
        daemon.expect_log("keeper hangs", "keeper exited")
        os.kill(pid, signal.SIGSTOP)
        daemon.wait_log("keeper hangs", pid=pid, timeout=20)
        os.kill(pid, signal.SIGCONT)
        ended = daemon.wait_log("keeper exited", pid=pid)
        assert ended["signal"] == signal.SIGABRT
        wait_until(lambda: keeper(daemon) != pid, "the next keeper")
        issuer.keys = [key, fresh]
        becomes(daemon, fresh)


def test_the_masters_death_ends_the_keeper(tmp):
    key = Key()
    issuer = Issuer(key)
    issuer.answer = silent      # it is busy at that moment
    with issuer, Daemon(folder=tmp, env=environment(issuer)) as daemon:
        daemon.expect_log("")
        daemon.lossy = True
        pid = daemon.wait_log("keeper started")["pid"]
        wait_until(issuer.fetches, "the fetch")
        daemon.kill()
        wait_until(lambda: not is_running(pid), "the keeper's end")
        daemon.discard()


def test_a_stop_does_not_wait_for_the_issuer(tmp):
    issuer = Issuer(Key())
    issuer.answer = silent
    with issuer, serving(tmp, issuer, warm=False,
                         JWKS_TIMEOUT="60") as daemon:
        wait_until(issuer.fetches, "the fetch")
        daemon.stop()


# -- what is kept for the next start

def kept(tmp):
    return tmp / "todod.db.jwks"


def keep(tmp, issuer, key):
    """Runs a daemon until it has kept the keys."""
    with serving(tmp, issuer) as daemon:
        accepted(daemon, key)
    assert stat.S_IMODE(kept(tmp).stat().st_mode) == 0o600


def test_a_restart_has_the_last_keys_while_the_issuer_is_away(tmp):
    key = Key()
    with Issuer(key) as issuer:
        keep(tmp, issuer, key)
        issuer.stop()
        with serving(tmp, issuer, warm=False) as daemon:
            accepted(daemon, key)
            assert daemon.logged("keys of the last run are there")
            reason(daemon)
            refused(daemon, Key().sign(USER))
            accepted(daemon, key)


def outdate(path):
    os.utime(path, (time.time() - 90001, time.time() - 90001))


def damage(path):
    path.write_bytes(path.read_bytes()[:-3])


def expose(path):
    path.chmod(0o666)


@pytest.mark.parametrize("harm, warns", [
    (outdate, False), (damage, True), (expose, True),
    (pathlib.Path.unlink, False)])
def test_kept_keys_that_cannot_be_trusted_are_not_used(tmp, harm, warns):
    key = Key()
    with Issuer(key) as issuer:
        keep(tmp, issuer, key)
        issuer.stop()
        harm(kept(tmp))
        daemon = Daemon(folder=tmp, env=environment(issuer))
        daemon.expect_log("the kept keys are not used", "fetch of keys failed")
        with daemon:
            assert bool(daemon.logged("the kept keys are not used")) == warns
            cold(daemon, key)
            issuer.start()
            becomes(daemon, key)
        assert stat.S_IMODE(kept(tmp).stat().st_mode) == 0o600


def test_where_nothing_can_be_kept_the_keys_count_all_the_same(tmp):
    key = Key()
    kept(tmp).mkdir()
    with Issuer(key) as issuer:
        daemon = Daemon(folder=tmp, env=environment(issuer))
        daemon.expect_log("the kept keys are not used", "keys not kept")
        with daemon:
            line = daemon.wait_log("keys not kept")
            assert line["file"] == str(kept(tmp))
            accepted(daemon, key)
        assert not list(tmp.glob("todod.db.jwks.*"))


def test_a_new_keeper_keeps_what_the_last_one_could_not(tmp):
    """It may have been killed after the workers had the keys."""
    key, gone = Key(), Key()
    with Issuer(key) as issuer, serving(tmp, issuer,
                                        JWKS_CACHE_TTL="1") as daemon:
        wait_until(kept(tmp).exists, "the kept keys")
        daemon.expect_log("keeper exited")
        os.kill(keeper(daemon), signal.SIGSTOP)
        url = kept(tmp).read_bytes().split(b"\n")[0]
        kept(tmp).write_bytes(url + b"\n" + jwks(gone))
        os.kill(keeper(daemon), signal.SIGKILL)
        wait_until(lambda: kept(tmp).read_bytes() == url + b"\n" + jwks(key),
                   "the newest keys on disk")


def test_on_postgresql_they_are_kept_in_the_data_folder(tmp):
    key = Key()
    with Issuer(key) as issuer:
        env = environment(issuer, DATA_DIR=str(tmp))
        try:
            daemon = Daemon(folder=tmp, backend="postgres", env=env)
        except backends.Missing as error:
            unavailable(str(error))
        with daemon:
            daemon.wait_log("keys fetched")
            accepted(daemon, key)
        assert (tmp / "todod.jwks").exists()
        issuer.stop()
        daemon.expect_log("fetch of keys failed")
        with daemon:
            accepted(daemon, key)


def test_kept_keys_are_of_their_issuer_only(tmp):
    key = Key()
    with Issuer(key) as issuer:
        keep(tmp, issuer, key)
    with Issuer(Key()) as other:
        other.stop()
        with serving(tmp, other, warm=False) as daemon:
            cold(daemon, key)
            reason(daemon)


# -- a file

def put(path, *keys):
    """Replaces the file at once."""
    new = path.with_suffix(".new")
    new.write_bytes(jwks(*keys))
    new.rename(path)


def test_keys_may_come_from_a_file(tmp):
    path = tmp / "keys.json"
    old, new = Key(), Key("RS256")
    put(path, old)
    with serving(tmp, JWKS_FILE=str(path)) as daemon:
        accepted(daemon, old)           # at once: nothing is to be fetched
        refused(daemon, new.sign(USER))
        put(path, new)
        becomes(daemon, new)
        refused(daemon, old.sign(USER))
        path.write_bytes(jwks(old, new))        # in place
        becomes(daemon, old)
        assert not kept(tmp).exists()


WRITERS = "others may write to a file that todod believes: chmod go-w it"
READERS = "everybody here may read a secret: chmod o= it"


@pytest.mark.parametrize("option, mode, warnings", [
    ("JWKS_FILE", 0o644, []), ("JWKS_FILE", 0o664, [WRITERS]),
    ("JWKS_FILE", 0o646, [WRITERS]), ("JWKS_CA_FILE", 0o622, [WRITERS]),
    ("JWT_SECRET_KEY_FILE", 0o640, []),
    ("JWT_SECRET_KEY_FILE", 0o644, [READERS]),
    ("JWT_SECRET_KEY_FILE", 0o660, [WRITERS]),
    ("BETTER_AUTH_SECRET_FILE", 0o666, [WRITERS, READERS])])
def test_who_else_can_be_every_user_is_told(tmp, option, mode, warnings):
    path = tmp / "file"
    put(path, Key())
    path.chmod(0o600)
    env = environment(**{"BETTER_AUTH_SECRET": "s" * 40, option: path})
    if option == "BETTER_AUTH_SECRET_FILE":
        del env["BETTER_AUTH_SECRET"]
    with Daemon(folder=tmp, env=env) as daemon:
        daemon.expect_log(*warnings)
        since = daemon.mark()
        path.chmod(mode)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("reloaded")
        for warning in (WRITERS, READERS):
            found = daemon.logged(warning, since, option=option,
                                  file=str(path))
            assert len(found) == warnings.count(warning)
    done = run_todod("--check-config", folder=tmp, env=env)
    assert done.returncode == 0
    for warning in (WRITERS, READERS):
        assert (warning in done.stderr) == (warning in warnings)
    assert (f"{path}" in done.stderr) == bool(warnings)


@pytest.mark.parametrize("harm", [
    lambda path: path.write_text("{"), lambda path: path.write_text(""),
    lambda path: path.write_text('{"keys":[]}'), pathlib.Path.unlink,
    lambda path: path.write_bytes(jwks(*[Key() for _ in range(33)]))])
def test_a_file_that_became_bad_leaves_the_old_keys(tmp, harm):
    path = tmp / "keys.json"
    key, new = Key(), Key()
    put(path, key)
    with serving(tmp, JWKS_FILE=str(path)) as daemon:
        daemon.expect_log("keys not read", "reload refused")
        harm(path)
        assert daemon.wait_log("keys not read")["source"] == str(path)
        accepted(daemon, key)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("reload refused")
        accepted(daemon, key)
        put(path, new)
        becomes(daemon, new)
        refused(daemon, key.sign(USER))


@pytest.mark.parametrize("content", [
    None, b"", b"{", b'{"keys":[]}', b"\xef\xbb\xbf" + jwks(Key()),
    jwks(Key()) + b" " * 65536], ids=["missing", "empty", "broken", "no keys",
                                      "BOM", "too long"])
def test_a_start_with_a_bad_file_is_refused(tmp, content):
    path = tmp / "keys.json"
    if content is not None:
        path.write_bytes(content)
    for args in ((), ("--check-config",)):
        done = run_todod(*args, folder=tmp,
                         env=environment(JWKS_FILE=str(path)))
        assert done.returncode == CONFIG, done.stderr
        assert str(path) in done.stderr and "JWKS_FILE" in done.stderr


def test_a_reload_reads_the_file_again(tmp):
    path = tmp / "keys.json"
    old, new = Key(), Key()
    put(path, old)
    with serving(tmp, JWKS_FILE=str(path), DRAIN_TIMEOUT="1") as daemon:
        # Whatever the keeper does: the new workers have it from the start.
        os.kill(keeper(daemon), signal.SIGSTOP)
        daemon.expect_log("keeper exited")
        put(path, new)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("reloaded")
        becomes(daemon, new)
        refused(daemon, old.sign(USER))


# -- reloading

def test_a_reload_keeps_the_keys_of_the_same_issuer(tmp):
    key = Key()
    with Issuer(key) as issuer, serving(tmp, issuer) as daemon:
        first = keeper(daemon)
        issuer.stop()
        for _ in range(2):
            since = daemon.mark()
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_log("reloaded", since)
            accepted(daemon, key)
            daemon.wait_log("keeper started", since)
        wait_until(lambda: not is_running(first), "the old keeper's end")
        assert issuer.fetches() == 1


def test_a_reload_may_name_another_issuer(tmp):
    old, new = Key(), Key()
    conf = tmp / "todod.conf"
    with Issuer(old) as first, Issuer(new) as second:
        conf.write_text(f"better-auth-url = {first.url}\n")
        with Daemon("--config", conf, folder=tmp, env=environment()) as daemon:
            daemon.wait_log("keys fetched")
            accepted(daemon, old)
            conf.write_text(f"better-auth-url = {second.url}\n")
            since = daemon.mark()
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_log("reloaded", since)
            daemon.wait_log("keys fetched", since)
            becomes(daemon, new)
            refused(daemon, old.sign(USER))


def test_a_reload_may_end_the_tokens_from_elsewhere(tmp):
    key = Key()
    conf = tmp / "todod.conf"
    with Issuer(key) as issuer:
        conf.write_text(f"better-auth-url = {issuer.url}\n")
        with Daemon("--config", conf, folder=tmp, env=environment(
                BETTER_AUTH_SECRET=SHARED)) as daemon:
            daemon.wait_log("keys fetched")
            accepted(daemon, key)
            pid = keeper(daemon)
            conf.write_text("\n")
            since = daemon.mark()
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_log("reloaded", since)
            becomes(daemon, key, 401)
            assert status(daemon, mint(USER, secret=SHARED)) == 200
            wait_until(lambda: not is_running(pid), "the keeper's end")
            assert not daemon.logged("keeper started", since)


# -- refusals at start

@pytest.mark.parametrize("env, words", [
    ({"JWKS_URL": "http://issuer.example/keys"}, "JWKS_ALLOW_HTTP"),
    ({"BETTER_AUTH_URL": "auth.example"}, "BETTER_AUTH_URL"),
    ({"JWKS_URL": "https://me:pw@issuer.example/"}, "JWKS_URL"),
    ({"JWKS_URL": "https://x.example/", "JWKS_FILE": "x"}, "unset one"),
    ({"JWKS_URL": "https://x.example/", "JWKS_CA_FILE": "/nowhere/ca"},
     "/nowhere/ca"),
    ({"BETTER_AUTH_SECRET": "short"}, "BETTER_AUTH_SECRET"),
    ({"BETTER_AUTH_SECRET": SECRET, "JWT_SECRET_KEY": SECRET}, "the same"),
    ({"ACCOUNTS": "off"}, "nothing to judge tokens by"),
    ({"ENVIRONMENT": "production", "BETTER_AUTH_URL": "https://x.example",
      "ACCOUNTS": "on"}, "JWT_SECRET_KEY")])
def test_what_cannot_work_is_refused(tmp, env, words):
    done = run_todod("--check-config", folder=tmp, env=environment(**env))
    assert done.returncode == CONFIG, done.stderr
    assert words in done.stderr
    assert SECRET not in done.stderr and "me:pw" not in done.stderr


def test_a_weak_shared_secret_is_for_development_only(tmp):
    weak = environment(BETTER_AUTH_SECRET="feeble",
                       JWT_ALLOW_WEAK_SECRET="yes")
    done = run_todod("--check-config", folder=tmp, env=weak)
    assert done.returncode == 0, done.stderr
    assert "a secret is weak" in done.stderr and "feeble" not in done.stderr
    done = run_todod("--check-config", folder=tmp,
                     env={**weak, "ENVIRONMENT": "production"})
    assert done.returncode == CONFIG, done.stderr


@pytest.mark.parametrize("name", ["JWT_SECRET_KEY", "BETTER_AUTH_SECRET"])
def test_an_empty_secret_is_refused_whatever_is_allowed(tmp, name):
    (tmp / "empty").write_text("\n")
    done = run_todod("--check-config", folder=tmp, env=environment(
        JWT_ALLOW_WEAK_SECRET="yes", **{f"{name}_FILE": str(tmp / "empty")}))
    assert done.returncode == CONFIG, done.stderr
    assert name in done.stderr


def test_a_secret_is_no_flag(tmp):
    done = run_todod(f"--better-auth-secret={SHARED}", folder=tmp)
    assert done.returncode == 64
    assert "--better-auth-secret-file" in done.stderr
    assert SHARED not in done.stderr
