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

HTTP_GET = b"GET /a?b HTTP/1.1\r\nHost: x\r\n"
HTTP_POST = b"POST / HTTP/1.1\r\nHost: [::1]:80\r\n"
HTTP_CHUNKS = HTTP_POST + b"Transfer-Encoding: chunked\r\n\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n"

SEEDS = {
    # The first byte is how long the pieces are.
    "http": [b"\x00" + data for data in (
        HTTP_GET + b"\r\n", b"\r\n" + HTTP_GET + b"\r\nGET",
        HTTP_GET + b"A:\t b \r\nConnection: close, keep-alive\r\n\r\n",
        b"GET http://u:80?q HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
        b"OPTIONS http://x HTTP/1.9\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: a%20b\r\n\r\n", b"PRI * HTTP/2.0\r\n",
        HTTP_POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        HTTP_CHUNKS + b"3\r\nabc\r\n0A;a=\"b\"\r\n0123456789\r\n"
        b"0\r\nA: b\r\n\r\nGET", HTTP_CHUNKS + b"FFFFFFFFFFFFFFFF\r\n",
        HTTP_POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        HTTP_GET + b"A:b\r\n" * 101, b"GET /" + b"a" * 5000)],
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
    "forwarded": [
        "203.0.113.66, 10.0.0.2", "[2a00::1]:80,unknown,_x", "a.example:443",
        'for="[2a00::1]:_p";proto=https;host="a.example:80"', "https", "unix",
        'for=10.0.0.1, FOR="\\"10.0.0.2",;by=x;;for=10.0.0.3', 'for="10.0.0.1',
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
    "proxyheader": [
        b"\0PROXY TCP4 192.0.2.1 198.51.100.2 56789 443\r\nGET /",
        b"\1PROXY TCP6 2001:db8::1 ::1 56789 443\r\n",
        b"\2PROXY UNKNOWN x y\r\n", b"\3PROXY TCP4 1.2.3.4\r\r\n",
        b"\4" + V2 + b"\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdd\xd5\1\xbb",
        b"\5" + V2 + b"\x21\x21\0\x24" + bytes(36),
        b"\6" + V2 + b"\x21\x31\0\xd8" + bytes(216),
        b"\7" + V2 + b"\x20\0\0\0", b"\7" + V2 + b"\x21\x11\2\x08",
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
