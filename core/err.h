/*
 * The error numbers of the whole program.  An error is chosen by what the
 * caller does next, not by where it came from: foreign codes (SQLite's,
 * errno, HTTP's) are translated where they arise and never travel.
 */
#ifndef TODOD_CORE_ERR_H
#define TODOD_CORE_ERR_H

enum err {
	ERR_OK = 0,
	ERR_INVALID,	 /* the data is not acceptable: tell who sent it */
	ERR_NOT_FOUND,	 /* there is no such thing, or not for this user */
	ERR_CONFLICT,	 /* something unique is taken */
	ERR_DENIED,	 /* not allowed, or a secret does not match */
	ERR_EXPIRED,	 /* was good once: a token past its time */
	ERR_BUSY,	 /* a bounded queue is full: try again soon */
	ERR_UNAVAILABLE, /* not done, nothing was written: try again later */
	ERR_UNCERTAIN,	 /* a write whose outcome cannot be known */
	ERR_NO_MEMORY,	 /* an allocation failed, nothing was done */
	ERR_OUTDATED,	 /* the database needs a migration first */
	ERR_TOO_NEW,	 /* the database's schema is newer than the program */
	ERR_CORRUPT,	 /* the database is damaged: stop the process */
	ERR_SYSTEM,	 /* the system refused: details were logged */
};

/* A short lower-case phrase for a log line; never NULL. */
const char *err_text(enum err err);

/*
 * Reports a broken invariant of our own with its place and aborts, so that the
 * master starts a fresh worker.  No input from outside may reach it.
 */
#define BUG(message) err_bug(__FILE__, __LINE__, (message))
void err_bug(const char *file, int line, const char *message)
	__attribute__((noreturn, cold));

#endif
