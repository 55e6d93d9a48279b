/* Local accounts. */
#include "config.h"

#include <string.h>

#include "tests/conformance/subject.h"
#include "tests/conformance/suite.h"
#include "tests/support/tap.h"

#define NOW INT64_C(1700000000000000)

static struct user user_of(const char *email)
{
	return (struct user){
		.id = uuid_make(),
		.email = text_of(email),
		.name = TEXT("Zo\xc3\xab \xf0\x9f\x8d\x80"),
		.password_hash = TEXT("$argon2id$hash"),
		.created_at_us = NOW,
	};
}

static void check_user(const struct answer *answer, const struct user *want,
		       const char *name)
{
	ok(answer->err == ERR_OK &&
		   uuid_is_equal(&answer->user.id, &want->id) &&
		   text_is_equal(answer->user.email, want->email) &&
		   text_is_equal(answer->user.name, want->name) &&
		   text_is_equal(answer->user.password_hash,
				 want->password_hash) &&
		   answer->user.created_at_us == want->created_at_us,
	   name);
}

static void test_create(struct subject *subject)
{
	const struct user user = user_of("zoe@example.org");
	struct user other = user_of("zoe@example.org");
	struct answer answer;

	is_err(user_create(subject, &user), ERR_OK, "a user is created");
	user_by_email(subject, user.email, &answer);
	check_user(&answer, &user, "and found by the e-mail address");
	user_by_id(subject, user.id, &answer);
	check_user(&answer, &user, "and found by the id");
	is_err(user_create(subject, &other), ERR_CONFLICT,
	       "an e-mail address is taken once");
	user_by_id(subject, other.id, &answer);
	is_err(answer.err, ERR_NOT_FOUND, "the second user is not there");
	other = user_of("max@example.org");
	other.id = user.id;
	is_err(user_create(subject, &other), ERR_CONFLICT,
	       "an id is taken once");
}

static void test_not_found(struct subject *subject)
{
	static char longest[3000];
	struct answer answer;

	user_by_email(subject, TEXT("none@example.org"), &answer);
	is_err(answer.err, ERR_NOT_FOUND, "an unknown address is not found");
	user_by_email(subject, TEXT("zoe@example.or"), &answer);
	is_err(answer.err, ERR_NOT_FOUND, "nor a part of a known one");
	user_by_email(subject, TEXT(""), &answer);
	is_err(answer.err, ERR_NOT_FOUND, "nor the empty text");
	memset(longest, 'a', sizeof(longest));
	user_by_email(subject, (struct text){ longest, sizeof(longest) },
		      &answer);
	is_err(answer.err, ERR_NOT_FOUND, "nor one longer than any may be");
	user_by_id(subject, uuid_make(), &answer);
	is_err(answer.err, ERR_NOT_FOUND, "an unknown id is not found");
}

static void test_longest(struct subject *subject)
{
	char email[USER_EMAIL_MAX_BYTES], hash[USER_PASSWORD_HASH_MAX_BYTES];
	char name[USER_NAME_MAX * 4];
	struct user user = user_of("");
	struct answer answer;
	size_t i;

	memset(email, 'e', sizeof(email));
	memset(hash, 'h', sizeof(hash));
	for (i = 0; i < USER_NAME_MAX; i++)
		memcpy(name + i * 4, "\xf0\x9f\x98\x80", 4);
	user.email = (struct text){ email, sizeof(email) };
	user.name = (struct text){ name, sizeof(name) };
	user.password_hash = (struct text){ hash, sizeof(hash) };
	is_err(user_create(subject, &user), ERR_OK,
	       "the longest texts of a user are accepted");
	user_by_email(subject, user.email, &answer);
	check_user(&answer, &user, "and come back whole");
}

static void test_password(struct subject *subject)
{
	const struct user user = user_of("eva@example.org");
	struct answer answer;

	if (user_create(subject, &user) != ERR_OK)
		bail_out("a user was not created");
	is_err(user_set_password(subject, user.id, "not the hash", "new"),
	       ERR_NOT_FOUND, "a hash is not replaced when it is another");
	user_by_id(subject, user.id, &answer);
	is_text(answer.user.password_hash, user.password_hash,
		"and stays as it was");
	is_err(user_set_password(subject, user.id, "$argon2id$hash", "new"),
	       ERR_OK, "a hash is replaced when it is the one");
	user_by_email(subject, user.email, &answer);
	is_text(answer.user.password_hash, TEXT("new"), "and is stored");
	is_text(answer.user.name, user.name, "and nothing else changes");
	is_err(user_set_password(subject, user.id, "$argon2id$hash", "third"),
	       ERR_NOT_FOUND, "the same replacement again finds no such hash");
	is_err(user_set_password(subject, uuid_make(), "new", "third"),
	       ERR_NOT_FOUND, "an unknown user has no hash");
}

void suite_users(struct subject *subject)
{
	test_create(subject);
	test_not_found(subject);
	test_longest(subject);
	test_password(subject);
}
