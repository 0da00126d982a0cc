#include "tests/lib/relay_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "common/clock.h"

/* ---- the link's events ---- */

static void
on_ready(void *arg)
{
    struct client *c = arg;

    c->ready = true;
}

static void
on_message(void *arg, const uint8_t *bytes, size_t len)
{
    struct client *c = arg;
    struct heard *h = &c->heard[c->n_heard];

    assert_true(c->n_heard < RIG_HEARD);
    c->n_heard++;
    h->bytes = malloc(len);
    assert_non_null(h->bytes);
    memcpy(h->bytes, bytes, len);
    assert_int_equal(msg_decode(&h->m, MSG_FROM_RELAY, h->bytes, len), ERR_OK);
}

static void
on_blob(void *arg, uint32_t handle, uint64_t offset, const uint8_t *bytes,
        size_t len)
{
    struct client *c = arg;

    if (c->is_careless)
        return;
    if (c->blob.len == 0) {
        c->blob_handle = handle;
        c->blob_first = c->blob_next = offset;
    }
    assert_int_equal(handle, c->blob_handle);
    assert_int_equal(offset, c->blob_next);
    c->blob_next += len;
    buf_put(&c->blob, bytes, len);
    assert_int_equal(buf_status(&c->blob), ERR_OK);
}

static void
on_bye(void *arg, uint16_t code)
{
    struct client *c = arg;

    c->bye = code;
}

static const struct link_events events = {
    .ready = on_ready,
    .message = on_message,
    .blob = on_blob,
    .bye = on_bye,
};

/* ---- the socket ---- */

static void
shut(struct client *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
}

static void
take_output(struct client *c)
{
    struct buf *out = c->link == NULL ? NULL : link_output(c->link);

    if (out == NULL || out->len == 0)
        return;
    buf_put(&c->out, out->data, out->len);
    buf_clear(out);
}

void
client_write(struct client *c)
{
    take_output(c);
    while (c->out.len > 0) {
        ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) {
            buf_clear(&c->out); /* what came is still read */
            return;
        }
        buf_drop(&c->out, (size_t)n);
    }
}

void
client_read(struct client *c)
{
    static uint8_t bytes[65536];
    ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        shut(c);
        return;
    }
    c->raw_bytes += (size_t)n;
    if (c->link != NULL &&
        link_feed(c->link, bytes, (size_t)n, clock_mono_ms()) != ERR_OK)
        shut(c);
}

/* ---- life ---- */

struct client *
client_raw(struct rig *rig)
{
    struct client *c = calloc(1, sizeof(*c));
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(rig->port)};
    int small = 64 * 1024; /* a deaf client's kernel does not read for it */
    int i = 0;

    assert_non_null(c);
    c->rig = rig;
    c->bye = -1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
    while (i < RIG_CLIENTS && rig->clients[i] != NULL)
        i++;
    assert_true(i < RIG_CLIENTS);
    rig->clients[i] = c;
    return c;
}

void
client_raw_send(struct client *c, const void *bytes, size_t len)
{
    buf_put(&c->out, bytes, len);
    client_write(c);
}

struct client *
client_begin(struct rig *rig, int device)
{
    struct client *c = client_raw(rig);
    struct link_client_config cfg = {.suite = LINK_NK,
                                     .relay_key = &rig->net.relay_key,
                                     .relay_name = "relay.test"};

    if (device != RIG_STRANGER) {
        const struct net_device *d = &rig->net.devices[device];

        cfg.suite = LINK_XK;
        cfg.agency = rig->net.agencies[d->agency].id;
        cfg.device = d->id;
        cfg.secret = &d->dh;
    }
    c->link = link_new_client(&cfg, &events, c, clock_mono_ms());
    assert_non_null(c->link);
    return c;
}

struct client *
client_open(struct rig *rig, int device)
{
    struct client *c = client_begin(rig, device);

    RIG_UNTIL(rig, c->ready || c->fd < 0);
    assert_true(c->ready);
    return c;
}

