/*
 * powercut.h - a power cut for SQLite's files: what was not synced is lost,
 * torn or out of order.  Stands between SQLite and the disk as its default
 * VFS, so the program under test needs no change.
 *
 *   powercut_arm(seed, n)  the lights go out at the n-th write from now on:
 *                          it and every later call fail
 *   powercut_is_out()
 *   powercut_restore()     puts on disk what a real one could have left there;
 *                          the files must be closed
 */
#ifndef SEALPOST_TESTS_POWERCUT_H
#define SEALPOST_TESTS_POWERCUT_H

#include <stdbool.h>
#include <stdint.h>

/* Once, before the first connection. */
void powercut_install(void);
/* No file may be open. */
void powercut_arm(uint64_t seed, unsigned writes);
bool powercut_is_out(void);
void powercut_restore(void);

#endif
