"""The table of tokens: good ones of every algorithm, and all the ways to be
bad. A case says what is wrong with its token, the verdict, and words of the
reason, so that none is refused for another reason than its own."""

import dataclasses
import hashlib
import json
import time

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from forge import (CURVES, P256_ORDER, b64, compact, jwk_of, loosened,
                   make_key, number, public_forms, raw_pair, rsa_key, sign,
                   token, unb64)

NOW = int(time.time())
SECRET = b"of our own, and longer than 32 bytes"
SHARED = b"of another server, and longer than 32 bytes"
USER = "Abcdefghij0123456789klmnopqrstuv"
ISSUER = "https://auth.example"
ALGS = ("EdDSA", "RS256", "PS256", "ES256", "ES512")
SECRETS = {"own": SECRET, "shared": SHARED}

KEYS = {alg: make_key(alg, alg) for alg in ALGS}
JWKS = {"keys": [jwk_of(alg, KEYS[alg], "k-" + alg) for alg in ALGS]}


@dataclasses.dataclass
class Case:
    """One token, and what is to be said of it."""

    name: str
    token: object
    verdict: str = "denied"
    says: str = ""
    now: int = NOW
    jwks: object = dataclasses.field(default_factory=lambda: JWKS)
    secret: bytes = SECRET
    shared: bytes = SHARED
    issuer: str = ""
    audience: str = ""
    exp_optional: bool = False
    app: bool = True    # the application, by today's clock, says the same


def claims(**more):
    """Claims as a Better Auth server writes them; None removes one."""
    made = {"iat": NOW, "name": "Ada", "email": "ada@example.com",
            "emailVerified": False, "image": None, "id": USER, "sub": USER,
            "exp": NOW + 900, "iss": ISSUER, "aud": ISSUER, **more}
    return {key: value for key, value in made.items() if value is not None}


def header(alg, /, **more):
    made = {"alg": alg, "kid": None if alg == "HS256" else "k-" + alg, **more}
    return {key: value for key, value in made.items() if value is not None}


def signers():
    """(what, algorithm, key) of everybody who may sign."""
    for alg in ALGS:
        yield alg, alg, KEYS[alg]
    for who, secret in SECRETS.items():
        yield f"HS256, {who}", "HS256", secret


# -- good ones

def good():
    for what, alg, key in signers():
        yield Case(f"{what}: by cryptography",
                   token(header(alg), claims(), alg, key), "ok", USER)
        # PyJWT writes typ; its headers come in another order.
        kid = {} if alg == "HS256" else {"kid": "k-" + alg}
        yield Case(f"{what}: by PyJWT",
                   jwt.encode(claims(), key, algorithm=alg, headers=kid),
                   "ok", USER)
        for typ in ("JWT", "jwt", "at+jwt"):
            yield Case(f"{what}: typ {typ}",
                       token(header(alg, typ=typ), claims(), alg, key),
                       "ok", USER)
        yield Case(f"{what}: keys that the token brings along are ignored",
                   token(header(alg, jku="https://evil.example/jwks",
                                x5u="https://evil.example/x5u", x5c=["AAAA"],
                                jwk=jwk_of("ES256", make_key("ES256", "e"))),
                         claims(), alg, key), "ok", USER)
        yield Case(f"{what}: iss and aud are asked for",
                   token(header(alg), claims(aud=["x", ISSUER]), alg, key),
                   "ok", USER, issuer=ISSUER, audience=ISSUER)
    for alg in ALGS:
        yield Case(f"{alg}: without kid, the only key that fits",
                   token(header(alg, kid=None), claims(), alg, KEYS[alg]),
                   "ok", USER)
        jwk = jwk_of(alg, KEYS[alg], "k-" + alg)
        if alg != "PS256":
            del jwk["alg"]
        yield Case(f"{alg}: a key that names no algorithm",
                   token(header(alg), claims(), alg, KEYS[alg]),
                   "ok", USER, jwks={"keys": [jwk]})
        yield Case(f"{alg}: sub counts, and nothing else",
                   token(header(alg), claims(user_id="x", id=7), alg,
                         KEYS[alg]), "ok", USER)
    for bits in (3072, 4096):
        key = rsa_key(bits)
        yield Case(f"RS256: a key of {bits} bits",
                   token(header("RS256"), claims(), "RS256", key), "ok", USER,
                   jwks={"keys": [jwk_of("RS256", key, "k-RS256")]})
    yield Case("RS256: a zero before the modulus",
               token(header("RS256"), claims(), "RS256", KEYS["RS256"]),
               "ok", USER, jwks={"keys": [jwk_of(
                   "RS256", KEYS["RS256"], "k-RS256", n=b64(b"\0" + unb64(
                       jwk_of("RS256", KEYS["RS256"])["n"])))]})
    made = token(header("ES256"), claims(), "ES256", KEYS["ES256"])
    signed, _, signature = made.rpartition(".")
    raw = unb64(signature)
    other = P256_ORDER - int.from_bytes(raw[32:], "big")
    yield Case("ES256: the other s is as good",
               f"{signed}.{b64(raw[:32] + other.to_bytes(32, 'big'))}",
               "ok", USER)
    yield Case("HS256, shared: user_id before sub before id",
               token(header("HS256"), claims(user_id="first"), "HS256",
                     SHARED), "ok", "first")
    yield Case("HS256, shared: a number is its digits",
               token(header("HS256"), claims(sub=None, id=42), "HS256",
                     SHARED), "ok", "42")
    yield Case("HS256: both secrets may be one",
               token(header("HS256"), claims(), "HS256", SECRET), "ok", USER,
               shared=SECRET)


