/* A local account (dialect A). */
#ifndef TODOD_CORE_USER_H
#define TODOD_CORE_USER_H

#include <stdint.h>

#include "core/text.h"
#include "core/uuid.h"

#define USER_NAME_MIN		     2	 /* code points */
#define USER_NAME_MAX		     100 /* code points */
#define USER_EMAIL_MAX_BYTES	     254
#define USER_PASSWORD_MIN	     8 /* code points */
#define USER_PASSWORD_MAX_BYTES	     1024
#define USER_PASSWORD_HASH_MAX_BYTES 255

/* As storage hands it out or takes it; texts are borrowed. */
struct user {
	struct uuid id;
	struct text email; /* lower case, unique */
	struct text name;
	struct text password_hash;
	int64_t created_at_us;
};

#endif
