/*
 * What the fuzz targets share.  A target is a function that libFuzzer calls
 * with bytes of its choice; a broken promise ends the process, which libFuzzer
 * reports together with the bytes.
 */
#ifndef TODOD_TESTS_FUZZ_H
#define TODOD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input. */
#define MUST(condition)           \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#endif
