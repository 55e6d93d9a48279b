"""Random operations of two users agree with a small model of the API, in each
dialect and in two at a time."""

import json
import unicodedata
import urllib.parse

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import (RuleBasedStateMachine, initialize, invariant,
                                 rule, run_state_machine_as_test)

from users import Person, sign_up

USERS = st.sampled_from([0, 1])
PICK = st.integers(0, 10**6)
TITLES = st.text(st.characters(blacklist_categories=("Cs",),
                               blacklist_characters="\0"),
                 min_size=0, max_size=210)
TEXTS = st.one_of(st.none(), st.just(""), TITLES,
                  st.integers(995, 1005).map("\u00e9".__mul__))
STATUSES = st.sampled_from(["all", "pending", "completed"])
# Unicode's White_Space, which is not quite what str.strip() takes away.
WHITE = ("\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200b)))
         + "\u2028\u2029\u202f\u205f\u3000")


def title_error(title):
    """The sentence by which a title is refused, or None."""
    length = len(title.strip(WHITE))
    if length == 0:
        return "Title cannot be empty"
    return "Title must be 200 characters or less" if length > 200 else None


def text_error(text):
    return "Description must be 1000 characters or less" \
        if text is not None and len(text) > 1000 else None


class TwoUsers(RuleBasedStateMachine):
    """The model of a user is its tasks in order of creation."""

    def __init__(self, daemon):
        super().__init__()
        self.daemon = daemon

    @initialize()
    def sign_up_both(self):
        self.users = [sign_up(self.daemon), sign_up(self.daemon)]
        self.models = [[], []]
        self.gone = [[], []]

    def pick(self, who, choice):
        """One of the user's tasks, by a number that hypothesis chose."""
        model = self.models[who]
        return model[choice % len(model)] if model else None

    def refused(self, response, *sentences):
        wanted = [each for each in sentences if each]
        assert response.status_code == 400
        assert response.json()["detail"] == wanted[0]

    @rule(who=USERS, title=TITLES, text=TEXTS)
    def create(self, who, title, text):
        user = self.users[who]
        response = user.request("POST", user.tasks, json={
            "title": title, "description": text})
        wrong = title_error(title), text_error(text)
        if any(wrong):
            self.refused(response, *wrong)
            return
        assert response.status_code == 201
        task = response.json()
        assert (task["user_id"], task["title"], task["description"],
                task["completed"]) == (user.id, title.strip(WHITE), text,
                                       False)
        known = {each["id"] for model in self.models for each in model}
        assert task["id"] not in known
        self.models[who].append(task)

    @rule(who=USERS, choice=PICK, title=st.one_of(st.none(), TITLES),
          text=TEXTS)
    def update(self, who, choice, title, text):
        task = self.pick(who, choice)
        if task is None:
            return
        user = self.users[who]
        response = user.request("PUT", user.task(task["id"]), json={
            "title": title, "description": text})
        wrong = title is not None and title_error(title), text_error(text)
        if any(wrong):
            self.refused(response, *wrong)
            return
        assert response.status_code == 200
        changed = response.json()
        assert changed["updated_at"] > task["updated_at"]
        task["updated_at"] = changed["updated_at"]
        if title is not None:
            task["title"] = title.strip(WHITE)
        if text is not None:
            task["description"] = text
        assert changed == task

    @rule(who=USERS, choice=PICK)
    def toggle(self, who, choice):
        task = self.pick(who, choice)
        if task is None:
            return
        changed = self.users[who].toggle(task["id"])
        assert changed["updated_at"] > task["updated_at"]
        task.update(updated_at=changed["updated_at"],
                    completed=not task["completed"])
        assert changed == task

    @rule(who=USERS, choice=PICK)
    def delete(self, who, choice):
        task = self.pick(who, choice)
        if task is None:
            return
        self.users[who].delete(task["id"])
        self.models[who].remove(task)
        self.gone[who].append(task["id"])

    @rule(who=USERS, status=STATUSES)
    def filter(self, who, status):
        wanted = [task for task in reversed(self.models[who])
                  if status == "all"
                  or task["completed"] == (status == "completed")]
        assert self.users[who].list(status=status) == wanted

    @rule(who=USERS, choice=PICK, own_path=st.booleans())
    def reach_for_the_others_task(self, who, choice, own_path):
        task = self.pick(1 - who, choice)
        if task is None:
            return
        me, other = self.users[who], self.users[1 - who]
        path = (me if own_path else other).task(task["id"])
        for method, tail, body in [("GET", "", None),
                                   ("PUT", "", {"title": "stolen"}),
                                   ("PATCH", "/complete", None),
                                   ("DELETE", "", None)]:
            response = me.request(method, path + tail, json=body)
            assert (response.status_code, response.json()["detail"]) == (
                (404, "Task not found") if own_path
                else (403, "Access denied"))

    @rule(who=USERS, choice=PICK)
    def reach_for_a_deleted_task(self, who, choice):
        if self.gone[who]:
            user = self.users[who]
            number = self.gone[who][choice % len(self.gone[who])]
            known = [task["id"] for task in self.models[who]]
            response = user.request("GET", user.task(number))
            assert response.status_code == (200 if number in known else 404)

    @rule(who=USERS, choice=PICK)
    def look_at_one(self, who, choice):
        task = self.pick(who, choice)
        if task is not None:
            assert self.users[who].get(task["id"]) == task

    # -- the same tasks as todos

    def todo(self, who, task):
        """The path of a task in the other dialect."""
        at = self.models[who][::-1].index(task)
        found = self.users[who].request("GET", "/api/todos").json()[at]
        return f"/api/todos/{found['id']}"

    @rule(who=USERS, title=TITLES, text=TEXTS, done=st.booleans())
    def create_as_todo(self, who, title, text, done):
        user = self.users[who]
        response = user.request("POST", "/api/todos", json={
            "title": title, "description": text, "is_completed": done})
        if not title:
            assert response.status_code == 422
            return
        assert response.status_code == 201
        task = user.list()[0]
        assert (task["title"], task["description"], task["completed"]) == (
            title, text, done)
        self.models[who].append(task)

    @rule(who=USERS, choice=PICK, title=TITLES, text=TEXTS,
          done=st.booleans())
    def update_as_todo(self, who, choice, title, text, done):
        task = self.pick(who, choice)
        if task is None:
            return
        response = self.users[who].request("PATCH", self.todo(who, task), json={
            "title": title, "description": text, "is_completed": done})
        if not title:
            assert response.status_code == 422
            return
        changed = response.json()
        assert changed["updated_at"] > task["updated_at"]
        task.update(title=title, description=text, completed=done,
                    updated_at=changed["updated_at"])

    @rule(who=USERS, choice=PICK)
    def delete_as_todo(self, who, choice):
        task = self.pick(who, choice)
        if task is None:
            return
        path = self.todo(who, task)
        assert self.users[who].request("DELETE", path).status_code == 204
        assert self.users[who].request("GET", path).status_code == 404
        self.models[who].remove(task)
        self.gone[who].append(task["id"])

    @invariant()
    def both_lists_agree(self):
        for user, model in zip(getattr(self, "users", ()),
                               getattr(self, "models", ())):
            assert user.list() == model[::-1]
            todos = user.request("GET", "/api/todos").json()
            assert [(each["title"], each["description"], each["is_completed"],
                     each["updated_at"]) for each in todos] == [
                (each["title"], each["description"], each["completed"],
                 each["updated_at"]) for each in model[::-1]]


