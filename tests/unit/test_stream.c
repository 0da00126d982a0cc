#include "common/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/fail_alloc.h"

#define PIECE ((size_t)10000)
#define PIECES 60

/* One end of a connection and what it saw. */
struct end {
    struct stream *stream; /* NULL before and after */
    struct buf got;
    unsigned connected, closed, drained;
    enum err why;
    char detail[80];
    bool echoes;       /* sends back what comes */
    bool closes_early; /* closes in its first bytes event */
};

/* Two ends and the acceptor between them. */
struct net {
    uv_loop_t loop;
    struct acceptor *acceptor;
    unsigned acceptor_closed, accepted;
    bool turns_away;
    struct end client, server;
};

static void
on_connected(void *arg)
{
    struct end *e = arg;

    e->connected++;
}

static void
on_bytes(void *arg, const uint8_t *bytes, size_t len)
{
    struct end *e = arg;

    assert_int_equal(e->closed, 0);
    assert_in_range(len, 1, STREAM_READ_MAX);
    buf_put(&e->got, bytes, len);
    if (e->echoes)
        stream_write(e->stream, bytes, len);
    if (e->closes_early)
        stream_close(e->stream, ERR_REFUSED);
}

static void
on_drained(void *arg)
{
    struct end *e = arg;

    e->drained++;
}

static void
on_closed(void *arg, enum err why)
{
    struct end *e = arg;

    e->closed++;
    e->why = why;
    strncpy(e->detail, stream_detail(e->stream), sizeof(e->detail) - 1);
    e->stream = NULL;
}

static const struct stream_events events = {on_connected, on_bytes, on_drained,
                                            on_closed};

static void
on_accepted(void *arg, struct stream *s)
{
    struct net *n = arg;

    n->accepted++;
    if (n->turns_away || n->server.stream != NULL) {
        stream_close(s, ERR_REFUSED);
        return;
    }
    n->server.stream = s;
    stream_start(s, &events, &n->server);
}

static void
on_acceptor_closed(void *arg)
{
    struct net *n = arg;

    n->acceptor_closed++;
    n->acceptor = NULL;
}

static const struct acceptor_events acceptor_events = {on_accepted, NULL,
                                                       on_acceptor_closed};

static void
net_init(struct net *n)
{
    memset(n, 0, sizeof(*n));
    assert_int_equal(uv_loop_init(&n->loop), 0);
    assert_int_equal(acceptor_open(&n->acceptor, &n->loop, "127.0.0.1", 0, 8,
                                   &acceptor_events, n),
                     ERR_OK);
    assert_int_not_equal(acceptor_port(n->acceptor), 0);
}

static void
net_connect(struct net *n, const char *host)
{
    n->client.stream =
        stream_connect(&n->loop, host, acceptor_port(n->acceptor), 60 * 1000,
                       &events, &n->client);
    assert_non_null(n->client.stream);
}

/* Turns the loop until COND holds. */
#define UNTIL(n, cond)                                                         \
    while (!(cond))                                                            \
    assert_true(uv_run(&(n)->loop, UV_RUN_ONCE) != 0 || (cond))

static void
net_clear(struct net *n)
{
    if (n->client.stream != NULL)
        stream_close(n->client.stream, ERR_CANCELLED);
    if (n->server.stream != NULL)
        stream_close(n->server.stream, ERR_CANCELLED);
    if (n->acceptor != NULL)
        acceptor_close(n->acceptor);
    uv_run(&n->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&n->loop), 0);
    assert_null(n->client.stream);
    assert_null(n->server.stream);
    buf_clear(&n->client.got);
    buf_clear(&n->server.got);
}

/* Bytes that differ everywhere, so that order and loss show. */
static void
send_pieces(struct stream *s)
{
    uint8_t piece[PIECE];

    for (size_t i = 0; i < PIECES; i++) {
        for (size_t j = 0; j < PIECE; j++)
            piece[j] = (uint8_t)((i * PIECE + j) * 2654435761u >> 13);
        stream_write(s, piece, PIECE);
    }
}

static void
assert_pieces(const struct buf *got)
{
    assert_int_equal(got->len, PIECE * PIECES);
    for (size_t i = 0; i < got->len; i++)
        if (got->data[i] != (uint8_t)(i * 2654435761u >> 13))
            fail_msg("byte %zu is wrong", i);
}

