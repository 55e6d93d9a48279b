"""The task routes of dialect C, TASKS_DIALECT=secured: every row of the
contract's table but the list's query, which is in test_search.py."""

import json
import re
import time
import uuid

import pytest

from daemon import Daemon
from expect import bad_json, beyond, detail, error, listed
from users import Person, bearer, mint, sign_in, sign_up

MEMBERS = ["id", "title", "description", "completed", "user_id", "category",
           "priority", "due_date", "reminder_time", "is_recurring",
           "recurrence_pattern", "recurrence_interval", "next_occurrence",
           "recurrence_end_date", "max_occurrences", "created_at",
           "updated_at"]
CONSTANTS = {"category": "other", "priority": "medium", "due_date": None,
             "reminder_time": None, "is_recurring": False,
             "recurrence_pattern": None, "recurrence_interval": None,
             "next_occurrence": None, "recurrence_end_date": None,
             "max_occurrences": None}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
DENIED = "You can only access tasks for yourself"
BLANK = "Task title is required and cannot be empty"
BAD_ID = "Task ID must be a positive integer"
BAD_USER = "Invalid user ID format"
PERMISSION = "Task not found or you don't have permission to "
NOT_NUMBERS = ["x", "1x", "1.0", "+1", "--1", "-", "1e3", "0x1", "%201",
               "null", "-x"]
ZERO_OR_LESS = ["0", "-0", "00", "-1", "-" + str(2**63), "-" + "9" * 40]
TOO_BIG = [str(2**53), str(2**63 - 1), str(2**63), "9" * 100]


@pytest.fixture
def person(secured):
    """A new user without tasks."""
    return Person(secured)


@pytest.fixture
def other(secured):
    return Person(secured)


def calls(person, number):
    """Every call there is on one task, with a valid body, and the sentence
    by which it is not found."""
    return [("GET", person.task(number), None, "Task not found"),
            ("PUT", person.task(number), {"title": "changed"},
             PERMISSION + "update it"),
            ("PATCH", person.task(number, "/complete"), None,
             PERMISSION + "modify it"),
            ("DELETE", person.task(number), None, PERMISSION + "delete it")]


def get(person, number):
    return person.answer(200, "GET", person.task(number))


def put(person, number, **members):
    return person.answer(200, "PUT", person.task(number), json=members)


def toggle(person, number, **options):
    return person.answer(200, "PATCH", person.task(number, "/complete"),
                         **options)


# -- create

def test_create_answers_201_with_the_whole_item(person):
    task = person.create("Buy milk", description="two litres")
    assert list(task) == MEMBERS
    assert type(task["id"]) is int and 0 < task["id"] <= 2**53 - 1
    assert (task["user_id"], task["title"], task["description"],
            task["completed"]) == (person.id, "Buy milk", "two litres", False)
    assert {name: task[name] for name in CONSTANTS} == CONSTANTS
    assert TIMESTAMP.match(task["created_at"])
    assert task["updated_at"] == task["created_at"]


def test_create_ignores_what_is_not_kept(person, other):
    members = {"completed": True, "id": 1, "user_id": other.id,
               "category": "work", "priority": 7, "due_date": "x",
               "is_recurring": "maybe", "recurrence_interval": -1,
               "reminder_time": [], "colour": {"a": None}}
    task = person.create(**members)
    assert task["completed"] is False and task["user_id"] == person.id
    assert {name: task[name] for name in CONSTANTS} == CONSTANTS
    task = put(person, task["id"], **{**members, "completed": False})
    assert {name: task[name] for name in CONSTANTS} == CONSTANTS


def test_the_description_may_be_absent_null_or_empty(person):
    assert person.create()["description"] is None
    assert person.create(description=None)["description"] is None
    assert person.create(description="")["description"] == ""
    assert person.create(description=" x ")["description"] == " x "


@pytest.mark.parametrize("given, kept", [
    ("  padded  ", "padded"), ("\t\n a \r\n", "a"), ("\u3000a\u2028", "a"),
    ("x" * 255, "x" * 255), ("\U0001f600" * 255, "\U0001f600" * 255),
    (" " + "x" * 253 + " ", "x" * 253)], ids=lambda text: ascii(text)[:20])
def test_a_title_is_measured_and_then_trimmed(person, given, kept):
    task = person.create(given)
    assert task["title"] == kept
    assert put(person, task["id"], title=given)["title"] == kept


# -- the list's form; its query has a file of its own

def test_the_list_is_counted(person):
    response = person.request("GET", person.tasks)
    assert response.content == b'{"tasks":[],"count":0}'
    made = [person.create(f"task {n}") for n in range(5)]
    assert person.list() == made[::-1]