# -- the text of a token changed

def tampered():
    for what, alg, key in signers():
        made = token(header(alg), claims(), alg, key)
        parts = made.split(".")
        for i, segment in enumerate(("header", "payload", "signature")):
            def with_part(text, at=i):
                return ".".join(parts[:at] + [text] + parts[at + 1:])
            yield Case(f"{what}: padding after the {segment}",
                       with_part(parts[i] + "="), says="malformed"
                       if segment == "signature" else "")
            yield Case(f"{what}: a blank in the {segment}",
                       with_part(parts[i][:8] + " " + parts[i][8:]))
            yield Case(f"{what}: an empty {segment}", with_part(""))
            loose = loosened(parts[i])
            if loose:
                yield Case(f"{what}: spare bits in the {segment}",
                           with_part(loose))
        mismatch = "the signature does not match"
        yield Case(f"{what}: another header", ".".join(
            [b64(compact(header(alg, x=1)))] + parts[1:]), says=mismatch)
        yield Case(f"{what}: another user", ".".join(
            [parts[0], b64(compact(claims(sub="admin"))), parts[2]]),
            says=mismatch)
        raw = unb64(parts[2])
        changed = bytes([raw[0] ^ 1]) + raw[1:]
        yield Case(f"{what}: a bit of the signature changed",
                   f"{parts[0]}.{parts[1]}.{b64(changed)}", says=mismatch)
        for label, bytes_ in (("a byte short", raw[:-1]),
                              ("a byte long", raw + b"\0"),
                              ("a zero before", b"\0" + raw),
                              ("all zero", b"\0" * len(raw)),
                              ("one byte", b"\0")):
            yield Case(f"{what}: the signature is {label}",
                       f"{parts[0]}.{parts[1]}.{b64(bytes_)}", says="signature")
        yield Case(f"{what}: two segments", f"{parts[0]}.{parts[1]}",
                   says="three segments")
        yield Case(f"{what}: four segments", made + ".e30", says="malformed")
        yield Case(f"{what}: five segments, as JWE has",
                   f"{parts[0]}..{parts[1]}.{parts[2]}.{parts[2]}")
        yield Case(f"{what}: a byte past the end", made + "\0", app=False)
        yield Case(f"{what}: a line feed at the end", made + "\n", app=False)
        yield Case(f"{what}: too long", token(
            header(alg), claims(x="x" * 7000), alg, key), says="too long")


# -- the wrong key, or none

