#include "tests/lib/lying_relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/letter.h"
#include "client/upstream.h"
#include "common/clock.h"
#include "proto/header.h"
#include "proto/prekey.h"
#include "proto/proof.h"
#include "tests/lib/desk_fixture.h"

struct lying_relay relay;

/* What the last answer points into. */
static struct {
    struct msg m;
    struct buf bytes[RELAY_EVENTS + 2];
    struct msg_field items[RELAY_EVENTS * 5];
    struct hash path[MERKLE_PATH_MAX];
    uint8_t prekey[PREKEY_LEN];
    uint8_t openings[RELAY_EVENTS][OPENING_LEN];
    struct buf dir_note, dlv_note;
} out;

/* ---- the log ---- */

static struct head
head_at(uint64_t size)
{
    struct head h = {.size = size};

    assert_int_equal(merkle_root_at(memtree_read, &relay.log, size, &h.root),
                     ERR_OK);
    if (relay.lie == LIE_FORKED_LOG)
        h.root.b[5] ^= 1;
    assert_int_equal(head_sign(&h, df.delivery_key.name, &df.net.log_key),
                     ERR_OK);
    return h;
}

uint64_t
relay_log(const struct event *e, const void *evidence, size_t len)
{
    uint8_t entry[SEALED_ENTRY_LEN];
    uint8_t salt[32];
    size_t i = relay.n++;

    assert_true(i < RELAY_EVENTS);
    crypto_random(salt, sizeof(salt));
    relay.events[i] = *e;
    if (len > 0)
        evidence_hash(&relay.events[i].evidence, evidence, len);
    opening_make(salt, &relay.events[i], relay.openings[i]);
    sealed_entry(relay.openings[i], entry);
    memtree_append(&relay.log, entry, sizeof(entry));
    if (len > 0)
        buf_put(&relay.evidence[i], evidence, len);
    return i;
}

void
relay_receipt(uint64_t index, struct buf *to)
{
    struct hash path[MERKLE_PATH_MAX];
    struct head h = head_at(relay.n);
    size_t n = 0;

    if (relay.lie == LIE_RECEIPT_BY_OTHER_KEY)
        h.sig.b[1] ^= 1;
    assert_int_equal(
        merkle_inclusion(memtree_read, &relay.log, index, relay.n, path, &n),
        ERR_OK);
    assert_int_equal(receipt_format(relay.openings[index], index, path, n, &h,
                                    &df.delivery_key, to),
                     ERR_OK);
}

static void
put_leaf_proof(uint64_t index, struct buf *to)
{
    struct proof p = {.index = index};
    struct head h = head_at(relay.n);
    struct buf note = {0};

    assert_int_equal(merkle_inclusion(memtree_read, &relay.log, index, relay.n,
                                      p.path, &p.n),
                     ERR_OK);
    assert_int_equal(head_to_note(&h, &df.delivery_key, &note), ERR_OK);
    p.note = note.data;
    p.note_len = note.len;
    assert_int_equal(proof_format(&p, to), ERR_OK);
    buf_clear(&note);
}

/* ---- answers ---- */

static struct buf *
fresh(unsigned i)
{
    buf_reset(&out.bytes[i]);
    return &out.bytes[i];
}

static struct msg_field
bin(const struct buf *b)
{
    return msg_bin(b->data, b->len);
}

static unsigned
answer_logged(const uint8_t packet[16], uint64_t index)
{
    struct buf *proof = fresh(0);
    struct buf *id = fresh(1);

    relay_receipt(index, proof);
    buf_put(id, packet, 16);
    out.m.f[LOGGED_PACKET_ID] = bin(id);
    out.m.f[LOGGED_PROOF] = bin(proof);
    return PERR_NONE;
}

static void
stored_event(struct event *e, const struct header *h, const struct hash *digest)
{
    memset(e, 0, sizeof(*e));
    e->type = EVENT_STORED;
    e->time_ms = clock_wall_ms();
    e->packet = h->packet;
    e->sender = df.d.id.agency;
    e->recipient = h->mailbox;
    e->actor = df.d.id.device;
    e->pkt_digest = *digest;
    e->not_after = h->not_after;
    if (relay.lie == LIE_RECEIPT_OF_OTHER_BYTES)
        e->pkt_digest.b[0] ^= 1;
    if (relay.lie == LIE_RECEIPT_OF_OTHER_MAILBOX)
        e->recipient = df.net.mailboxes[WE].id;
}

