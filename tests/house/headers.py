"""Every header compiles on its own, twice, and has its guard."""

import os
import re
import shlex
import tempfile

from house import BUILD, TOP, Tap, files, read, run, tool

tap = Tap()
headers = [h for h in files("core/*.h", "backends/*.h", "daemon/*.h",
                            "tests/**/*.h")]

problems = []
guards = {}
for header in headers:
    match = re.search(r"^#ifndef (\w+)\n#define \1\n", read(header), re.M)
    if not match:
        problems.append(f"{header} has no guard")
    elif match.group(1) in guards:
        problems.append(f"{header} has the guard of {guards[match.group(1)]}")
    else:
        guards[match.group(1)] = header
tap.check("every header has a guard of its own", problems)

NAME = "every header compiles alone"
compiler = shlex.split(os.environ.get("CC") or "cc")
if not tool(compiler[0]):
    tap.skip(NAME, f"no {compiler[0]}")
else:
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
             "-xc", f"-I{BUILD}", f"-I{TOP}"]
    if tool("pkg-config"):
        flags += shlex.split(run("pkg-config", "--cflags", "libevent_core",
                                 "libevent_extra")[1])
    if (BUILD / "config.h").exists():
        flags += ["-include", "config.h"]
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        unit = os.path.join(folder, "alone.c")
        for header in headers:
            with open(unit, "w", encoding="utf-8") as out:
                out.write(f'#include "{header}"\n#include "{header}"\n')
            status, output = run(*compiler, *flags, unit)
            if status:
                problems += [header] + output.splitlines()[:4]
    tap.check(NAME, problems)

tap.done()
