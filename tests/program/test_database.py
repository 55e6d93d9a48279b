"""The database file: names, completeness, migrations, backups."""

import contextlib
import os
import sqlite3
import subprocess

import pytest

from daemon import (SOURCE_TOP, Daemon, base_environment, binary, merged,
                    run_todod, seconds, standard_environment)
from users import sign_in, sign_up

DATA, OUTPUT = 65, 74
MIGRATION_2 = SOURCE_TOP / "migrations/sqlite/0002_create_tasks.sql"


@contextlib.contextmanager
def opened(path):
    """The database, read without todod; nothing is created."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro",
                                            uri=True)) as db:
        yield db


def rows(path, query, *values):
    with opened(path) as db:
        return db.execute(query, values).fetchall()


# -- names

@pytest.mark.parametrize("url, name", [
    ("sqlite:///here.db", "here.db"), ("sqlite:///./here.db", "here.db"),
    ("sqlite:////{folder}/there.db", "there.db"),
    ("sqlite+aiosqlite:///here.db", "here.db"),
    ("sqlite+aiosqlite:////{folder}/there.db", "there.db"),
    ("sqlite:///with%20space.db", "with space.db")])
def test_the_spellings_of_sqlite_urls(tmp, url, name):
    url = url.replace("/{folder}", str(tmp))
    with Daemon(folder=tmp, env={"DATABASE_URL": url}) as daemon:
        sign_up(daemon)
        assert (tmp / name).exists()
    assert rows(tmp / name.replace(" ", "%20"),
                "SELECT count(*) FROM users") == [(1,)]


@pytest.mark.parametrize("url", ["memory:", "sqlite://",
                                 "sqlite:///:memory:"])
def test_in_memory_there_is_one_worker_and_no_file(tmp, url):
    with Daemon(folder=tmp, env={"DATABASE_URL": url,
                                 "WORKERS": "4"}) as daemon:
        assert daemon.logged("ready")[0]["workers"] == 1
        assert any("memory" in line["text"].lower() for line in daemon.lines)
        user = sign_up(daemon)
        assert user.list() == []
        assert not [name for name in os.listdir(tmp)
                    if ".db" in name or "memory" in name]
        daemon.restart()
        daemon.expect_log("sign-in refused")
        assert sign_in(daemon, user.email).status_code == 401


def test_without_a_url_it_is_todod_db_in_the_folder(tmp):
    with Daemon(folder=tmp, env={"DATABASE_URL": None}) as daemon:
        sign_up(daemon)
    assert rows(tmp / "todod.db", "SELECT count(*) FROM users") == [(1,)]


def test_the_data_folder_can_be_chosen(tmp):
    (tmp / "data").mkdir()
    with Daemon("--data-dir", tmp / "data", folder=tmp,
                env={"DATABASE_URL": None}) as daemon:
        sign_up(daemon)
    assert rows(tmp / "data/todod.db",
                "SELECT count(*) FROM users") == [(1,)]
    assert not (tmp / "todod.db").exists()


def test_a_folder_that_is_not_there_is_refused(tmp):
    done = run_todod(folder=tmp, env={
        "DATABASE_URL": f"sqlite:///{tmp}/none/x.db"})
    assert done.returncode in (73, 78), done.stderr
    assert "none" in done.stderr


def test_the_database_is_not_for_everybody(tmp):
    with Daemon(folder=tmp):
        assert (tmp / "todod.db").stat().st_mode & 0o007 == 0


# -- completeness

def test_a_stop_leaves_one_complete_file(tmp):
    with Daemon(folder=tmp) as daemon:
        user = sign_up(daemon, name="Complete \u00e9")
        tasks = [user.create(f"task {n} \U0001f600") for n in range(20)]
        user.delete(tasks.pop()["id"])
    assert not list(tmp.glob("*-wal")) and not list(tmp.glob("*-shm"))
    moved = tmp / "moved.db"
    os.rename(tmp / "todod.db", moved)
    assert rows(moved, "SELECT id, email, name FROM users") == [
        (user.id, user.email, user.name)]
    assert rows(moved, "SELECT count(*) FROM tasks") == [(19,)]
    assert rows(moved, "PRAGMA integrity_check") == [("ok",)]
    with Daemon(folder=tmp, env={
            "DATABASE_URL": f"sqlite:///{moved}"}) as daemon:
        user.daemon = daemon
        assert user.list() == tasks[::-1]


def test_after_a_crash_nothing_acknowledged_is_missing(tmp):
    with Daemon(folder=tmp) as daemon:
        user = sign_up(daemon)
        tasks = [user.create(f"task {n}") for n in range(20)]
        daemon.lossy = True
        daemon.expect_log("")
        for pid in [daemon.process.pid, *daemon.workers().values()]:
            os.kill(pid, 9)
        daemon.discard()
    with Daemon(folder=tmp) as daemon:
        user.daemon = daemon
        assert user.list() == tasks[::-1]
    assert not list(tmp.glob("*-wal"))


# -- migrations

def test_migrate_makes_the_database(tmp):
    done = run_todod("migrate", folder=tmp)
    assert done.returncode == 0, done.stderr
    applied = rows(tmp / "todod.db",
                   "SELECT version, name, applied_at FROM schema_migrations"
                   " ORDER BY version")
    assert [row[0] for row in applied] == list(range(1, len(applied) + 1))
    assert applied and all(row[1] and row[2] > 0 for row in applied)
    again = run_todod("migrate", folder=tmp)
    assert again.returncode == 0, again.stderr
    assert len(rows(tmp / "todod.db",
                    "SELECT * FROM schema_migrations")) == len(applied)


def test_the_status_tells_what_is_applied_and_changes_nothing(tmp):
    before = run_todod("migrate", "--status", folder=tmp)
    assert before.returncode == DATA, before.stderr     # one is missing
    assert not (tmp / "todod.db").exists()
    assert run_todod("migrate", folder=tmp).returncode == 0
    after = run_todod("migrate", "--status", folder=tmp)
    assert after.returncode == 0, after.stderr
    (name,), = rows(tmp / "todod.db", "SELECT name FROM schema_migrations"
                    " WHERE version = 1")
    assert name in before.stdout and name in after.stdout
    assert before.stdout != after.stdout


def test_what_was_there_before_a_migration_is_there_after_it(tmp):
    """The third one makes the table of the tasks anew."""
    assert run_todod("migrate", folder=tmp).returncode == 0
    with contextlib.closing(sqlite3.connect(tmp / "todod.db")) as db:
        db.executescript(
            "DROP TABLE tasks; DELETE FROM schema_migrations WHERE version > 2;"
            + MIGRATION_2.read_text())
        db.executemany(
            "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(id_, bytes([id_ % 7]) * 15 + bytes([id_]), f"user {id_ % 3}",
              "Title", "title", "Text" if id_ % 2 else None,
              "text" if id_ % 2 else None, id_ % 2, 1000 - id_, 2000 + id_)
             for id_ in range(1, 101)])
        db.execute("DELETE FROM tasks WHERE id > 90")
        db.commit()
        before = db.execute("SELECT * FROM tasks ORDER BY id").fetchall()
        assert run_todod("migrate", folder=tmp).returncode == 0
        assert db.execute(
            "SELECT id, uuid, user_id, title, title_folded, description,"
            " description_folded, completed, created_at, updated_at"
            " FROM tasks ORDER BY id").fetchall() == before
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with Daemon(folder=tmp) as daemon:
        # An id is never used again.
        assert sign_up(daemon).create("New")["id"] == 101


def content(folder):
    """Names and bytes of all files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_dry_run_prints_the_sql_and_changes_nothing(tmp):
    before = run_todod("migrate", "--dry-run", folder=tmp)
    assert before.returncode == 0, before.stderr
    assert before.stdout.startswith("-- 0001_create_users.sql\n")
    assert "CREATE TABLE tasks (" in before.stdout
    assert content(tmp) == {}
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.executescript(before.stdout)     # it is the SQL
    assert run_todod("migrate", folder=tmp).returncode == 0
    with contextlib.closing(sqlite3.connect(tmp / "todod.db")) as db:
        db.executescript("DELETE FROM schema_migrations WHERE version >= 2;"
                         "DROP TABLE tasks")
    files = content(tmp)
    after = run_todod("migrate", "--dry-run", folder=tmp)
    assert after.returncode == 0, after.stderr
    assert after.stdout.startswith("-- 0002_create_tasks.sql\n")
    assert content(tmp) == files
    assert run_todod("migrate", folder=tmp).returncode == 0
    assert run_todod("migrate", "--dry-run", folder=tmp).stdout == ""


