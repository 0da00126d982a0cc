#include "tests/lib/linkpair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"

const struct dh_secret pair_relay_secret = {{1, 2, 3}};
const struct dh_secret pair_device_secret = {{4, 5, 6}};
const struct agency_id pair_agency = {{0xa1}};
const struct device_id pair_device = {{0xd1}};

static bool
on_who(void *arg, const struct link_peer *peer)
{
    struct end *e = arg;

    e->was_asked = true;
    e->peer = *peer;
    return !e->says_no;
}

static void
on_ready(void *arg)
{
    struct end *e = arg;

    assert_false(e->is_ready);
    e->is_ready = true;
}

static void
on_message(void *arg, const uint8_t *bytes, size_t len)
{
    struct end *e = arg;

    e->message_count++;
    buf_u32(&e->heard, (uint32_t)len);
    buf_put(&e->heard, bytes, len);
    if (e->message_count == e->stop_after)
        link_stop(e->link);
}

static void
on_blob(void *arg, uint32_t handle, uint64_t offset, const uint8_t *bytes,
        size_t len)
{
    struct end *e = arg;

    e->blob_count++;
    buf_str(&e->heard, "blob");
    buf_u32(&e->heard, handle);
    buf_u64(&e->heard, offset);
    buf_put(&e->heard, bytes, len);
}

static void
on_bye(void *arg, uint16_t code)
{
    struct end *e = arg;

    e->bye_count++;
    e->bye_code = code;
}

const struct link_events pair_events = {
    .who = on_who,
    .ready = on_ready,
    .message = on_message,
    .blob = on_blob,
    .bye = on_bye,
};

struct link_client_config
pair_client_config(enum link_suite suite, struct dh_key *relay_key)
{
    dh_public(relay_key, &pair_relay_secret);
    return (struct link_client_config){
        .suite = suite,
        .relay_key = relay_key,
        .relay_name = PAIR_NAME,
        .agency = pair_agency,
        .device = pair_device,
        .secret = suite == LINK_XK ? &pair_device_secret : NULL,
    };
}

struct link_relay_config
pair_relay_config(void)
{
    return (struct link_relay_config){.secret = &pair_relay_secret,
                                      .relay_name = PAIR_NAME,
                                      .unix_ms = PAIR_UNIX_MS};
}

void
pair_start(struct pair *p, enum link_suite suite)
{
    struct dh_key key;
    struct link_client_config c = pair_client_config(suite, &key);
    struct link_relay_config r = pair_relay_config();

    memset(p, 0, sizeof(*p));
    p->now_ms = PAIR_START_MS;
    p->client.link = link_new_client(&c, &pair_events, &p->client, p->now_ms);
    p->relay.link = link_new_relay(&r, &pair_events, &p->relay, p->now_ms);
    assert_non_null(p->client.link);
    assert_non_null(p->relay.link);
}

void
pair_clear(struct pair *p)
{
    link_free(p->client.link);
    link_free(p->relay.link);
    buf_clear(&p->client.heard);
    buf_clear(&p->relay.heard);
}

enum err
pair_carry(struct pair *p, struct end *from, struct end *to, size_t cut)
{
    struct buf out = *link_output(from->link);
    enum err rc = ERR_OK;

    *link_output(from->link) = (struct buf){0};
    for (size_t at = 0; at < out.len && rc == ERR_OK; at += cut)
        rc = link_feed(to->link, out.data + at,
                       out.len - at < cut ? out.len - at : cut, p->now_ms);
    buf_clear(&out);
    return rc;
}

enum err
pair_pump(struct pair *p, size_t cut)
{
    enum err rc = ERR_OK;

    while (rc == ERR_OK && (link_output(p->client.link)->len > 0 ||
                            link_output(p->relay.link)->len > 0)) {
        rc = pair_carry(p, &p->client, &p->relay, cut);
        if (rc == ERR_OK)
            rc = pair_carry(p, &p->relay, &p->client, cut);
    }
    return rc;
}

