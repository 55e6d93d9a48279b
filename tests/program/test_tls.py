"""HTTPS: what is spoken and what is not, certificates, reloading them."""

import concurrent.futures
import contextlib
import os
import pathlib
import pwd
import select
import signal
import socket
import ssl
import subprocess
import threading
import time

import httpx
import pytest

from bulk import BIG_TASK, make_tasks, owner_on
from certificates import PEM, Authority
from client import Closed, padded, plain
from daemon import Daemon, run_todod, seconds, unavailable, wait_until
from users import sign_up

CONFIG = 78
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
VERSIONS = pytest.mark.parametrize("version", [TLS12, TLS13],
                                   ids=["tls12", "tls13"])
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module", autouse=True)
def built_in(tmp_path_factory):
    """A build may lack it."""
    folder = tmp_path_factory.mktemp("version")
    if "libssl" not in run_todod("--version", folder=folder, bare=True).stdout:
        unavailable("this build has no TLS")


@pytest.fixture
def chain(authority, tmp):
    return authority.issue().save(tmp)


@pytest.fixture
def served(chain, tmp):
    """A daemon with two workers that speaks HTTPS."""
    with secure(chain, tmp) as daemon:
        yield daemon


def secure(chain, tmp, *args, **env):
    return Daemon(*args, folder=tmp, env={**chain.env(tmp), **env},
                  tls=chain.context())


def connect(daemon):
    """A TCP connection without a word of TLS."""
    return socket.create_connection(daemon.addresses[0], seconds(20))


def strict(daemon, context, session=None):
    """A TLS connection that tells a close_notify from a mere end."""
    return context.wrap_socket(connect(daemon), server_hostname="localhost",
                               suppress_ragged_eofs=False, session=session)


def ask(connection, request=HEALTH):
    """One request and all of its answer; head and body may come apart."""
    connection.sendall(request)
    answer = b""
    while not answer.endswith(b"}"):
        data = connection.recv(65536)
        assert data, answer
        answer += data
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return answer


def rest(connection):
    """All bytes until the peer closes."""
    answer = b""
    while True:
        data = connection.recv(65536)
        if not data:
            return answer
        answer += data


def ended(connection):
    """Whether the peer closes, by whatever means, without a word."""
    with contextlib.suppress(ConnectionError):
        return connection.recv(1000) == b""
    return True


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def is_up(daemon):
    with daemon.raw() as connection:
        return connection.exchange("GET", "/health").status == 200


# -- what is spoken

@VERSIONS
def test_the_api_is_served_over_tls(chain, tmp, version):
    with secure(chain, tmp) as daemon:
        daemon.tls = chain.context(version)
        user = sign_up(daemon)
        made = user.create("over TLS")
        assert user.list() == [made]
        assert daemon.wild.get("/nowhere").status_code == 404


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_keys_of_every_common_kind_serve(authority, tmp, kind):
    chain = authority.issue(kind).save(tmp)
    with secure(chain, tmp) as daemon:
        assert is_up(daemon)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1,
                                     ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_versions_are_refused(served, chain, version):
    context = chain.context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = version
    context.maximum_version = version
    with connect(served) as plain_one:
        with pytest.raises(ssl.SSLError, match="protocol version"):
            context.wrap_socket(plain_one, server_hostname="localhost")
    assert is_up(served)


