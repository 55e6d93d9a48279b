/* What systemd and todod tell each other (sd_notify(3), sd_listen_fds(3)). */
#ifndef TODOD_DAEMON_NOTIFY_H
#define TODOD_DAEMON_NOTIFY_H

/* Sends "READY=1" and the like; nothing happens without systemd. */
void notify_send(const char *state);

/* "RELOADING=1" with the time it wants to know. */
void notify_reloading(void);

/* How many listening sockets were passed, the first as *first.  The next call
 * finds none: the variables are removed. */
int notify_inherited_sockets(int *first);

#endif
