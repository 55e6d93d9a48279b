/* Fetching with libcurl. */
#include "config.h"

#include "daemon/keyfetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/keyset.h"

#define FDS_MAX 8 /* of the caller's */

struct keyfetch {
	const struct keyfetch_options *options;
	CURLM *multi;
	CURL *easy; /* NULL: none is running */
	enum keyfetch_state state;
	size_t len;
	bool is_too_long;
	char body[KEYSET_MAX_BYTES];
	char problem[KEYFETCH_PROBLEM_BYTES];
	char detail[CURL_ERROR_SIZE];
};

bool keyfetch_is_built_in(void)
{
	return true;
}

const char *keyfetch_library(void)
{
	return curl_version();
}

enum err keyfetch_new(const struct keyfetch_options *options,
		      struct keyfetch **out)
{
	struct keyfetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch)
		return ERR_NO_MEMORY;
	fetch->options = options;
	fetch->state = KEYFETCH_IDLE;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		fetch->multi = curl_multi_init();
	if (!fetch->multi) {
		free(fetch);
		return ERR_SYSTEM;
	}
	*out = fetch;
	return ERR_OK;
}

static void end(struct keyfetch *fetch)
{
	if (!fetch->easy)
		return;
	(void)curl_multi_remove_handle(fetch->multi, fetch->easy);
	curl_easy_cleanup(fetch->easy);
	fetch->easy = NULL;
}

void keyfetch_free(struct keyfetch **fetch)
{
	if (!*fetch)
		return;
	end(*fetch);
	(void)curl_multi_cleanup((*fetch)->multi);
	curl_global_cleanup();
	free(*fetch);
	*fetch = NULL;
}

static void fail(struct keyfetch *fetch, const char *problem)
{
	end(fetch);
	fetch->state = KEYFETCH_FAILED;
	(void)snprintf(fetch->problem, sizeof(fetch->problem), "%s", problem);
}

/* Anything but the whole size makes libcurl give the transfer up. */
static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	struct keyfetch *fetch = arg;
	size_t len = size * count;

	if (len > sizeof(fetch->body) - fetch->len) {
		fetch->is_too_long = true;
		return 0;
	}
	memcpy(fetch->body + fetch->len, bytes, len);
	fetch->len += len;
	return len;
}

/* Only what was asked for, from whom it was asked, and nothing of the
 * environment's; false when memory is exhausted. */
static bool configure(struct keyfetch *fetch)
{
	const struct keyfetch_options *options = fetch->options;
	const char *protocol =
		strncasecmp(options->url, "https:", 6) == 0 ? "https" : "http";
	CURL *easy = fetch->easy;
	bool is_set = true;

#define SET(option, value) \
	(is_set = is_set && curl_easy_setopt(easy, option, value) == CURLE_OK)

	SET(CURLOPT_URL, options->url);
	SET(CURLOPT_PROTOCOLS_STR, protocol);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	SET(CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)options->timeout_ms);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	/* A name server that hangs must not hold up the end. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_MAXFILESIZE, (long)sizeof(fetch->body));
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (options->ca_file) {
		SET(CURLOPT_CAINFO, options->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	SET(CURLOPT_ERRORBUFFER, fetch->detail);
	SET(CURLOPT_WRITEFUNCTION, on_bytes);
	SET(CURLOPT_WRITEDATA, fetch);
#undef SET
	return is_set;
}

void keyfetch_start(struct keyfetch *fetch)
{
	int running;

	fetch->state = KEYFETCH_RUNNING;
	fetch->len = 0;
	fetch->is_too_long = false;
	fetch->detail[0] = '\0';
	fetch->easy = curl_easy_init();
	if (!fetch->easy || !configure(fetch) ||
	    curl_multi_add_handle(fetch->multi, fetch->easy) != CURLM_OK ||
	    curl_multi_perform(fetch->multi, &running) != CURLM_OK)
		fail(fetch, "out of memory");
}

static void finish(struct keyfetch *fetch, CURLcode result)
{
	char problem[64];
	long status = 0;

	(void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	if (fetch->is_too_long || result == CURLE_FILESIZE_EXCEEDED) {
		(void)snprintf(problem, sizeof(problem),
			       "the answer is longer than %d bytes",
			       KEYSET_MAX_BYTES);
		fail(fetch, problem);
	} else if (result == CURLE_OPERATION_TIMEDOUT) {
		fail(fetch, "no answer in time");
	} else if (result != CURLE_OK) {
		fail(fetch, fetch->detail[0] ? fetch->detail :
					       curl_easy_strerror(result));
	} else if (status != 200) {
		(void)snprintf(problem, sizeof(problem),
			       "the answer's status is %ld%s", status,
			       status / 100 == 3 ? ": redirects are not "
						   "followed" :
						   "");
		fail(fetch, problem);
	} else {
		end(fetch);
		fetch->state = KEYFETCH_DONE;
	}
}

static void advance(struct keyfetch *fetch)
{
	const CURLMsg *message;
	int running, left;

	if (curl_multi_perform(fetch->multi, &running) != CURLM_OK) {
		fail(fetch, "libcurl gave up");
		return;
	}
	while (fetch->easy &&
	       (message = curl_multi_info_read(fetch->multi, &left)) != NULL)
		if (message->msg == CURLMSG_DONE)
			finish(fetch, message->data.result);
}

void keyfetch_wait(struct keyfetch *fetch, struct pollfd *fds, size_t count,
		   int timeout_ms)
{
	struct curl_waitfd waits[FDS_MAX];

	if (fetch->state != KEYFETCH_RUNNING || count > FDS_MAX) {
		(void)poll(fds, count, timeout_ms);
		return;
	}
	for (size_t i = 0; i < count; i++)
		waits[i] =
			(struct curl_waitfd){ fds[i].fd, CURL_WAIT_POLLIN, 0 };
	(void)curl_multi_poll(fetch->multi, waits, (unsigned)count, timeout_ms,
			      NULL);
	for (size_t i = 0; i < count; i++)
		fds[i].revents = waits[i].revents ? POLLIN : 0;
	advance(fetch);
}

enum keyfetch_state keyfetch_state(const struct keyfetch *fetch)
{
	return fetch->state;
}

struct text keyfetch_body(const struct keyfetch *fetch)
{
	return (struct text){ fetch->body, fetch->len };
}

const char *keyfetch_problem(const struct keyfetch *fetch)
{
	return fetch->problem;
}
