/*
 * Happy path:   client                                relay
 *               preamble, m1 ->                       PREAMBLE, M1
 *               M2                       <- m2 (NK: ready)
 *               (NK: ready) m3, ready ->              M3, who(), ready
 *               OPEN            records <-> records   OPEN
 * What can go wrong: any size, key, tag or name that does not fit moves the
 * link to ENDED with its error in `end`; so do bye, link_bye and link_stop.
 */
#include "proto/link_priv.h"

#include <assert.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "proto/msg.h"
#include "proto/record.h"

/* A larger buffer is freed when it is empty. */
enum { KEEP_MAX = 1024 };

/* ---- life ---- */

static struct link *
link_new(const struct link_events *ev, void *arg, uint64_t now_ms)
{
    struct link *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    l->noise = calloc(1, sizeof(*l->noise));
    if (l->noise == NULL) {
        free(l);
        return NULL;
    }
    l->ev = ev;
    l->arg = arg;
    l->born_ms = now_ms;
    return l;
}

static void
drop_handshake(struct link *l)
{
    if (l->noise == NULL)
        return;
    noise_clear(l->noise);
    free(l->noise);
    l->noise = NULL;
    l->secret = NULL;
    l->relay_name = NULL;
}

void
link_free(struct link *l)
{
    if (l == NULL)
        return;
    drop_handshake(l);
    noise_cipher_clear(&l->send);
    noise_cipher_clear(&l->recv);
    buf_clear(&l->in);
    buf_clear(&l->parts);
    buf_clear(&l->out);
    free(l);
}

/* The first reason stays. */
static void
finish(struct link *l, enum err why)
{
    if (l->end != ERR_OK)
        return;
    l->end = why;
    buf_clear(&l->in);
    buf_clear(&l->parts);
}

struct link *
link_new_client(const struct link_client_config *cfg,
                const struct link_events *ev, void *arg, uint64_t now_ms)
{
    struct link *l = link_new(ev, arg, now_ms);
    enum err rc;

    if (l == NULL)
        return NULL;
    l->is_client = true;
    l->suite = (uint8_t)cfg->suite;
    l->state = M2;
    l->peer.agency = cfg->agency;
    l->peer.device = cfg->device;
    rc = link_greet(l, cfg);
    if (rc == ERR_NOMEM) {
        link_free(l);
        return NULL;
    }
    if (rc != ERR_OK) { /* the first feed or tick says so */
        finish(l, rc);
        buf_clear(&l->out);
    }
    return l;
}

struct link *
link_new_relay(const struct link_relay_config *cfg,
               const struct link_events *ev, void *arg, uint64_t now_ms)
{
    struct link *l = link_new(ev, arg, now_ms);

    if (l == NULL)
        return NULL;
    l->state = PREAMBLE;
    l->secret = cfg->secret;
    l->relay_name = cfg->relay_name;
    l->unix_ms = cfg->unix_ms;
    return l;
}

static uint64_t
jitter_ms(uint64_t span_ms)
{
    uint32_t r;

    crypto_random(&r, sizeof(r));
    return r % (span_ms + 1);
}

enum err
link_open(struct link *l, uint64_t now_ms)
{
    enum err rc;

    l->session = *noise_hash(l->noise);
    rc = noise_split(l->noise, &l->send, &l->recv);
    if (rc != ERR_OK)
        return rc;
    drop_handshake(l);
    l->state = OPEN;
    l->ready_ms = l->heard_ms = l->sent_ms = now_ms;
    l->age_max_ms = l->suite == LINK_NK ? LINK_NK_AGE_MAX_MS : LINK_AGE_MAX_MS;
    if (l->is_client && l->suite != LINK_NK)
        l->age_max_ms -= jitter_ms(LINK_AGE_EARLY_MS);
    l->idle_after_ms =
        LINK_IDLE_MIN_MS + jitter_ms(LINK_IDLE_MAX_MS - LINK_IDLE_MIN_MS);
    if (l->ev->ready != NULL)
        l->ev->ready(l->arg);
    return ERR_OK;
}

/* ---- records in ---- */

static size_t
msg_max(const struct link *l)
{
    return l->suite == LINK_XK ? LINK_MSG_MAX : LINK_NK_MSG_MAX;
}

static enum err
keep_part(struct link *l, const struct record *r)
{
    if (r->len > msg_max(l) - l->parts.len)
        return ERR_TOOBIG;
    buf_put(&l->parts, r->bytes, r->len);
    return buf_status(&l->parts);
}

static void
tell_message(struct link *l, const uint8_t *bytes, size_t len)
{
    if (l->ev->message != NULL)
        l->ev->message(l->arg, bytes, len);
}

static enum err
on_last(struct link *l, const struct record *r)
{
    enum err rc;

    if (l->parts.len == 0 && r->len <= msg_max(l)) {
        tell_message(l, r->bytes, r->len);
        return ERR_OK;
    }
    rc = keep_part(l, r);
    if (rc != ERR_OK)
        return rc;
    tell_message(l, l->parts.data, l->parts.len);
    buf_clear(&l->parts);
    return ERR_OK;
}

