/* Log lines: one event, one line, whatever the values hold. */
#include "config.h"

#include "core/log.h"

#include <stdio.h>
#include <string.h>

#include "core/jsonreader.h"
#include "tests/support/tap.h"

static char line[LOG_LINE_BYTES * 2];
static size_t line_len, lines;

static void keep(void *arg, const char *bytes, size_t len)
{
	(void)arg;
	lines++;
	line_len = len < sizeof(line) ? len : sizeof(line) - 1;
	memcpy(line, bytes, line_len);
	line[line_len] = '\0';
}

static void use(enum log_format format, enum log_level level, int worker)
{
	const struct log_options options = {
		.level = level,
		.format = format,
		.worker = worker,
		.sink = keep,
	};

	log_init(&options);
	lines = 0;
	line_len = 0;
	line[0] = '\0';
}

/* The line without its time, which is checked. */
static const char *rest_of_line(size_t before)
{
	static const char pattern[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";
	const char *time = line + before;

	for (size_t i = 0; i < strlen(pattern); i++) {
		bool digit = time[i] >= '0' && time[i] <= '9';

		if (pattern[i] == 'd' ? !digit : time[i] != pattern[i])
			return "no time stamp";
	}
	return time + strlen(pattern);
}

static void test_json(void)
{
	use(LOG_FORMAT_JSON, LOG_INFO, 3);
	log_event(LOG_WARN, "worker exited", LOG_INT("pid", -12),
		  LOG_MS("duration_ms", 1234567), LOG_STRING("reason", "x"),
		  LOG_TEXT("empty", TEXT("")), LOG_STRING("none", NULL));
	ok(strncmp(line, "{\"ts\":\"", 7) == 0, "a JSON line begins with ts");
	is_string(
		rest_of_line(7),
		"\",\"level\":\"warn\",\"msg\":\"worker exited\",\"worker\":3,"
		"\"pid\":-12,\"duration_ms\":1234.567,\"reason\":\"x\"}\n",
		"a JSON line has its fields in order, empty ones left out");
	is_int(lines, 1, "an event is one line");
	log_event(LOG_INFO, "small", LOG_MS("a", 5), LOG_MS("b", 0),
		  LOG_MS("c", -5), LOG_INT("d", INT64_MIN),
		  LOG_INT("e", INT64_MAX));
	ok(strstr(line, "\"a\":0.005,\"b\":0.000,\"c\":0.000,"
			"\"d\":-9223372036854775808,"
			"\"e\":9223372036854775807}") != NULL,
	   "numbers of any size are numbers");
	use(LOG_FORMAT_JSON, LOG_DEBUG, -1);
	log_write(LOG_DEBUG, "bare", NULL, 0);
	is_string(rest_of_line(7), "\",\"level\":\"debug\",\"msg\":\"bare\"}\n",
		  "a line needs no fields and no worker");
}

static void test_text_format(void)
{
	use(LOG_FORMAT_TEXT, LOG_INFO, -1);
	log_event(LOG_INFO, "listening", LOG_STRING("address", "127.0.0.1"),
		  LOG_INT("port", 8000));
	is_string(rest_of_line(0),
		  " info  listening address=127.0.0.1 port=8000\n",
		  "a line of text");
	log_event(LOG_ERROR, "failed", LOG_STRING("a", "two words"),
		  LOG_STRING("b", "x=y"), LOG_STRING("c", "q\"\\"),
		  LOG_MS("d", 1500));
	is_string(rest_of_line(0),
		  " error failed a=\"two words\" b=\"x=y\" c=\"q\\\"\\\\\" "
		  "d=1.500\n",
		  "a value that could be taken for more is quoted");
	use(LOG_FORMAT_TEXT, LOG_INFO, 0);
	log_event(LOG_WARN, "m", LOG_INT("n", 1));
	is_string(rest_of_line(0), " warn  m worker=0 n=1\n",
		  "the worker is named in text too");
}

/* Bytes that somebody outside chose. */
static const char *const hostile[] = {
	"a\nb",
	"a\r\n2026-01-01T00:00:00.000000Z info  forged",
	"\"}\n{\"ts\":\"2026\",\"msg\":\"forged\"}",
	"\",\"user_id\":\"admin",
	"\x1b[2J\x1b]0;title\x07",
	"\x7f\x80\x9b\xff\xfe",
	"\xc2\x85\xc2\x9b\xe2\x80\xa8\xe2\x80\xa9",
	"\xe2\x80\xaetxt.exe\xe2\x81\xa6",
	"\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf",
	"\\u0000\\n\\",
	"\t\v\f\b",
	"\xef\xbb\xbf l'\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80",
};

static bool is_harmless(void)
{
	struct text text = { line, line_len };
	size_t offset = 0;

	if (line_len == 0 || line[line_len - 1] != '\n' || !text_is_utf8(text))
		return false;
	text.len--;
	while (offset < text.len) {
		int32_t c = text_next(text, &offset);

		if (c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 ||
		    c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
		    (c >= 0x2066 && c <= 0x2069))
			return false;
	}
	return true;
}

/* The value of a member of the line, which is one JSON object. */
static struct text json_member(struct jsonreader **reader, const char *name)
{
	struct text text = { line, line_len };
	size_t offset;

	if (jsonreader_parse(text, reader, &offset) != ERR_OK)
		return TEXT("the line is not strict JSON");
	return jsonreader_string(
		jsonreader_member(jsonreader_root(*reader), name));
}

static void test_hostile(void)
{
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct jsonreader *reader = NULL;
		struct text value = text_of(hostile[i]);
		char name[48];

		(void)snprintf(name, sizeof(name), "hostile value %zu", i);
		tap_prefix(name);
		use(LOG_FORMAT_JSON, LOG_INFO, -1);
		log_event(LOG_INFO, "request", LOG_TEXT("route", value),
			  LOG_INT("status", 200));
		ok(is_harmless(), "the JSON line holds nothing that acts");
		if (text_is_utf8(value))
			is_text(json_member(&reader, "route"), value,
				"JSON gives the value back");
		else
			is_text(json_member(&reader, "msg"), TEXT("request"),
				"the line is strict JSON");
		ok(reader != NULL &&
			   jsonreader_number(jsonreader_member(
				   jsonreader_root(reader), "status")) == 200,
		   "what follows is whole");
		jsonreader_free(&reader);
		use(LOG_FORMAT_TEXT, LOG_INFO, -1);
		log_event(LOG_INFO, "request", LOG_TEXT("route", value));
		ok(is_harmless() && lines == 1,
		   "the line of text holds nothing that acts");
	}
	tap_prefix(NULL);
}

