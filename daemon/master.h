/*
 * The process that everything else descends from: binds, forks the workers,
 * replaces the dead, reloads, stops.  It has no event loop, no thread and no
 * database.
 */
#ifndef TODOD_DAEMON_MASTER_H
#define TODOD_DAEMON_MASTER_H

struct fault;
struct options;
struct settings;

/*
 * Serves until a signal says stop and takes settings and options over; flags
 * are the command line's, for a reload.  Returns the exit status; fault->text
 * is empty unless it says why serving was impossible.
 */
int master_run(const struct options *flags, struct options *options,
	       struct settings **settings, struct fault *fault);

#endif