def test_the_item_is_byte_for_byte_the_same_everywhere(person):
    made = person.request("POST", person.tasks, json={
        "title": 'a "quoted" back\\slash / \u00e9 \U0001f600 <b>&</b>'})
    item = json.dumps(made.json(), separators=(",", ":"),
                      ensure_ascii=False).encode()
    assert made.content == item
    one = person.request("GET", person.task(made.json()["id"]))
    assert one.content == item
    assert person.request("GET", person.tasks).content == \
        b'{"tasks":[' + item + b'],"count":1}'


# -- update

def test_an_update_changes_only_what_it_names(person):
    task = person.create("old", description="text")
    changed = put(person, task["id"], title="new")
    assert changed["updated_at"] > task["updated_at"]
    assert changed == {**task, "title": "new",
                       "updated_at": changed["updated_at"]}
    assert put(person, task["id"], description="other")["title"] == "new"
    changed = put(person, task["id"], completed=True)
    assert (changed["title"], changed["description"],
            changed["completed"]) == ("new", "other", True)
    assert get(person, task["id"]) == changed


def test_null_clears_the_description(person):
    task = person.create(description="text")
    assert put(person, task["id"], description=None)["description"] is None


@pytest.mark.parametrize("given, kept", [
    (True, True), ("yes", True), ("T", True), (1, True), (False, False),
    ("OFF", False), (0, False)], ids=repr)
def test_an_update_sets_completed(person, given, kept):
    task = person.create()
    assert put(person, task["id"], completed=given)["completed"] is kept
    assert put(person, task["id"], completed=given)["completed"] is kept


@pytest.mark.parametrize("body", [{}, {"unknown": [1]}, {"id": 7},
                                  {"is_completed": False}], ids=repr)
def test_an_update_of_nothing_moves_only_updated_at(person, body):
    task = toggle(person, person.create("same", description="text")["id"])
    changed = put(person, task["id"], **body)
    assert changed["updated_at"] > task["updated_at"]
    assert {**changed, "updated_at": 0} == {**task, "updated_at": 0}


# -- toggle and delete

@pytest.mark.parametrize("body", [
    b"", b'{"completed":false}', b'{"completed":true}', b"null", b"not json",
    b"\xff\xfe"], ids=repr)
def test_a_toggle_flips_whatever_its_body_says(person, body):
    task = person.create()
    done = toggle(person, task["id"], content=body)
    assert done["updated_at"] > task["updated_at"]
    assert done == {**task, "completed": True,
                    "updated_at": done["updated_at"]}
    assert toggle(person, task["id"], content=body)["completed"] is False


def test_a_delete_removes_the_task(person):
    kept, gone = person.create("kept"), person.create("gone")
    response = person.request("DELETE", person.task(gone["id"]))
    assert (response.status_code, response.content) == (
        200, b'{"message":"Task deleted successfully"}')
    assert person.list() == [kept]
    for method, path, body, sentence in calls(person, gone["id"]):
        detail(person.request(method, path, json=body), 404, sentence)


# -- what is not there

@pytest.mark.parametrize("number", [*TOO_BIG, str(2**52)],
                         ids=lambda text: text[:24])
def test_an_id_that_nobody_has_is_not_found(person, number):
    for method, path, body, sentence in calls(person, number):
        detail(person.request(method, path, json=body), 404, sentence)


def test_another_users_task_is_not_found_on_ones_own_path(person, other):
    task = other.create("other's")
    for method, path, body, sentence in calls(person, task["id"]):
        detail(person.request(method, path, json=body), 404, sentence)
    assert get(other, task["id"]) == task


# -- another user's path

def test_another_users_path_is_denied_before_all_else(person, other):
    task = other.create("other's")
    for method, path, options in [
            ("GET", other.tasks, {}),
            ("GET", other.tasks + "?limit=0&status=x", {}),
            ("POST", other.tasks, {"json": {"title": "x"}}),
            ("POST", other.tasks, {"json": {"title": ""}}),
            ("POST", other.tasks, {}),
            ("GET", other.task("x"), {}), ("GET", other.task(0), {}),
            ("PUT", other.task(task["id"]), {"json": {"title": " "}}),
            ("PUT", other.task("x"), {"json": {"title": 5}}),
            ("PATCH", other.task(task["id"], "/complete"), {}),
            ("DELETE", other.task(task["id"]), {}),
            ("DELETE", other.task("9" * 30), {}),
            ("GET", "/api/a%20b/tasks/1", {})]:
        detail(person.request(method, path, **options), 403, DENIED)
    assert get(other, task["id"]) == task


def test_malformed_json_comes_before_whose_path_it_is(person, other):
    bad_json(person.request("POST", other.tasks, content=b"{"), 422)
    bad_json(person.request("PUT", other.task("x"), content=b"{"), 422)


@pytest.mark.parametrize("spelling", [str.upper, str.swapcase,
                                      lambda text: text + "x",
                                      lambda text: text[:-1]], ids=range(4))
