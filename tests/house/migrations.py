"""Migrations are named, numbered and paired."""

import pathlib
import re

from house import TOP, Tap, files, read

tap = Tap()
folders = [f for f in ("sqlite", "postgres") if (TOP / "migrations" / f).is_dir()]

for folder in folders:
    names = [pathlib.PurePath(p).name for p in files(f"migrations/{folder}/*")]
    problems = [f"{name} is not NNNN_verb_noun.sql" for name in names
                if not re.fullmatch(r"\d{4}(_[a-z0-9]+){2,}\.sql", name)]
    tap.check(f"{folder}: migrations are called NNNN_verb_noun.sql", problems)
    tap.check(f"{folder}: they are numbered from 0001 without a gap",
              [f"{name} should be number {number:04d}"
               for number, name in enumerate(names, 1)
               if not name.startswith(f"{number:04d}_")]
              or ([] if names else ["there is none"]))
    tap.check(f"{folder}: each says what it is for in its first line",
              [p for p in files(f"migrations/{folder}/*.sql")
               if not re.match(r"-- \S|/\* ?\S?", read(p))])

if len(folders) == 2:
    both = [{pathlib.PurePath(p).name for p in files(f"migrations/{f}/*")}
            for f in folders]
    tap.check("both databases have the same migrations",
              sorted(both[0] ^ both[1]))

tap.done()
