/* Directories held open; the rest of the door is in os_posix.c. */
#include "common/os_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os.h"
#include "common/os_posix_inside.h"

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static enum err
result(int rc)
{
    return rc == 0 ? ERR_OK : os_fail(errno);
}

/* One name: nothing in it leads elsewhere. */
static bool
is_plain(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static enum err
open_at(int at, const char *name, struct os_dir *out)
{
    int fd = openat(at, name, DIR_FLAGS);

    if (fd >= 0) {
        out->fd = fd;
        return ERR_OK;
    }
    /* A link at the end is told apart from a file that is no directory by the
     * system only sometimes; both are refused. */
    return os_fail(errno == ENOTDIR ? ELOOP : errno);
}

enum err
os_dir_open(struct os_dir *out, const char *path, bool *made)
{
    char plain[OS_PATH_MAX];
    size_t len = strlen(path);

    if (len >= sizeof(plain))
        return ERR_TOOBIG;
    memcpy(plain, path, len + 1);
    /* "dir/" would follow a link. */
    while (len > 1 && plain[len - 1] == '/')
        plain[--len] = '\0';
    *made = mkdir(plain, 0700) == 0;
    if (!*made && errno != EEXIST)
        return os_fail(errno);
    return open_at(AT_FDCWD, plain, out);
}

enum err
os_dir_make(const struct os_dir *parent, const char *name, struct os_dir *out)
{
    if (!is_plain(name))
        return os_fail(EPERM);
    if (mkdirat(parent->fd, name, 0700) != 0)
        return os_fail(errno);
    return open_at(parent->fd, name, out);
}

void
os_dir_close(struct os_dir *dir)
{
    os_close(&dir->fd);
}

enum err
os_dir_create(const struct os_dir *dir, const char *name, int *fd)
{
    int got;

    if (!is_plain(name))
        return os_fail(EPERM);
    got = openat(dir->fd, name,
                 O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (got < 0)
        return os_fail(errno);
    *fd = got;
    return ERR_OK;
}

static enum err
remove_at(const struct os_dir *dir, const char *name, int flags)
{
    if (!is_plain(name))
        return os_fail(EPERM);
    if (unlinkat(dir->fd, name, flags) != 0 && errno != ENOENT)
        return os_fail(errno);
    return ERR_OK;
}

enum err
os_dir_remove_file(const struct os_dir *dir, const char *name)
{
    return remove_at(dir, name, 0);
}

enum err
os_dir_remove_dir(const struct os_dir *parent, const char *name)
{
    return remove_at(parent, name, AT_REMOVEDIR);
}

enum err
os_dir_sync(const struct os_dir *dir)
{
    return result(fsync(dir->fd));
}
