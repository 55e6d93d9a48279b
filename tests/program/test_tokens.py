"""Bearer tokens: which are taken, which are refused, and what our own are."""

import base64
import hashlib
import hmac
import json
import time
import uuid

import jwt
import pytest

from daemon import SECRET, Daemon, wait_until
from users import bearer, claims_for, mint, sign_in, sign_up

REFUSED = {"detail": "Invalid or expired token"}
HEADER = {"alg": "HS256", "typ": "JWT"}
WEEK = 604800
DIGITS = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
          "0123456789-_")


def segment(data):
    """base64url without padding, of bytes or of a value as compact JSON."""
    if not isinstance(data, bytes):
        data = json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signature(signed, secret=SECRET, digest=hashlib.sha256):
    return segment(hmac.new(secret.encode(), signed.encode(),
                            digest).digest())


def token(header, claims, secret=SECRET, digest=hashlib.sha256):
    """A token of these parts, with a signature that fits."""
    signed = f"{segment(header)}.{segment(claims)}"
    return f"{signed}.{signature(signed, secret, digest)}"


def loosened(text):
    """The same bytes in base64url, by a last digit that is not canonical."""
    assert len(text) % 4, "no spare bits in this segment"
    return text[:-1] + DIGITS[DIGITS.index(text[-1]) + 1]


def padded_claims(user_id):
    """Claims whose segment has spare bits in its last digit."""
    claims = claims_for(user_id)
    while len(segment(claims)) % 4 == 0:
        claims["email"] += "x"
    return claims


def ask(user, headers):
    return user.daemon.http.get(user.tasks, headers=headers)


def accepted(user, made):
    response = ask(user, bearer(made))
    assert response.status_code == 200, response.text


def refused(user, headers, given=True):
    """401, and the challenge says whether there was a token at all."""
    user.daemon.expect_log("token refused")
    response = ask(user, headers)
    assert (response.status_code, response.json()) == (401, REFUSED)
    challenge = response.headers["www-authenticate"]
    assert ('error="invalid_token"' in challenge) == given, challenge
    return response


# -- tables: each makes a token from the user's id

def with_claims(**claims):
    return lambda user_id: mint(user_id, **claims)


def with_header(header):
    return lambda user_id: token(header, claims_for(user_id))


def with_payload(make):
    return lambda user_id: token(HEADER, make(user_id))


def edit_good(change):
    """A good token, changed after it was signed."""
    return lambda user_id: change(mint(user_id))


def unsigned(alg):
    return lambda user_id: ".".join(
        [segment({**HEADER, "alg": alg}), segment(claims_for(user_id)), ""])


def resigned(spoil_header, spoil_claims):
    """Spoils the encoding of a segment and signs the result properly."""
    def make(user_id):
        signed = ".".join([spoil_header(segment({**HEADER, "kid": "k"})),
                           spoil_claims(segment(padded_claims(user_id)))])
        return f"{signed}.{signature(signed)}"
    return make


def same(text):
    return text


def replaced_signature(change):
    def make(user_id):
        head, _, tail = mint(user_id).rpartition(".")
        return f"{head}.{change(tail)}"
    return make


def raw_json(text):
    """Claims as text, with the user's id and a valid exp filled in."""
    def make(user_id):
        filled = text.replace("ID", json.dumps(user_id)) \
            .replace("EXP", str(int(time.time()) + 3600))
        return token(HEADER, filled.encode("utf-8", "surrogatepass"))
    return make


GOOD = {
    "only user_id and exp": with_claims(sub=None, iat=None, email=None),
    "only sub": with_claims(user_id=None),
    "only id": lambda user_id: token(HEADER, {
        "id": user_id, "exp": int(time.time()) + 60}),
    "user_id before sub and id": with_claims(sub="other", id="third"),
    "sub before id": with_claims(user_id=None, id="third"),
    "expired within the leeway": lambda user_id: mint(
        user_id, exp=int(time.time()) - 15),
    "not before, within the leeway": lambda user_id: mint(
        user_id, nbf=int(time.time()) + 15),
    "nbf in the past": with_claims(nbf=1),
    "exp in the far future": with_claims(exp=2**40),
    "any iss and aud": with_claims(iss="someone", aud=["a", "b"]),
    "unknown claims": with_claims(role="admin", nested={"a": [1, None]}),
    "no typ": with_header({"alg": "HS256"}),
    "typ at+jwt": with_header({"alg": "HS256", "typ": "at+jwt"}),
    "a kid": with_header({**HEADER, "kid": "k1"}),
    "jku, jwk and x5u are ignored": with_header(
        {**HEADER, "jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/",
         "jwk": {"kty": "oct", "k": "AA"}}),
    "spaces in the JSON": raw_json(' { "user_id" : ID , "exp" : EXP } '),
    "not ASCII": with_claims(email="\u00e9\U0001f600@example.test"),
}

