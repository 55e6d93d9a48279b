/* Base64url through libsodium. */
#include "config.h"

#include "core/base64.h"

#include <sodium.h>

#include "core/buffer.h"

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

bool base64_decode(struct text text, unsigned char *out, size_t size,
		   size_t *len)
{
	/* libsodium refuses bits that are left over. */
	return text.len > 0 && sodium_base642bin(out, size, text.ptr, text.len,
						 NULL, len, NULL, VARIANT) == 0;
}

void base64_append(struct buffer *out, const void *bytes, size_t len)
{
	size_t size = sodium_base64_encoded_len(len, VARIANT);
	char *end = buffer_reserve(out, size);

	if (end == NULL)
		return;
	sodium_bin2base64(end, size, bytes, len, VARIANT);
	out->len += size - 1; /* size counts the NUL */
}
