/*
 * What a server needs to speak TLS: its certificate, its key and the rules.
 * The master makes it, before it gives up the rights to read the key, and the
 * workers inherit it.  A build without TLS has none.
 *
 * A connection that speaks it is daemon/tlslink.h's.
 */
#ifndef TODOD_DAEMON_TLS_H
#define TODOD_DAEMON_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct bio_method_st;
struct fault;
struct ssl_st;
struct tls;

bool tls_is_built_in(void);

/* Name and version of the library, for --version; NULL: there is none. */
const char *tls_library(void);

/*
 * Reads the certificate, with those between it and its authority, and the key,
 * all in PEM; key_file may be the same file.  TLS 1.2 and 1.3, ciphers and
 * strength as OpenSSL and the system's openssl.cnf have them.  Warns of a
 * certificate that is out of date, and of a key that others may read.
 * ERR_INVALID with a fault, ERR_NO_MEMORY.
 */
enum err tls_new(const char *certificate_file, const char *key_file,
		 struct tls **tls, struct fault *fault)
	__attribute__((warn_unused_result));

/* The key is wiped; *tls may be NULL. */
void tls_free(struct tls **tls);

/* One "certificate" line; a warning when a reload could not read the key any
 * more. */
void tls_log(const struct tls *tls);

/* Forgets keys of session tickets that have had their time; now_us is of the
 * monotonic clock. */
void tls_advance(struct tls *tls, int64_t now_us);

/* The library's state of a connection, SSL *; from SSL_new(), or NULL.  tls is
 * borrowed. */
struct ssl_st *tls_session_new(struct tls *tls);

/* For tlsbio_new() in daemon/tlsbio.h; borrowed. */
const struct bio_method_st *tls_bio_method(const struct tls *tls);

#endif
