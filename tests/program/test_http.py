"""The HTTP layer: routes, methods, redirects, bodies, headers, targets."""

import json
import re
import uuid

import pytest

from client import BODY_LIMIT, Closed, padded
from expect import detail

JSON = [("Content-Type", "application/json")]
NOT_FOUND = "Not Found"
TOO_LARGE = "Request body too large"
METHODS = {
    "/": {"GET", "HEAD", "OPTIONS"},
    "/health": {"GET", "HEAD", "OPTIONS"},
    "/openapi.json": {"GET", "HEAD", "OPTIONS"},
    "/docs": {"GET", "HEAD", "OPTIONS"},
    "/api/auth/signup": {"POST", "OPTIONS"},
    "/api/auth/signin": {"POST", "OPTIONS"},
    "/api/u/tasks": {"GET", "HEAD", "POST", "OPTIONS"},
    "/api/u/tasks/1": {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"},
    "/api/u/tasks/1/complete": {"PATCH", "OPTIONS"},
}
ALL_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def auth_of(user):
    return list(user.auth.items())


def allowed(response):
    return {each.strip() for each in response.headers["allow"].split(",")}


# -- unknown routes

@pytest.mark.parametrize("path", [
    "/nothing", "/api", "/api/u", "/api/u/task", "/api/u/tasks/1/complete/x",
    "/api/u/tasks/1/done", "/api/auth", "/api/auth/signout",
    "/API/auth/signup", "/Health", "/health.json", "/healthz", "/index.html",
    "/favicon.ico", "/api/u/tasks/1/2", "/docs/../health/x", "/docs/nothing",
    "/.env", "/todod.db", "/api/u/tasks.json", "/health;x=1", "/a" * 60,
])
def test_an_unknown_path_is_not_found(daemon, path):
    for method in ("GET", "POST", "DELETE"):
        if path == "/docs/nothing" and method != "GET":
            continue
        with daemon.raw() as connection:
            reply = connection.exchange(method, path)
        assert reply.status in (404, 400) if ".." in path \
            else reply.status == 404, reply
        if reply.status == 404:
            assert reply.json() == {"detail": NOT_FOUND}


def test_not_found_comes_before_the_token(daemon):
    response = daemon.wild.get("/api/u/nothing")
    detail(response, 404, NOT_FOUND)


# -- methods

@pytest.mark.parametrize("path", METHODS)
def test_a_method_the_path_lacks_is_405_with_a_complete_allow(daemon, path):
    for method in sorted(ALL_METHODS - METHODS[path] - {"HEAD"}):
        response = daemon.wild.request(method, path)
        detail(response, 405, "Method Not Allowed")
        assert allowed(response) == METHODS[path], (method, path)


@pytest.mark.parametrize("path", METHODS)
def test_options_without_an_origin_is_204_with_allow(daemon, path):
    response = daemon.wild.options(path)
    assert response.status_code == 204
    assert allowed(response) == METHODS[path]


def test_options_of_an_unknown_path_is_not_found(daemon):
    detail(daemon.wild.options("/nothing"), 404, NOT_FOUND)


def test_head_of_a_path_without_get_is_405(daemon):
    for path in ("/api/auth/signin", "/api/u/tasks/1/complete"):
        response = daemon.wild.head(path)
        assert response.status_code == 405
        assert allowed(response) == METHODS[path]


@pytest.mark.parametrize("method", ["BREW", "get", "TRACE", "PROPFIND",
                                    "CONNECT", "LINK", "X" * 40])
def test_an_unknown_method_is_refused(daemon, method):
    """Those that the HTTP library does not know it refuses in its own form."""
    with daemon.raw() as connection:
        answer = connection.last_words(
            f"{method} /health HTTP/1.1\r\nHost: x\r\n"
            "Connection: close\r\n\r\n".encode())
    assert re.match(rb"HTTP/1\.1 (400|405|501) ", answer), answer[:200]


@pytest.mark.parametrize("path", ["/", "/health", "/openapi.json", "/docs"])
def test_head_is_get_without_the_body(daemon, path):
    got, head = daemon.http.get(path), daemon.http.head(path)
    assert (got.status_code, head.status_code) == (200, 200)
    assert head.content == b""
    for name in ("content-type", "content-length", "cache-control",
                 "etag", "content-security-policy"):
        assert head.headers.get(name) == got.headers.get(name), name


def test_head_works_on_tasks(user):
    task = user.create("\u00e9" * 50)
    for path in (user.tasks, user.task(task["id"]),
                 user.tasks + "?status=completed"):
        got, head = user.request("GET", path), user.request("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(got.content))
    for path, status in ((user.task(2**50), 404), (user.task("x"), 400),
                         (f"/api/{uuid.uuid4()}/tasks", 403)):
        head = user.request("HEAD", path)
        assert (head.status_code, head.content) == (status, b"")


def test_head_leaves_the_connection_in_order(user, daemon):
    with daemon.raw() as connection:
        for _ in range(3):
            assert connection.exchange("HEAD", user.tasks,
                                       auth_of(user)).status == 200
            assert connection.exchange("HEAD", "/nothing").status == 404
            assert connection.exchange("GET", "/health").status == 200


# -- trailing slashes

@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("given, wanted", [
    ("/health/", "/health"),
    ("/health/?", "/health"),
    ("/health/?a=b&c=%2F", "/health?a=b&c=%2F"),
    ("/api/auth/signin/", "/api/auth/signin"),
    ("/api/u/tasks/", "/api/u/tasks"),
    ("/api/u/tasks/?status=pending", "/api/u/tasks?status=pending"),
    ("/api/u/tasks/1/", "/api/u/tasks/1"),
    ("/api/u/tasks/1/complete/", "/api/u/tasks/1/complete"),
    ("/api/u/tasks/?next=//evil.example/",
     "/api/u/tasks?next=//evil.example/"),
])
def test_a_trailing_slash_is_redirected(daemon, method, given, wanted):
    with daemon.raw() as connection:
        reply = connection.exchange(method, given)
    known = METHODS[re.sub(r"\?.*", "", wanted)]
    if method in known:
        assert reply.status == 307
    assert reply.status in (307, 405)
    if reply.status == 307:
        assert reply.headers["location"].rstrip("?") == wanted


@pytest.mark.parametrize("target", [
    "//evil.example/", "///evil.example/", "//evil.example/health/",
    "/\\evil.example/", "//", "///", "/%2F/", "/%2Fevil.example/",
    "//health/", "/health//", "/api//u/tasks/", "/nothing/",
    "//evil.example/%2e%2e/", "/;//evil.example/", "//api/u/tasks/",
    "http://evil.example//evil.example/", "/health/%0d%0aX-Evil:%20yes/",
    "/.//evil.example/", "/http://evil.example/", "/?//evil.example/",
])
def test_a_redirect_never_leaves_this_server(daemon, target):
    """The check of every response looks at Location; this looks further."""
    with daemon.raw() as connection:
        reply = connection.exchange("GET", target)
    assert reply.status in (200, 307, 400, 404), reply
    assert "x-evil" not in reply.headers
    location = reply.headers.get("location", "")
    assert "evil" not in location and "\\" not in location


# -- body sizes

def test_a_body_of_64_kib_is_taken(user):
    response = user.request("POST", user.tasks, content=padded(BODY_LIMIT))
    assert response.status_code == 201, response.text


@pytest.mark.parametrize("size", [BODY_LIMIT + 1, BODY_LIMIT + 4096,
                                  2 * BODY_LIMIT])
def test_a_larger_body_is_413(user, size):
    response = user.request("POST", user.tasks, content=padded(size))
    detail(response, 413, TOO_LARGE)
    assert user.list() == []


def test_413_comes_before_the_token(daemon, alice):
    for path in (alice.tasks, "/api/auth/signin"):
        response = daemon.http.post(path, content=padded(BODY_LIMIT + 1))
        detail(response, 413, TOO_LARGE)


def test_an_endless_body_does_not_hurt(daemon):
    """The answer may be lost in a reset; the daemon must go on."""
    with daemon.raw() as connection:
        try:
            connection.request("POST", "/api/auth/signin",
                               [*JSON, ("Content-Length", str(10**12))])
            for _ in range(64):
                connection.send(b" " * BODY_LIMIT)
            status = connection.response("POST", judge=False).status
        except (Closed, ConnectionError):
            status = None
    assert status in (413, None)
    assert daemon.http.get("/health").status_code == 200


def test_a_chunked_body_is_taken(user):
    def chunks():
        yield b'{"title":'
        yield b'"in chunks"'
        yield b"}"
    response = user.request("POST", user.tasks, content=chunks())
    assert response.status_code == 201
    assert response.json()["title"] == "in chunks"


def test_a_chunked_body_is_bounded_too(daemon, user):
    with daemon.raw() as connection:
        try:
            connection.request("POST", user.tasks, [
                *auth_of(user), ("Transfer-Encoding", "chunked")])
            for _ in range(20):
                connection.send(b"1000\r\n" + b" " * 4096 + b"\r\n")
            connection.send(b"0\r\n\r\n")
            status = connection.response("POST", judge=False).status
        except (Closed, ConnectionError):
            status = None
    assert status in (413, None)
    assert user.list() == []


# -- content types

@pytest.mark.parametrize("kind", [
    "application/json", "application/json; charset=utf-8",
    "application/json;charset=UTF-8", "Application/JSON",
    "application/json ; charset=\"utf-8\"", "application/vnd.api+json",
    "application/problem+json", None,
])
def test_json_types_are_taken(user, daemon, kind):
    headers = auth_of(user)
    if kind is not None:
        headers.append(("Content-Type", kind))
    with daemon.raw() as connection:
        reply = connection.exchange("POST", user.tasks, headers,
                                    b'{"title":"typed"}')
    assert reply.status == 201, reply.body


@pytest.mark.parametrize("kind", [
    "text/plain", "text/plain;charset=UTF-8", "text/html", "application/xml",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/octet-stream", "image/png", "application/jsonx",
    "text/plain; x=application/json",
])
def test_what_is_plainly_not_json_is_415(user, kind):
    for method, path in (("POST", user.tasks), ("PUT", user.task(1))):
        response = user.request(method, path, content=b'{"title":"typed"}',
                                headers={"Content-Type": kind})
        assert response.status_code == 415
        assert isinstance(response.json()["detail"], str)
    assert user.list() == []


def test_415_comes_before_the_token(daemon, alice):
    response = daemon.http.post(alice.tasks, content=b"a=b", headers={
        "Content-Type": "application/x-www-form-urlencoded"})
    assert response.status_code == 415


def test_a_content_type_without_a_body_does_no_harm(user):
    """One of the frontends sends it with every method."""
    task = user.create()
    for kind in ("application/json", "text/plain"):
        headers = {"Content-Type": kind}
        response = user.request("GET", user.tasks, headers=headers)
        assert response.json() == [task]
    response = user.request("DELETE", user.task(task["id"]), headers={
        "Content-Type": "application/json"})
    assert response.status_code == 200


# -- problem details

def test_errors_are_problem_details_when_asked_for(user, daemon):
    daemon.expect_log("token refused")
    good, none = user.auth, {}
    other = f"/api/{uuid.uuid4()}/tasks"
    for method, path, auth, content, status in [
            ("GET", "/nothing", none, None, 404),
            ("PUT", "/health", none, None, 405),
            ("GET", user.tasks, none, None, 401),
            ("GET", user.tasks, {"Authorization": "Bearer x"}, None, 401),
            ("GET", other, good, None, 403),
            ("GET", user.task(2**50), good, None, 404),
            ("POST", user.tasks, good, b"{}", 400),
            ("POST", user.tasks, good, b"{", 400),
            ("POST", user.tasks, good, padded(BODY_LIMIT + 1), 413)]:
        client = daemon.wild if path in ("/nothing", "/health") \
            else daemon.http
        usual = client.request(method, path, headers=auth, content=content)
        response = client.request(method, path, content=content, headers={
            **auth, "Accept": "application/problem+json"})
        assert response.status_code == usual.status_code == status, path
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert body["status"] == status
        assert isinstance(body["title"], str) and body["title"]
        assert isinstance(body.get("type", "about:blank"), str)
        assert body["detail"] == usual.json()["detail"]


def test_a_success_is_plain_json_whatever_is_accepted(user):
    for accept in ("application/problem+json", "text/html", "*/*", "nonsense",
                   "application/json;q=0"):
        response = user.request("GET", user.tasks, headers={"Accept": accept})
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"


# -- request ids

@pytest.mark.parametrize("given", ["a", "abc-DEF_1.2", "0" * 128, "---",
                                   str(uuid.UUID(int=5)), "..", "_"])
def test_a_well_formed_request_id_is_kept(daemon, given):
    for path in ("/health", "/nothing"):
        response = daemon.wild.get(path, headers={"X-Request-Id": given})
        assert response.headers["x-request-id"] == given
    line = daemon.wait_log("request", request_id=given)
    assert line["status"] in (200, 404)


@pytest.mark.parametrize("given", [
    b"", b"0" * 129, b"a b", b"a/b", b"a:b", b"\xc3\xa9", b"\xff", b"a\tb",
    b"a,b", b'"a"', b"{}", b"a\x7f", b"0" * 4000, b"a%20b"])
def test_another_request_id_is_replaced(daemon, given):
    with daemon.raw() as connection:
        reply = connection.exchange("GET", "/health",
                                    [("X-Request-Id", given)])
    assert reply.headers["x-request-id"].encode() != given


def test_made_request_ids_differ(daemon):
    made = [daemon.http.get("/health").headers["x-request-id"]
            for _ in range(50)]
    assert len(set(made)) == 50


# -- connections

def test_a_connection_is_kept_and_answers_in_order(user, daemon):
    with daemon.raw() as connection:
        for n in range(5):
            reply = connection.exchange(
                "POST", user.tasks, [*auth_of(user), *JSON],
                json.dumps({"title": f"kept {n}"}).encode())
            assert reply.json()["title"] == f"kept {n}"
            assert connection.exchange("GET", "/nothing").status == 404
            assert connection.exchange("POST", user.tasks).status == 401
            assert connection.exchange("GET", "/health").status == 200


def test_pipelined_requests_are_answered_in_order(user, daemon):
    with daemon.raw() as connection:
        connection.request("GET", "/health")
        connection.request("GET", "/nothing")
        connection.request("GET", user.tasks, auth_of(user))
        answers = [connection.response().status for _ in range(3)]
    assert answers == [200, 404, 200]


def test_connection_close_is_obeyed(daemon):
    with daemon.raw() as connection:
        reply = connection.exchange("GET", "/health",
                                    [("Connection", "close")])
        assert reply.status == 200
        assert reply.headers["connection"].lower() == "close"
        assert connection.rest() == b""


def test_http_1_0_is_answered_and_closed(daemon):
    with daemon.raw() as connection:
        reply = connection.exchange("GET", "/health", version="1.0")
        assert reply.status == 200
        assert connection.rest() == b""


def test_a_request_in_small_pieces_is_understood(user, daemon):
    body = json.dumps({"title": "in pieces \u00e9"}).encode()
    head = (f"POST {user.tasks} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {user.token}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    request = head + body
    with daemon.raw() as connection:
        for place in range(0, len(request), 3):
            connection.send(request[place:place + 3])
        reply = connection.response("POST", user.tasks)
    assert reply.json()["title"] == "in pieces \u00e9"


def test_expect_100_continue_gets_its_final_answer(user, daemon):
    with daemon.raw() as connection:
        connection.request("POST", user.tasks, [
            *auth_of(user), *JSON, ("Expect", "100-continue"),
            ("Content-Length", "17")])
        connection.send(b'{"title":"later"}')
        reply = connection.response("POST", user.tasks)
    assert reply.status == 201


# -- clients that go away

def leaving_early(user):
    body = json.dumps({"email": user.email, "password": user.password})
    sign_in = (f"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\n"
               f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
    listing = (f"GET {user.tasks} HTTP/1.1\r\nHost: x\r\n"
               f"Authorization: Bearer {user.token}\r\n\r\n").encode()
    return [b"", b"G", b"GET /health", b"GET /health HTTP/1.1\r\n",
            b"GET /health HTTP/1.1\r\nHost: x", listing[:-2], listing,
            sign_in[:-5], sign_in, sign_in + listing, sign_in * 3,
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"]


def test_a_client_that_goes_away_hurts_nobody(user, daemon):
    since = daemon.mark()
    for data in leaving_early(user) * 3:
        for politely in (True, False):
            with daemon.raw() as connection:
                connection.send(data)
                if politely:
                    connection.finish_sending()
    for _ in range(5):
        assert daemon.http.get("/health").status_code == 200
    assert user.list() == []
    assert not daemon.logged("worker exited", since)


@pytest.mark.parametrize("data", [
    b"\r\n\r\n", b"\x00" * 64, b"\xff" * 64, b"hello\r\n\r\n",
    b"GET\r\n\r\n", b"GET /health\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20000 + b"\r\n",
    b"GET / HTTP/1.1\r\nx: " + b"y" * 100000 + b"\r\n\r\n",
], ids=lambda data: ascii(data[:30])[1:])
def test_what_is_not_http_gets_a_4xx_or_nothing(daemon, data):
    """Some of these are answered inside the HTTP library, in its own form."""
    since = daemon.mark()
    with daemon.raw() as connection:
        answer = connection.last_words(data)
    if answer:
        assert re.match(rb"HTTP/1\.[01] [45]\d\d ", answer), answer[:200]
        assert not re.match(rb"HTTP/1\.[01] 500 ", answer), answer[:200]
    assert daemon.http.get("/health").status_code == 200
    assert not daemon.logged("worker exited", since)


# -- targets

@pytest.mark.parametrize("path", [
    "/health%00", "/health%2F", "/%2Fhealth", "/api%2Fauth%2Fsignin",
    "/api/{id}%2Ftasks", "/api/{id}/tasks%2F1", "/api/{id}/tasks/1%00",
    "/api/{id}%00/tasks", "/health%", "/health%4", "/health%zz", "/%",
    "/%c0%af", "/api/%ff/tasks", "/api/../health", "/./health",
    "/api/{id}/tasks/../tasks", "/%2e%2e/health", "/api/%2E/auth/signin",
    "/api/{id}/tasks/%0a", "/health%0d%0a", "/health%7f", "/%25",
])
def test_odd_paths_are_refused(user, daemon, path):
    with daemon.raw() as connection:
        reply = connection.exchange("GET", path.replace("{id}", user.id),
                                    auth_of(user))
    assert reply.status in (400, 404), reply
    assert reply.json()["detail"]


def test_a_path_may_be_escaped_needlessly(user, daemon):
    escaped = "".join(f"%{ord(c):02x}" for c in user.id)
    response = daemon.http.get(f"/api/{escaped}/tasks", headers=user.auth)
    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.parametrize("target", [
    "http://localhost/health", "http://127.0.0.1:80/health",
    "HTTP://other.example/health", "http://x/health?a=b"])
def test_the_absolute_form_of_a_target_is_understood(daemon, target):
    with daemon.raw() as connection:
        reply = connection.exchange("GET", target)
    assert reply.status in (200, 400)
    if "other.example" not in target:
        assert reply.status == 200


@pytest.mark.parametrize("target", ["*", "health", "", "?", "#", "@", "\\",
                                    "/\x7f", "/ x", "localhost:80"])
def test_a_target_that_is_no_path_is_refused(daemon, target):
    with daemon.raw() as connection:
        answer = connection.last_words(
            f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert not answer or re.match(rb"HTTP/1\.[01] 4\d\d ", answer), answer
    assert daemon.http.get("/health").status_code == 200


@pytest.mark.parametrize("query", [
    "", "a", "=", "&", "&&&", "=&=", "a=b=c", "?", "??a", "a&a&a", "%",
    "%4", "%zz=%zz", "%00", "a=%00", "%ff=%ff", "a=%c0%80", "+", "a+b=c+d",
    "a;b", "a[]=1&a[0]=2", "a" * 3000, "&" * 3000, "=" * 3000, "%41" * 900,
    "/", "//x", "status[]=x", "\u00e9", "stat%75sx=1", "Status=x", "x=#",
])
def test_unknown_parameters_are_ignored_however_odd(user, daemon, query):
    task = user.create()
    with daemon.raw() as connection:
        reply = connection.exchange("GET", f"{user.tasks}?{query}",
                                    auth_of(user))
    if reply.status != 400 or query not in ("\u00e9", "x=#"):
        assert (reply.status, reply.json()) == (200, [task]), reply


@pytest.mark.parametrize("query, found", [
    ("status=pending&status=completed", {200}),
    ("status=completed&status=x", {200, 400}),
    ("status=%00", {400}), ("status=pending%00", {400}),
    ("status=%ff", {400}), ("status=%zz", {400}), ("status=pen+ding", {400}),
    ("status=%70%65%6e%64%69%6e%67", {200}), ("stat%75s=pending", {200}),
    ("status==pending", {400}), ("&status=pending&", {200}),
    ("status=pending#x", {200, 400}), ("status=" + "x" * 3000, {400}),
])
def test_the_status_is_read_through_its_escapes(user, daemon, query, found):
    with daemon.raw() as connection:
        reply = connection.exchange("GET", f"{user.tasks}?{query}",
                                    auth_of(user))
    assert reply.status in found, reply


def test_a_long_target_is_taken_or_refused_cleanly(daemon):
    """4 KiB of request line are promised; past that it is a 4xx."""
    assert daemon.http.get("/health?" + "x" * 3900).status_code == 200
    with daemon.raw() as connection:
        answer = connection.last_words(
            b"GET /health?" + b"x" * 60000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert not answer or re.match(rb"HTTP/1\.[01] 4\d\d ", answer), answer
