"""Raw requests and what RFC 9112 and 9110 ask for.

Each case is (name, bytes, status, persists). The requests go to /health and
/api/auth/signin, which answer 200 and, without a body, 400.
"""

HOST = b"Host: x\r\n"
GET = b"GET /health HTTP/1.1\r\n" + HOST
POST = b"POST /api/auth/signin HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"\r\n"
ALIVE, ENDED = True, False


def line(start):
    """A request with this request line, which is otherwise well-formed."""
    return start + b"\r\n" + HOST + END


def field(text):
    """A GET with one more field line."""
    return GET + text + b"\r\n\r\n"


def post(fields, body=b""):
    """A POST with these field lines and what follows them."""
    return POST + fields + b"\r\n\r\n" + body


def host(value):
    """A GET with this Host alone."""
    return b"GET /health HTTP/1.1\r\nHost: " + value + b"\r\n\r\n"


METHODS = [
    ("GET", line(b"GET /health HTTP/1.1"), 200, ALIVE),
    ("HEAD", line(b"HEAD /health HTTP/1.1"), 200, ALIVE),
    ("OPTIONS", line(b"OPTIONS /health HTTP/1.1"), 204, ALIVE),
    ("POST where there is none", line(b"POST /health HTTP/1.1"), 405, ALIVE),
    ("PUT where there is none", line(b"PUT /health HTTP/1.1"), 405, ALIVE),
    ("PATCH where there is none", line(b"PATCH /health HTTP/1.1"), 405, ALIVE),
    ("DELETE where there is none", line(b"DELETE /health HTTP/1.1"), 405,
     ALIVE),
    ("TRACE", line(b"TRACE /health HTTP/1.1"), 501, ALIVE),
    ("an unknown method", line(b"BREW /health HTTP/1.1"), 501, ALIVE),
    ("a method in lower case", line(b"get /health HTTP/1.1"), 501, ALIVE),
    ("an odd method", line(b"!#$%&'*+-.^_`|~ /health HTTP/1.1"), 501, ALIVE),
    ("a method of 200 bytes", line(b"M" * 200 + b" / HTTP/1.1"), 501, ALIVE),
    ("a method of 5000 bytes", line(b"M" * 5000 + b" / HTTP/1.1"), 501, ENDED),
    ("CONNECT", line(b"CONNECT x:443 HTTP/1.1"), 501, ENDED),
    ("CONNECT with a path", line(b"CONNECT /health HTTP/1.1"), 400, ENDED),
    ("CONNECT to an address", line(b"CONNECT [::1]:443 HTTP/1.1"), 501, ENDED),
    ("CONNECT without a port", line(b"CONNECT x HTTP/1.1"), 400, ENDED),
    ("CONNECT to an address without one", line(b"CONNECT [::1] HTTP/1.1"),
     400, ENDED),
    ("CONNECT to an empty port", line(b"CONNECT x: HTTP/1.1"), 400, ENDED),
    ("CONNECT to port 0", line(b"CONNECT x:00 HTTP/1.1"), 400, ENDED),
    ("no method", line(b" /health HTTP/1.1"), 400, ENDED),
    ("a method with a bracket", line(b"G[T /health HTTP/1.1"), 400, ENDED),
    ("a method with a colon", line(b"GET: /health HTTP/1.1"), 400, ENDED),
    ("a method with NUL", line(b"G\0T /health HTTP/1.1"), 400, ENDED),
    ("a method beyond ASCII", line(b"G\xc3\x89T /health HTTP/1.1"), 400,
     ENDED),
]

