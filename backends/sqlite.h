/*
 * Storage in one SQLite file, shared by the processes of one machine.
 *
 * Each process has two connections: one reads, on the loop (sqlite_reader.h),
 * one writes, on a thread of its own (sqlite_writer.h), so that the loop never
 * waits for a disk and never sees what is not committed.  Every write
 * transaction and every checkpoint is made under one lock on a file beside the
 * database (sqlite_lock.h): SQLite up to 3.51.2 can damage the file when a
 * write and a checkpoint of two connections meet.
 */
#ifndef TODOD_BACKENDS_SQLITE_H
#define TODOD_BACKENDS_SQLITE_H

struct backend;

extern const struct backend sqlite_backend;

#endif