static enum err
on_idle(struct link *l, const struct record *r)
{
    (void)r;
    if (l->is_client)
        return ERR_OK;
    return record_seal(&l->send, &l->out, RECORD_IDLE, NULL, 0);
}

static enum err
on_blob(struct link *l, const struct record *r)
{
    if (l->suite != LINK_XK)
        return ERR_MALFORMED;
    if (l->ev->blob != NULL)
        l->ev->blob(l->arg, get_u32(r->bytes), get_u64(r->bytes + 4),
                    r->bytes + RECORD_BLOB_HEAD_LEN,
                    r->len - RECORD_BLOB_HEAD_LEN);
    return ERR_OK;
}

static enum err
on_bye(struct link *l, const struct record *r)
{
    if (l->ev->bye != NULL)
        l->ev->bye(l->arg, get_u16(r->bytes));
    return ERR_CLOSED;
}

static enum err
on_record(struct link *l, uint64_t now_ms)
{
    static enum err (*const on[RECORD_KINDS])(struct link *,
                                              const struct record *) = {
        [RECORD_IDLE] = on_idle,   [RECORD_LAST] = on_last,
        [RECORD_PART] = keep_part, [RECORD_BLOB] = on_blob,
        [RECORD_BYE] = on_bye,
    };
    struct record r;
    enum err rc =
        record_open(&l->recv, l->in.data + LEN_LEN, l->in.len - LEN_LEN, &r);

    if (rc != ERR_OK)
        return rc;
    l->heard_ms = now_ms;
    return on[r.kind](l, &r);
}

/* ---- bytes in ---- */

/* What each state waits for; the length behind the u16, 0: any record's. */
static const struct {
    size_t len;
    enum err (*take)(struct link *, uint64_t);
} states[] = {
    [PREAMBLE] = {0, link_on_preamble},
    [M1] = {M1_LEN, link_on_m1},
    [M2] = {M2_LEN, link_on_m2},
    [M3] = {M3_LEN, link_on_m3},
    [OPEN] = {0, on_record},
};

/* The length of the unit as far as the bytes so far tell. */
static enum err
find_need(struct link *l)
{
    unsigned len;

    if (l->state == PREAMBLE || l->in.len < LEN_LEN) {
        l->need = l->state == PREAMBLE ? PREAMBLE_LEN : LEN_LEN;
        return ERR_OK;
    }
    len = get_u16(l->in.data);
    if (l->state == OPEN ? !record_is_len(len) : len != states[l->state].len)
        return ERR_MALFORMED;
    l->need = LEN_LEN + len;
    return ERR_OK;
}

/* Takes bytes until the unit is whole, then lets its state have it. */
static enum err
take_some(struct link *l, const uint8_t **p, size_t *left, uint64_t now_ms)
{
    enum err rc = find_need(l);
    size_t n;

    if (rc != ERR_OK)
        return rc;
    n = l->need - l->in.len;
    n = n < *left ? n : *left;
    if (buf_reserve(&l->in, l->need - l->in.len) == NULL)
        return ERR_NOMEM;
    buf_put(&l->in, *p, n);
    *p += n;
    *left -= n;
    rc = find_need(l);
    if (rc != ERR_OK || l->in.len < l->need)
        return rc;
    rc = states[l->state].take(l, now_ms);
    if (l->end == ERR_OK)
        buf_reset(&l->in);
    return rc;
}

static void
trim(struct buf *b)
{
    if (b->len == 0 && b->cap > KEEP_MAX)
        buf_clear(b);
}

enum err
link_feed(struct link *l, const void *bytes, size_t len, uint64_t now_ms)
{
    const uint8_t *p = bytes;

    while (len > 0 && l->end == ERR_OK) {
        enum err rc = take_some(l, &p, &len, now_ms);

        if (rc != ERR_OK)
            finish(l, rc);
    }
    trim(&l->in);
    trim(&l->out);
    return l->end;
}

/* ---- out ---- */

static bool
can_send(const struct link *l)
{
    return l->state == OPEN && l->end == ERR_OK;
}

static enum err
send_record(struct link *l, enum record_kind kind, const struct span *parts,
            size_t n, uint64_t now_ms)
{
    enum err rc = record_seal(&l->send, &l->out, kind, parts, n);

    if (rc == ERR_OK)
        l->sent_ms = now_ms;
    return rc;
}

/* Room for all records of LEN bytes cut at MOST, each with HEAD bytes more, so
 * that nothing can fail halfway. */
static enum err
reserve_records(struct link *l, size_t len, size_t most, size_t head)
{
    size_t room = len / most * record_wire_len(head + most);

    if (len % most > 0)
        room += record_wire_len(head + len % most);
    if (buf_reserve(&l->out, room) != NULL)
        return ERR_OK;
    l->out.failed = false; /* nothing was lost: not a byte is written yet */
    return ERR_NOMEM;
}

