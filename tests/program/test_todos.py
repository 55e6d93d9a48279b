"""The routes of dialect B, /api/todos: every row of the contract's table."""

import json
import re
import time
import uuid

import pytest

from expect import bad_json, beyond, detail, error, listed
from users import Person, bearer, mint

TODOS = "/api/todos"
MEMBERS = ["id", "title", "description", "is_completed", "created_at",
           "updated_at"]
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
NOT_FOUND = "Todo not found"
NOT_STRINGS = [5, 1.5, True, None, [], {}, ["a"], {"a": "b"}]
NOT_BOOLS = [("banana", "bool_parsing"), ("", "bool_parsing"),
             (" true", "bool_parsing"), (2, "bool_parsing"),
             (-1, "bool_parsing"), (None, "bool_type"), ([], "bool_type"),
             ({}, "bool_type"), ([True], "bool_type")]
NOT_UUIDS = ["x", "1", "0", "-1", "null", "complete",
             "00000000-0000-0000-0000-00000000000g",
             "00000000-0000-0000-0000-0000000000000",
             "0000000-00000-0000-0000-000000000000",
             "{00000000-0000-0000-0000-000000000000}",
             "urn:uuid:00000000-0000-0000-0000-000000000000"]


def make(user, title="a todo", **members):
    response = user.request("POST", TODOS, json={"title": title, **members})
    assert response.status_code == 201, response.text
    return response.json()


def path(todo):
    return f"{TODOS}/{todo['id']}"


def look(user, todo):
    response = user.request("GET", path(todo))
    assert response.status_code == 200, response.text
    return response.json()


def patch(user, todo, **members):
    response = user.request("PATCH", path(todo), json=members)
    assert response.status_code == 200, response.text
    return response.json()


def everything(user):
    response = user.request("GET", TODOS)
    assert response.status_code == 200, response.text
    return response.json()


def calls(target):
    """Every call there is on one todo, with a valid body."""
    return [("GET", target, None), ("PATCH", target, {"title": "changed"}),
            ("DELETE", target, None)]


# -- create

def test_create_answers_201_with_the_whole_item(user):
    todo = make(user, "Buy milk", description="two litres")
    assert list(todo) == MEMBERS
    assert str(uuid.UUID(todo["id"])) == todo["id"]
    assert (todo["title"], todo["description"], todo["is_completed"]) == (
        "Buy milk", "two litres", False)
    assert TIMESTAMP.match(todo["created_at"])
    assert todo["updated_at"] == todo["created_at"]


def test_create_honours_is_completed(user):
    assert make(user, is_completed=True)["is_completed"] is True
    assert make(user, is_completed=False)["is_completed"] is False
    assert [each["is_completed"] for each in everything(user)] == [False, True]


@pytest.mark.parametrize("given, kept", [
    ("yes", True), ("ON", True), ("1", True), ("T", True), ("y", True),
    (1, True), (1.0, True), ("False", False), ("n", False), (0, False),
    ("off", False)], ids=repr)
def test_is_completed_has_the_spellings_of_a_boolean(user, given, kept):
    todo = make(user, is_completed=given)
    assert todo["is_completed"] is kept
    todo = make(user, is_completed=not kept)
    assert patch(user, todo, is_completed=given)["is_completed"] is kept


def test_the_description_may_be_absent_null_or_empty(user):
    assert make(user)["description"] is None
    assert make(user, description=None)["description"] is None
    assert make(user, description="")["description"] == ""


def test_what_is_not_the_clients_to_set_is_ignored(user, bob):
    other = str(uuid.UUID(int=7))
    todo = make(user, id=other, user_id=bob.id, completed=True,
                created_at="2001-01-01T00:00:00Z", colour=[1])
    assert todo["id"] != other and todo["is_completed"] is False
    assert todo["created_at"] > "2020"
    assert everything(user) == [todo]


@pytest.mark.parametrize("title", [
    " ", "  padded  ", "\t\n", "\u3000", "x" * 500, " " * 500,
    "\U0001f600" * 500], ids=lambda text: ascii(text)[:20])
def test_a_title_is_kept_as_it_is_with_its_blanks(user, title):
    todo = make(user, title)
    assert todo["title"] == title
    assert patch(user, todo, title=title)["title"] == title
    assert look(user, todo)["title"] == title


@pytest.mark.parametrize("text", ["x" * 2000, "\U0001f600" * 2000, " \n "],
                         ids=lambda text: ascii(text)[:20])
def test_a_description_has_up_to_2000_code_points(user, text):
    todo = make(user, description=text)
    assert todo["description"] == text
    assert patch(user, todo, description=text)["description"] == text


# -- list and get

