"""Who may include whom, and the one door to each library."""

import pathlib
import re

from house import BUILD, Tap, files, read, run, tool

tap = Tap()

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)

# What a room may include of ours, and which libraries it may see.
OURS = {
    "core": r"config\.h|core/.*",
    "backends": r"config\.h|core/.*|backends/.*",
    "daemon": r"config\.h|core/.*|backends/backends\.h|daemon/.*",
}
LIBRARIES = {
    "core": r"cJSON|cjson/|jwt\.h|sodium|utf8proc|crypt\.h|openssl/",
    "backends": r"sqlite3|libpq|postgres|openssl/ssl\.h",
    "daemon": r"event2/|openssl/|curl/",
}
ALL_LIBRARIES = "|".join(LIBRARIES.values())

# Each library of core has one door, and so has libcurl; sodium's uses have one
# each. Of OpenSSL other rooms see the TLS.
DOORS = {
    r"(cjson/)?cJSON\.h": {"core/jsonreader"},
    r"jwt\.h": {"core/token"},
    r"openssl/.*": {"core/signature"},
    r"sodium\.h": {"core/base64", "core/digest", "core/password",
                   "core/signature"},
    r"utf8proc\.h": {"core/text"},
    r"crypt\.h": {"core/password"},
    r"curl/.*": {"daemon/keyfetch_curl"},
}

# What libcore must not need from anywhere.
FOREIGN = re.compile(r"^(event_|ev[a-z]*_|evhttp|sqlite3_|PQ|bufferevent|"
                     r"SSL_|backend|sqlite_|postgres_|memory_)")


def includes(path):
    return INCLUDE.findall(read(path))


for room, allowed in OURS.items():
    problems = []
    for path in files(f"{room}/*.[ch]"):
        for kind, name in includes(path):
            if kind == '"' and not re.fullmatch(allowed, name):
                problems.append(f'{path} includes "{name}"')
            if (kind == "<" and re.match(ALL_LIBRARIES, name)
                    and not re.match(LIBRARIES[room], name)):
                problems.append(f"{path} includes <{name}>")
    tap.check(f"{room} includes only what it may", problems)

problems = []
for path in files("*/*.[ch]"):
    room = path.split("/", maxsplit=1)[0]
    for kind, name in includes(path):
        if room == "tests" or kind == '"':
            continue
        for header, doors in DOORS.items():
            if (re.fullmatch(header, name)
                    and (room == "core" or not name.startswith("openssl/"))
                    and str(pathlib.PurePath(path).with_suffix("")) not in doors):
                problems.append(f"{path} includes <{name}>: the door is "
                                + " or ".join(sorted(doors)))
tap.check("each library of core has one door, and libcurl has", problems)

# A build may leave TLS out: what needs it has a name that says so.
problems = [f"{path} includes <{name}>: only daemon/tls* may"
            for path in files("daemon/*.[ch]")
            for kind, name in includes(path)
            if re.match(r"openssl/|event2/bufferevent_ssl", name)
            and not path.startswith("daemon/tls")]
tap.check("only daemon/tls* knows about OpenSSL in daemon", problems)

problems = [f"{path} includes <{name}>"
            for path in files("core/*.h", "backends/*.h")
            for kind, name in includes(path)
            if kind == "<" and re.match(ALL_LIBRARIES, name)]
tap.check("no header outside daemon shows a library", problems)

problems = [f'{path}: the first include is not "config.h"'
            for path in files("core/*.c", "backends/*.c", "daemon/*.c",
                              "tests/**/*.c")
            if not includes(path)[:1] == [('"', "config.h")]]
tap.check('every source includes "config.h" first', problems)

archive = BUILD / "libcore.a"
NAME = "core needs no symbol of libevent, a database or another room"
if not archive.exists():
    tap.skip(NAME, f"no {archive}")
elif not tool("nm"):
    tap.skip(NAME, "no nm")
else:
    status, output = run("nm", "-u", str(archive))
    problems = [] if status == 0 else [output]
    needed = {line.split()[-1] for line in output.splitlines() if line[:1] == " "}
    defined = {line.split()[-1] for line in
               run("nm", "--defined-only", str(archive))[1].splitlines()
               if len(line.split()) == 3}
    problems += [f"needs {name}" for name in sorted(needed - defined)
                 if FOREIGN.match(name)]
    tap.check(NAME, problems)

tap.done()