enum err
link_send_msg(struct link *l, const void *bytes, size_t len, uint64_t now_ms)
{
    const uint8_t *p = bytes;
    enum err rc;

    assert(len > 0);
    if (!can_send(l))
        return ERR_STATE;
    if (len > msg_max(l))
        return ERR_TOOBIG;
    rc = reserve_records(l, len, RECORD_BYTES_MAX, 0);
    while (rc == ERR_OK && len > 0) {
        size_t n = len < RECORD_BYTES_MAX ? len : RECORD_BYTES_MAX;
        struct span part = {p, n};

        rc = send_record(l, n < len ? RECORD_PART : RECORD_LAST, &part, 1,
                         now_ms);
        p += n;
        len -= n;
    }
    return rc;
}

enum err
link_send_blob(struct link *l, uint32_t handle, uint64_t offset,
               const void *bytes, size_t len, uint64_t now_ms)
{
    const uint8_t *p = bytes;
    uint8_t head[RECORD_BLOB_HEAD_LEN];
    enum err rc;

    assert(len > 0);
    if (!can_send(l) || l->suite != LINK_XK)
        return ERR_STATE;
    rc = reserve_records(l, len, RECORD_BLOB_MAX, RECORD_BLOB_HEAD_LEN);
    while (rc == ERR_OK && len > 0) {
        size_t n = len < RECORD_BLOB_MAX ? len : RECORD_BLOB_MAX;
        struct span parts[] = {{head, sizeof(head)}, {p, n}};

        put_u32(head, handle);
        put_u64(head + 4, offset);
        rc = send_record(l, RECORD_BLOB, parts, 2, now_ms);
        p += n;
        offset += n;
        len -= n;
    }
    return rc;
}

enum err
link_idle(struct link *l, uint64_t now_ms)
{
    if (!can_send(l))
        return ERR_STATE;
    return send_record(l, RECORD_IDLE, NULL, 0, now_ms);
}

void
link_bye(struct link *l, uint16_t code)
{
    uint8_t bytes[2];
    struct span part = {bytes, sizeof(bytes)};

    put_u16(bytes, code);
    if (can_send(l))
        (void)record_seal(&l->send, &l->out, RECORD_BYE, &part, 1);
    link_stop(l);
}

void
link_stop(struct link *l)
{
    if (l->end == ERR_OK)
        l->end = ERR_CLOSED; /* buffers stay: an event may be reading them */
}

struct buf *
link_output(struct link *l)
{
    return &l->out;
}

/* ---- time ---- */

static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t
link_next_ms(const struct link *l)
{
    uint64_t next;

    if (l->state != OPEN)
        return l->born_ms + LINK_HANDSHAKE_MS;
    next = earlier(l->heard_ms + LINK_SILENCE_MS, l->ready_ms + l->age_max_ms);
    return l->is_client ? earlier(next, l->sent_ms + l->idle_after_ms) : next;
}

static enum err
end_with(struct link *l, enum bye code, enum err why)
{
    link_bye(l, (uint16_t)code);
    l->end = why;
    return why;
}

enum err
link_tick(struct link *l, uint64_t now_ms)
{
    if (l->end != ERR_OK)
        return l->end;
    if (l->state != OPEN) {
        if (now_ms - l->born_ms >= LINK_HANDSHAKE_MS)
            finish(l, ERR_TIMEOUT);
        return l->end;
    }
    if (now_ms - l->heard_ms >= LINK_SILENCE_MS)
        return end_with(l, BYE_IDLE, ERR_TIMEOUT);
    if (now_ms - l->ready_ms >= l->age_max_ms)
        return end_with(l, BYE_REKEY, ERR_EXPIRED);
    if (!l->is_client || now_ms - l->sent_ms < l->idle_after_ms)
        return ERR_OK;
    l->idle_after_ms =
        LINK_IDLE_MIN_MS + jitter_ms(LINK_IDLE_MAX_MS - LINK_IDLE_MIN_MS);
    return link_idle(l, now_ms);
}

/* ---- facts ---- */

bool
link_is_ready(const struct link *l)
{
    return can_send(l);
}

unsigned
link_suite_of(const struct link *l)
{
    return l->suite;
}

uint64_t
link_relay_unix_ms(const struct link *l)
{
    return l->unix_ms;
}

uint16_t
link_version(const struct link *l)
{
    return l->version;
}

const struct link_peer *
link_peer(const struct link *l)
{
    return l->state == OPEN && !l->is_client && l->suite == LINK_XK ? &l->peer
                                                                    : NULL;
}

const struct hash *
link_session_hash(const struct link *l)
{
    return &l->session;
}

size_t
link_memory(const struct link *l)
{
    return sizeof(*l) + (l->noise != NULL ? sizeof(*l->noise) : 0) + l->in.cap +
           l->parts.cap + l->out.cap;
}
