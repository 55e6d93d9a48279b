"""The query of dialect C's list: skip, limit, keyword, completed, dates."""

import datetime
import itertools
from urllib.parse import quote

import pytest

from expect import beyond, error, listed
from users import Person

PATTERN = "string_pattern_mismatch"
DATE = "datetime_parsing"


@pytest.fixture
def person(secured):
    return Person(secured)


@pytest.fixture(scope="module")
def library(secured):
    """A person with tasks, none of which a test changes; oldest first."""
    person = Person(secured)
    made = [person.create(title, description=text) for title, text in [
        ("Buy Milk", "two bottles"), ("Call the bank", None),
        ("100% done", ""), ("snake_case", "oat MILK"), ("ab", "cd"),
        ("Stra\u00dfe", "\u041c\u043e\u0441\u043a\u0432\u0430"),
        ("caf\u00e9", "\U0001f600"), ("back\\slash", "'; DROP TABLE x --")]]
    for task in made[::3]:
        person.answer(200, "PATCH", person.task(task["id"], "/complete"))
    person.made = [person.answer(200, "GET", person.task(task["id"]))
                   for task in made]
    return person


def titles(person, **query):
    return [task["title"] for task in person.list(**query)][::-1]


def search(person, query):
    """The response to a query as it is written."""
    return person.request("GET", f"{person.tasks}?{query}")


def found(person, query):
    response = search(person, query)
    assert response.status_code == 200, response.text
    return [task["title"] for task in response.json()["tasks"]][::-1]


def wrong(person, query, *errors):
    listed(search(person, query), *errors)


# -- keyword

@pytest.mark.parametrize("keyword, wanted", [
    ("milk", ["Buy Milk", "snake_case"]), ("MILK", ["Buy Milk", "snake_case"]),
    ("ilk", ["Buy Milk", "snake_case"]), ("y m", ["Buy Milk"]),
    ("%", ["100% done"]), ("_", ["snake_case"]), ("0%", ["100% done"]),
    ("m%k", []), ("b_nk", []), ("*", []), ("\\", ["back\\slash"]),
    ("'", ["back\\slash"]), ("--", ["back\\slash"]), ("bcd", []), ("b c", []),
    ("strasse", ["Stra\u00dfe"]), ("STRASSE", ["Stra\u00dfe"]),
    ("\u1e9e", ["Stra\u00dfe"]), ("\u043c\u041e\u0441", ["Stra\u00dfe"]),
    ("CAF\u00c9", ["caf\u00e9"]), ("cafe\u0301", ["caf\u00e9"]),
    ("\U0001f600", ["caf\u00e9"]), ("cafe", []), ("null", []), ("none", []),
    ("x" * 3000, []), ("\ufffd", [])], ids=lambda text: ascii(text)[:24])
def test_a_keyword_is_a_plain_text_whatever_its_case(library, keyword, wanted):
    assert titles(library, keyword=keyword) == wanted


def test_an_empty_keyword_is_in_every_task(library):
    assert library.list(keyword="") == library.made[::-1]
    assert library.list() == library.made[::-1]


def test_what_was_changed_is_found_as_it_is_now(person):
    task = person.create("First", description="Text")
    path = person.task(task["id"])
    person.answer(200, "PUT", path, json={"title": "Second"})
    assert person.list(keyword="first") == []
    assert len(person.list(keyword="second")) == 1
    person.answer(200, "PUT", path, json={"description": None})
    assert person.list(keyword="text") == []


@pytest.mark.parametrize("keyword, given, sentence", [
    ("%00", "\0", "A keyword cannot contain U+0000"),
    ("a%00b", "a\0b", "A keyword cannot contain U+0000"),
    ("%ff", "\ufffd", "The text must be valid UTF-8"),
    ("a%ed%a0%80", "a\ufffd\ufffd\ufffd", "The text must be valid UTF-8")])
def test_a_keyword_that_is_no_text_is_refused(person, keyword, given,
                                              sentence):
    wrong(person, f"keyword={keyword}",
          error("value_error", ["query", "keyword"], given, sentence))


# -- skip and limit

