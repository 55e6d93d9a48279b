"""The results: JSON with every sample, tables of medians, plots."""

import json
import platform

import plots
import procs
import stats
import workloads

# The server that the ratios are of.
TODOD = "todod"


def number(value, digits=0):
    """With commas between thousands; what is not known is a dash."""
    if value is None:
        return "–"
    return f"{value:,.{digits}f}"


def milliseconds(value_us):
    if value_us is None:
        return "–"
    return number(value_us / 1000, 2 if value_us < 10000 else 0)


def mebibytes(value_kib):
    return number(None if value_kib is None else value_kib / 1024, 1)


def table(titles, rows):
    """Markdown; the first two columns are words."""
    marks = ["---" if index < 2 else "---:" for index in range(len(titles))]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |"
                     for cells in [titles, marks, *rows])


class Results:
    """What has been measured so far, by kind."""

    KINDS = ("start", "samples", "idle", "crowd", "disturbed", "growth")

    def __init__(self, options, todod):
        self.about = {
            "machine": procs.machine(),
            "versions": {"todod": todod.version().splitlines(),
                         "python": platform.python_version()},
            "seconds": options.seconds, "rounds": options.rounds,
            "users": options.users, "generator": options.generator,
        }
        self.kinds = {kind: [] for kind in self.KINDS}

    def add_version(self, name, version):
        self.about["versions"][name] = version

    def add(self, kind, backend, number_of_round, sample):
        self.kinds[kind].append({"backend": backend,
                                 "round": number_of_round, **sample})

    def summaries(self):
        """One row for each backend, server, workload and number of
        connections."""
        groups = stats.grouped(self.kinds["samples"], "backend", "workload",
                               "connections", "server")
        return [stats.summary(group) for group in groups.values()]

    def ratio(self, row):
        """How many times todod's requests each second this server's are."""
        if row["server"] == TODOD:
            return None
        same = [sample for sample in self.kinds["samples"]
                if all(sample[key] == row[key] for key in
                       ("backend", "workload", "connections"))]
        return stats.median(stats.ratios(same, TODOD, row["server"], "rps"))

    # -- sections

    def section_load(self):
        for backend in dict.fromkeys(r["backend"] for r in self.summaries()):
            yield f"## {backend}\n"
            rows = []
            for row in self.summaries():
                if row["backend"] != backend:
                    continue
                rows.append((
                    row["workload"], row["server"], row["connections"],
                    number(row["rps"]), milliseconds(row["p50_us"]),
                    milliseconds(row["p99_us"]), number(row["cpu_us"], 1),
                    number(row["database_cpu_us"], 1),
                    mebibytes(row["peak_pss_kib"]), number(row["errors"]),
                    number(self.ratio(row), 2)))
            yield table(("workload", "server", "connections", "requests/s",
                         "p50 ms", "p99 ms", "CPU µs", "database CPU µs",
                         "peak MiB", "errors", "todod is × as fast"), rows)
            yield ""

    def section_rest(self):
        rows = [(s["backend"], s["server"], s["processes"],
                 mebibytes(s["pss_kib"]),
                 number(stats.median(
                     [each["start_ms"] for each in self.kinds["start"]
                      if each["backend"] == s["backend"]
                      and each["server"] == s["server"]])))
                for s in self.kinds["idle"]]
        if rows:
            yield "## At rest\n"
            yield table(("database", "server", "processes", "MiB (PSS)",
                         "start, ms"), rows)
            yield ""

    def section_crowd(self):
        rows = [(s["backend"], s["server"], number(s["connections"]),
                 number(s["left"]), number(s["connection_kib"], 1),
                 number(s["alone"]["rps"]), number(s["crowded"]["rps"]),
                 milliseconds(s["crowded"]["p99_us"]),
                 number(s["crowded"]["errors"])) for s in self.kinds["crowd"]]
        if rows:
            yield "## Idle connections, and 64 that ask for one task\n"
            yield table(("database", "server", "idle", "of them still open",
                         "KiB each", "requests/s without", "with",
                         "p99 ms with", "errors"), rows)
            yield ""

    def section_disturbed(self):
        rows = []
        for key, group in stats.grouped(self.kinds["disturbed"], "backend",
                                        "server").items():
            def middle(which, what, group=group):
                return stats.median([s[which][what] for s in group])
            rows.append((*key, *(
                say(middle(which, what)) for which in ("alone", "disturbed")
                for what, say in (("rps", number), ("p50_us", milliseconds),
                                  ("p99_us", milliseconds)))))
        if rows:
            yield "## One task, while 8 others sign in\n"
            yield table(("database", "server", "alone: requests/s", "p50 ms",
                         "p99 ms", "disturbed: requests/s", "p50 ms",
                         "p99 ms"), rows)
            yield ""

    def section_growth(self):
        rows = [(s["backend"], s["workload"], number(s["tasks"]),
                 number(s["rps"]), number(s["cpu_us"], 1),
                 number(s["database_cpu_us"], 1), milliseconds(s["p99_us"]),
                 number(s["errors"])) for s in self.kinds["growth"]]
        if rows:
            yield "## More and more users\n"
            yield table(("database", "workload", "tasks", "requests/s",
                         "CPU µs", "database CPU µs", "p99 ms", "errors"),
                        rows)
            yield ""

    def heading(self):
        machine = self.about["machine"]
        yield "# What todod does on this machine\n"
        yield (f"{machine['cpu']}, {machine['cores']} cores for everything "
               "(the load, todod and the database),"
               f" {number(machine['memory_mib'])} MiB, {machine['kernel']}.")
        yield ("Versions: " + "; ".join(
            f"{name} {said}" if isinstance(said, str) else ", ".join(said)
            for name, said in self.about["versions"].items()) + ".")
        yield (f"Medians of {self.about['rounds']} rounds of"
               f" {self.about['seconds']} s; {number(self.about['users'])}"
               " users of 100 tasks each; CPU is that of all processes, for"
               " one request; memory is PSS.")
        others = stats.median([sample.get("others_share")
                               for sample in self.kinds["samples"]])
        if others is not None:
            yield (f"Meanwhile {number(others * 100)} % of the processors'"
                   " time went to other programs and other machines.")
        yield ""

    def markdown(self):
        sections = (self.heading, self.section_load, self.section_rest,
                    self.section_crowd, self.section_disturbed,
                    self.section_growth)
        lines = [line for section in sections for line in section()]
        used = {s["workload"] for s in self.kinds["samples"]}
        lines += [f"- `{name}`: {each.about}"
                  for name, each in workloads.WORKLOADS.items()
                  if name in used]
        return "\n".join(lines)

    def write(self, folder, label):
        """The paths of what was written."""
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {
            f"{label}.json": json.dumps({**self.about, **self.kinds},
                                        indent=1) + "\n",
            f"{label}.md": self.markdown() + "\n",
        }
        for name, text in plots.all_of(self).items():
            wanted[f"{label}-{name}.svg"] = text
        for name, text in wanted.items():
            (folder / name).write_text(text, encoding="utf-8")
        return [folder / name for name in wanted]