def test_the_list_is_a_bare_array_newest_first(user):
    assert user.request("GET", TODOS).content == b"[]"
    made = [make(user, f"todo {n}") for n in range(8)]
    assert everything(user) == made[::-1]


@pytest.mark.parametrize("query", [
    "?", "?status=pending", "?status=x", "?completed=true", "?skip=x",
    "?limit=1", "?keyword=none", "?date_from=x", "?a&b=%00&%ff"])
def test_the_list_has_no_query(user, query):
    made = [make(user), make(user, is_completed=True)]
    response = user.request("GET", TODOS + query)
    assert (response.status_code, response.json()) == (200, made[::-1])


def test_get_answers_the_item_by_any_spelling_of_its_id(user):
    todo = make(user)
    assert look(user, todo) == todo
    for spelling in (todo["id"].upper(), todo["id"].replace("-", "")):
        assert look(user, {"id": spelling}) == todo
        todo = patch(user, {"id": spelling}, title=spelling)
        assert look(user, todo) == todo


def test_the_item_is_byte_for_byte_the_same_everywhere(user):
    made = user.request("POST", TODOS, json={
        "title": 'a "quoted" back\\slash / \u00e9 \U0001f600 <b>&</b>'})
    item = json.dumps(made.json(), separators=(",", ":"),
                      ensure_ascii=False).encode()
    assert made.content == item
    assert user.request("GET", path(made.json())).content == item
    assert user.request("GET", TODOS).content == b"[" + item + b"]"


def test_head_works_wherever_get_does(user):
    for target in (TODOS, path(make(user))):
        assert user.request("HEAD", target).status_code == 200


# -- update

def test_an_update_changes_only_what_it_names(user):
    todo = make(user, "old", description="text")
    changed = patch(user, todo, title="new")
    assert changed["updated_at"] > todo["updated_at"]
    assert changed == {**todo, "title": "new",
                       "updated_at": changed["updated_at"]}
    changed = patch(user, todo, description="other")
    assert (changed["title"], changed["description"]) == ("new", "other")
    changed = patch(user, todo, is_completed=True)
    assert (changed["title"], changed["is_completed"]) == ("new", True)
    assert look(user, todo) == changed


def test_null_clears_the_description(user):
    todo = make(user, description="text")
    assert patch(user, todo, description=None)["description"] is None
    assert patch(user, todo, description="")["description"] == ""


@pytest.mark.parametrize("body", [{}, {"unknown": [1]}, {"id": "x"},
                                  {"completed": True}], ids=repr)
def test_an_update_of_nothing_moves_only_updated_at(user, body):
    todo = make(user, "same", description="text", is_completed=True)
    changed = patch(user, todo, **body)
    assert changed["updated_at"] > todo["updated_at"]
    assert {**changed, "updated_at": 0} == {**todo, "updated_at": 0}


# -- delete

def test_a_delete_answers_204_without_a_body(user):
    kept, gone = make(user, "kept"), make(user, "gone")
    response = user.request("DELETE", path(gone))
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    assert everything(user) == [kept]
    for method, target, body in calls(path(gone)):
        detail(user.request(method, target, json=body), 404, NOT_FOUND)


# -- what is not there

def test_an_unknown_todo_and_another_users_are_not_found(user, bob):
    todo = make(bob, "bob's")
    for target in (path(todo), f"{TODOS}/{uuid.uuid4()}",
                   f"{TODOS}/{uuid.UUID(int=0)}"):
        for method, target, body in calls(target):
            detail(user.request(method, target, json=body), 404, NOT_FOUND)
    assert look(bob, todo) == todo
    assert everything(user) == []


@pytest.mark.parametrize("given", NOT_UUIDS)
def test_an_id_that_is_no_uuid_is_refused(user, given):
    wanted = error("uuid_parsing", ["path", "todo_id"], given)
    for method, target, body in calls(f"{TODOS}/{given}"):
        listed(user.request(method, target, json=body), wanted)


def test_where_the_paths_of_two_dialects_meet_both_have_theirs(user):
    """/api/todos/tasks is the list of a user "todos", and no todo."""
    target = f"{TODOS}/tasks"
    wild = user.daemon.wild
    detail(wild.get(target, headers=user.auth), 403, "Access denied")
    listed(wild.patch(target, json={}, headers=user.auth),
           error("uuid_parsing", ["path", "todo_id"], "tasks"))
    response = wild.put(target, json={}, headers=user.auth)
    assert response.headers["allow"] == \
        "DELETE, GET, HEAD, OPTIONS, PATCH, POST"


# -- what a body may be

def both(user):
    """Create and update, which refuse the same."""
    todo = make(user)
    return [("POST", TODOS), ("PATCH", path(todo))]