@pytest.mark.parametrize("offered, chosen", [
    (["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), ([], None)])
def test_the_protocol_is_http_1_1(served, chain, offered, chosen):
    with strict(served, chain.context(alpn=offered)) as connection:
        assert connection.selected_alpn_protocol() == chosen
        ask(connection)


def test_a_client_that_wants_another_protocol_is_told(served, chain):
    with connect(served) as plain_one:
        with pytest.raises(ssl.SSLError, match="no application protocol"):
            chain.context(alpn=["h2"]).wrap_socket(
                plain_one, server_hostname="localhost")


def test_the_certificates_up_to_the_authority_are_sent(served, chain):
    """The client knows the root only."""
    with strict(served, chain.context()) as connection:
        assert connection.getpeercert(binary_form=True) == chain.der


def test_nothing_is_compressed_and_nothing_renegotiated(served, chain, tmp):
    with strict(served, chain.context(TLS12)) as connection:
        assert connection.compression() is None
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{served.port}",
         "-tls1_2"], input="R\n", capture_output=True, text=True, check=False,
        timeout=seconds(20))
    assert "RENEGOTIATING" in done.stdout + done.stderr
    assert "no renegotiation" in done.stderr


def test_curl_is_a_client(served, chain, authority, tmp):
    (tmp / "root.pem").write_bytes(
        authority.root.public_bytes(PEM))
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--cacert", tmp / "root.pem",
         f"https://localhost:{served.port}/health", "--resolve",
         f"localhost:{served.port}:127.0.0.1"],
        capture_output=True, text=True, check=False, timeout=seconds(20))
    assert (done.returncode, done.stderr) == (0, "")
    assert '"status":"ok"' in done.stdout


def test_unix_sockets_speak_plain_http(chain, tmp):
    socket_file = tmp / "s"
    with secure(chain, tmp, HOST=f"127.0.0.1,unix:{socket_file}") as daemon:
        assert is_up(daemon)
        with socket.socket(socket.AF_UNIX) as local:
            local.connect(str(socket_file))
            ask(local)


def test_browsers_are_told_to_stay(chain, tmp):
    """TLS that ends here needs no proxy to say so."""
    with secure(chain, tmp, REQUIRE_HTTPS="yes") as daemon:
        for path, status in (("/", 200), ("/api/todos", 401)):
            response = daemon.http.get(path)
            assert response.status_code == status
            assert "strict-transport-security" in response.headers


# -- the end of a connection

@VERSIONS
def test_the_last_answer_is_followed_by_a_close_notify(served, chain, version):
    with strict(served, chain.context(version)) as connection:
        ask(connection, LAST)
        assert connection.recv(1000) == b"", "an end without close_notify"


def test_a_refused_request_is_followed_by_a_close_notify(served, chain):
    with strict(served, chain.context()) as connection:
        connection.sendall(b"no request at all\r\n\r\n")
        assert rest(connection).startswith(b"HTTP/1.1 400 ")


def test_a_stop_is_told_to_idle_connections(chain, tmp):
    with secure(chain, tmp) as daemon:
        with strict(daemon, chain.context()) as connection:
            ask(connection)
            daemon.process.send_signal(signal.SIGTERM)
            assert connection.recv(1000) == b""
        daemon.finish()


def test_a_client_may_say_goodbye_first(served, chain):
    with strict(served, chain.context()) as connection:
        ask(connection)
        connection.unwrap().close()
    assert is_up(served)


def test_a_request_before_the_goodbye_is_answered(served, chain):
    """Both may come in one read."""
    for _ in range(20):
        with strict(served, chain.context()) as connection:
            connection.sendall(LAST)
            with contextlib.suppress(ssl.SSLError):
                connection.unwrap()
    assert is_up(served)


# -- what goes over it

def test_long_lists_are_streamed(chain, tmp):
    owner = make_tasks(tmp, 1000, BIG_TASK)
    with secure(chain, tmp) as daemon:
        user = owner_on(daemon, owner)
        tasks = user.list()
        assert len(tasks) == 1000
        assert tasks[0]["description"] == BIG_TASK["description"]
        with daemon.raw() as slow:
            slow.request("GET", user.tasks, list(user.auth.items()))
            total = 0
            with contextlib.suppress(Closed):
                while total < 64 * 1024:
                    total += len(slow._take(4096))
        assert user.list() == tasks


