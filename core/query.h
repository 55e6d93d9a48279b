/*
 * Query strings as Python's parse_qsl and Starlette read them, because the
 * frontends were written against those: '+' is a space, an escape that is
 * none stays as it is, the last of several parameters counts.
 */
#ifndef TODOD_CORE_QUERY_H
#define TODOD_CORE_QUERY_H

#include "core/arena.h"
#include "core/err.h"
#include "core/text.h"

/*
 * Finds the last parameter called name (byte for byte, after decoding) in
 * query, the part of a target after its '?'.  A parameter without '=' has the
 * empty value.  *value is decoded, valid UTF-8, may contain any character,
 * U+0000 included, and lives as long as the arena and query.  ERR_INVALID when
 * there were bytes that are not UTF-8: they are U+FFFD in *value.
 * ERR_NOT_FOUND; ERR_NO_MEMORY.
 */
enum err query_find(struct arena *arena, struct text query, struct text name,
		    struct text *value) __attribute__((warn_unused_result));

#endif