def forged():
    for what, alg, key in signers():
        stranger = b"x" * 40 if alg == "HS256" else make_key(alg, "stranger")
        yield Case(f"{what}: a stranger's key",
                   token(header(alg), claims(), alg, stranger),
                   says="does not match")
        signed = token(header(alg), claims(), alg, key).rpartition(".")[0]
        payload = signed.split(".")[1]
        for none in ("none", "None", "NONE", "nOnE", ""):
            head = b64(compact(header(alg, alg=none)))
            yield Case(f"{what}: alg {none!r} without a signature",
                       f"{head}.{payload}.")
            yield Case(f"{what}: alg {none!r} with one",
                       f"{head}.{payload}."
                       + b64(sign(alg, key, f"{head}.{payload}".encode())),
                       says="alg is not")
    for alg in ALGS:
        for form, data in public_forms(alg, KEYS[alg]).items():
            made = token(header("HS256", kid="k-" + alg), claims(), "HS256",
                         data)
            yield Case(f"HS256 keyed with the {form} of {alg}", made,
                       says="does not match")
            yield Case(f"HS256 keyed with the {form} of {alg}, no secret",
                       made, secret=b"", shared=b"", says="no secret")
        yield Case(f"{alg}: an unknown kid", token(
            header(alg, kid="unknown"), claims(), alg, KEYS[alg]), "unknown",
            "its key is not known")
        yield Case(f"{alg}: an empty kid", token(
            header(alg, kid=""), claims(), alg, KEYS[alg]), "unknown")
        for other in ALGS:
            if other == alg:
                continue
            yield Case(f"{alg}: the kid of {other}'s key", token(
                header(alg, kid="k-" + other), claims(), alg, KEYS[alg]),
                says="another alg")
        two = [jwk_of(alg, KEYS[alg], "a"), jwk_of(alg, make_key(alg, "b"),
                                                   "b")]
        yield Case(f"{alg}: without kid, and two keys fit", token(
            header(alg, kid=None), claims(), alg, KEYS[alg]),
            jwks={"keys": two}, says="several keys fit")
        yield Case(f"{alg}: a key that fits has another name", token(
            header(alg, kid="k"), claims(), alg, KEYS[alg]), "unknown",
            jwks={"keys": [jwk_of(alg, KEYS[alg])]})
    key = KEYS["RS256"]
    for alg, other in (("RS256", "PS256"), ("PS256", "RS256")):
        yield Case(f"{other} with a key for {alg}", token(
            header(other, kid="k"), claims(), other, key),
            jwks={"keys": [jwk_of(alg, key, "k")]}, says="another alg")
        yield Case(f"{alg} in name, {other} in fact", token(
            header(alg, kid="k"), claims(), alg, key, padding=other),
            jwks={"keys": [jwk_of(alg, key, "k")]}, says="does not match")
    yield Case("HS256 without any secret", token(
        header("HS256"), claims(), "HS256", b"x"), secret=b"", shared=b"",
        says="no secret")
    yield Case("HS256 keyed with nothing", token(
        header("HS256"), claims(), "HS256", b""), secret=b"", shared=b"",
        says="no secret")


# -- signatures that are nearly right

def crooked():
    mismatch = "the signature does not match"
    for alg in ("ES256", "ES512"):
        size = CURVES[alg][2]
        signed = token(header(alg), claims(), alg, KEYS[alg]).rpartition(
            ".")[0]
        raw = sign(alg, KEYS[alg], signed.encode())
        order = P256_ORDER if alg == "ES256" else 2 ** 521 - 1
        big = (order if alg == "ES256" else 2 ** 528 - 1).to_bytes(size, "big")
        zero = b"\0" * size
        for name, bytes_ in (
                ("as DER", sign(alg, KEYS[alg], signed.encode(), der=True)),
                ("r is zero", zero + raw[size:]),
                ("s is zero", raw[:size] + zero),
                ("r is the order or more", big + raw[size:]),
                ("s is the order or more", raw[:size] + big),
                ("r and s change places", raw[size:] + raw[:size]),
                ("each half a byte long",
                 b"\0" + raw[:size] + b"\0" + raw[size:])):
            yield Case(f"{alg}: {name}", f"{signed}.{b64(bytes_)}",
                       says="signature")
    other = {"ES256": hashes.SHA512, "ES512": hashes.SHA256}
    for alg, digest in other.items():
        yield Case(f"{alg}: another digest", token(
            header(alg), claims(), alg, KEYS[alg], digest=digest),
            says=mismatch)
    for digest in (hashes.SHA1, hashes.SHA384, hashes.SHA512):
        yield Case(f"RS256: by {digest.name}", token(
            header("RS256"), claims(), "RS256", KEYS["RS256"], digest=digest),
            says=mismatch)
        yield Case(f"PS256: by {digest.name}", token(
            header("PS256"), claims(), "PS256", KEYS["PS256"], digest=digest),
            says=mismatch)
    for salt in (0, 20, 31, 33, padding.PSS.MAX_LENGTH):
        yield Case(f"PS256: salt {salt}", token(
            header("PS256"), claims(), "PS256", KEYS["PS256"], salt=salt),
            says=mismatch)
    for digest in (hashlib.sha1, hashlib.sha384, hashlib.sha512):
        yield Case(f"HS256: by {digest().name}", token(
            header("HS256"), claims(), "HS256", SECRET, digest=digest),
            says="signature")
    signed = token(header("EdDSA"), claims(), "EdDSA", KEYS["EdDSA"])
    head, _, signature = signed.rpartition(".")
    raw = unb64(signature)
    order = 2 ** 252 + 27742317777372353535851937790883648493
    s = int.from_bytes(raw[32:], "little") + order
    yield Case("EdDSA: s plus the order",
               f"{head}.{b64(raw[:32] + s.to_bytes(32, 'little'))}",
               says=mismatch)
    yield Case("EdDSA: r of small order",
               f"{head}.{b64(bytes([1]) + bytes(31) + raw[32:])}",
               says=mismatch)