BAD = {
    # algorithms
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg NONE": unsigned("NONE"),
    "alg nOnE": unsigned("nOnE"),
    "alg empty": unsigned(""),
    "HS256 without a signature": unsigned("HS256"),
    "alg none with a signature": with_header({"alg": "none", "typ": "JWT"}),
    "alg hs256": with_header({**HEADER, "alg": "hs256"}),
    "alg Hs256": with_header({**HEADER, "alg": "Hs256"}),
    "alg HS384": lambda user_id: jwt.encode(
        claims_for(user_id), SECRET, algorithm="HS384"),
    "alg HS512": lambda user_id: jwt.encode(
        claims_for(user_id), SECRET, algorithm="HS512"),
    "HS384 with a signature of HS256": with_header({**HEADER,
                                                    "alg": "HS384"}),
    "HS256 with a signature of HS512": lambda user_id: token(
        HEADER, claims_for(user_id), digest=hashlib.sha512),
    "alg RS256": with_header({**HEADER, "alg": "RS256"}),
    "alg ES256": with_header({**HEADER, "alg": "ES256"}),
    "alg EdDSA": with_header({**HEADER, "alg": "EdDSA"}),
    "alg HS256 and a space": with_header({**HEADER, "alg": "HS256 "}),
    "alg missing": with_header({"typ": "JWT"}),
    "alg null": with_header({**HEADER, "alg": None}),
    "alg a number": with_header({**HEADER, "alg": 256}),
    "alg a list": with_header({**HEADER, "alg": ["HS256"]}),
    # keys
    "another key": lambda user_id: mint(user_id, secret=SECRET + "x"),
    "the key's beginning": lambda user_id: mint(user_id, secret=SECRET[:32]),
    "an empty key": lambda user_id: token(HEADER, claims_for(user_id), ""),
    "a key of zeros": lambda user_id: mint(user_id, secret="\0" * 32),
    # other header members
    "crit": with_header({**HEADER, "crit": ["exp"], "exp": 1}),
    "crit empty": with_header({**HEADER, "crit": []}),
    "crit b64": with_header({**HEADER, "crit": ["b64"], "b64": False}),
    "typ unknown": with_header({**HEADER, "typ": "JOSE"}),
    "typ a number": with_header({**HEADER, "typ": 5}),
    "typ empty": with_header({**HEADER, "typ": ""}),
    "kid of 129 bytes": with_header({**HEADER, "kid": "k" * 129}),
    "kid a number": with_header({**HEADER, "kid": 5}),
    "header an array": with_header([HEADER]),
    "header null": with_header(None),
    "header empty": with_header({}),
    "header no JSON": with_header(b"alg=HS256"),
    "header cut": with_header(b'{"alg":"HS256"'),
    "header with a tail": with_header(b'{"alg":"HS256"}x'),
    "header with a BOM": with_header(b'\xef\xbb\xbf{"alg":"HS256"}'),
    "header twice alg": with_header(b'{"alg":"none","alg":"HS256"}'),
    "header twice alg, escaped": with_header(
        b'{"alg":"HS256","\\u0061lg":"HS256"}'),
    "header with a NUL": with_header(b'{"alg":"HS256\\u0000"}'),
    "header in bad UTF-8": with_header(b'{"alg":"HS256","x":"\xff"}'),
    # times
    "expired": lambda user_id: mint(user_id, exp=int(time.time()) - 60),
    "expired at the epoch": with_claims(exp=0),
    "exp negative": with_claims(exp=-1),
    "exp missing": with_claims(exp=None),
    "exp null": raw_json('{"user_id":ID,"exp":null}'),
    "exp a string": raw_json('{"user_id":ID,"exp":"EXP"}'),
    "exp true": raw_json('{"user_id":ID,"exp":true}'),
    "exp a list": raw_json('{"user_id":ID,"exp":[EXP]}'),
    "exp an object": raw_json('{"user_id":ID,"exp":{"a":EXP}}'),
    "exp NaN": raw_json('{"user_id":ID,"exp":NaN}'),
    "exp Infinity": raw_json('{"user_id":ID,"exp":Infinity}'),
    "nbf in the future": lambda user_id: mint(
        user_id, nbf=int(time.time()) + 60),
    "nbf a string": raw_json('{"user_id":ID,"exp":EXP,"nbf":"1"}'),
    "nbf null": raw_json('{"user_id":ID,"exp":EXP,"nbf":null}'),
    # who
    "no user at all": with_claims(user_id=None, sub=None),
    "user_id empty": with_claims(user_id="", sub=None),
    "user_id a list": lambda user_id: token(HEADER, claims_for(
        user_id, user_id=[user_id], sub=None)),
    "user_id an object": lambda user_id: token(HEADER, claims_for(
        user_id, user_id={"id": user_id}, sub=None)),
    "user_id true": with_claims(user_id=True, sub=None),
    "user_id a number": with_claims(user_id=1, sub=None),
    "user_id no UUID": with_claims(user_id="alice", sub=None),
    "user_id with a tail": lambda user_id: mint(
        user_id, user_id=user_id + "x", sub=None),
    "user_id with a NUL": raw_json(
        '{"user_id":ID,"exp":EXP,"sub":"a\\u0000b"}'),
    "user_id of 300 bytes": with_claims(user_id="x" * 300, sub=None),
    "an unknown user": lambda user_id: mint(str(uuid.uuid4())),
    "an unknown user_id before a known sub": lambda user_id: mint(
        user_id, user_id=str(uuid.uuid4())),
    # the claims' JSON
    "claims an array": with_payload(lambda user_id: [claims_for(user_id)]),
    "claims a string": with_payload(lambda user_id: user_id),
    "claims null": with_payload(lambda user_id: None),
    "claims empty": with_payload(lambda user_id: {}),
    "claims no JSON": with_payload(lambda user_id: b"user_id=1"),
    "claims cut": raw_json('{"user_id":ID,"exp":EXP'),
    "claims with a tail": raw_json('{"user_id":ID,"exp":EXP}{}'),
    "claims with a comma": raw_json('{"user_id":ID,"exp":EXP,}'),
    "claims with a BOM": raw_json('\ufeff{"user_id":ID,"exp":EXP}'),
    "claims with twice user_id": raw_json(
        '{"user_id":ID,"user_id":ID,"exp":EXP}'),
    "claims with twice exp": raw_json('{"user_id":ID,"exp":1,"exp":EXP}'),
    "claims with a lone surrogate": raw_json(
        '{"user_id":ID,"exp":EXP,"x":"\\ud800"}'),
    "claims in bad UTF-8": raw_json('{"user_id":ID,"exp":EXP,"x":"\ud800"}'),
    "claims too deep": raw_json(
        '{"user_id":ID,"exp":EXP,"x":' + "[" * 500 + "]" * 500 + "}"),
    # the signature
    "signature empty": replaced_signature(lambda tail: ""),
    "signature cut": replaced_signature(lambda tail: tail[:-1]),
    "signature halved": replaced_signature(lambda tail: tail[:22]),
    "signature longer": replaced_signature(lambda tail: tail + "A"),
    "signature doubled": replaced_signature(lambda tail: tail * 2),
    "signature changed": replaced_signature(
        lambda tail: ("B" if tail[0] == "A" else "A") + tail[1:]),
    "signature of zeros": replaced_signature(lambda tail: "A" * 43),
    "signature padded": replaced_signature(lambda tail: tail + "="),
    "signature not canonical": replaced_signature(loosened),
    "signature in hex": replaced_signature(
        lambda tail: base64.urlsafe_b64decode(tail + "=").hex()),
    "claims changed": edit_good(
        lambda good: good.replace(".", ".A", 1)),
    # base64url
    "header padded": resigned(lambda text: text + "=", same),
    "header with an escape": resigned(lambda text: text + "%20", same),
    "claims padded": resigned(same, lambda text: text + "="),
    "claims padded twice": resigned(same, lambda text: text + "=="),
    "claims not canonical": resigned(same, loosened),
    "claims in plain base64": resigned(same, lambda text: "+/" + text),
    "claims with a star": resigned(same, lambda text: text + "*"),
    "claims of an impossible length": resigned(
        same, lambda text: text + "A" * (5 - len(text) % 4)),
    # segments
    "one segment": edit_good(lambda good: good.partition(".")[0]),
    "two segments": edit_good(lambda good: good.rpartition(".")[0]),
    "four segments": edit_good(lambda good: good + ".AAAA"),
    "five segments": edit_good(lambda good: good + "..AAAA"),
    "a dot at the end": edit_good(lambda good: good + "."),
    "a dot at the start": edit_good(lambda good: "." + good),
    "an empty middle": edit_good(
        lambda good: good.split(".")[0] + ".." + good.split(".")[2]),
    "only dots": lambda user_id: "..",
    "one dot": lambda user_id: ".",
    "no token at all": lambda user_id: "x",
    "null": lambda user_id: "null",
    "undefined": lambda user_id: "undefined",
    "the user's id": lambda user_id: user_id,
    "over 8 KiB": with_claims(x="x" * 9000),
    "12 KiB of dots": lambda user_id: "." * 12000,
    "12 KiB of letters": lambda user_id: "A" * 12000,
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD.keys())
def test_a_good_token_is_taken(alice, make):
    accepted(alice, make(alice.id))


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
def test_a_bad_token_is_refused(alice, make):
    refused(alice, bearer(make(alice.id)))


