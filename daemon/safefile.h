/* Files that give power over the API to whoever can write or read them. */
#ifndef TODOD_DAEMON_SAFEFILE_H
#define TODOD_DAEMON_SAFEFILE_H

#include <stdbool.h>

enum safefile_kind {
	SAFEFILE_TRUSTED, /* who writes to it is believed */
	SAFEFILE_SECRET,  /* and who reads it knows enough */
};

/*
 * Warns when others than its owner may write to a file that an option names, or
 * everybody may read a secret.  No refusal: volumes and secrets of containers
 * come with such rights, and nobody else is there.
 */
void safefile_look(const char *option, const char *file,
		   enum safefile_kind kind);

/* A name that a file has got outlives a power cut when its folder does; false
 * with errno. */
bool safefile_sync_folder(const char *file) __attribute__((warn_unused_result));

#endif