def test_two_users_agree_with_the_model(daemon):
    run_state_machine_as_test(
        lambda: TwoUsers(daemon),
        settings=settings(max_examples=20, stateful_step_count=25))


# What clients should not send, and do.
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(),
    st.text(max_size=20), st.sampled_from(["", " ", "true", "x" * 256]))
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6)
NAMES = st.one_of(st.text(max_size=8), st.sampled_from([
    "title", "description", "completed", "is_completed", "id", "user_id"]))
BODIES = st.one_of(st.dictionaries(NAMES, VALUES, max_size=5), VALUES).map(
    lambda value: json.dumps(value).encode())
BYTES = st.one_of(st.binary(max_size=12), st.sampled_from([
    b"", b"0", b"-1", b"1", b"100", b"true", b"pending", b"2026-11-20",
    b"2026-11-20T23:26:58.1Z", b"\xff", b"\0", b"%", b"9" * 25]))
PARAMETERS = st.lists(st.tuples(
    st.one_of(BYTES, st.sampled_from([
        b"skip", b"limit", b"keyword", b"completed", b"date_from",
        b"date_to", b"status"])), BYTES), max_size=6)


def test_no_query_is_too_odd_to_be_answered(secured):
    person = Person(secured)
    person.create("one", description="two")

    @given(PARAMETERS)
    def ask(parameters):
        query = "&".join(f"{urllib.parse.quote(name, safe='')}="
                         f"{urllib.parse.quote(value, safe='')}"
                         for name, value in parameters)
        response = person.request("GET", f"{person.tasks}?{query}")
        assert response.status_code in (200, 422), response.text

    ask()