static void
what_is_written_arrives_in_order_and_comes_back(void **state)
{
    struct net n;

    (void)state;
    net_init(&n);
    n.server.echoes = true;
    net_connect(&n, "127.0.0.1");
    send_pieces(n.client.stream); /* before the connection is there */
    assert_int_equal(stream_unsent(n.client.stream), PIECE * PIECES);
    UNTIL(&n, n.client.got.len == PIECE * PIECES);
    assert_pieces(&n.server.got);
    assert_pieces(&n.client.got);
    assert_int_equal(n.client.connected, 1);
    assert_true(n.client.drained > 0);
    assert_int_equal(stream_unsent(n.client.stream), 0);
    net_clear(&n);
    assert_int_equal(n.client.closed, 1);
    assert_int_equal(n.client.why, ERR_CANCELLED);
    assert_int_equal(n.acceptor_closed, 1);
}

static void
a_name_is_resolved(void **state)
{
    struct net n;

    (void)state;
    net_init(&n);
    n.server.echoes = true;
    net_connect(&n, "localhost");
    stream_write(n.client.stream, "hello", 5);
    UNTIL(&n, n.client.got.len == 5);
    assert_memory_equal(n.client.got.data, "hello", 5);
    net_clear(&n);
}

static void
finish_delivers_everything_before_it_closes(void **state)
{
    struct net n;

    (void)state;
    net_init(&n);
    net_connect(&n, "127.0.0.1");
    UNTIL(&n, n.server.stream != NULL && n.client.connected);
    /* Unread bytes would make a plain close() lose the answer. */
    send_pieces(n.client.stream);
    send_pieces(n.server.stream);
    stream_finish(n.server.stream, ERR_AUTH);
    stream_write(n.server.stream, "late", 4);
    UNTIL(&n, n.client.closed && n.server.closed);
    assert_pieces(&n.client.got);
    assert_int_equal(n.client.why, ERR_CLOSED);
    assert_int_equal(n.server.why, ERR_AUTH);
    net_clear(&n);
    assert_int_equal(n.server.closed, 1);
}

static void
who_keeps_sending_to_a_finished_stream_is_cut_off(void **state)
{
    struct net n;

    (void)state;
    net_init(&n);
    net_connect(&n, "127.0.0.1");
    UNTIL(&n, n.server.stream != NULL && n.client.connected);
    stream_pause(n.client.stream); /* so it never sees the end */
    for (int i = 0; i < 4; i++)
        send_pieces(n.client.stream);
    stream_finish(n.server.stream, ERR_AUTH);
    UNTIL(&n, n.server.closed);
    assert_int_equal(n.server.why, ERR_AUTH);
    net_clear(&n);
}

static void
a_paused_stream_gives_nothing_until_resumed(void **state)
{
    struct net n;

    (void)state;
    net_init(&n);
    net_connect(&n, "127.0.0.1");
    UNTIL(&n, n.server.stream != NULL && n.client.connected);
    stream_pause(n.server.stream);
    stream_pause(n.server.stream);
    send_pieces(n.client.stream);
    for (int i = 0; i < 50; i++)
        uv_run(&n.loop, UV_RUN_NOWAIT);
    assert_int_equal(n.server.got.len, 0);
    stream_resume(n.server.stream);
    stream_resume(n.server.stream);
    UNTIL(&n, n.server.got.len == PIECE * PIECES);
    assert_pieces(&n.server.got);
    net_clear(&n);
}

static void
closing_inside_an_event_is_fine(void **state)
{
    struct net n;

    (void)state;
    net_init(&n);
    n.server.closes_early = true;
    net_connect(&n, "127.0.0.1");
    send_pieces(n.client.stream);
    UNTIL(&n, n.server.closed && n.client.closed);
    assert_int_equal(n.server.why, ERR_REFUSED);
    assert_int_equal(n.client.why, ERR_CLOSED);
    assert_in_range(n.server.got.len, 1, STREAM_READ_MAX);
    net_clear(&n);
}

static void
the_first_reason_is_told(void **state)
{
    struct net n;

    (void)state;
    net_init(&n);
    net_connect(&n, "127.0.0.1");
    stream_close(n.client.stream, ERR_EXPIRED);
    stream_close(n.client.stream, ERR_IO);
    stream_write(n.client.stream, "dropped", 7);
    assert_int_equal(n.client.closed, 0);
    UNTIL(&n, n.client.closed);
    assert_int_equal(n.client.why, ERR_EXPIRED);
    net_clear(&n);
    assert_int_equal(n.client.closed, 1);
}

