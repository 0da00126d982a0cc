#include "tests/lib/audit_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a world ---- */

void
world_scope(struct world *w, const char *services)
{
    struct statement st;
    struct agency_id id;

    net_fill_admit(&w->net, &st, &w->auditor_root, "Auditors", CLASS_AUDITOR);
    st.body.admit.services = text_ref(services);
    assert_int_equal(net_log_registrar(&w->net, &st).effect, DIR_APPLIED);
    agency_id_of(&id, &w->auditor_root.pub);
    w->auditor = directory_agency(w->net.dir, &id);
}

int
world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    net_init(&w->net);
    assert_int_equal(net_desk(&w->net, "Harbour Light", CLASS_NON_STATUTORY),
                     NGO);
    assert_int_equal(net_desk(&w->net, "Central Hub", CLASS_STATUTORY), HUB);
    net_sign_key(&w->net, &w->auditor_root);
    world_scope(w, "scope agencies=* from=* to=*");
    assert_int_equal(vkey_make(&w->key, "relay.test/delivery", NOTE_ED25519,
                               &w->net.log_key.pub),
                     ERR_OK);
    w->now_s = NET_TIME + 1000;
    *state = w;
    return 0;
}

int
world_teardown(void **state)
{
    struct world *w = *state;

    logtree_clear(&w->tree);
    net_clear(&w->net);
    free(w);
    return 0;
}

struct head
head_at(const struct world *w, uint64_t size)
{
    struct head h = {.size = size};

    assert_int_equal(logtree_root_at(&w->tree, size, &h.root), ERR_OK);
    assert_int_equal(head_sign(&h, w->key.name, &w->net.log_key), ERR_OK);
    return h;
}

/* ---- entries ---- */

unsigned
log_bytes(struct world *w, const uint8_t *entry, size_t len)
{
    assert_true(w->n < WORLD_MAX && len <= ENTRY_MAX);
    memcpy(w->e[w->n].entry, entry, len);
    w->e[w->n].entry_len = len;
    assert_int_equal(logtree_append(&w->tree, entry, len), ERR_OK);
    return w->n++;
}

unsigned
log_event(struct world *w, const struct event *ev, const void *evidence,
          size_t len)
{
    uint8_t salt[32];
    uint8_t entry[SEALED_ENTRY_LEN];
    unsigned i = w->n;

    memset(salt, (int)(i + 1), sizeof(salt));
    w->e[i].ev = *ev;
    if (len > 0) {
        memcpy(w->e[i].evidence, evidence, len);
        evidence_hash(&w->e[i].ev.evidence, evidence, len);
    }
    w->e[i].evidence_len = len;
    w->e[i].is_shown = true;
    opening_make(salt, &w->e[i].ev, w->e[i].opening);
    sealed_entry(w->e[i].opening, entry);
    return log_bytes(w, entry, sizeof(entry));
}

unsigned
store_from(struct world *w, unsigned packet, unsigned from, unsigned to)
{
    struct event ev = {
        .type = EVENT_STORED,
        .time_ms = w->now_s * 1000,
        .packet = {{(uint8_t)packet, (uint8_t)(packet >> 8), 7}},
        .sender = w->net.agencies[from].id,
        .recipient = w->net.mailboxes[to].id,
        .actor = w->net.devices[from].id,
        .pkt_digest = {{(uint8_t)packet, 9}},
        .not_after = w->now_s + 14 * DAY_S,
    };

    return log_event(w, &ev, NULL, 0);
}

unsigned
log_read(struct world *w, uint64_t first)
{
    struct event ev = {
        .type = EVENT_AUDITOR_READ,
        .time_ms = w->now_s * 1000,
        .sender = w->auditor->id,
        .ref = first,
    };

    return log_event(w, &ev, NULL, 0);
}

unsigned
store(struct world *w, unsigned packet)
{
    return store_from(w, packet, NGO, HUB);
}