@pytest.mark.parametrize("flag", ["--status", "--dry-run"])
def test_what_cannot_be_printed_is_an_error(tmp, flag):
    with open("/dev/full", "wb", buffering=0) as full:
        done = subprocess.run(
            [binary(), "migrate", flag], cwd=tmp, stdout=full,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=merged(base_environment(tmp),
                       standard_environment(tmp, "sqlite")),
            timeout=seconds(15), check=False)
    assert done.returncode == OUTPUT, done.stderr
    assert "cannot write" in done.stderr


@pytest.mark.parametrize("command", [[], ["migrate"], ["migrate", "--dry-run"],
                                     ["backup", "out.db"]])
def test_a_newer_schema_is_refused(tmp, command):
    assert run_todod("migrate", folder=tmp).returncode == 0
    with contextlib.closing(sqlite3.connect(tmp / "todod.db")) as db:
        db.execute("INSERT INTO schema_migrations (version, name, applied_at)"
                   " VALUES (9999, 'from_the_future', 1)")
        db.commit()
    done = run_todod(*command, folder=tmp)
    if command != ["backup", "out.db"]:
        assert done.returncode == DATA, done.stderr
        assert "newer" in done.stderr.lower() or "9999" in done.stderr
    else:
        assert done.returncode in (0, DATA)     # a copy does no harm
    assert rows(tmp / "todod.db", "SELECT name FROM schema_migrations"
                " WHERE version = 9999") == [("from_the_future",)]


