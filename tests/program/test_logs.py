"""What the daemon logs: the fields, nothing secret, and never in the way."""

import datetime
import json
import os
import re
import signal
import socket
import subprocess
import time

import httpx
import pytest

from daemon import (Daemon, base_environment, binary, seconds,
                    standard_environment, wait_until)
from expect import detail
from users import PASSWORD, bearer, mint, sign_in, sign_up, unique_email

ACCESS = {"ts", "level", "msg", "request_id", "method", "route", "status",
          "duration_ms", "worker", "client"}
LEVELS = {"debug", "info", "warn", "error"}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")


def line_of(daemon, response):
    return daemon.wait_log("request",
                           request_id=response.headers["x-request-id"])


# -- the access line

def test_each_request_is_one_line(daemon, user):
    responses = [user.request("GET", user.tasks) for _ in range(3)]
    responses.append(daemon.wild.get("/nothing"))
    for response in responses:
        line_of(daemon, response)
        request_id = response.headers["x-request-id"]
        assert len(daemon.logged("request", request_id=request_id)) == 1


def test_an_access_line_has_its_fields(daemon, user):
    before = time.time()
    response = user.request("GET", user.tasks)
    line = line_of(daemon, response)
    assert ACCESS <= set(line), line
    assert (line["method"], line["status"], line["level"]) == (
        "GET", 200, "info")
    assert line["user_id"] == user.id
    assert "127.0.0.1" in str(line["client"])
    assert 0 <= line["duration_ms"] < 10000
    assert line["worker"] in daemon.workers()
    assert TIMESTAMP.match(line["ts"])
    stamp = datetime.datetime.fromisoformat(line["ts"].replace("Z", "+00:00"))
    assert before - 2 <= stamp.timestamp() <= time.time() + 2


def test_the_route_is_the_template_not_the_path(daemon, user):
    task = user.create()
    routes = {line_of(daemon, user.request("GET", user.task(number)))["route"]
              for number in (task["id"], 2**50)}
    assert len(routes) == 1
    route, = routes
    assert user.id not in route and str(task["id"]) not in route
    assert "{" in route


def test_the_status_is_logged_for_errors_too(daemon, user):
    daemon.expect_log("token refused")
    for path, headers, status in [
            ("/nothing", {}, 404), (user.tasks, {}, 401),
            (user.tasks, bearer("x"), 401), ("/health/", {}, 307),
            (user.task("x"), user.auth, 400)]:
        response = daemon.wild.get(path, headers=headers)
        assert line_of(daemon, response)["status"] == status


def test_a_request_without_a_token_has_no_user_in_the_log(daemon):
    line = line_of(daemon, daemon.http.get("/health"))
    assert line.get("user_id") is None


def test_every_line_has_time_level_and_message(daemon):
    assert daemon.http.get("/health").status_code == 200
    with daemon.changed:
        lines = list(daemon.lines)
    assert lines
    for line in lines:
        assert TIMESTAMP.match(line["ts"]), line
        assert line["level"] in LEVELS, line
        assert isinstance(line["msg"], str) and line["msg"], line


# -- what must not be there

def test_no_secret_and_no_text_of_a_user_is_ever_logged(tmp):
    marks = {"title": "Tit1e-unsayable", "text": "T3xt-unsayable",
             "password": "Passw0rd!unsayable", "wrong": "Wr0ng!unsayable",
             "name": "Nam3 unsayable", "query": "Qu3ry-unsayable",
             "cookie": "C00kie-unsayable"}
    with Daemon(folder=tmp, env={"LOG_LEVEL": "debug"}) as daemon:
        daemon.expect_log("token refused", "sign-in refused")
        user = sign_up(daemon, marks["name"], password=marks["password"])
        token = sign_in(daemon, user.email,
                        marks["password"]).json()["access_token"]
        detail(sign_in(daemon, user.email, marks["wrong"]), 401,
               "Invalid email or password")
        auth = {**bearer(token), "Cookie": marks["cookie"]}
        bad = token[:-8] + "unsayabl"
        for headers in (auth, bearer(bad), {"Authorization": bad}):
            for method, path, body in [
                    ("POST", user.tasks, {"title": marks["title"],
                                          "description": marks["text"]}),
                    ("POST", user.tasks, {"title": [marks["title"]]}),
                    ("PUT", user.task(1), {"title": marks["title"]}),
                    ("GET", f"{user.tasks}?x={marks['query']}", None),
                    ("GET", f"{user.tasks}?status={marks['query']}", None)]:
                daemon.http.request(method, path, json=body, headers=headers)
        daemon.http.post("/api/auth/signup", content=json.dumps(
            {"password": marks["password"]}).encode()[:-1])
        daemon.stop()
        log = "\n".join(line["text"] for line in daemon.lines)
    assert "request" in log
    for what, mark in {**marks, "token": token, "a bad token": bad,
                       "a signature": token.rpartition(".")[2],
                       "claims": token.split(".")[1],
                       "the key": daemon.env["JWT_SECRET_KEY"]}.items():
        assert mark not in log, what


