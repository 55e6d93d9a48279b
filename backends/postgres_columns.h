/*
 * The parameters of many runs of one statement turned into arrays, one of each
 * parameter, for a statement that unnests them.  So the server is asked once
 * for many rows.
 */
#ifndef TODOD_BACKENDS_POSTGRES_COLUMNS_H
#define TODOD_BACKENDS_POSTGRES_COLUMNS_H

#include <stddef.h>

#include "backends/postgres_row.h"
#include "core/err.h"

struct postgres_columns {
	struct postgres_parameters parameters; /* borrow from memory */
	size_t rows;
	size_t sizes[POSTGRES_PARAMETERS_MAX]; /* bytes of each array */
	unsigned char *ends[POSTGRES_PARAMETERS_MAX];
	unsigned char *memory; /* owned */
};

void postgres_columns_init(struct postgres_columns *columns);

/* First each row is measured, then each is added, the same in the same
 * order. */
void postgres_columns_measure(struct postgres_columns *columns,
			      const struct postgres_parameters *row);

/* Makes room for what was measured; sql has the types.  ERR_NO_MEMORY. */
enum err postgres_columns_begin(struct postgres_columns *columns,
				enum postgres_sql sql)
	__attribute__((warn_unused_result));

/* Copies the row; after the last one parameters are complete. */
void postgres_columns_add(struct postgres_columns *columns,
			  const struct postgres_parameters *row);

void postgres_columns_free(struct postgres_columns *columns);

#endif
