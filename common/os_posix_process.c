/* The process, its locks, the terminal and secrets; files are in os_posix.c. */
#define _GNU_SOURCE /* ppoll */
#include "common/os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "common/os_posix_inside.h"

#define PASSPHRASE_MAX 1024

extern char **environ;

void
os_no_core_dumps(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void
os_ignore_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

void
os_private_files(void)
{
    (void)umask(077);
}

uint64_t
os_raise_fd_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

long
os_process_id(void)
{
    return (long)getpid();
}

enum err
os_beside(char *out, size_t cap, const char *name)
{
    char self[OS_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (n <= 0)
        return os_fail(errno);
    self[n] = '\0';
    slash = strrchr(self, '/');
    if (slash == NULL)
        return os_fail(ENOENT);
    *slash = '\0';
    return os_path_join(out, cap, self, name);
}

enum err
os_become(const char *path, char *const *argv)
{
    (void)execv(path, argv);
    return os_fail(errno);
}

void
os_sleep_ms(uint32_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000),
                            .tv_nsec = (long)(ms % 1000) * 1000000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* --- locks
 * --------------------------------------------------------------------- */

static long
holder_of(int fd)
{
    char text[24] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    return n > 0 ? strtol(text, NULL, 10) : 0;
}

static enum err
write_holder(int fd)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    enum err rc = os_truncate(fd, 0);

    return rc == ERR_OK ? os_pwrite(fd, text, (size_t)n, 0) : rc;
}

enum err
os_lock_file(struct os_lock *lock, const char *path, enum os_wait wait,
             long *holder)
{
    int fd = -1, locked;
    enum err rc = os_open(&fd, path, OS_CREATE, 0600);

    if (rc != ERR_OK)
        return rc;
    do
        locked = flock(fd, LOCK_EX | (wait == OS_WAIT ? 0 : LOCK_NB));
    while (locked != 0 && errno == EINTR);
    rc = locked == 0 ? ERR_OK : os_fail(errno);
    if (rc == ERR_BUSY && holder != NULL)
        *holder = holder_of(fd);
    /* On a full disk the lock holds all the same; only the name is missing. */
    if (rc == ERR_OK)
        write_holder(fd);
    else
        os_close(&fd);
    if (rc == ERR_OK)
        lock->fd = fd;
    return rc;
}

void
os_unlock(struct os_lock *lock)
{
    if (lock->fd >= 0)
        os_truncate(lock->fd, 0);
    os_close(&lock->fd); /* and with it the lock */
}

/* --- the terminal ------------------------------------------------------------
 */

bool
os_is_tty(int fd)
{
    return isatty(fd) == 1;
}

unsigned
os_term_width(int fd)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

/* Waits for a byte with the signals of WAITING let in; with NULL read() itself
 * waits. */
static enum err
wait_for_byte(int fd, const sigset_t *waiting)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    if (waiting == NULL || ppoll(&readable, 1, NULL, waiting) == 1)
        return ERR_OK;
    return os_fail(errno);
}

static enum err
read_line(int fd, size_t max, const sigset_t *waiting, struct buf *buf)
{
    size_t start = buf->len;
    uint8_t c;

    for (;;) {
        enum err rc = wait_for_byte(fd, waiting);
        ssize_t n = rc == ERR_OK ? read(fd, &c, 1) : -1;
        if (n < 0 && rc == ERR_OK && errno == EINTR)
            continue;
        if (n < 0)
            return rc != ERR_OK ? rc : os_fail(errno);
        if (n == 0 && buf->len == start)
            return ERR_CLOSED;
        if (n == 0 || c == '\n')
            return buf_status(buf);
        if (buf->len - start >= max)
            return ERR_TOOBIG;
        buf_u8(buf, c);
    }
}

enum err
os_read_fd_line(int fd, size_t max, struct buf *buf)
{
    size_t start = buf->len;
    enum err rc = read_line(fd, max, NULL, buf);

    if (rc != ERR_OK)
        os_undo(buf, start);
    else if (buf->len > start && buf->data[buf->len - 1] == '\r')
        buf->len--;
    return rc;
}

enum err
os_wait_readable(int fd, uint32_t ms)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    int n;

    do
        n = poll(&readable, 1, (int)ms);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return os_fail(errno);
    return n == 0 ? ERR_TIMEOUT : ERR_OK;
}

/* Signals that would leave the terminal without echo. */
static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define DEADLY (sizeof(deadly) / sizeof(deadly[0]))
static volatile sig_atomic_t arrived;

static void
on_signal(int number)
{
    arrived = number;
}

struct signals {
    struct sigaction old[DEADLY];
    sigset_t mask;
};

/* Caught, and blocked: they come only while ppoll() waits, so none can slip
 * in before a read() that then waits for ever.  In the background, SIGTTOU
 * stops us before the echo is off, as it should. */
