/* The secret that signs tokens: given, read from a file, or made. */
#ifndef TODOD_DAEMON_SECRET_H
#define TODOD_DAEMON_SECRET_H

#include "core/err.h"
#include "core/text.h"

struct fault;
struct settings;

/* The content of a file without the line feeds at its end; *secret is from
 * malloc.  ERR_INVALID with a fault, ERR_NO_MEMORY. */
enum err secret_read(const char *file, struct text *secret, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Gives settings that have none and need one, because accounts are on
 * (development only), a secret: the one kept beside the database, which is
 * made when it is not there, or for a database in memory one that lives as
 * long as the process.  Call it as the user todod runs as.
 */
enum err secret_provide(struct settings *settings, struct fault *fault)
	__attribute__((warn_unused_result));

/* The same for who only looks: gives settings the secret kept beside the
 * database when there is one, and makes none. */
enum err secret_find(struct settings *settings, struct fault *fault)
	__attribute__((warn_unused_result));

/* Wipes and frees. */
void secret_release(struct text *secret);

#endif
