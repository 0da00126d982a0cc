/*
 * os.h - THE door to the operating system for files, the terminal, memory and
 * processes.  os_posix.c stands behind it; nothing here is POSIX by name, so an
 * os_win.c can follow.  Blocking calls: not for the loop's thread.
 *
 * Errors everywhere: ERR_NOTFOUND (no such file), ERR_EXISTS, ERR_FULL (disk,
 * quota or file size limit), ERR_REFUSED (no permission), ERR_TOOBIG,
 * ERR_NOMEM, else ERR_IO.  os_last_error_text() has the system's words for the
 * last failure in this thread.
 */
#ifndef SEALPOST_COMMON_OS_H
#define SEALPOST_COMMON_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

/* Paths, terminator included. */
#define OS_PATH_MAX 4096

/* "No space left on device", "" when nothing failed yet.  Borrowed until the
 * thread's next os_ call. */
const char *os_last_error_text(void);

/* --- paths ---------------------------------------------------------------- */

/* OUT (CAP bytes) gets DIR/NAME; an absolute NAME stands alone.  ERR_TOOBIG. */
enum err os_path_join(char *out, size_t cap, const char *dir, const char *name);
/* The part after the last separator; borrows PATH. */
const char *os_path_base(const char *path);
/* ERR_NOTFOUND when the system does not know a home. */
enum err os_home_dir(char *out, size_t cap);
/* XDG base directories (or the system's own places), with "/sealpost" added:
 * where a vault lives, and where what can be made again lives. */
enum err os_data_dir(char *out, size_t cap);
enum err os_cache_dir(char *out, size_t cap);

/* --- files: a descriptor is an int, -1 is none -----------------------------
 */

enum os_access {
    OS_READ,       /* must be there */
    OS_READ_WRITE, /* must be there */
    OS_CREATE,     /* read and write, made if missing */
};

/* Never inherited by child processes.  MODE counts when the file is made. */
enum err os_open(int *fd, const char *path, enum os_access access,
                 unsigned mode);
/* For reading a file that others may ask for: ERR_REFUSED for a link at the
 * path's end, a directory, a pipe or a device.  *SIZE (bytes) may be NULL. */
enum err os_open_file(int *fd, const char *path, uint64_t *size);
/* The file must not be there, not even as a link.  Read and write. */
enum err os_create_exclusive(int *fd, const char *path, unsigned mode);
/* Takes *FD, sets it to -1; -1 is fine. */
void os_close(int *fd);

/* All of LEN or an error.  Reading: ERR_MALFORMED when the file ends sooner. */
enum err os_pread(int fd, void *bytes, size_t len, uint64_t offset);
enum err os_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
/* Appends to any descriptor (pipe, terminal, file) all of LEN. */
enum err os_write_all(int fd, const void *bytes, size_t len);
/* Reads until the end, at most MAX bytes (ERR_TOOBIG beyond), onto BUF. */
enum err os_read_all(int fd, size_t max, struct buf *buf);
/* Data and the size are on the disk when this gives ERR_OK.  Never retry a
 * failed one: the system may have dropped the pages. */
enum err os_fdatasync(int fd);
/* Reserves disk space; the file's size becomes at least LEN. */
enum err os_preallocate(int fd, uint64_t len);
enum err os_truncate(int fd, uint64_t len);
enum err os_fd_size(int fd, uint64_t *size);

enum err os_file_size(const char *path, uint64_t *size);
bool os_exists(const char *path);
bool os_is_dir(const char *path);
bool os_is_link(const char *path);
/* A file with bytes in it: no directory, pipe or device.  Links are followed.
 */
bool os_is_file(const char *path);
/* Appends the whole file to BUF; ERR_TOOBIG beyond MAX.  A pipe is read to its
 * end; ERR_TIMEOUT when nobody opens its other one. */
enum err os_read_file(const char *path, size_t max, struct buf *buf);
/* Readers see the old file or the new one, also after a power cut: temporary
 * file, fsync, rename, fsync of the directory. */
enum err os_write_file_atomic(const char *path, const void *bytes, size_t len,
                              unsigned mode);
/* The same without the last step: the name is durable when the caller has
 * synced the directory (os_fsync_dir), once for many files. */
