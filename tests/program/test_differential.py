"""The same requests to a daemon on SQLite and to one on PostgreSQL have the
same answers, but for ids and times."""

import json
import re

import pytest

import backends
from daemon import Daemon, unavailable
from seeds import effort, seeded
from users import PASSWORD, bearer, sign_in, sign_up, unique_email

REQUESTS = effort(500, 20_000)
TITLES = ["plain", "  trimmed \u3000", "", "   ", "\u00e9" * 200, "x" * 201,
          "\U0001f600" * 150, "a\u0308", "'; --", "%_\\", "\u0000",
          "line\nfeed", None, 5, ["a"], {"b": 1}]
TEXTS = ["words", "", None, "\u00df" * 1000, "y" * 1001, "\U0001f600", 7]
QUERIES = [{}, {"status": "all"}, {"status": "pending"},
           {"status": "completed"}, {"status": "PENDING"}, {"status": ""},
           {"unknown": "1"}]
STRAY_IDS = ["0", "-1", "9007199254740991", "9" * 30, "abc", "1.5", "%20"]
RAW = [b"", b"null", b"{", b"[]", b'{"title":"a","title":"b"}', b"\xff",
       b'{"title":"\\ud800"}', b'{"title": "raw"}']
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
HEADERS = ("content-type", "www-authenticate", "allow", "retry-after")


class Side:
    """One of the two daemons: its users, and its ids by order of birth."""

    def __init__(self, daemon, emails):
        self.daemon = daemon
        self.users = [sign_up(daemon, "Name", email) for email in emails]
        self.numbers = [[] for _ in emails]     # ids that were given out

    def known(self, who, which):
        """The id of the task that both sides made as that user's which-th."""
        numbers = self.numbers[who]
        return numbers[which % len(numbers)] if numbers else 1

    def send(self, step):
        who, method, path, options = step(self)
        user = self.users[who]
        return self.daemon.http.request(method, path, **{
            "headers": {**user.auth, "Content-Type": "application/json"},
            **options})

    def remember(self, who, response):
        if response.request.method == "POST" and response.status_code == 201:
            self.numbers[who].append(response.json()["id"])

    def plain(self, response):
        """The response without what differs between any two daemons."""
        text = response.text
        try:
            body = self.normal(json.loads(text))
            # In the order it came in.
            text = json.dumps(body)
        except ValueError:
            pass
        return (response.status_code,
                {n: response.headers.get(n) for n in HEADERS},
                STAMP.sub("TIME", text))

    def normal(self, value):
        if isinstance(value, list):
            return [self.normal(each) for each in value]
        if not isinstance(value, dict):
            return self.named(value)
        value = dict(value)
        if "updated_at" in value:
            value["updated_at"] = ("later" if value["updated_at"] >
                                   value["created_at"] else "born")
        return {name: self.normal(each) for name, each in value.items()}

    def named(self, value):
        for who, user in enumerate(self.users):
            if value == user.id:
                return f"user {who}"
            if type(value) is int and value in self.numbers[who]:
                return f"task {self.numbers[who].index(value)} of {who}"
        return value


def body_of(choice):
    """A body for a create or an update, good or bad."""
    body = {}
    if choice.random() < 0.9:
        body["title"] = choice.choice(TITLES[:4] * 3 + TITLES)
    if choice.random() < 0.5:
        body["description"] = choice.choice(TEXTS)
    if choice.random() < 0.3:
        body["completed"] = choice.choice([True, False, "x"])
    return body


def make_step(choice):
    """A function that makes the request for either side."""
    who, owner = choice.choice([(0, 0), (1, 1), (1, 1), (0, 1)])
    which = choice.randrange(10 ** 6)
    body, raw = body_of(choice), choice.choice(RAW)
    stray = choice.choice(STRAY_IDS) if choice.random() < 0.1 else None
    query = choice.choice(QUERIES)
    kind = choice.choices(
        ["create", "get", "list", "update", "toggle", "delete", "raw",
         "anonymous"], [6, 3, 3, 4, 4, 2, 1, 1])[0]

    def step(side):
        user = side.users[owner]
        number = stray or side.known(owner, which)
        task = user.task(number)
        return {
            "create": (who, "POST", user.tasks, {"json": body}),
            "get": (who, "GET", task, {}),
            "list": (who, "GET", user.tasks, {"params": query}),
            "update": (who, "PUT", task, {"json": body}),
            "toggle": (who, "PATCH", user.task(number, "/complete"), {}),
            "delete": (who, "DELETE", task, {}),
            "raw": (who, "PUT" if which % 2 else "POST",
                    task if which % 2 else user.tasks, {"content": raw}),
            "anonymous": (who, "GET", task,
                          {"headers": bearer("x.y.z") if which % 2 else {}}),
        }[kind]

    return owner, step


def test_both_databases_give_the_same_answers(tmp):
    try:
        daemons = [Daemon(backend=name) for name in ("sqlite", "postgres")]
    except backends.Missing as error:
        unavailable(str(error))
    emails = [unique_email("same"), unique_email("same")]
    with seeded() as choice, daemons[0], daemons[1]:
        sides = [Side(daemon, emails) for daemon in daemons]
        for side in sides:
            side.daemon.expect_log("token refused")
        for number in range(REQUESTS):
            owner, step = make_step(choice)
            responses = [side.send(step) for side in sides]
            for side, response in zip(sides, responses):
                side.remember(owner, response)
            said = [side.plain(response)
                    for side, response in zip(sides, responses)]
            request = responses[0].request
            assert said[0] == said[1], (
                f"request {number}: {request.method} {request.url.raw_path}")


@pytest.mark.parametrize("email, password", [
    ("nobody@example.test", PASSWORD), (None, "Wr0ng!Password"),
    (None, PASSWORD), (None, None)])
def test_both_databases_let_the_same_people_in(tmp, email, password):
    try:
        daemons = [Daemon(backend=name) for name in ("sqlite", "postgres")]
    except backends.Missing as error:
        unavailable(str(error))
    known = unique_email("in")
    answers = []
    for each in daemons:
        with each as daemon:
            daemon.expect_log("sign-in refused")
            sign_up(daemon, email=known)
            if password is None:
                response = daemon.http.post("/api/auth/signup", json={
                    "name": "Again", "email": known.upper(),
                    "password": PASSWORD})
            else:
                response = sign_in(daemon, email or known, password)
            body = response.json()
            answers.append((response.status_code, list(body),
                            body.get("detail")))
    assert answers[0] == answers[1]
