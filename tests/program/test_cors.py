"""Cross-origin requests: who may read, and that errors are readable too."""

import uuid

import pytest

from client import BODY_LIMIT, padded
from daemon import Daemon, run_todod
from users import sign_up

HOME = "http://localhost:3000"
DEVELOPMENT = [f"http://{host}:{port}" for host in ("localhost", "127.0.0.1")
               for port in (3000, 3001, 5173)]
METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
EXPOSED = {"WWW-Authenticate", "Retry-After", "Location", "X-Request-Id",
           "ETag", "Link", "X-Total-Count", "RateLimit", "RateLimit-Policy"}


def cors_headers(response):
    return {name for name in response.headers
            if name.startswith("access-control-")}


def is_allowed(response, origin):
    """The headers by which a browser lets the page of the origin read."""
    headers = response.headers
    assert headers.get("access-control-allow-origin") == origin
    assert headers.get("access-control-allow-credentials") == "true"
    assert headers["vary"].lower().split(", ").count("origin") == 1


def is_not_allowed(response):
    assert cors_headers(response) == set()
    assert "origin" in response.headers["vary"].lower()


def preflight(daemon, origin, method="POST", path="/api/auth/signin",
              **headers):
    return daemon.wild.options(path, headers={
        "Origin": origin, "Access-Control-Request-Method": method,
        **{name.replace("_", "-"): value for name, value in headers.items()}})


# -- plain requests

@pytest.mark.parametrize("origin", DEVELOPMENT)
def test_the_usual_origins_are_allowed_in_development(daemon, origin):
    is_allowed(daemon.http.get("/health", headers={"Origin": origin}), origin)


@pytest.mark.parametrize("origin", [
    "null", "", "*", "http://localhost", "http://localhost:3002",
    "https://localhost:3000", "http://localhost:3000/",
    "http://localhost:3000.evil.example", "http://evil.example",
    "http://localhost:30000", "http://localhost:300", "localhost:3000",
    "http://user@localhost:3000", "http://localhost:3000#",
    "http://localhost:3000 http://evil.example", "http://[::1]:3000",
    "file://", "http://127.0.0.1:3000x", "x" * 3000,
    "http://localhost:3000,http://localhost:3001",
])
def test_another_origin_is_not_allowed(daemon, origin):
    is_not_allowed(daemon.http.get("/health", headers={"Origin": origin}))


def test_without_an_origin_there_is_only_vary(daemon):
    is_not_allowed(daemon.http.get("/health"))


def test_an_allowed_origin_is_told_what_it_may_read(daemon):
    response = daemon.http.get("/health", headers={"Origin": HOME})
    exposed = response.headers["access-control-expose-headers"]
    assert {each.strip() for each in exposed.split(",")} == EXPOSED


def test_errors_of_every_kind_are_readable(daemon, user):
    daemon.expect_log("token refused", "sign-in refused")
    good = user.auth
    for method, path, headers, content, status in [
            ("GET", "/nothing", {}, None, 404),
            ("GET", "/health/", {}, None, 307),
            ("DELETE", "/health", {}, None, 405),
            ("GET", user.tasks, {}, None, 401),
            ("GET", user.tasks, {"Authorization": "Bearer x"}, None, 401),
            ("GET", f"/api/{uuid.uuid4()}/tasks", good, None, 403),
            ("GET", user.task(2**50), good, None, 404),
            ("GET", user.task("x"), good, None, 400),
            ("POST", user.tasks, good, b"{", 400),
            ("POST", user.tasks, good, b"{}", 400),
            ("POST", user.tasks, good, padded(BODY_LIMIT + 1), 413),
            ("POST", user.tasks, {**good, "Content-Type": "text/plain"},
             b"x", 415)]:
        response = daemon.wild.request(method, path, content=content, headers={
            **headers, "Origin": HOME})
        assert response.status_code == status, (method, path)
        is_allowed(response, HOME)


def test_successes_of_every_kind_are_readable(daemon, user):
    origin = {"Origin": HOME}
    made = user.request("POST", user.tasks, json={"title": "a"},
                        headers=origin)
    task = made.json()["id"]
    for response in (
            made, user.request("GET", user.tasks, headers=origin),
            user.request("HEAD", user.tasks, headers=origin),
            user.request("PUT", user.task(task), json={}, headers=origin),
            user.request("PATCH", user.task(task, "/complete"),
                         headers=origin),
            user.request("DELETE", user.task(task), headers=origin),
            daemon.http.get("/openapi.json", headers=origin)):
        assert response.status_code in (200, 201)
        is_allowed(response, HOME)


# -- preflights

@pytest.mark.parametrize("method", METHODS.split(", "))
def test_a_preflight_of_an_allowed_origin_is_204(daemon, method):
    response = preflight(
        daemon, HOME, method, "/api/u/tasks",
        Access_Control_Request_Headers="authorization,content-type,x-a")
    assert response.status_code == 204
    is_allowed(response, HOME)
    headers = response.headers
    assert headers["access-control-allow-methods"] == METHODS
    assert headers["access-control-max-age"] == "600"
    echoed = headers["access-control-allow-headers"]
    assert [each.strip() for each in echoed.split(",")] == [
        "authorization", "content-type", "x-a"]


