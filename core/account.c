/* The rules of account forms. */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "core/account.h"
#include "core/call.h"
#include "core/email.h"
#include "core/field.h"

#define PASSWORD_TOO_LONG "Password must be 1024 bytes or less"

/* Whether the text has a byte of the set. */
static bool has_byte_of(struct text text, const char *set)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '\0' && strchr(set, text.ptr[i]))
			return true;
	}
	return false;
}

const char *account_password_problem(struct text password)
{
	static const struct {
		const char *set;
		const char *sentence;
	} rules[] = {
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
		  "Password must contain at least one uppercase letter" },
		{ "abcdefghijklmnopqrstuvwxyz",
		  "Password must contain at least one lowercase letter" },
		{ "0123456789", "Password must contain at least one number" },
		{ "!@#$%^&*(),.?\":{}|<>",
		  "Password must contain at least one special character" },
	};

	if (text_length(password) < USER_PASSWORD_MIN)
		return "Password must be at least 8 characters";
	if (password.len > USER_PASSWORD_MAX_BYTES)
		return PASSWORD_TOO_LONG;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!has_byte_of(password, rules[i].set))
			return rules[i].sentence;
	}
	return NULL;
}

static void read_name(struct call *call, const struct json_value *body,
		      struct account_form *form)
{
	size_t length;

	if (field_string(call, body, TEXT("name"), FIELD_REQUIRED, FIELD_ECHOED,
			 &form->name) != FIELD_VALUE)
		return;
	length = text_length(form->name);
	if (length < USER_NAME_MIN || length > USER_NAME_MAX)
		field_refuse(call, body, TEXT("name"), FIELD_ECHOED,
			     "Name must be 2-100 characters");
}

static void read_email(struct call *call, const struct json_value *body,
		       struct account_form *form)
{
	struct text email;

	if (field_string(call, body, TEXT("email"), FIELD_REQUIRED,
			 FIELD_ECHOED, &email) != FIELD_VALUE)
		return;
	if (email.len > USER_EMAIL_MAX_BYTES || !email_is_valid(email)) {
		field_refuse(call, body, TEXT("email"), FIELD_ECHOED,
			     "Invalid email format");
		return;
	}
	memcpy(form->email, email.ptr, email.len);
	form->email[email.len] = '\0';
	form->email_len = email.len;
	text_lower_ascii(form->email, form->email_len);
}

static enum field_state read_password(struct call *call,
				      const struct json_value *body,
				      struct account_form *form)
{
	return field_string(call, body, TEXT("password"), FIELD_REQUIRED,
			    FIELD_SECRET, &form->password);
}

void account_read_signup(struct call *call, struct account_form *form)
{
	const struct json_value *body = call_body_object(call);
	const char *sentence;

	if (!body)
		return;
	read_name(call, body, form);
	read_email(call, body, form);
	if (read_password(call, body, form) != FIELD_VALUE)
		return;
	sentence = account_password_problem(form->password);
	if (sentence)
		field_refuse(call, body, TEXT("password"), FIELD_SECRET,
			     sentence);
}

void account_read_signin(struct call *call, struct account_form *form)
{
	const struct json_value *body = call_body_object(call);

	if (!body)
		return;
	read_email(call, body, form);
	if (read_password(call, body, form) == FIELD_VALUE &&
	    form->password.len > USER_PASSWORD_MAX_BYTES)
		field_refuse(call, body, TEXT("password"), FIELD_SECRET,
			     PASSWORD_TOO_LONG);
}