def test_skip_and_limit_cut_the_list(library):
    tasks = library.made[::-1]
    for skip, limit in itertools.product((0, 1, 3, 7, 8, 9, 10**6),
                                         (1, 2, 7, 8, 100)):
        assert library.list(skip=skip, limit=limit) == \
            tasks[skip:skip + limit]


def test_a_list_has_100_tasks_when_nothing_is_said(person):
    made = [person.create(f"task {n}") for n in range(103)]
    assert person.list() == made[:2:-1]
    assert person.list(skip=100) == made[2::-1]
    assert person.list(skip=1, limit=100) == made[101:1:-1]


@pytest.mark.parametrize("query, wanted", [
    ("skip=007", 1), ("skip=%2B7", 1), ("skip=%207%20", 1), ("skip=+7", 1),
    ("skip=-0", 8), ("skip=" + "9" * 40, 0), ("skip=9223372036854775807", 0),
    ("limit=03", 3), ("limit=%2b3", 3), ("limit=5&limit=2", 2)])
def test_numbers_may_be_written_in_other_ways(library, query, wanted):
    assert len(found(library, query)) == wanted


@pytest.mark.parametrize("given", ["", "x", "1.5", "1.0", "1e1", "0x1", "1_0",
                                   "1 0", "--1", "\u0661", "null", "true"])
def test_what_is_no_number_is_refused(person, given):
    for name in ("skip", "limit"):
        wrong(person, f"{name}={quote(given)}",
              error("int_parsing", ["query", name], given))


def test_numbers_out_of_range_are_refused(person):
    for given in ("-1", "-9223372036854775808", "-" + "9" * 30):
        wrong(person, f"skip={given}",
              beyond("greater_than_equal", ["query", "skip"], given, 0))
        wrong(person, f"limit={given}",
              beyond("greater_than_equal", ["query", "limit"], given, 1))
    wrong(person, "limit=0",
          beyond("greater_than_equal", ["query", "limit"], "0", 1))
    for given in ("101", "9" * 30):
        wrong(person, f"limit={given}",
              beyond("less_than_equal", ["query", "limit"], given, 100))


# -- completed and status

@pytest.mark.parametrize("completed", ["true", "TRUE", "yes", "on", "1", "t",
                                       "Y"])
def test_completed_is_true_in_every_spelling(library, completed):
    assert library.list(completed=completed) == \
        [task for task in library.made[::-1] if task["completed"]]


@pytest.mark.parametrize("completed", ["false", "False", "no", "off", "0",
                                       "F", "n"])
def test_completed_is_false_in_every_spelling(library, completed):
    assert library.list(completed=completed) == \
        [task for task in library.made[::-1] if not task["completed"]]


@pytest.mark.parametrize("completed, status", itertools.product(
    (None, "true", "false"), (None, "all", "pending", "completed")))
def test_completed_and_status_hold_together(library, completed, status):
    query = {name: value for name, value in
             (("completed", completed), ("status", status)) if value}
    assert library.list(**query) == [
        task for task in library.made[::-1]
        if completed in (None, str(task["completed"]).lower())
        and status in (None, "all",
                       "completed" if task["completed"] else "pending")]


@pytest.mark.parametrize("given", ["", "x", "2", "-1", " true", "null"])
def test_what_is_no_boolean_is_refused(person, given):
    wrong(person, f"completed={quote(given)}",
          error("bool_parsing", ["query", "completed"], given))


@pytest.mark.parametrize("given", ["", "ALL", "Pending", "done", " all"])
def test_another_status_is_refused(person, given):
    wrong(person, f"status={quote(given)}",
          error(PATTERN, ["query", "status"], given))


# -- dates

def moved(stamp, microseconds):
    """A timestamp a little later."""
    time = datetime.datetime.fromisoformat(stamp.rstrip("Z"))
    time += datetime.timedelta(microseconds=microseconds)
    return time.isoformat(timespec="microseconds")