struct event
later(const struct world *w, unsigned stored, uint8_t type,
      const struct device_id *device)
{
    struct event ev = w->e[stored].ev;

    ev.type = type;
    ev.time_ms = w->now_s * 1000;
    ev.ref = stored;
    memset(&ev.actor, 0, sizeof(ev.actor));
    if (device != NULL)
        ev.actor = *device;
    return ev;
}

struct rcpt
rcpt_of(const struct world *w, unsigned stored, uint8_t outcome,
        uint16_t reason)
{
    const struct event *ev = &w->e[stored].ev;

    return (struct rcpt){
        .outcome = outcome,
        .reason = reason,
        .packet = ev->packet,
        .pkt_digest = ev->pkt_digest,
        .agency = w->net.agencies[HUB].id,
        .device = w->net.devices[HUB].id,
        .opened = {{outcome == OUTCOME_OPENED}},
        .time_ms = w->now_s * 1000,
        .stored_index = stored,
        .dlv = head_at(w, stored + 1),
    };
}

unsigned
log_rcpt(struct world *w, unsigned stored, uint8_t type, const struct rcpt *r,
         const struct sign_secret *key)
{
    struct event ev = later(w, stored, type, &w->net.devices[HUB].id);
    uint8_t bytes[RCPT_LEN];

    ev.reason = r->reason;
    assert_int_equal(rcpt_sign(bytes, r, key), ERR_OK);
    return log_event(w, &ev, bytes, sizeof(bytes));
}

unsigned
hand_over(struct world *w, unsigned stored)
{
    struct rcpt r = rcpt_of(w, stored, OUTCOME_OPENED, REASON_NONE);

    return log_rcpt(w, stored, EVENT_HANDED_OVER, &r,
                    &w->net.devices[HUB].sign);
}

unsigned
refuse(struct world *w, unsigned stored)
{
    struct rcpt r =
        rcpt_of(w, stored, OUTCOME_CANNOT_OPEN, REASON_UNDECRYPTABLE);

    return log_rcpt(w, stored, EVENT_REFUSED, &r, &w->net.devices[HUB].sign);
}

unsigned
withdraw(struct world *w, unsigned stored)
{
    struct event ev =
        later(w, stored, EVENT_WITHDRAWN, &w->net.devices[NGO].id);
    struct wdrw wd = {
        .reason = REASON_SENT_IN_ERROR,
        .packet = ev.packet,
        .pkt_digest = ev.pkt_digest,
        .sender = ev.sender,
        .device = ev.actor,
        .time_ms = ev.time_ms,
    };
    uint8_t bytes[WDRW_LEN];

    ev.reason = wd.reason;
    assert_int_equal(wdrw_sign(bytes, &wd, &w->net.devices[NGO].sign), ERR_OK);
    return log_event(w, &ev, bytes, sizeof(bytes));
}

unsigned
expire(struct world *w, unsigned stored)
{
    struct event ev;

    w->now_s = w->e[stored].ev.not_after + EVENT_SWEEP_S;
    ev = later(w, stored, EVENT_EXPIRED, NULL);
    return log_event(w, &ev, NULL, 0);
}

void
erase(struct world *w, unsigned index)
{
    uint8_t entry[PUBLIC_EVENT_LEN];

    erased_entry(w->now_s * 1000, index, entry);
    w->e[index].is_shown = false;
    (void)log_bytes(w, entry, sizeof(entry));
}

/* ---- the audit of it ---- */

struct audit_options
world_options(struct world *w, const struct dir_agency *self)
{
    for (size_t i = 0; i < w->net.n_leaves; i++) {
        struct statement st;

        assert_int_equal(
            stmt_parse(&st, w->net.leaves[i].data, w->net.leaves[i].len),
            ERR_OK);
        w->leaf_time_s[i] = st.time_s;
    }
    return (struct audit_options){
        .dir = w->net.dir,
        .leaf_time_s = w->leaf_time_s,
        .log = &w->key,
        .self = self,
        .retention_s = 400 * DAY_S,
        .now_ms = w->now_s * 1000,
        .seed = {1, 2, 3},
        .helpers = w->helpers,
    };
}

