"""Making a request wait, and knowing that it does."""

import contextlib
import fcntl


@contextlib.contextmanager
def no_writes(tmp):
    """Whoever writes to the database in this folder waits meanwhile."""
    with open(tmp / "todod.db-lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def are_read(daemon):
    """Once this later request is answered, the earlier ones were read."""
    for _ in range(3):
        with daemon.raw() as connection:
            assert connection.exchange("GET", "/health").status == 200
