"""The data: many users with tasks, two of them with very many, in a database
whose schema todod has made. What is in it is computed, so that nothing has to
be asked for: user n has the n-th tokens, tasks are numbered in order."""

import base64
import contextlib
import hmac
import json
import sqlite3
import time

SECRET = "a-secret-of-the-benchmark-longer-than-32-bytes"
PASSWORD = "Passw0rd.bench"
TASKS_EACH = 100
COMPLETED_EVERY = 5         # so a list of the completed ones has 20
BIG = (1000, 10000)
TOKEN_SECONDS = 7 * 86400
EPOCH_US = 1_700_000_000_000_000
DESCRIPTION = "Some words on what is to be done, as long as they usually are"
USER_ID = "-0000-4000-8000-000000000000"
COLUMNS = ("uuid, user_id, title, title_folded, description,"
           " description_folded, completed, created_at, updated_at")


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def token(claims, secret=SECRET):
    """As todod's own sign-in makes it."""
    parts = [base64url(json.dumps(part, separators=(",", ":")).encode())
             for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = b".".join(parts)
    digest = hmac.digest(secret.encode(), signed, "sha256")
    return (signed + b"." + base64url(digest)).decode()


class User:
    """One account, with a token of its own and the ids of its tasks."""

    def __init__(self, number, task_ids):
        self.number = number
        self.id = f"{number:08x}{USER_ID}"
        self.email = f"user{number}@example.com"
        self.task_ids = task_ids
        now = int(time.time())
        self.token = token({"user_id": self.id, "sub": self.id,
                            "email": self.email, "iat": now,
                            "exp": now + TOKEN_SECONDS})


class Population:
    """Who there is: `count` users of a hundred tasks each, whose tasks lie
    between each other's as in a table that has grown, and then one user for
    each size of BIG."""

    def __init__(self, count, big=BIG):
        self.users = [User(n, range(n, count * TASKS_EACH + 1, count))
                      for n in range(1, count + 1)]
        self.big = {}
        self.tasks = count * TASKS_EACH
        for size in big:
            self.big[size] = User(count + 1 + len(self.big),
                                  range(self.tasks + 1, self.tasks + size + 1))
            self.tasks += size

    @property
    def readers(self):
        """Whose lists nobody makes longer."""
        return self.users[:max(1, len(self.users) // 2)]

    @property
    def writers(self):
        return self.users[len(self.users) // 2:]

    def blocks(self):
        """(number of the first user, users, tasks), in the order of ids."""
        yield 1, len(self.users), len(self.users) * TASKS_EACH
        for size, user in self.big.items():
            yield user.number, 1, size


def task_rows(first, users, count, spelling):
    """The SELECT of a block of tasks: n counts from 0."""
    user = spelling["hex"].format(f"{first} + n % {users}")
    number = f"(n / {users} + 1)"
    text = "{} || " + number
    return (
        f"SELECT {spelling['uuid']}, {user} || '{USER_ID}',"
        f" {text.format(chr(39) + 'Task number ' + chr(39))},"
        f" {text.format(chr(39) + 'task number ' + chr(39))},"
        f" '{DESCRIPTION}', '{DESCRIPTION.lower()}',"
        f" {number} % {COMPLETED_EVERY} = 0,"
        f" {EPOCH_US} + n * 1000003, {EPOCH_US} + n * 1000003"
        f"{spelling['more']} FROM {spelling['series'].format(count)}"
        " ORDER BY n")


POSTGRES = {
    "hex": "lpad(to_hex({}), 8, '0')",
    "uuid": "gen_random_uuid()",
    "more": ", 0",
    "series": "generate_series(0::bigint, {} - 1) AS n",
}
SQLITE = {
    "hex": "printf('%08x', {})",
    "uuid": "randomblob(16)",
    "more": "",
    "series": "(WITH RECURSIVE s(n) AS (VALUES (0) UNION ALL"
              " SELECT n + 1 FROM s WHERE n + 1 < {}) SELECT n FROM s)",
}


def user_rows(population, password_hash, spelling):
    """All have the same password; its hash was made by todod."""
    count = len(population.users) + len(population.big)
    user = spelling["hex"].format("n + 1")
    cast = "::uuid" if spelling is POSTGRES else ""
    return (f"SELECT ({user} || '{USER_ID}'){cast},"
            " 'user' || (n + 1) || '@example.com', 'User ' || (n + 1),"
            f" '{password_hash}', {EPOCH_US}"
            f" FROM {spelling['series'].format(count)}")


def fill_postgres(run_sql, population, password_hash):
    """run_sql carries out one statement in the database."""
    run_sql("INSERT INTO todod.users (id, email, name, password_hash,"
            " created_at) " + user_rows(population, password_hash, POSTGRES))
    for block in population.blocks():
        run_sql(f"INSERT INTO todod.tasks ({COLUMNS}, last_write) "
                + task_rows(*block, POSTGRES))
    run_sql("VACUUM (ANALYZE, FREEZE) todod.tasks")


def fill_sqlite(path, population, password_hash):
    """path is a database that has its tables and is not in use."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        with database:
            database.execute(
                "INSERT INTO users (id, email, name, password_hash,"
                " created_at) "
                + user_rows(population, password_hash, SQLITE))
            for block in population.blocks():
                database.execute(f"INSERT INTO tasks ({COLUMNS}) "
                                 + task_rows(*block, SQLITE))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