def test_a_user_id_is_compared_as_it_is(person, spelling):
    detail(person.request("GET", f"/api/{spelling(person.id)}/tasks"), 403,
           DENIED)


def test_a_uuid_is_the_same_user_in_any_spelling(secured):
    person = Person(secured, str(uuid.uuid4()))
    task = person.create()
    for spelling in (person.id.upper(), person.id.replace("-", "")):
        found = person.answer(200, "GET", f"/api/{spelling}/tasks")
        assert found == {"tasks": [task], "count": 1}


# -- what is wrong in the request

def both(person):
    """Create and update, which refuse the same."""
    return [("POST", person.tasks),
            ("PUT", person.task(person.create()["id"]))]


@pytest.mark.parametrize("title", [" ", "\t\r\n", "\u00a0", "\u3000" * 255,
                                   "\u2028\u2029\u0085"], ids=ascii)
def test_a_blank_title_has_a_sentence(person, title):
    for method, path in both(person):
        detail(person.request(method, path, json={"title": title}), 400,
               BLANK)


@pytest.mark.parametrize("title", ["x" * 256, "\U0001f600" * 256, " " * 256,
                                   " x" * 128], ids=lambda t: ascii(t)[:20])
def test_a_title_past_255_code_points_is_refused(person, title):
    for method, path in both(person):
        listed(person.request(method, path, json={"title": title}),
               beyond("string_too_long", ["body", "title"], title, 255))


def test_an_empty_title_is_too_short(person):
    for method, path in both(person):
        listed(person.request(method, path, json={"title": ""}),
               error("string_too_short", ["body", "title"], ""))


@pytest.mark.parametrize("title", [5, True, None, [], {}], ids=repr)
def test_a_title_that_is_no_string_is_refused(person, title):
    for method, path in both(person):
        listed(person.request(method, path, json={"title": title}),
               error("string_type", ["body", "title"], title))


def test_a_description_past_1000_code_points_is_refused(person):
    text = "\u00e9" * 1001
    for method, path in both(person):
        listed(person.request(method, path, json={
            "title": "x", "description": text}),
            beyond("string_too_long", ["body", "description"], text, 1000))
        listed(person.request(method, path, json={
            "title": "x", "description": 5}),
            error("string_type", ["body", "description"], 5))


@pytest.mark.parametrize("given, kind", [
    ("banana", "bool_parsing"), (2, "bool_parsing"), (None, "bool_type"),
    ([], "bool_type")], ids=repr)
def test_completed_is_a_boolean_in_an_update(person, given, kind):
    task = person.create(completed=given)       # where it is ignored
    listed(person.request("PUT", person.task(task["id"]),
                          json={"completed": given}),
           error(kind, ["body", "completed"], given))


def test_a_new_task_needs_a_title(person):
    listed(person.request("POST", person.tasks, json={}),
           error("missing", ["body", "title"], {}))
    for method, path in both(person):
        listed(person.request(method, path), error("missing", ["body"], None))
        listed(person.request(method, path, content=b"[1]"),
               error("model_attributes_type", ["body"], [1]))
        bad_json(person.request(method, path, content=b'{"title":"\\u0000"}'),
                 422)


@pytest.mark.parametrize("number", NOT_NUMBERS)
def test_an_id_that_is_no_number_is_refused(person, number):
    given = number.replace("%20", " ")
    for method, path, body, _ in calls(person, number):
        listed(person.request(method, path, json=body),
               error("int_parsing", ["path", "task_id"], given))


@pytest.mark.parametrize("number", ZERO_OR_LESS, ids=lambda text: text[:24])
def test_an_id_of_zero_or_less_has_a_sentence(person, number):
    for method, path, body, _ in calls(person, number):
        detail(person.request(method, path, json=body), 400, BAD_ID)


def test_what_is_malformed_comes_before_the_sentences(person):
    listed(person.request("PUT", person.task(0), json={"title": ""}),
           error("string_too_short", ["body", "title"], ""))
    listed(person.request("PUT", person.task("x"), json={"title": " "}),
           error("int_parsing", ["path", "task_id"], "x"))
    listed(person.request("PUT", person.task(1), json={
        "title": " ", "completed": "x"}),
        error("bool_parsing", ["body", "completed"], "x"))


def test_of_several_sentences_the_first_of_the_path_counts(person, secured):
    detail(person.request("PUT", person.task(0), json={"title": " "}), 400,
           BAD_ID)
    odd = Person(secured, "a.b")
    detail(odd.request("PUT", odd.task(0), json={"title": " "}), 400,
           BAD_USER)


