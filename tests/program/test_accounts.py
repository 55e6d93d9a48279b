"""Sign-up and sign-in of dialect A: answers, sentences, e-mails, names."""

import re
import statistics
import time

import pytest

from expect import SECRET_INPUT, detail, error, refused
from users import PASSWORD, sign_in, sign_up, unique_email

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
NAME_RULE = "Name must be 2-100 characters"
EMAIL_RULE = "Invalid email format"
WRONG = "Invalid email or password"
ROUTES = ("/api/auth/signup", "/api/auth/signin")

GOOD_EMAILS = [
    "{}@b.co", "{}.last+tag@sub.example.com", "{}@EXAMPLE.COM",
    "{}_x-y-z@ex-ample.org", "o'brien{}@example.com", "{}@1.example.com",
    "{}@example.test", "{}@x.invalid", "{}@localhost.localdomain",
    "{}!#$%&'*+/=?^_`{{|}}~@example.com",
]
LABEL = "d" * 63
BAD_EMAILS = [
    "", "a", "@b.co", "a@", "a@b", "a@localhost", "a@@b.co", "a@b@c.co",
    "a b@c.co", "a@b c.co", "a@b..co", "a@.b.co", ".a@b.co", "a.@b.co",
    "a..b@c.co", "a@-b.co", "a@b-.co", "a@b_c.co", "<a@b.co>", "A <a@b.co>",
    "a@b.co,c@d.co", "a@b.co\n", "a\r\n@b.co", "a\t@b.co", "a@b.co\x7f",
    "a(comment)@b.co", "a@b.co;", "a@b.c/o", "a:b@c.co", "a\\@b.co",
    "x" * 65 + "@b.co",                         # the local part: 64 bytes
    "a@" + "d" * 64 + ".co",                    # a label: 63 bytes
    "a" * 63 + "@" + ".".join([LABEL] * 3),     # 255 bytes in all
]


def post(daemon, path, body):
    return daemon.http.post(path, json=body)


def account(**members):
    return {"name": "Test User", "email": unique_email(),
            "password": PASSWORD, **members}


def test_sign_up_answers_201_with_the_new_id(daemon):
    response = post(daemon, "/api/auth/signup", account())
    assert response.status_code == 201
    body = response.json()
    assert list(body) == ["message", "user_id"]
    assert body["message"] == "User created successfully"
    assert UUID.match(body["user_id"])


def test_sign_in_answers_the_token_and_the_user(daemon, user):
    response = sign_in(daemon, user.email)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["access_token", "token_type", "user"]
    assert body["token_type"] == "bearer"
    assert list(body["user"].items()) == [
        ("id", user.id), ("email", user.email), ("name", user.name),
        ("created_at", body["user"]["created_at"])]
    assert TIMESTAMP.match(body["user"]["created_at"])


def test_the_token_of_a_sign_in_opens_the_tasks(daemon, user):
    token = sign_in(daemon, user.email).json()["access_token"]
    response = daemon.http.get(
        user.tasks, headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, response.json()) == (200, [])


def test_two_users_get_different_ids(alice, bob):
    assert alice.id != bob.id


def test_unknown_members_are_ignored(daemon):
    body = account(id="x", is_admin=True, extra={"a": [1]})
    assert post(daemon, "/api/auth/signup", body).status_code == 201
    body = {**body, "name": None}
    assert post(daemon, "/api/auth/signin", body).status_code == 200


# -- uniqueness and case

@pytest.mark.parametrize("change", [str, str.upper, str.title])
def test_a_used_email_is_refused_in_any_case(daemon, user, change):
    response = post(daemon, "/api/auth/signup",
                    account(email=change(user.email)))
    detail(response, 400, "Email already registered")


def test_an_email_is_kept_in_lower_case(daemon):
    email = unique_email("MiXed")
    user = sign_up(daemon, email=email.upper())
    for spelling in (email, email.lower(), email.upper()):
        response = sign_in(daemon, spelling)
        assert response.status_code == 200, spelling
        assert response.json()["user"]["email"] == email.lower()
        assert response.json()["user"]["id"] == user.id


def test_a_refused_sign_up_leaves_no_account(daemon):
    daemon.expect_log("sign-in refused")
    email = unique_email()
    post(daemon, "/api/auth/signup", account(email=email, name="x"))
    detail(sign_in(daemon, email), 401, WRONG)
    assert post(daemon, "/api/auth/signup",
                account(email=email)).status_code == 201


# -- e-mail syntax

@pytest.mark.parametrize("pattern", GOOD_EMAILS)
def test_a_valid_email_is_accepted(daemon, pattern):
    email = pattern.format(unique_email("g").partition("@")[0])
    sign_up(daemon, email=email)
    response = sign_in(daemon, email)
    assert response.json()["user"]["email"] == email.lower()


def test_an_email_of_254_bytes_is_accepted(daemon):
    local = unique_email("l").partition("@")[0].ljust(62, "x")
    email = local + "@" + ".".join([LABEL] * 3)
    assert len(email) == 254
    sign_up(daemon, email=email)


@pytest.mark.parametrize("email", BAD_EMAILS, ids=ascii)
def test_an_invalid_email_is_refused(daemon, email):
    refused(post(daemon, "/api/auth/signup", account(email=email)),
            error("value_error", ["body", "email"], email, EMAIL_RULE))


@pytest.mark.parametrize("email", [
    "jos\u00e9.{}@example.com", "{}@b\u00fccher.example",
    '"quoted {}"@example.com', " {}@example.com", "{}@[127.0.0.1]",
])
def test_a_doubtful_email_is_either_taken_or_refused(daemon, email):
    email = email.format(unique_email("d").partition("@")[0])
    response = post(daemon, "/api/auth/signup", account(email=email))
    if response.status_code != 201:
        refused(response, error("value_error", ["body", "email"], email,
                                EMAIL_RULE))