def test_bodies_up_to_the_limit_are_taken(served):
    user = sign_up(served)
    for size, status in ((65536, 201), (65537, 413)):
        response = served.http.post(
            user.tasks, content=padded(size),
            headers={**user.auth, "Content-Type": "application/json"})
        assert response.status_code == status


@VERSIONS
def test_a_short_answer_is_one_record(served, chain, version):
    """Head and body; a read gives no more than one record."""
    with strict(served, chain.context(version)) as connection:
        for _ in range(3):
            connection.sendall(HEALTH)
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert answer.endswith(b"}")


def test_a_body_may_come_in_many_records(served):
    user = sign_up(served)
    body = padded(20000)
    with served.raw() as connection:
        connection.request("POST", user.tasks, [
            *user.auth.items(), ("Content-Type", "application/json"),
            ("Content-Length", str(len(body)))])
        for at in range(0, len(body), 500):
            connection.send(body[at:at + 500])
        assert connection.response("POST", user.tasks).status == 201


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
def test_pipelined_requests_are_answered_in_order(served, size):
    """However the bytes are cut into records."""
    with served.raw() as connection:
        data = (HEALTH + b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n") * 10
        for at in range(0, len(data), size):
            connection.send(data[at:at + size])
        for _ in range(10):
            assert connection.response("GET", "/health").status == 200
            assert connection.response("GET", "/nowhere").status == 404


def test_a_client_that_vanishes_harms_nobody(chain, tmp):
    owner = make_tasks(tmp, 300, BIG_TASK)
    with secure(chain, tmp) as daemon:
        user = owner_on(daemon, owner)
        for _ in range(10):
            with daemon.raw() as connection:
                connection.request("GET", user.tasks, list(user.auth.items()))
                connection._take(1000)
        assert len(user.list()) == 300


def test_a_client_that_takes_nothing_is_let_go(chain, tmp):
    with secure(chain, tmp, SEND_TIMEOUT="1") as daemon:
        with socket.socket() as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(daemon.addresses[0])
            with chain.context().wrap_socket(
                    reader, server_hostname="localhost") as connection:
                connection.sendall(
                    HEALTH.replace(b"/health", b"/openapi.json") * 200)
                poll = select.poll()
                poll.register(connection, 0)
                wait_until(lambda: poll.poll(0), "the reset")
        assert is_up(daemon)


# -- sessions

@VERSIONS
def test_sessions_are_resumed_by_any_worker(served, chain, version):
    context = chain.context(version)
    with strict(served, context) as connection:
        ask(connection)
        session = connection.session
    assert session is not None
    workers = set()

    def resume():
        since = served.mark()
        with strict(served, context, session) as again:
            assert again.session_reused
            ask(again)
            workers.add(served.wait_log("request", since)["worker"])
        return len(workers) == 2

    wait_until(resume, "both workers")


@VERSIONS
def test_a_reload_ends_all_sessions(served, chain, version):
    """A client must not miss the new certificate."""
    context = chain.context(version)
    with strict(served, context) as connection:
        ask(connection)
        session = connection.session
    reload(served)

    def is_forgotten():
        """An old worker may accept once more."""
        with strict(served, context, session) as connection:
            ask(connection)
            return not connection.session_reused

    wait_until(is_forgotten, "the end of the sessions")


# -- reloading

def reload(daemon, msg="reloaded"):
    since = daemon.mark()
    daemon.process.send_signal(signal.SIGHUP)
    return daemon.wait_log(msg, since)


def shown(daemon, context):
    """The certificate that a new connection sees."""
    with strict(daemon, context) as connection:
        ask(connection)
        return connection.getpeercert(binary_form=True)


def test_a_reload_shows_the_new_certificate(served, chain, authority, tmp):
    context = chain.context()
    with strict(served, context) as old:
        ask(old)
        fresh = authority.issue("rsa").save(tmp)
        assert shown(served, context) == chain.der
        since = served.mark()
        reload(served)
        assert served.wait_log("certificate", since)["expires"]
        wait_until(lambda: shown(served, context) == fresh.der,
                   "the new certificate")
        for _ in range(8):
            assert shown(served, context) == fresh.der


def test_a_request_on_its_way_outlives_a_reload(chain, tmp, authority):
    slow = {"HASH_PASSES": "16", "HASH_MEMORY_KIB": "49152", "WORKERS": "1"}
    with secure(chain, tmp, **slow) as daemon:
        with daemon.raw() as connection:
            connection.request(
                "POST", "/api/auth/signup",
                [("Content-Type", "application/json")],
                b'{"name":"Slow","email":"slow@example.test",'
                b'"password":"Corr3ct!Horse"}')
            with daemon.raw() as later:     # its bytes came after those
                assert later.exchange("GET", "/health").status == 200
            authority.issue().save(tmp)
            reload(daemon)
            reply = connection.response("POST", "/api/auth/signup")
            assert reply.status == 201


def test_reloads_under_load_lose_no_request(served, chain, authority, tmp):
    """Not the first on a connection, and not one that is under way."""
    user = sign_up(served)
    context = chain.context()
    done = threading.Event()
    seen = set()

    def get(http):
        response = http.get(user.tasks, headers=user.auth)
        assert response.status_code == 200

    def load(keeps):
        count = 0
        while not done.is_set():
            with plain(served) as http:
                get(http)
                count += 1
                # One that was served is closed as soon as it is idle.
                with contextlib.suppress(httpx.RemoteProtocolError):
                    for _ in range(4 * keeps):
                        get(http)
            seen.add(shown(served, context))
        return count

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(load, n % 2) for n in range(4)]
        try:
            fresh = [chain]
            for n in range(4):
                if n > 0:
                    fresh.append(authority.issue().save(tmp))
                    reload(served)
                wait_until(lambda: fresh[-1].der in seen or any(
                    each.done() for each in loads), "the new certificate")
        finally:
            done.set()
        assert all(each.result() > 0 for each in loads)
    assert {each.der for each in fresh} <= seen


