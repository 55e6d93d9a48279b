/*
 * Requests from bytes.  Every case is read whole, byte by byte and cut in two
 * at every place, which must make no difference; what was read is written and
 * read again.
 */
#include "config.h"

#include "core/httpparser.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/httpwriter.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define HOST "Host: x\r\n"
#define GET  "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define TE   POST "Transfer-Encoding: chunked\r\n\r\n"

/* With the NULs inside, without the one at the end. */
#define BYTES(literal)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct {
	const char *name;
	struct text bytes;
	const char *request; /* "METHOD target body" */
	size_t rest;	     /* bytes that belong to the next request */
} good[] = {
	{ "a plain request", BYTES(GET "\r\n"), "GET / ", 0 },
	{ "one after it", BYTES(GET "\r\nGET"), "GET / ", 3 },
	{ "an empty line before it", BYTES("\r\n" GET "\r\n"), "GET / ", 0 },
	{ "the host in any place",
	  BYTES("GET /a?b=c HTTP/1.1\r\nA: b\r\nhOST:x:80\r\n\r\n"),
	  "GET /a?b=c ", 0 },
	{ "an empty host", BYTES("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "GET / ",
	  0 },
	{ "an address as the host",
	  BYTES("GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n"), "GET / ", 0 },
	{ "an escape in the host",
	  BYTES("GET / HTTP/1.1\r\nHost: a%20b\r\n\r\n"), "GET / ", 0 },
	{ "a higher minor version", BYTES("GET / HTTP/1.9\r\nHost: x\r\n\r\n"),
	  "GET / ", 0 },
	{ "an older one, without a host", BYTES("GET / HTTP/1.0\r\n\r\n"),
	  "GET / ", 0 },
	{ "an unknown method", BYTES("BREW /pot HTTP/1.1\r\n" HOST "\r\n"),
	  "? /pot ", 0 },
	{ "a method in lower case", BYTES("get / HTTP/1.1\r\n" HOST "\r\n"),
	  "? / ", 0 },
	{ "a long method",
	  BYTES("GETGETGETGETGETGETGETGETGETGETGET / HTTP/1.1\r\n" HOST "\r\n"),
	  "? / ", 0 },
	{ "an authority to connect to",
	  BYTES("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n"), "? x:443 ",
	  0 },
	{ "the whole server", BYTES("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"),
	  "OPTIONS * ", 0 },
	{ "an absolute target",
	  BYTES("GET http://y:1/p/q?r HTTP/1.1\r\n" HOST "\r\n"), "GET /p/q?r ",
	  0 },
	{ "an absolute target without a path",
	  BYTES("GET HTTPS://yy HTTP/1.1\r\n" HOST "\r\n"), "GET / ", 0 },
	{ "an absolute target with a query only",
	  BYTES("GET http://y?q=/ HTTP/1.1\r\n" HOST "\r\n"), "GET /?q=/ ", 0 },
	{ "an absolute target that is the whole server",
	  BYTES("OPTIONS http://y HTTP/1.1\r\n" HOST "\r\n"), "OPTIONS * ", 0 },
	{ "what browsers do not escape",
	  BYTES("GET /{a}|b\\c^d`e?\"<'[0]=> HTTP/1.1\r\n" HOST "\r\n"),
	  "GET /{a}|b\\c^d`e?\"<'[0]=> ", 0 },
	{ "odd but legal names and values",
	  BYTES(GET
		"!#$%&'*+-.^_`|~9: \t \x80\xff \t a\t \r\nB:\r\nC: \r\n\r\n"),
	  "GET / ", 0 },
	{ "a body", BYTES(POST "Content-Length: 3\r\n\r\nabc"), "POST / abc",
	  0 },
	{ "a body and more", BYTES(POST "Content-Length: 3\r\n\r\nabcGET"),
	  "POST / abc", 3 },
	{ "a length with zeros before it",
	  BYTES(POST "Content-Length: 0000000000000000000000000003\r\n\r\nabc"),
	  "POST / abc", 0 },
	{ "an empty body", BYTES(POST "Content-Length: 0\r\n\r\n"), "POST / ",
	  0 },
	{ "no length at all", BYTES(POST "\r\n"), "POST / ", 0 },
	{ "a body of GET", BYTES(GET "Content-Length: 5\r\n\r\nGET /"),
	  "GET / GET /", 0 },
	{ "a body of HEAD",
	  BYTES("HEAD / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"),
	  "HEAD / abc", 0 },
	{ "a body of an unknown method",
	  BYTES("TRACE / HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
	  "? / a", 0 },
	{ "chunks", BYTES(TE "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET"),
	  "POST / abc0123456789", 3 },
	{ "chunks in other words",
	  BYTES(POST
		"tRANSFER-eNCODING: \t CHUNKED \r\n\r\n1\r\na\r\n00\r\n\r\n"),
	  "POST / a", 0 },
	{ "no chunks", BYTES(TE "0\r\n\r\n"), "POST / ", 0 },
	{ "sizes in both cases, with zeros",
	  BYTES(TE "00000000000000aA\r\n"
		   "0123456789012345678901234567890123456789"
		   "0123456789012345678901234567890123456789"
		   "0123456789012345678901234567890123456789"
		   "01234567890123456789012345678901234567890123456789\r\n"
		   "0\r\n\r\n"),
	  NULL, 0 },
	{ "extensions of chunks",
	  BYTES(TE "1;a\r\na\r\n1;a=b;c\r\nb\r\n1 ; a=\"b;\" \r\nc\r\n"
		   "0;last\r\n\r\n"),
	  "POST / abc", 0 },
	{ "trailers",
	  BYTES(TE "1\r\na\r\n0\r\nA: b\r\nContent-Length: 7\r\n\r\n"),
	  "POST / a", 0 },
	{ "a client that waits",
	  BYTES(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\na"),
	  "POST / a", 0 },
	{ "an expectation of an older client",
	  BYTES("POST / HTTP/1.0\r\nExpect: tea\r\nContent-Length: 1\r\n\r\na"),
	  "POST / a", 0 },
};

static const struct {
	const char *name;
	struct text bytes;
	int status;
} bad[] = {
	{ "two empty lines", BYTES("\r\n\r\n" GET "\r\n"), 400 },
	{ "an empty line ended by LF", BYTES("\n" GET "\r\n"), 400 },
	{ "a CR alone", BYTES("\r" GET "\r\n"), 400 },
	{ "no method", BYTES(" / HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "a method with a colon", BYTES("GET: / HTTP/1.1\r\n"), 400 },
	{ "a NUL in the method", BYTES("G\0T / HTTP/1.1\r\n"), 400 },
	{ "a tab after the method", BYTES("GET\t/ HTTP/1.1\r\n"), 400 },
	{ "two spaces after the method", BYTES("GET  / HTTP/1.1\r\n"), 400 },
	{ "two spaces after the target", BYTES("GET /  HTTP/1.1\r\n"), 400 },
	{ "a space in the target", BYTES("GET / x HTTP/1.1\r\n"), 400 },
	{ "a space after the version", BYTES("GET / HTTP/1.1 \r\n"), 400 },
	{ "a fragment", BYTES("GET /#a HTTP/1.1\r\n"), 400 },
	{ "a control in the target", BYTES("GET /\x01 HTTP/1.1\r\n"), 400 },
	{ "DEL in the target", BYTES("GET /\x7f HTTP/1.1\r\n"), 400 },
	{ "a byte beyond ASCII in the target",
	  BYTES("GET /\xc3\xa9 HTTP/1.1\r\n"), 400 },
	{ "no version", BYTES("GET /\r\n\r\n"), 400 },
	{ "only a method", BYTES("GET\r\n\r\n"), 400 },
	{ "a version in lower case", BYTES("GET / http/1.1\r\n"), 400 },
	{ "another protocol", BYTES("GET / HTTPS/1.1\r\n"), 400 },
	{ "a version of two digits", BYTES("GET / HTTP/1.10\r\n"), 400 },
	{ "a version without a minor one", BYTES("GET / HTTP/1\r\n"), 400 },
	{ "a version with a comma", BYTES("GET / HTTP/1,1\r\n"), 400 },
	{ "version 0.9", BYTES("GET / HTTP/0.9\r\n" HOST "\r\n"), 505 },
	{ "version 2.0", BYTES("GET / HTTP/2.0\r\n" HOST "\r\n"), 505 },
	{ "the preface of HTTP/2", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	  505 },
	{ "LF after the version", BYTES("GET / HTTP/1.1\n" HOST "\r\n"), 400 },
	{ "CR alone after the version", BYTES("GET / HTTP/1.1\rHost: x\r\n"),
	  400 },
	{ "the whole server for GET", BYTES("GET * HTTP/1.1\r\n" HOST "\r\n"),
	  400 },
	{ "a target that is no path", BYTES("GET a HTTP/1.1\r\n" HOST "\r\n"),
	  400 },
	{ "an authority for GET", BYTES("GET x:80 HTTP/1.1\r\n" HOST "\r\n"),
	  400 },
	{ "a path to connect to", BYTES("CONNECT / HTTP/1.1\r\n" HOST "\r\n"),
	  400 },
	{ "a host without a port to connect to",
	  BYTES("CONNECT x HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "an absolute target of another scheme",
	  BYTES("GET ftp://x/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "an absolute target without a host",
	  BYTES("GET http:///a HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "an absolute target with only a port",
	  BYTES("GET http://:80/a HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "an absolute target with a user",
	  BYTES("GET http://a@b/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "an absolute target with one slash",
	  BYTES("GET http:/x HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "no host", BYTES("GET / HTTP/1.1\r\n\r\n"), 400 },
	{ "two hosts", BYTES(GET HOST "\r\n"), 400 },
	{ "two hosts in 1.0", BYTES("GET / HTTP/1.0\r\n" HOST HOST "\r\n"),
	  400 },
	{ "a space in the host", BYTES("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
	  400 },
	{ "a path in the host", BYTES("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
	  400 },
	{ "a user in the host", BYTES("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"),
	  400 },
	{ "a port that is none", BYTES("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
	  400 },
	{ "a port that is too high",
	  BYTES("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"), 400 },
	{ "an address that does not end",
	  BYTES("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400 },
	{ "an address and more",
	  BYTES("GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n"), 400 },
	{ "half an escape in the host",
	  BYTES("GET / HTTP/1.1\r\nHost: a%2\r\n\r\n"), 400 },
	{ "a blank before a colon", BYTES(GET "A : b\r\n\r\n"), 400 },
	{ "a tab before a colon", BYTES(GET "A\t: b\r\n\r\n"), 400 },
	{ "no colon", BYTES(GET "A\r\n\r\n"), 400 },
	{ "no name", BYTES(GET ": b\r\n\r\n"), 400 },
	{ "a name beyond ASCII", BYTES(GET "\xc3\xa9: b\r\n\r\n"), 400 },
	{ "a quote in a name", BYTES(GET "\"a\": b\r\n\r\n"), 400 },
	{ "a folded line", BYTES(GET "A: b\r\n c\r\n\r\n"), 400 },
	{ "a line folded by a tab", BYTES(GET "A: b\r\n\tc\r\n\r\n"), 400 },
	{ "a blank before the first name",
	  BYTES("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), 400 },
	{ "NUL in a value", BYTES(GET "A: b\0c\r\n\r\n"), 400 },
	{ "NUL at the start of a line", BYTES(GET "\0\r\n\r\n"), 400 },
	{ "a control in a value", BYTES(GET "A: b\x0b\r\n\r\n"), 400 },
	{ "CR in a value", BYTES(GET "A: b\rc\r\n\r\n"), 400 },
	{ "LF in a value", BYTES(GET "A: b\nc: d\r\n\r\n"), 400 },
	{ "LF after LF", BYTES(GET "A: b\r\n\n"), 400 },
	{ "CR CR LF", BYTES(GET "A: b\r\r\n\r\n"), 400 },
	{ "an end of CR and something", BYTES(GET "\rA"), 400 },
	{ "two lengths",
	  BYTES(POST "Content-Length: 1\r\ncontent-length: 1\r\n\r\na"), 400 },
	{ "a list of lengths", BYTES(POST "Content-Length: 1, 1\r\n\r\na"),
	  400 },
	{ "no length in its field", BYTES(POST "Content-Length:\r\n\r\n"),
	  400 },
	{ "a length with a plus", BYTES(POST "Content-Length: +1\r\n\r\na"),
	  400 },
	{ "a negative length", BYTES(POST "Content-Length: -1\r\n\r\n"), 400 },
	{ "a hexadecimal length", BYTES(POST "Content-Length: 0x1\r\n\r\na"),
	  400 },
	{ "a length and more", BYTES(POST "Content-Length: 1 1\r\n\r\na"),
	  400 },
	{ "a length and chunks",
	  BYTES(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "0\r\n\r\n"),
	  400 },
	{ "chunks twice",
	  BYTES(POST "Transfer-Encoding: chunked\r\n"
		     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	  400 },
	{ "chunks twice in one line",
	  BYTES(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), 400 },
	{ "chunks that are not the last coding",
	  BYTES(POST "Transfer-Encoding: chunked, gzip\r\n\r\n"), 400 },
	{ "two codings without chunks",
	  BYTES(POST "Transfer-Encoding: gzip, identity\r\n\r\n"), 400 },
	{ "a coding alone", BYTES(POST "Transfer-Encoding: gzip\r\n\r\n"),
	  400 },
	{ "identity", BYTES(POST "Transfer-Encoding: identity\r\n\r\n"), 400 },
	{ "an empty coding", BYTES(POST "Transfer-Encoding:\r\n\r\n"), 400 },
	{ "nearly chunked", BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n"),
	  400 },
	{ "quoted chunked",
	  BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 400 },
	{ "chunked with a parameter",
	  BYTES(POST "Transfer-Encoding: chunked;a=b\r\n\r\n"), 400 },
	{ "chunks in 1.0",
	  BYTES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
	{ "a coding that is not there",
	  BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501 },
	{ "a size with a prefix", BYTES(TE "0x1\r\na\r\n0\r\n\r\n"), 400 },
	{ "a size with a sign", BYTES(TE "+1\r\na\r\n0\r\n\r\n"), 400 },
	{ "a size with a blank before it", BYTES(TE " 1\r\na\r\n"), 400 },
	{ "a size with blanks only after it", BYTES(TE "1 \r\na\r\n"), 400 },
	{ "a size and junk", BYTES(TE "1 junk\r\na\r\n"), 400 },
	{ "no size", BYTES(TE "\r\n"), 400 },
	{ "only an extension", BYTES(TE ";a\r\n"), 400 },
	{ "an extension without a name", BYTES(TE "1;\r\na\r\n"), 400 },
	{ "a control in an extension", BYTES(TE "1;a\x01\r\na\r\n"), 400 },
	{ "LF after a size", BYTES(TE "1\na\r\n0\r\n\r\n"), 400 },
	{ "LF in an extension", BYTES(TE "1;a\na\r\n"), 400 },
	{ "CR alone after a size", BYTES(TE "1\ra\r\n"), 400 },
	{ "a chunk longer than its size", BYTES(TE "1\r\nab\r\n"), 400 },
	{ "a chunk that ends in LF", BYTES(TE "1\r\na\n0\r\n\r\n"), 400 },
	{ "a chunk that ends in CR", BYTES(TE "1\r\na\rb"), 400 },
	{ "a size of seventeen digits", BYTES(TE "00000000000000001\r\n"),
	  400 },
	{ "a size that overflows", BYTES(TE "10000000000000000\r\n"), 400 },
	{ "a trailer without a colon", BYTES(TE "0\r\na\r\n\r\n"), 400 },
	{ "a trailer that is folded", BYTES(TE "0\r\na: b\r\n c\r\n\r\n"),
	  400 },
	{ "a trailer with NUL", BYTES(TE "0\r\na: \0\r\n\r\n"), 400 },
	{ "a trailer that ends in LF", BYTES(TE "0\r\na: b\n\r\n"), 400 },
	{ "a last line that ends in LF", BYTES(TE "0\r\n\n"), 400 },
	{ "a last line of CR and something", BYTES(TE "0\r\n\ra"), 400 },
	{ "another expectation",
	  BYTES(POST "Expect: tea\r\nContent-Length: 1\r\n\r\na"), 417 },
	{ "one of two expectations",
	  BYTES(POST "Expect: 100-continue, tea\r\n\r\n"), 417 },
	{ "TLS", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400 },
};

static const struct {
	const char *name;
	struct text bytes;
	bool persists;
} lives[] = {
	{ "1.1", BYTES(GET "\r\n"), true },
	{ "close", BYTES(GET "Connection: close\r\n\r\n"), false },
	{ "Close", BYTES(GET "cOnnection: Close\r\n\r\n"), false },
	{ "in a list", BYTES(GET "Connection: te, ,close ,x\r\n\r\n"), false },
	{ "in a second line",
	  BYTES(GET "Connection: te\r\nConnection: close\r\n\r\n"), false },
	{ "close goes before keep-alive",
	  BYTES(GET "Connection: close, keep-alive\r\n\r\n"), false },
	{ "closed", BYTES(GET "Connection: closed\r\n\r\n"), true },
	{ "not close", BYTES(GET "Connection: not close\r\n\r\n"), true },
	{ "1.0", BYTES("GET / HTTP/1.0\r\n\r\n"), false },
	{ "1.0 that stays",
	  BYTES("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), true },
	{ "1.0 that does not",
	  BYTES("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"),
	  false },
	{ "a tunnel", BYTES("CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n"),
	  false },
};

struct reading {
	struct httpparser parser;
	struct buffer bytes;
	enum httpparser_stage stage;
};

static void begin(struct reading *reading)
{
	httpparser_init(&reading->parser);
	buffer_init(&reading->bytes);
	reading->stage = HTTPPARSER_NOTHING;
}

static void feed(struct reading *reading, struct text piece)
{
	if (reading->stage == HTTPPARSER_DONE) {
		buffer_append_text(&reading->bytes, piece);
		return;
	}
	buffer_append_text(&reading->bytes, piece);
	reading->stage = httpparser_run(&reading->parser, &reading->bytes);
}

static void feed_pieces(struct reading *reading, struct text bytes, size_t size)
{
	begin(reading);
	for (size_t at = 0; at < bytes.len; at += size)
		feed(reading, text_slice(bytes, at, size));
}

static bool is_same(const struct reading *a, const struct reading *b,
		    enum httpwriter_framing framing)
{
	struct buffer of_a, of_b;
	bool is_same;

	buffer_init(&of_a);
	buffer_init(&of_b);
	httpwriter_describe(&a->parser, &a->bytes, framing, &of_a);
	httpwriter_describe(&b->parser, &b->bytes, framing, &of_b);
	is_same = a->stage == b->stage &&
		  text_is_equal(buffer_text(&of_a), buffer_text(&of_b));
	buffer_release(&of_a);
	buffer_release(&of_b);
	return is_same;
}

/* Reads it in every way there is to cut it once, and in pieces of some
 * sizes. */
static bool is_same_in_pieces(const struct reading *whole, struct text bytes)
{
	struct reading cut;
	bool all = true;

	for (size_t at = 1; at < bytes.len; at++) {
		begin(&cut);
		feed(&cut, text_slice(bytes, 0, at));
		feed(&cut, text_slice(bytes, at, bytes.len));
		all = all && is_same(whole, &cut, HTTPWRITER_FRAMED);
		buffer_release(&cut.bytes);
	}
	for (size_t size = 1; size < 8; size++) {
		feed_pieces(&cut, bytes, size);
		all = all && is_same(whole, &cut, HTTPWRITER_FRAMED);
		buffer_release(&cut.bytes);
	}
	return all;
}

static bool is_same_again(const struct reading *reading)
{
	struct reading again;
	struct buffer written;
	bool is_it;

	buffer_init(&written);
	httpwriter_request(&reading->parser, &reading->bytes, &written);
	feed_pieces(&again, buffer_text(&written), written.len);
	is_it = is_same(reading, &again, HTTPWRITER_UNFRAMED) &&
		again.parser.next_at == written.len;
	buffer_release(&again.bytes);
	buffer_release(&written);
	return is_it;
}

static void check_request(const struct reading *reading, const char *want,
			  const char *name)
{
	struct http_header headers[HTTPPARSER_FIELDS_MAX];
	struct http_request request;
	char got[512];

	httpparser_request(&reading->parser, &reading->bytes, headers,
			   &request);
	(void)snprintf(got, sizeof(got), "%s %.*s %.*s",
		       http_method_name(request.method),
		       (int)request.target.len, request.target.ptr,
		       (int)request.body.len,
		       request.body.len > 0 ? request.body.ptr : "");
	if (want)
		is_string(got, want, name);
	else
		is_int(request.body.len, 170, name);
}

static void test_good(void)
{
	tap_prefix("read");
	for (size_t i = 0; i < LENGTH(good); i++) {
		struct reading whole;

		feed_pieces(&whole, good[i].bytes, good[i].bytes.len);
		is_int(whole.stage, HTTPPARSER_DONE, good[i].name);
		is_int(whole.parser.refusal, 0, good[i].name);
		is_int(whole.bytes.len - whole.parser.next_at, good[i].rest,
		       good[i].name);
		check_request(&whole, good[i].request, good[i].name);
		ok(is_same_in_pieces(&whole, good[i].bytes), good[i].name);
		ok(is_same_again(&whole), good[i].name);
		buffer_release(&whole.bytes);
	}
}

static void test_bad(void)
{
	tap_prefix("refused");
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct reading whole;

		feed_pieces(&whole, bad[i].bytes, bad[i].bytes.len);
		is_int(whole.stage, HTTPPARSER_DONE, bad[i].name);
		is_int(whole.parser.refusal, bad[i].status, bad[i].name);
		ok(!whole.parser.persists, bad[i].name);
		ok(is_same_in_pieces(&whole, bad[i].bytes), bad[i].name);
		buffer_release(&whole.bytes);
	}
}

static void test_lives(void)
{
	tap_prefix("persists");
	for (size_t i = 0; i < LENGTH(lives); i++) {
		struct reading whole;

		feed_pieces(&whole, lives[i].bytes, lives[i].bytes.len);
		is_int(whole.parser.refusal, 0, lives[i].name);
		is_int(whole.parser.persists, lives[i].persists, lives[i].name);
		buffer_release(&whole.bytes);
	}
}

/* head, then count times unit, then tail. */
static void read_long(struct reading *reading, const char *head,
		      const char *unit, size_t count, const char *tail)
{
	struct reading whole, pieces;
	struct buffer bytes;

	buffer_init(&bytes);
	buffer_append_text(&bytes, text_of(head));
	for (size_t i = 0; i < count; i++)
		buffer_append_text(&bytes, text_of(unit));
	buffer_append_text(&bytes, text_of(tail));
	feed_pieces(&whole, buffer_text(&bytes), bytes.len);
	feed_pieces(&pieces, buffer_text(&bytes), 333);
	ok(is_same(&whole, &pieces, HTTPWRITER_FRAMED),
	   "pieces make no difference");
	*reading = whole;
	buffer_release(&pieces.bytes);
	buffer_release(&bytes);
}

struct limit {
	const char *name;
	const char *head, *unit;
	size_t count; /* of units that are just not too many */
	const char *tail;
	int status; /* with one more; 0: the body is too large */
};

static const struct limit limits[] = {
	{ "the request line", "GET /", "a",
	  HTTPPARSER_LINE_MAX_BYTES - sizeof("GET / HTTP/1.1") + 1,
	  " HTTP/1.1\r\n" HOST "\r\n", 414 },
	{ "the method", "", "A",
	  HTTPPARSER_LINE_MAX_BYTES - sizeof(" / HTTP/1.1") + 1,
	  " / HTTP/1.1\r\n" HOST "\r\n", 414 },
	{ "a value", GET "A:", "a",
	  HTTPPARSER_FIELDS_MAX_BYTES - sizeof(HOST "A:\r\n\r\n") + 1,
	  "\r\n\r\n", 431 },
	{ "blanks before a value", GET "A:", " ",
	  HTTPPARSER_FIELDS_MAX_BYTES - sizeof(HOST "A:\r\n\r\n") + 1,
	  "\r\n\r\n", 431 },
	{ "a name", GET, "a",
	  HTTPPARSER_FIELDS_MAX_BYTES - sizeof(HOST ":\r\n\r\n") + 1,
	  ":\r\n\r\n", 431 },
	{ "the number of fields", GET, "A:b\r\n", HTTPPARSER_FIELDS_MAX - 1,
	  "\r\n", 431 },
	{ "extensions of a chunk", TE "1;a", "b",
	  HTTPCHUNKS_EXTENSIONS_MAX_BYTES - 2, "\r\na\r\n0\r\n\r\n", 400 },
	{ "trailers", TE "0\r\na:", "b",
	  HTTPCHUNKS_TRAILERS_MAX_BYTES - sizeof("a:\r\n\r") + 1, "\r\n\r\n",
	  431 },
	{ "many small chunks", TE, "1\r\na\r\n", HTTP_BODY_MAX_BYTES,
	  "0\r\n\r\n", 0 },
};

static void test_limits(void)
{
	struct reading reading;

	for (size_t i = 0; i < LENGTH(limits); i++) {
		const struct limit *limit = &limits[i];

		tap_prefix(limit->name);
		read_long(&reading, limit->head, limit->unit, limit->count,
			  limit->tail);
		is_int(reading.stage, HTTPPARSER_DONE, "read to its limit");
		is_int(reading.parser.refusal, 0, "as much as there may be");
		ok(!reading.parser.is_body_too_large, "and no more");
		buffer_release(&reading.bytes);
		read_long(&reading, limit->head, limit->unit, limit->count + 1,
			  limit->tail);
		is_int(reading.stage, HTTPPARSER_DONE, "an end beyond it");
		is_int(reading.parser.refusal, limit->status, "one too much");
		ok(reading.parser.is_body_too_large == (limit->status == 0),
		   "which the body may be");
		ok(!reading.parser.persists, "and it ends the connection");
		buffer_release(&reading.bytes);
	}
	tap_prefix(NULL);
}

/* What has no end is refused before it is there. */
static void test_endless(void)
{
	static const struct {
		const char *head, *unit;
		int status;
	} endless[] = {
		{ "", "A", 501 },
		{ "GET /", "a", 414 },
		{ GET, "a", 431 },
		{ GET, "A:b\r\n", 431 },
		{ GET "A: ", "b", 431 },
		{ TE "1;", "a", 400 },
		{ TE, "0", 400 },
		{ TE "0\r\n", "a", 431 },
		{ TE "0\r\n", "a:\r\n", 431 },
	};

	tap_prefix("without an end");
	for (size_t i = 0; i < LENGTH(endless); i++) {
		struct reading reading;
		size_t fed = 0;

		begin(&reading);
		feed(&reading, text_of(endless[i].head));
		while (reading.stage != HTTPPARSER_DONE && fed < 100000) {
			feed(&reading, text_of(endless[i].unit));
			fed += strlen(endless[i].unit);
		}
		is_int(reading.parser.refusal, endless[i].status,
		       endless[i].unit);
		ok(reading.bytes.len < 40000, "little was kept");
		buffer_release(&reading.bytes);
	}
	tap_prefix(NULL);
}

static void test_too_large(void)
{
	static const struct {
		const char *name, *bytes;
	} large[] = {
		{ "a length one too high",
		  POST "Content-Length: 65537\r\n\r\n" },
		{ "a length that overflows",
		  POST "Content-Length: 99999999999999999999999999\r\n\r\n" },
		{ "one that would be 5 modulo 2^64",
		  POST "Content-Length: 18446744073709551621\r\n\r\n" },
		{ "a chunk one too long", TE "10001\r\n" },
		{ "the longest chunk there is", TE "ffffffffffffffff\r\n" },
		{ "a chunk after another",
		  TE "1\r\na\r\nfffffffffffffffe\r\n" },
	};

	tap_prefix("too large");
	for (size_t i = 0; i < LENGTH(large); i++) {
		struct reading reading;

		feed_pieces(&reading, text_of(large[i].bytes), 1);
		is_int(reading.stage, HTTPPARSER_DONE, large[i].name);
		is_int(reading.parser.refusal, 0, large[i].name);
		ok(reading.parser.is_body_too_large, large[i].name);
		ok(!reading.parser.persists, large[i].name);
		buffer_release(&reading.bytes);
	}
	tap_prefix(NULL);
}

static void test_stages(void)
{
	struct reading reading;

	begin(&reading);
	feed(&reading, TEXT("\r\n"));
	is_int(reading.stage, HTTPPARSER_NOTHING, "an empty line is nothing");
	feed(&reading, TEXT("P"));
	is_int(reading.stage, HTTPPARSER_HEAD, "a byte of a method is a head");
	feed(&reading, TEXT("OST / HTTP/1.1\r\nHost: x\r\n"
			    "Expect: 100-continue\r\nContent-Length: 2\r\n\r"));
	is_int(reading.stage, HTTPPARSER_HEAD, "so is all but its last");
	feed(&reading, TEXT("\n"));
	is_int(reading.stage, HTTPPARSER_BODY, "then the body is waited for");
	ok(reading.parser.is_continuable, "and the client waits, too");
	is_int(reading.parser.at, reading.parser.body_at, "nothing is there");
	feed(&reading, TEXT("a"));
	is_int(reading.stage, HTTPPARSER_BODY, "one byte of two");
	feed(&reading, TEXT("b"));
	is_int(reading.stage, HTTPPARSER_DONE, "and it is complete");
	buffer_release(&reading.bytes);

	begin(&reading);
	feed(&reading, TEXT("POST / HTTP/1.1\r\nHost: x\r\n"
			    "Expect: 100-continue\r\n"
			    "Content-Length: 100000\r\n\r\n"));
	ok(!reading.parser.is_continuable, "nobody waits for what is too much");
	buffer_release(&reading.bytes);
}

static void test_authorities(void)
{
	static const struct {
		const char *target, *authority, *left;
	} cases[] = {
		{ "/a", "", "/a" },
		{ "http://y/a?b", "y", "/a?b" },
		{ "https://y.example:80/", "y.example:80", "/" },
		{ "http://y.example", "y.example", "/" },
		{ "http://y", "y", "/" },
		{ "HTTP://[::1]:8?a=/", "[::1]:8", "/?a=/" },
	};
	struct http_header headers[HTTPPARSER_FIELDS_MAX];
	struct http_request request;
	struct reading reading;

	for (size_t i = 0; i < LENGTH(cases); i++) {
		begin(&reading);
		feed(&reading, TEXT("GET "));
		feed(&reading, text_of(cases[i].target));
		feed(&reading, TEXT(" HTTP/1.1\r\n" HOST "\r\n"));
		httpparser_request(&reading.parser, &reading.bytes, headers,
				   &request);
		is_text(request.authority, text_of(cases[i].authority),
			cases[i].target);
		is_text(request.target, text_of(cases[i].left),
			"without what stands before its path");
		buffer_release(&reading.bytes);
	}
}

static void test_given_up(void)
{
	static const char head[] =
		"GET /secret HTTP/1.1\r\nOrigin: http://o\r\nA";
	struct http_header headers[HTTPPARSER_FIELDS_MAX];
	struct http_request request;
	struct reading reading;

	begin(&reading);
	feed(&reading, text_of(head));
	httpparser_refuse(&reading.parser, 408);
	is_int(reading.parser.refusal, 408, "a request can be given up");
	httpparser_request(&reading.parser, &reading.bytes, headers, &request);
	is_int(request.header_count, 1, "what was complete can be read");
	is_text(headers[0].value, TEXT("http://o"), "an origin, perhaps");
	is_text(request.target, TEXT("/"), "its target is not looked at");
	buffer_release(&reading.bytes);

	/* After the line that is too long there may be an origin as well. */
	read_long(&reading, "GET /", "a", 5000,
		  " HTTP/1.1\r\n" HOST "Origin: http://o\r\n\r\n");
	is_int(reading.parser.refusal, 414, "a line that is too long");
	httpparser_request(&reading.parser, &reading.bytes, headers, &request);
	is_int(request.header_count, 2, "what follows it is read");
	buffer_release(&reading.bytes);
	begin(&reading);
	for (size_t i = 0; i < 5000; i++)
		feed(&reading, i == 0 ? TEXT("GET /") : TEXT("a"));
	is_int(reading.stage, HTTPPARSER_HEAD, "and waited for");
	httpparser_refuse(&reading.parser, 408);
	is_int(reading.parser.refusal, 414, "but the reason stays the same");
	buffer_release(&reading.bytes);
}

int main(void)
{
	test_good();
	test_bad();
	test_lives();
	tap_prefix(NULL);
	test_limits();
	test_endless();
	test_too_large();
	test_stages();
	test_authorities();
	test_given_up();
	return tap_done();
}
