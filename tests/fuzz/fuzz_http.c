/*
 * From bytes to requests.  The first byte says in what pieces the rest comes;
 * whatever they are, the same is read from it, and what is read can be written
 * and read again.
 */
#include "config.h"

#include <string.h>

#include "core/httpparser.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/httpwriter.h"

/* A request is not much larger than its parts may be. */
#define BYTES_MAX (96 * 1024)

struct reading {
	struct httpparser parser;
	struct buffer bytes;
};

static void read_pieces(struct reading *reading, struct text input,
			size_t piece_bytes)
{
	enum httpparser_stage stage = HTTPPARSER_NOTHING;

	buffer_init(&reading->bytes);
	httpparser_init(&reading->parser);
	for (size_t at = 0; at < input.len && stage != HTTPPARSER_DONE;) {
		struct text piece = text_slice(input, at, piece_bytes);

		buffer_append_text(&reading->bytes, piece);
		at += piece.len;
		stage = httpparser_run(&reading->parser, &reading->bytes);
		MUST(reading->parser.at <= reading->bytes.len);
		MUST(reading->bytes.len <= BYTES_MAX + piece_bytes);
	}
}

static void check(const struct reading *reading)
{
	const struct httpparser *parser = &reading->parser;
	struct http_header headers[HTTPPARSER_FIELDS_MAX];
	struct http_request request;

	httpparser_request(parser, &reading->bytes, headers, &request);
	MUST(request.body.len <= HTTP_BODY_MAX_BYTES);
	MUST(request.header_count <= HTTPPARSER_FIELDS_MAX);
	for (size_t i = 0; i < request.header_count; i++) {
		struct text value = headers[i].value;

		MUST(headers[i].name.len > 0);
		MUST(text_find_byte(value, '\r') == value.len);
		MUST(text_find_byte(value, '\n') == value.len);
		MUST(text_find_byte(value, '\0') == value.len);
	}
	if (parser->state != HTTPPARSER_END)
		return;
	MUST(parser->next_at <= reading->bytes.len);
	if (parser->refusal != 0 || request.is_body_too_large)
		MUST(!parser->persists);
	else
		MUST(request.target.len > 0);
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
	is_same = text_is_equal(buffer_text(&of_a), buffer_text(&of_b));
	buffer_release(&of_a);
	buffer_release(&of_b);
	return is_same;
}

static void check_again(const struct reading *first)
{
	struct reading second;
	struct buffer written;

	if (first->parser.state != HTTPPARSER_END ||
	    first->parser.refusal != 0 || first->parser.is_body_too_large)
		return;
	buffer_init(&written);
	httpwriter_request(&first->parser, &first->bytes, &written);
	read_pieces(&second, buffer_text(&written), written.len);
	MUST(second.parser.next_at == written.len);
	MUST(is_same(first, &second, HTTPWRITER_UNFRAMED));
	buffer_release(&second.bytes);
	buffer_release(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading whole, pieces;
	struct text input;

	if (size < 2)
		return 0;
	input = (struct text){ (const char *)data + 1, size - 1 };
	read_pieces(&whole, input, input.len);
	read_pieces(&pieces, input, data[0] + (size_t)1);
	check(&whole);
	check(&pieces);
	MUST(is_same(&whole, &pieces, HTTPWRITER_FRAMED));
	check_again(&whole);
	buffer_release(&whole.bytes);
	buffer_release(&pieces.bytes);
	return 0;
}
