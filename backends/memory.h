/*
 * Storage in the memory of one process: the reference that the other backends
 * are measured by, and the one for trying things out.  Nothing is kept.
 */
#ifndef TODOD_BACKENDS_MEMORY_H
#define TODOD_BACKENDS_MEMORY_H

struct backend;

extern const struct backend memory_backend;

#endif
