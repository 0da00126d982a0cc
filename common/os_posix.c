/* Paths and files; reading whole ones is in os_posix_read.c, the process, the
 * terminal and secrets in os_posix_process.c. */
#define _GNU_SOURCE /* mkostemps */
#include "common/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/os_posix_inside.h"

static _Thread_local int last_errno;
static _Thread_local char last_text[128];

static const struct {
    int number;
    enum err err;
} meanings[] = {
    {ENOENT, ERR_NOTFOUND}, {ENOTDIR, ERR_NOTFOUND},
    {EEXIST, ERR_EXISTS},   {ENOTEMPTY, ERR_EXISTS},
    {ENOSPC, ERR_FULL},     {EDQUOT, ERR_FULL},
    {EFBIG, ERR_FULL},      {EMFILE, ERR_FULL},
    {ENFILE, ERR_FULL},     {EACCES, ERR_REFUSED},
    {EPERM, ERR_REFUSED},   {EROFS, ERR_REFUSED},
    {ELOOP, ERR_REFUSED},   {ENAMETOOLONG, ERR_TOOBIG},
    {ENOMEM, ERR_NOMEM},    {EWOULDBLOCK, ERR_BUSY},
    {EPIPE, ERR_CLOSED},    {OS_NO_WRITER, ERR_TIMEOUT},
};

enum err
os_fail(int number)
{
    last_errno = number;
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].number == number)
            return meanings[i].err;
    return ERR_IO;
}

static enum err
os_result(int rc)
{
    return rc == 0 ? ERR_OK : os_fail(errno);
}

const char *
os_last_error_text(void)
{
    if (last_errno == 0)
        return "";
    if (last_errno == OS_NO_WRITER)
        return "it is a pipe, and nobody writes into it";
    return strerror_r(last_errno, last_text, sizeof(last_text));
}

/* --- paths -----------------------------------------------------------------
 */

enum err
os_path_join(char *out, size_t cap, const char *dir, const char *name)
{
    size_t dir_len = strlen(dir), name_len = strlen(name);
    bool slash = dir_len > 0 && dir[dir_len - 1] != '/';

    if (name[0] == '/')
        dir_len = slash = 0;
    if (name_len >= cap || dir_len + slash >= cap - name_len)
        return ERR_TOOBIG;
    memmove(out, dir, dir_len);
    if (slash)
        out[dir_len++] = '/';
    memcpy(out + dir_len, name, name_len + 1);
    return ERR_OK;
}

const char *
os_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* The directory that PATH stands in. */
static enum err
path_parent(char *out, size_t cap, const char *path)
{
    size_t len = (size_t)(os_path_base(path) - path);

    if (len >= cap)
        return ERR_TOOBIG;
    if (len == 0) {
        memcpy(out, ".", 2);
        return ERR_OK;
    }
    memcpy(out, path, len);
    out[len > 1 ? len - 1 : 1] = '\0';
    return ERR_OK;
}

enum err
os_home_dir(char *out, size_t cap)
{
    const char *home = getenv("HOME");
    const struct passwd *user;

    if (home == NULL || home[0] != '/') {
        user = getpwuid(geteuid());
        home = user != NULL ? user->pw_dir : NULL;
    }
    if (home == NULL || home[0] != '/')
        return ERR_NOTFOUND;
    return os_path_join(out, cap, "", home);
}

static enum err
xdg_dir(char *out, size_t cap, const char *variable, const char *below_home)
{
    const char *base = getenv(variable);
    char home[OS_PATH_MAX], standard[OS_PATH_MAX];
    enum err rc;

    if (base != NULL && base[0] == '/')
        return os_path_join(out, cap, base, "sealpost");
    rc = os_home_dir(home, sizeof(home));
    if (rc == ERR_OK)
        rc = os_path_join(standard, sizeof(standard), home, below_home);
    if (rc == ERR_OK)
        rc = os_path_join(out, cap, standard, "sealpost");
    return rc;
}