@pytest.mark.parametrize("title", NOT_STRINGS, ids=repr)
def test_a_title_that_is_no_string_is_refused(user, title):
    for method, target in both(user):
        listed(user.request(method, target, json={"title": title}),
               error("string_type", ["body", "title"], title))


def test_a_title_has_1_to_500_code_points(user):
    for method, target in both(user):
        listed(user.request(method, target, json={"title": ""}),
               error("string_too_short", ["body", "title"], ""))
        for title in ("x" * 501, "\U0001f600" * 501, " " * 501):
            listed(user.request(method, target, json={"title": title}),
                   beyond("string_too_long", ["body", "title"], title, 500))


def test_a_description_past_2000_code_points_is_refused(user):
    text = "\u00e9" * 2001
    for method, target in both(user):
        listed(user.request(method, target, json={
            "title": "x", "description": text}),
            beyond("string_too_long", ["body", "description"], text, 2000))


@pytest.mark.parametrize("text", [5, False, [], {}], ids=repr)
def test_a_description_that_is_no_string_is_refused(user, text):
    for method, target in both(user):
        listed(user.request(method, target, json={
            "title": "x", "description": text}),
            error("string_type", ["body", "description"], text))


@pytest.mark.parametrize("given, kind", NOT_BOOLS, ids=repr)
def test_what_is_no_boolean_is_refused(user, given, kind):
    for method, target in both(user):
        listed(user.request(method, target, json={
            "title": "x", "is_completed": given}),
            error(kind, ["body", "is_completed"], given))


def test_a_new_todo_needs_a_title(user):
    listed(user.request("POST", TODOS, json={"description": "x"}),
           error("missing", ["body", "title"], {"description": "x"}))


def test_everything_that_is_wrong_is_told_in_order(user):
    body = {"is_completed": "x", "description": 5, "title": ""}
    listed(user.request("PATCH", f"{TODOS}/x", json=body),
           error("uuid_parsing", ["path", "todo_id"], "x"),
           error("string_too_short", ["body", "title"], ""),
           error("string_type", ["body", "description"], 5),
           error("bool_parsing", ["body", "is_completed"], "x"))


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"5", b"true"], ids=repr)
def test_a_body_that_is_no_object_is_refused(user, body):
    for method, target in both(user):
        listed(user.request(method, target, content=body),
               error("model_attributes_type", ["body"], json.loads(body)))


@pytest.mark.parametrize("body", [b"", b"null"], ids=repr)
def test_a_missing_body_is_missing(user, body):
    for method, target in both(user):
        listed(user.request(method, target, content=body),
               error("missing", ["body"], None))


@pytest.mark.parametrize("body", [
    b"{", b"{]", b"x", b'{"title":"\\u0000"}', b'{"title":"\\ud800"}',
    b'{"title":"\xff"}', b'{"title":NaN}', b'{"title":"a","title":"b"}',
    b"[" * 5000, b'{"a":' * 5000, b'\xef\xbb\xbf{"title":"x"}',
    b'{"title":"x"}{'], ids=lambda body: repr(body[:20]))
def test_malformed_json_is_refused(user, body):
    for method, target in both(user):
        bad_json(user.request(method, target, content=body), 422)
    assert len(everything(user)) == 1


def test_an_update_that_is_refused_changes_nothing(user):
    todo = make(user, "same", description="text")
    for body in ({"title": ""}, {"title": "x", "is_completed": None},
                 {"description": 5, "title": "x"}):
        response = user.request("PATCH", path(todo), json=body)
        assert response.status_code == 422
    assert look(user, todo) == todo


# -- tokens

def refused(response, sentence, challenge):
    detail(response, 401, sentence)
    assert response.headers["www-authenticate"] == challenge


def all_calls():
    target = f"{TODOS}/{uuid.uuid4()}"
    return [("GET", TODOS, None), ("POST", TODOS, {"title": "x"}),
            *calls(target)]


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": ""}, {"Authorization": "Basic eDp5"},
    {"Authorization": "Bearer"}, {"Authorization": "Token x"}], ids=repr)
def test_without_a_token_nobody_is_authenticated(daemon, headers):
    for method, target, body in all_calls():
        refused(daemon.http.request(method, target, json=body,
                                    headers=headers),
                "Not authenticated", "Bearer")


def test_an_expired_token_has_expired(daemon, user):
    daemon.expect_log("token refused")
    old = bearer(mint(user.id, exp=int(time.time()) - 3600))
    for method, target, body in all_calls():
        refused(daemon.http.request(method, target, json=body, headers=old),
                "Token has expired", 'Bearer error="invalid_token"')


