/*
 * Sign-up and sign-in.  Both are counted (core/limits.h) before they go through
 * the hash pool; an unknown address and a wrong password take the same way and
 * the same time.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/account.h"
#include "core/api.h"
#include "core/call.h"
#include "core/clock.h"
#include "core/digest.h"
#include "core/hashpool.h"
#include "core/jsonwriter.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/reply.h"
#include "core/storage.h"
#include "core/token.h"

#define US_PER_S INT64_C(1000000)

/* The call's state on its way through pool and storage. */
struct account {
	struct call *call;
	struct account_form form;
	struct user user;     /* its texts are copies in the arena */
	bool is_known;	      /* storage has the address */
	struct buffer answer; /* of sign-up */
};

static struct text form_email(const struct account *account)
{
	return (struct text){ account->form.email, account->form.email_len };
}

/* ---- sign-up: hash, then create ---- */

/* Before storage is asked: once the user is there, a lack of memory must not
 * turn the answer into an error. */
static void write_signed_up(struct account *account)
{
	char id[UUID_TEXT_LEN + 1];
	struct jsonwriter writer;

	uuid_format(&account->user.id, id);
	jsonwriter_init(&writer, &account->answer);
	jsonwriter_object_begin(&writer);
	jsonwriter_key(&writer, TEXT("message"));
	jsonwriter_string(&writer, TEXT("User created successfully"));
	jsonwriter_key(&writer, TEXT("user_id"));
	jsonwriter_string(&writer, text_of(id));
	jsonwriter_object_end(&writer);
}

static void on_created(void *arg, enum err err)
{
	struct account *account = arg;

	if (err == ERR_OK) {
		reply_json(account->call, 201, &account->answer);
		return;
	}
	buffer_release(&account->answer);
	if (err == ERR_CONFLICT)
		reply_detail(account->call, 400, "Email already registered");
	else
		reply_err(account->call, err);
}

static void on_hashed(void *arg, const struct hashpool_result *result)
{
	struct account *account = arg;
	struct call *call = account->call;
	enum err err = result->err;

	if (err == ERR_OK) {
		account->user.id = uuid_make();
		account->user.email = form_email(account);
		account->user.name = account->form.name;
		account->user.password_hash = result->new_hash;
		account->user.created_at_us = call->now_us;
		write_signed_up(account);
		if (buffer_is_failed(&account->answer))
			err = ERR_NO_MEMORY;
	}
	if (err == ERR_OK)
		err = storage_user_create(call->services->storage,
					  &account->user, on_created, account,
					  NULL);
	if (err != ERR_OK) {
		buffer_release(&account->answer);
		reply_err(call, err);
	}
}

void api_signup(struct call *call)
{
	struct account *account = call_state(call, sizeof(*account));
	enum err err;

	if (!account)
		return;
	account->call = call;
	account_read_signup(call, &account->form);
	if (call->problems.count > 0) {
		reply_problems(call);
		return;
	}
	if (!limits_admit_account(call, LIMIT_SIGNUP, form_email(account)))
		return;
	err = hashpool_hash(call->services->hashes, account->form.password,
			    on_hashed, account);
	if (err != ERR_OK)
		reply_err(call, err);
}

/* ---- sign-in: look up, verify, perhaps upgrade the hash, answer ---- */

static void write_user(struct jsonwriter *writer, const struct user *user)
{
	char id[UUID_TEXT_LEN + 1];

	uuid_format(&user->id, id);
	jsonwriter_object_begin(writer);
	jsonwriter_key(writer, TEXT("id"));
	jsonwriter_string(writer, text_of(id));
	jsonwriter_key(writer, TEXT("email"));
	jsonwriter_string(writer, user->email);
	jsonwriter_key(writer, TEXT("name"));
	jsonwriter_string(writer, user->name);
	jsonwriter_key(writer, TEXT("created_at"));
	jsonwriter_time(writer, user->created_at_us);
	jsonwriter_object_end(writer);
}

