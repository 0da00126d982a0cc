#include "tests/lib/bundle_fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/attachment.h"
#include "proto/packet_type.h"
#include "proto/pad.h"
#include "proto/proof.h"

static const char meta[] = "{\"subject\": \"A bed for tonight\"}";
static const char body[] = "What was told, and by whom.";

/* N bytes (<= 32) that follow from WORD and I. */
static void
fill(void *out, size_t n, const char *word, unsigned i)
{
    uint8_t number = (uint8_t)i;
    struct hash h;

    domain_hash(&h, word, &(struct span){&number, 1}, 1);
    memcpy(out, h.b, n);
}

/* ---- the packet ---- */

static void
make_header(struct bundle_fixture *f)
{
    struct header *h = &f->h;

    *h = (struct header){.suite = PACKET_SUITE,
                         .class = PACKET_ROUTINE,
                         .mailbox = f->net.mailboxes[1].id,
                         .not_after = NET_TIME / 3600 * 3600 + 86400,
                         .body_len = body_len_for(4096),
                         .n_slots = 2,
                         .n_atts = BF_ATTS};
    fill(h->packet.b, sizeof(h->packet.b), "packet", 0);
    for (unsigned i = 0; i < 2; i++) {
        h->slots[i].device = f->net.devices[1 + i].id;
        fill(h->slots[i].prekey.b, 16, "prekey", i);
        fill(h->atts[i].id.b, 16, "att", i);
        h->atts[i].id.b[0] = (uint8_t)i; /* ascending */
        h->atts[i].ct_len = attachment_ct_len(1000 * (i + 1));
        fill(h->atts[i].digest.b, 32, "att digest", i);
    }
    if (id_cmp(&h->slots[0].device, &h->slots[1].device) > 0) {
        struct header_slot first = h->slots[0];

        h->slots[0] = h->slots[1];
        h->slots[1] = first;
    }
    assert_int_equal(header_encode(&f->hdr, h), ERR_OK);
    header_hash(&f->hh, f->hdr.data, f->hdr.len);
}

static void
make_seal(struct bundle_fixture *f)
{
    struct hash rows[3], wh;

    for (unsigned i = 0; i < 3; i++)
        fill(rows[i].b, 32, "seal", i);
    buf_put(&f->seal, rows, sizeof(rows));
    wraps_hash(&wh, rows[0].b, 2);
    packet_digest(&f->digest, &f->hh, &wh, &rows[2]);
}

static void
make_inner(struct bundle_fixture *f)
{
    static struct inner in;

    in = (struct inner){.type = PACKET_TYPE_MESSAGE,
                        .sender = f->net.agencies[0].id,
                        .device = f->net.devices[0].id,
                        .created_ms = BF_CREATED_MS,
                        .n_parts = BF_PARTS,
                        .n_atts = BF_ATTS};
    in.parts[0] = (struct inner_part){
        .here = true, .bytes = (const uint8_t *)meta, .len = sizeof(meta) - 1};
    in.parts[1] = (struct inner_part){.number = 1,
                                      .here = true,
                                      .bytes = (const uint8_t *)body,
                                      .len = sizeof(body) - 1};
    in.parts[2] = (struct inner_part){.number = 4};
    for (unsigned i = 0; i < BF_PARTS; i++)
        fill(in.parts[i].blind, PART_BLIND_LEN, "blind", i);
    inner_part_commit(&in.parts[2].commit, 4, in.parts[2].blind, "withheld", 8);
    for (unsigned i = 0; i < BF_ATTS; i++) {
        in.atts[i].id = f->h.atts[i].id;
        in.atts[i].part = 1;
        in.atts[i].plain_len = 1000 * (i + 1);
        fill(in.atts[i].key, 32, "att key", i);
    }
    assert_int_equal(
        inner_sign(&f->inner, &in, &f->hh, &f->net.devices[0].sign), ERR_OK);
    assert_int_equal(inner_parse(&f->in, f->inner.data, f->inner.len), ERR_OK);
    assert_int_equal(inner_lists(&f->lists, f->inner.data, f->inner.len),
                     ERR_OK);
}

/* ---- the log ---- */

