/*
 * The syntax of e-mail addresses as accounts use them: dot-atom@domain
 * (RFC 5321, internationalized by RFC 6531).  Quoted local parts, comments and
 * address literals are refused; whether the domain exists is nobody's question.
 */
#ifndef TODOD_CORE_EMAIL_H
#define TODOD_CORE_EMAIL_H

#include <stdbool.h>

#include "core/text.h"

#define EMAIL_MAX_BYTES	      254
#define EMAIL_LOCAL_MAX_BYTES 64
#define EMAIL_LABEL_MAX_BYTES 63

/*
 * Whether email is acceptable: a local part of dot-separated atoms, one '@', a
 * domain of at least two labels whose last is not all digits.  Letters beyond
 * ASCII are accepted in both; spaces of any kind, what text_is_invisible() and
 * private use are not.  Any bytes may be given.
 */
bool email_is_valid(struct text email);

#endif
