/* A proxy's header in pieces: where it is cut makes no difference. */
#include "config.h"

#include "core/proxyheader.h"

#include <stdbool.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

static bool is_same(const struct proxyheader *a, const struct proxyheader *b)
{
	return a->state == b->state && a->source == b->source &&
	       a->port == b->port && a->len == b->len &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxyheader whole, pieces;
	size_t step, taken, at = 0;

	if (size == 0)
		return 0;
	step = 1 + data[0] % 32;
	data++;
	size--;
	proxyheader_init(&whole);
	taken = proxyheader_take(&whole, data, size);
	MUST(taken <= size && taken == whole.len);
	MUST(taken <= PROXYHEADER_MAX_BYTES);
	MUST(whole.state != PROXYHEADER_READING || taken == size);
	if (whole.state == PROXYHEADER_DONE) {
		MUST(taken >= 15);
		MUST(data[0] == 'P' || data[0] == '\r');
	}
	proxyheader_init(&pieces);
	while (at < size) {
		size_t len = size - at < step ? size - at : step;
		size_t got = proxyheader_take(&pieces, data + at, len);

		at += got;
		if (got < len)
			break;
	}
	MUST(at == taken && is_same(&whole, &pieces));
	return 0;
}
