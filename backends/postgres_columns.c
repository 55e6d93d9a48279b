/* Rows of parameters as arrays, in the binary form of the server's
 * array_recv(). */
#include "config.h"

#include "backends/postgres_columns.h"

#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Dimensions, whether there are nulls, type, length, number of the first. */
#define HEADER_WORDS 5

#define LENGTH_OF_NULL UINT32_MAX

void postgres_columns_init(struct postgres_columns *columns)
{
	columns->parameters.count = 0;
	columns->parameters.used = 0;
	columns->rows = 0;
	columns->memory = NULL;
}

static unsigned char *put(unsigned char *at, uint32_t word)
{
	word = htobe32(word);
	memcpy(at, &word, sizeof(word));
	return at + sizeof(word);
}

void postgres_columns_measure(struct postgres_columns *columns,
			      const struct postgres_parameters *row)
{
	size_t i;

	for (i = 0; i < row->count; i++) {
		if (columns->rows == 0)
			columns->sizes[i] = HEADER_WORDS * sizeof(uint32_t);
		columns->sizes[i] += sizeof(uint32_t) + (size_t)row->lengths[i];
	}
	columns->parameters.count = row->count;
	columns->rows++;
}

enum err postgres_columns_begin(struct postgres_columns *columns,
				enum postgres_sql sql)
{
	struct postgres_parameters *parameters = &columns->parameters;
	unsigned char *at;
	size_t total = 0, i;

	for (i = 0; i < parameters->count; i++)
		total += columns->sizes[i];
	at = malloc(total);
	if (at == NULL)
		return ERR_NO_MEMORY;
	columns->memory = at;
	for (i = 0; i < parameters->count; i++) {
		parameters->values[i] = (const char *)at;
		parameters->lengths[i] = (int)columns->sizes[i];
		parameters->formats[i] = 1;
		columns->ends[i] = put(at, 1);
		columns->ends[i] = put(columns->ends[i], 1);
		columns->ends[i] =
			put(columns->ends[i], postgres_sql_element(sql, i));
		columns->ends[i] =
			put(columns->ends[i], (uint32_t)columns->rows);
		columns->ends[i] = put(columns->ends[i], 1);
		at += columns->sizes[i];
	}
	return ERR_OK;
}

void postgres_columns_add(struct postgres_columns *columns,
			  const struct postgres_parameters *row)
{
	size_t i;

	for (i = 0; i < row->count; i++) {
		size_t len = (size_t)row->lengths[i];

		if (row->values[i] == NULL) {
			columns->ends[i] =
				put(columns->ends[i], LENGTH_OF_NULL);
			continue;
		}
		columns->ends[i] = put(columns->ends[i], (uint32_t)len);
		memcpy(columns->ends[i], row->values[i], len);
		columns->ends[i] += len;
	}
}

void postgres_columns_free(struct postgres_columns *columns)
{
	free(columns->memory);
	columns->memory = NULL;
}