struct audit *
start(struct world *w, const struct dir_agency *self)
{
    struct audit_options o = world_options(w, self);

    return audit_new(&o);
}

size_t
rows_of(const struct world *w, unsigned from, unsigned to,
        struct audit_row *rows)
{
    size_t n = 0;

    for (unsigned i = from; i < to; i++)
        if (w->e[i].is_shown)
            rows[n++] = (struct audit_row){
                .index = i,
                .opening = w->e[i].opening,
                .evidence = {w->e[i].evidence, w->e[i].evidence_len},
            };
    return n;
}

void
bundle_of(const struct world *w, unsigned from, unsigned to, struct buf *out)
{
    for (unsigned i = from; i < to; i++)
        assert_int_equal(bundle_put(out, w->e[i].entry, w->e[i].entry_len),
                         ERR_OK);
}

enum err
feed_to(struct world *w, struct audit *a, unsigned end)
{
    struct audit_row rows[TILE_WIDTH];
    enum err rc = ERR_OK;

    while (rc == ERR_OK && audit_size(a) < end) {
        unsigned at = (unsigned)audit_size(a);
        unsigned stop = (at / TILE_WIDTH + 1) * TILE_WIDTH;
        struct buf b = {0};

        stop = stop < end ? stop : end;
        bundle_of(w, at, stop, &b);
        rc = audit_page(a, b.data, b.len, stop - at, rows,
                        rows_of(w, at, stop, rows));
        buf_clear(&b);
    }
    return rc;
}

enum err
feed(struct world *w, struct audit *a)
{
    return feed_to(w, a, w->n);
}

struct audit *
audit_as(struct world *w, const struct dir_agency *self)
{
    struct audit *a = start(w, self);
    struct head h = head_at(w, w->n);

    assert_non_null(a);
    assert_int_equal(feed(w, a), ERR_OK);
    assert_int_equal(audit_close(a, &h), ERR_OK);
    assert_int_equal(audit_finish(a), ERR_OK);
    return a;
}

struct audit *
audit(struct world *w)
{
    return audit_as(w, w->auditor);
}

void
assert_none(const struct audit *a)
{
    if (audit_finding_count(a) > 0)
        print_message("%s: %s\n", audit_finding_at(a, 0)->code,
                      audit_finding_at(a, 0)->text);
    assert_int_equal(audit_finding_count(a), 0);
}

void
assert_one(const struct audit *a, const char *code, uint64_t index)
{
    assert_true(audit_finding_count(a) > 0);
    for (size_t i = 0; i < audit_finding_count(a); i++)
        assert_string_equal(audit_finding_at(a, i)->code, code);
    assert_int_equal(audit_finding_count(a), 1);
    assert_int_equal(audit_finding_at(a, 0)->index, index);
}

void
check_one(struct world *w, const char *code, uint64_t index)
{
    struct audit *a = audit(w);

    assert_one(a, code, index);
    audit_free(a);
}

void
check_none(struct world *w)
{
    struct audit *a = audit(w);

    assert_none(a);
    audit_free(a);
}

void
all_ends(struct world *w)
{
    unsigned lost = store(w, 1);

    (void)hand_over(w, store(w, 2));
    (void)refuse(w, store(w, 3));
    (void)withdraw(w, store(w, 4));
    (void)store_from(w, 5, NGO, NGO);
    (void)expire(w, lost);
    (void)store(w, 6);
}

struct receipt
receipt_of(const struct world *w, unsigned index, uint64_t size)
{
    struct receipt r = {
        .event = w->e[index].ev, .index = index, .head = head_at(w, size)};

    memcpy(r.opening, w->e[index].opening, OPENING_LEN);
    return r;
}
