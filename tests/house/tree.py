"""The tree: nothing unlisted, nothing hidden, nothing foreign."""

import re
import tempfile

from house import TOP, Tap, files, lists, read, run, tool

tap = Tap()
listed = lists()

wanted = files("core/*.[ch]", "backends/*.[ch]", "daemon/*.[ch]",
               "tests/**/*.[ch]", "tests/**/*.py", "tests/**/*.sh",
               "tests/**/*.mjs", "migrations/*/*.sql", "docs/**/*",
               "build-aux/*.awk", "packaging/**/*", "bench/*",
               "bench/results/reference*")
wanted = [p for p in wanted if (TOP / p).is_file()
          and "__pycache__" not in p and not p.endswith("~")]
tap.check("Makefile.am lists every file",
          [p for p in wanted
           if p not in listed and re.sub(r"\.c$", "", p) not in listed])

NAME = ".gitignore hides no source"
if not tool("git"):
    tap.skip(NAME, "no git")
else:
    # The rules are tried in a repository of their own: a release has none.
    names = wanted + ["core/x.c", "core/x.h", "core", "daemon/x.c",
                      "backends/x.c", "tests/unit/test_x.c",
                      "tests/conformance/test_x.c", "docs/api/x.json",
                      "build-aux/x.sh", "packaging/x.service",
                      "migrations/sqlite/0001_create_x.sql"]
    with tempfile.TemporaryDirectory() as folder:
        run("git", "init", "-q", folder)
        status, output = run("git", "-c", f"core.excludesFile={TOP}/.gitignore",
                             "check-ignore", "--no-index", "--stdin",
                             cwd=folder, input="\n".join(names) + "\n")
    tap.check(NAME, output.splitlines() if status != 1 else [])

texts = [p for p in files("*", ".ci/*", ".*", "core/*", "backends/*",
                          "daemon/*", "migrations/**/*", "tests/**/*",
                          "docs/**/*", "build-aux/*.sh", "packaging/**/*",
                          "bench/*", "bench/results/reference*")
         if (TOP / p).is_file()
         and re.search(r"\.(am|ac|c|h|py|sh|md|json|html|js|mjs|css|sql|awk|"
                       r"lua|svg|[1-8]|service|conf|m4|yml)$|quickstart$|"
                       r"\.ci/run$|bench/run$", p)]
problems = []
for path in texts:
    try:
        content = read(path)
    except UnicodeDecodeError:
        problems.append(f"{path} is not UTF-8")
        continue
    if "\r" in content:
        problems.append(f"{path} has carriage returns")
    # Written apart, so that this file does not find itself.
    if re.search("/(work|root|home)/" + "[a-z]", content):
        problems.append(f"{path} names a folder of somebody's machine")
tap.check("texts are UTF-8 and name nobody's machine", problems)

tap.done()
