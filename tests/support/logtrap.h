/*
 * Catches the log of a test: nothing goes to stderr, and the test can look at
 * what was said.  Any thread may log.
 */
#ifndef TODOD_TESTS_LOGTRAP_H
#define TODOD_TESTS_LOGTRAP_H

#include <stdbool.h>

/* Catches every line from here on, from level info up. */
void logtrap_start(void);

/* Whether a line since the last clear has the text in it. */
bool logtrap_has(const char *text);

/* Lines at warning or above since the last clear; shows them as diagnostics. */
int logtrap_warnings(void);

void logtrap_clear(void);

#endif
