/*
 * Secrets in files.  One that is made gets its name by link(2), so that of two
 * processes that start at once both use the same.
 */
#include "config.h"

#include "daemon/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/log.h"
#include "core/token.h"
#include "daemon/fault.h"
#include "daemon/safefile.h"
#include "daemon/settings.h"

#define SECRET_FILE_MAX_BYTES 65536
#define SECRET_PATIENCE_MS    2000 /* with a pipe */
#define SECRET_RANDOM_BYTES   32
#define SECRET_SUFFIX	      ".jwt-secret"
#define FILE_MAX_BYTES	      4096

void secret_release(struct text *secret)
{
	/* What was allocated is ours to write to. */
	char *bytes = (char *)(uintptr_t)secret->ptr;

	if (bytes)
		explicit_bzero(bytes, secret->len);
	free(bytes);
	secret->ptr = NULL;
	secret->len = 0;
}

/* Whether there is something to read: a pipe may have nobody at its other
 * end. */
static bool has_come(int fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	int got = poll(&wanted, 1, SECRET_PATIENCE_MS);

	if (got == 0)
		errno = ETIMEDOUT;
	return got > 0;
}

/* The content of an open file, or of fd -1 with errno; closes it. */
static enum err read_and_close(int fd, const char *file, struct text *secret,
			       struct fault *fault)
{
	char *bytes = malloc(SECRET_FILE_MAX_BYTES);
	size_t len = 0;
	ssize_t got = fd < 0 ? -1 : 1;

	while (bytes && got > 0 && len < SECRET_FILE_MAX_BYTES) {
		got = has_come(fd) ? read(fd, bytes + len,
					  SECRET_FILE_MAX_BYTES - len) :
				     -1;
		if (got > 0)
			len += (size_t)got;
	}
	if (got < 0)
		fault_set(fault, EX_CONFIG, "cannot read the secret in %s: %m",
			  file);
	if (len == SECRET_FILE_MAX_BYTES) {
		fault_set(fault, EX_CONFIG,
			  "the secret in %s has more than %d bytes", file,
			  SECRET_FILE_MAX_BYTES - 1);
		got = -1;
	}
	if (fd >= 0)
		close(fd);
	while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
		len--;
	secret->ptr = bytes;
	secret->len = len;
	if (bytes && got >= 0)
		return ERR_OK;
	secret_release(secret);
	return bytes ? ERR_INVALID : ERR_NO_MEMORY;
}

enum err secret_read(const char *file, struct text *secret, struct fault *fault)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return read_and_close(fd, file, secret, fault);
}

/* Hexadecimal digits of 32 random bytes. */
static enum err make(struct text *secret, struct fault *fault)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char random[SECRET_RANDOM_BYTES];
	char *bytes;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return fault_set(fault, EX_OSERR, "no random numbers: %m");
	bytes = malloc(2 * sizeof(random));
	if (!bytes)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < sizeof(random); i++) {
		bytes[2 * i] = digits[random[i] >> 4];
		bytes[2 * i + 1] = digits[random[i] & 15];
	}
	explicit_bzero(random, sizeof(random));
	secret->ptr = bytes;
	secret->len = 2 * sizeof(random);
	return ERR_OK;
}

/*
 * Writes to a name that nobody can foresee and links it to file; a symbolic
 * link there is a file that is there.  ERR_CONFLICT: there is one; ERR_SYSTEM
 * with errno.
 */
static enum err keep(const char *file, struct text secret)
{
	char name[FILE_MAX_BYTES];
	enum err err = ERR_SYSTEM;
	int saved;
	int fd;

