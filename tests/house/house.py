"""What the tests of the house share: where things are, and TAP."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(os.environ.get("abs_top_srcdir")
                   or pathlib.Path(__file__).resolve().parents[2])
BUILD = pathlib.Path(os.environ.get("abs_top_builddir") or TOP / "build")
REQUIRE_ALL = os.environ.get("TODOD_REQUIRE_ALL") == "1"
ROOMS = ("core", "backends", "daemon")


class Tap:
    """Counts the checks and says how they went."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, name, problems):
        """One check; problems is a list of lines, empty when all is well."""
        problems = list(problems)
        self.count += 1
        if problems:
            self.failed += 1
        print(f"{'not ok' if problems else 'ok'} {self.count} - {name}")
        for line in problems:
            print(f"# {line}")

    def skip(self, name, reason):
        """A check that cannot be made here: a failure where none may be."""
        if REQUIRE_ALL:
            self.check(name, [reason])
            return
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {reason}")

    def done(self):
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed else 0)


def files(*patterns):
    """Paths below the source folder, sorted, as text from the top."""
    found = set()
    for pattern in patterns:
        found.update(p.relative_to(TOP).as_posix() for p in TOP.glob(pattern))
    return sorted(p for p in found if "/node_modules/" not in p)


def sources():
    """All our C files."""
    return files("core/*.[ch]", "backends/*.[ch]", "daemon/*.[ch]",
                 "tests/**/*.[ch]")


def read(path):
    return (TOP / path).read_text(encoding="utf-8")


def code(path):
    """A C file with comments and strings blanked, lines kept."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] * 2
        return re.sub(r"[^\n]", " ", found)
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
                  r"|/\*.*?\*/|//[^\n]*", blank, read(path), flags=re.S)


def find(paths, pattern, say):
    """A line for each place in the code that matches."""
    compiled = re.compile(pattern)
    for path in paths:
        for number, line in enumerate(code(path).split("\n"), 1):
            match = compiled.search(line)
            if match:
                yield f"{path}:{number}: {say(match)}"


def tool(*names):
    """The first of these programs that is here, or None."""
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    return None


def run(*command, **options):
    """Runs a command; its exit status and all it said."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, cwd=options.pop("cwd", TOP),
                          check=False, **options)
    return done.returncode, done.stdout


def lists():
    """Every file name that Makefile.am mentions."""
    return set(re.findall(r"[\w./+-]+", read("Makefile.am")))
