"""Many tasks at once, written straight into the SQLite file."""

import contextlib
import sqlite3
import uuid

from daemon import run_todod
from users import User

BIG = "\U0001f600"              # four bytes, in JSON too
TITLE_MAX = 500
DESCRIPTION_MAX = 2000
BIG_TASK = {"title": BIG * TITLE_MAX, "description": BIG * DESCRIPTION_MAX}
SMALL_TASK = {"title": "a small task", "description": "of many"}
EMAIL = "bulk@example.test"
NAME = "Bulk"
EPOCH_US = 1_700_000_000_000_000


def make_tasks(folder, count, task):
    """Makes the database in this folder, with one account and that many
    tasks; returns the id of the account, which has no password."""
    assert run_todod("migrate", folder=folder).returncode == 0
    owner = str(uuid.uuid4())
    title, description = task["title"], task["description"]
    with contextlib.closing(sqlite3.connect(folder / "todod.db")) as db, db:
        db.execute(
            "INSERT INTO users (id, email, name, password_hash, created_at)"
            " VALUES (?, ?, ?, ?, ?)", (owner, EMAIL, NAME, "!", EPOCH_US))
        db.executemany(
            "INSERT INTO tasks (uuid, user_id, title, title_folded,"
            " description, description_folded, completed, created_at,"
            " updated_at) VALUES (?1, ?2, ?3, ?3, ?4, ?4, 0, ?5, ?5)",
            ((uuid.uuid4().bytes, owner, title, description, EPOCH_US + n)
             for n in range(count)))
    return owner


def owner_on(daemon, owner):
    """That account as a user of this daemon."""
    return User(daemon, owner, NAME, EMAIL, None)