def test_any_other_token_could_not_be_validated(daemon, user):
    daemon.expect_log("token refused")
    now = int(time.time())
    for made in ("x", "a.b.c", mint(user.id)[:-2],
                 mint(user.id, secret="x" * 40),
                 mint(user.id, secret="x" * 40, exp=now - 3600),
                 mint(str(uuid.uuid4())),
                 mint(str(uuid.uuid4()), exp=now - 3600),
                 mint("nobody", exp=now - 3600)):
        refused(daemon.http.get(TODOS, headers=bearer(made)),
                "Could not validate credentials",
                'Bearer error="invalid_token"')


def test_the_token_comes_before_the_body(daemon):
    refused(daemon.http.post(TODOS, content=b"{"),
            "Not authenticated", "Bearer")
    refused(daemon.http.get(f"{TODOS}/x"), "Not authenticated", "Bearer")


# -- http

def test_other_methods_are_not_allowed(user):
    for method, target, allow in [
            ("PUT", TODOS, "GET, HEAD, OPTIONS, POST"),
            ("DELETE", TODOS, "GET, HEAD, OPTIONS, POST"),
            ("PUT", f"{TODOS}/x", "DELETE, GET, HEAD, OPTIONS, PATCH"),
            ("POST", f"{TODOS}/x", "DELETE, GET, HEAD, OPTIONS, PATCH")]:
        response = user.daemon.wild.request(method, target, json={},
                                            headers=user.auth)
        detail(response, 405, "Method Not Allowed")
        assert response.headers["allow"] == allow


def test_a_trailing_slash_is_redirected(user):
    for target in (f"{TODOS}/", f"{TODOS}/{uuid.uuid4()}/"):
        response = user.daemon.wild.get(target, headers=user.auth)
        assert response.status_code == 307
        assert response.headers["location"] == target.rstrip("/")


def test_a_body_of_another_type_is_refused(user):
    for method, target in both(user):
        response = user.request(method, target, content=b"title=x", headers={
            "Content-Type": "application/x-www-form-urlencoded"})
        assert response.status_code == 415


def test_a_type_without_a_body_does_no_harm(user):
    """B's frontend sends it with every request."""
    kind = {"Content-Type": "application/json"}
    todo = make(user)
    for method, target, status in [("GET", TODOS, 200),
                                   ("GET", path(todo), 200),
                                   ("DELETE", path(todo), 204)]:
        response = user.request(method, target, headers=kind)
        assert response.status_code == status


# -- one task, two dialects

def test_a_task_of_one_dialect_is_the_same_in_the_other(user):
    task = user.create("Buy milk", description="text")
    [todo] = everything(user)
    assert (todo["title"], todo["description"], todo["is_completed"],
            todo["created_at"], todo["updated_at"]) == (
        "Buy milk", "text", False, task["created_at"], task["updated_at"])
    user.toggle(task["id"])
    assert look(user, todo)["is_completed"] is True
    patch(user, todo, title=" both ", description=None)
    changed = user.get(task["id"])
    assert (changed["title"], changed["description"],
            changed["completed"]) == (" both ", None, True)
    user.request("DELETE", path(todo))
    detail(user.request("GET", user.task(task["id"])), 404, "Task not found")


def test_a_long_todo_is_a_task_all_the_same(user):
    todo = make(user, "t" * 500, description="d" * 2000, is_completed=True)
    [task] = user.list()
    assert (task["title"], task["description"], task["completed"]) == (
        todo["title"], todo["description"], True)
    assert user.toggle(task["id"])["completed"] is False
    assert look(user, todo)["is_completed"] is False


@pytest.mark.parametrize("owner", [
    "k3Jd8sLq0ZpXv5Tn2bRfW7yHc9MeGa1U", "a", "x" * 255, "a b/c",
    "\u00e9\U0001f600", "todos", "%s", "me@example.test"], ids=ascii)
def test_a_user_from_elsewhere_has_todos(secured, owner):
    person = Person(secured, owner)
    todo = make(person, "mine")
    assert look(person, todo) == todo
    assert look(person, todo) in everything(person)
    assert person.request("DELETE", path(todo)).status_code == 204


# -- errors as RFC 9457 has them

def test_errors_can_be_had_as_problem_details(daemon, user):
    accept = {"Accept": "application/problem+json"}
    for answer, status, title in [
            (user.request("GET", f"{TODOS}/x", headers=accept), 422,
             "Unprocessable Content"),
            (user.request("GET", f"{TODOS}/{uuid.uuid4()}", headers=accept),
             404, "Not Found"),
            (daemon.http.get(TODOS, headers=accept), 401, "Unauthorized")]:
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert list(body)[:4] == ["type", "title", "status", "detail"]
        assert (body["type"], body["title"], body["status"]) == (
            "about:blank", title, status)
        assert isinstance(body["detail"], str)
        assert ("errors" in body) == (status == 422)
    made = user.request("POST", TODOS, json={"title": "x"}, headers=accept)
    assert made.headers["content-type"] == "application/json"