def test_everything_that_is_wrong_is_told_in_order(person):
    body = {"completed": "x", "description": 5, "title": ""}
    listed(person.request("PUT", person.task("x"), json=body),
           error("int_parsing", ["path", "task_id"], "x"),
           error("string_too_short", ["body", "title"], ""),
           error("string_type", ["body", "description"], 5),
           error("bool_parsing", ["body", "completed"], "x"))


# -- whose id has another form

@pytest.mark.parametrize("owner", [
    "me@example.test", "a b", "a.b", "\u00e9", "x" * 254 + ":", "%"],
    ids=ascii)
def test_a_user_id_of_another_form_may_only_list_and_create(secured, owner):
    person = Person(secured, owner)
    task = person.create("mine")
    assert task["user_id"] == owner
    assert task in person.list()
    for number in (task["id"], 2**53, 0):
        for method, path, body, _ in calls(person, number):
            detail(person.request(method, path, json=body), 400, BAD_USER)
    for method, path, body, _ in calls(person, "x"):
        listed(person.request(method, path, json=body),
               error("int_parsing", ["path", "task_id"], "x"))


@pytest.mark.parametrize("owner", ["a", "-", "_", "0", "tasks", "todos",
                                   "A-z_9" * 51], ids=lambda text: text[:20])
def test_a_user_id_of_1_to_255_plain_characters_may_all(secured, owner):
    person = Person(secured, owner)
    task = person.create("mine")
    assert task in person.list()
    assert get(person, task["id"]) == task
    assert toggle(person, task["id"])["completed"] is True
    assert put(person, task["id"], title="x")["title"] == "x"
    assert person.request("DELETE", person.task(task["id"])).status_code == \
        200


# -- tokens

def test_without_a_token_nobody_is_authenticated(person):
    for method, path, body, _ in [*calls(person, 1),
                                  ("GET", person.tasks, None, ""),
                                  ("POST", person.tasks, {}, "")]:
        response = person.daemon.http.request(method, path, json=body)
        detail(response, 401, "Not authenticated")
        assert response.headers["www-authenticate"] == "Bearer"


def test_a_bad_token_is_refused_whatever_is_wrong_with_it(person):
    person.daemon.expect_log("token refused")
    for made in ("x", "a.b.c", mint(person.id, secret="x" * 40),
                 mint(person.id, exp=int(time.time()) - 3600)):
        response = person.daemon.http.get(person.tasks, headers=bearer(made))
        detail(response, 401, "Invalid token or expired token.")
        assert response.headers["www-authenticate"] == \
            'Bearer error="invalid_token"'


# -- the service

def test_health_is_that_of_the_dialect(secured):
    assert secured.http.get("/health").content == b'{"status":"healthy"}'


def test_there_are_no_accounts_beside_it(secured):
    for path in ("/api/auth/signup", "/api/auth/signin"):
        detail(secured.wild.post(path, json={}), 404, "Not Found")


def test_accounts_can_be_had_with_it(tmp):
    with Daemon(folder=tmp, env={"TASKS_DIALECT": "secured",
                                 "ACCOUNTS": "on"}) as daemon:
        user = sign_up(daemon)
        assert sign_in(daemon, user.email).status_code == 200
        task = user.create()
        assert list(task) == MEMBERS and task["user_id"] == user.id
        # What accounts refuse, they refuse in their own words.
        response = daemon.http.post("/api/auth/signup", json={})
        assert response.status_code == 400
        assert response.json()["detail"] == "Validation error"


def test_errors_can_be_had_as_problem_details(person):
    accept = {"Accept": "application/problem+json"}
    for response, status, sentence, count in [
            (person.request("PUT", person.task(1), json={"title": " "},
                            headers=accept), 400, BLANK, 0),
            (person.request("GET", person.tasks + "?skip=x&limit=0",
                            headers=accept), 422, "Validation error", 2),
            (person.request("GET", "/api/x/tasks", headers=accept), 403,
             DENIED, 0),
            (person.request("DELETE", person.task(1), headers=accept), 404,
             PERMISSION + "delete it", 0)]:
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert (response.status_code, body["status"], body["detail"]) == (
            status, status, sentence)
        assert len(body.get("errors", [])) == count


# -- one task, two dialects

def test_a_task_is_the_same_todo(person):
    task = person.create("Buy milk", description="text")
    [todo] = person.answer(200, "GET", "/api/todos")
    path = f"/api/todos/{todo['id']}"
    assert (todo["title"], todo["is_completed"]) == ("Buy milk", False)
    person.answer(200, "PATCH", path, json={
        "title": " " + "t" * 499, "is_completed": True, "description": None})
    changed = get(person, task["id"])
    assert (changed["title"], changed["completed"],
            changed["description"]) == (" " + "t" * 499, True, None)
    person.answer(204, "DELETE", path)
    detail(person.request("GET", person.task(task["id"])), 404,
           "Task not found")