def test_dates_are_inclusive(library):
    tasks = library.made
    for first, last in ((0, 7), (2, 5), (3, 3), (5, 2)):
        wanted = [task for task in tasks[::-1]
                  if tasks[first]["created_at"] <= task["created_at"]
                  <= tasks[last]["created_at"]]
        assert library.list(date_from=tasks[first]["created_at"],
                            date_to=tasks[last]["created_at"]) == wanted
    third = tasks[3]["created_at"]
    assert tasks[3] not in library.list(date_from=moved(third, 1))
    assert tasks[3] not in library.list(date_to=moved(third, -1))


def test_a_time_may_have_any_zone_or_none(library):
    task = library.made[4]
    utc = datetime.datetime.fromisoformat(task["created_at"].rstrip("Z"))
    for minutes, zone in ((0, ""), (0, "Z"), (0, "z"), (0, "+00:00"),
                          (330, "+05:30"), (-480, "-0800")):
        local = utc + datetime.timedelta(minutes=minutes)
        for separator in ("T", " ", "t"):
            stamp = local.isoformat(separator, "microseconds") + zone
            assert library.list(date_from=stamp, date_to=stamp) == [task]


def test_a_bare_date_is_its_midnight(library):
    day = datetime.date.fromisoformat(library.made[0]["created_at"][:10])
    tomorrow = day + datetime.timedelta(days=2)
    assert library.list(date_from=str(day)) == library.made[::-1]
    assert library.list(date_to=str(day)) == []
    assert library.list(date_to=str(tomorrow)) == library.made[::-1]
    assert library.list(date_from=str(tomorrow)) == []
    assert library.list(date_from="0001-01-01",
                        date_to="9999-12-31") == library.made[::-1]


@pytest.mark.parametrize("given", [
    "", " ", "x", "0", "today", "1795217218", "20261120", "2026-11",
    "2026-02-30", "2026-13-01", "0000-01-01", "2026-11-20T", "2026-11-20T25:00",
    "2026-11-20T23:26:60Z", "2026-11-20T23:26:58 02:00", "2026-11-20Z",
    "2026-11-20T23:26:58+24:00", "2026-11-20\0", "9" * 300, "\u0662026-11-20"],
    ids=lambda text: ascii(text)[:30])
def test_what_is_no_date_is_refused(person, given):
    for name in ("date_from", "date_to"):
        wrong(person, f"{name}={quote(given)}",
              error(DATE, ["query", name], given))


# -- all of it

def test_conditions_hold_together(library):
    tasks = library.made
    for keyword, completed, first, skip in itertools.product(
            ("", "a", "milk", "%"), ("true", "false"), (0, 3), (0, 1)):
        wanted = [
            task for task in tasks[::-1]
            if keyword in (task["title"] + "\n" +
                           (task["description"] or "")).lower()
            and str(task["completed"]).lower() == completed
            and task["created_at"] >= tasks[first]["created_at"]]
        assert library.list(
            keyword=keyword, completed=completed, skip=skip, limit=2,
            date_from=tasks[first]["created_at"],
            date_to=tasks[-1]["created_at"]) == wanted[skip:skip + 2]


def test_everything_that_is_wrong_is_told_in_order(person):
    wrong(person, "status=x&date_to=x&date_from=x&completed=x&keyword=%00"
          "&limit=x&skip=x",
          error("int_parsing", ["query", "skip"], "x"),
          error("int_parsing", ["query", "limit"], "x"),
          error("value_error", ["query", "keyword"], "\0",
                "A keyword cannot contain U+0000"),
          error("bool_parsing", ["query", "completed"], "x"),
          error(DATE, ["query", "date_from"], "x"),
          error(DATE, ["query", "date_to"], "x"),
          error(PATTERN, ["query", "status"], "x"))


@pytest.mark.parametrize("query", [
    "", "&&", "Skip=x", "LIMIT=0", "unknown=1", "keywords=x", "&=&==&%",
    "skip%5b%5d=x", "%ff=x", "%00=x"])
def test_what_is_not_known_is_ignored(library, query):
    assert len(found(library, query)) == len(library.made)


def test_other_users_tasks_are_not_found(library, person):
    assert person.list(keyword="milk") == []
    assert person.list(skip=0, limit=100) == []
