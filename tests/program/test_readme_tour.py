"""README.md keeps its word: the tour runs as a reader would paste it, and the
table of the options is complete.

Each ```sh block of the tour is followed by the ```json block of what it prints;
ids, times and tokens are compared by their form only.
"""

import pathlib
import re
import subprocess

import pytest

from daemon import (SOURCE_TOP, Daemon, base_environment, run_todod,
                    seconds)

TITLE = "A tour in five minutes"
DOCUMENTED_URL = "http://localhost:8000"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
FORMS = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "<time>"),
    (re.compile(r"eyJ[\w.-]+|eyJ…"), "<token>"),
    (re.compile(r"\d+\.\d+\.\d+"), "<version>"),
)


def section(text, title):
    """What stands between this heading and the next of its level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text,
                      re.M | re.S)
    assert found, f"README.md has no section {title!r}"
    return found[1]


def forms(text):
    """The lines of a text with everything that varies replaced."""
    for pattern, name in FORMS:
        text = pattern.sub(name, text)
    return [line for line in text.splitlines() if line.strip()]


@pytest.fixture
def readme():
    return pathlib.Path(SOURCE_TOP, "README.md").read_text("utf-8")


@pytest.fixture
def tour(readme):
    return BLOCK.findall(section(readme, TITLE))


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_tour_prints_what_the_readme_shows(tour, tmp, shell):
    commands = "".join(code for kind, code in tour if kind == "sh")
    shown = "".join(code for kind, code in tour if kind == "json")
    assert DOCUMENTED_URL in commands
    with Daemon(folder=tmp) as daemon:
        daemon.expect_log("token refused")
        done = subprocess.run(
            [shell, "-eu", "-c",
             commands.replace(DOCUMENTED_URL, daemon.url)],
            cwd=tmp, env=base_environment(tmp), capture_output=True,
            text=True, timeout=seconds(30))
        assert done.returncode == 0, done.stderr
        assert forms(done.stdout) == forms(shown)


def test_the_table_of_options_is_that_of_the_program(readme, tmp):
    shown = run_todod("--help", folder=tmp).stdout
    wanted = re.findall(r"^  (?:(--[a-z-]+) \S+  \((\w+)\)|(\w+)  \(.*)$",
                        shown, re.M)
    wanted = {(flag, variable or alone) for flag, variable, alone in wanted}
    rows = re.findall(r"^\| (?:`(--[a-z-]+) [^`]*`|–) \| `(\w+)` \|",
                      section(readme, "Configuration"), re.M)
    assert len(wanted) > 20
    assert set(rows) == wanted
