/*
 * fail_disk.h - a disk that stops at a chosen step: from then on nothing on it
 * changes any more, which is what a crash there would leave; or it is full.
 * Works in programs that are linked with --wrap for mkdir, chmod, fchmod,
 * mkostemps, write, fsync, rename, unlink and remove (Makefile).  From any
 * thread.
 */
#ifndef SEALPOST_TESTS_FAIL_DISK_H
#define SEALPOST_TESTS_FAIL_DISK_H

/* STEPS more go well, then each gives the errno NUMBER (EIO, ENOSPC). */
void fail_disk_after(int steps, int number);
void fail_disk_never(void);

#endif
