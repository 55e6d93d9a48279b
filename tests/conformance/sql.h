/* SQL of the test's own on a SQLite file, beside todod's connections. */
#ifndef TODOD_TESTS_SQL_H
#define TODOD_TESTS_SQL_H

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;

/* Opens the file, which must exist; ends the program when it cannot. */
struct sqlite3 *sql_open(const char *path);
void sql_close(struct sqlite3 **db);

/* Runs statements; ends the program when one fails. */
void sql_run(struct sqlite3 *db, const char *sql);

/* The integer in the first column of the first row. */
int64_t sql_number(struct sqlite3 *db, const char *sql);

/* Opens, asks, closes: sql_number() and sql_run() on a file. */
int64_t sql_number_in(const char *path, const char *sql);
void sql_run_in(const char *path, const char *sql);

/* Whether the file is whole. */
bool sql_is_intact(const char *path);

#endif
