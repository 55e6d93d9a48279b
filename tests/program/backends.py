"""The storage backends that the whole-program tests run on.

Each entry turns a daemon's private folder into the environment that selects
the backend. A further backend (PostgreSQL) joins as one more row here; what it
needs to start (a private cluster) belongs in its function.
"""

import os


def sqlite(folder):
    return {"DATABASE_URL": f"sqlite:///{folder}/todod.db", "WORKERS": "2"}


def memory(folder):
    return {"DATABASE_URL": "memory:", "WORKERS": "1"}


BACKENDS = {"sqlite": sqlite, "memory": memory}


def selected():
    """The backends named by TODOD_TEST_BACKENDS, in its order."""
    wanted = os.environ.get("TODOD_TEST_BACKENDS") or "sqlite,memory"
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    unknown = [name for name in names if name not in BACKENDS]
    if unknown or not names:
        raise ValueError(
            f"TODOD_TEST_BACKENDS={wanted!r}: unknown {unknown}; "
            f"known are {sorted(BACKENDS)}"
        )
    return names
