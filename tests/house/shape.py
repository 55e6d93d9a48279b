"""Lengths and style of our C files."""

import re

from house import Tap, code, files, find, read, run, sources, tool

FILE_MAX = 800
HEADER_MAX = 250
FUNCTION_MAX = 80
COLUMN_MAX = 80

BANNED = (r"\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|atoi|"
          r"gmtime|localtime|atol|gets|asctime|ctime|alloca|tmpnam|mktemp)"
          r"\s*\(")

tap = Tap()
c_files = sources()


def functions(path):
    """(first line, length) of each function: its braces are in column 0."""
    start = None
    lines = code(path).split("\n")
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number
        elif line.startswith("}") and start is not None:
            if line.rstrip() == "}":
                yield start, number - start - 1
            start = None


problems = []
for path in c_files:
    limit = HEADER_MAX if path.endswith(".h") else FILE_MAX
    count = read(path).count("\n")
    if count > limit:
        problems.append(f"{path} has {count} lines, the limit is {limit}")
tap.check("no file is too long", problems)

tap.check("no function is too long", [
    f"{path}:{line}: {length} lines, the limit is {FUNCTION_MAX}"
    for path in c_files for line, length in functions(path)
    if length > FUNCTION_MAX])

tap.check("no banned function is called",
          find(c_files, BANNED, lambda m: f"calls {m.group(1)}"))

# A function that returns one may have its type named.
tap.check("no typedef of a struct, enum or union",
          find(c_files, r"\btypedef\s+(struct|enum|union)\b[^(]*$",
               lambda m: m.group(0)))

problems = []
for path in c_files:
    for number, line in enumerate(read(path).split("\n"), 1):
        if len(line.expandtabs(8)) > COLUMN_MAX:
            problems.append(f"{path}:{number}: beyond column {COLUMN_MAX}")
        if line != line.rstrip():
            problems.append(f"{path}:{number}: white space at the end")
        if re.match(r"\t* {8}", line):
            problems.append(f"{path}:{number}: blanks where a tab belongs")
    if not read(path).endswith("\n"):
        problems.append(f"{path}: no line feed at the end")
tap.check("lines fit 80 columns and are indented by tabs", problems)

problems = [f"{path} does not open with a comment" for path in c_files
            if not read(path).startswith("/*")]
tap.check("every file opens with what it is", problems)

problems = []
for path in c_files:
    for number, line in enumerate(read(path).split("\n"), 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line) or "@param" in line:
            problems.append(f"{path}:{number}: {line.strip()}")
tap.check("comments hold no errands", problems)

problems = list(find(files("core/*.c", "backends/*.c", "daemon/*.c"),
                     r"^\s*//", lambda m: "a // comment"))
for path in c_files:
    text = read(path)
    stripped = re.sub(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/', "", text, flags=re.S)
    if re.search(r"(^|\s)//", stripped):
        problems.append(f"{path}: a // comment")
tap.check("comments are /* */", problems)

NAME = "clang-format 14 would change nothing"
formatter = tool("clang-format-14", "clang-format")
if not formatter:
    tap.skip(NAME, "no clang-format")
elif not re.search(r"version 14\.", run(formatter, "--version")[1]):
    tap.skip(NAME, "clang-format is not version 14")
else:
    status, output = run(formatter, "--style=file", "--dry-run", "--Werror",
                         *c_files)
    places = re.findall(r"^(\S+?:\d+):\d+: error", output, re.M)
    tap.check(NAME, places if status else [])

tap.done()