static void
nobody_listening_is_unreachable_and_says_so(void **state)
{
    struct net n;
    uint16_t port;

    (void)state;
    net_init(&n);
    port = acceptor_port(n.acceptor);
    acceptor_close(n.acceptor);
    UNTIL(&n, n.acceptor == NULL);
    n.client.stream = stream_connect(&n.loop, "127.0.0.1", port, 60 * 1000,
                                     &events, &n.client);
    UNTIL(&n, n.client.closed);
    assert_int_equal(n.client.why, ERR_UNREACHABLE);
    assert_int_equal(n.client.connected, 0);
    assert_string_equal(n.client.detail, "connection refused");
    net_clear(&n);
}

static void
a_deadline_that_is_over_is_a_timeout(void **state)
{
    struct net n;

    (void)state;
    net_init(&n);
    n.client.stream = stream_connect(
        &n.loop, "127.0.0.1", acceptor_port(n.acceptor), 0, &events, &n.client);
    UNTIL(&n, n.client.closed);
    assert_int_equal(n.client.why, ERR_TIMEOUT);
    net_clear(&n);
}

static void
a_stream_that_was_turned_away_is_told_to_nobody(void **state)
{
    struct net n;

    (void)state;
    net_init(&n);
    n.turns_away = true;
    net_connect(&n, "127.0.0.1");
    UNTIL(&n, n.client.closed);
    assert_int_equal(n.accepted, 1);
    assert_int_equal(n.server.closed, 0);
    net_clear(&n);
}

static void
without_descriptors_it_sheds_and_recovers(void **state)
{
    struct rlimit normal, tight;
    struct net n;

    (void)state;
    net_init(&n);
    net_connect(&n, "127.0.0.1"); /* has its socket already */
    getrlimit(RLIMIT_NOFILE, &normal);
    tight = normal;
    tight.rlim_cur = (rlim_t)dup(0);
    close((int)tight.rlim_cur);
    setrlimit(RLIMIT_NOFILE, &tight);
    UNTIL(&n, n.client.closed);
    setrlimit(RLIMIT_NOFILE, &normal);
    assert_int_equal(n.accepted, 0);

    n.server.echoes = true;
    n.client.closed = 0;
    net_connect(&n, "127.0.0.1");
    stream_write(n.client.stream, "again", 5);
    UNTIL(&n, n.client.got.len == 5);
    net_clear(&n);
}

static void
the_peer_has_a_name_and_an_address(void **state)
{
    const uint8_t mapped[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1};
    uint8_t address[16];
    char text[STREAM_PEER_MAX], expect[STREAM_PEER_MAX];
    struct net n;

    (void)state;
    net_init(&n);
    net_connect(&n, "127.0.0.1");
    UNTIL(&n, n.server.stream != NULL && n.client.connected);
    snprintf(expect, sizeof(expect), "127.0.0.1:%u",
             (unsigned)acceptor_port(n.acceptor));
    stream_peer_text(n.client.stream, text);
    assert_string_equal(text, expect);
    stream_peer_address(n.server.stream, address);
    assert_memory_equal(address, mapped, 16);
    net_clear(&n);
}

static void
a_unix_socket_works_and_is_private(void **state)
{
    char dir[] = "/tmp/sealpost-test-XXXXXX", path[64], text[STREAM_PEER_MAX];
    struct net n;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/s", dir);
    net_init(&n);
    acceptor_close(n.acceptor);
    UNTIL(&n, n.acceptor == NULL);
    assert_int_equal(
        acceptor_open_unix(&n.acceptor, &n.loop, path, 8, &acceptor_events, &n),
        ERR_OK);
    n.server.echoes = true;
    n.client.stream = stream_connect_unix(&n.loop, path, &events, &n.client);
    stream_write(n.client.stream, "status", 6);
    UNTIL(&n, n.client.got.len == 6);
    stream_peer_text(n.server.stream, text);
    assert_string_equal(text, "unix");
    net_clear(&n);
    assert_int_not_equal(access(path, F_OK), 0);
    rmdir(dir);
}

