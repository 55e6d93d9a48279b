"""Writes the seeds of a fuzz target into a folder: seeds.py TARGET FOLDER.

The shapes that a fuzzer would be long to find; it goes on from them."""

import json
import pathlib
import sys

ED = {"kty": "OKP", "crv": "Ed25519", "kid": "a", "alg": "EdDSA",
      "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
EC = {"kty": "EC", "crv": "P-256", "kid": "b", "use": "sig",
      "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
EC521 = {"kty": "EC", "crv": "P-521", "key_ops": ["verify"],
         "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_"
              "NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
         "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDl"
              "y79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}
RSA = {"kty": "RSA", "kid": "c", "e": "AQAB",
       "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx"
            "HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs"
            "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSH"
            "SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV"
            "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8"
            "NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}


def jwks(*keys):
    return json.dumps({"keys": keys})


def signed(kind, options, header, claims):
    return bytes([kind, options]) + f"{header}\n{claims}".encode()


HS = '{"alg":"HS256","typ":"JWT"}'
EDDSA = '{"alg":"EdDSA","kid":"a"}'
OWN = ('{"user_id":"6f0b9d3e-0c0e-4a51-8c0e-8b8a6f3f1d52","email":"a@b.c",'
       '"sub":"6f0b9d3e-0c0e-4a51-8c0e-8b8a6f3f1d52","iat":1795600800,'
       '"exp":1795601700}')
FOREIGN = ('{"sub":"u","iat":1795600800,"nbf":1795600800,"exp":1795601700,'
           '"iss":"me","aud":["x","you"],"name":"A\\u00e9"}')

SEEDS = {
    "token": [
        b"\0\0eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1In0.AAAA",
        b"\0\0eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ.e30.AAAA",
        b"\0\0..", b"\0\0Bearer a.b.c",
        signed(1, 0, HS, OWN), signed(2, 3, HS, FOREIGN),
        signed(2, 2, HS, '{"id":42}'), signed(3, 1, EDDSA, FOREIGN),
        signed(3, 0, EDDSA, '{"sub":"u","exp":900}'),
        signed(3, 0, '{"alg":"EdDSA","crit":["exp"]}', FOREIGN),
        signed(1, 0, HS, '{"sub":"u","exp":1e300,"nbf":-1e300,"iat":1e999}'),
        signed(1, 0, '{"alg":"HS256","kid":"\\u001b\\u009b"}', FOREIGN),
    ],
    "keyset": [
        jwks(ED), jwks(EC), jwks(EC521), jwks(RSA), jwks(ED, EC, EC521, RSA),
        jwks(ED, ED, {**ED, "kid": "d"}), jwks({**RSA, "alg": "PS256"}),
        jwks(None, 1, {}, {"kty": "oct", "k": "AA"}, {**EC, "d": "AA"}),
        jwks({**RSA, "e": "AQ"}, {**RSA, "n": "AQAB"}), jwks(), "{}", "[]",
    ],
    "json": [
        '{"a":[1,-0,1.5e3,true,false,null,"\\u00e9\\n\\ud83d\\ude00"]}',
        '[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]', '"\\ud800"', '"\\u0000"', '""',
        '{"a":1,"\\u0061":2}', '1e999', '-', '01', ' [ ] ', '\ufeff{}',
        '123456789012345678901234567890', '{"":{"":{}}}', '"\xe9\U0001f600"',
    ],
    "query": [
        "status\nstatus=all&status=pending", "a\n?a", "q\nq=%C3%A9+%zz%",
        "keyword\nkeyword=a%00b&&=&=x", "a b\na+b=1;c", "\n", "é\n%C3%A9=%FF",
    ],
    "path": [
        b"\0/", b"\0/api/u1/tasks", b"\3/api/u1/tasks/42?x=1",
        b"\4/api/u%31/tasks/42/complete/", b"\0/api/todos", b"\2/api/auth/signin",
        b"\0/openapi.json", b"\0/docs", b"\0//", b"\0/../a", b"\0/%2e%2e/a",
        b"\0/a%2fb", b"\0/a%00", b"\0/%C3%A9", b"\0/%ff",
        b"\0/" + b"a/" * 20, b"\0/api//tasks", b"\0x",
    ],
}


def main():
    target, folder = sys.argv[1:]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[target]):
        if isinstance(seed, str):
            seed = seed.encode()
        (folder / f"seed-{number:02}").write_bytes(seed)


main()