void
pair_ready(struct pair *p, enum link_suite suite)
{
    pair_start(p, suite);
    assert_int_equal(pair_pump(p, SIZE_MAX / 2), ERR_OK);
    assert_true(p->client.is_ready && p->relay.is_ready);
}

void
rogue_start(struct rogue *g, enum link_suite suite)
{
    uint8_t prologue[64], msg[128], payload[64];
    struct link_relay_config r = pair_relay_config();
    struct dh_key key;
    struct noise_config cfg = {
        .pattern = suite == LINK_XK ? NOISE_XK : NOISE_NK,
        .role = NOISE_INITIATOR,
        .prologue = prologue,
        .prologue_len = 21 + 5 + 1 + strlen(PAIR_NAME),
        .secret = suite == LINK_XK ? &pair_device_secret : NULL,
        .remote = &key,
    };
    size_t n;

    memset(g, 0, sizeof(*g));
    dh_public(&key, &pair_relay_secret);
    memcpy(prologue, "sealpost/1/transport", 21);
    memcpy(prologue + 21, "SPT1", 4);
    prologue[25] = (uint8_t)suite;
    prologue[26] = (uint8_t)strlen(PAIR_NAME);
    memcpy(prologue + 27, PAIR_NAME, strlen(PAIR_NAME));
    g->relay.link = link_new_relay(&r, &pair_events, &g->relay, PAIR_START_MS);
    assert_int_equal(noise_init(&g->noise, &cfg), ERR_OK);
    memcpy(msg, prologue + 21, 5);
    assert_int_equal(noise_write(&g->noise, msg + 7, 100, &n, NULL, 0), ERR_OK);
    assert_int_equal(n, 48);
    put_u16(msg + 5, 48);
    assert_int_equal(link_feed(g->relay.link, msg, 7 + 48, PAIR_START_MS),
                     ERR_OK);
    assert_int_equal(link_output(g->relay.link)->len, 60);
    assert_int_equal(noise_read(&g->noise, payload, sizeof(payload), &n,
                                link_output(g->relay.link)->data + 2, 58),
                     ERR_OK);
    assert_int_equal(n, 10);
    assert_int_equal(get_u16(payload), LINK_VERSION);
    buf_reset(link_output(g->relay.link));
}

enum err
rogue_m3(struct rogue *g, unsigned version)
{
    uint8_t payload[34] = {0}, msg[100];
    enum err rc;
    size_t n;

    put_u16(payload, (uint16_t)version);
    assert_int_equal(
        noise_write(&g->noise, msg + 2, 98, &n, payload, sizeof(payload)),
        ERR_OK);
    assert_int_equal(n, 98);
    put_u16(msg, 98);
    rc = link_feed(g->relay.link, msg, sizeof(msg), PAIR_START_MS);
    assert_int_equal(noise_split(&g->noise, &g->send, &g->recv), ERR_OK);
    return rc;
}

void
rogue_ready(struct rogue *g, enum link_suite suite)
{
    rogue_start(g, suite);
    if (suite == LINK_XK)
        assert_int_equal(rogue_m3(g, LINK_VERSION), ERR_OK);
    else
        assert_int_equal(noise_split(&g->noise, &g->send, &g->recv), ERR_OK);
    assert_true(g->relay.is_ready);
}

enum err
rogue_record(struct rogue *g, enum record_kind kind, const void *bytes,
             size_t len)
{
    struct span part = {bytes, len};
    struct buf b = {0};
    enum err rc;

    assert_int_equal(record_seal(&g->send, &b, kind, &part, 1), ERR_OK);
    rc = link_feed(g->relay.link, b.data, b.len, PAIR_START_MS);
    buf_clear(&b);
    return rc;
}

void
rogue_clear(struct rogue *g)
{
    link_free(g->relay.link);
    buf_clear(&g->relay.heard);
    noise_clear(&g->noise);
    noise_cipher_clear(&g->send);
    noise_cipher_clear(&g->recv);
}
