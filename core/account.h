/*
 * Reading the bodies of sign-up and sign-in: the rules of names, e-mail
 * addresses and passwords.
 */
#ifndef TODOD_CORE_ACCOUNT_H
#define TODOD_CORE_ACCOUNT_H

#include "core/text.h"
#include "core/user.h"

struct call;

/* What a body gives; texts live as long as the call. */
struct account_form {
	struct text name;		      /* sign-up only */
	char email[USER_EMAIL_MAX_BYTES + 1]; /* in lower case */
	size_t email_len;
	struct text password;
};

/* Both add a problem for each member that is not acceptable. */
void account_read_signup(struct call *call, struct account_form *form);
void account_read_signin(struct call *call, struct account_form *form);

/* NULL, or the sentence that says which rule a new password breaks first. */
const char *account_password_problem(struct text password);

#endif