static bool
find_stored(const struct packet_id *id, uint64_t *index)
{
    for (size_t i = 0; i < relay.n; i++)
        if (relay.events[i].type == EVENT_STORED &&
            id_eq(&relay.events[i].packet, id)) {
            *index = i;
            return true;
        }
    return false;
}

static unsigned
on_send(const struct msg_field *f)
{
    struct header h;
    struct event e;
    struct hash digest;
    uint64_t index;

    assert_int_equal(packet_check_shape(&h, f[SEND_HDR].p, f[SEND_HDR].len,
                                        f[SEND_WRAPS].len, f[SEND_BODY].len),
                     ERR_OK);
    packet_digest_of(&digest, f[SEND_HDR].p, f[SEND_HDR].len, f[SEND_WRAPS].p,
                     h.n_slots, f[SEND_BODY].p, f[SEND_BODY].len);
    relay.sent[relay.sends++ % 8] = digest;
    memset(&relay.resend_of, 0, sizeof(relay.resend_of));
    if (f[SEND_RESEND_OF].kind != MSG_NIL)
        msg_copy(relay.resend_of.b, &f[SEND_RESEND_OF], 16);
    if (relay.lie == LIE_SLOTS_CHANGED) {
        relay.lie = HONEST;
        return PERR_SLOT;
    }
    if (!find_stored(&h.packet, &index)) {
        stored_event(&e, &h, &digest);
        index = relay_log(&e, NULL, 0);
    }
    if (relay.lie == LIE_SILENCE_AFTER_SEND)
        relay.is_gone = true;
    return answer_logged(h.packet.b, index);
}

static unsigned
on_receipt(const struct msg_field *f)
{
    struct event e = {.type = EVENT_HANDED_OVER, .time_ms = clock_wall_ms()};
    struct rcpt r;

    assert_int_equal(rcpt_parse(&r, f[0].p, f[0].len), ERR_OK);
    relay.receipts++;
    e.packet = r.packet;
    e.pkt_digest = r.pkt_digest;
    e.sender = df.net.agencies[THEY].id;
    e.recipient = df.net.mailboxes[WE].id;
    e.actor = r.device;
    e.ref = r.stored_index;
    return answer_logged(r.packet.b, relay_log(&e, f[0].p, f[0].len));
}

static bool
has_ended(const struct packet_id *id)
{
    for (size_t i = 0; i < relay.n; i++)
        if (event_info(relay.events[i].type)->is_final &&
            id_eq(&relay.events[i].packet, id))
            return true;
    return false;
}

static unsigned
on_collected(void)
{
    out.m.f[COLLECTED_SHOWN] = msg_u(relay.collected_shown);
    out.m.f[COLLECTED_TIME_S] = msg_u(relay.collected_s);
    out.m.f[COLLECTED_NOW] = msg_u(relay.collected_now);
    return PERR_NONE;
}

static unsigned
on_withdraw(const struct msg_field *f)
{
    struct event e = {.type = EVENT_WITHDRAWN, .time_ms = clock_wall_ms()};
    struct wdrw w;

    assert_int_equal(wdrw_parse(&w, f[0].p, f[0].len), ERR_OK);
    if (!find_stored(&w.packet, &e.ref))
        return PERR_NOTFOUND;
    if (relay.lie == LIE_FINAL || has_ended(&w.packet))
        return PERR_FINAL;
    e.reason = w.reason;
    e.packet = w.packet;
    e.pkt_digest = w.pkt_digest;
    e.sender = w.sender;
    e.recipient = relay.events[e.ref].recipient;
    e.not_after = relay.events[e.ref].not_after;
    e.actor = w.device;
    return answer_logged(w.packet.b, relay_log(&e, f[0].p, f[0].len));
}

