/* A BIO over recv(2). */
#include "config.h"

#include "daemon/tlsbio.h"

#include <errno.h>
#include <openssl/bio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/log.h"
#include "daemon/httpdate.h"
#include "daemon/preface.h"

#define DISCARD_MAX_BYTES (128 * 1024)

#define PLAIN_BODY "{\"detail\":\"This port speaks HTTPS: use https:// here\"}"
/* With the length of the body, the date, and the body, unless it is HEAD. */
#define PLAIN_ANSWER                          \
	"HTTP/1.1 400 Bad Request\r\n"        \
	"Content-Length: %zu\r\n"             \
	"Date: %s\r\n"                        \
	"Content-Type: application/json\r\n"  \
	"X-Content-Type-Options: nosniff\r\n" \
	"Cache-Control: no-store\r\n"         \
	"Referrer-Policy: no-referrer\r\n"    \
	"Connection: close\r\n"               \
	"\r\n%s"

struct tlsbio {
	int fd;
	struct preface *preface; /* NULL: no proxy speaks first */
	bool has_begun;		 /* the first byte was seen */
	bool is_ended;		 /* there is nothing more to read */
};

/* No record of TLS begins with a letter, and all methods of HTTP do. */
static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A close with unread bytes would be a reset, which could cost the client this
 * answer: what it has sent so far is thrown away. */
static void answer_plain(int fd, bool is_head)
{
	struct httpdate date = { 0 };
	char bytes[4096];
	size_t discarded = 0;
	ssize_t got = 1;
	int len = snprintf(bytes, sizeof(bytes), PLAIN_ANSWER,
			   sizeof(PLAIN_BODY) - 1, httpdate_text(&date),
			   is_head ? "" : PLAIN_BODY);

	(void)send(fd, bytes, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (got > 0 && discarded < DISCARD_MAX_BYTES) {
		got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (got > 0)
			discarded += (size_t)got;
	}
	log_write(LOG_DEBUG, "plain HTTP where TLS is spoken", NULL, 0);
}

/* Takes no byte from the socket but the proxy's; as recv(), 1 at its end. */
static ssize_t read_preface(const struct tlsbio *state)
{
	unsigned char bytes[PROXYHEADER_MAX_BYTES];
	ssize_t got = 1;

	while (preface_state(state->preface) == PROXYHEADER_READING) {
		got = recv(state->fd, bytes, sizeof(bytes),
			   MSG_PEEK | MSG_DONTWAIT);
		if (got <= 0)
			return got;
		(void)recv(state->fd, bytes,
			   preface_take(state->preface, bytes, (size_t)got),
			   MSG_DONTWAIT);
	}
	return preface_state(state->preface) == PROXYHEADER_DONE;
}

static int on_read(BIO *bio, char *out, int len)
{
	struct tlsbio *state = BIO_get_data(bio);
	ssize_t got = 1;

	BIO_clear_retry_flags(bio);
	if (state->is_ended || len <= 0)
		return 0;
	if (state->preface && !state->has_begun)
		got = read_preface(state);
	if (got > 0)
		got = recv(state->fd, out, (size_t)len, MSG_DONTWAIT);
	if (got < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
			BIO_set_retry_read(bio);
		return -1;
	}
	if (got > 0 && !state->has_begun && is_letter(out[0])) {
		answer_plain(state->fd,
			     got >= 5 && memcmp(out, "HEAD ", 5) == 0);
		got = 0;
	}
	state->has_begun = true;
	state->is_ended = got == 0;
	return (int)got;
}

static long on_control(BIO *bio, int command, long number, void *pointer)
{
	const struct tlsbio *state = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return state->is_ended;
	return command == BIO_CTRL_FLUSH;
}

static int on_destroy(BIO *bio)
{
	free(BIO_get_data(bio));
	return 1;
}

BIO_METHOD *tlsbio_method_new(void)
{
	BIO_METHOD *method = BIO_meth_new(
		BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "todod");

	if (!method)
		return NULL;
	if (BIO_meth_set_read(method, on_read) == 1 &&
	    BIO_meth_set_ctrl(method, on_control) == 1 &&
	    BIO_meth_set_destroy(method, on_destroy) == 1)
		return method;
	BIO_meth_free(method);
	return NULL;
}

BIO *tlsbio_new(const BIO_METHOD *method, int fd, struct preface *preface)
{
	struct tlsbio *state = calloc(1, sizeof(*state));
	BIO *bio = state ? BIO_new(method) : NULL;

	if (!bio) {
		free(state);
		return NULL;
	}
	state->fd = fd;
	state->preface = preface;
	BIO_set_data(bio, state);
	BIO_set_init(bio, 1);
	return bio;
}