def test_no_body_is_too_odd_to_be_answered(secured):
    person = Person(secured)
    number = person.create()["id"]
    todo = person.answer(200, "GET", "/api/todos")[0]["id"]

    @given(st.one_of(BODIES, st.binary(max_size=40)), st.sampled_from([
        ("POST", person.tasks), ("PUT", person.task(number)),
        ("POST", "/api/todos"), ("PATCH", f"/api/todos/{todo}")]))
    def send(body, call):
        response = person.request(*call, content=body)
        assert response.status_code in (200, 201, 400, 422), response.text

    send()


# Few characters, so that much is found; some of them fold into others.
WORDS = st.text(st.sampled_from("aAbB %_\\\u00df\u00e9\u00c9\u0301\u0416\u0436"),
                max_size=6)


def fold(text):
    """Case-folded, as a search compares it."""
    return unicodedata.normalize("NFC", unicodedata.normalize(
        "NFC", text).casefold())


class Searcher(RuleBasedStateMachine):
    """One user of the dialect secured, who looks for tasks."""

    def __init__(self, daemon):
        super().__init__()
        self.person = Person(daemon)
        self.model = []

    @rule(title=WORDS.map("x".__add__), text=st.one_of(st.none(), WORDS))
    def create(self, title, text):
        self.model.append(self.person.create(title, description=text))

    @rule(choice=PICK, title=WORDS.map("x".__add__),
          text=st.one_of(st.none(), WORDS), done=st.booleans())
    def update(self, choice, title, text, done):
        if not self.model:
            return
        task = self.model[choice % len(self.model)]
        task.update(self.person.answer(
            200, "PUT", self.person.task(task["id"]), json={
                "title": title, "description": text, "completed": done}))
        assert (task["title"], task["description"], task["completed"]) == (
            title.strip(WHITE), text, done)

    @rule(choice=PICK)
    def delete(self, choice):
        if self.model:
            task = self.model.pop(choice % len(self.model))
            self.person.answer(200, "DELETE", self.person.task(task["id"]))

    @rule(keyword=WORDS, skip=st.integers(0, 4), limit=st.integers(1, 4),
          completed=st.sampled_from([None, True, False]), status=STATUSES,
          since=PICK, until=PICK)
    def search(self, keyword, skip, limit, completed, status, since, until):
        dates = {}
        if self.model:
            dates = {name: self.model[choice % len(self.model)]["created_at"]
                     for name, choice in (("date_from", since),
                                          ("date_to", until))}
        wanted = [
            task for task in reversed(self.model)
            if (fold(keyword) in fold(task["title"])
                or fold(keyword) in fold(task["description"] or ""))
            and completed in (None, task["completed"])
            and (status == "all"
                 or task["completed"] == (status == "completed"))
            and dates["date_from"] <= task["created_at"] <= dates["date_to"]]
        query = {"keyword": keyword, "skip": skip, "limit": limit,
                 "status": status, **dates}
        if completed is not None:
            query["completed"] = completed
        assert self.person.list(**query) == wanted[skip:skip + limit]


def test_a_search_agrees_with_the_model(secured):
    run_state_machine_as_test(
        lambda: Searcher(secured),
        settings=settings(max_examples=20, stateful_step_count=30))