static unsigned
on_consistency(const struct msg_field *f)
{
    uint64_t m = f[CONSISTENCY_GET_M].u;
    uint64_t n = f[CONSISTENCY_GET_N].u;
    bool is_dir = f[CONSISTENCY_GET_LOG].u == LOG_DIRECTORY;
    size_t count = 0;
    enum err rc = is_dir ? merkle_consistency(directory_node, df.net.dir, m, n,
                                              out.path, &count)
                         : merkle_consistency(memtree_read, &relay.log, m, n,
                                              out.path, &count);

    if (rc != ERR_OK || relay.lie == LIE_NO_PROOF)
        return PERR_NOTFOUND;
    for (size_t i = 0; i < count; i++)
        out.items[i] = msg_bin(out.path[i].b, 32);
    out.m.f[PROOF_HASHES] = msg_list(out.items, count);
    return PERR_NONE;
}

static unsigned
on_proof(const struct msg_field *f)
{
    size_t count = 0;

    if (merkle_inclusion(memtree_read, &relay.log, f[PROOF_GET_INDEX].u,
                         f[PROOF_GET_SIZE].u, out.path, &count) != ERR_OK)
        return PERR_NOTFOUND;
    if (relay.lie == LIE_NO_PROOF && count > 0)
        out.path[0].b[0] ^= 1;
    for (size_t i = 0; i < count; i++)
        out.items[i] = msg_bin(out.path[i].b, 32);
    out.m.f[PROOF_HASHES] = msg_list(out.items, count);
    return PERR_NONE;
}

static unsigned
on_cosigned(const struct msg_field *f)
{
    const struct buf *note = &relay.cosigned[f[COSIGNED_GET_LOG].u];

    out.m.f[COSIGNED_CHECKPOINT] = bin(note);
    return note->len == 0 ? PERR_NOTFOUND : PERR_NONE;
}

static unsigned
on_prekeys(void)
{
    struct sign_secret key = df.net.devices[THEY].sign;
    struct prekey says;
    uint8_t seed[32] = {9};

    if (relay.lie == LIE_PREKEY_OF_ITS_OWN)
        key = df.net.log_key;
    assert_int_equal(prekey_make(out.prekey, &says, &df.net.devices[THEY].id,
                                 seed, clock_wall_ms() / 1000 - 60, &key),
                     ERR_OK);
    out.items[0] = msg_bin(out.prekey, sizeof(out.prekey));
    out.m.f[PREKEYS_STMTS] = msg_list(out.items, relay.has_prekeys);
    out.m.f[PREKEYS_DIR_SIZE] = msg_u(df.net.n_leaves);
    return PERR_NONE;
}

static unsigned
on_dir(const struct msg_field *f)
{
    uint64_t from = f[DIR_GET_FROM].u;
    struct head h = desk_head(&df.net.log_key);
    struct buf *note = fresh(0);
    size_t n = 0;

    for (uint64_t i = from; i < df.net.n_leaves; i++)
        out.items[n++] = bin(&df.net.leaves[i]);
    assert_int_equal(head_to_note(&h, &df.directory_key, note), ERR_OK);
    out.m.f[DIR_FROM] = msg_u(from);
    out.m.f[DIR_LEAVES] = msg_list(out.items, n);
    out.m.f[DIR_CHECKPOINT] = bin(note);
    return PERR_NONE;
}

/* One row of four fields behind the rows' own places. */
static void
put_row(size_t row, uint64_t i)
{
    struct msg_field *f = &out.items[RELAY_EVENTS + 4 * row];
    struct buf *proof = fresh((unsigned)row + 1);

    memcpy(out.openings[row], relay.openings[i], OPENING_LEN);
    if (relay.lie == LIE_EVENT_CHANGED)
        out.openings[row][40] ^= 1;
    put_leaf_proof(i, proof);
    f[EVENTS_ROW_INDEX] = msg_u(i);
    f[EVENTS_ROW_OPENING] = msg_bin(out.openings[row], OPENING_LEN);
    f[EVENTS_ROW_EVIDENCE] = bin(&relay.evidence[i]);
    f[EVENTS_ROW_LEAF_PROOF] = bin(proof);
    if (relay.lie == LIE_EVIDENCE_MISSING)
        f[EVENTS_ROW_EVIDENCE] = msg_bin(NULL, 0);
    if (relay.lie == LIE_EVIDENCE_CHANGED && relay.evidence[i].len > 0)
        relay.evidence[i].data[relay.evidence[i].len - 1] ^= 1;
    out.items[row] = msg_list(f, 4);
}

