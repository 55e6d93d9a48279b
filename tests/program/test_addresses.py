"""Where it listens: several addresses, unix sockets, IPv6."""

import os
import socket

import httpx
import pytest

from client import plain, transport
from daemon import Daemon, run_todod
from users import sign_up


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def health(address, port):
    host = f"[{address}]" if ":" in address else address
    return httpx.get(f"http://{host}:{port}/health",
                     trust_env=False).status_code


def test_it_listens_on_several_addresses(tmp):
    with Daemon(folder=tmp, env={"HOST": "127.0.0.1,127.0.0.2"}) as daemon:
        assert [address for address, _ in daemon.addresses] == [
            "127.0.0.1", "127.0.0.2"]
        for address, port in daemon.addresses:
            assert port > 0
            assert health(address, port) == 200


def test_it_listens_only_where_it_is_told(tmp):
    with Daemon(folder=tmp, env={"HOST": "127.0.0.2"}) as daemon:
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", daemon.port), 5)


def test_the_flags_choose_the_address(tmp):
    with Daemon("--host=127.0.0.3", "--port=0", folder=tmp,
                env={"HOST": None, "PORT": None}) as daemon:
        (address, port), = daemon.addresses
        assert address == "127.0.0.3"
        assert health(address, port) == 200


def test_in_development_both_loopbacks_are_the_default(tmp):
    with Daemon(folder=tmp, env={"HOST": None}) as daemon:
        wanted = ["127.0.0.1", "::1"] if has_ipv6() else ["127.0.0.1"]
        assert [address for address, _ in daemon.addresses] == wanted
        for address, port in daemon.addresses:
            assert health(address, port) == 200


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_the_unspecified_address_is_dual_stack(tmp):
    if os.getuid() == 0:
        os.chown(tmp, 65534, 65534)     # else root serves loopback only
    with Daemon(folder=tmp, env={"HOST": "::"}) as daemon:
        for address in ("127.0.0.1", "::1"):
            assert health(address, daemon.port) == 200


def test_it_serves_a_unix_socket(tmp):
    path = tmp / "todod.sock"
    with Daemon(folder=tmp, env={"HOST": f"unix:{path}"}) as daemon:
        assert daemon.addresses == [(f"unix:{path}", None)]
        user = sign_up(daemon)
        assert user.create("through a socket")["title"] == "through a socket"
        assert os.stat(path).st_mode & 0o170000 == 0o140000


def test_a_unix_socket_and_an_address_go_together(tmp):
    path = tmp / "todod.sock"
    with Daemon(folder=tmp,
                env={"HOST": f"127.0.0.1,unix:{path}"}) as daemon:
        assert daemon.http.get("/health").status_code == 200
        with plain(daemon, transport=transport(str(path))) as http:
            assert http.get("/health").status_code == 200


def test_a_unix_socket_can_be_used_again(tmp):
    path = tmp / "todod.sock"
    with Daemon(folder=tmp, env={"HOST": f"unix:{path}"}) as daemon:
        daemon.restart()
        assert daemon.http.get("/health").status_code == 200
        daemon.lossy = True
        daemon.expect_log("")
        daemon.kill()
        daemon.discard()
        daemon.start()      # the socket of the killed one is in the way
        assert daemon.http.get("/health").status_code == 200


def made(folder):
    folder.mkdir()
    return folder


def test_the_socket_of_another_todod_is_left_alone(tmp):
    path = tmp / "todod.sock"
    with Daemon(folder=made(tmp / "a"), env={"HOST": f"unix:{path}"}) as first:
        path.unlink()
        with Daemon(folder=made(tmp / "b"), env={"HOST": f"unix:{path}"}) as second:
            first.stop()
            assert second.http.get("/health").status_code == 200
        assert not path.exists()
        first.start()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_the_socket_is_its_users_and_nothing_else_is(tmp):
    path = tmp / "todod.sock"
    os.chown(tmp, 65534, 65534)
    with Daemon(folder=tmp, env={"HOST": f"unix:{path}"}) as daemon:
        assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)
        assert path.stat().st_mode & 0o777 == 0o660
        assert daemon.http.get("/health").status_code == 200


def test_a_file_in_the_place_of_the_socket_is_kept(tmp):
    path = tmp / "precious"
    path.write_text("data")
    done = run_todod(folder=tmp, env={"HOST": f"unix:{path}"})
    assert done.returncode in (69, 71, 73), done.stderr
    assert "precious" in done.stderr
    assert path.read_text() == "data"


def test_a_socket_path_that_is_too_long_is_refused(tmp):
    done = run_todod("--check-config", folder=tmp, env={
        "HOST": f"unix:{tmp}/{'x' * 120}"})
    assert done.returncode == 78, done.stderr
    assert "HOST" in done.stderr or "host" in done.stderr
