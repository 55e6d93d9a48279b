"""todod token: a token explained, and one for development made."""

import json
import os
import subprocess
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey)

from daemon import SECRET, Daemon, binary, folder, run_todod, seconds
from users import bearer, claims_for, mint, sign_up

USER = "6f0b9d3e-0c0e-4a51-8c0e-8b8a6f3f1d52"
USAGE, DATA, CONFIG = os.EX_USAGE, os.EX_DATAERR, os.EX_CONFIG
NO_SECRET = {"JWT_SECRET_KEY": None}
# Of RFC 8037, A.2.
JWKS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "of-the-rfc",
                  "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}


@pytest.fixture(name="tmp")
def fixture_tmp():
    with folder() as path:
        yield path


def inspect(tmp, token, env=None, given=""):
    return run_todod("token", "inspect", token, folder=tmp, env=env,
                     given=given)


def test_a_good_token_is_accepted(tmp):
    done = inspect(tmp, mint(USER))
    assert done.returncode == 0, done.stderr
    assert f"accepted, by JWT_SECRET_KEY, for the user {USER}" in done.stdout
    assert '"email":"x@example.test"' in done.stdout
    assert done.stderr == ""


def test_it_can_come_by_standard_input(tmp):
    by_input = inspect(tmp, "-", given=f"  {mint(USER)}\r\n\n")
    assert by_input.returncode == 0, by_input.stdout
    assert "accepted" in by_input.stdout
    nothing = inspect(tmp, "-")
    assert nothing.returncode == DATA
    assert "three segments" in nothing.stdout


def test_the_check_that_failed_is_named(tmp):
    late = inspect(tmp, mint(USER, exp=int(time.time()) - 7200))
    assert late.returncode == DATA
    assert "refused: it has expired" in late.stdout
    assert "2 hours" in late.stdout
    forged = inspect(tmp, mint(USER, secret=SECRET[::-1]))
    assert forged.returncode == DATA
    assert "refused: the signature does not match" in forged.stdout
    assert "another secret" in forged.stdout


def test_a_lifetime_in_place_of_a_time_is_seen(tmp):
    done = inspect(tmp, mint(USER, exp=900))
    assert done.returncode == DATA
    assert "1970-01-01T00:15:00Z" in done.stdout
    assert "expirationTime" in done.stdout


def test_keys_come_from_the_file(tmp):
    (tmp / "jwks.json").write_text(json.dumps(JWKS), encoding="utf-8")
    token = jwt.encode(claims_for(USER), Ed25519PrivateKey.generate(),
                       algorithm="EdDSA", headers={"kid": "unknown"})
    done = inspect(tmp, token, env={"JWKS_FILE": "jwks.json"})
    assert done.returncode == DATA
    assert "EdDSA of-the-rfc" in done.stdout
    assert "refused: its key is not known" in done.stdout


def test_no_secret_is_printed_nor_made(tmp):
    done = inspect(tmp, "-", env=NO_SECRET, given=mint(USER))
    assert done.returncode == DATA
    assert "there is no secret" in done.stdout
    assert not list(tmp.iterdir())
    assert SECRET not in inspect(tmp, mint(USER)).stdout


def test_a_huge_input_is_no_trouble(tmp):
    done = inspect(tmp, "-", given="a." * 500000)
    assert done.returncode == DATA
    assert "refused: it is too long" in done.stdout


def test_a_closed_output_is_an_error(tmp):
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen([binary(), "token", "mint", "--user", USER],
                          cwd=tmp, stdout=writer, stderr=subprocess.PIPE,
                          env={"PATH": "/usr/bin:/bin",
                               "JWT_SECRET_KEY": SECRET}) as process:
        os.close(writer)
        _, said = process.communicate(timeout=seconds(15))
    assert process.returncode == os.EX_IOERR, said


def test_a_token_that_is_made_signs_in(tmp):
    with Daemon(folder=tmp, env=NO_SECRET) as daemon:
        user = sign_up(daemon)
        done = run_todod("token", "mint", "--user", user.id.upper(),
                         folder=tmp, env=NO_SECRET)
        assert done.returncode == 0, done.stderr
        token = done.stdout.removesuffix("\n")
        answer = daemon.http.get(user.tasks, headers=bearer(token))
        assert answer.status_code == 200, answer.text
        assert inspect(tmp, token, env=NO_SECRET).returncode == 0
        # One for nobody is well signed, and does not count.
        daemon.expect_log("token refused")
        done = run_todod("token", "mint", f"--user={USER}", folder=tmp,
                         env=NO_SECRET)
        answer = daemon.http.get(
            user.tasks, headers=bearer(done.stdout.strip()))
        assert answer.status_code == 401


@pytest.mark.parametrize("args, env, status, says", [
    ([], {}, USAGE, "token mint --user ID"),
    (["--user", "bob"], {}, USAGE, "UUID"),
    (["--user", ""], {"ACCOUNTS": "off"}, USAGE, "1 to 255 bytes"),
    (["--user", "u\x01"], {"ACCOUNTS": "off"}, USAGE, "control"),
    (["--user", USER], {"ENVIRONMENT": "production"}, CONFIG, "development"),
    (["--user", USER], {**NO_SECRET, "DATABASE_URL": "memory:"}, CONFIG,
     "JWT_SECRET_KEY is not set"),
    (["--user", "bob"], {**NO_SECRET, "ACCOUNTS": "off",
                         "BETTER_AUTH_SECRET": SECRET}, CONFIG,
     "JWT_SECRET_KEY is not set"),
])
def test_a_token_is_not_made(tmp, args, env, status, says):
    done = run_todod("token", "mint", *args, folder=tmp, env=env)
    assert done.returncode == status, done.stderr
    assert says in done.stderr
    assert done.stdout == ""


def test_without_accounts_a_user_is_any_text(tmp):
    done = run_todod("token", "mint", "--user", "Bob_7", folder=tmp,
                     env={"ACCOUNTS": "off"})
    assert done.returncode == 0, done.stderr
    claims = jwt.decode(done.stdout.strip(), SECRET, algorithms=["HS256"])
    assert claims["sub"] == "Bob_7"
