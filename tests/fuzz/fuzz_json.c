/* The strict scan and the reader behind it: they agree, and what is printed
 * reads back as the same. */
#include "config.h"

#include <string.h>

#include "core/buffer.h"
#include "core/jsonreader.h"
#include "core/jsonscan.h"
#include "tests/fuzz/fuzz.h"

static void print(struct text json, struct buffer *out)
{
	struct jsonreader *reader = NULL;
	size_t offset = 0;

	MUST(jsonreader_parse(json, &reader, &offset) == ERR_OK);
	jsonreader_print(jsonreader_root(reader), out);
	MUST(!buffer_is_failed(out));
	jsonreader_free(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text json = { (const char *)data, size };
	struct jsonreader *reader = NULL;
	struct buffer first, second;
	size_t offset = 0;

	if (jsonscan_check(json, &offset) != ERR_OK) {
		MUST(offset <= size);
		MUST(jsonreader_parse(json, &reader, &offset) == ERR_INVALID);
		return 0;
	}
	buffer_init(&first);
	buffer_init(&second);
	print(json, &first);
	MUST(text_is_utf8(buffer_text(&first)));
	print(buffer_text(&first), &second);
	MUST(text_is_equal(buffer_text(&first), buffer_text(&second)));
	buffer_release(&second);
	buffer_release(&first);
	return 0;
}
