/*
 * RUNNING --it ended--> WAITING --back-off--> RUNNING ... -> CLOSING -> gone
 *
 * The child holds one end of a pair of sockets and ends when ours is closed,
 * so it does not outlive a relay that was killed.  It says on it once that it
 * listens.  An address with port 0 is asked for again as it was given by then.
 */
#include "server/http_child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/os.h"

enum {
    ADDRESS_MAX = 300,
    LINE_MAX_LEN = 2 * ADDRESS_MAX + 32,
    CHILD_FD = 3, /* its end of the pair */
    BACK_OFF_MS = 1000,
    BACK_OFF_MAX_MS = 30 * 1000,
    SOUND_MS = 60 * 1000, /* who lived that long starts afresh */
    KILL_MS = 2000,
    START_MS = 20 * 1000, /* a name to look up, a port to come free */
};

struct http_child {
    uv_loop_t *loop;
    struct http_child_options opt;
    char path[OS_PATH_MAX];
    char addresses[LINE_MAX_LEN];
    char http[ADDRESS_MAX], admin[ADDRESS_MAX]; /* as they were bound */
    uv_process_t process;
    uv_timer_t timer; /* of the next start, or of killing */
    int line;         /* our end of the pair; -1: none */
    bool is_running;
    bool is_closing;
    uint64_t started_ms, back_off_ms;
    unsigned users; /* open handles */
};

static void
release(uv_handle_t *handle)
{
    struct http_child *c = handle->data;

    if (--c->users == 0 && c->is_closing)
        free(c);
}

/* --- starting --------------------------------------------------------------
 */

static void on_exit_of_child(uv_process_t *p, int64_t status, int signal);

static void
put_arg(const char **argv, size_t *n, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    argv[(*n)++] = name;
    argv[(*n)++] = value;
}

static int
spawn(struct http_child *c, int child_end)
{
    const char *argv[16] = {"sealpostd-http"};
    size_t n = 1;
    uv_stdio_container_t io[4] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
        {.flags = UV_INHERIT_FD, .data.fd = child_end},
    };
    uv_process_options_t o = {
        .file = c->path,
        .exit_cb = on_exit_of_child,
        .stdio = io,
        .stdio_count = CHILD_FD + 1,
    };

    put_arg(argv, &n, "--data", c->opt.data_dir);
    put_arg(argv, &n, "--config", c->opt.config);
    put_arg(argv, &n, "--http", c->http[0] ? c->http : c->opt.http);
    put_arg(argv, &n, "--admin", c->admin[0] ? c->admin : c->opt.admin);
    put_arg(argv, &n, "--parent-fd", "3");
    if (c->opt.directory)
        argv[n++] = "--directory";
    argv[n] = NULL;
    o.args = (char **)(uintptr_t)argv;
    return uv_spawn(c->loop, &c->process, &o);
}

static enum err
start(struct http_child *c)
{
    uv_os_sock_t pair[2];
    int child_end, rc;

    if (uv_socketpair(SOCK_STREAM, 0, pair, 0, 0) != 0)
        return ERR_IO;
    child_end = pair[1];
    rc = spawn(c, child_end);
    os_close(&child_end);
    c->line = pair[0];
    c->process.data = c;
    c->users++; /* the handle is there even when there is no process */
    c->started_ms = clock_mono_ms();
    if (rc == 0) {
        c->is_running = true;
        return ERR_OK;
    }
    os_close(&c->line);
    uv_close((uv_handle_t *)&c->process, release);
    return rc == UV_ENOENT ? ERR_NOTFOUND : ERR_IO;
}

/* --- ending, and starting again --------------------------------------------
 */

static void start_later(struct http_child *c);

static void
on_start_timer(uv_timer_t *t)
{
    struct http_child *c = t->data;
    enum err rc = start(c);

    if (rc == ERR_OK)
        return;
    log_error("http: cannot start %s: %s", c->path, err_text(rc));
    start_later(c);
}