static void
a_path_that_does_not_fit_is_refused(void **state)
{
    char path[200];
    uv_loop_t loop;
    struct acceptor *a = NULL;

    (void)state;
    memset(path, 'x', sizeof(path));
    path[199] = '\0';
    uv_loop_init(&loop);
    assert_int_equal(
        acceptor_open_unix(&a, &loop, path, 8, &acceptor_events, NULL),
        ERR_TOOBIG);
    assert_null(a);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void
a_taken_port_is_busy_and_told_at_once(void **state)
{
    struct acceptor *second = NULL;
    struct net n;

    (void)state;
    net_init(&n);
    assert_int_equal(acceptor_open(&second, &n.loop, "127.0.0.1",
                                   acceptor_port(n.acceptor), 8,
                                   &acceptor_events, &n),
                     ERR_BUSY);
    assert_null(second);
    net_clear(&n);
    assert_int_equal(n.acceptor_closed, 1);
}

static void
a_connected_socket_can_be_taken_over(void **state)
{
    struct net n;
    int fd[2];

    (void)state;
    net_init(&n);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    n.server.echoes = true;
    n.client.stream = stream_open(&n.loop, fd[0], &events, &n.client);
    n.server.stream = stream_open(&n.loop, fd[1], &events, &n.server);
    stream_write(n.client.stream, "abc", 3);
    UNTIL(&n, n.client.got.len == 3);
    net_clear(&n);
}

static void
closing_at_any_turn_closes_once_and_leaks_nothing(void **state)
{
    const char *hosts[] = {"127.0.0.1", "localhost", "127.0.0.1"};

    (void)state;
    for (size_t h = 0; h < 3; h++) {
        for (unsigned turn = 0; turn < 40; turn++) {
            struct net n;

            net_init(&n);
            n.server.echoes = true;
            net_connect(&n, hosts[h]);
            send_pieces(n.client.stream);
            for (unsigned i = 0; i < turn; i++)
                uv_run(&n.loop, UV_RUN_NOWAIT);
            if (h == 2 && n.server.stream != NULL)
                stream_finish(n.server.stream, ERR_OK);
            net_clear(&n);
            assert_int_equal(n.client.closed, 1);
            assert_true(n.server.closed <= 1);
            assert_int_equal(n.acceptor_closed, 1);
        }
    }
}

static void
failing_any_allocation_closes_once_and_leaks_nothing(void **state)
{
    (void)state;
    for (unsigned long at = 0;; at++) {
        struct net n;

        net_init(&n);
        fail_alloc_at(at);
        n.client.stream =
            stream_connect(&n.loop, "127.0.0.1", acceptor_port(n.acceptor),
                           60 * 1000, &events, &n.client);
        if (n.client.stream != NULL)
            stream_write(n.client.stream, "hello", 5);
        for (int i = 0; i < 20; i++)
            uv_run(&n.loop, UV_RUN_NOWAIT);
        if (n.client.stream != NULL)
            stream_finish(n.client.stream, ERR_OK);
        for (int i = 0; i < 20; i++)
            uv_run(&n.loop, UV_RUN_NOWAIT);
        bool failed = fail_alloc_off();
        net_clear(&n);
        assert_true(n.client.closed <= 1);
        if (!failed)
            break;
        assert_true(at < 1000);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_arrives_in_order_and_comes_back),
        cmocka_unit_test(a_name_is_resolved),
        cmocka_unit_test(finish_delivers_everything_before_it_closes),
        cmocka_unit_test(who_keeps_sending_to_a_finished_stream_is_cut_off),
        cmocka_unit_test(a_paused_stream_gives_nothing_until_resumed),
        cmocka_unit_test(closing_inside_an_event_is_fine),
        cmocka_unit_test(the_first_reason_is_told),
        cmocka_unit_test(nobody_listening_is_unreachable_and_says_so),
        cmocka_unit_test(a_deadline_that_is_over_is_a_timeout),
        cmocka_unit_test(a_stream_that_was_turned_away_is_told_to_nobody),
        cmocka_unit_test(without_descriptors_it_sheds_and_recovers),
        cmocka_unit_test(the_peer_has_a_name_and_an_address),
        cmocka_unit_test(a_unix_socket_works_and_is_private),
        cmocka_unit_test(a_path_that_does_not_fit_is_refused),
        cmocka_unit_test(a_taken_port_is_busy_and_told_at_once),
        cmocka_unit_test(a_connected_socket_can_be_taken_over),
        cmocka_unit_test(closing_at_any_turn_closes_once_and_leaks_nothing),
        cmocka_unit_test(failing_any_allocation_closes_once_and_leaks_nothing),
    };

    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
