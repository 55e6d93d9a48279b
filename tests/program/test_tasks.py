"""The task routes of dialect A: every row of the contract's table."""

import json
import re
import uuid

import pytest

from expect import detail
from users import bearer, mint

MEMBERS = ["id", "user_id", "title", "description", "completed",
           "created_at", "updated_at"]
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
NOT_FOUND = "Task not found"
DENIED = "Access denied"
# Ids that cannot be a task: zero, negative, beyond any that is issued.
IMPOSSIBLE_IDS = ["0", "-0", "-1", "-7", "00", str(2**53), str(2**63 - 1),
                  str(2**63), "-" + str(2**63), str(2**64 + 1), "9" * 100]


def compact(value):
    return json.dumps(value, separators=(",", ":"),
                      ensure_ascii=False).encode()


def calls(path):
    """Every call there is on one task, with a valid body."""
    return [("GET", path, None), ("PUT", path, {"title": "changed"}),
            ("PATCH", path + "/complete", None), ("DELETE", path, None)]


# -- create

def test_create_answers_201_with_the_whole_item(user):
    task = user.create("Buy milk", description="two litres")
    assert list(task) == MEMBERS
    assert type(task["id"]) is int and 0 < task["id"] <= 2**53 - 1
    assert (task["user_id"], task["title"], task["description"],
            task["completed"]) == (user.id, "Buy milk", "two litres", False)
    assert TIMESTAMP.match(task["created_at"])
    assert TIMESTAMP.match(task["updated_at"])
    assert task["updated_at"] >= task["created_at"]


def test_the_description_may_be_absent_null_or_empty(user):
    assert user.create("a")["description"] is None
    assert user.create("a", description=None)["description"] is None
    assert user.create("a", description="")["description"] == ""


def test_create_ignores_what_is_not_the_clients_to_set(user, bob):
    task = user.create("mine", id=1, user_id=bob.id, completed=True,
                       created_at="2001-01-01T00:00:00Z", colour="red")
    assert task["completed"] is False
    assert task["user_id"] == user.id
    assert task["created_at"] > "2020"
    assert [each["id"] for each in user.list()] == [task["id"]]


def test_create_does_not_look_at_ignored_members(user):
    task = user.create("a", completed="banana", id=[], user_id=None)
    assert task["completed"] is False


def test_the_item_is_byte_for_byte_the_same_everywhere(user):
    title = 'a "quoted" back\\slash / \u00e9 \U0001f600 \u2028 <b>&</b>'
    made = user.request("POST", user.tasks, json={
        "title": title, "description": None})
    item = compact(made.json())
    assert made.content == item
    one = user.request("GET", user.task(made.json()["id"]))
    assert one.content == item
    assert user.request("GET", user.tasks).content == b"[" + item + b"]"


@pytest.mark.parametrize("given, kept", [
    ("  padded  ", "padded"), ("\t\n a \r\n", "a"), ("\u00a0a\u3000", "a"),
    ("\u2003a\u2028", "a"), ("\u0085a\u1680", "a"), ("a  b", "a  b"),
    (" " * 50 + "x" * 200 + " " * 50, "x" * 200),
    ("\u200ba", "\u200ba"),             # a zero-width space is no white space
], ids=lambda text: ascii(text)[:40])
def test_the_title_is_trimmed_of_white_space(user, given, kept):
    task = user.create(given)
    assert task["title"] == kept
    assert user.update(task["id"], title=given)["title"] == kept


def test_the_description_is_not_trimmed(user):
    task = user.create("a", description="  b \n")
    assert task["description"] == "  b \n"


@pytest.mark.parametrize("title", ["x", "x" * 200, "\U0001f600" * 200,
                                   "e\u0301" * 100], ids=len)
def test_a_title_has_1_to_200_code_points(user, title):
    assert user.create(title)["title"] == title


@pytest.mark.parametrize("text", ["x" * 1000, "\U0001f600" * 1000],
                         ids=ascii)
def test_a_description_has_up_to_1000_code_points(user, text):
    assert user.create("a", description=text)["description"] == text


# -- list

def test_a_new_user_has_an_empty_list(user):
    response = user.request("GET", user.tasks)
    assert response.content == b"[]"