# -- headers, each with a signature that fits

HEADERS = {
    "alg in lower case": ({"alg": "rs256"}, "alg is not"),
    "alg with a blank": ({"alg": "RS256 "}, "alg is not"),
    "alg of another family": ({"alg": "RS512"}, "alg is not"),
    "alg HS512": ({"alg": "HS512"}, "alg is not"),
    "alg ES256K": ({"alg": "ES256K"}, "alg is not"),
    "alg null": (b'{"alg":null}', "alg is not"),
    "alg a number": ({"alg": 256}, "alg is not"),
    "alg an array": ({"alg": ["RS256"]}, "alg is not"),
    "no alg": (b'{"typ":"JWT"}', "alg is not"),
    "crit exp": ({"crit": ["exp"]}, "crit"),
    "crit empty": ({"crit": []}, "crit"),
    "crit null": (b'{"alg":"RS256","kid":"k-RS256","crit":null}', "crit"),
    "crit b64": ({"b64": False, "crit": ["b64"]}, "crit"),
    "typ JWE": ({"typ": "JWE"}, "typ"),
    "typ dpop+jwt": ({"typ": "dpop+jwt"}, "typ"),
    "typ empty": ({"typ": ""}, "typ"),
    "typ a number": ({"typ": 1}, "typ"),
    "typ an array": ({"typ": ["JWT"]}, "typ"),
    "kid a number": ({"kid": 1}, "kid"),
    "kid null": (b'{"alg":"RS256","kid":null}', "kid"),
    "kid an array": ({"kid": ["k-RS256"]}, "kid"),
    "kid an object": ({"kid": {"k": 1}}, "kid"),
    "kid of 129 bytes": ({"kid": "k" * 129}, "kid"),
    "alg twice": (b'{"alg":"none","alg":"RS256","kid":"k-RS256"}', "JSON"),
    "alg twice, once escaped":
        (b'{"alg":"RS256","a\\u006cg":"none","kid":"k-RS256"}', "JSON"),
    "kid twice": (b'{"alg":"RS256","kid":"k-ES256","kid":"k-RS256"}', "JSON"),
    "an array": (b'["RS256"]', "object"),
    "a string": (b'"RS256"', "object"),
    "null": (b"null", "object"),
    "a comma too many": (b'{"alg":"RS256",}', "JSON"),
    "two objects": (b'{"alg":"RS256"}{}', "JSON"),
    "a byte-order mark": (b'\xef\xbb\xbf{"alg":"RS256"}', "JSON"),
    "UTF-16": ('{"alg":"RS256"}'.encode("utf-16"), "JSON"),
    "invalid UTF-8": (b'{"alg":"RS256","x":"\xff"}', "JSON"),
    "an escaped NUL": (b'{"alg":"RS256","x":"\\u0000"}', "JSON"),
    "a NUL behind": (b'{"alg":"RS256"}\0', "JSON"),
    "too deep": (b'{"alg":"RS256","x":' + b"[" * 16 + b"]" * 16 + b"}",
                 "JSON"),
    "single quotes": (b"{'alg':'RS256'}", "JSON"),
}


def headers():
    for name, (value, says) in HEADERS.items():
        if isinstance(value, dict):
            value = header("RS256") | value
        yield Case(f"header: {name}", token(value, claims(), "RS256",
                                            KEYS["RS256"]), says=says)


