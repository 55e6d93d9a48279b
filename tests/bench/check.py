"""The benchmark reads its tools' output rightly, computes with it rightly, and
knows the data that it makes."""

import contextlib
import pathlib
import sqlite3
import sys
import tempfile
import types
import xml.dom.minidom

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "house"))
sys.path.insert(0, str(HERE.parents[1] / "bench"))

from house import Tap, files, read  # noqa: E402

import load        # noqa: E402
import plots       # noqa: E402
import procs       # noqa: E402
import report      # noqa: E402
import seed        # noqa: E402
import stats       # noqa: E402
import workloads   # noqa: E402

tap = Tap()

WRK = """Running 1s test @ http://127.0.0.1:4000
  1 threads and 64 connections
Requests/sec:   2000.00
@@{"requests":4000,"duration_us":2000000,"bytes":8000,"connect":1,"read":2,\
"write":3,"status":4,"timeout":5,"mean_us":-nan,"p50_us":20,"p90_us":30,\
"p99_us":40,"max_us":50}
"""
H2LOAD = """finished in 500.00ms, 8.00 req/s, 1.00KB/s
requests: 5 total, 5 started, 4 done, 2 succeeded, 2 failed, 1 errored, \
0 timeout
traffic: 1.00KB (1024) total, 0B (0) headers (space savings 0.00%), 0B (0) data
"""


def differences(got, **wanted):
    """A line for each that is not as it should be."""
    return [f"{name} is {got[name]!r} and not {value!r}"
            for name, value in wanted.items() if got[name] != value]


def fails(function, *args):
    """Empty when it refuses, as it should."""
    with contextlib.suppress(load.Broken):
        return [f"it is taken for {function(*args)}"]
    return []


tap.check("what wrk's script says is understood", differences(
    load.parse_wrk(WRK), requests=4000, seconds=2.0, rps=2000.0, errors=15,
    mean_us=0, p50_us=20, p99_us=40, bytes=8000))
tap.check("output of wrk without a result is refused",
          fails(load.parse_wrk, "unable to connect\n"))
tap.check("what h2load prints and logs is understood", differences(
    load.parse_h2load(H2LOAD, [10, 20, 30, 40]), requests=4, seconds=0.5,
    rps=8.0, errors=2, bytes=1024, p50_us=20, p99_us=40, max_us=40))
tap.check("output of h2load without a result is refused",
          fails(load.parse_h2load, "", []))

tap.check("a percentile is one of the values", [
    f"{share} of {values}: {stats.percentile(values, share)}"
    for values, share, wanted in (
        ([], 50, None), ([7], 99, 7), ([4, 1, 3, 2], 50, 2),
        ([4, 1, 3, 2], 51, 3), ([4, 1, 3, 2], 100, 4), ([4, 1], 0, 1),
        (list(range(1, 201)), 99, 198))
    if stats.percentile(values, share) != wanted])

TURNS = [{"server": name, "round": number, "rps": rps, "errors": 1,
          "cpu_us": None, "backend": "postgres", "workload": "one",
          "connections": 64}
         for name, number, rps in (
             ("todod", 0, 300), ("other", 0, 100), ("todod", 1, 80),
             ("other", 1, 20), ("todod", 2, 50), ("other", 3, 10))]
tap.check("a ratio is one of two numbers of the same round",
          [] if stats.ratios(TURNS, "todod", "other", "rps") == [3, 4]
          else [stats.ratios(TURNS, "todod", "other", "rps")])
ours = [sample for sample in TURNS if sample["server"] == "todod"]
tap.check("rounds become a median, their errors a sum", differences(
    stats.summary(ours), rps=80, errors=3, cpu_us=None, rounds=3,
    connections=64))

STAT = "7 (a) b (c) S 3 7 7 0 -1 4194560 1 2 3 4 50 6 20 1 20 0 1 0 9\n"
tap.check("a process may have any name",
          [] if procs.parse_stat(STAT) == (3, 56, 21)
          else [procs.parse_stat(STAT)])
tap.check("a tree has all that descend from its root, and no other",
          [] if procs.tree(1, {1: (0, 0, 0), 2: (1, 0, 0), 3: (2, 0, 0),
                               4: (0, 0, 0)}) == {1, 2, 3}
          else ["it does not"])

people = seed.Population(10, (20,))
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    database = folder / "seeded.db"
    with contextlib.closing(sqlite3.connect(database)) as made:
        for path in files("migrations/sqlite/*.sql"):
            made.executescript(read(path))
    seed.fill_sqlite(database, people, "a hash")
    with contextlib.closing(sqlite3.connect(database)) as made:
        owners = {}
        for task, owner in made.execute(
                "SELECT id, user_id FROM tasks ORDER BY id"):
            owners.setdefault(owner, []).append(task)
        done = dict(made.execute(
            "SELECT user_id, sum(completed) FROM tasks GROUP BY 1"))
        accounts = dict(made.execute("SELECT id, email FROM users"))
    everybody = [*people.users, *people.big.values()]
    tap.check("the users and tasks of the data are where they are looked for",
              [f"user {user.number} has {owners.get(user.id)}"
               for user in everybody
               if owners.get(user.id) != list(user.task_ids)
               or accounts.get(user.id) != user.email])
    tap.check("one task in five is completed",
              [f"user {user.number} has completed {done[user.id]}"
               for user in everybody
               if done[user.id] != len(user.task_ids) // 5])

    problems = []
    people.big = {size: people.users[0] for size in seed.BIG}
    for workload in workloads.WORKLOADS.values():
        requests = workloads.requests_of(workload, people)
        for request in requests[:50]:
            head, _, body = request.partition(b"\r\n\r\n")
            length = (f"Content-Length: {len(body)}".encode() in head
                      if body else b"Content-Length" not in head)
            if not length or not head.startswith((b"GET /", b"POST /",
                                                  b"PUT /")):
                problems.append(f"{workload.name}: {request!r}")
        if requests != workloads.requests_of(workload, people):
            problems.append(f"{workload.name} is another for each server")
    tap.check("requests are whole, and the same for every server", problems)

options = types.SimpleNamespace(seconds=1, rounds=4, users=10,
                                generator="wrk", quick=True)
results = report.Results(options, types.SimpleNamespace(
    version=lambda: "todod 0 <&>"))
for sample in TURNS:
    results.add("samples", sample["backend"], sample["round"], {
        **sample, "p50_us": 1, "p99_us": 12345, "database_cpu_us": 20,
        "cpu_us": 10, "peak_pss_kib": 2048})
with tempfile.TemporaryDirectory() as name:
    written = results.write(pathlib.Path(name), "test")
    problems = []
    for path in written:
        if path.suffix == ".svg":
            try:
                xml.dom.minidom.parseString(path.read_text())
            except xml.parsers.expat.ExpatError as error:
                problems.append(f"{path.name}: {error}")
    tap.check("plots are well-formed", problems if len(written) > 3
              else ["there are none"])
ROW = "| one | other | 64 | 20 | 0.00 | 12 | 10.0 | 20.0 | 2.0 | 3 | 3.50 |"
tap.check("the table has medians and the median of the ratios",
          [] if ROW in results.markdown() else results.markdown().split("\n"))
tap.check("bars of nothing are a picture too",
          [] if "<svg" in plots.bars("nothing", {}) else ["they are not"])

tap.done()