def test_the_list_is_newest_first(user):
    made = [user.create(f"task {n}") for n in range(12)]
    listed = user.list()
    assert [each["id"] for each in listed] == \
        [each["id"] for each in reversed(made)]
    keys = [(each["created_at"], each["id"]) for each in listed]
    assert keys == sorted(keys, reverse=True)


def test_an_update_does_not_move_a_task_in_the_list(user):
    first, second = user.create("first"), user.create("second")
    user.update(first["id"], title="changed")
    user.toggle(first["id"])
    assert [each["id"] for each in user.list()] == \
        [second["id"], first["id"]]


@pytest.mark.parametrize("query, wanted", [
    ("", {"open", "done"}), ("?status=all", {"open", "done"}),
    ("?status=pending", {"open"}), ("?status=completed", {"done"}),
    ("?status=%70ending", {"open"}), ("?x=1&status=pending&y", {"open"}),
    ("?Status=pending", {"open", "done"}), ("?", {"open", "done"}),
    ("?skip=-1&limit=0", {"open", "done"}),
])
def test_the_list_is_filtered_by_status(user, query, wanted):
    user.create("open")
    user.toggle(user.create("done")["id"])
    response = user.request("GET", user.tasks + query)
    assert response.status_code == 200
    assert {each["title"] for each in response.json()} == wanted


# -- get

def test_get_answers_the_item(user):
    task = user.create("a", description="b")
    assert user.get(task["id"]) == task


def test_leading_zeros_do_not_matter(user):
    task = user.create()
    assert user.get(f"000{task['id']}") == task


# -- update

def test_an_update_changes_only_what_it_names(user):
    task = user.create("old", description="text")
    changed = user.update(task["id"], title="new")
    assert changed == {**task, "title": "new",
                       "updated_at": changed["updated_at"]}
    changed = user.update(task["id"], description="other")
    assert (changed["title"], changed["description"]) == ("new", "other")
    assert user.get(task["id"]) == changed


def test_null_leaves_a_member_unchanged(user):
    task = user.create("old", description="text")
    changed = user.update(task["id"], title=None, description=None)
    assert (changed["title"], changed["description"]) == ("old", "text")


def test_an_empty_string_empties_the_description(user):
    task = user.create("old", description="text")
    changed = user.update(task["id"], description="")
    assert (changed["title"], changed["description"]) == ("old", "")


@pytest.mark.parametrize("body", [{}, {"completed": True}, {"id": 7},
                                  {"title": None}, {"unknown": [1]}],
                         ids=repr)
def test_an_update_of_nothing_moves_only_updated_at(user, body):
    task = user.create("same", description="text")
    changed = user.update(task["id"], **body)
    assert changed["updated_at"] > task["updated_at"]
    assert {**changed, "updated_at": 0} == {**task, "updated_at": 0}


def test_an_update_ignores_completed(user):
    task = user.toggle(user.create()["id"])
    assert user.update(task["id"], completed=False)["completed"] is True
    assert user.update(task["id"], completed="banana")["completed"] is True


def test_updated_at_grows_strictly_and_created_at_stays(user):
    task = user.create()
    stamps = [task["updated_at"]]
    for n in range(10):
        stamps.append(user.update(task["id"], title=f"t{n}")["updated_at"])
        stamps.append(user.toggle(task["id"])["updated_at"])
    assert stamps == sorted(set(stamps))
    assert user.get(task["id"])["created_at"] == task["created_at"]


def test_what_fails_or_only_reads_does_not_move_updated_at(user, bob):
    task = user.create("same")
    path = user.task(task["id"])
    assert user.request("PUT", path, json={"title": ""}).status_code == 400
    assert user.request("PUT", path, content=b"{").status_code == 400
    assert bob.request("PUT", path, json={"title": "x"}).status_code == 403
    user.list()
    assert user.get(task["id"]) == task


# -- toggle

def test_a_toggle_flips_completed(user):
    task = user.create()
    done = user.toggle(task["id"])
    assert list(done) == MEMBERS
    assert done["completed"] is True
    assert {**done, "completed": False,
            "updated_at": task["updated_at"]} == task
    assert user.toggle(task["id"])["completed"] is False
    assert user.get(task["id"])["completed"] is False


