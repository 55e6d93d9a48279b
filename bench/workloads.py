"""What is asked of a server, as one table."""

import dataclasses
import random
import typing

import load
import seed

REQUESTS = 10000
CONNECTIONS = (64, 256, 1000)


def on(user, after="", verb="GET", body=None):
    return load.raw(verb, f"/api/{user.id}/tasks{after}", user.token, body)


def a_task(chance, word):
    return {"title": f"{word} task {chance.randrange(10**6)}",
            "description": f"{seed.DESCRIPTION} ({chance.randrange(10**6)})"}


def get_one(people, chance):
    user = chance.choice(people.readers)
    return on(user, f"/{chance.choice(user.task_ids)}")


def list_of_20(people, chance):
    return on(chance.choice(people.readers), "?status=completed")


def list_of_100(people, chance):
    return on(chance.choice(people.readers))


def create(people, chance):
    return on(chance.choice(people.writers), "", "POST",
              a_task(chance, "New"))


def update(people, chance):
    user = chance.choice(people.writers)
    return on(user, f"/{chance.choice(user.task_ids)}", "PUT",
              a_task(chance, "Changed"))


def mixed(people, chance):
    """Four reads, half of them lists, to one write, half of them creates."""
    kind = chance.choices((get_one, list_of_20, create, update),
                          (40, 40, 10, 10))[0]
    return kind(people, chance)


def sign_in(people, chance):
    return load.raw("POST", "/api/auth/signin", None,
                    {"email": chance.choice(people.users).email,
                     "password": seed.PASSWORD})


def health(_people, _chance):
    return load.raw("GET", "/health")


def list_of(size):
    def request(people, _chance):
        return on(people.big[size])
    return request


@dataclasses.dataclass(frozen=True)
class Workload:
    """What one request is; one of these numbers of connections sends it."""
    name: str
    about: str
    request: typing.Callable
    connections: tuple = CONNECTIONS
    requests: int = REQUESTS
    big: int = 0                # the user with so many tasks is asked
    seconds_least: int = 0      # a few answers each second need longer


WORKLOADS = {each.name: each for each in (
    Workload("health", "GET /health", health, requests=1),
    Workload("one", "one task", get_one),
    Workload("list-20", "a list of 20 tasks (status=completed)", list_of_20),
    Workload("list-100", "a list of 100 tasks", list_of_100),
    Workload("list-1000", "a list of 1,000 tasks", list_of(1000),
             requests=1, big=1000),
    Workload("list-10000", "a list of 10,000 tasks", list_of(10000),
             connections=(16,), requests=1, big=10000, seconds_least=4),
    Workload("create", "create a task", create),
    Workload("update", "change a task", update),
    Workload("mixed", "4 reads (half of them lists of 20) to 1 write"
             " (half of them creates)", mixed),
    Workload("sign-in", "sign in (a password's hash)", sign_in,
             connections=(16, 64), seconds_least=4),
)}


def requests_of(workload, people):
    """The same for every server."""
    chance = random.Random(workload.name)
    return [workload.request(people, chance)
            for _ in range(workload.requests)]