# -- claims

CLAIMS = {
    "no user": ({"sub": None, "id": None}, "no user id"),
    "user empty": ({"sub": ""}, "user id"),
    "user true": ({"sub": True}, "user id"),
    "user an array": ({"sub": [USER]}, "user id"),
    "user an object": ({"sub": {"id": USER}}, "user id"),
    "user of 256 bytes": ({"sub": "u" * 256}, "user id"),
    "user with a line feed": ({"sub": "a\nb"}, "user id"),
    "user with a control": ({"sub": "a\x85b"}, "user id"),
    "no exp": ({"exp": None}, "no exp"),
    "exp a string": ({"exp": str(NOW + 900)}, "not a date"),
    "exp true": ({"exp": True}, "not a date"),
    "exp an array": ({"exp": [NOW + 900]}, "not a date"),
    "exp an object": ({"exp": {}}, "not a date"),
    "nbf a string": ({"nbf": "0"}, "not a date"),
    "nbf true": ({"nbf": True}, "not a date"),
    "nbf an array": ({"nbf": [0]}, "not a date"),
    "iat a string": ({"iat": "now"}, "not a date"),
    "iat false": ({"iat": False}, "not a date"),
    "iat an object": ({"iat": {}}, "not a date"),
    "not yet valid": ({"nbf": NOW + 900}, "not valid yet"),
    "not yet valid, and expired": ({"nbf": NOW + 900, "exp": 0},
                                   "not valid yet"),
}
# Payloads that no dict can say.
PAYLOADS = {
    "exp null": (b'{"sub":"u","exp":null}', "not a date"),
    "exp infinite": (b'{"sub":"u","exp":1e999}', "not a date"),
    "nbf null": (b'{"sub":"u","exp":9999999999,"nbf":null}', "not a date"),
    "iat null": (b'{"sub":"u","exp":9999999999,"iat":null}', "not a date"),
    "user null": (b'{"sub":null,"exp":9999999999}', "user id"),
    "user 1.5": (b'{"sub":1.5,"exp":9999999999}', "user id"),
    "user beyond 2^53": (b'{"sub":9007199254740993,"exp":9999999999}',
                         "user id"),
    "user with a NUL": (b'{"sub":"a\\u0000b","exp":9999999999}', "JSON"),
    "user a lone surrogate": (b'{"sub":"\\ud800","exp":9999999999}', "JSON"),
    "sub twice": (b'{"sub":"a","sub":"b","exp":9999999999}', "JSON"),
    "sub twice, once escaped":
        (b'{"sub":"a","s\\u0075b":"b","exp":9999999999}', "JSON"),
    "exp twice": (b'{"sub":"u","exp":0,"exp":9999999999}', "JSON"),
    "exp NaN": (b'{"sub":"u","exp":NaN}', "JSON"),
    "an array": (b'[{"sub":"u","exp":9999999999}]', "object"),
    "a string": (b'"u"', "object"),
    "null": (b"null", "object"),
    "no JSON": (b"u", "JSON"),
    "cut off": (b'{"sub":"u","exp":9999999999', "JSON"),
    "bytes behind": (b'{"sub":"u","exp":9999999999}x', "JSON"),
    "a byte-order mark": (b'\xef\xbb\xbf{"sub":"u","exp":9999999999}', "JSON"),
    "UTF-16": ('{"sub":"u","exp":9999999999}'.encode("utf-16"), "JSON"),
    "invalid UTF-8": (b'{"sub":"\xc3","exp":9999999999}', "JSON"),
    "too deep": (b'{"sub":"u","exp":9999999999,"x":' + b"[" * 16 + b"]" * 16
                 + b"}", "JSON"),
}