def test_a_refused_token_is_a_warning_with_its_reason(tmp):
    """In a daemon of its own: such warnings are limited in number."""
    with Daemon(folder=tmp) as daemon:
        daemon.expect_log("token refused")
        since = daemon.mark()
        response = daemon.http.get(
            "/api/x/tasks", headers={"Authorization": "Bearer a.b.c"})
        assert response.status_code == 401
        line = daemon.wait_log(
            "token refused", since,
            request_id=response.headers["x-request-id"])
        assert line["level"] == "warn" and line["reason"]


def test_every_flipped_character_of_a_token_is_noticed(alice):
    good = mint(alice.id)
    for place in range(0, len(good), 7):
        if good[place] == ".":
            continue
        other = "A" if good[place] != "A" else "B"
        refused(alice, bearer(good[:place] + other + good[place + 1:]))
    accepted(alice, good)


def test_a_token_spells_the_id_of_its_account_as_it_likes(daemon):
    user = sign_up(daemon)
    task = user.create()
    for spelling in (user.id.upper(), user.id.replace("-", "")):
        headers = bearer(mint(spelling))
        response = daemon.http.get(user.tasks, headers=headers)
        assert (response.status_code, response.json()) == (200, [task])
        response = daemon.http.get("/api/todos", headers=headers)
        assert len(response.json()) == 1