	if (snprintf(name, sizeof(name), "%s.XXXXXX", file) >=
	    (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return ERR_SYSTEM;
	}
	/* With O_EXCL, and for its owner only. */
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return ERR_SYSTEM;
	if (write(fd, secret.ptr, secret.len) == (ssize_t)secret.len &&
	    write(fd, "\n", 1) == 1 && fsync(fd) == 0) {
		if (link(name, file) == 0)
			err = ERR_OK;
		else if (errno == EEXIST)
			err = ERR_CONFLICT;
	}
	saved = errno;
	close(fd);
	(void)unlink(name);
	errno = saved;
	if (err == ERR_OK && !safefile_sync_folder(file))
		err = ERR_SYSTEM;
	return err;
}

/* One that another user has put there, or may change, would be his key to
 * every account. */
static enum err distrust(int fd, const char *file, struct fault *fault)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return fault_set(fault, EX_CONFIG, "cannot read %s: %m", file);
	if (!S_ISREG(status.st_mode) ||
	    (status.st_uid != geteuid() && status.st_uid != 0) ||
	    (status.st_mode & 022) != 0)
		return fault_set(fault, EX_CONFIG,
				 "the token secret in %s is no file, is "
				 "another user's, or others may write to it: "
				 "remove it to get a new one",
				 file);
	if ((status.st_mode & 077) != 0)
		log_event(LOG_WARN,
			  "others may read the token secret: chmod 600 it",
			  LOG_STRING("file", file));
	return ERR_OK;
}

/* Reads the one that todod has made.  A link would lead to another's. */
static enum err read_kept(const char *file, struct text *secret,
			  struct fault *fault)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW |
				    O_NONBLOCK);
	enum err err = fd < 0 ? ERR_OK : distrust(fd, file, fault);

	if (err == ERR_OK)
		return read_and_close(fd, file, secret, fault);
	close(fd);
	return err;
}

static enum err make_and_keep(const char *file, struct text *secret,
			      struct fault *fault)
{
	enum err err = make(secret, fault);

	if (err != ERR_OK)
		return err;
	err = keep(file, *secret);
	if (err == ERR_OK) {
		log_event(LOG_INFO,
			  "no JWT_SECRET_KEY is set: made one and keep it",
			  LOG_STRING("file", file));
		return ERR_OK;
	}
	secret_release(secret);
	if (err == ERR_CONFLICT)
		return read_kept(file, secret, fault);
	return fault_set(fault, EX_CANTCREAT,
			 "cannot keep a token secret in %s: %m; set "
			 "JWT_SECRET_KEY, or let todod write to that folder",
			 file);
}

static enum err check(const char *file, struct text *secret,
		      struct fault *fault)
{
	const char *problem = token_secret_problem(*secret);

	if (!problem)
		return ERR_OK;
	secret_release(secret);
	return fault_set(fault, EX_CONFIG,
			 "the token secret in %s %s; remove the file to get "
			 "a new one",
			 file, problem);
}

static enum err file_of(const struct settings *settings,
			char file[FILE_MAX_BYTES], struct fault *fault)
{
	if (snprintf(file, FILE_MAX_BYTES, "%s" SECRET_SUFFIX,
		     settings->location.path) >= FILE_MAX_BYTES)
		return fault_set(fault, EX_CONFIG,
				 "the path of the database is too long");
	return ERR_OK;
}

/* Whether accounts here lack a secret that was given. */
static bool needs_secret(const struct settings *settings)
{
	return !settings->jwt_secret.ptr && settings->accounts;
}

enum err secret_find(struct settings *settings, struct fault *fault)
{
	struct text secret = { NULL, 0 };
	char file[FILE_MAX_BYTES];
	struct stat status;
	enum err err;

	if (!needs_secret(settings) || !settings->location.path)
		return ERR_OK;
	err = file_of(settings, file, fault);
	if (err != ERR_OK || lstat(file, &status) != 0)
		return err;
	err = read_kept(file, &secret, fault);
	if (err == ERR_OK)
		err = check(file, &secret, fault);
	if (err == ERR_OK)
		settings->jwt_secret = secret;
	return err;
}

enum err secret_provide(struct settings *settings, struct fault *fault)
{
	struct text secret = { NULL, 0 };
	char file[FILE_MAX_BYTES];
	enum err err = secret_find(settings, fault);

	if (err != ERR_OK || !needs_secret(settings))
		return err;
	if (!settings->location.path) {
		err = make(&secret, fault);
		if (err == ERR_OK)
			log_write(LOG_INFO,
				  "no JWT_SECRET_KEY is set: made one for this "
				  "run",
				  NULL, 0);
		settings->jwt_secret = secret;
		return err;
	}
	err = file_of(settings, file, fault);
	if (err == ERR_OK)
		err = make_and_keep(file, &secret, fault);
	if (err == ERR_OK)
		err = check(file, &secret, fault);
	if (err == ERR_OK)
		settings->jwt_secret = secret;
	return err;
}