def bad_claims():
    for what, alg, key in (("EdDSA", "EdDSA", KEYS["EdDSA"]),
                           ("HS256, own", "HS256", SECRET),
                           ("HS256, shared", "HS256", SHARED)):
        for name, (change, says) in CLAIMS.items():
            yield Case(f"{what}: {name}", token(
                header(alg), claims(**change), alg, key), says=says)
        for name, (payload, says) in PAYLOADS.items():
            yield Case(f"{what}: {name}", token(
                header(alg), payload, alg, key), says=says)
        inner = token(header(alg), claims(), alg, key)
        yield Case(f"{what}: a token in a token", token(
            header(alg, cty="JWT"), inner.encode(), alg, key), says="JSON")
        yield Case(f"{what}: a token in a token, quoted", token(
            header(alg, cty="JWT"), json.dumps(inner).encode(), alg, key),
            says="object")
    for alg in ALGS:
        key = KEYS[alg]
        yield Case(f"{alg}: a number is no sub", token(
            header(alg), claims(sub=7), alg, key), says="user id")
        yield Case(f"{alg}: user_id and id are no sub", token(
            header(alg), claims(sub=None, user_id="x"), alg, key),
            says="no user id")
        yield Case(f"{alg}: exp is never optional", token(
            header(alg), claims(exp=None), alg, key), exp_optional=True,
            says="no exp")
    for who, secret in SECRETS.items():
        yield Case(f"HS256, {who}: exp may be optional", token(
            header("HS256"), claims(exp=None), "HS256", secret), "ok", USER,
            exp_optional=True)
        yield Case(f"HS256, {who}: but null is no exp", token(
            header("HS256"), b'{"sub":"u","exp":null}', "HS256", secret),
            exp_optional=True, says="not a date")


def issuers():
    wanted = {"issuer": ISSUER, "audience": "me"}
    for what, alg, key in (("EdDSA", "EdDSA", KEYS["EdDSA"]),
                           ("HS256, shared", "HS256", SHARED)):
        for name, change, says in (
                ("no iss", {"iss": None}, "iss"),
                ("another iss", {"iss": ISSUER + "/"}, "iss"),
                ("iss in another case", {"iss": ISSUER.upper()}, "iss"),
                ("iss a number", {"iss": 1}, "iss"),
                ("iss an array", {"iss": [ISSUER]}, "iss"),
                ("no aud", {"aud": None}, "aud"),
                ("another aud", {"aud": "you"}, "aud"),
                ("aud empty", {"aud": ""}, "aud"),
                ("aud an empty array", {"aud": []}, "aud"),
                ("aud of others", {"aud": ["you", "them"]}, "aud"),
                ("aud an array with a number", {"aud": ["me", 1]}, "aud"),
                ("aud in an array in an array", {"aud": [["me"]]}, "aud"),
                ("aud an object", {"aud": {"me": True}}, "aud")):
            yield Case(f"{what}: {name}", token(
                header(alg), claims(**{"aud": "me", **change}), alg, key),
                says=says, **wanted)
        yield Case(f"{what}: expired, and another issuer's", token(
            header(alg), claims(exp=NOW - 900, iss="x", aud="me"), alg, key),
            says="iss", **wanted)
        yield Case(f"{what}: iss and aud of any kind when nobody asks", token(
            header(alg), claims(iss=1, aud={}), alg, key), "ok", USER)
    yield Case("HS256, own: is not asked for iss and aud", token(
        header("HS256"), claims(iss=None, aud=None), "HS256", SECRET), "ok",
        USER, **wanted)
    for name, change in (("another iss", {"iss": "x"}),
                         ("another aud", {"aud": ["you"]})):
        yield Case(f"HS256, own: {name} is not ours", token(
            header("HS256"), claims(iss=None, aud=None) | change, "HS256",
            SECRET), says=next(iter(change)), **wanted)
    yield Case("HS256, own: but with the right ones", token(
        header("HS256"), claims(aud="me"), "HS256", SECRET), "ok", USER,
        **wanted)
    yield Case("HS256 by a secret that both have: is asked", token(
        header("HS256"), claims(iss=None, aud=None), "HS256", SECRET),
        says="iss", shared=SECRET, **wanted)


# -- time, to the second; 30 s of leeway