static unsigned
on_events(const struct msg_field *f)
{
    struct head h = head_at(relay.n);
    struct buf *note = fresh(0);
    size_t n = 0;

    assert_int_equal(head_to_note(&h, &df.delivery_key, note), ERR_OK);
    for (uint64_t i = f[EVENTS_GET_CURSOR].u; i < relay.n; i++)
        if (relay.lie != LIE_EVENTS_DROPPED && relay.events[i].type != 0)
            put_row(n++, i);
    out.m.f[EVENTS_ROWS] = msg_list(out.items, n);
    out.m.f[EVENTS_NEXT] = msg_u(relay.n);
    out.m.f[EVENTS_CHECKPOINT] = bin(note);
    return PERR_NONE;
}

static unsigned
dispatch(uint8_t type, const struct msg_field *f)
{
    switch (type) {
    case MSG_SEND:
        return on_send(f);
    case MSG_RECEIPT:
        return on_receipt(f);
    case MSG_WITHDRAW:
        return on_withdraw(f);
    case MSG_CONSISTENCY_GET:
        return on_consistency(f);
    case MSG_PROOF_GET:
        return on_proof(f);
    case MSG_COSIGNED_GET:
        return on_cosigned(f);
    case MSG_PREKEY_GET:
        return on_prekeys();
    case MSG_COLLECTED_GET:
        return on_collected();
    case MSG_PREKEY_PUT:
        return PERR_NONE;
    case MSG_DIR_GET:
        return on_dir(f);
    case MSG_EVENTS_GET:
        return on_events(f);
    default:
        fail_msg("the desk asks message %u", type);
        return PERR_INTERNAL;
    }
}

/* ---- client/upstream.h ---- */

static struct upstream {
    int nothing;
} the_upstream;

enum err
upstream_call(struct upstream *u, uint8_t type, const struct msg_field *fields,
              unsigned n, uint8_t want, const struct msg **answer,
              unsigned *wire_code, struct problem *pb)
{
    unsigned code;

    (void)u;
    (void)n;
    relay.calls++;
    if (wire_code != NULL)
        *wire_code = PERR_NONE;
    out.m.type = want;
    code = relay.is_gone ? PERR_NONE : dispatch(type, fields);
    if (relay.is_gone)
        return problem_set(pb, P_UNREACHABLE, ERR_CLOSED, "gone", "gone");
    if (wire_code != NULL)
        *wire_code = code;
    if (code == PERR_FINAL)
        return problem_set(pb, P_FINAL, ERR_STATE, "refused", "too late");
    if (code != PERR_NONE)
        return problem_set(pb, P_RELAY_ERROR, ERR_REFUSED, "refused", "%s",
                           perr_row(code)->name);
    if (answer != NULL)
        *answer = &out.m;
    return ERR_OK;
}

struct span
upstream_directory_checkpoint(const struct upstream *u)
{
    struct head h = desk_head(&df.net.log_key);

    (void)u;
    if (relay.lie == LIE_FORGOTTEN_DIRECTORY) {
        h.size = 1;
        (void)directory_root_at(df.net.dir, 1, &h.root);
    }
    if (relay.lie == LIE_FORKED_DIRECTORY)
        h.root.b[0] ^= 1;
    assert_int_equal(head_sign(&h, df.directory_key.name, &df.net.log_key),
                     ERR_OK);
    buf_reset(&out.dir_note);
    assert_int_equal(head_to_note(&h, &df.directory_key, &out.dir_note),
                     ERR_OK);
    return (struct span){out.dir_note.data, out.dir_note.len};
}

struct span
upstream_delivery_checkpoint(const struct upstream *u)
{
    struct head h =
        head_at(relay.lie == LIE_FORGOTTEN_LOG ? relay.n - 1 : relay.n);

    (void)u;
    buf_reset(&out.dlv_note);
    assert_int_equal(head_to_note(&h, &df.delivery_key, &out.dlv_note), ERR_OK);
    return (struct span){out.dlv_note.data, out.dlv_note.len};
}

