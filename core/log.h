/*
 * The log front: one line per event with typed fields.  What a line looks like
 * (JSON or text) is decided here, where it goes is the sink's business.
 * Passwords, tokens and the text of tasks are never given to it.
 */
#ifndef TODOD_CORE_LOG_H
#define TODOD_CORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

/* A line is cut to this length, with its closing brace kept. */
#define LOG_LINE_BYTES 2048

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_JSON, LOG_FORMAT_TEXT };

enum log_field_type { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_MS };

struct log_field {
	const char *key;
	enum log_field_type type;
	struct text text;
	int64_t number; /* LOG_FIELD_MS: microseconds, shown as ms */
};

#define LOG_TEXT(key, value) \
	((struct log_field){ (key), LOG_FIELD_TEXT, (value), 0 })
#define LOG_STRING(key, value) \
	((struct log_field){ (key), LOG_FIELD_TEXT, text_of(value), 0 })
#define LOG_INT(key, value) \
	((struct log_field){ (key), LOG_FIELD_INT, { NULL, 0 }, (value) })
#define LOG_MS(key, value_us) \
	((struct log_field){ (key), LOG_FIELD_MS, { NULL, 0 }, (value_us) })

/* Gets whole lines, each with its line feed; must not block. */
typedef void log_sink_fn(void *arg, const char *line, size_t len);

/* What every line of this process carries; until it is called lines go to
 * stderr as text, level info. */
struct log_options {
	enum log_level level;
	enum log_format format;
	int worker; /* < 0: not a worker, no such field */
	log_sink_fn *sink;
	void *sink_arg;
};
void log_init(const struct log_options *options);

bool log_is_on(enum log_level level);

/* Writes one line; fields with an empty text are left out.  msg is a constant
 * phrase, values that vary go into fields. */
void log_write(enum log_level level, const char *msg,
	       const struct log_field *fields, size_t count);

/* log_event(LOG_WARN, "worker exited", LOG_INT("pid", pid), …); needs at least
 * one field. */
#define log_event(level, msg, ...)                                          \
	do {                                                                \
		if (log_is_on(level)) {                                     \
			const struct log_field logged_[] = { __VA_ARGS__ }; \
			log_write((level), (msg), logged_,                  \
				  sizeof(logged_) / sizeof(logged_[0]));    \
		}                                                           \
	} while (0)

/* "debug", "info", "warn", "error": false when name is none of them. */
bool log_level_parse(struct text name, enum log_level *level);

#endif
