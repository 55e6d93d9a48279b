"""Scripts and manual pages pass their checkers."""

from house import TOP, Tap, files, read, run, tool

tap = Tap()

scripts = [p for p in ["quickstart"] + files(".ci/run", "build-aux/*.sh",
                                             "tests/**/*", "packaging/**/*")
           if (TOP / p).is_file() and not p.endswith((".pyc", ".db"))
           and (TOP / p).read_bytes().startswith(b"#!/bin/sh")]
# Those are automake's.
foreign = {"build-aux/tap-driver.sh", "build-aux/install-sh"}
scripts = [p for p in scripts if p not in foreign]

NAME = "shellcheck finds nothing in our scripts"
if not tool("shellcheck"):
    tap.skip(NAME, "no shellcheck")
else:
    status, output = run("shellcheck", "-f", "gcc", "-x", *scripts)
    tap.check(NAME, output.splitlines() if status else [])

NAME = "mandoc finds nothing wrong in the manual pages"
pages = files("docs/man/*.[1-8]")
if not tool("mandoc"):
    tap.skip(NAME, "no mandoc")
else:
    status, output = run("mandoc", "-T", "lint", "-W", "warning", *pages)
    tap.check(NAME, output.splitlines() if status else [])

# A name in a page that no link resolves is a hint, not a fault; a page that
# says nothing on how to leave is one.
tap.check("the manual pages have their sections",
          [f"{page} has no {section}" for page in pages
           for section in ("NAME", "DESCRIPTION", "SEE ALSO")
           if section not in read(page)])

tap.done()