def test_a_token_taken_once_still_expires(alice, daemon):
    """Expiry is looked at in each request, leeway included."""
    daemon.expect_log("token refused")
    made = mint(alice.id, exp=int(time.time()) - 28)
    accepted(alice, made)
    wait_until(lambda: ask(alice, bearer(made)).status_code == 401,
               "the token's end", 5)


# -- the header

def test_the_scheme_is_case_insensitive(alice):
    for scheme in ("Bearer", "bearer", "BEARER", "bEaReR"):
        response = ask(alice, {"Authorization": f"{scheme} {alice.token}"})
        assert response.status_code == 200, scheme


def test_without_a_token_the_challenge_is_bare(alice):
    assert refused(alice, {}, given=False).headers["www-authenticate"] == \
        "Bearer"


@pytest.mark.parametrize("value", [
    "", "Basic dXNlcjpwYXNz", "Token {}", "JWT {}", "{}", "Digest x=y",
    "Bear {}", "Bearers {}", "Bearer{}", "Basic Bearer {}",
    "Bearer:{}", "\"Bearer\" {}",
])
def test_what_is_not_bearer_is_no_token(alice, value):
    refused(alice, {"Authorization": value.format(alice.token)}, given=False)


@pytest.mark.parametrize("value", [
    "Bearer {} x", "Bearer {}, Bearer {}", "Bearer {},", "Bearer {};",
    "Bearer \"{}\"", "Bearer token={}", "Bearer Bearer {}", "Bearer <{}>",
])
def test_more_than_a_token_is_refused(alice, value):
    refused(alice, {"Authorization": value.replace("{}", alice.token)})


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "bearer   "])
def test_bearer_without_a_token_is_refused(alice, value):
    alice.daemon.expect_log("token refused")
    with alice.daemon.raw() as connection:
        reply = connection.exchange("GET", alice.tasks,
                                    [("Authorization", value)])
    assert (reply.status, reply.json()) == (401, REFUSED)