# -- names

@pytest.mark.parametrize("name", [
    "ab", "  ", "x" * 100, "\U0001f600\U0001f601", "\U0001f600" * 100,
    "e\u0301", " padded ", "<b>&amp;</b>", "\u05d0\u05d1 \u202e", "O'Neil\n2",
], ids=ascii)
def test_a_name_is_kept_exactly(daemon, name):
    user = sign_up(daemon, name=name)
    assert sign_in(daemon, user.email).json()["user"]["name"] == name


@pytest.mark.parametrize("name", [
    "", "x", " ", "\U0001f600", "x" * 101, "\U0001f600" * 101], ids=ascii)
def test_a_name_outside_2_to_100_code_points_is_refused(daemon, name):
    refused(post(daemon, "/api/auth/signup", account(name=name)),
            error("value_error", ["body", "name"], name, NAME_RULE))


# -- missing members and wrong types

@pytest.mark.parametrize("member", ["name", "email", "password"])
def test_sign_up_names_a_missing_member(daemon, member):
    body = account()
    del body[member]
    response = post(daemon, "/api/auth/signup", body)
    refused(response, error("missing", ["body", member], SECRET_INPUT))
    assert PASSWORD not in response.text


@pytest.mark.parametrize("member", ["email", "password"])
def test_sign_in_names_a_missing_member(daemon, alice, member):
    body = {"email": alice.email, "password": alice.password}
    del body[member]
    response = post(daemon, "/api/auth/signin", body)
    refused(response, error("missing", ["body", member], SECRET_INPUT))
    assert PASSWORD not in response.text


@pytest.mark.parametrize("value", [None, 5, 1.5, True, [], {}, ["a@b.co"]],
                         ids=repr)
@pytest.mark.parametrize("member", ["name", "email"])
def test_a_member_that_is_no_string_is_refused(daemon, member, value):
    refused(post(daemon, "/api/auth/signup", account(**{member: value})),
            error("string_type", ["body", member], value))


@pytest.mark.parametrize("value", [None, 81538153, True, ["S3cret!pass"]],
                         ids=repr)
@pytest.mark.parametrize("path", ROUTES)
def test_a_password_that_is_no_string_is_refused(daemon, path, value):
    response = post(daemon, path, account(password=value))
    refused(response, error("string_type", ["body", "password"],
                            SECRET_INPUT))
    assert "8153" not in response.text
    assert "S3cret" not in response.text


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("body", [[], "text", 5, True, [{"name": "x"}]],
                         ids=repr)
def test_a_body_that_is_no_object_is_refused(daemon, path, body):
    refused(post(daemon, path, body),
            error("model_attributes_type", ["body"], SECRET_INPUT))


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("content", [b"", b"null"], ids=repr)
def test_a_missing_body_is_missing(daemon, path, content):
    response = daemon.http.post(path, content=content, headers={
        "Content-Type": "application/json"})
    refused(response, error("missing", ["body"], None))


def test_sign_up_collects_its_errors_in_order(daemon):
    response = post(daemon, "/api/auth/signup", {
        "password": "weak", "email": "bad", "name": "x"})
    refused(response,
            error("value_error", ["body", "name"], "x", NAME_RULE),
            error("value_error", ["body", "email"], "bad", EMAIL_RULE),
            error("value_error", ["body", "password"], SECRET_INPUT,
                  "Password must be at least 8 characters"))


def test_sign_up_without_members_names_all_three(daemon):
    refused(post(daemon, "/api/auth/signup", {}), *(
        error("missing", ["body", member], None)
        for member in ("name", "email", "password")))


# -- refusals of sign-in

def test_a_wrong_password_and_an_unknown_user_look_alike(daemon, alice):
    daemon.expect_log("sign-in refused")
    wrong = sign_in(daemon, alice.email, "Wr0ng!password")
    unknown = sign_in(daemon, unique_email("nobody"))
    detail(wrong, 401, WRONG)
    detail(unknown, 401, WRONG)
    assert wrong.content == unknown.content
    assert wrong.headers["www-authenticate"] == \
        unknown.headers["www-authenticate"]


@pytest.mark.parametrize("password", [
    "", "x", PASSWORD + " ", PASSWORD.swapcase(), PASSWORD[:-1],
    "\U0001f600" * 8], ids=ascii)
def test_sign_in_does_not_explain_a_wrong_password(daemon, alice, password):
    daemon.expect_log("sign-in refused")
    detail(sign_in(daemon, alice.email, password), 401, WRONG)


def test_each_refused_sign_in_is_a_warning(daemon, alice):
    daemon.expect_log("sign-in refused")
    since = daemon.mark()
    detail(sign_in(daemon, alice.email, "Wr0ng!password"), 401, WRONG)
    line = daemon.wait_log("sign-in refused", since)
    assert line["reason"]
    assert line["level"] in ("warn", "warning")


def test_an_unknown_user_costs_the_time_of_a_wrong_password(daemon, alice):
    daemon.expect_log("sign-in refused")
    wrong, unknown = [], []
    for _ in range(12):
        for email, times in ((alice.email, wrong),
                             (unique_email("nobody"), unknown)):
            began = time.perf_counter()
            detail(sign_in(daemon, email, "Wr0ng!password"), 401, WRONG)
            times.append(time.perf_counter() - began)
    ratio = statistics.median(unknown) / statistics.median(wrong)
    assert 0.5 < ratio < 2, ratio