static void
catch_signals(struct signals *s)
{
    struct sigaction catching;
    sigset_t blocked;

    memset(&catching, 0, sizeof(catching));
    catching.sa_handler = on_signal;
    arrived = 0;
    sigemptyset(&blocked);
    for (size_t i = 0; i < DEADLY; i++)
        sigaddset(&blocked, deadly[i]);
    pthread_sigmask(SIG_BLOCK, &blocked, &s->mask);
    for (size_t i = 0; i < DEADLY; i++)
        sigaction(deadly[i], &catching, &s->old[i]);
}

/* A signal that came after the wait is obeyed by its old handler. */
static void
restore_signals(const struct signals *s)
{
    for (size_t i = 0; i < DEADLY; i++)
        sigaction(deadly[i], &s->old[i], NULL);
    pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
}

/* One try; the terminal is as it was when this returns. */
static enum err
ask(int tty, const char *prompt, struct buf *buf)
{
    struct signals signals;
    struct termios normal, silent;
    enum err rc = ERR_OK;

    if (tcgetattr(tty, &normal) != 0)
        return ERR_NOTFOUND;
    catch_signals(&signals);
    silent = normal;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    silent.c_lflag |= ICANON | ISIG;
    if (tcsetattr(tty, TCSAFLUSH, &silent) != 0)
        rc = os_fail(errno);
    if (rc == ERR_OK)
        rc = os_write_all(tty, prompt, strlen(prompt));
    if (rc == ERR_OK)
        rc = read_line(tty, PASSPHRASE_MAX, &signals.mask, buf);
    tcsetattr(tty, TCSAFLUSH, &normal);
    os_write_all(tty, "\n", 1);
    restore_signals(&signals);
    return rc == ERR_CLOSED ? ERR_CANCELLED : rc;
}

enum err
os_read_passphrase(const char *prompt, struct buf *buf)
{
    size_t start = buf->len;
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), number;
    enum err rc;

    if (tty < 0)
        return ERR_NOTFOUND;
    do {
        os_undo(buf, start);
        rc = ask(tty, prompt, buf);
        number = arrived;
        arrived = 0;
        if (number != 0)
            kill(getpid(), number);
        /* Still here: it was stopped and continued, or somebody handles it. */
    } while (number == SIGTSTP);
    os_close(&tty);
    if (number != 0)
        rc = ERR_CANCELLED;
    if (rc != ERR_OK)
        os_undo(buf, start);
    return rc;
}

/* --- commands of other programs ---------------------------------------- */

void
os_keep_to_ourselves(int fd)
{
    if (fd > STDERR_FILENO)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static enum err
spawn_shell(pid_t *child, char *const argv[], int output)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int rc;

    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    rc = posix_spawn(child, "/bin/sh", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc == 0 ? ERR_OK : os_fail(rc);
}

static bool
succeeded(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What comes after the line must not fill the pipe and stop the command. */
static void
drain(int fd)
{
    uint8_t rest[256];

    while (read(fd, rest, sizeof(rest)) > 0)
        ;
    explicit_bzero(rest, sizeof(rest));
}

enum err
os_run_passphrase_command(const char *cmd, size_t max, struct buf *buf)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)cmd, NULL};
    size_t start = buf->len;
    int ends[2];
    pid_t child;
    enum err rc;

    if (pipe(ends) != 0)
        return os_fail(errno);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    rc = spawn_shell(&child, argv, ends[1]);
    os_close(&ends[1]);
    if (rc == ERR_OK) {
        rc = os_read_fd_line(ends[0], max, buf);
        drain(ends[0]);
        if (!succeeded(child) && rc == ERR_OK) {
            os_undo(buf, start);
            rc = ERR_CLOSED;
        }
    }
    os_close(&ends[0]);
    return rc;
}

enum err
os_run_command(const char *cmd, const char *const *args, size_t n)
{
    char *argv[4 + OS_RUN_ARGS_MAX + 1] = {(char *)"sh", (char *)"-c", NULL,
                                           (char *)"sealpost"};
    size_t len = strlen(cmd) + sizeof(" \"$@\"");
    char *script = malloc(len);
    pid_t child;
    enum err rc;

    if (script == NULL)
        return ERR_NOMEM;
    if (n > OS_RUN_ARGS_MAX) {
        free(script);
        return ERR_TOOBIG;
    }
    (void)snprintf(script, len, "%s \"$@\"", cmd);
    argv[2] = script;
    for (size_t i = 0; i < n; i++)
        argv[4 + i] = (char *)(uintptr_t)args[i];
    rc = spawn_shell(&child, argv, STDERR_FILENO);
    free(script);
    if (rc != ERR_OK)
        return rc;
    return succeeded(child) ? ERR_OK : ERR_CLOSED;
}
