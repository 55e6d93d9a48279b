"""Password rules, and what is kept of a password in the database."""

import contextlib
import sqlite3
import time
import uuid

import bcrypt
import pytest

from daemon import Daemon
from expect import SECRET_INPUT, detail, error, refused
from users import PASSWORD, sign_in, sign_up, unique_email

SPECIAL = '!@#$%^&*(),.?":{}|<>'
TOO_SHORT = "Password must be at least 8 characters"
CONTAIN = "Password must contain at least one "
WRONG = "Invalid email or password"


def try_password(daemon, password):
    return daemon.http.post("/api/auth/signup", json={
        "name": "Test User", "email": unique_email(), "password": password})


@pytest.mark.parametrize("password, sentence", [
    ("", TOO_SHORT),
    ("Aa1!567", TOO_SHORT),
    ("Aa1!\u00e9\u00e9\u00e9", TOO_SHORT),      # 7 code points, 10 bytes
    ("abc", TOO_SHORT),
    ("abcdefgh", CONTAIN + "uppercase letter"),
    ("12345678", CONTAIN + "uppercase letter"),
    ("ABCDEFGH", CONTAIN + "lowercase letter"),
    ("ABCDEFG1!", CONTAIN + "lowercase letter"),
    ("Abcdefgh", CONTAIN + "number"),
    ("Abcdefg!", CONTAIN + "number"),
    ("Abcdefg1", CONTAIN + "special character"),
    ("Abcdefg1-_+=;'[]\\/~` ", CONTAIN + "special character"),
], ids=ascii)
def test_the_first_broken_password_rule_is_told(daemon, password, sentence):
    response = try_password(daemon, password)
    refused(response, error("value_error", ["body", "password"],
                            SECRET_INPUT, sentence))
    if password:
        assert password not in response.json()["detail"]
        assert response.json()["errors"][0].get("input") != password


@pytest.mark.parametrize("character", SPECIAL)
def test_each_special_character_counts(daemon, character):
    password = f"Abcdefg1{character}"
    user = sign_up(daemon, password=password)
    assert sign_in(daemon, user.email, password).status_code == 200


@pytest.mark.parametrize("password", [
    "Aa1!\u00e9\u00e9\u00e9\u00e9", "Aa1! \U0001f511\U0001f511\U0001f511",
    " Aa1!567 ", "Aa1!" + "x" * 1020], ids=lambda text: ascii(text)[:30])
def test_a_password_is_taken_as_it_is(daemon, password):
    daemon.expect_log("sign-in refused")
    user = sign_up(daemon, password=password)
    assert sign_in(daemon, user.email, password).status_code == 200
    detail(sign_in(daemon, user.email, password[:-1]), 401, WRONG)
    detail(sign_in(daemon, user.email, password.strip()[1:]), 401, WRONG)


@pytest.mark.parametrize("password", [
    "Aa1!" + "x" * 1021, "Aa1!" + "\u00e9" * 511, "Aa1!" + "x" * 30000],
    ids=len)
def test_a_password_past_1024_bytes_is_refused_clearly(daemon, password):
    response = try_password(daemon, password)
    assert response.status_code == 400
    body = response.json()
    assert body["detail"].startswith("Password")
    assert [each["loc"] for each in body["errors"]] == [["body", "password"]]
    assert "xxxx" not in response.text and "\u00e9\u00e9" not in response.text


def test_signing_in_with_an_endless_password_is_refused(daemon, alice):
    daemon.expect_log("sign-in refused")
    response = sign_in(daemon, alice.email, "Aa1!" + "x" * 30000)
    assert response.status_code in (400, 401)


# -- what the database holds

@contextlib.contextmanager
def stopped_database(folder, **env):
    """A database made by todod, open while no todod runs."""
    with Daemon(folder=folder, env=env):
        pass
    with contextlib.closing(sqlite3.connect(folder / "todod.db")) as db:
        yield db
        db.commit()


def import_user(db, password_hash):
    """A row as it would be taken over from the FastAPI original."""
    user_id, email = str(uuid.uuid4()), unique_email("imported")
    db.execute(
        "INSERT INTO users (id, email, name, password_hash, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (user_id, email, "Imported", password_hash,
         int(time.time() * 1_000_000)))
    return user_id, email


def stored_hash(folder, email):
    with contextlib.closing(sqlite3.connect(folder / "todod.db")) as db:
        return db.execute("SELECT password_hash FROM users WHERE email = ?",
                          (email,)).fetchone()[0]


def test_imported_bcrypt_hashes_sign_in_and_become_argon2id(tmp):
    made = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    with stopped_database(tmp) as db:
        users = [import_user(db, prefix + made[3:])
                 for prefix in ("$2a", "$2b", "$2y")]
    with Daemon(folder=tmp) as daemon:
        daemon.expect_log("sign-in refused")
        for user_id, email in users:
            detail(sign_in(daemon, email, "Wr0ng!password"), 401, WRONG)
            response = sign_in(daemon, email)
            assert response.status_code == 200, response.text
            assert response.json()["user"]["id"] == user_id
            assert sign_in(daemon, email).status_code == 200
            detail(sign_in(daemon, email, "Wr0ng!password"), 401, WRONG)
    for _, email in users:
        assert stored_hash(tmp, email).startswith("$argon2id$")


def test_a_wrong_password_does_not_replace_a_bcrypt_hash(tmp):
    made = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    with stopped_database(tmp) as db:
        _, email = import_user(db, made)
    with Daemon(folder=tmp) as daemon:
        daemon.expect_log("sign-in refused")
        detail(sign_in(daemon, email, "Wr0ng!password"), 401, WRONG)
    assert stored_hash(tmp, email) == made


def test_hashes_that_nobody_can_have_do_not_sign_in(tmp):
    """Broken or absurdly costly hashes are refused, and at once."""
    made = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    hashes = ["x", "*", "!", "$2b$10$short", made.replace("$04$", "$31$"),
              made.replace("$2b$", "$2x$"), PASSWORD, "$argon2id$",
              "$argon2id$v=19$m=4194304,t=1000,p=1$"
              "c29tZXNhbHRzb21lc2FsdA$" + "A" * 43,
              "$argon2i$v=19$m=19456,t=2,p=1$"
              "c29tZXNhbHRzb21lc2FsdA$" + "A" * 43]
    with stopped_database(tmp) as db:
        emails = [import_user(db, each)[1] for each in hashes]
    with Daemon(folder=tmp) as daemon:
        daemon.expect_log("sign-in refused", "password hash")
        began = time.monotonic()
        for email in emails:
            detail(sign_in(daemon, email), 401, WRONG)
        assert time.monotonic() - began < 10


def test_a_password_is_kept_as_argon2id_only(tmp):
    with Daemon(folder=tmp) as daemon:
        email = sign_up(daemon).email
    kept = stored_hash(tmp, email)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD.encode() not in (tmp / "todod.db").read_bytes()


def test_a_sign_in_brings_a_hash_to_the_present_strength(tmp):
    with Daemon(folder=tmp) as daemon:
        email = sign_up(daemon).email
    with Daemon(folder=tmp, env={"HASH_PASSES": "3"}) as daemon:
        assert sign_in(daemon, email).status_code == 200
        assert sign_in(daemon, email).status_code == 200
    assert "m=19456,t=3," in stored_hash(tmp, email)
