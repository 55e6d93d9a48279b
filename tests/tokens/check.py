"""Tokens made by other programs than ours, judged by ours: all that must be
taken, and every way of being refused (tests/tokens/cases.py, published.py,
crafted.py)."""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "house"))

from house import BUILD, Tap  # noqa: E402

tap = Tap()
JUDGE = BUILD / "tests" / "tokens" / "judge"
LEAST_BAD = 900


def field(value):
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    return value.hex() or "-"


def line_of(case, compact):
    return " ".join(field(value) for value in (
        str(case.now), "yes" if case.exp_optional else "", case.secret,
        case.shared, case.issuer, case.audience,
        compact(case.jwks) if case.jwks else b"", case.token))


def wrong(case, answer):
    """What is wrong with an answer, one line each."""
    _, verdict, status, says = answer.split(" ", 3)
    if verdict != case.verdict:
        yield f"{verdict} ({says}), not {case.verdict}"
    elif verdict == "ok" and says != case.says:
        yield f"for {says}, not {case.says}"
    elif case.says not in says:
        yield f"because \"{says}\", not \"{case.says}\""
    wanted = "403" if case.verdict == "ok" else "401"
    if case.app and status != wanted:
        yield f"the application answers {status}, not {wanted}"


def main():
    try:
        import cases
        import crafted
        import published
        from forge import compact
    except ImportError as missing:
        tap.skip("tokens of other programs are judged", str(missing))
        return
    if not os.access(JUDGE, os.X_OK):
        tap.skip("tokens of other programs are judged", f"no {JUDGE}")
        return
    table = [case for module in (cases, published, crafted)
             for group in module.GROUPS for case in group()]
    done = subprocess.run(
        [JUDGE], stdout=subprocess.PIPE, text=True, check=False,
        input="".join(line_of(case, compact) + "\n" for case in table))
    answers = [line for line in done.stdout.splitlines()
               if line.startswith("judged ")]
    tap.check("every token is judged",
              [] if done.returncode == 0 and len(answers) == len(table)
              else [f"exit status {done.returncode}, {len(answers)} answers "
                    f"for {len(table)} tokens"] + done.stdout.splitlines()[-5:])
    for case, answer in zip(table, answers):
        tap.check(case.name.replace("#", "+"), wrong(case, answer))
    bad = sum(case.verdict != "ok" for case in table)
    tap.check("the table of bad tokens is long",
              [] if bad >= LEAST_BAD else [f"{bad} of them"])


main()
tap.done()
