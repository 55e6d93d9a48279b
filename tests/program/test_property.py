"""Random operations of two users agree with a small model of the API."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import (RuleBasedStateMachine, initialize, invariant,
                                 rule, run_state_machine_as_test)

from users import sign_up

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

    @invariant()
    def both_lists_agree(self):
        for user, model in zip(getattr(self, "users", ()),
                               getattr(self, "models", ())):
            assert user.list() == model[::-1]


def test_two_users_agree_with_the_model(daemon):
    run_state_machine_as_test(
        lambda: TwoUsers(daemon),
        settings=settings(max_examples=20, stateful_step_count=25))