static void
start_later(struct http_child *c)
{
    if (clock_mono_ms() - c->started_ms >= SOUND_MS)
        c->back_off_ms = BACK_OFF_MS;
    (void)uv_timer_start(&c->timer, on_start_timer, c->back_off_ms, 0);
    c->back_off_ms = c->back_off_ms * 2 < BACK_OFF_MAX_MS ? c->back_off_ms * 2
                                                          : BACK_OFF_MAX_MS;
}

static void
on_exit_of_child(uv_process_t *p, int64_t status, int signal)
{
    struct http_child *c = p->data;

    c->is_running = false;
    os_close(&c->line);
    uv_close((uv_handle_t *)p, release);
    if (c->is_closing) {
        uv_close((uv_handle_t *)&c->timer, release);
        return;
    }
    log_error("http: the HTTP process ended (%s %d), starting it again",
              signal != 0 ? "signal" : "exit code",
              signal != 0 ? signal : (int)status);
    start_later(c);
}

static void
on_kill_timer(uv_timer_t *t)
{
    struct http_child *c = t->data;

    (void)uv_process_kill(&c->process, SIGKILL);
}

void
http_child_close(struct http_child *c)
{
    if (c == NULL || c->is_closing)
        return;
    c->is_closing = true;
    os_close(&c->line);
    if (!c->is_running) {
        uv_close((uv_handle_t *)&c->timer, release);
        return;
    }
    (void)uv_process_kill(&c->process, SIGTERM);
    (void)uv_timer_start(&c->timer, on_kill_timer, KILL_MS, 0);
}

/* --- the first start -------------------------------------------------------
 */

/* The value behind NAME in "http=A admin=B". */
static void
take_address(char out[ADDRESS_MAX], const char *text, const char *name)
{
    const char *p = strstr(text, name);
    size_t n;

    if (p == NULL)
        return;
    p += strlen(name);
    n = strcspn(p, " ");
    if (n < ADDRESS_MAX) {
        memcpy(out, p, n);
        out[n] = '\0';
    }
}

static enum err
wait_until_it_listens(struct http_child *c)
{
    static const char ready[] = "ready";
    struct buf line = {0};
    enum err rc = os_wait_readable(c->line, START_MS);

    if (rc == ERR_OK)
        rc = os_read_fd_line(c->line, LINE_MAX_LEN - 1, &line);
    buf_u8(&line, 0);
    if (rc == ERR_OK)
        rc = buf_status(&line);
    if (rc == ERR_OK && strncmp((char *)line.data, ready, 5) != 0)
        rc = ERR_MALFORMED;
    if (rc == ERR_OK) {
        const char *text = (char *)line.data + 5;

        (void)snprintf(c->addresses, sizeof(c->addresses), "%s",
                       text + strspn(text, " "));
        take_address(c->http, c->addresses, "http=");
        take_address(c->admin, c->addresses, "admin=");
    }
    buf_clear(&line);
    return rc;
}

enum err
http_child_open(uv_loop_t *loop, const struct http_child_options *opt,
                struct http_child **out, char *why, size_t why_len)
{
    struct http_child *c = calloc(1, sizeof(*c));
    enum err rc = ERR_NOMEM;

    if (c == NULL)
        return rc;
    c->loop = loop;
    c->opt = *opt;
    c->line = -1;
    c->back_off_ms = BACK_OFF_MS;
    (void)uv_timer_init(loop, &c->timer);
    c->timer.data = c;
    c->users = 1;
    rc = os_beside(c->path, sizeof(c->path), "sealpostd-http");
    if (rc == ERR_OK)
        rc = start(c);
    if (rc != ERR_OK)
        (void)snprintf(why, why_len, "cannot run %s: %s", c->path,
                       err_text(rc));
    else if ((rc = wait_until_it_listens(c)) != ERR_OK)
        (void)snprintf(why, why_len, "its HTTP process does not start");
    if (rc != ERR_OK) {
        http_child_close(c);
        return rc;
    }
    *out = c;
    return ERR_OK;
}

const char *
http_child_addresses(const struct http_child *c)
{
    return c->addresses;
}