static void test_cut(void)
{
	static char big[LOG_LINE_BYTES * 3];
	struct jsonreader *reader = NULL;
	bool right = true;

	memset(big, 'x', sizeof(big));
	/* Every alignment of characters and escapes around the limit. */
	for (size_t len = LOG_LINE_BYTES - 200; len < LOG_LINE_BYTES + 50;
	     len++) {
		static const char *const fill[] = { "x", "\xe2\x82\xac", "\n",
						    "\"", "\xff" };
		size_t width = strlen(fill[len % 5]);

		for (size_t i = 0; i + width <= len; i += width)
			memcpy(big + i, fill[len % 5], width);
		use(LOG_FORMAT_JSON, LOG_INFO, 1);
		log_event(LOG_INFO, "long",
			  LOG_TEXT("value", ((struct text){ big, len })),
			  LOG_STRING("after", "dropped"), LOG_INT("n", 1));
		right = right && line_len <= LOG_LINE_BYTES && is_harmless() &&
			text_is_equal(json_member(&reader, "msg"),
				      TEXT("long"));
		jsonreader_free(&reader);
		use(LOG_FORMAT_TEXT, LOG_INFO, 1);
		log_event(LOG_INFO, "long",
			  LOG_TEXT("value", ((struct text){ big, len })));
		right = right && line_len <= LOG_LINE_BYTES && is_harmless();
	}
	ok(right, "a line is cut between characters and closed");
	memset(big, 'x', sizeof(big));
	use(LOG_FORMAT_JSON, LOG_INFO, -1);
	log_event(LOG_INFO, "long",
		  LOG_TEXT("value", ((struct text){ big, sizeof(big) })));
	is_int(line_len, LOG_LINE_BYTES, "a cut JSON line is of full length");
	use(LOG_FORMAT_TEXT, LOG_INFO, -1);
	log_event(LOG_INFO, "long",
		  LOG_TEXT("value", ((struct text){ big, sizeof(big) })));
	ok(line_len > LOG_LINE_BYTES - 4, "a cut line of text is used up");
}

static void test_levels(void)
{
	enum log_level level = LOG_ERROR;

	use(LOG_FORMAT_TEXT, LOG_WARN, -1);
	log_event(LOG_INFO, "quiet", LOG_INT("n", 1));
	log_write(LOG_DEBUG, "quiet", NULL, 0);
	is_int(lines, 0, "what is below the level is not written");
	log_write(LOG_WARN, "loud", NULL, 0);
	log_write(LOG_ERROR, "loud", NULL, 0);
	is_int(lines, 2, "what is at the level or above is");
	ok(log_level_parse(TEXT("debug"), &level) && level == LOG_DEBUG &&
		   log_level_parse(TEXT("info"), &level) && level == LOG_INFO &&
		   log_level_parse(TEXT("warn"), &level) && level == LOG_WARN &&
		   log_level_parse(TEXT("error"), &level) && level == LOG_ERROR,
	   "levels have names");
	ok(!log_level_parse(TEXT("INFO"), &level) &&
		   !log_level_parse(TEXT(""), &level) &&
		   !log_level_parse(TEXT("warning"), &level),
	   "other names are none");
}

int main(void)
{
	test_json();
	test_text_format();
	test_hostile();
	test_cut();
	test_levels();
	return tap_done();
}