static void
append(struct bundle_fixture *f, struct bf_event *e)
{
    uint8_t salt[32], entry[SEALED_ENTRY_LEN];
    char other[24];

    /* Not alone in the log. */
    memset(other, (int)f->n_events, sizeof(other));
    memtree_append(&f->log, other, sizeof(other));
    e->index = f->log.peaks.size;
    fill(salt, sizeof(salt), "salt", (unsigned)e->index);
    opening_make(salt, &e->ev, e->opening);
    sealed_entry(e->opening, entry);
    memtree_append(&f->log, entry, sizeof(entry));
}

struct rcpt
bundle_fixture_rcpt(const struct bundle_fixture *f, const struct bf_event *e,
                    unsigned device)
{
    const struct net_device *d = &f->net.devices[device];
    bool is_opened = e->ev.reason == REASON_NONE;
    struct rcpt r = {.outcome =
                         is_opened ? OUTCOME_OPENED : OUTCOME_CANNOT_OPEN,
                     .reason = e->ev.reason,
                     .packet = e->ev.packet,
                     .pkt_digest = e->ev.pkt_digest,
                     .agency = f->net.agencies[d->agency].id,
                     .device = d->id,
                     .time_ms = e->ev.time_ms - 1000,
                     .stored_index = f->stored_index};
    int slot = header_slot_of(&f->h, &d->id);

    if (slot >= 0)
        r.prekey = f->h.slots[slot].prekey;
    if (is_opened)
        inner_opened(&r.opened, &f->in.sig);
    return r;
}

static void
set_evidence(struct bf_event *e, const void *bytes, size_t len)
{
    static const struct hash none;

    buf_reset(&e->evidence);
    buf_put(&e->evidence, bytes, len);
    e->ev.evidence = none;
    if (len > 0)
        evidence_hash(&e->ev.evidence, bytes, len);
}

static void
back_by_rcpt(struct bundle_fixture *f, struct bf_event *e, unsigned device)
{
    struct rcpt r = bundle_fixture_rcpt(f, e, device);
    uint8_t bytes[RCPT_LEN];

    assert_int_equal(rcpt_sign(bytes, &r, &f->net.devices[device].sign),
                     ERR_OK);
    set_evidence(e, bytes, sizeof(bytes));
}

static void
back_by_wdrw(struct bundle_fixture *f, struct bf_event *e, unsigned device)
{
    const struct net_device *d = &f->net.devices[device];
    struct wdrw w = {.reason = e->ev.reason,
                     .packet = e->ev.packet,
                     .pkt_digest = e->ev.pkt_digest,
                     .sender = f->net.agencies[d->agency].id,
                     .device = d->id,
                     .time_ms = e->ev.time_ms - 1000};
    uint8_t bytes[WDRW_LEN];

    assert_int_equal(wdrw_sign(bytes, &w, &d->sign), ERR_OK);
    set_evidence(e, bytes, sizeof(bytes));
}

static uint16_t
reason_of(unsigned type)
{
    return type == EVENT_REFUSED || type == EVENT_DEVICE_REFUSED
               ? REASON_UNDECRYPTABLE
           : type == EVENT_WITHDRAWN ? REASON_SENT_IN_ERROR
                                     : REASON_NONE;
}

struct bf_event *
bundle_fixture_log(struct bundle_fixture *f, unsigned type, unsigned device,
                   uint64_t time_ms)
{
    struct bf_event *e = &f->events[f->n_events];

    assert_true(f->n_events < BF_EVENTS);
    e->ev = (struct event){.type = (uint8_t)type,
                           .class = f->h.class,
                           .size_class = 12,
                           .reason = reason_of(type),
                           .time_ms = time_ms,
                           .packet = f->h.packet,
                           .sender = f->net.agencies[0].id,
                           .recipient = f->h.mailbox,
                           .pkt_digest = f->digest,
                           .not_after = f->h.not_after};
    if (type != EVENT_WARNED && type != EVENT_EXPIRED)
        e->ev.actor = f->net.devices[device].id;
    if (event_info(type)->refs_stored)
        e->ev.ref = f->stored_index;
    if (type == EVENT_WITHDRAWN)
        back_by_wdrw(f, e, device);
    else if (event_info(type)->needs_evidence)
        back_by_rcpt(f, e, device);
    append(f, e);
    if (type == EVENT_STORED)
        f->stored_index = e->index;
    f->n_events++;
    return e;
}

