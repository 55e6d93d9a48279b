/* Query strings: the name up to a line feed, then the query. */
#include "config.h"

#include "core/query.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = { (const char *)data, size };
	struct text name = text_slice(input, 0, text_find_byte(input, '\n'));
	struct text query = text_slice(input, name.len + 1, size);
	struct text value = { NULL, 0 };
	struct arena arena;
	enum err err;

	arena_init(&arena);
	err = query_find(&arena, query, name, &value);
	MUST(err == ERR_OK || err == ERR_INVALID || err == ERR_NOT_FOUND);
	if (err != ERR_NOT_FOUND)
		/* A byte that is no UTF-8 becomes three. */
		MUST(text_is_utf8(value) && value.len <= 3 * query.len);
	arena_release(&arena);
	return 0;
}