def broken_files(tmp, chain, authority):
    """What can be wrong with the files, and a word of the complaint."""
    other = authority.issue()
    cert, key = tmp / "cert.pem", tmp / "key.pem"
    return {
        "no certificate": (cert.unlink, "cert.pem"),
        "no key": (key.unlink, "key.pem"),
        "an empty certificate": (lambda: cert.write_bytes(b""),
                                 "no certificate in PEM"),
        "an empty key": (lambda: key.write_bytes(b""), "no private key"),
        "no PEM": (lambda: cert.write_bytes(other.der), "PEM"),
        "a broken chain": (
            lambda: cert.write_bytes(
                chain.certificate_pem()
                + b"-----BEGIN CERTIFICATE-----\nAAAA\n"
                  b"-----END CERTIFICATE-----\n"), "follows the first"),
        "another key": (lambda: key.write_bytes(other.key_pem()),
                        "does not belong to"),
        "an encrypted key": (
            lambda: key.write_bytes(chain.key_pem(b"secret")),
            "is encrypted"),
        "a folder": (lambda: (key.unlink(), key.mkdir()), "regular file"),
        "a pipe": (lambda: (key.unlink(), os.mkfifo(key)), "regular file"),
        "a long file": (lambda: cert.write_bytes(b"#" * 300000), "too large"),
        "a weak key": (
            lambda: authority.issue("weak").save(tmp), "too small"),
    }


BROKEN = ["no certificate", "no key", "an empty certificate", "an empty key",
          "no PEM", "a broken chain", "another key", "an encrypted key",
          "a folder", "a pipe", "a long file", "a weak key"]


