"""Accounts of the tests: sign-up with a fresh e-mail, tokens, task calls."""

import dataclasses
import itertools
import os
import time
import urllib.parse

import jwt

from daemon import SECRET

PASSWORD = "Corr3ct!Horse"
DAY = 86400
_numbers = itertools.count(1)


def unique_email(prefix="user"):
    """An address nobody has used in this run."""
    return f"{prefix}.{os.getpid()}.{next(_numbers)}@example.test"


def claims_for(owner, **more):
    """The claims of a valid token, with more laid over; None removes one."""
    now = int(time.time())
    claims = {"user_id": owner, "sub": owner, "email": "x@example.test",
              "iat": now, "exp": now + DAY, **more}
    return {name: value for name, value in claims.items() if value is not None}


def mint(owner, secret=SECRET, **more):
    """A token for the user of this id, signed as the daemon would."""
    return jwt.encode(claims_for(owner, **more), secret, algorithm="HS256")


def bearer(token):
    """The headers that carry a token."""
    return {"Authorization": f"Bearer {token}"}


@dataclasses.dataclass
class User:
    """An account and its calls; every call goes through daemon.http."""

    daemon: object
    id: str
    name: str
    email: str
    password: str

    def __post_init__(self):
        self.token = mint(self.id)
        self.auth = bearer(self.token)
        self.tasks = f"/api/{self.id}/tasks"

    def task(self, number, tail=""):
        """The path of one of the user's tasks."""
        return f"{self.tasks}/{number}{tail}"

    def request(self, method, path, headers=None, **options):
        """A request with the user's token."""
        return self.daemon.http.request(
            method, path, headers={**self.auth, **(headers or {})}, **options)

    def create(self, title="a task", **members):
        """Creates a task and returns it."""
        response = self.request("POST", self.tasks,
                                json={"title": title, **members})
        assert response.status_code == 201, response.text
        return response.json()

    def get(self, number):
        """One task, which must be there."""
        response = self.request("GET", self.task(number))
        assert response.status_code == 200, response.text
        return response.json()

    def list(self, **query):
        """The user's tasks."""
        response = self.request("GET", self.tasks, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def update(self, number, **members):
        """Updates a task and returns it."""
        response = self.request("PUT", self.task(number), json=members)
        assert response.status_code == 200, response.text
        return response.json()

    def toggle(self, number):
        """Flips a task and returns it."""
        response = self.request("PATCH", self.task(number, "/complete"))
        assert response.status_code == 200, response.text
        return response.json()

    def delete(self, number):
        """Deletes a task that must be there."""
        response = self.request("DELETE", self.task(number))
        assert response.status_code == 200, response.text
        return response.json()


_foreign = itertools.count(1)


def foreign_id():
    """A user id as Better Auth makes them: letters and digits, no UUID."""
    return f"u{os.getpid()}x{next(_foreign)}".ljust(32, "Z")


@dataclasses.dataclass
class Person:
    """A user from elsewhere, known by a token alone."""

    daemon: object
    id: str = dataclasses.field(default_factory=foreign_id)

    def __post_init__(self):
        self.token = mint(self.id, user_id=None, email=None)
        self.auth = bearer(self.token)
        self.tasks = f"/api/{urllib.parse.quote(self.id, safe='')}/tasks"

    def task(self, number, tail=""):
        """The path of one of the person's tasks."""
        return f"{self.tasks}/{number}{tail}"

    def request(self, method, path, headers=None, **options):
        """A request with the person's token."""
        return self.daemon.http.request(
            method, path, headers={**self.auth, **(headers or {})}, **options)

    def answer(self, status, method, path, **options):
        """The JSON of a request that has this status."""
        response = self.request(method, path, **options)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    def create(self, title="a task", **members):
        """Creates a task and returns it."""
        return self.answer(201, "POST", self.tasks,
                           json={"title": title, **members})

    def list(self, **query):
        """A part of the list: its tasks."""
        found = self.answer(200, "GET", self.tasks, params=query)
        assert list(found) == ["tasks", "count"]
        assert found["count"] == len(found["tasks"])
        return found["tasks"]


def sign_up(daemon, name="Test User", email=None, password=PASSWORD):
    """Signs a new user up through the API."""
    email = email or unique_email()
    response = daemon.http.post("/api/auth/signup", json={
        "name": name, "email": email, "password": password})
    assert response.status_code == 201, response.text
    return User(daemon, response.json()["user_id"], name, email, password)


def sign_in(daemon, email, password=PASSWORD):
    """The response of a sign-in."""
    return daemon.http.post("/api/auth/signin",
                            json={"email": email, "password": password})
