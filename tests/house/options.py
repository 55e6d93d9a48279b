"""Every option that --help names is documented, and nothing else is."""

import re

from house import BUILD, TOP, Tap, read, run

tap = Tap()
program = BUILD / "todod"
pages = [TOP / "docs/man" / name for name in ("todod.8", "todod.conf.5")]


def plain(text):
    """A page of mdoc or man without its escapes."""
    return text.replace("\\-", "-").replace("\\&", "")


if not program.exists():
    tap.skip("every option is documented", f"no {program}")
else:
    status, help_text = run(str(program), "--help")
    options = sorted(set(re.findall(r"(?<![\w-])--([a-z][a-z0-9-]+)",
                                    help_text)))
    page = plain("\n".join(p.read_text(encoding="utf-8") for p in pages
                           if p.exists()))
    documented = set(re.findall(r"--([a-z][a-z0-9-]+)", page))
    # mdoc's own spelling: .Fl -workers
    documented |= set(re.findall(r"Fl -([a-z][a-z0-9-]+)", page))
    documented |= set(re.findall(r"\| -([a-z][a-z0-9-]+)", page))
    tap.check("--help exits with success and names options",
              [] if status == 0 and options else [help_text])
    tap.check("every option of --help is in the man pages",
              [f"--{name}" for name in options if name not in documented])
    tap.check("every option of the man pages is in --help",
              [f"--{name}" for name in sorted(documented)
               if name not in options])
    for flag, path in (("--print-conf-example", "packaging/todod.conf.example"),
                       ("--print-env-example", ".env.example")):
        status, output = run(str(program), flag)
        same = (TOP / path).exists() and output == read(path)
        tap.check(f"{path} is what todod {flag} prints",
                  [] if status == 0 and same else [f"todod {flag} > {path}"])

tap.done()