def test_broken_files_leave_the_old_certificate(served, chain, authority, tmp):
    context = chain.context()
    served.expect_log("reload refused")
    workers = served.workers()
    for what in BROKEN:
        for each in (tmp / "cert.pem", tmp / "key.pem"):
            if each.is_dir():
                each.rmdir()
            else:
                each.unlink(missing_ok=True)
        chain.save(tmp)
        breaks, word = broken_files(tmp, chain, authority)[what]
        breaks()
        line = reload(served, "reload refused")
        assert word in line["reason"], (what, line)
        assert shown(served, context) == chain.der
    assert served.workers() == workers


def test_https_can_be_switched_on_and_off_by_a_reload(chain, tmp):
    conf = tmp / "todod.conf"
    conf.write_text("")
    with Daemon("--config", conf, folder=tmp) as daemon:
        assert is_up(daemon)
        conf.write_text(f"tls-cert = {tmp}/cert.pem\ntls-key = {tmp}/key.pem")
        reload(daemon)
        wait_until(lambda: speaks_tls(daemon, chain), "HTTPS")
        daemon.tls = chain.context()
        assert is_up(daemon)
        conf.write_text("")
        reload(daemon)
        wait_until(lambda: not speaks_tls(daemon, chain), "HTTP")
        daemon.tls = None
        assert is_up(daemon)


def speaks_tls(daemon, chain):
    """An old worker may accept once more after a reload."""
    try:
        with strict(daemon, chain.context()):
            return True
    except ssl.SSLError:
        return False


# -- starting

@pytest.mark.parametrize("what", BROKEN)
def test_broken_files_are_refused_at_start(chain, authority, tmp, what):
    breaks, word = broken_files(tmp, chain, authority)[what]
    breaks()
    done = run_todod("--check-config", folder=tmp, env=chain.env(tmp))
    assert done.returncode == CONFIG, done
    assert word in done.stderr
    assert "PRIVATE" not in done.stderr


def test_a_key_without_a_certificate_is_refused(chain, tmp):
    done = run_todod("--check-config", folder=tmp,
                     env={"TLS_KEY": tmp / "key.pem"})
    assert done.returncode == CONFIG
    assert "TLS_CERT" in done.stderr


def test_both_may_be_in_one_file(chain, tmp):
    both = tmp / "both.pem"
    both.touch(0o600)
    both.write_bytes(chain.certificate_pem() + chain.key_pem())
    with Daemon(f"--tls-cert={both}", folder=tmp,
                tls=chain.context()) as daemon:
        assert is_up(daemon)


@pytest.mark.parametrize("begins, ends, word", [
    (-9, -2, "has expired"), (2, 9, "is not valid yet")])
def test_a_certificate_out_of_date_is_a_warning(authority, tmp, begins, ends,
                                                word):
    chain = authority.issue("ec", begins, ends).save(tmp)
    with secure(chain, tmp) as daemon:
        daemon.expect_log("the certificate")
        line, = [line for line in daemon.lines
                 if word in str(line.get("msg"))]
        assert line["file"].endswith("cert.pem")
        with strict(daemon, unchecked()) as connection:
            ask(connection)


def unchecked():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_a_key_that_everybody_may_read_is_a_warning(chain, tmp):
    (tmp / "key.pem").chmod(0o644)
    with secure(chain, tmp) as daemon:
        daemon.expect_log("everybody here may read")
        line, = daemon.logged("everybody here may read a secret: "
                              "chmod o= it")
        assert line["option"] == "TLS_KEY"
        assert line["file"].endswith("key.pem")
        assert is_up(daemon)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_the_key_is_read_before_root_is_given_up(chain, tmp):
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp, nobody.pw_uid, nobody.pw_gid)
    # The usual one may be where only root can look.
    conf = tmp / "todod.conf"
    conf.touch()
    with secure(chain, tmp, "--config", conf) as daemon:
        daemon.expect_log("the key of TLS was read as root", "reload refused")
        assert is_up(daemon)
        line = reload(daemon, "reload refused")
        assert "Permission denied" in line["reason"]
        assert is_up(daemon)
        os.chown(tmp / "key.pem", nobody.pw_uid, nobody.pw_gid)
        reload(daemon)
        assert is_up(daemon)


