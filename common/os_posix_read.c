/* Reading whole files, and pipes in their place: `<(command)` is one. */
#include "common/os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os_posix_inside.h"

enum {
    PIECE = 16 * 1024,
    /* How long a named pipe may have no writer: a program that was started
     * beside us comes sooner. */
    WRITER_MS = 2000,
};

/* Until there are bytes, or the last writer has gone. */
static enum err
wait_for_bytes(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n;

    do
        n = poll(&p, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return os_fail(errno);
    return n == 0 ? os_fail(OS_NO_WRITER) : ERR_OK;
}

/* NO_WRITER: FD is a named pipe just opened; it reads as ended until somebody
 * opens its other end. */
static enum err
read_to_end(int fd, bool no_writer, size_t max, struct buf *buf)
{
    size_t start = buf->len;
    enum err rc = ERR_OK;

    while (rc == ERR_OK) {
        uint8_t *p = buf_reserve(buf, PIECE);
        ssize_t n;

        if (p == NULL)
            return ERR_NOMEM;
        n = read(fd, p, PIECE);
        if (n == 0 && !no_writer)
            return ERR_OK;
        if (n == 0)
            rc = wait_for_bytes(fd, WRITER_MS);
        else if (n < 0 && errno == EAGAIN)
            rc = wait_for_bytes(fd, -1);
        else if (n < 0 && errno != EINTR)
            rc = os_fail(errno);
        else if (n > 0 && (size_t)n > max - (buf->len - start))
            rc = ERR_TOOBIG;
        else if (n > 0)
            buf->len += (size_t)n;
        no_writer = no_writer && n < 0 && errno == EINTR;
    }
    return rc;
}

static enum err
read_all(int fd, bool no_writer, size_t max, struct buf *buf)
{
    size_t start = buf->len;
    enum err rc = read_to_end(fd, no_writer, max, buf);

    if (rc != ERR_OK)
        os_undo(buf, start);
    return rc;
}

enum err
os_read_all(int fd, size_t max, struct buf *buf)
{
    return read_all(fd, false, max, buf);
}

/* Opening a pipe as others do would wait for a writer for ever. */
static enum err
open_to_read(int *fd, bool *is_pipe, const char *path)
{
    struct stat st;
    int got;

    do
        got = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return os_fail(errno);
    *fd = got;
    if (fstat(got, &st) != 0)
        return os_fail(errno);
    *is_pipe = S_ISFIFO(st.st_mode);
    return ERR_OK;
}

enum err
os_read_file(const char *path, size_t max, struct buf *buf)
{
    bool is_pipe = false;
    int fd = -1;
    enum err rc = open_to_read(&fd, &is_pipe, path);

    if (rc == ERR_OK)
        rc = read_all(fd, is_pipe, max, buf);
    os_close(&fd);
    return rc;
}
