"""Users of a real Better Auth server, and todod told nothing but its URL."""

import jwt
import pytest

import betterauth
import issuer as issuers
from daemon import Daemon, unavailable, wait_until
from users import bearer

REFUSED = {"detail": "Invalid or expired token"}


@pytest.fixture(scope="module", autouse=True)
def better_auth():
    """Fetched by npm."""
    try:
        betterauth.installed()
    except betterauth.Missing as error:
        unavailable(f"no Better Auth: {error}")


@pytest.fixture(params=issuers.ALGORITHMS)
def issuer(request):
    """A server that signs by each algorithm in turn."""
    with betterauth.BetterAuth(request.param) as running:
        running.alg = request.param
        yield running


def environment(issuer, **more):
    return {"JWT_SECRET_KEY": None, "BETTER_AUTH_URL": issuer.url,
            "JWKS_COOL_DOWN": "1", **more}


def test_its_users_have_tasks_here(tmp, issuer):
    with issuer.client() as alice, issuer.client() as bob:
        ids = issuer.sign_up(alice, "alice"), issuer.sign_up(bob, "bob")
        tokens = issuer.token(alice), issuer.token(bob)
        header = jwt.get_unverified_header(tokens[0])
        assert header["alg"] == issuer.alg and "typ" not in header
        with Daemon(folder=tmp, env=environment(
                issuer, JWT_ISSUER=issuer.url,
                JWT_AUDIENCE=issuer.url)) as daemon:
            for number, (user, token) in enumerate(zip(ids, tokens)):
                path = f"/api/{user}/tasks"
                made = daemon.http.post(path, headers=bearer(token),
                                        json={"title": f"of {number}"})
                assert made.status_code == 201, made.text
                assert made.json()["user_id"] == user
                listed = daemon.http.get(path, headers=bearer(token))
                assert listed.json() == [made.json()]
                strange = daemon.http.get(path, headers=bearer(
                    tokens[1 - number]))
                assert strange.status_code == 403


def test_its_keys_may_change(tmp, issuer):
    with issuer.client() as browser:
        user = issuer.sign_up(browser, "carol")
        path = f"/api/{user}/tasks"
        old = issuer.token(browser)
        with Daemon(folder=tmp, env=environment(issuer)) as daemon:
            daemon.wait_log("keys fetched", count=1)
            assert daemon.http.get(
                path, headers=bearer(old)).status_code == 200
            issuer.rotate()
            new = issuer.token(browser)
            kids = {jwt.get_unverified_header(token)["kid"]
                    for token in (old, new)}
            assert {key["kid"] for key in issuer.keys()} == kids
            daemon.expect_log("token refused")
            wait_until(lambda: daemon.http.get(
                path, headers=bearer(new)).status_code == 200,
                "the new key")
            assert daemon.http.get(
                path, headers=bearer(old)).status_code == 200
            daemon.wait_log("keys fetched", count=2)


def test_a_token_for_others_is_refused(tmp, issuer):
    with issuer.client() as browser:
        user = issuer.sign_up(browser, "dave")
        token = issuer.token(browser)
        with Daemon(folder=tmp, env=environment(
                issuer, JWT_AUDIENCE="https://other.example")) as daemon:
            daemon.wait_log("keys fetched")
            daemon.expect_log("token refused")
            response = daemon.http.get(f"/api/{user}/tasks",
                                       headers=bearer(token))
            assert response.status_code == 401
            assert response.json() == REFUSED