# -- what is no TLS

@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE",
                                    "OPTIONS", "options"])
def test_plain_http_gets_an_answer(served, method):
    with connect(served) as connection:
        connection.sendall(f"{method} /health HTTP/1.1\r\nHost: x\r\n"
                           f"Content-Length: 20000\r\n\r\n".encode()
                           + b"x" * 20000)
        answer = rest(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Content-Length: %d\r\n" % len(body) in head + b"\r\n"
    assert b"HTTPS" in body


GARBAGE = [b"\0" * 100, b"\x16\x03\x01" + b"\xff" * 5000, b"\x80" * 300,
           b"\x16\x03\x01\x00\x00" * 100, b"\x15\x03\x01\x00\x02\x02\x28",
           b"\x17\x03\x03\x00\x10" + b"x" * 16, b"\r\n\r\n" * 50]


@pytest.mark.parametrize("data", GARBAGE)
def test_garbage_ends_the_connection(served, data):
    with connect(served) as connection:
        connection.sendall(data)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            rest(connection)
    assert is_up(served)


def hello(chain):
    """What a client says first, from a client that gets no answer."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = chain.context().wrap_bio(incoming, outgoing,
                                      server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_a_slow_handshake_has_a_deadline(served, chain):
    """Silent, half-way, and a byte at a time: all end, whatever they send."""
    start = hello(chain)
    began = time.monotonic()
    silent, halfway, waiting, slow = (connect(served) for _ in range(4))
    halfway.sendall(start[:len(start) // 2])
    waiting.sendall(start)
    assert waiting.recv(65536)
    ends = threading.Event()

    def drip():
        for byte in start[:-1] * 50:
            try:
                slow.sendall(bytes([byte]))
            except OSError:
                break
            if ends.wait(0.2):
                break

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        for each in (silent, halfway, waiting, slow):
            each.settimeout(seconds(40))
            assert ended(each)
        assert time.monotonic() - began > 5, "an honest client needs a moment"
    finally:
        ends.set()
        dripping.join()
        for each in (silent, halfway, waiting, slow):
            each.close()
    assert is_up(served)


def measured(chain, tmp):
    """One worker; what a sanitizer keeps of freed memory does not count."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return secure(chain, tmp, "--workers=1", WORKERS=None,
                  ASAN_OPTIONS=":".join(filter(None, [
                      options, "quarantine_size_mb=1",
                      "thread_local_quarantine_size_kb=64"])))


def test_aborted_handshakes_leave_nothing_behind(chain, tmp):
    start = hello(chain)

    def abort(number):
        with connect(daemon) as connection:
            if number % 4:
                connection.sendall(start[:len(start) * (number % 4) // 3])
            if number % 4 == 3:
                assert connection.recv(100)

    with measured(chain, tmp) as daemon:
        pid, = daemon.workers().values()
        assert is_up(daemon)
        for number in range(400):
            abort(number)
        wait_until(lambda: is_up(daemon) and descriptors(pid) < 40,
                   "the end of the connections")
        before, files = resident(pid), descriptors(pid)
        for number in range(1000):
            abort(number)
        wait_until(lambda: descriptors(pid) <= files + 1,
                   "the end of the connections")
        assert resident(pid) - before < 16 * MIB


def test_idle_connections_are_cheap(chain, tmp):
    with measured(chain, tmp) as daemon:
        pid, = daemon.workers().values()
        idle = []
        try:
            for _ in range(100):
                idle.append(daemon.raw())
                assert idle[-1].exchange("GET", "/health").status == 200
            before = resident(pid)
            for _ in range(300):
                idle.append(daemon.raw())
                assert idle[-1].exchange("GET", "/health").status == 200
            assert (resident(pid) - before) / 300 < 100 * 1024
        finally:
            for each in idle:
                each.close()