@pytest.mark.parametrize("body", [
    b"", b"{}", b'{"completed":false}', b'{"completed":true}', b"null",
    b"[1]", b"not json", b'{"a":', b"\xff\xfe"], ids=repr)
def test_a_toggle_ignores_its_body(user, body):
    task = user.create()
    response = user.request(
        "PATCH", user.task(task["id"], "/complete"), content=body,
        headers={"Content-Type": "application/json"})
    assert response.status_code == 200
    assert response.json()["completed"] is True


# -- delete

def test_a_delete_removes_the_task(user):
    kept, gone = user.create("kept"), user.create("gone")
    assert user.delete(gone["id"]) == {"message": "Task deleted successfully"}
    assert user.list() == [kept]
    for method, path, body in calls(user.task(gone["id"])):
        detail(user.request(method, path, json=body), 404, NOT_FOUND)


def test_the_answer_of_a_delete_is_exact(user):
    response = user.request("DELETE", user.task(user.create()["id"]))
    assert response.content == b'{"message":"Task deleted successfully"}'


# -- what is not there

@pytest.mark.parametrize("number", IMPOSSIBLE_IDS,
                         ids=lambda text: text[:24])
def test_an_id_that_cannot_exist_is_not_found(alice, number):
    for method, path, body in calls(alice.task(number)):
        detail(alice.request(method, path, json=body), 404, NOT_FOUND)


def test_an_unknown_id_is_not_found(alice):
    for method, path, body in calls(alice.task(2**52)):
        detail(alice.request(method, path, json=body), 404, NOT_FOUND)


def test_another_users_task_is_not_found_on_ones_own_path(user, bob):
    task = bob.create("bob's")
    for method, path, body in calls(user.task(task["id"])):
        detail(user.request(method, path, json=body), 404, NOT_FOUND)
    assert bob.get(task["id"]) == task


# -- another user's path

def test_another_users_path_is_denied(user, bob):
    task = bob.create("bob's")
    for method, path, body in [("GET", bob.tasks, None),
                               ("POST", bob.tasks, {"title": "x"}),
                               *calls(bob.task(task["id"]))]:
        detail(user.request(method, path, json=body), 403, DENIED)
    assert bob.get(task["id"]) == task


def test_what_is_wrong_in_the_request_comes_before_access_denied(user, bob):
    for method, path, options in [
            ("POST", bob.tasks, {"json": {}}),
            ("POST", bob.tasks, {"content": b"{"}),
            ("GET", bob.tasks + "?status=x", {}),
            ("GET", bob.task("x"), {}),
            ("PUT", bob.task(1), {"json": {"title": ""}})]:
        response = user.request(method, path, **options)
        assert response.status_code == 400, (method, path, response.text)


def test_access_denied_comes_before_not_found(user, bob):
    for number in (0, 2**52, "9" * 30):
        for method, path, body in calls(bob.task(number)):
            detail(user.request(method, path, json=body), 403, DENIED)


def test_any_spelling_of_the_own_uuid_is_the_own_path(user):
    task = user.create()
    for spelling in (user.id.upper(), user.id.replace("-", ""),
                     user.id.replace("-", "").upper()):
        path = f"/api/{spelling}/tasks"
        response = user.request("GET", path)
        assert (response.status_code, response.json()) == (200, [task])
        response = user.request("GET", f"{path}/{task['id']}")
        assert response.json() == task


@pytest.mark.parametrize("other", [
    "x", "0", "me", "null", "undefined", str(uuid.UUID(int=0)), "-", "_",
    "a" * 255, "a" * 300, "00000000-0000-0000-0000-00000000000g",
    "{id}x", "%7B{id}%7D", "urn:uuid:{id}", "{id}%20", "%F0%9F%98%80",
], ids=lambda text: text[:40])
def test_anything_but_the_own_id_is_another_users_path(user, other):
    path = f"/api/{other.replace('{id}', user.id)}/tasks"
    detail(user.request("GET", path), 403, DENIED)


def test_the_tokens_user_decides_not_the_path(user, bob):
    """Bob's token on the user's path never reaches the user's tasks."""
    task = user.create()
    response = user.daemon.http.get(user.task(task["id"]),
                                    headers=bearer(mint(bob.id)))
    detail(response, 403, DENIED)