bool
upstream_is_alive(const struct upstream *u)
{
    return u != NULL && !relay.is_gone;
}

uint64_t
upstream_relay_ms(const struct upstream *u)
{
    (void)u;
    return clock_wall_ms();
}

void
upstream_close(struct upstream *u)
{
    (void)u;
}

enum err
upstream_open(const struct identity *id, const struct upstream_options *opt,
              struct upstream **up, struct problem *pb)
{
    (void)id;
    (void)opt;
    (void)pb;
    *up = &the_upstream;
    return ERR_OK;
}

enum err
upstream_open_stranger(const char *address, const char *relay_name,
                       const struct dh_key *relay_key, unsigned deadline_ms,
                       struct upstream **up, struct problem *pb)
{
    (void)address;
    (void)relay_name;
    (void)relay_key;
    (void)deadline_ms;
    (void)up;
    return problem_set(pb, P_UNREACHABLE, ERR_UNREACHABLE, "no", "no");
}

enum err
upstream_upload(struct upstream *u, uint32_t handle, uint64_t offset,
                uint64_t len, upstream_read_fn read, void *arg,
                struct problem *pb)
{
    (void)u;
    (void)handle;
    (void)offset;
    (void)len;
    (void)read;
    (void)arg;
    return problem_set(pb, P_UNREACHABLE, ERR_CLOSED, "no", "no");
}

enum err
upstream_download(struct upstream *u, const struct agency_id *owner,
                  const struct att_id *id, uint64_t offset, uint64_t len,
                  upstream_write_fn write, void *arg, struct problem *pb)
{
    (void)u;
    for (size_t i = 0; i < relay.n_blobs; i++) {
        const struct relay_blob *b = &relay.blobs[i];

        if (id_eq(&b->owner, owner) && id_eq(&b->id, id)) {
            assert_true(offset + len <= b->bytes.len);
            return write(arg, offset, (const uint8_t *)b->bytes.p + offset,
                         len);
        }
    }
    return problem_set(pb, P_RELAY_ERROR, ERR_NOTFOUND, "no", "no");
}

enum err
upstream_wait(struct upstream *u, uint64_t max_ms, unsigned *bye_code)
{
    (void)u;
    (void)max_ms;
    *bye_code = 0;
    return ERR_CLOSED;
}

/* ---- for tests ---- */

void
relay_begin(void)
{
    struct event founded = {.type = EVENT_ADMIN,
                            .sender = df.net.agencies[WE].id,
                            .time_ms = clock_wall_ms()};
    struct problem pb = {0};

    memset(&relay, 0, sizeof(relay));
    relay.has_prekeys = true;
    (void)relay_log(&founded, NULL, 0);
    assert_int_equal(desk_connect(&df.d, true, &pb), ERR_OK);
}

void
relay_end(void)
{
    memtree_clear(&relay.log);
    for (size_t i = 0; i < RELAY_EVENTS; i++)
        buf_clear(&relay.evidence[i]);
    for (size_t i = 0; i < sizeof(out.bytes) / sizeof(out.bytes[0]); i++)
        buf_clear(&out.bytes[i]);
    for (int i = 0; i < 2; i++)
        buf_clear(&relay.cosigned[i]);
    buf_clear(&out.dir_note);
    buf_clear(&out.dlv_note);
}

