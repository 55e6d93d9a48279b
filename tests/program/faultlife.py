"""A client's day under a fault, and what must be true of it afterwards.

Each write is done, refused or unknown: done when it was acknowledged, refused
when a 503 says so, unknown when the connection was closed without an answer.
"""

import itertools

import client
from daemon import seconds, wait_until
from journal import UNKNOWN
from users import PASSWORD, unique_email

DONE, REFUSED, UNSAID = "done", "refused", "unknown"
_numbers = itertools.count(1)
# An answer that does not come is one of the findings.
SILENCE = 5


class Stalled(AssertionError):
    """Neither an answer nor the end of the connection."""


class Caller:
    """Requests by one connection, which is made anew after each loss."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ask(self, method, path, user=None, body=None):
        """The Reply, which kept the rules; None: there is no answer."""
        headers = list(user.auth.items()) if user else []
        text = b"" if body is None else client.json.dumps(body).encode()
        try:
            if not self.connection:
                self.connection = client.RawConnection(self.daemon)
                self.connection.socket.settimeout(seconds(SILENCE))
            return self.connection.exchange(method, path, headers, text)
        except TimeoutError as error:
            self.close()
            raise Stalled(f"{method} {path}: no answer") from error
        except (OSError, client.Closed):
            self.close()
            return None


def outcome(reply, status):
    """What became of a write that is answered with this status."""
    if reply is None:
        return UNSAID
    if reply.status == 503:
        return UNSAID if reply.json() == UNKNOWN else REFUSED
    assert reply.status == status, f"{reply}: {reply.body[:300]!r}"
    return DONE


class Task:
    """One task and what may be true of it."""

    def __init__(self, caller, user):
        self.caller, self.user = caller, user
        self.title = f"task {next(_numbers)}"
        self.titles = {self.title}
        self.states = {False}
        self.presence = {False}
        self.path = None
        self.said = []

    def _write(self, method, path, status, body=None):
        self.said.append(UNSAID)    # should no answer come
        reply = self.caller.ask(method, path, self.user, body)
        self.said[-1] = outcome(reply, status)
        if self.said[-1] == DONE:
            self.path = self.user.task(reply.json().get("id"))
        return self.said[-1]

    def create(self):
        self.presence = {True, False}
        said = self._write("POST", self.user.tasks, 201,
                           {"title": self.title})
        if said != UNSAID:
            self.presence = {said == DONE}

    def rename(self):
        before, new = self.titles, {f"{self.title} renamed"}
        self.titles = before | new
        said = self._write("PUT", self.path, 200, {"title": [*new][0]})
        if said != UNSAID:
            self.titles = new if said == DONE else before

    def toggle(self):
        before, new = self.states, {not state for state in self.states}
        self.states = before | new
        said = self._write("PATCH", f"{self.path}/complete", 200)
        if said != UNSAID:
            self.states = new if said == DONE else before

    def delete(self):
        self.presence = {True, False}
        said = self._write("DELETE", self.path, 200)
        if said != UNSAID:
            self.presence = {said == REFUSED}

    def compare(self, listed):
        """With the user's whole list."""
        mine = [task for task in listed
                if task["title"].startswith(self.title)
                and task["title"].partition(" renamed")[0] == self.title]
        assert len(mine) <= 1, f"done twice: {mine}"
        assert bool(mine) in self.presence, \
            f"{self.title} is {'there' if mine else 'gone'}: {self.said}"
        if mine:
            assert mine[0]["title"] in self.titles, (mine, self.said)
            assert mine[0]["completed"] in self.states, (mine, self.said)


class Day:
    """Sign up, sign in, create, list, search, update, toggle, delete."""

    def __init__(self, daemon, user):
        self.daemon, self.user = daemon, user
        self.caller = Caller(daemon)
        self.kept, self.dropped = (Task(self.caller, user) for _ in range(2))
        self.email = unique_email()
        self.account = REFUSED

    def live(self):
        """All of it; an answer that breaks a rule or does not come fails."""
        ask, user = self.caller.ask, self.user
        try:
            self._read("/health")
            self.account = UNSAID
            self.account = outcome(self._sign_up(), 201)
            self._sign_in(user.email)
            for task in (self.kept, self.dropped):
                task.create()
            self._read(user.tasks)
            self._read(f"{user.tasks}?status=pending")
            self._read("/api/todos")
            if self.kept.path:
                self._read(self.kept.path)
                self.kept.rename()
                self.kept.toggle()
            if self.dropped.path:
                self.dropped.delete()
            reply = ask("POST", user.tasks, user, {"title": "  "})
            assert reply is None or reply.status in (400, 503), reply
        finally:
            self.caller.close()

    def _read(self, path):
        reply = self.caller.ask("GET", path, self.user)
        assert reply is None or reply.status in (200, 503), reply

    def _sign_up(self):
        return self.caller.ask("POST", "/api/auth/signup", body={
            "name": "A Day", "email": self.email, "password": PASSWORD})

    def _sign_in(self, email):
        reply = self.caller.ask("POST", "/api/auth/signin", body={
            "email": email, "password": PASSWORD})
        assert reply is None or reply.status in (200, 503), reply
        return reply

    def judge(self):
        """The fault is lifted: the service is back and has what it said."""
        try:
            tasks = self._insist("GET", self.user.tasks).json()
            for task in (self.kept, self.dropped):
                task.compare(tasks)
            for task in tasks:
                # A delete whose outcome nobody knows may have come late.
                path = self.user.task(task["id"])
                assert self._insist("DELETE", path).status in (200, 404)
            self._judge_account()
        finally:
            self.caller.close()

    def _insist(self, method, path):
        """The answer, from a worker that may have to be replaced first, and
        by a database that may have to be connected to again."""
        def attempt():
            try:
                reply = self.caller.ask(method, path, self.user)
            except Stalled:
                return None
            return reply if reply and reply.status != 503 else None

        return wait_until(attempt, "the service", 40)

    def _judge_account(self):
        reply = None
        while reply is None or reply.status == 503:
            reply = self._sign_up()
            if outcome(reply, reply and reply.status) == UNSAID:
                self.account = UNSAID
        assert reply.status in (201, 400), reply
        is_new = reply.status == 201
        assert not (is_new and self.account == DONE), "the account is lost"
        assert is_new or self.account != REFUSED, "a refused sign-up was done"