def test_a_preflight_needs_no_token_and_no_request_headers(daemon):
    response = preflight(daemon, HOME, "DELETE", "/api/u/tasks/1")
    assert response.status_code == 204
    is_allowed(response, HOME)


def test_a_preflight_of_another_origin_is_refused(daemon):
    response = preflight(daemon, "http://evil.example")
    assert (response.status_code, response.json()) == (
        400, {"detail": "Disallowed CORS origin"})
    is_not_allowed(response)


@pytest.mark.parametrize("method", ["BREW", "get", "TRACE", "CONNECT", "",
                                    "GET,POST"])
def test_a_preflight_of_another_method_is_refused(daemon, method):
    response = preflight(daemon, HOME, method)
    assert (response.status_code, response.json()) == (
        400, {"detail": "Disallowed CORS method"})
    is_allowed(response, HOME)


def test_a_refused_preflight_is_a_problem_when_asked_for(daemon):
    response = preflight(daemon, "http://evil.example",
                         Accept="application/problem+json")
    assert response.status_code == 400
    assert response.json()["detail"] == "Disallowed CORS origin"


def test_odd_request_headers_are_echoed_harmlessly(daemon):
    for value in ("x" * 3000, "a, b ,c", "*", "a b", "\"", ",,,"):
        response = preflight(daemon, HOME,
                             Access_Control_Request_Headers=value)
        assert response.status_code in (204, 400)
        is_allowed(response, HOME)


def test_options_without_a_request_method_is_a_plain_one(daemon):
    response = daemon.wild.options("/api/auth/signin",
                                   headers={"Origin": HOME})
    assert response.status_code == 204
    assert "POST" in response.headers["allow"]
    assert "access-control-allow-methods" not in response.headers
    is_allowed(response, HOME)
    response = daemon.wild.options("/api/auth/signin", headers={
        "Origin": "http://evil.example"})
    assert response.status_code == 204
    is_not_allowed(response)


# -- configured origins

@pytest.fixture(scope="module")
def configured():
    with Daemon(env={
            "CORS_ORIGINS": "https://app.example.com, http://one.test:8080,"
                            "https://*.vercel.app,http://*.dev.test:3000",
            "FRONTEND_BASE_URL": "https://front.example.com"}) as running:
        yield running


@pytest.mark.parametrize("origin", [
    "https://app.example.com", "http://one.test:8080",
    "https://front.example.com", "https://a.vercel.app",
    "https://my-app-git-main-team.vercel.app", "https://9.vercel.app",
    "http://x.dev.test:3000"])
def test_a_configured_origin_is_allowed(configured, origin):
    is_allowed(configured.http.get("/health", headers={"Origin": origin}),
               origin)
    assert preflight(configured, origin).status_code == 204


@pytest.mark.parametrize("origin", [
    HOME, "http://app.example.com", "https://app.example.com:8443",
    "https://www.app.example.com", "http://one.test", "http://one.test:80",
    "https://vercel.app", "https://.vercel.app", "https://a.b.vercel.app",
    "http://a.vercel.app", "https://a.vercel.app:8443",
    "https://a.vercel.app.evil.example", "https://avercel.app",
    "https://evil.example/.vercel.app", "https://evil.example#.vercel.app",
    "https://evil.example?.vercel.app", "https://a@b.vercel.app",
    "https://a:b.vercel.app", "https://evil%2eexample.vercel.app",
    "https://*.vercel.app", "https:// .vercel.app", "https://a\\.vercel.app",
    "http://x.dev.test", "http://x.y.dev.test:3000", "null"])
def test_an_origin_that_only_resembles_one_is_not(configured, origin):
    is_not_allowed(configured.http.get("/health", headers={"Origin": origin}))
    response = preflight(configured, origin)
    assert response.json() == {"detail": "Disallowed CORS origin"}


def test_no_pattern_is_ever_answered(configured):
    for origin in ("https://a.vercel.app", "https://app.example.com"):
        response = configured.http.get("/health", headers={"Origin": origin})
        assert "*" not in response.headers["access-control-allow-origin"]


def test_two_origin_headers_are_not_allowed(configured):
    with configured.raw() as connection:
        reply = connection.exchange("GET", "/health", [
            ("Origin", "https://evil.example"),
            ("Origin", "https://app.example.com")])
    is_not_allowed(reply)


@pytest.mark.parametrize("value", [
    "*", "https://*.*.example", "https://a.example/path", "example.com",
    "https://", "https://a.example,*"])
def test_a_dangerous_or_malformed_origin_stops_the_start(tmp, value):
    done = run_todod("--check-config", folder=tmp,
                     env={"CORS_ORIGINS": value})
    assert done.returncode == 78, done.stderr
    assert "cors" in done.stderr.lower()


def test_a_page_of_an_allowed_origin_can_do_the_whole_flow(configured):
    """Sign up, read the token by CORS, and use it."""
    user = sign_up(configured)
    response = user.request("POST", user.tasks, json={"title": "mine"},
                            headers={"Origin": "https://a.vercel.app"})
    is_allowed(response, "https://a.vercel.app")
    assert response.json()["title"] == "mine"
