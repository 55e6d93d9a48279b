/*
 * The process that everything else descends from: binds, forks the workers,
 * replaces the dead, reloads, upgrades, stops.  It has no event loop, no
 * thread and no database.
 */
#ifndef TODOD_DAEMON_MASTER_H
#define TODOD_DAEMON_MASTER_H

struct command;
struct fault;
struct handover;
struct options;
struct settings;

/*
 * Serves until a signal says stop and takes settings and options over; the
 * command has the flags, for a reload, and is run again for an upgrade.  With
 * an open handover it takes the place of the todod that left it, and tells it
 * when to go.  Returns the exit status; fault->text is empty unless it says why
 * serving was impossible.
 */
int master_run(const struct command *command, struct handover *handover,
	       struct options *options, struct settings **settings,
	       struct fault *fault);

#endif
