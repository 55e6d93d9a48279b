"""Users of a server that does not read todod's tables: they sign up, sign in
and make their tasks as anybody would."""

import contextlib
import http.client
import json
import time

import seed
from servers import PATIENCE_S, Failure, call

COUNT = 40
PASSWORD = seed.PASSWORD


class Guest:
    """An account that was made over the API."""

    def __init__(self, number, port):
        self.number = number
        self.email = f"guest{number}@example.com"
        account = {"email": self.email, "password": PASSWORD}
        status, said = call(port, "POST", "/api/auth/signup",
                            {"name": f"Guest {number}", **account})
        if status != 201:
            raise Failure(f"sign-up answers {status}: {said}")
        status, said = call(port, "POST", "/api/auth/signin", account)
        if status != 200:
            raise Failure(f"sign-in answers {status}: {said}")
        self.id = said["user"]["id"]
        self.token = said["access_token"]
        self.task_ids = []

    def make_tasks(self, connection, count):
        headers = {"Authorization": f"Bearer {self.token}",
                   "Content-Type": "application/json"}
        for number in range(1, count + 1):
            connection.request(
                "POST", f"/api/{self.id}/tasks",
                json.dumps({"title": f"Task number {number}",
                            "description": seed.DESCRIPTION}), headers)
            made = json.load(connection.getresponse())
            self.task_ids.append(made["id"])
            if number % seed.COMPLETED_EVERY == 0:
                connection.request(
                    "PATCH",
                    f"/api/{self.id}/tasks/{made['id']}/complete",
                    headers=headers)
                connection.getresponse().read()


class Guests:
    """As seed.Population, but made of guests."""

    def __init__(self, users, big):
        self.users = users
        self.big = big
        self.readers = users[:len(users) // 2]
        self.writers = users[len(users) // 2:]


def are_known(server, people):
    """Whether the users of the database are this server's users. It may have
    to connect to the database first."""
    user = people.users[0]
    deadline = time.monotonic() + PATIENCE_S
    status = 503
    while status == 503 and time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError,
                                 http.client.HTTPException):
            status, _ = call(server.port, "GET",
                             f"/api/{user.id}/tasks/{user.task_ids[0]}",
                             token=user.token)
        time.sleep(0.05)
    return status == 200


def sign_up(server):
    """Makes all of them, with their tasks."""
    made = [Guest(number, server.port)
            for number in range(COUNT + len(seed.BIG))]
    sizes = [seed.TASKS_EACH] * COUNT + list(seed.BIG)
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    with contextlib.closing(connection):
        for guest, size in zip(made, sizes):
            guest.make_tasks(connection, size)
    return Guests(made[:COUNT], dict(zip(seed.BIG, made[COUNT:])))
