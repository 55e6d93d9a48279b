"""Our symbols do not take the place of a library's."""

import re

from house import BUILD, Tap, run, tool

# A program's own function wins over a library's of the same name, in the
# library's calls too: json_object of ours would be called by libjwt.
TAKEN = re.compile(r"^(json_|jwt_|pg_|PQ|pq|sqlite3_|event_|evhttp_|evutil_|"
                   r"evbuffer_|evconnlistener_|evdns_|evtag_|evrpc_|"
                   r"bufferevent_|ev_|sodium_|crypto_|randombytes|cJSON_|"
                   r"utf8proc_|crypt_|SSL_|EVP_|curl_)")

tap = Tap()
archives = [BUILD / f"lib{room}.a" for room in ("core", "backends", "daemon")]

NAME = "no symbol of ours begins as those of a library do"
absent = [str(a) for a in archives if not a.exists()]
if absent:
    tap.skip(NAME, "no " + ", ".join(absent))
elif not tool("nm"):
    tap.skip(NAME, "no nm")
else:
    problems = []
    for archive in archives:
        status, output = run("nm", "--defined-only", str(archive))
        for line in output.splitlines():
            words = line.split()
            if (len(words) == 3 and words[1] in "TDBRCVWGS"
                    and TAKEN.match(words[2])):
                problems.append(f"{archive.name}: {words[2]}")
    tap.check(NAME, problems)

NAME = "the program shows no symbols of its own"
program = BUILD / "todod"
if not program.exists() or not tool("nm"):
    tap.skip(NAME, "no todod or no nm")
else:
    # What the start-up code and the sanitizers export is not ours.
    ours = re.compile(r"^(app|storage|route|task|user|token|embedded|loop|log|"
                      r"sqlite|memory|master|worker|server)_")
    output = run("nm", "-D", "--defined-only", str(program))[1]
    tap.check(NAME, [line for line in output.splitlines()
                     if line.split() and ours.match(line.split()[-1])])

tap.done()