void
bundle_fixture_back(struct bundle_fixture *f, struct bf_event *e,
                    const void *evidence, size_t len)
{
    set_evidence(e, evidence, len);
    append(f, e);
}

void
bundle_fixture_story(struct bundle_fixture *f)
{
    (void)bundle_fixture_log(f, EVENT_STORED, 0, BF_STORED_MS);
    (void)bundle_fixture_log(f, EVENT_HANDED_OVER, 1, BF_STORED_MS + 3600000);
}

/* ---- life ---- */

static void
make_trust(struct bundle_fixture *f)
{
    struct buf text = {0};
    struct vkey log;
    uint8_t seed[32];

    fill(seed, sizeof(seed), "witness", 0);
    sign_keypair_from_seed(&f->witness, seed);
    assert_int_equal(vkey_make(&f->witness_key, "witness.test",
                               NOTE_COSIGNATURE, &f->witness.pub),
                     ERR_OK);
    assert_int_equal(vkey_make(&log, "relay.test/delivery", NOTE_ED25519,
                               &f->net.log_key.pub),
                     ERR_OK);
    buf_str(&text, "log ");
    vkey_format(&log, &text);
    buf_str(&text, "\nwitness w ");
    vkey_format(&f->witness_key, &text);
    buf_str(&text, "\nquorum w\n");
    assert_int_equal(trust_parse(text.data, text.len, &f->trust, NULL), ERR_OK);
    buf_clear(&text);
}

void
bundle_fixture_init(struct bundle_fixture *f)
{
    unsigned devices[2];

    memset(f, 0, sizeof(*f));
    net_init(&f->net);
    (void)net_desk(&f->net, "shelter", CLASS_NON_STATUTORY);
    (void)net_desk(&f->net, "hub", CLASS_STATUTORY);
    devices[0] = 1;
    devices[1] = net_device(&f->net, 1, "back desk");
    net_mailbox_update(&f->net, 1, "intake", MAILBOX_OPEN, devices, 2);
    make_header(f);
    make_seal(f);
    make_inner(f);
    make_trust(f);
}

static void
forget_made(struct bundle_fixture *f)
{
    for (size_t i = 0; i < BF_EVENTS; i++) {
        buf_clear(&f->events[i].proof);
        buf_clear(&f->events[i].cosigned);
    }
    buf_clear(&f->checkpoint);
    bundle_clear(&f->b);
}

void
bundle_fixture_clear(struct bundle_fixture *f)
{
    forget_made(f);
    for (size_t i = 0; i < BF_EVENTS; i++)
        buf_clear(&f->events[i].evidence);
    buf_clear(&f->hdr);
    buf_clear(&f->seal);
    buf_clear(&f->inner);
    buf_clear(&f->lists);
    trust_free(f->trust);
    memtree_clear(&f->log);
    net_clear(&f->net);
}

/* ---- the bundle ---- */

static void
sign_head(const struct bundle_fixture *f, const char *origin, uint64_t size,
          const struct hash *root, uint64_t cosigned_s, struct buf *out)
{
    struct head head = {.size = size, .root = *root};
    struct cosignature c;
    struct vkey log;
    struct note note;

    assert_int_equal(vkey_make(&log, origin, NOTE_ED25519, &f->net.log_key.pub),
                     ERR_OK);
    assert_int_equal(head_sign(&head, origin, &f->net.log_key), ERR_OK);
    assert_int_equal(head_to_note(&head, &log, out), ERR_OK);
    if (cosigned_s == 0)
        return;
    assert_int_equal(note_open(out->data, out->len, &log, 1, &note), ERR_OK);
    assert_int_equal(
        cosignature_sign(note.text, note.text_len, cosigned_s, &f->witness, &c),
        ERR_OK);
    cosignature_line(&f->witness_key, &c, out);
}

