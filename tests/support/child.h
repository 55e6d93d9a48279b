/*
 * A process beside the test, which says when it is ready and ends when it is
 * told to.  Start it while the test has no thread and no database open.
 */
#ifndef TODOD_TESTS_CHILD_H
#define TODOD_TESTS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int to;	  /* the test writes */
	int from; /* the child writes */
};

/* The child's side. */
struct parent {
	int to;
	int from;
};

/* Its result is the exit status. */
typedef int child_main_fn(const struct parent *parent, void *arg);

/* Ends the program when there can be no process. */
void child_start(struct child *child, child_main_fn *child_main, void *arg);

/* Waits for child_say_ready() on the other side; false when the child has
 * ended instead. */
bool child_wait_ready(const struct child *child);
/* Lets child_wait_told() return. */
void child_tell(const struct child *child);
/* Waits for the end; the exit status, or 128 and the number of the signal. */
int child_end(struct child *child);
void child_kill(const struct child *child);

void child_say_ready(const struct parent *parent);
void child_wait_told(const struct parent *parent);

#endif