enum err
os_data_dir(char *out, size_t cap)
{
    return xdg_dir(out, cap, "XDG_DATA_HOME", ".local/share");
}

enum err
os_cache_dir(char *out, size_t cap)
{
    return xdg_dir(out, cap, "XDG_CACHE_HOME", ".cache");
}

/* --- descriptors -------------------------------------------------------------
 */

static enum err
open_with(int *fd, const char *path, int flags, unsigned mode)
{
    int got;

    do
        got = open(path, flags | O_CLOEXEC, mode);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return os_fail(errno);
    *fd = got;
    return ERR_OK;
}

enum err
os_open(int *fd, const char *path, enum os_access access, unsigned mode)
{
    static const int flags[] = {
        [OS_READ] = O_RDONLY,
        [OS_READ_WRITE] = O_RDWR,
        [OS_CREATE] = O_RDWR | O_CREAT,
    };

    return open_with(fd, path, flags[access], mode);
}

/* Without O_NONBLOCK opening a pipe would wait for its writer. */
enum err
os_open_file(int *fd, const char *path, uint64_t *size)
{
    struct stat st;
    int got = -1;
    enum err rc = open_with(&got, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

    if (rc == ERR_OK && fstat(got, &st) != 0)
        rc = os_fail(errno);
    else if (rc == ERR_OK && !S_ISREG(st.st_mode))
        rc = os_fail(EACCES);
    if (rc != ERR_OK) {
        os_close(&got);
        return rc;
    }
    *fd = got;
    if (size != NULL)
        *size = (uint64_t)st.st_size;
    return ERR_OK;
}

enum err
os_create_exclusive(int *fd, const char *path, unsigned mode)
{
    return open_with(fd, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
}

void
os_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

enum err
os_pread(int fd, void *bytes, size_t len, uint64_t offset)
{
    uint8_t *p = bytes;

    while (len > 0) {
        ssize_t n = pread(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return os_fail(errno);
        if (n == 0)
            return ERR_MALFORMED;
        p += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return ERR_OK;
}

enum err
os_pwrite(int fd, const void *bytes, size_t len, uint64_t offset)
{
    const uint8_t *p = bytes;

    while (len > 0) {
        ssize_t n = pwrite(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return os_fail(n < 0 ? errno : ENOSPC);
        p += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return ERR_OK;
}

enum err
os_write_all(int fd, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return os_fail(n < 0 ? errno : ENOSPC);
        p += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

void
os_undo(struct buf *buf, size_t len)
{
    if (buf->len > len)
        explicit_bzero(buf->data + len, buf->len - len);
    buf->len = len;
}

enum err
os_fdatasync(int fd)
{
    return os_result(fdatasync(fd));
}

enum err
os_preallocate(int fd, uint64_t len)
{
    int rc = len > 0 ? posix_fallocate(fd, 0, (off_t)len) : 0;

    return rc == 0 ? ERR_OK : os_fail(rc);
}

enum err
os_truncate(int fd, uint64_t len)
{
    return os_result(ftruncate(fd, (off_t)len));
}

enum err
os_fd_size(int fd, uint64_t *size)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return os_fail(errno);
    *size = (uint64_t)st.st_size;
    return ERR_OK;
}

/* --- files
 * --------------------------------------------------------------------- */

enum err
os_file_size(const char *path, uint64_t *size)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return os_fail(errno);
    *size = (uint64_t)st.st_size;
    return ERR_OK;
}

bool
os_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

bool
os_is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool
os_is_link(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

bool
os_is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

enum err
os_mode(const char *path, unsigned *mode)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return os_fail(errno);
    *mode = st.st_mode & 07777;
    return ERR_OK;
}

/* A new file beside PATH, with all bytes on the disk. */
static enum err
write_temporary(char *temp, size_t cap, const char *path, const void *bytes,
                size_t len, unsigned mode)
{
    enum err rc;
    int fd;

    if ((size_t)snprintf(temp, cap, "%s.XXXXXX.tmp", path) >= cap)
        return ERR_TOOBIG;
    fd = mkostemps(temp, 4, O_CLOEXEC);
    if (fd < 0)
        return os_fail(errno);
    rc = os_result(fchmod(fd, (mode_t)mode));
    if (rc == ERR_OK)
        rc = os_write_all(fd, bytes, len);
    if (rc == ERR_OK)
        rc = os_result(fsync(fd));
    os_close(&fd);
    if (rc != ERR_OK)
        unlink(temp);
    return rc;
}

enum err
os_write_file_atomic(const char *path, const void *bytes, size_t len,
                     unsigned mode)
{
    char temp[OS_PATH_MAX];
    enum err rc = write_temporary(temp, sizeof(temp), path, bytes, len, mode);

    if (rc != ERR_OK)
        return rc;
    rc = os_rename(temp, path);
    if (rc != ERR_OK)
        unlink(temp); /* gone already when only the sync failed */
    return rc;
}

enum err
os_put_file(const char *path, const void *bytes, size_t len, unsigned mode)
{
    char temp[OS_PATH_MAX];
    enum err rc = write_temporary(temp, sizeof(temp), path, bytes, len, mode);

    if (rc == ERR_OK && rename(temp, path) != 0) {
        rc = os_fail(errno);
        unlink(temp);
    }
    return rc;
}

static enum err
fsync_parent(const char *path)
{
    char parent[OS_PATH_MAX];
    enum err rc = path_parent(parent, sizeof(parent), path);

    return rc == ERR_OK ? os_fsync_dir(parent) : rc;
}

enum err
os_rename(const char *from, const char *to)
{
    if (rename(from, to) != 0)
        return os_fail(errno);
    return fsync_parent(to);
}

enum err
os_remove(const char *path)
{
    if (remove(path) != 0 && errno != ENOENT)
        return os_fail(errno);
    return ERR_OK;
}

enum err
os_fsync_dir(const char *path)
{
    int fd = -1;
    enum err rc = open_with(&fd, path, O_RDONLY | O_DIRECTORY, 0);

    if (rc == ERR_OK)
        rc = os_result(fsync(fd));
    os_close(&fd);
    return rc;
}

static enum err
make_one(const char *path, unsigned mode, bool exactly)
{
    if (mkdir(path, (mode_t)mode) != 0)
        return errno == EEXIST && os_is_dir(path) ? ERR_OK : os_fail(errno);
    if (exactly && chmod(path, (mode_t)mode) != 0)
        return os_fail(errno);
    return fsync_parent(path);
}

static enum err
make_all(const char *path, unsigned mode, bool exactly)
{
    char part[OS_PATH_MAX];
    size_t len = strlen(path);
    enum err rc = ERR_OK;

    if (len >= sizeof(part))
        return ERR_TOOBIG;
    while (len > 1 && path[len - 1] == '/')
        len--;
    for (size_t i = 1; i <= len && rc == ERR_OK; i++) {
        if (i < len && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        rc = make_one(part, mode, exactly);
    }
    return rc;
}

enum err
os_mkdirs(const char *path, unsigned mode)
{
    return make_all(path, mode, false);
}

enum err
os_mkdirs_exactly(const char *path, unsigned mode)
{
    return make_all(path, mode, true);
}

enum err
os_list_dir(const char *path, enum err (*each)(void *arg, const char *name),
            void *arg)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    enum err rc = ERR_OK;

    if (dir == NULL)
        return os_fail(errno);
    while (rc == ERR_OK) {
        errno = 0;
        entry = readdir(dir);
        if (entry == NULL) {
            rc = errno == 0 ? ERR_OK : os_fail(errno);
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = each(arg, entry->d_name);
    }
    closedir(dir);
    return rc;
}

enum err
os_free_disk(const char *path, uint64_t *bytes)
{
    struct statvfs fs;

    if (statvfs(path, &fs) != 0)
        return os_fail(errno);
    *bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return ERR_OK;
}