def test_a_path_cannot_forge_a_line(daemon):
    for path in ("/x%0a%7B%22msg%22%3A%22forged%22%7D", "/%1b[31mforged",
                 "/\"forged\"", "/forged%22%2c%22level%22:%22error"):
        with daemon.raw() as connection:
            connection.exchange("GET", path)
    assert not daemon.logged("forged")


# -- formats and levels: such a daemon cannot tell its port in JSON

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Plain:
    """A daemon whose stderr is not read as JSON, or not at all."""

    def __init__(self, folder, stderr, **env):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [binary()], cwd=folder, stdin=subprocess.DEVNULL, stderr=stderr,
            stdout=subprocess.DEVNULL, start_new_session=True,
            env={**base_environment(folder),
                 **standard_environment(folder, "sqlite"),
                 "PORT": str(self.port), **env})
        self.http = httpx.Client(base_url=self.url, trust_env=False,
                                 timeout=seconds(10))

    def __enter__(self):
        wait_until(self.answers, "the daemon's first answer")
        return self

    def answers(self):
        assert self.process.poll() is None, "it ended"
        try:
            return self.http.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def __exit__(self, *_):
        self.http.close()
        try:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(seconds(15)) == 0
        finally:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()


def test_the_text_format_is_for_people(tmp):
    path = tmp / "log"
    with open(path, "wb") as log:
        with Plain(tmp, log, LOG_FORMAT="text") as daemon:
            daemon.http.get("/nothing", headers={"X-Request-Id": "find-me"})
            # The first worker answers before the last one is there.
            wait_until(lambda: "ready" in path.read_text(), "ready")
    lines = path.read_text().splitlines()
    assert not [line for line in lines if line.startswith("{")]
    shown, = [line for line in lines if "find-me" in line]
    assert "404" in shown and "GET" in shown
    assert "stopped" in lines[-1]


def test_without_a_terminal_the_format_is_json(tmp):
    path = tmp / "log"
    with open(path, "wb") as log:
        env = {"LOG_FORMAT": "json"}
        with Plain(tmp, log, **env) as daemon:
            daemon.http.get("/health")
    assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.parametrize("level, shown, hidden", [
    ("debug", {"info", "warn"}, set()),
    ("info", {"info", "warn"}, {"debug"}),
    ("warn", {"warn"}, {"debug", "info"}),
    ("error", set(), {"debug", "info", "warn"})])
def test_the_level_decides_what_is_shown(tmp, level, shown, hidden):
    path = tmp / "log"
    with open(path, "wb") as log:
        with Plain(tmp, log, LOG_LEVEL=level) as daemon:
            body = {"email": unique_email(), "password": PASSWORD}
            assert daemon.http.post("/api/auth/signin",
                                    json=body).status_code == 401
    levels = {json.loads(line)["level"]
              for line in path.read_text().splitlines()}
    assert shown <= levels
    assert not hidden & levels


# -- a log that nobody takes

def serves_well(daemon, count):
    """Many requests, and none waits for the log."""
    for n in range(count):
        response = daemon.http.get("/nothing" if n % 2 else "/health",
                                   headers={"X-Request-Id": "x" * 128})
        assert response.status_code in (200, 404)


def test_a_log_that_is_not_read_does_not_hold_up_the_service(tmp):
    read_end, write_end = os.pipe()
    try:
        with Plain(tmp, write_end, LOG_LEVEL="debug") as daemon:
            serves_well(daemon, 1500)   # some three pipes full
            read = os.read(read_end, 1 << 16)
            assert b"request" in read
    finally:
        os.close(read_end)
        os.close(write_end)


def test_the_dropped_lines_are_counted(tmp):
    """Once the log is read again, it says how many lines are missing."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    text = b""
    try:
        with Plain(tmp, write_end) as daemon:
            serves_well(daemon, 1500)

            def dropped():
                nonlocal text
                try:
                    text += os.read(read_end, 1 << 20)
                except BlockingIOError:
                    pass
                daemon.http.get("/health")
                return b"dropped" in text

            wait_until(dropped, "a line on dropped lines", 15)
            os.close(write_end)
            write_end = None
    finally:
        os.close(read_end)
        if write_end is not None:
            os.close(write_end)
    for line in text.splitlines()[:-1]:
        assert json.loads(line), line


def test_a_closed_log_does_not_end_the_service(tmp):
    read_end, write_end = os.pipe()
    with Plain(tmp, write_end) as daemon:
        os.close(write_end)
        os.close(read_end)
        serves_well(daemon, 50)
        assert daemon.process.poll() is None


def test_a_full_disk_does_not_end_the_service(tmp):
    with open("/dev/full", "wb", buffering=0) as full:
        with Plain(tmp, full) as daemon:
            serves_well(daemon, 50)
            assert daemon.process.poll() is None


def test_the_log_names_the_user_of_a_token_only_when_it_is_good(daemon, user):
    daemon.expect_log("token refused")
    forged = mint(user.id, secret="x" * 40)
    response = daemon.http.get(user.tasks, headers=bearer(forged))
    assert response.status_code == 401
    assert line_of(daemon, response).get("user_id") is None