struct client *
client_greet(struct rig *rig, int device, unsigned mail)
{
    struct client *c = client_open(rig, device);
    struct msg_field f[] = {msg_nil(), msg_nil(), msg_u(mail)};

    (void)client_hear(c, MSG_WELCOME, 0);
    (void)client_say(c, MSG_WELCOME, f, 3);
    client_settle(c);
    return c;
}

void
client_close(struct client *c)
{
    if (c == NULL)
        return;
    shut(c);
    for (size_t i = 0; i < c->n_heard; i++) {
        msg_clear(&c->heard[i].m);
        free(c->heard[i].bytes);
    }
    buf_clear(&c->blob);
    buf_clear(&c->out);
    link_free(c->link);
    for (int i = 0; i < RIG_CLIENTS; i++)
        if (c->rig->clients[i] == c)
            c->rig->clients[i] = NULL;
    free(c);
}

int
client_end(struct client *c)
{
    int bye;

    RIG_UNTIL(c->rig, c->fd < 0);
    bye = c->bye;
    client_close(c);
    return bye;
}

/* ---- messages ---- */

void
client_say_bytes(struct client *c, const void *bytes, size_t len)
{
    assert_int_equal(link_send_msg(c->link, bytes, len, clock_mono_ms()),
                     ERR_OK);
    take_output(c);
}

uint32_t
client_say(struct client *c, enum msg_type type, const struct msg_field *f,
           unsigned n)
{
    uint32_t req = type == MSG_WELCOME ? 0 : ++c->next_req;
    struct buf b = {0};

    assert_int_equal(msg_encode(&b, MSG_FROM_CLIENT, type, req, f, n), ERR_OK);
    client_say_bytes(c, b.data, b.len);
    buf_clear(&b);
    return req;
}

const struct msg *
client_take(struct client *c, enum msg_type type, uint32_t req)
{
    for (size_t i = 0; i < c->n_heard; i++) {
        struct heard *h = &c->heard[i];

        if (h->taken || h->m.type != type || h->m.req != req)
            continue;
        h->taken = true;
        return &h->m;
    }
    return NULL;
}

static void
fail_for_error(const struct msg *m)
{
    fail_msg("%s: %.*s", perr_row((unsigned)m->f[ERROR_CODE].u)->name,
             (int)m->f[ERROR_DETAIL].len, (const char *)m->f[ERROR_DETAIL].p);
}

const struct msg *
client_hear(struct client *c, enum msg_type type, uint32_t req)
{
    const struct msg *m, *error;

    while ((m = client_take(c, type, req)) == NULL) {
        error = req == 0 ? NULL : client_take(c, MSG_ERROR, req);
        if (error != NULL)
            fail_for_error(error);
        if (c->fd < 0)
            fail_msg("the relay closed (bye %d)", c->bye);
        rig_turn(c->rig);
    }
    return m;
}

const struct msg *
client_ask(struct client *c, enum msg_type type, const struct msg_field *f,
           unsigned n)
{
    const struct msg_spec *spec = msg_spec_of(MSG_FROM_CLIENT, type);

    return client_hear(c, spec->answer, client_say(c, type, f, n));
}

unsigned
client_ask_error(struct client *c, enum msg_type type,
                 const struct msg_field *f, unsigned n)
{
    uint32_t req = client_say(c, type, f, n);
    const struct msg *m = client_hear(c, MSG_ERROR, req);

    return (unsigned)m->f[ERROR_CODE].u;
}

size_t
client_count(const struct client *c, enum msg_type type)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_heard; i++)
        n += !c->heard[i].taken && c->heard[i].m.type == type;
    return n;
}

void
client_settle(struct client *c)
{
    struct msg_field f[] = {msg_u(0), msg_u(0), msg_u(1)};

    (void)client_ask(c, MSG_PROOF_GET, f, 3);
}