def times():
    for what, alg, key in signers():
        for name, change, verdict in (
                ("exp 29 s ago", {"exp": NOW - 29}, "ok"),
                ("exp 30 s ago", {"exp": NOW - 30}, "expired"),
                ("exp 31 s ago", {"exp": NOW - 31}, "expired"),
                ("exp 29.5 s ago", {"exp": NOW - 29.5}, "ok"),
                ("exp 30.5 s ago", {"exp": NOW - 30.5}, "expired"),
                ("nbf in 29 s", {"nbf": NOW + 29}, "ok"),
                ("nbf in 30 s", {"nbf": NOW + 30}, "ok"),
                ("nbf in 31 s", {"nbf": NOW + 31}, "denied"),
                ("iat in an hour", {"iat": NOW + 3600}, "ok"),
                ("exp in 1970", {"exp": 900}, "expired"),
                ("exp negative", {"exp": -1}, "expired"),
                ("exp far away", {"exp": 10 ** 18}, "ok")):
            yield Case(f"{what}: {name}", token(
                header(alg), claims(**change), alg, key), verdict,
                USER if verdict == "ok" else "", app=False)
        made = token(header(alg), claims(exp=NOW - 900), alg, key)
        yield Case(f"{what}: expired", made, "expired", "expired")
        raw = unb64(made.rpartition(".")[2])
        yield Case(f"{what}: expired and forged is forged",
                   made.rpartition(".")[0] + "."
                   + b64(raw[:-1] + bytes([raw[-1] ^ 1])), says="signature")
        yield Case(f"{what}: expired without a user", token(
            header(alg), claims(exp=0, sub=None, id=None), alg, key),
            says="no user id")


# -- sets with keys that must not be used

def weak_sets():
    def by(jwk, alg, key, name):
        return Case(f"key set: {name}", token(
            header(alg, kid="k"), claims(), alg, key), "unknown",
            jwks={"keys": [jwk, jwk_of("EdDSA", KEYS["EdDSA"], "other")]})

    weak = rsa_key(1024)
    yield by(jwk_of("RS256", weak, "k"), "RS256", weak, "RSA of 1024 bits")
    key = KEYS["RS256"]
    jwk = jwk_of("RS256", key, "k")
    for value in (0, 1, 2, 3, 65536, 2 ** 32 + 1):
        yield by(jwk | {"e": number(value)}, "RS256", key,
                 f"RSA exponent {value}")
    yield by(jwk | {"use": "enc"}, "RS256", key, "a key for encryption")
    yield by(jwk | {"key_ops": ["sign"]}, "RS256", key, "a key for signing")
    yield by(jwk | {"alg": "RS384"}, "RS256", key, "a key for RS384")
    yield by(jwk | {"d": number(3)}, "RS256", key, "a private key")
    yield by(jwk | {"n": jwk["n"] + "="}, "RS256", key, "a padded modulus")
    yield by(jwk | {"n": number(2 ** 8199 + 1)}, "RS256", key,
             "RSA of 8200 bits")
    prime = rsa_key(4096).private_numbers().p
    yield by(jwk | {"n": number(prime)}, "RS256", key, "RSA modulo a prime")
    multiple = unb64(jwk["n"])
    multiple = int.from_bytes(multiple, "big") // 6 * 6 + 3
    yield by(jwk | {"n": number(multiple)}, "RS256", key,
             "RSA with a small factor")
    yield by(jwk | {"kty": "oct", "k": b64(SECRET), "alg": "HS256"}, "RS256",
             key, "a symmetric key")
    for alg in ("ES256", "ES512"):
        key = KEYS[alg]
        jwk = jwk_of(alg, key, "k")
        y = unb64(jwk["y"])
        yield by(jwk | {"y": b64(y[:-1] + bytes([y[-1] ^ 1]))}, alg, key,
                 f"{alg}: a point off the curve")
        yield by(jwk | {"y": b64(y[1:])}, alg, key, f"{alg}: y too short")
        yield by(jwk | {"x": b64(b"\0" + unb64(jwk["x"]))}, alg, key,
                 f"{alg}: x too long")
        yield by(jwk | {"crv": "P-384"}, alg, key, f"{alg}: another curve")
    key = KEYS["EdDSA"]
    jwk = jwk_of("EdDSA", key, "k")
    yield by(jwk | {"x": b64(bytes(31))}, "EdDSA", key, "Ed25519 too short")
    yield by(jwk | {"x": b64(bytes([1]) + bytes(31))}, "EdDSA", key,
             "Ed25519 of small order")
    yield by(jwk | {"crv": "Ed448"}, "EdDSA", key, "Ed448")
    # With a key of small order anybody could sign.
    yield Case("key set: a signature for a key of small order",
               f"{b64(compact(header('EdDSA', kid='k')))}."
               f"{b64(compact(claims()))}."
               + b64(bytes([1]) + bytes(63)), "unknown",
               jwks={"keys": [jwk | {"x": b64(bytes([1]) + bytes(31))},
                              jwk_of("ES256", KEYS["ES256"], "other")]})


GROUPS = (good, tampered, forged, crooked, headers, bad_claims, issuers,
          times, weak_sets)
