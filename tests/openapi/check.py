"""The API description that the daemon serves passes Redocly's linter, and the
page at /docs comes with everything it names and nothing from elsewhere."""

import contextlib
import filecmp
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "house"))

from house import BUILD, Tap, tool  # noqa: E402

PROGRAM = os.environ.get("TODOD") or str(BUILD / "todod")

tap = Tap()


# What is mounted decides what is described.
MOUNTS = [
    {},
    {"ACCOUNTS": "off"},
    {"TASKS_DIALECT": "secured"},
    {"TASKS_DIALECT": "secured", "ACCOUNTS": "on"},
]


@contextlib.contextmanager
def daemon(mount):
    """A todod in memory on a free port; its address."""
    with tempfile.TemporaryDirectory() as folder:
        env = {"PATH": "/usr/bin:/bin", "HOME": folder, "PORT": "0",
               "HOST": "127.0.0.1", "DATABASE_URL": "memory:",
               "LOG_FORMAT": "json", "ENVIRONMENT": "development",
               "JWT_SECRET_KEY": "of the tests, longer than 32 bytes",
               **mount}
        env.update({name: value for name, value in os.environ.items()
                    if name.endswith("SAN_OPTIONS")})
        with subprocess.Popen([PROGRAM], env=env, cwd=folder, text=True,
                              stderr=subprocess.PIPE) as process:
            try:
                yield "http://127.0.0.1:%d" % port_of(process)
            finally:
                process.send_signal(signal.SIGTERM)
                process.communicate()


def port_of(process):
    """Reads the log until the daemon is ready."""
    port = None
    for line in process.stderr:
        event = json.loads(line)
        if event["msg"] == "listening":
            port = event["port"]
        if event["msg"] == "ready":
            return port
    raise RuntimeError("todod did not start")


def get(url):
    """Status, headers and body of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def linter():
    """The folder of the pinned linter, or why it is not there."""
    npm = tool("npm")
    if not npm or not tool("node"):
        return None, "no npm"
    folder = BUILD / "tests/openapi-linter"
    lock = folder / "package-lock.json"
    done = folder / "done"
    if done.exists() and filecmp.cmp(lock, HERE / "package-lock.json", False):
        return folder, None
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "lint.mjs"):
        # Not the mode: a release's files are read-only while it is checked.
        shutil.copyfile(HERE / name, folder / name)
    result = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund",
         "--loglevel=error", "--fetch-retries=1", "--fetch-timeout=30000"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, text=True, check=False)
    if result.returncode:
        print("\n".join("# " + line for line in result.stdout.splitlines()))
        return None, "npm could not fetch the linter"
    done.touch()
    return folder, None


def lint(base, mount):
    """Redocly's recommended rules, on what is served."""
    words = " ".join(f"{name}={value}" for name, value in mount.items())
    name = f"Redocly's linter finds nothing in /openapi.json ({words or '-'})"
    folder, reason = linter()
    if not folder:
        tap.skip(name, reason)
        return
    status, _, body = get(base + "/openapi.json")
    tap.check("/openapi.json is served", [] if status == 200 else [str(status)])
    with tempfile.TemporaryDirectory() as scratch:
        file = pathlib.Path(scratch) / "openapi.json"
        file.write_bytes(body)
        shutil.copyfile(HERE / "lint.mjs", folder / "lint.mjs")
        result = subprocess.run([tool("node"), "lint.mjs", str(file)],
                                cwd=folder, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True,
                                check=False)
    tap.check(name, result.stdout.splitlines() if result.returncode else [])


def page(base):
    """/docs, and each file that it names."""
    status, headers, body = get(base + "/docs")
    text = body.decode("utf-8")
    tap.check("/docs is a page",
              [] if status == 200 and "<html" in text else [str(status)])
    names = re.findall(r'(?:src|href)="([^"#]+)"', text)
    tap.check("the page names no foreign server",
              [name for name in names if re.match(r"[a-z]+:|//", name)])
    tap.check("the page has no script or style of its own",
              re.findall(r"<script>|<style|\son[a-z]+=|\sstyle=", text))
    policy = headers.get("Content-Security-Policy", "")
    tap.check("a strict policy stands guard over it",
              [] if "default-src 'none'" in policy
              and "unsafe" not in policy else [policy])
    problems = []
    for name in names:
        status, headers, body = get(f"{base}/{name}")
        if status != 200 or not body:
            problems.append(f"{name}: {status}")
        elif headers.get("X-Content-Type-Options") != "nosniff":
            problems.append(f"{name}: may be taken for another type")
    tap.check("every file that it names is there", problems)


if not os.access(PROGRAM, os.X_OK):
    tap.skip("the API description is served", f"no {PROGRAM}")
else:
    for mounted in MOUNTS:
        with daemon(mounted) as address:
            lint(address, mounted)
            if not mounted:
                page(address)
tap.done()
