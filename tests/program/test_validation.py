"""Validation errors of the task routes: the error objects to the letter."""

from urllib.parse import unquote

import pytest

from expect import error, refused

EMPTY = "Title cannot be empty"
TITLE_LONG = "Title must be 200 characters or less"
TEXT_LONG = "Description must be 1000 characters or less"
NOT_STRINGS = [5, 1.5, True, [], {}, ["a"], {"a": "b"}]
NOT_NUMBERS = ["x", "1x", "x1", "1.0", "1.5", "+1", "--1", "-", "1e3", "0x1",
               "1_0", "%201", "1%20", "%D9%A1", "1,0", "null", "true", "-x",
               "%EF%BC%91", "1-", "\u2212" "1"]


@pytest.fixture
def task(alice):
    """A task of Alice for the routes that need one."""
    return alice.create("there", description="text")


def id_loc(daemon):
    """["path", <the parameter's name in the description>]."""
    template = daemon.describe().template("/api/u/tasks/1")
    return ["path", template.rpartition("{")[2].rstrip("}")]


def post(user, body):
    return user.request("POST", user.tasks, json=body)


def put(user, task, body):
    return user.request("PUT", user.task(task["id"]), json=body)


# -- the title

@pytest.mark.parametrize("title", ["", " ", "\t\r\n", "\u00a0", "\u3000" * 5,
                                   "\u2028\u2029\u0085"], ids=ascii)
def test_a_blank_title_is_refused(alice, task, title):
    wanted = error("value_error", ["body", "title"], title, EMPTY)
    refused(post(alice, {"title": title}), wanted)
    refused(put(alice, task, {"title": title}), wanted)


@pytest.mark.parametrize("title", ["x" * 201, "\U0001f600" * 201, "x" * 9000,
                                   "x" + " " * 199 + "x"],
                         ids=lambda text: ascii(text)[:20])
def test_a_title_past_200_code_points_is_refused(alice, task, title):
    wanted = error("value_error", ["body", "title"], title, TITLE_LONG)
    refused(post(alice, {"title": title}), wanted)
    refused(put(alice, task, {"title": title}), wanted)


@pytest.mark.parametrize("title", NOT_STRINGS, ids=repr)
def test_a_title_that_is_no_string_is_refused(alice, task, title):
    wanted = error("string_type", ["body", "title"], title)
    refused(post(alice, {"title": title}), wanted)
    refused(put(alice, task, {"title": title}), wanted)


def test_a_new_task_needs_a_title(alice):
    refused(post(alice, {}), error("missing", ["body", "title"], {}))
    refused(post(alice, {"description": "x"}),
            error("missing", ["body", "title"], {"description": "x"}))
    refused(post(alice, {"Title": "case matters"}),
            error("missing", ["body", "title"], {"Title": "case matters"}))


def test_a_new_tasks_title_is_not_null(alice):
    refused(post(alice, {"title": None}),
            error("string_type", ["body", "title"], None))


# -- the description

@pytest.mark.parametrize("text", ["x" * 1001, "\U0001f600" * 1001,
                                  " " * 1001], ids=lambda t: ascii(t)[:20])
def test_a_description_past_1000_code_points_is_refused(alice, task, text):
    wanted = error("value_error", ["body", "description"], text, TEXT_LONG)
    refused(post(alice, {"title": "a", "description": text}), wanted)
    refused(put(alice, task, {"description": text}), wanted)


@pytest.mark.parametrize("text", NOT_STRINGS, ids=repr)
def test_a_description_that_is_no_string_is_refused(alice, task, text):
    wanted = error("string_type", ["body", "description"], text)
    refused(post(alice, {"title": "a", "description": text}), wanted)
    refused(put(alice, task, {"description": text}), wanted)


# -- the body as a whole

