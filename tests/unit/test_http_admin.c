#include "server/http_admin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "common/os.h"
#include "common/stream.h"
#include "tests/lib/scratch.h"

#define GOOD "sessions=3\ndisk_full=0\nwriter_busy_s=9\nuptime_s=1\n"

/* A relay that says what it is told to say, the listener, and one client after
 * the other; all on one loop. */
struct rig {
    uv_loop_t loop;
    char *dir;
    struct acceptor *relay;
    const char *says;
    unsigned asked;
    struct http_files files;
    struct http_admin admin;
    char got[16384];
};

struct asker {
    struct rig *rig;
    struct stream *stream;
};

static void
on_bytes(void *arg, const uint8_t *bytes, size_t len)
{
    struct asker *a = arg;

    (void)bytes;
    (void)len;
    a->rig->asked++;
    stream_write(a->stream, a->rig->says, strlen(a->rig->says));
    stream_finish(a->stream, ERR_OK);
}

static void
on_closed(void *arg, enum err why)
{
    (void)why;
    test_free(arg);
}

static const struct stream_events stream_events = {
    .bytes = on_bytes,
    .closed = on_closed,
};

static void
on_accepted(void *arg, struct stream *s)
{
    struct asker *a = test_malloc(sizeof(*a));

    *a = (struct asker){arg, s};
    stream_start(s, &stream_events, a);
}

static const struct acceptor_events acceptor_events = {
    .accepted = on_accepted,
};

static void
relay_up(struct rig *r)
{
    char path[OS_PATH_MAX];

    assert_int_equal(control_path(path, sizeof(path), r->dir), ERR_OK);
    assert_int_equal(
        acceptor_open_unix(&r->relay, &r->loop, path, 8, &acceptor_events, r),
        ERR_OK);
}

static void
rig_open(struct rig *r, const char *says)
{
    char path[OS_PATH_MAX];

    memset(r, 0, sizeof(*r));
    r->dir = scratch_new();
    r->says = says;
    assert_int_equal(uv_loop_init(&r->loop), 0);
    assert_int_equal(os_path_join(path, sizeof(path), r->dir, "run"), ERR_OK);
    assert_int_equal(os_mkdirs(path, 0700), ERR_OK);
    if (says != NULL)
        relay_up(r);
    assert_int_equal(
        http_admin_open(&r->admin, &r->loop, "127.0.0.1", 0, r->dir, &r->files),
        ERR_OK);
}

static void
rig_close(struct rig *r)
{
    http_admin_close(&r->admin);
    http_admin_close(&r->admin);
    if (r->relay != NULL)
        acceptor_close(r->relay);
    assert_int_equal(uv_run(&r->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&r->loop), 0);
    scratch_free(r->dir);
}

static int
ask(struct rig *r, const char *path)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port =
                                       htons(http_server_port(r->admin.server)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[200];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int n = snprintf(request, sizeof(request),
                     "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                     path);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const void *)&to, sizeof(to)), 0);
    assert_int_equal(send(fd, request, (size_t)n, MSG_NOSIGNAL), n);
    return fd;
}

/* The answer's status; all of it is in r->got. */
static unsigned
answer(struct rig *r, int fd)
{
    unsigned status = 0;
    size_t len = 0;
    ssize_t n;

    do {
        (void)uv_run(&r->loop, UV_RUN_NOWAIT);
        n = recv(fd, r->got + len, sizeof(r->got) - 1 - len, MSG_DONTWAIT);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == EAGAIN));
    r->got[len] = '\0';
    os_close(&fd);
    assert_int_equal(sscanf(r->got, "HTTP/1.1 %u ", &status), 1);
    return status;
}

#define has(text, part) assert_non_null(strstr(text, part))

static void
readiness_is_what_the_relay_says(void **state)
{
    static const struct {
        const char *says; /* NULL: there is no relay */
        unsigned status;
        const char *words;
    } rows[] = {
        {GOOD, 200, "ready\n"},
        {"disk_full=1\nwriter_busy_s=0\n", 503, "the relay's disk is full\n"},
        {"disk_full=0\nwriter_busy_s=10\n", 503,
         "the relay's writer is stuck\n"},
        {"disk_full=0\n", 503, "the relay cannot say how it is\n"},
        {"writer_busy_s=0\nnot_disk_full=0\ndisk_full=0", 503,
         "the relay cannot say how it is\n"},
        {"error=input/output error\n", 503, "the relay cannot say how it is\n"},
        {"", 503, "the relay does not answer\n"},
        {NULL, 503, "the relay does not answer\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig r;

        rig_open(&r, rows[i].says);
        assert_int_equal(answer(&r, ask(&r, "/readyz")), rows[i].status);
        has(r.got, rows[i].words);
        rig_close(&r);
    }
}

static void
who_comes_while_the_relay_is_asked_shares_the_answer(void **state)
{
    struct rig r;
    int fds[20];

    (void)state;
    rig_open(&r, GOOD);
    for (size_t i = 0; i < 20; i++)
        fds[i] = ask(&r, "/readyz");
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(answer(&r, fds[i]), 200);
    /* One question, or two when all this took longer than a second. */
    assert_in_range(r.asked, 1, 2);
    rig_close(&r);
}

static void
metrics_come_without_a_relay_too(void **state)
{
    static const char says[] = "# HELP sealpost_x X.\n"
                               "# TYPE sealpost_x gauge\nsealpost_x 1\n";
    struct rig r;

    (void)state;
    rig_open(&r, says);
    assert_int_equal(answer(&r, ask(&r, "/metrics")), 200);
    has(r.got, says);
    has(r.got, "\nsealpost_relay_up 1\n");
    rig_close(&r);
    rig_open(&r, "error=input/output error\n");
    assert_int_equal(answer(&r, ask(&r, "/metrics")), 200);
    has(r.got, "\nsealpost_relay_up 0\n");
    assert_null(strstr(r.got, "error="));
    rig_close(&r);
    rig_open(&r, NULL);
    assert_int_equal(answer(&r, ask(&r, "/metrics")), 200);
    has(r.got, "\nsealpost_relay_up 0\n");
    rig_close(&r);
}

static void
it_closes_at_any_turn(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 8; turns++) {
        struct rig r;
        int fd;

        rig_open(&r, GOOD);
        fd = ask(&r, turns % 2 == 0 ? "/readyz" : "/metrics");
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&r.loop, UV_RUN_NOWAIT);
        rig_close(&r);
        os_close(&fd);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness_is_what_the_relay_says),
        cmocka_unit_test(who_comes_while_the_relay_is_asked_shares_the_answer),
        cmocka_unit_test(metrics_come_without_a_relay_too),
        cmocka_unit_test(it_closes_at_any_turn),
    };

    os_ignore_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
