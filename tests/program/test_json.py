"""Request bodies: malformed ones are a 400, text comes back exactly."""

import json

import pytest

from expect import bad_json, detail

ORIGIN = "http://localhost:3000"
VALID = ('{"title":"T\u00ef \\u00e9\\ud83d\\ude00 \U0001f600",'
         '"description":null,"x":[1,-2.5e+3,true,{"y":"\\n"}]}').encode()


def nested(depth, opening=b"[", closing=b"]"):
    return (b'{"title":"a","x":' + opening * depth + b"1"
            + closing * depth + b"}")


def in_string(data):
    return b'{"title":"' + data + b'"}'


def as_value(data):
    return b'{"title":"a","x":' + data + b"}"


BAD_UTF8 = [
    b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc3", b"\xc3(", b"\xe2\x82",
    b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf",
    b"\xed\xa0\xbd\xed\xb8\x80", b"\xf0\x9f\x98", b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80", b"\xfe", b"\xff", b"\xff\xfe", b"a\xe9b",
]
BAD_STRINGS = [
    b"\\u0000", b"a\\u0000b", b"\x00", b"\\ud800", b"\\udfff", b"\\ud83d",
    b"\\ud83dx", b"\\ud83d\\n", b"\\ud83d\\ud83d", b"\\ude00\\ud83d",
    b"\\ud83d\\u0041", b"\\uD83D\\u", b"\\u", b"\\u1", b"\\u12", b"\\u123",
    b"\\u12g4", b"\\u+123", b"\\u 123", b"\\U0041", b"\\x41", b"\\'", b"\\a",
    b"\\0", b"\\101", b"\\v", b"\\ ", b"\\", b"\n", b"\r", b"\t", b"\b",
    b"\x01", b"\x1f", b"\\\n",
]
BAD_VALUES = [
    b"", b"NaN", b"-NaN", b"nan", b"Infinity", b"-Infinity", b"inf", b"+1",
    b"01", b"-01", b"00", b"-", b".5", b"-.5", b"1.", b"1.e3", b"1e", b"1e+",
    b"1e1.5", b"0x10", b"0b1", b"0o7", b"1_000", b"1,", b"1 2", b"--1", b"1-",
    b"True", b"TRUE", b"tru", b"truee", b"False", b"None", b"NULL", b"nul",
    b"undefined", b"'a'", b"`a`", b"a", b'"a', b'a"', b'"a" "b"', b"[1",
    b"1]", b"[1,]", b"[,1]", b"[,]", b"[1,,2]", b"[1 2]", b"[1:2]", b"[",
    b"]", b"[}", b"{]", b"{", b"{,}", b'{"a"}', b'{"a":}', b'{"a":1,}',
    b'{"a" 1}', b'{"a"::1}', b'{"a":1 "b":2}', b'{"a":1;"b":2}', b"{a:1}",
    b"{'a':1}", b"{1:1}", b"{null:1}", b'{"a":1,,"b":2}', b'{:1}', b"1//x",
    b"1/*x*/", b"/**/1", b"#", b"@", b"<a/>", b"\xe2\x88\x921", b"\xc2\xa01",
    b"\x0b1", b"\x0c1", b"\xe2\x80\xa81", b"(1)", b"$1", b"*a", b"&a 1",
    b'"\\u0000"', b'{"\\u0000":1}', b'{"\\ud800":1}', b'{"\xff":1}', b"\x00",
    b"1\x00",
]
BAD_DUPLICATES = [
    b'{"title":"a","title":"b"}', b'{"title":"a","title":"a"}',
    b'{"title":"a","\\u0074itle":"b"}', b'{"title":"a","x":1,"x":1}',
    b'{"title":"a","x":{"y":1,"y":2}}', b'{"title":"a","x":[{"y":1,"y":1}]}',
    b'{"title":"a","":1,"":2}', b'{"title":"a","\\u00e9":1,"\xc3\xa9":2}',
]
BAD_BODIES = [
    b" ", b"\n", b"\r\n\t ", b"\x00", b"title", b"title=a", b"title=a&x=b",
    b"<title>a</title>", b"{", b"}", b"[", b"]", b"{}}", b"{}{}", b"{} {}",
    b"{},", b"{};", b"{}\x00", b"\x00{}", b"{}x", b"{}null", b"[]]", b"nul",
    b"nulll", b"null null", b'"', b"'", b'"\\"', b"{'title':'a'}",
    b"{title:'a'}", b'{"title":"a"', b'"title":"a"', b'{"title":"a"}}',
    b'{"title":"a"} x', b'{"title":"a"}\x00', b'{"title":"a"}//x',
    b'/**/{"title":"a"}', b'\xef\xbb\xbf{"title":"a"}', b"\xef\xbb\xbf",
    '{"title":"a"}'.encode("utf-16"), '{"title":"a"}'.encode("utf-16-le"),
    '{"title":"a"}'.encode("utf-32-be"), b"\x1f\x8b\x08\x00", b"\xff" * 40,
    b"jsonp({})", b")]}',\n{}", b"--x\r\nContent-Type: text/plain\r\n\r\na",
]
TOO_DEEP = [
    nested(100), nested(1000), nested(30000), b"[" * 60000, b"{" * 60000,
    b'{"a":' * 10000, nested(5000, b'{"a":', b"}"), b"[" * 200 + b"]" * 200,
    nested(64), b"]" * 60000,
]
MALFORMED = [
    *map(in_string, BAD_UTF8), *map(in_string, BAD_STRINGS),
    *map(as_value, BAD_VALUES), *BAD_DUPLICATES, *BAD_BODIES, *TOO_DEEP,
]


def short(data):
    return ascii(data if len(data) < 40 else data[:37] + b"...")[1:]


def refuses(user, body, method="POST", path=None):
    response = user.request(method, path or user.tasks, content=body, headers={
        "Content-Type": "application/json", "Origin": ORIGIN})
    assert response.headers["access-control-allow-origin"] == ORIGIN
    bad_json(response)


@pytest.mark.parametrize("body", MALFORMED, ids=short)
def test_a_malformed_body_is_refused(alice, body):
    refuses(alice, body)


@pytest.mark.parametrize("number", [
    b"1e309", b"-1e309", b"1e999999999", b"1e-999999999", b"9" * 400,
    b"-" + b"9" * 5000, b"0." + b"0" * 5000 + b"1", b"1" + b"0" * 40000,
    b"1E400", b"123456789012345678901234567890.5e-10"], ids=short)
def test_a_huge_number_is_no_server_error(user, number):
    """Such a number is legal JSON: ignored, or refused, never a crash."""
    response = user.request("POST", user.tasks, content=as_value(number))
    assert response.status_code in (201, 400)
    assert len(user.list()) == (response.status_code == 201)


def test_a_body_cut_at_any_byte_is_refused(alice):
    assert json.loads(VALID)
    for length in range(1, len(VALID)):
        refuses(alice, VALID[:length])


def test_a_body_with_any_byte_missing_is_no_server_error(user):
    for place in range(len(VALID)):
        response = user.request(
            "POST", user.tasks, content=VALID[:place] + VALID[place + 1:])
        assert response.status_code in (201, 400), place


def test_a_body_with_any_byte_made_invalid_is_refused(alice):
    for place in range(len(VALID)):
        refuses(alice, VALID[:place] + b"\xff" + VALID[place + 1:])


def test_the_other_routes_refuse_malformed_bodies_too(alice, daemon):
    task = alice.create()
    for body in (b"{", b"\xff", b'{"title":"a"}x', b'{"x":NaN}',
                 in_string(b"\\ud800"), *BAD_DUPLICATES[:2]):
        refuses(alice, body, "PUT", alice.task(task["id"]))
        for path in ("/api/auth/signup", "/api/auth/signin"):
            bad_json(daemon.http.post(path, content=body))
    assert alice.get(task["id"]) == task


def test_malformed_json_comes_before_a_bad_id(alice):
    refuses(alice, b"{", "PUT", alice.task("x"))


def test_malformed_json_comes_after_the_token(alice, daemon):
    daemon.expect_log("token refused")
    for headers in ({}, {"Authorization": "Bearer x"}):
        response = daemon.http.post(alice.tasks, content=b"{",
                                    headers=headers)
        detail(response, 401, "Invalid or expired token")


# -- what is well-formed

@pytest.mark.parametrize("body", [
    b' \t\r\n{ "title" \n:\t"a" } \r\n', b'{"\\u0074\\u0069tle":"a"}',
    b'{"title":"\\u0061"}', b'{"x":{"title":"b"},"title":"a"}',
    b'{"title":"a","Title":"b","TITLE":"c"}', nested(10),
    b'{"title":"a","x":[{},[],"",0,-0,0.0,1E5,1e-5,-1.5e+10,true,false,null]}',
    b'{"title":"a","":1," ":2,"\\n":3}', b'{"title":"a","x":{},"y":{}}',
    b'{"title":"a","x":{"k":1},"y":{"k":1}}',
], ids=short)
def test_well_formed_json_is_taken_in_any_spelling(alice, body):
    response = alice.request("POST", alice.tasks, content=body)
    assert response.status_code == 201, response.text
    assert response.json()["title"] == "a"


TEXTS = [
    "plain", "\u00e9 vs e\u0301", "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1e9\U0001f1ea \u2764\ufe0f",
    "\u0939\u093f\u0928\u094d\u0926\u0940",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627", "\u202eback",
    "a\u2028b\u2029c", "line\nfeed\r\ntab\tend", "\x01\x02\x1e\x1f\b\f|",
    "\x7f\x80\x9f|", "\"quotes\" and \\back\\slashes\\", "</script><b>&amp;",
    "%00 %s %n ${x} {{y}}", "'; DROP TABLE tasks; --", "_ % * ?",
    "\ufeffbom", "\ufffd\ufffe\uffff|", "\U0010ffff", "\ue000\U000f0000",
    "\u0130\u0131\u1e9e\u00df\ufb01", "Z\u0351\u036b\u0343\u036a\u0302" * 5,
    "\u200b\u200c\u200d\u2060|", "null", "0", "\\u0041", "\\n",
]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_text_comes_back_exactly(alice, text):
    for ensure_ascii in (True, False):
        body = json.dumps({"title": text, "description": text},
                          ensure_ascii=ensure_ascii).encode()
        response = alice.request("POST", alice.tasks, content=body)
        assert response.status_code == 201, response.text
        task = response.json()
        assert (task["title"], task["description"]) == (text, text)
        assert alice.get(task["id"]) == task
    assert task in alice.list()


def test_control_characters_are_escaped_in_answers(alice):
    text = "".join(map(chr, range(1, 32)))
    response = alice.request("POST", alice.tasks,
                             json={"title": "a", "description": text})
    assert response.status_code == 201
    assert not set(response.content) & set(range(32))
    assert response.json()["description"] == text


def test_every_plane_of_unicode_comes_back(alice):
    for start in range(0x80, 0x110000, 0x3f7f):
        text = "".join(chr(code) for code in range(start, start + 0x3f7f, 17)
                       if not 0xd800 <= code < 0xe000 and code < 0x110000)
        text = text[:1000]
        task = alice.create("plane", description=text)
        assert task["description"] == text
        assert alice.get(task["id"])["description"] == text
