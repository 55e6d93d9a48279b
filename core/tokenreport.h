/*
 * A token explained to a person: what it says, which key it needs, and why it
 * is taken or refused, with what is usually behind that.
 */
#ifndef TODOD_CORE_TOKENREPORT_H
#define TODOD_CORE_TOKENREPORT_H

#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

struct buffer;
struct token_trust;

/*
 * Appends the report.  Nothing in it can move a terminal's cursor.  The result
 * is the verdict of token_verify(); ERR_NO_MEMORY when the report is not
 * complete.
 */
enum err tokenreport_write(struct text text, const struct token_trust *trust,
			   int64_t now_s, struct buffer *out)
	__attribute__((warn_unused_result));

#endif