static void
make_proof(struct bundle_fixture *f, const struct bf_event *e,
           uint64_t cosigned_s, struct buf *out)
{
    struct proof p = {.has_extra = true, .extra_len = OPENING_LEN};
    struct buf note = {0};
    struct hash root;

    merkle_root(&f->log.peaks, &root);
    sign_head(f, "relay.test/delivery", f->log.peaks.size, &root, cosigned_s,
              &note);
    memcpy(p.extra, e->opening, OPENING_LEN);
    p.index = e->index;
    p.note = note.data;
    p.note_len = note.len;
    assert_int_equal(merkle_inclusion(memtree_read, &f->log, e->index,
                                      f->log.peaks.size, p.path, &p.n),
                     ERR_OK);
    assert_int_equal(proof_format(&p, out), ERR_OK);
    buf_clear(&note);
}

static void
put_directory(struct bundle_fixture *f)
{
    uint64_t size = directory_size(f->net.dir);
    struct hash root;

    assert_int_equal(directory_root_at(f->net.dir, size, &root), ERR_OK);
    sign_head(f, "relay.test/directory", size, &root, f->cosigned_s,
              &f->checkpoint);
    f->b.checkpoint = (struct span){f->checkpoint.data, f->checkpoint.len};
    f->b.n_leaves = (size_t)size;
    f->b.leaves = calloc((size_t)size, sizeof(*f->b.leaves));
    assert_non_null(f->b.leaves);
    for (size_t i = 0; i < size; i++) {
        struct bundle_leaf *l = &f->b.leaves[i];
        size_t n;

        assert_int_equal(merkle_inclusion(directory_node, f->net.dir, i, size,
                                          f->paths[i], &n),
                         ERR_OK);
        l->index = i;
        l->statement =
            (struct span){f->net.leaves[i].data, f->net.leaves[i].len};
        l->path = f->paths[i][0].b;
        l->n = (uint8_t)n;
    }
}

static void
put_events(struct bundle_fixture *f)
{
    struct bundle *b = &f->b;

    if (f->n_events == 0)
        return;
    b->events = calloc(f->n_events, sizeof(*b->events));
    b->cosigned = calloc(f->n_events, sizeof(*b->cosigned));
    assert_non_null(b->events);
    assert_non_null(b->cosigned);
    b->n_events = f->n_events;
    b->n_cosigned = f->cosigned_s == 0 ? 0 : f->n_events;
    for (size_t i = 0; i < f->n_events; i++) {
        struct bf_event *e = &f->events[i];

        make_proof(f, e, 0, &e->proof);
        b->events[i].proof = (struct span){e->proof.data, e->proof.len};
        b->events[i].evidence =
            (struct span){e->evidence.data, e->evidence.len};
        if (b->n_cosigned == 0)
            continue;
        make_proof(f, e, f->cosigned_s, &e->cosigned);
        b->cosigned[i].proof = (struct span){e->cosigned.data, e->cosigned.len};
    }
}

void
bundle_fixture_make(struct bundle_fixture *f)
{
    struct bundle *b = &f->b;

    forget_made(f);
    b->header = (struct span){f->hdr.data, f->hdr.len};
    b->seal = (struct span){f->seal.data, f->seal.len};
    b->lists = (struct span){f->lists.data, f->lists.len};
    for (size_t i = 0; i < f->in.n_parts; i++) {
        const struct inner_part *p = &f->in.parts[i];

        if (p->here)
            b->parts[b->n_parts++] = (struct bundle_part){
                .number = p->number,
                .blind = p->blind,
                .bytes = {p->bytes, p->len},
            };
    }
    put_directory(f);
    put_events(f);
}

enum err
bundle_fixture_judge(struct bundle_fixture *f, const struct bundle_anchor *a,
                     struct bundle_proven *out, struct bundle_fault *fault)
{
    static const struct bundle_anchor nothing;
    struct bundle read = {0};
    struct buf bytes = {0};
    enum err rc;

    assert_int_equal(bundle_format(&f->b, &bytes), ERR_OK);
    assert_int_equal(bundle_parse(&read, bytes.data, bytes.len, NULL), ERR_OK);
    rc = bundle_judge(&read, a == NULL ? &nothing : a, out, fault);
    bundle_clear(&read);
    buf_clear(&bytes);
    return rc;
}