@pytest.mark.parametrize("content", [b"", b"null", b" null\n"], ids=repr)
def test_a_missing_body_is_missing(alice, task, content):
    for method, path in (("POST", alice.tasks), ("PUT",
                                                 alice.task(task["id"]))):
        response = alice.request(method, path, content=content, headers={
            "Content-Type": "application/json"})
        refused(response, error("missing", ["body"], None))


@pytest.mark.parametrize("body", [[], [{"title": "a"}], "title", "", 5, -1.5,
                                  True, False], ids=repr)
def test_a_body_that_is_no_object_is_refused(alice, task, body):
    wanted = error("model_attributes_type", ["body"], body)
    refused(post(alice, body), wanted)
    refused(put(alice, task, body), wanted)


# -- the status

@pytest.mark.parametrize("status", ["", "ALL", "Pending", "done", "all ",
                                    " all", "all,pending", "0", "null",
                                    "pending\n", "\u00e4", "a" * 1000],
                         ids=lambda text: ascii(text)[:20])
def test_an_unknown_status_is_refused(alice, status):
    response = alice.request("GET", alice.tasks, params={"status": status})
    refused(response, error("string_pattern_mismatch", ["query", "status"],
                            status))


def test_a_status_without_a_value_is_empty(alice):
    refused(alice.request("GET", alice.tasks + "?status"),
            error("string_pattern_mismatch", ["query", "status"], ""))


# -- the id

@pytest.mark.parametrize("number", NOT_NUMBERS)
def test_an_id_that_is_no_number_is_refused(alice, daemon, number):
    wanted = error("int_parsing", id_loc(daemon), unquote(number))
    path = alice.task(number)
    refused(alice.request("GET", path), wanted)
    refused(alice.request("DELETE", path), wanted)
    refused(alice.request("PATCH", path + "/complete"), wanted)
    refused(alice.request("PUT", path, json={"title": "fine"}), wanted)


# -- collected

def test_errors_of_path_and_body_are_one_list_in_order(alice, daemon):
    response = alice.request("PUT", alice.task("x"), json={
        "description": 5, "title": " "})
    refused(response, error("int_parsing", id_loc(daemon), "x"),
            error("value_error", ["body", "title"], " ", EMPTY),
            error("string_type", ["body", "description"], 5))


def test_the_detail_is_the_sentence_of_the_first_error(alice, task):
    refused(put(alice, task, {"description": "x" * 1001, "title": ""}),
            error("value_error", ["body", "title"], "", EMPTY),
            error("value_error", ["body", "description"], "x" * 1001,
                  TEXT_LONG))
    refused(post(alice, {"description": "x" * 1001}),
            error("missing", ["body", "title"],
                  {"description": "x" * 1001}),
            error("value_error", ["body", "description"], "x" * 1001,
                  TEXT_LONG))


def test_a_missing_body_is_told_beside_a_bad_id(alice, daemon):
    response = alice.request("PUT", alice.task("x"), headers={
        "Content-Type": "application/json"})
    refused(response, error("int_parsing", id_loc(daemon), "x"),
            error("missing", ["body"], None))


def test_one_error_is_told_per_member(alice):
    response = post(alice, {"title": [" "], "description": {"a": 1}})
    refused(response, error("string_type", ["body", "title"], [" "]),
            error("string_type", ["body", "description"], {"a": 1}))


def test_the_input_is_echoed_as_it_was_sent(alice):
    given = ["\U0001f600 \u2028 \u202e", "\"\\/\b\f\n\r\t\x01\x7f",
             1e3, -0.5, 12345678901234, {"\u00e9": None}]
    refused(post(alice, {"title": given}),
            error("string_type", ["body", "title"], given))


def test_a_refused_create_creates_nothing(user):
    for body in ({}, {"title": ""}, {"title": "a", "description": 5}):
        assert post(user, body).status_code == 400
    assert user.list() == []


def test_a_refused_update_changes_nothing(user):
    task = user.create("old", description="text")
    for body in ({"title": "new", "description": 5},
                 {"title": "", "description": "new"}):
        assert put(user, task, body).status_code == 400
    assert user.get(task["id"]) == task
