"""A small pytest plugin: with --tap the results go to stdout as TAP.

pytest's own report then goes to stderr. A test is one line, printed when its
tear-down is over, so that a failure in there counts too.
"""

import collections
import os
import sys

import pytest


def pytest_addoption(parser):
    parser.addoption("--tap", action="store_true",
                     help="print TAP on stdout, pytest's report on stderr")


@pytest.hookimpl(trylast=True)      # after the terminal reporter's
def pytest_configure(config):
    if config.option.tap:
        config.pluginmanager.register(TapReporter(config), "tap-reporter")


def pytest_collection_modifyitems(config, items):
    """TODOD_TEST_SHARD=1/2 keeps the first of two shares of about as many
    tests; the tests of a file stay together."""
    share = os.environ.get("TODOD_TEST_SHARD")
    if not share:
        return
    number, count = map(int, share.split("/"))
    sizes = collections.Counter(item.path for item in items)
    shares = [[0, set()] for _ in range(count)]
    for path, size in sorted(sizes.items(), key=lambda file: (-file[1], file)):
        smallest = min(shares, key=lambda taken: taken[0])
        smallest[0] += size
        smallest[1].add(path)
    kept = shares[number - 1][1]
    config.hook.pytest_deselected(
        items=[item for item in items if item.path not in kept])
    items[:] = [item for item in items if item.path in kept]


class TapReporter:
    """Collects the phases of each test and prints its line."""

    def __init__(self, config):
        # The descriptor is kept: during tests pytest points 1 elsewhere.
        self.stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
        terminal = config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal._tw._file = sys.stderr
        self.number = 0
        self.planned = None
        self.failures = []
        self.skip = None

    def say(self, line):
        self.stream.write(line + "\n")
        self.stream.flush()

    def pytest_collectreport(self, report):
        if report.failed:
            self.diagnose(report)
            self.say("Bail out! tests could not be collected")

    def pytest_collection_finish(self, session):
        self.planned = len(session.items)
        self.say(f"1..{self.planned}" if self.planned
                 else "1..0 # SKIP nothing selected")

    def pytest_runtest_logstart(self, nodeid, location):
        self.failures, self.skip = [], None

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failures.append(report)
        elif report.skipped:
            self.skip = skip_reason(report)
        if report.when == "teardown":
            self.finish(report.nodeid)

    def finish(self, nodeid):
        self.number += 1
        name = f"{self.number} - {describe(nodeid)}"
        if self.failures:
            self.say(f"not ok {name}")
            for report in self.failures:
                self.diagnose(report)
        elif self.skip is not None:
            self.say(f"ok {name} # SKIP {self.skip}")
        else:
            self.say(f"ok {name}")

    def diagnose(self, report):
        """What is wrong comes first: a long report may be cut short."""
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is not None:
            for line in crash.message.splitlines():
                self.say(f"# {printable(line)}")
            self.say("#")
        for line in report.longreprtext.splitlines():
            self.say(f"# {printable(line)}")

    def pytest_sessionfinish(self, session, exitstatus):
        if self.planned and self.number < self.planned:
            self.say(f"Bail out! ended after {self.number} tests")


def skip_reason(report):
    """The reason of a skip, on one line."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) \
        else str(report.longrepr)
    return printable(" ".join(text.removeprefix("Skipped: ").split()))


def describe(nodeid):
    """test_tasks.py::test_an_id_is_a_number[sqlite] as a sentence."""
    path, _, test = nodeid.partition("::")
    name, bracket, case = test.partition("[")
    subject = os.path.basename(path).removeprefix("test_").removesuffix(".py")
    words = name.replace("::", " ").removeprefix("test_").replace("_", " ")
    # A '#' would begin a TAP directive.
    return printable(f"{subject}: {words}{bracket}{case}").replace("#", "+")


def printable(text):
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
