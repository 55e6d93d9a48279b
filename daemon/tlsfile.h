/* A certificate and its key out of PEM files into OpenSSL. */
#ifndef TODOD_DAEMON_TLSFILE_H
#define TODOD_DAEMON_TLSFILE_H

#include <stdint.h>

#include "core/err.h"

struct fault;
struct ssl_ctx_st;

/*
 * Loads both into context, an SSL_CTX, as tls_new() in daemon/tls.h says, and
 * tells between which points in time (wall clock) the certificate holds.
 * ERR_INVALID with a fault, ERR_NO_MEMORY.
 */
enum err tlsfile_load(struct ssl_ctx_st *context, const char *certificate_file,
		      const char *key_file, int64_t *begins_us,
		      int64_t *ends_us, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