void
relay_their_receipt(uint8_t type, const struct mail *m, uint8_t outcome,
                    bool is_opened_right)
{
    const struct net_device *they = &df.net.devices[THEY];
    struct event e = {.type = type,
                      .time_ms = clock_wall_ms(),
                      .packet = m->id,
                      .sender = df.d.id.agency,
                      .recipient = m->peer_mailbox,
                      .actor = they->id,
                      .pkt_digest = m->pkt_digest,
                      .not_after = m->not_after_s,
                      .ref = m->stored_index};
    struct rcpt r = {.outcome = outcome,
                     .reason = outcome == OUTCOME_OPENED ? REASON_NONE
                                                         : REASON_UNDECRYPTABLE,
                     .packet = m->id,
                     .pkt_digest = m->pkt_digest,
                     .agency = df.net.agencies[THEY].id,
                     .device = they->id,
                     .time_ms = e.time_ms,
                     .stored_index = m->stored_index};
    uint8_t bytes[RCPT_LEN];
    struct letter l = {0};
    struct problem pb = {0};

    assert_int_equal(letter_load(df.d.app, m, &l, &pb), ERR_OK);
    if (outcome == OUTCOME_OPENED)
        inner_opened(&r.opened, &l.in.sig);
    if (!is_opened_right)
        r.opened.b[0] ^= 1;
    letter_clear(&l);
    e.reason = r.reason;
    assert_int_equal(rcpt_sign(bytes, &r, &they->sign), ERR_OK);
    (void)relay_log(&e, bytes, sizeof(bytes));
}

void
relay_say(uint8_t type, uint16_t reason, const struct mail *m, uint64_t time_ms)
{
    struct event e = {.type = type,
                      .reason = reason,
                      .class = m->class,
                      .time_ms = time_ms,
                      .packet = m->id,
                      .sender = df.d.id.agency,
                      .recipient = m->peer_mailbox,
                      .pkt_digest = m->pkt_digest,
                      .not_after = m->not_after_s,
                      .ref = m->stored_index};

    (void)relay_log(&e, NULL, 0);
}

/* ---- packets ---- */

static void
fill_parts(struct relay_packet *p)
{
    p->parts[0] = (struct inner_part){.number = INNER_PART_META,
                                      .here = true,
                                      .bytes = (const uint8_t *)p->meta,
                                      .len = strlen(p->meta)};
    p->parts[1] = (struct inner_part){.number = 3,
                                      .here = true,
                                      .bytes = (const uint8_t *)p->text,
                                      .len = strlen(p->text)};
}

void
relay_packet(struct relay_packet *p)
{
    const struct net_device *they = &df.net.devices[THEY];
    uint64_t now_s = clock_wall_ms() / 1000;

    memset(p, 0, sizeof(*p));
    (void)snprintf(p->meta, sizeof(p->meta), "{\"subject\":\"A word\"}");
    (void)snprintf(p->text, sizeof(p->text), "{\"text\":\"Good evening.\"}");
    p->draft = (struct packet_draft){
        .mailbox = df.net.mailboxes[WE].id,
        .not_after = (now_s / 3600 + 24 * 7) * 3600,
        .type = 4,
        .sender = df.net.agencies[THEY].id,
        .device = they->id,
        .key = &they->sign,
        .created_ms = clock_wall_ms(),
        .dir = desk_head(&df.net.log_key),
    };
    crypto_random(p->draft.packet.b, sizeof(p->draft.packet.b));
    p->to.device = df.d.id.device;
    p->to.prekey = df.prekey;
    p->to.key = df.prekey_key;
    p->stored.type = EVENT_STORED;
    p->stored.time_ms = clock_wall_ms();
    p->stored.sender = df.net.agencies[THEY].id;
    p->stored.recipient = df.net.mailboxes[WE].id;
    p->stored.actor = they->id;
}

struct delivery *
relay_deliver(struct relay_packet *p)
{
    struct delivery *x = calloc(1, sizeof(*x));
    struct sealed_packet s = {0};
    struct hash wrap_hash;

    assert_non_null(x);
    fill_parts(p);
    p->draft.parts = p->parts;
    p->draft.n_parts = 2;
    p->draft.recipients = &p->to;
    p->draft.n_recipients = 1;
    assert_int_equal(packet_seal(&s, &p->draft, NULL), ERR_OK);
    p->stored.packet = p->draft.packet;
    p->stored.pkt_digest = s.pkt_digest;
    p->stored.not_after = p->draft.not_after;
    x->sender = p->stored.sender;
    x->hdr = s.hdr;
    x->wrap = s.wraps;
    x->body = s.body;
    wraps_hash_each(&wrap_hash, s.wraps.data, 1);
    buf_put(&x->wrap_hashes, wrap_hash.b, sizeof(wrap_hash.b));
    relay_receipt(relay_log(&p->stored, NULL, 0), &x->proof);
    return x;
}