LINES = [
    ("a query", line(b"GET /health?a=b&c HTTP/1.1"), 200, ALIVE),
    ("a query with signs", line(b"GET /health?{a}|[b]^`\\\" HTTP/1.1"), 200,
     ALIVE),
    ("an unknown path", line(b"GET /nothing HTTP/1.1"), 404, ALIVE),
    ("a bad escape", line(b"GET /%zz HTTP/1.1"), 400, ALIVE),
    ("an escaped NUL", line(b"GET /health%00 HTTP/1.1"), 400, ALIVE),
    ("an escaped slash", line(b"GET /%2Fhealth HTTP/1.1"), 400, ALIVE),
    ("two spaces after the method", line(b"GET  /health HTTP/1.1"), 400,
     ENDED),
    ("two spaces after the target", line(b"GET /health  HTTP/1.1"), 400,
     ENDED),
    ("a space at the end", line(b"GET /health HTTP/1.1 "), 400, ENDED),
    ("a tab after the method", line(b"GET\t/health HTTP/1.1"), 400, ENDED),
    ("a tab after the target", line(b"GET /health\tHTTP/1.1"), 400, ENDED),
    ("a form feed after the target", line(b"GET /health\x0cHTTP/1.1"), 400,
     ENDED),
    ("a space in the target", line(b"GET /hea lth HTTP/1.1"), 400, ENDED),
    ("a fragment", line(b"GET /health#a HTTP/1.1"), 400, ENDED),
    ("NUL in the target", line(b"GET /health\0 HTTP/1.1"), 400, ENDED),
    ("a control in the target", line(b"GET /health\x1b HTTP/1.1"), 400, ENDED),
    ("DEL in the target", line(b"GET /health\x7f HTTP/1.1"), 400, ENDED),
    ("CR in the target", line(b"GET /health\r HTTP/1.1"), 400, ENDED),
    ("LF in the target", line(b"GET /health\n HTTP/1.1"), 400, ENDED),
    ("UTF-8 in the target", line(b"GET /h\xc3\xa9alth HTTP/1.1"), 400, ENDED),
    ("Latin-1 in the target", line(b"GET /h\xe9alth HTTP/1.1"), 400, ENDED),
    ("no version", line(b"GET /health"), 400, ENDED),
    ("no target", line(b"GET HTTP/1.1"), 400, ENDED),
    ("only a method", line(b"GET"), 400, ENDED),
    ("only a space", line(b"GET "), 400, ENDED),
    ("a relative target", line(b"GET health HTTP/1.1"), 400, ENDED),
    ("a star", line(b"GET * HTTP/1.1"), 400, ENDED),
    ("a star for OPTIONS", line(b"OPTIONS * HTTP/1.1"), 204, ALIVE),
    ("two stars for OPTIONS", line(b"OPTIONS ** HTTP/1.1"), 400, ENDED),
    ("an authority", line(b"GET x:80 HTTP/1.1"), 400, ENDED),
    ("the absolute form", line(b"GET http://x/health HTTP/1.1"), 200, ALIVE),
    ("another host in it", line(b"GET http://y/health HTTP/1.1"), 200, ALIVE),
    ("it in capitals", line(b"GET HTTP://X:80/health HTTP/1.1"), 200, ALIVE),
    ("https", line(b"GET https://x/health HTTP/1.1"), 200, ALIVE),
    ("an address in it", line(b"GET http://[::1]/health HTTP/1.1"), 200,
     ALIVE),
    ("it without a path", line(b"GET http://x HTTP/1.1"), 200, ALIVE),
    ("it with a query only", line(b"GET http://x?a HTTP/1.1"), 200, ALIVE),
    ("it without a host", line(b"GET http:///health HTTP/1.1"), 400, ENDED),
    ("it with a user", line(b"GET http://u@x/health HTTP/1.1"), 400, ENDED),
    ("no address in it", line(b"GET http://[1::2::3]/health HTTP/1.1"), 400,
     ENDED),
    ("it with an odd port", line(b"GET http://x:a/health HTTP/1.1"), 400,
     ENDED),
    ("another scheme", line(b"GET ftp://x/health HTTP/1.1"), 400, ENDED),
    ("the absolute form of OPTIONS", line(b"OPTIONS http://x HTTP/1.1"), 204,
     ALIVE),
    ("a line of 4000 bytes", line(b"GET /health?" + b"a" * 3979 +
                                  b" HTTP/1.1"), 200, ALIVE),
    ("a line of 4096 bytes", line(b"GET /health?" + b"a" * 4075 +
                                  b" HTTP/1.1"), 200, ALIVE),
    ("a line of 4097 bytes", line(b"GET /health?" + b"a" * 4076 +
                                  b" HTTP/1.1"), 414, ENDED),
    ("a line of 9000 bytes", line(b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414,
     ENDED),
    ("a line of 90000 bytes", line(b"GET /" + b"a" * 90000 + b" HTTP/1.1"),
     414, ENDED),
]

VERSIONS = [
    ("1.0", b"GET /health HTTP/1.0\r\n\r\n", 200, ENDED),
    ("1.0 with a host", line(b"GET /health HTTP/1.0"), 200, ENDED),
    ("1.0 that stays", b"GET /health HTTP/1.0\r\n"
     b"Connection: keep-alive\r\n\r\n", 200, ALIVE),
    ("1.2", line(b"GET /health HTTP/1.2"), 200, ALIVE),
    ("2.0", line(b"GET /health HTTP/2.0"), 505, ENDED),
    ("0.9", line(b"GET /health HTTP/0.9"), 505, ENDED),
    ("9.9", line(b"GET /health HTTP/9.9"), 505, ENDED),
    ("1.10", line(b"GET /health HTTP/1.10"), 400, ENDED),
    ("11.1", line(b"GET /health HTTP/11.1"), 400, ENDED),
    ("1", line(b"GET /health HTTP/1"), 400, ENDED),
    ("1.", line(b"GET /health HTTP/1."), 400, ENDED),
    (".1", line(b"GET /health HTTP/.1"), 400, ENDED),
    ("1,1", line(b"GET /health HTTP/1,1"), 400, ENDED),
    ("a.b", line(b"GET /health HTTP/a.b"), 400, ENDED),
    ("-1.1", line(b"GET /health HTTP/-1.1"), 400, ENDED),
    ("http in lower case", line(b"GET /health http/1.1"), 400, ENDED),
    ("Http", line(b"GET /health Http/1.1"), 400, ENDED),
    ("HTTP without a number", line(b"GET /health HTTP"), 400, ENDED),
    ("another protocol", line(b"GET /health ICAP/1.0"), 400, ENDED),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, ENDED),
    ("an upgrade to h2c", field(b"Connection: Upgrade, HTTP2-Settings\r\n"
                                b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAA"),
     200, ALIVE),
    ("a TLS hello", b"\x16\x03\x01\x00\x30\x01\x00\x00", 400, ENDED),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", 400, ENDED),
    ("SMTP", b"EHLO example.com\r\n", 400, ENDED),
]

HOSTS = [
    ("none", b"GET /health HTTP/1.1\r\n\r\n", 400, ENDED),
    ("two", GET + HOST + END, 400, ENDED),
    ("two that differ", GET + b"host: y\r\n\r\n", 400, ENDED),
    ("two in 1.0", b"GET /health HTTP/1.0\r\n" + HOST + HOST + END, 400,
     ENDED),
    ("empty", host(b""), 200, ALIVE),
    ("a name", host(b"example.com"), 200, ALIVE),
    ("a name with a dot at its end", host(b"example.com."), 200, ALIVE),
    ("a port", host(b"example.com:8000"), 200, ALIVE),
    ("an empty port", host(b"example.com:"), 200, ALIVE),
    ("an IPv4 address", host(b"127.0.0.1:80"), 200, ALIVE),
    ("an IPv6 address", host(b"[::1]:80"), 200, ALIVE),
    ("an IPv4 address in brackets", host(b"[1.2.3.4]"), 400, ENDED),
    ("only colons in brackets", host(b"[:::::]"), 400, ENDED),
    ("too long a group in brackets", host(b"[12345::]"), 400, ENDED),
    ("a dot in brackets", host(b"[.]:80"), 400, ENDED),
    ("a zone in brackets", host(b"[fe80::1%25eth0]"), 400, ENDED),
    ("an IPv6 address that does not end", host(b"[::1"), 400, ENDED),
    ("an empty IPv6 address", host(b"[]"), 400, ENDED),
    ("an IPv6 address and more", host(b"[::1]x"), 400, ENDED),
    ("an IPv6 address without brackets", host(b"::1"), 400, ENDED),
    ("a port that is none", host(b"x:http"), 400, ENDED),
    ("a negative port", host(b"x:-1"), 400, ENDED),
    ("a port past 65535", host(b"x:65536"), 400, ENDED),
    ("a space", host(b"a b"), 400, ENDED),
    ("a tab", host(b"a\tb"), 400, ENDED),
    ("a slash", host(b"a/b"), 400, ENDED),
    ("a backslash", host(b"a\\b"), 400, ENDED),
    ("a user", host(b"a@b"), 400, ENDED),
    ("a query", host(b"a?b"), 400, ENDED),
    ("a quote", host(b"a\"b"), 400, ENDED),
    ("an angle bracket", host(b"<a>"), 400, ENDED),
    ("a byte beyond ASCII", host(b"a\xc3\xa9"), 400, ENDED),
    ("half an escape", host(b"a%2"), 400, ENDED),
    ("NUL", host(b"a\0b"), 400, ENDED),
    ("a blank before the colon", b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
     400, ENDED),
]

FIELDS = [
    ("no blank after the colon", field(b"A:b"), 200, ALIVE),
    ("many blanks", field(b"A: \t  b \t "), 200, ALIVE),
    ("an empty value", field(b"A:"), 200, ALIVE),
    ("a value of blanks", field(b"A: \t "), 200, ALIVE),
    ("obs-text", field(b"A: \x80\xff\xc3\xa9"), 200, ALIVE),
    ("colons in a value", field(b"A: b:c::d"), 200, ALIVE),
    ("every sign of a token", field(b"!#$%&'*+-.^_`|~0Aa: b"), 200, ALIVE),
    ("the same name twice", field(b"A: b\r\nA: c"), 200, ALIVE),
    ("a blank before the colon", field(b"A : b"), 400, ENDED),
    ("a tab before the colon", field(b"A\t: b"), 400, ENDED),
    ("no colon", field(b"A"), 400, ENDED),
    ("no name", field(b": b"), 400, ENDED),
    ("only a colon", field(b":"), 400, ENDED),
    ("a space in a name", field(b"A B: c"), 400, ENDED),
    ("a bracket in a name", field(b"A(B): c"), 400, ENDED),
    ("a quote in a name", field(b"\"A\": c"), 400, ENDED),
    ("an at sign in a name", field(b"A@B: c"), 400, ENDED),
    ("a name beyond ASCII", field(b"\xc3\xa9: b"), 400, ENDED),
    ("NUL in a name", field(b"A\0: b"), 400, ENDED),
    ("NUL at the start of a line", field(b"\0A: b"), 400, ENDED),
    ("NUL in a value", field(b"A: b\0c"), 400, ENDED),
    ("SOH in a value", field(b"A: b\x01c"), 400, ENDED),
    ("ESC in a value", field(b"A: \x1b[2J"), 400, ENDED),
    ("a vertical tab in a value", field(b"A: b\x0bc"), 400, ENDED),
    ("DEL in a value", field(b"A: b\x7f"), 400, ENDED),
    ("a folded value", field(b"A: b\r\n c"), 400, ENDED),
    ("a value folded by a tab", field(b"A: b\r\n\tc"), 400, ENDED),
    ("a folded empty line", field(b"A: b\r\n "), 400, ENDED),
    ("a blank before the first name",
     b"GET /health HTTP/1.1\r\n Host: x\r\n\r\n", 400, ENDED),
    ("16 KiB of fields", field(b"A: " + b"a" * (
        16384 - len(HOST) - len(b"A: \r\n\r\n"))), 200, ALIVE),
    ("one byte more", field(b"A: " + b"a" * (
        16385 - len(HOST) - len(b"A: \r\n\r\n"))), 431, ENDED),
    ("a field of 90000 bytes", field(b"A: " + b"a" * 90000), 431, ENDED),
    ("a name of 90000 bytes", field(b"a" * 90000 + b": b"), 431, ENDED),
    ("blanks of 90000 bytes", field(b"A:" + b" " * 90000 + b"b"), 431, ENDED),
    ("100 fields", GET + b"A: b\r\n" * 99 + END, 200, ALIVE),
    ("101 fields", GET + b"A: b\r\n" * 100 + END, 431, ENDED),
    ("9000 fields", GET + b"A: b\r\n" * 9000 + END, 431, ENDED),
]

LINE_ENDS = [
    ("an empty line before", b"\r\n" + GET + END, 200, ALIVE),
    ("two empty lines before", b"\r\n\r\n" + GET + END, 400, ENDED),
    ("LF before", b"\n" + GET + END, 400, ENDED),
    ("CR before", b"\r" + GET + END, 400, ENDED),
    ("a space before", b" " + GET + END, 400, ENDED),
    ("NUL before", b"\0" + GET + END, 400, ENDED),
    ("a BOM before", b"\xef\xbb\xbf" + GET + END, 400, ENDED),
    ("only LF", b"GET /health HTTP/1.1\nHost: x\n\n", 400, ENDED),
    ("only CR", b"GET /health HTTP/1.1\rHost: x\r\r", 400, ENDED),
    ("LF after the request line", b"GET /health HTTP/1.1\n" + HOST + END, 400,
     ENDED),
    ("LF after a field", GET + b"A: b\nC: d\r\n\r\n", 400, ENDED),
    ("LF at the end", GET + b"\n", 400, ENDED),
    ("LF LF at the end", GET[:-2] + b"\n\n", 400, ENDED),
    ("CR in a value", field(b"A: b\rc"), 400, ENDED),
    ("CR CR LF", field(b"A: b\r"), 400, ENDED),
    ("CR and something at the end", GET + b"\rX", 400, ENDED),
]

LENGTHS = [
    ("none", POST + END, 400, ALIVE),
    ("0", post(b"Content-Length: 0"), 400, ALIVE),
    ("2", post(b"Content-Length: 2", b"{}"), 400, ALIVE),
    ("0002", post(b"Content-Length: 0002", b"{}"), 400, ALIVE),
    ("blanks around it", post(b"Content-Length: \t 2 \t", b"{}"), 400, ALIVE),
    ("in capitals", post(b"CONTENT-LENGTH:2", b"{}"), 400, ALIVE),
    ("of 64 KiB", post(b"Content-Length: 65536", b" " * 65536), 400, ALIVE),
    ("one byte more", post(b"Content-Length: 65537", b" " * 65537), 413,
     ENDED),
    ("beyond 2^64", post(b"Content-Length: 99999999999999999999", b"{}"), 413,
     ENDED),
    ("2 modulo 2^64", post(b"Content-Length: 18446744073709551618", b"{}"),
     413, ENDED),
    ("2 modulo 2^32", post(b"Content-Length: 4294967298", b"{}"), 413, ENDED),
    ("of a path that is not there",
     b"POST /nothing HTTP/1.1\r\n" + HOST + b"Content-Length: 99999\r\n\r\n",
     404, ENDED),
    ("twice", post(b"Content-Length: 2\r\nContent-Length: 2", b"{}"), 400,
     ENDED),
    ("twice and different",
     post(b"Content-Length: 2\r\nContent-Length: 3", b"{}"), 400, ENDED),
    ("a list", post(b"Content-Length: 2, 2", b"{}"), 400, ENDED),
    ("empty", post(b"Content-Length:", b"{}"), 400, ENDED),
    ("+2", post(b"Content-Length: +2", b"{}"), 400, ENDED),
    ("-2", post(b"Content-Length: -2", b"{}"), 400, ENDED),
    ("0x2", post(b"Content-Length: 0x2", b"{}"), 400, ENDED),
    ("2.0", post(b"Content-Length: 2.0", b"{}"), 400, ENDED),
    ("2 2", post(b"Content-Length: 2 2", b"{}"), 400, ENDED),
    ("2;a", post(b"Content-Length: 2;a", b"{}"), 400, ENDED),
    ("quoted", post(b"Content-Length: \"2\"", b"{}"), 400, ENDED),
    ("a word", post(b"Content-Length: two", b"{}"), 400, ENDED),
    ("Arabic digits", post(b"Content-Length: \xd9\xa2", b"{}"), 400, ENDED),
    ("a blank before the colon", post(b"Content-Length : 2", b"{}"), 400,
     ENDED),
    ("folded", post(b"Content-Length:\r\n 2", b"{}"), 400, ENDED),
    ("of GET", GET + b"Content-Length: 4\r\n\r\nGET ", 200, ALIVE),
    ("of HEAD", b"HEAD /health HTTP/1.1\r\n" + HOST +
     b"Content-Length: 4\r\n\r\nGET ", 200, ALIVE),
    ("of DELETE", b"DELETE /health HTTP/1.1\r\n" + HOST +
     b"Content-Length: 4\r\n\r\nGET ", 405, ALIVE),
    ("of OPTIONS", b"OPTIONS /health HTTP/1.1\r\n" + HOST +
     b"Content-Length: 4\r\n\r\nGET ", 204, ALIVE),
    ("of TRACE", b"TRACE /health HTTP/1.1\r\n" + HOST +
     b"Content-Length: 4\r\n\r\nGET ", 501, ALIVE),
    ("of 1.0", b"POST /api/auth/signin HTTP/1.0\r\n"
     b"Content-Length: 2\r\n\r\n{}", 400, ENDED),
]

CODINGS = [
    ("chunked", CHUNKED + b"2\r\n{}\r\n0\r\n\r\n", 400, ALIVE),
    ("Chunked", post(b"transfer-encoding:\tChunked ",
                     b"2\r\n{}\r\n0\r\n\r\n"), 400, ALIVE),
    ("chunked of GET", GET + b"Transfer-Encoding: chunked\r\n\r\n"
     b"4\r\nGET \r\n0\r\n\r\n", 200, ALIVE),
    ("chunked of HEAD", b"HEAD /health HTTP/1.1\r\n" + HOST +
     b"Transfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\n\r\n", 200, ALIVE),
    ("chunked of an unknown method", b"BREW /health HTTP/1.1\r\n" + HOST +
     b"Transfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\n\r\n", 501, ALIVE),
    ("TE only says what the client takes", field(b"TE: trailers, gzip"), 200,
     ALIVE),
    ("with a length before", post(b"Content-Length: 5\r\n"
                                  b"Transfer-Encoding: chunked",
                                  b"0\r\n\r\n"), 400, ENDED),
    ("with a length behind", post(b"Transfer-Encoding: chunked\r\n"
                                  b"Content-Length: 5", b"0\r\n\r\n"), 400,
     ENDED),
    ("twice", post(b"Transfer-Encoding: chunked\r\n"
                   b"Transfer-Encoding: chunked", b"0\r\n\r\n"), 400, ENDED),
    ("twice in a line", post(b"Transfer-Encoding: chunked, chunked",
                             b"0\r\n\r\n"), 400, ENDED),
    ("and identity", post(b"Transfer-Encoding: chunked\r\n"
                          b"Transfer-Encoding: identity", b"0\r\n\r\n"), 400,
     ENDED),
    ("gzip before", post(b"Transfer-Encoding: gzip, chunked", b"0\r\n\r\n"),
     501, ENDED),
    ("gzip behind", post(b"Transfer-Encoding: chunked, gzip", b"0\r\n\r\n"),
     400, ENDED),
    ("gzip alone", post(b"Transfer-Encoding: gzip", b"0\r\n\r\n"), 400, ENDED),
    ("identity", post(b"Transfer-Encoding: identity", b"{}"), 400, ENDED),
    ("empty", post(b"Transfer-Encoding:", b"{}"), 400, ENDED),
    ("xchunked", post(b"Transfer-Encoding: xchunked", b"0\r\n\r\n"), 400,
     ENDED),
    ("chunkedx", post(b"Transfer-Encoding: chunkedx", b"0\r\n\r\n"), 400,
     ENDED),
    ("quoted", post(b"Transfer-Encoding: \"chunked\"", b"0\r\n\r\n"), 400,
     ENDED),
    ("a parameter", post(b"Transfer-Encoding: chunked;a=b", b"0\r\n\r\n"),
     400, ENDED),
    ("a vertical tab before", post(b"Transfer-Encoding: \x0bchunked",
                                   b"0\r\n\r\n"), 400, ENDED),
    ("NUL behind", post(b"Transfer-Encoding: chunked\0", b"0\r\n\r\n"), 400,
     ENDED),
    ("a blank before the colon", post(b"Transfer-Encoding : chunked",
                                      b"0\r\n\r\n"), 400, ENDED),
    ("folded", post(b"Transfer-Encoding:\r\n chunked", b"0\r\n\r\n"), 400,
     ENDED),
    ("in 1.0", b"POST /api/auth/signin HTTP/1.0\r\n" + HOST +
     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ENDED),
    ("in 1.0 with a length", b"POST /api/auth/signin HTTP/1.0\r\n"
     b"Connection: keep-alive\r\nContent-Length: 5\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ENDED),
]

CHUNKS = [
    ("one by one", CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 400, ALIVE),
    ("zeros before the size", CHUNKED + b"0000000002\r\n{}\r\n000\r\n\r\n",
     400, ALIVE),
    ("a size in capitals", CHUNKED + b"A\r\n" + b" " * 10 + b"\r\n0\r\n\r\n",
     400, ALIVE),
    ("a size in small letters", CHUNKED + b"a\r\n" + b" " * 10 +
     b"\r\n0\r\n\r\n", 400, ALIVE),
    ("an extension", CHUNKED + b"2;a\r\n{}\r\n0\r\n\r\n", 400, ALIVE),
    ("an extension with a value", CHUNKED + b"2;a=b;c=\"d;\"\r\n{}\r\n"
     b"0;e\r\n\r\n", 400, ALIVE),
    ("blanks around an extension", CHUNKED + b"2 ; a = b\r\n{}\r\n0\r\n\r\n",
     400, ALIVE),
    ("trailers", CHUNKED + b"0\r\nA: b\r\nHost: y\r\n"
     b"Content-Length: 7\r\n\r\n", 400, ALIVE),
    ("64 KiB in chunks", CHUNKED + (b"1000\r\n" + b" " * 4096 + b"\r\n") * 16 +
     b"0\r\n\r\n", 400, ALIVE),
    ("a byte more in chunks", CHUNKED + (b"1000\r\n" + b" " * 4096 +
                                         b"\r\n") * 16 + b"1\r\n \r\n", 413,
     ENDED),
    ("a chunk too large", CHUNKED + b"10001\r\n", 413, ENDED),
    ("a chunk of 2^64 - 1", CHUNKED + b"FFFFFFFFFFFFFFFF\r\n", 413, ENDED),
    ("a chunk of 2^64", CHUNKED + b"10000000000000000\r\n", 400, ENDED),
    ("a size of very many digits", CHUNKED + b"0" * 9000, 400, ENDED),
    ("0x2", CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n", 400, ENDED),
    ("+2", CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n", 400, ENDED),
    ("-2", CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n", 400, ENDED),
    ("2 junk", CHUNKED + b"2 junk\r\n{}\r\n0\r\n\r\n", 400, ENDED),
    ("2 and a blank", CHUNKED + b"2 \r\n{}\r\n0\r\n\r\n", 400, ENDED),
    ("a blank and 2", CHUNKED + b" 2\r\n{}\r\n0\r\n\r\n", 400, ENDED),
    ("a size with a dot", CHUNKED + b"2.0\r\n{}\r\n0\r\n\r\n", 400, ENDED),
    ("a size with an underscore", CHUNKED + b"0_2\r\n{}\r\n0\r\n\r\n", 400,
     ENDED),
    ("a size that is no number", CHUNKED + b"zz\r\n", 400, ENDED),
    ("no size", CHUNKED + b"\r\n", 400, ENDED),
    ("no size but an extension", CHUNKED + b";a\r\n", 400, ENDED),
    ("an extension without a name", CHUNKED + b"2;\r\n{}\r\n", 400, ENDED),
    ("an extension with LF", CHUNKED + b"2;a\n{}\r\n0\r\n\r\n", 400, ENDED),
    ("an extension with CR", CHUNKED + b"2;a\rb\r\n{}\r\n", 400, ENDED),
    ("an extension with NUL", CHUNKED + b"2;\0\r\n{}\r\n", 400, ENDED),
    ("an extension of 90000 bytes", CHUNKED + b"2;" + b"a" * 90000, 400,
     ENDED),
    ("LF after a size", CHUNKED + b"2\n{}\r\n0\r\n\r\n", 400, ENDED),
    ("CR after a size", CHUNKED + b"2\r{}\r\n0\r\n\r\n", 400, ENDED),
    ("LF after a chunk", CHUNKED + b"2\r\n{}\n0\r\n\r\n", 400, ENDED),
    ("nothing after a chunk", CHUNKED + b"2\r\n{}0\r\n\r\n", 400, ENDED),
    ("a chunk longer than its size", CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n", 400,
     ENDED),
    ("a chunk shorter than its size", CHUNKED + b"6\r\n{}\r\n0\r\n\r\n", 400,
     ENDED),
    ("LF at the end", CHUNKED + b"0\r\n\n", 400, ENDED),
    ("CR and something at the end", CHUNKED + b"0\r\n\rX", 400, ENDED),
    ("a trailer without a colon", CHUNKED + b"0\r\nA\r\n\r\n", 400, ENDED),
    ("a trailer with a blank", CHUNKED + b"0\r\nA : b\r\n\r\n", 400, ENDED),
    ("a folded trailer", CHUNKED + b"0\r\nA: b\r\n c\r\n\r\n", 400, ENDED),
    ("a trailer with NUL", CHUNKED + b"0\r\nA: \0\r\n\r\n", 400, ENDED),
    ("trailers of 90000 bytes", CHUNKED + b"0\r\n" + b"A: b\r\n" * 15000, 431,
     ENDED),
]

CONNECTIONS = [
    ("close", field(b"Connection: close"), 200, ENDED),
    ("Close", field(b"connection:Close"), 200, ENDED),
    ("close in a list", field(b"Connection: te , close"), 200, ENDED),
    ("close in a second line", field(b"Connection: te\r\nConnection: close"),
     200, ENDED),
    ("keep-alive", field(b"Connection: keep-alive"), 200, ALIVE),
    ("keep-alive and close", field(b"Connection: keep-alive, close"), 200,
     ENDED),
    ("closed", field(b"Connection: closed"), 200, ALIVE),
    ("empty", field(b"Connection:"), 200, ALIVE),
    ("a proxy's", field(b"Proxy-Connection: close"), 200, ALIVE),
    ("close of an error", b"GET /nothing HTTP/1.1\r\n" + HOST +
     b"Connection: close\r\n\r\n", 404, ENDED),
]

EXPECTATIONS = [
    ("100-continue", post(b"Expect: 100-continue\r\nContent-Length: 2",
                          b"{}"), 400, ALIVE),
    ("100-Continue", post(b"expect:100-Continue\r\nContent-Length: 2", b"{}"),
     400, ALIVE),
    ("with chunks", post(b"Expect: 100-continue\r\n"
                         b"Transfer-Encoding: chunked",
                         b"2\r\n{}\r\n0\r\n\r\n"), 400, ALIVE),
    ("without a body", field(b"Expect: 100-continue"), 200, ALIVE),
    ("of too much", post(b"Expect: 100-continue\r\n"
                         b"Content-Length: 65537"), 413, ENDED),
    ("another", post(b"Expect: tea\r\nContent-Length: 2", b"{}"), 417, ENDED),
    ("an empty one", field(b"Expect:"), 417, ENDED),
    ("two", field(b"Expect: 100-continue, tea"), 417, ENDED),
    ("in 1.0", b"POST /api/auth/signin HTTP/1.0\r\nExpect: tea\r\n"
     b"Content-Length: 2\r\n\r\n{}", 400, ENDED),
]

FAMILIES = {
    "method": METHODS, "line": LINES, "version": VERSIONS, "host": HOSTS,
    "field": FIELDS, "line end": LINE_ENDS, "length": LENGTHS,
    "coding": CODINGS, "chunk": CHUNKS, "connection": CONNECTIONS,
    "expectation": EXPECTATIONS,
}
CASES = [(f"{family}: {name}", data, status, persists)
         for family, cases in FAMILIES.items()
         for name, data, status, persists in cases]
