/*
 * os_dir.h - a directory held open, and files made inside it and nowhere else:
 * whatever happens to its path meanwhile, and whatever links lie in it.  Part
 * of the door that os.h is, with the same errors; ERR_REFUSED also for a NAME
 * that is not one plain name. Life: os_dir_open() or os_dir_make() ...
 * os_dir_close().
 */
#ifndef SEALPOST_COMMON_OS_DIR_H
#define SEALPOST_COMMON_OS_DIR_H

#include <stdbool.h>

#include "common/err.h"

struct os_dir {
    int fd; /* -1: not open */
};
#define OS_DIR_NONE ((struct os_dir){-1})

/* Opens PATH, made for this user alone when it is not there (*MADE).  A link at
 * its end is not followed: ERR_REFUSED. */
enum err os_dir_open(struct os_dir *out, const char *path, bool *made);
/* A new directory NAME for this user alone; ERR_EXISTS when anything has that
 * name. */
enum err os_dir_make(const struct os_dir *parent, const char *name,
                     struct os_dir *out);
/* Takes it; closing again is fine. */
void os_dir_close(struct os_dir *dir);

/* A new file for this user alone, read and write; ERR_EXISTS when anything has
 * that name, a dangling link too. */
enum err os_dir_create(const struct os_dir *dir, const char *name, int *fd);
/* What is not there is no error. */
enum err os_dir_remove_file(const struct os_dir *dir, const char *name);
/* Only when it is empty. */
enum err os_dir_remove_dir(const struct os_dir *parent, const char *name);
enum err os_dir_sync(const struct os_dir *dir);

#endif