@pytest.mark.parametrize("content", [b"this is no database " * 400,
                                     b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_file_that_is_no_database_is_refused_and_kept(tmp, content):
    (tmp / "todod.db").write_bytes(content)
    done = run_todod(folder=tmp)
    assert done.returncode == DATA, (done.returncode, done.stderr)
    assert "todod.db" in done.stderr
    assert (tmp / "todod.db").read_bytes() == content


# -- backups

def test_a_backup_is_made_while_it_serves(tmp):
    copy = tmp / "copy.db"
    with Daemon(folder=tmp) as daemon:
        user = sign_up(daemon)
        tasks = [user.create(f"task {n}") for n in range(10)]
        done = run_todod("backup", copy, folder=tmp)
        assert done.returncode == 0, done.stderr
        user.create("after the backup")
        assert len(user.list()) == 11
    assert rows(copy, "SELECT count(*) FROM tasks") == [(10,)]
    assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
    assert not list(tmp.glob("copy.db?*")), "something was left beside it"
    with Daemon(folder=tmp, env={
            "DATABASE_URL": f"sqlite:///{copy}"}) as daemon:
        user.daemon = daemon
        assert user.list() == tasks[::-1]


def test_a_backup_to_nowhere_is_an_error_and_leaves_nothing(tmp):
    assert run_todod("migrate", folder=tmp).returncode == 0
    done = run_todod("backup", tmp / "none/copy.db", folder=tmp)
    assert done.returncode != 0
    assert "none" in done.stderr
    assert not (tmp / "none").exists()


def test_a_backup_of_nothing_is_an_error(tmp):
    done = run_todod("backup", tmp / "copy.db", folder=tmp)
    assert done.returncode != 0 and done.stderr
    assert os.listdir(tmp) == []
