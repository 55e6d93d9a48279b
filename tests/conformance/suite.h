/* The contract of core/storage.h as tests, to be run on every backend. */
#ifndef TODOD_TESTS_SUITE_H
#define TODOD_TESTS_SUITE_H

struct subject;

/* Runs all of it on the named backend; the exit status of main(). */
int suite_run(const char *backend);
/* The same without the plan at the end, for one that runs it several times. */
void suite_run_parts(const char *backend);

/* The parts; each gets an empty storage and leaves it open. */
void suite_tasks(struct subject *subject);
void suite_updates(struct subject *subject);
void suite_isolation(struct subject *subject);
void suite_lists(struct subject *subject);
void suite_searches(struct subject *subject);
void suite_users(struct subject *subject);
void suite_calls(struct subject *subject);

#endif