enum err os_put_file(const char *path, const void *bytes, size_t len,
                     unsigned mode);
/* Renames over TO when it is there, then syncs the directory. */
enum err os_rename(const char *from, const char *to);
/* ERR_OK also when there was nothing. */
enum err os_remove(const char *path);
/* With its parents; ERR_OK when it is there already. */
enum err os_mkdirs(const char *path, unsigned mode);
/* Those that it makes have MODE whatever os_private_files() says. */
enum err os_mkdirs_exactly(const char *path, unsigned mode);
enum err os_fsync_dir(const char *path);
/* Permission bits; for refusing files that others can read. */
enum err os_mode(const char *path, unsigned *mode);

/* Calls EACH with every name in the directory except "." and "..", in no
 * order; NAME is borrowed until it returns.  Stops when it does not give
 * ERR_OK and returns that. */
enum err os_list_dir(const char *path,
                     enum err (*each)(void *arg, const char *name), void *arg);

/* Bytes that this user may still write on PATH's disk. */
enum err os_free_disk(const char *path, uint64_t *bytes);

/* --- one process at a time -------------------------------------------------
 */

enum os_wait { OS_DONT_WAIT, OS_WAIT };

struct os_lock {
    int fd; /* -1: not held */
};

/* Locks PATH (made if missing, 0600; the holder's process id is written in it)
 * until os_unlock() or the end of the process.  ERR_BUSY: somebody else has it,
 * and *HOLDER (may be NULL) is their process id, 0 when unknown. */
enum err os_lock_file(struct os_lock *lock, const char *path, enum os_wait wait,
                      long *holder);
/* May be called again; {.fd = -1} is fine. */
void os_unlock(struct os_lock *lock);

/* --- the process ------------------------------------------------------------
 */

/* Secrets never reach a core file or a debugger of the same user. */
void os_no_core_dumps(void);
/* A vanished reader or a full file is an error code, not a signal. */
void os_ignore_signals(void);
/* Files made from now on are this user's alone. */
void os_private_files(void);
/* Raises the limit of open descriptors as far as allowed; gives the limit. */
uint64_t os_raise_fd_limit(void);
long os_process_id(void);
/* The program NAME beside our own one.  ERR_TOOBIG, ERR_IO. */
enum err os_beside(char *out, size_t cap, const char *name);
/* Becomes the program at PATH; ARGV ends with NULL.  Comes back only to say why
 * not. */
enum err os_become(const char *path, char *const *argv);
/* For waiting on another process; never on the loop's thread. */
void os_sleep_ms(uint32_t ms);

/* --- the terminal and secrets -----------------------------------------------
 */

bool os_is_tty(int fd);
/* Columns of FD's terminal; 80 when it is none or does not say. */
unsigned os_term_width(int fd);

/* Asks on the terminal itself (not on stdin), echo off; echo is restored and
 * the signal obeyed when one arrives.  The line is appended to BUF without its
 * newline.  ERR_NOTFOUND: there is no terminal.  ERR_CANCELLED: end of input.
 */
enum err os_read_passphrase(const char *prompt, struct buf *buf);
/* One line from FD, byte by byte so that nothing behind it is eaten, without
 * its newline; at most MAX bytes.  ERR_CLOSED: nothing came. */
enum err os_read_fd_line(int fd, size_t max, struct buf *buf);
/* Until FD has bytes or its other end is closed; ERR_TIMEOUT. */
enum err os_wait_readable(int fd, uint32_t ms);
/* Runs CMD with the shell and takes the first line it prints.  Its stdin and
 * stderr are ours.  ERR_CLOSED: it failed or printed nothing. */
enum err os_run_passphrase_command(const char *cmd, size_t max,
                                   struct buf *buf);

/* No command that we run gets FD: a secret could be read from it again.  The
 * three that every process has stay as they are. */
void os_keep_to_ourselves(int fd);

enum { OS_RUN_ARGS_MAX = 8 };
/* Runs CMD with the shell and ARGS (at most OS_RUN_ARGS_MAX) behind it, as they
 * are; what it prints goes to our stderr.  ERR_CLOSED: it failed. */
enum err os_run_command(const char *cmd, const char *const *args, size_t n);

#endif
