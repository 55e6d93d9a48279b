/* Catches the log of a test. */
#include "config.h"

#include "tests/support/logtrap.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "core/log.h"
#include "tests/support/tap.h"

#define TRAP_BYTES 65536

static struct {
	pthread_mutex_t mutex;
	char lines[TRAP_BYTES]; /* what does not fit is dropped */
	size_t len;
} trap = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void catch (void *arg, const char *line, size_t len)
{
	(void)arg;
	pthread_mutex_lock(&trap.mutex);
	if (len < sizeof(trap.lines) - trap.len) {
		memcpy(trap.lines + trap.len, line, len);
		trap.len += len;
		trap.lines[trap.len] = '\0';
	}
	pthread_mutex_unlock(&trap.mutex);
}

void logtrap_start(void)
{
	const struct log_options options = {
		.level = LOG_INFO,
		.format = LOG_FORMAT_JSON,
		.worker = -1,
		.sink = catch,
	};

	log_init(&options);
	logtrap_clear();
}

bool logtrap_has(const char *text)
{
	bool has;

	pthread_mutex_lock(&trap.mutex);
	has = strstr(trap.lines, text) != NULL;
	pthread_mutex_unlock(&trap.mutex);
	return has;
}

static bool is_warning(struct text line)
{
	static const char *const signs[] = { "\"level\":\"warn",
					     "\"level\":\"error" };
	size_t i;

	for (i = 0; i < 2; i++)
		if (memmem(line.ptr, line.len, signs[i], strlen(signs[i])))
			return true;
	return false;
}

int logtrap_warnings(void)
{
	struct text rest;
	int count = 0;

	pthread_mutex_lock(&trap.mutex);
	rest = (struct text){ trap.lines, trap.len };
	while (rest.len > 0) {
		size_t end = text_find_byte(rest, '\n');
		struct text line = text_slice(rest, 0, end);

		if (is_warning(line)) {
			diag("%.*s", (int)line.len, line.ptr);
			count++;
		}
		rest = text_slice(rest, end + 1, rest.len);
	}
	pthread_mutex_unlock(&trap.mutex);
	return count;
}

void logtrap_clear(void)
{
	pthread_mutex_lock(&trap.mutex);
	trap.len = 0;
	trap.lines[0] = '\0';
	pthread_mutex_unlock(&trap.mutex);
}
