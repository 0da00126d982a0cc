#include "tests/lib/fail_disk.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

static atomic_int steps_left = -1; /* below 0: none fails */
static atomic_int fail_with;

void
fail_disk_after(int steps, int number)
{
    atomic_store(&fail_with, number);
    atomic_store(&steps_left, steps);
}

void
fail_disk_never(void)
{
    atomic_store(&steps_left, -1);
}

static bool
fails(void)
{
    int left = atomic_load(&steps_left);

    while (left > 0)
        if (atomic_compare_exchange_weak(&steps_left, &left, left - 1))
            return false;
    if (left == 0)
        errno = atomic_load(&fail_with);
    return left == 0;
}

#define STEP(type, name, args, names)                                          \
    type __real_##name args;                                                   \
    type __wrap_##name args;                                                   \
    type __wrap_##name args                                                    \
    {                                                                          \
        return fails() ? (type)-1 : __real_##name names;                       \
    }
STEP(int, mkdir, (const char *path, mode_t mode), (path, mode))
STEP(int, chmod, (const char *path, mode_t mode), (path, mode))
STEP(int, fchmod, (int fd, mode_t mode), (fd, mode))
STEP(int, mkostemps, (char *path, int len, int flags), (path, len, flags))
STEP(ssize_t, write, (int fd, const void *bytes, size_t len), (fd, bytes, len))
STEP(int, fsync, (int fd), (fd))
STEP(int, rename, (const char *from, const char *to), (from, to))
STEP(int, unlink, (const char *path), (path))
STEP(int, remove, (const char *path), (path))