def test_two_spaces_are_taken_or_refused_but_no_error(alice):
    alice.daemon.expect_log("token refused")
    response = ask(alice, {"Authorization": f"Bearer  {alice.token}"})
    assert response.status_code in (200, 401)


def test_two_authorization_headers_are_refused(alice, daemon):
    daemon.expect_log("token refused")
    good = ("Authorization", f"Bearer {alice.token}")
    for second in (good, ("authorization", "Bearer x"),
                   ("Authorization", "Basic eDp5"), ("AUTHORIZATION", "")):
        for headers in ([good, second], [second, good]):
            with daemon.raw() as connection:
                reply = connection.exchange("GET", alice.tasks, headers)
            assert (reply.status, reply.json()) == (401, REFUSED), headers


def test_bytes_that_are_no_text_are_refused(alice, daemon):
    daemon.expect_log("token refused")
    for value in (b"Bearer \xff\xfe", b"Bearer \xc3\xa9.a.b", b"\xff x"):
        with daemon.raw() as connection:
            reply = connection.exchange("GET", alice.tasks,
                                        [(b"Authorization", value)])
        assert reply.status in (400, 401), value


@pytest.mark.parametrize("method, tail", [
    ("GET", ""), ("HEAD", ""), ("POST", ""), ("GET", "/1"), ("HEAD", "/1"),
    ("PUT", "/1"), ("DELETE", "/1"), ("PATCH", "/1/complete")])
def test_every_task_route_asks_for_a_token(alice, daemon, method, tail):
    daemon.expect_log("token refused")
    for headers in ({}, bearer("x.y.z")):
        response = daemon.http.request(method, alice.tasks + tail,
                                       headers=headers)
        assert response.status_code == 401
        if method != "HEAD":
            assert response.json() == REFUSED


def test_a_token_elsewhere_than_in_the_header_is_no_token(alice, daemon):
    daemon.expect_log("token refused")
    response = daemon.http.get(
        alice.tasks, params={"access_token": alice.token},
        headers={"Cookie": f"token={alice.token}; access_token={alice.token}",
                 "X-Authorization": f"Bearer {alice.token}"})
    assert response.status_code == 401


# -- our own tokens

def test_our_own_token_is_exactly_as_promised(daemon, alice):
    before = int(time.time())
    made = sign_in(daemon, alice.email).json()["access_token"]
    after = int(time.time())
    assert jwt.get_unverified_header(made) == HEADER
    claims = jwt.decode(made, SECRET, algorithms=["HS256"])
    assert set(claims) == {"user_id", "email", "exp", "sub", "iat"}
    assert (claims["user_id"], claims["sub"], claims["email"]) == (
        alice.id, alice.id, alice.email)
    assert type(claims["iat"]) is int and type(claims["exp"]) is int
    assert before <= claims["iat"] <= after
    assert claims["exp"] - claims["iat"] == WEEK


def test_our_own_token_is_canonical(daemon, alice):
    made = sign_in(daemon, alice.email).json()["access_token"]
    for text in made.split("."):
        assert "=" not in text
        assert segment(base64.urlsafe_b64decode(text + "===")) == text
    assert made.partition(".")[0] == segment(HEADER)


# -- other configurations

def test_another_daemons_secret_does_not_count_here(tmp, alice):
    other = "another-secret-of-more-than-32-bytes-for-the-tests"
    with Daemon(folder=tmp, env={"JWT_SECRET_KEY": other}) as daemon:
        user = sign_up(daemon)
        refused(user, bearer(mint(user.id)))
        accepted(user, mint(user.id, secret=other))
        made = sign_in(daemon, user.email).json()["access_token"]
        refused(alice, bearer(made))


def test_without_accounts_a_token_needs_no_account(tmp):
    with Daemon(folder=tmp, env={"ACCOUNTS": "off"}) as daemon:
        someone = str(uuid.uuid4())
        response = daemon.http.get(f"/api/{someone}/tasks",
                                   headers=bearer(mint(someone)))
        assert (response.status_code, response.json()) == (200, [])
        for path in ("/api/auth/signup", "/api/auth/signin"):
            response = daemon.wild.post(path, json={})
            assert (response.status_code, response.json()) == (
                404, {"detail": "Not Found"})
            assert path not in daemon.describe().document["paths"]
