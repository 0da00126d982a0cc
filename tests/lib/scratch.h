/*
 * scratch.h - directories that tests may fill, and snapshots of them.  Asserts
 * instead of returning errors.
 */
#ifndef SEALPOST_TESTS_SCRATCH_H
#define SEALPOST_TESTS_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new empty directory under $TMPDIR or /tmp.  Gives a string for
 * scratch_free(), which deletes everything in it. */
char *scratch_new(void);
void scratch_free(char *dir);
/* Every file below DIR; the path is borrowed. */
void scratch_each(const char *dir, void (*each)(void *arg, const char *path),
                  void *arg);
/* Is NEEDLE in any file below DIR? */
bool scratch_contains(const char *dir, const void *needle, size_t len);

/* The files (not the directories) of DIR itself, without those below. */
struct snapshot_file {
    char *name;
    uint8_t *bytes;
    size_t len;
};
struct snapshot {
    struct snapshot_file *files;
    size_t count;
};
void snapshot_take(struct snapshot *s, const char *dir);
/* DIR holds exactly these files again. */
void snapshot_restore(const struct snapshot *s, const char *dir);
/* The one whose name starts with PREFIX. */
struct snapshot_file *snapshot_file(struct snapshot *s, const char *prefix);
void snapshot_clear(struct snapshot *s);

#endif
