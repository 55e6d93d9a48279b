/* Booleans and numbers that are written as text. */
#include "config.h"

#include "core/spelling.h"

#include <stddef.h>

enum err spelling_bool(struct text text, bool *value)
{
	static const struct {
		struct text text;
		bool value;
	} spellings[] = {
		{ TEXT("true"), true },	  { TEXT("yes"), true },
		{ TEXT("on"), true },	  { TEXT("1"), true },
		{ TEXT("t"), true },	  { TEXT("y"), true },
		{ TEXT("false"), false }, { TEXT("no"), false },
		{ TEXT("off"), false },	  { TEXT("0"), false },
		{ TEXT("f"), false },	  { TEXT("n"), false },
	};

	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		if (text_is_equal_nocase(text, spellings[i].text)) {
			*value = spellings[i].value;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

enum err spelling_int(struct text text, int64_t *value)
{
	struct text digits = text_trim_space(text);

	if (digits.len > 1 && digits.ptr[0] == '+' && digits.ptr[1] != '-')
		digits = text_slice(digits, 1, digits.len);
	return text_to_int64(digits, value);
}