static void reply_signed_in(struct account *account)
{
	struct call *call = account->call;
	struct jsonwriter writer;
	struct buffer body;
	char *token = NULL, id[UUID_TEXT_LEN + 1];
	enum err err;

	uuid_format(&account->user.id, id);
	err = token_issue(call->services->options->jwt_secret, text_of(id),
			  account->user.email, clock_wall_us() / US_PER_S,
			  &token);
	if (err != ERR_OK) {
		reply_err(call, err);
		return;
	}
	buffer_init(&body);
	jsonwriter_init(&writer, &body);
	jsonwriter_object_begin(&writer);
	jsonwriter_key(&writer, TEXT("access_token"));
	jsonwriter_string(&writer, text_of(token));
	jsonwriter_key(&writer, TEXT("token_type"));
	jsonwriter_string(&writer, TEXT("bearer"));
	jsonwriter_key(&writer, TEXT("user"));
	write_user(&writer, &account->user);
	jsonwriter_object_end(&writer);
	digest_wipe(token, strlen(token));
	free(token);
	reply_json(call, 200, &body);
}

static void refuse_signin(struct account *account, const char *reason)
{
	struct http_response response = { 0 };
	struct call *call = account->call;
	int64_t suppressed;

	if (loglimit_is_open(&call->services->refused_signins,
			     clock_monotonic_us(), &suppressed))
		log_event(LOG_WARN, "sign-in refused",
			  LOG_STRING("reason", reason),
			  LOG_TEXT("request_id", call->exchange->request_id),
			  LOG_INT("suppressed", suppressed));
	http_response_header(&response, TEXT("WWW-Authenticate"),
			     TEXT("Bearer"));
	reply_detail_with(call, &response, 401, "Invalid email or password");
}

static void on_upgraded(void *arg, enum err err)
{
	struct account *account = arg;

	/* The password was right whatever became of the better hash; not
	 * found: another sign-in of the same user has put one there. */
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		log_event(LOG_WARN, "password hash not upgraded",
			  LOG_STRING("error", err_text(err)));
	reply_signed_in(account);
}

static void upgrade(struct account *account, struct text new_hash)
{
	enum err err;

	err = storage_user_set_password(account->call->services->storage,
					&account->user.id,
					account->user.password_hash, new_hash,
					on_upgraded, account, NULL);
	if (err != ERR_OK)
		on_upgraded(account, err);
}

static void on_verified(void *arg, const struct hashpool_result *result)
{
	struct account *account = arg;

	if (result->err == ERR_DENIED) {
		refuse_signin(account, account->is_known ? "wrong password" :
							   "unknown user");
		return;
	}
	if (result->err == ERR_INVALID) {
		refuse_signin(account, "the stored hash cannot be checked");
		return;
	}
	if (result->err != ERR_OK) {
		reply_err(account->call, result->err);
		return;
	}
	limits_forgive(account->call, form_email(account));
	if (result->new_hash.len > 0)
		upgrade(account, result->new_hash);
	else
		reply_signed_in(account);
}

/* Copies what a stored user's texts borrow; false: no memory. */
static bool keep_user(struct account *account, const struct user *user)
{
	struct arena *arena = &account->call->exchange->arena;

	account->user = *user;
	account->user.email = arena_copy(arena, user->email);
	account->user.name = arena_copy(arena, user->name);
	account->user.password_hash = arena_copy(arena, user->password_hash);
	return account->user.email.ptr && account->user.name.ptr &&
	       account->user.password_hash.ptr;
}

static void on_user(void *arg, enum err err, const struct user *user)
{
	struct account *account = arg;
	struct call *call = account->call;

	if (err == ERR_OK) {
		account->is_known = true;
		if (!keep_user(account, user))
			err = ERR_NO_MEMORY;
	} else if (err == ERR_NOT_FOUND) {
		err = ERR_OK;
	}
	if (err == ERR_OK)
		err = hashpool_verify(call->services->hashes,
				      account->form.password,
				      account->user.password_hash, on_verified,
				      account);
	if (err != ERR_OK)
		reply_err(call, err);
}

void api_signin(struct call *call)
{
	struct account *account = call_state(call, sizeof(*account));
	enum err err;

	if (!account)
		return;
	account->call = call;
	account_read_signin(call, &account->form);
	if (call->problems.count > 0) {
		reply_problems(call);
		return;
	}
	if (!limits_admit_account(call, LIMIT_SIGNIN, form_email(account)))
		return;
	err = storage_user_by_email(call->services->storage,
				    form_email(account), on_user, account,
				    NULL);
	if (err != ERR_OK)
		reply_err(call, err);
}
