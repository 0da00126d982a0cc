/* An audit over logs in memory: honest ones, and each way to lie in one. */
#include "client/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/logtree.h"
#include "proto/receipt.h"
#include "proto/tile.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/net.h"

enum { MAX = 700, EVIDENCE_MAX = 1024, ENTRY_MAX = 512, NGO = 0, HUB = 1 };
#define DAY_S UINT64_C(86400)

/* One log, its openings, and who acts in it.  Numbers of agencies, devices and
 * mailboxes are the same: NGO and HUB. */
struct world {
    struct net net;
    struct vkey key;
    const struct dir_agency *auditor;
    uint64_t leaf_time_s[NET_LEAVES];
    uint64_t now_s;
    uint64_t from_ms, to_ms;
    struct logtree tree;
    unsigned n;
    struct {
        struct event ev;
        uint8_t opening[OPENING_LEN];
        uint8_t entry[ENTRY_MAX];
        size_t entry_len;
        uint8_t evidence[EVIDENCE_MAX];
        size_t evidence_len;
        bool is_shown;
    } e[MAX];
};

/* ---- a world ---- */

static const struct dir_agency *
admit_auditor(struct net *net)
{
    struct sign_secret root;
    struct statement st;
    struct agency_id id;

    net_sign_key(net, &root);
    net_fill_admit(net, &st, &root, "Auditors", CLASS_AUDITOR);
    st.body.admit.services = text_ref("scope agencies=* from=* to=*");
    assert_int_equal(net_log_registrar(net, &st).effect, DIR_APPLIED);
    agency_id_of(&id, &root.pub);
    return directory_agency(net->dir, &id);
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    net_init(&w->net);
    assert_int_equal(net_desk(&w->net, "Harbour Light", CLASS_NON_STATUTORY),
                     NGO);
    assert_int_equal(net_desk(&w->net, "Central Hub", CLASS_STATUTORY), HUB);
    w->auditor = admit_auditor(&w->net);
    assert_int_equal(vkey_make(&w->key, "relay.test/delivery", NOTE_ED25519,
                               &w->net.log_key.pub),
                     ERR_OK);
    w->now_s = NET_TIME + 1000;
    w->to_ms = UINT64_MAX;
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    logtree_clear(&w->tree);
    net_clear(&w->net);
    free(w);
    return 0;
}

static struct head
head_at(const struct world *w, uint64_t size)
{
    struct head h = {.size = size};

    assert_int_equal(logtree_root_at(&w->tree, size, &h.root), ERR_OK);
    assert_int_equal(head_sign(&h, w->key.name, &w->net.log_key), ERR_OK);
    return h;
}

/* ---- entries ---- */

static unsigned
log_bytes(struct world *w, const uint8_t *entry, size_t len)
{
    assert_true(w->n < MAX && len <= ENTRY_MAX);
    memcpy(w->e[w->n].entry, entry, len);
    w->e[w->n].entry_len = len;
    assert_int_equal(logtree_append(&w->tree, entry, len), ERR_OK);
    return w->n++;
}

static unsigned
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

static unsigned
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

static unsigned
store(struct world *w, unsigned packet)
{
    return store_from(w, packet, NGO, HUB);
}

/* The event TYPE of the packet that STORED began, as of now, by DEVICE. */
static struct event
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

static struct rcpt
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

static unsigned
log_rcpt(struct world *w, unsigned stored, uint8_t type, const struct rcpt *r,
         const struct sign_secret *key)
{
    struct event ev = later(w, stored, type, &w->net.devices[HUB].id);
    uint8_t bytes[RCPT_LEN];

    ev.reason = r->reason;
    assert_int_equal(rcpt_sign(bytes, r, key), ERR_OK);
    return log_event(w, &ev, bytes, sizeof(bytes));
}

static unsigned
hand_over(struct world *w, unsigned stored)
{
    struct rcpt r = rcpt_of(w, stored, OUTCOME_OPENED, REASON_NONE);

    return log_rcpt(w, stored, EVENT_HANDED_OVER, &r,
                    &w->net.devices[HUB].sign);
}

static unsigned
refuse(struct world *w, unsigned stored)
{
    struct rcpt r =
        rcpt_of(w, stored, OUTCOME_CANNOT_OPEN, REASON_UNDECRYPTABLE);

    return log_rcpt(w, stored, EVENT_REFUSED, &r, &w->net.devices[HUB].sign);
}

static unsigned
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

/* Time goes on to the sweep after its last day. */
static unsigned
expire(struct world *w, unsigned stored)
{
    struct event ev;

    w->now_s = w->e[stored].ev.not_after + EVENT_SWEEP_S;
    ev = later(w, stored, EVENT_EXPIRED, NULL);
    return log_event(w, &ev, NULL, 0);
}

static void
erase(struct world *w, unsigned index)
{
    uint8_t entry[PUBLIC_EVENT_LEN];

    erased_entry(w->now_s * 1000, index, entry);
    w->e[index].is_shown = false;
    (void)log_bytes(w, entry, sizeof(entry));
}

/* ---- the audit of it ---- */

static struct audit *
start(struct world *w, const struct dir_agency *self)
{
    struct audit_options o = {
        .dir = w->net.dir,
        .leaf_time_s = w->leaf_time_s,
        .log = &w->key,
        .self = self,
        .from_ms = w->from_ms,
        .to_ms = w->to_ms,
        .retention_s = 400 * DAY_S,
        .now_ms = w->now_s * 1000,
        .seed = {1, 2, 3},
    };

    for (size_t i = 0; i < w->net.n_leaves; i++) {
        struct statement st;

        assert_int_equal(
            stmt_parse(&st, w->net.leaves[i].data, w->net.leaves[i].len),
            ERR_OK);
        w->leaf_time_s[i] = st.time_s;
    }
    return audit_new(&o);
}

static size_t
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

static void
bundle_of(const struct world *w, unsigned from, unsigned to, struct buf *out)
{
    for (unsigned i = from; i < to; i++)
        assert_int_equal(bundle_put(out, w->e[i].entry, w->e[i].entry_len),
                         ERR_OK);
}

static enum err
feed(struct world *w, struct audit *a)
{
    struct audit_row rows[TILE_WIDTH];
    enum err rc = ERR_OK;

    for (unsigned at = 0; at < w->n && rc == ERR_OK; at += TILE_WIDTH) {
        unsigned end = at + TILE_WIDTH < w->n ? at + TILE_WIDTH : w->n;
        struct buf b = {0};

        bundle_of(w, at, end, &b);
        rc = audit_page(a, b.data, b.len, end - at, rows,
                        rows_of(w, at, end, rows));
        buf_clear(&b);
    }
    return rc;
}

static struct audit *
audit_as(struct world *w, const struct dir_agency *self)
{
    struct audit *a = start(w, self);
    struct head h = head_at(w, w->n);

    assert_non_null(a);
    assert_int_equal(feed(w, a), ERR_OK);
    assert_int_equal(audit_close(a, &h), ERR_OK);
    return a;
}

static struct audit *
audit(struct world *w)
{
    return audit_as(w, w->auditor);
}

static void
assert_none(const struct audit *a)
{
    if (audit_finding_count(a) > 0)
        print_message("%s: %s\n", audit_finding_at(a, 0)->code,
                      audit_finding_at(a, 0)->text);
    assert_int_equal(audit_finding_count(a), 0);
}

/* Exactly one, of this code and about this entry. */
static void
assert_one(const struct audit *a, const char *code, uint64_t index)
{
    assert_true(audit_finding_count(a) > 0);
    for (size_t i = 0; i < audit_finding_count(a); i++)
        assert_string_equal(audit_finding_at(a, i)->code, code);
    assert_int_equal(audit_finding_count(a), 1);
    assert_int_equal(audit_finding_at(a, 0)->index, index);
}

static void
check_one(struct world *w, const char *code, uint64_t index)
{
    struct audit *a = audit(w);

    assert_one(a, code, index);
    audit_free(a);
}

static void
check_none(struct world *w)
{
    struct audit *a = audit(w);

    assert_none(a);
    audit_free(a);
}

/* ---- honest logs ---- */

/* One packet for each end, one pending, one copy to a colleague. */
static void
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

static void
an_honest_log_audits_clean(void **state)
{
    struct world *w = *state;
    struct audit_sum s;
    struct audit *a;

    all_ends(w);
    w->now_s = NET_TIME + DAY_S * 14; /* the copy is not overdue yet */
    a = audit(w);
    assert_none(a);
    audit_result(a, &s);
    assert_int_equal(s.entries, w->n);
    assert_int_equal(s.opened, w->n);
    assert_int_equal(s.evidence, 3);
    assert_int_equal(s.heads, 2);
    assert_int_equal(s.unseen, 0);
    assert_int_equal(s.total.packets.stored, 5);
    assert_int_equal(s.total.packets.handed_over, 1);
    assert_int_equal(s.total.packets.refused, 1);
    assert_int_equal(s.total.packets.withdrawn, 1);
    assert_int_equal(s.total.packets.expired, 1);
    assert_int_equal(s.total.packets.pending, 1);
    assert_int_equal(s.total.own_copies.stored, 1);
    audit_free(a);
}

static void
lines_stand_by_agency_and_by_day(void **state)
{
    struct world *w = *state;
    struct audit_line *lines, *days;
    size_t n, n_days;
    struct audit *a;

    all_ends(w);
    (void)store_from(w, 7, HUB, NGO);
    a = audit(w);
    assert_int_equal(audit_lines(a, false, &lines, &n), ERR_OK);
    assert_int_equal(audit_lines(a, true, &days, &n_days), ERR_OK);
    assert_int_equal(n, 2);
    assert_memory_equal(&lines[0].agency, &w->net.agencies[NGO].id, 16);
    assert_int_equal(lines[0].counts.packets.stored, 5);
    assert_int_equal(lines[1].counts.packets.pending, 1);
    assert_int_equal(n_days, 3);
    for (size_t i = 0; i < n_days; i++) {
        assert_true(tally_conserved(&days[i].counts.packets));
        assert_true(days[i].day >= NET_TIME / DAY_S);
    }
    free(lines);
    free(days);
    audit_free(a);
}

static void
an_empty_log_audits_clean(void **state)
{
    check_none(*state);
}

static void
pages_of_a_long_log_join(void **state)
{
    struct world *w = *state;
    struct audit_sum s;
    struct audit *a;

    for (unsigned i = 0; i < 300; i++)
        (void)hand_over(w, store(w, i));
    a = audit(w);
    assert_none(a);
    audit_result(a, &s);
    assert_int_equal(s.entries, 600);
    assert_int_equal(s.total.packets.handed_over, 300);
    audit_free(a);
}

static void
a_member_sees_its_own_and_no_more(void **state)
{
    struct world *w = *state;
    struct audit_sum s;
    struct audit *a;
    unsigned third = net_desk(&w->net, "Third", CLASS_NON_STATUTORY);
    unsigned theirs;

    (void)hand_over(w, store(w, 1));
    theirs = store_from(w, 2, third, HUB);
    w->e[theirs].is_shown = false;
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    assert_none(a);
    audit_result(a, &s);
    assert_int_equal(s.unseen, 1);
    assert_int_equal(s.total.packets.stored, 1);
    audit_free(a);
    w->e[theirs].is_shown = true;
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    assert_string_equal(audit_finding_at(a, 0)->code, "out_of_scope");
    audit_free(a);
}

static void
a_range_counts_what_it_did_not_see_begin_as_carried(void **state)
{
    struct world *w = *state;
    struct audit_sum s;
    struct audit *a;
    unsigned before = store(w, 1);

    (void)hand_over(w, store(w, 2));
    w->now_s += 2 * DAY_S;
    w->from_ms = w->now_s * 1000;
    (void)hand_over(w, before);
    (void)store(w, 3);
    w->now_s += DAY_S;
    w->to_ms = w->now_s * 1000;
    (void)store(w, 4);
    a = audit(w);
    assert_none(a);
    audit_result(a, &s);
    assert_int_equal(s.total.packets.stored, 1);
    assert_int_equal(s.total.packets.carried, 1);
    assert_int_equal(s.total.packets.handed_over, 1);
    assert_int_equal(s.total.packets.pending, 1);
    audit_free(a);
}

/* ---- entries that are not what was signed ---- */

static void
a_bundle_that_is_cut_or_too_long_stops_the_audit(void **state)
{
    struct world *w = *state;
    struct audit_row rows[TILE_WIDTH];
    struct buf b = {0};

    all_ends(w);
    bundle_of(w, 0, w->n, &b);
    for (size_t len = 0; len < b.len; len++) {
        struct audit *a = start(w, w->auditor);

        assert_int_equal(
            audit_page(a, b.data, len, w->n, rows, rows_of(w, 0, w->n, rows)),
            ERR_VERIFY);
        audit_free(a);
    }
    for (unsigned n = 0; n < w->n; n++) {
        struct audit *a = start(w, w->auditor);

        assert_int_equal(
            audit_page(a, b.data, b.len, n, rows, rows_of(w, 0, n, rows)),
            ERR_VERIFY);
        audit_free(a);
    }
    buf_clear(&b);
}

static void
entries_without_the_signed_root_stop_the_audit(void **state)
{
    struct world *w = *state;
    struct head h;
    struct audit *a;

    all_ends(w);
    h = head_at(w, w->n);
    w->e[2].entry[10] ^= 1;
    w->e[2].is_shown = false;
    a = start(w, w->auditor);
    assert_int_equal(feed(w, a), ERR_OK);
    assert_int_equal(audit_close(a, &h), ERR_VERIFY);
    audit_free(a);
}

static void
a_log_shorter_than_its_head_stops_the_audit(void **state)
{
    struct world *w = *state;
    struct head h;
    struct audit *a;

    all_ends(w);
    h = head_at(w, w->n);
    w->n--;
    a = start(w, w->auditor);
    assert_int_equal(feed(w, a), ERR_OK);
    assert_int_equal(audit_close(a, &h), ERR_VERIFY);
    audit_free(a);
}

static void
an_entry_of_unknown_form_is_found(void **state)
{
    static const uint8_t odd[] = {1, 9, 0};
    struct world *w = *state;

    (void)hand_over(w, store(w, 1));
    check_one(w, "bad_entry", log_bytes(w, odd, sizeof(odd)));
}

static void
a_statement_in_the_log_must_be_one_of_the_directory(void **state)
{
    struct world *w = *state;
    uint8_t entry[ENTRY_MAX] = {1, 3};
    size_t len = w->net.leaves[0].len;

    assert_true(len + 2 <= sizeof(entry));
    memcpy(entry + 2, w->net.leaves[0].data, len);
    (void)log_bytes(w, entry, len + 2);
    check_none(w);
    entry[40] ^= 1;
    check_one(w, "bad_entry", log_bytes(w, entry, len + 2));
}

/* ---- openings ---- */

static void
a_forged_opening_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct audit *a;

    (void)store(w, 2);
    w->e[i].opening[32 + 8 + 7] ^= 1; /* its time */
    a = audit(w);
    assert_int_equal(audit_finding_count(a), 2);
    assert_string_equal(audit_finding_at(a, 0)->code, "forged_opening");
    assert_string_equal(audit_finding_at(a, 1)->code, "unopened");
    assert_int_equal(audit_finding_at(a, 1)->index, i);
    audit_free(a);
}

static void
an_opening_of_no_entry_is_found(void **state)
{
    struct world *w = *state;
    struct audit_row rows[3];
    struct buf b = {0};
    struct audit *a;
    struct head h;

    (void)store(w, 1);
    (void)store(w, 2);
    h = head_at(w, w->n);
    assert_int_equal(rows_of(w, 0, 2, rows), 2);
    rows[2] = rows[1];
    rows[2].index = 9;
    bundle_of(w, 0, 2, &b);
    a = start(w, w->auditor);
    assert_int_equal(audit_page(a, b.data, b.len, 2, rows, 3), ERR_OK);
    assert_int_equal(audit_close(a, &h), ERR_OK);
    assert_one(a, "forged_opening", 9);
    audit_free(a);
    buf_clear(&b);
}

static void
an_entry_that_nobody_opens_for_the_auditor_is_found(void **state)
{
    struct world *w = *state;
    unsigned i;

    (void)store(w, 1);
    i = store(w, 2);
    (void)store(w, 3);
    w->e[i].is_shown = false;
    check_one(w, "unopened", i);
}

static void
entries_hidden_at_either_edge_are_found(void **state)
{
    struct world *w = *state;
    struct audit *a;
    unsigned first = store(w, 1);
    unsigned last;

    (void)store(w, 2);
    last = store(w, 3);
    w->e[first].is_shown = false;
    w->e[last].is_shown = false;
    a = audit(w);
    assert_int_equal(audit_finding_count(a), 2);
    assert_int_equal(audit_finding_at(a, 0)->index, first);
    assert_int_equal(audit_finding_at(a, 1)->index, last);
    audit_free(a);
}

static void
a_hidden_beginning_leaves_an_end_without_one(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned end = hand_over(w, i);
    struct audit *a;

    w->e[i].is_shown = false;
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    assert_one(a, "sequence", end);
    audit_free(a);
}

static void
erased_entries_are_understood(void **state)
{
    struct world *w = *state;
    struct audit_sum s;
    struct audit *a;
    unsigned i = store(w, 1);
    unsigned end = hand_over(w, i);
    unsigned third;

    w->now_s += 401 * DAY_S;
    w->net.now_s = w->now_s;
    third = net_desk(&w->net, "Third", CLASS_NON_STATUTORY);
    erase(w, i);
    erase(w, end);
    (void)store_from(w, 2, third, HUB);
    a = audit(w);
    assert_none(a);
    audit_result(a, &s);
    assert_int_equal(s.erased, 2);
    assert_int_equal(s.unseen, 2);
    assert_int_equal(s.total.packets.stored, 1);
    audit_free(a);
}

static void
what_is_erased_before_its_retention_is_found(void **state)
{
    struct world *w = *state;
    struct audit *a;
    unsigned i;

    (void)hand_over(w, store(w, 1)); /* tells when that was */
    i = store(w, 2);
    (void)hand_over(w, i);
    w->now_s += 399 * DAY_S;
    erase(w, i);
    erase(w, i + 1);
    a = audit(w);
    assert_int_equal(audit_finding_count(a), 2);
    for (size_t k = 0; k < 2; k++) {
        assert_string_equal(audit_finding_at(a, k)->code, "erased_early");
        assert_int_equal(audit_finding_at(a, k)->index, i + 2 + k);
    }
    audit_free(a);
}

/* ---- evidence ---- */

static void
evidence_that_is_not_shown_is_found(void **state)
{
    struct world *w = *state;
    unsigned end = hand_over(w, store(w, 1));

    w->e[end].evidence_len = 0;
    check_one(w, "evidence_missing", end);
}

static void
other_evidence_than_the_event_names_is_found(void **state)
{
    struct world *w = *state;
    unsigned end = hand_over(w, store(w, 1));

    w->e[end].evidence[200] ^= 1;
    check_one(w, "evidence_mismatch", end);
}

static void
a_receipt_that_the_device_did_not_sign_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_OPENED, REASON_NONE);

    check_one(w, "bad_evidence",
              log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.log_key));
}

static void
a_receipt_of_another_packet_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, store(w, 2), OUTCOME_OPENED, REASON_NONE);

    check_one(w, "bad_evidence",
              log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.devices[HUB].sign));
}

static void
a_failure_logged_as_hand_over_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_GONE, REASON_UNDECRYPTABLE);

    check_one(w, "bad_evidence",
              log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.devices[HUB].sign));
}

static void
a_receipt_by_the_senders_own_device_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_OPENED, REASON_NONE);
    struct event ev = later(w, i, EVENT_HANDED_OVER, &w->net.devices[NGO].id);
    uint8_t bytes[RCPT_LEN];

    r.device = ev.actor;
    r.agency = w->net.agencies[NGO].id;
    assert_int_equal(rcpt_sign(bytes, &r, &w->net.devices[NGO].sign), ERR_OK);
    check_one(w, "wrong_device", log_event(w, &ev, bytes, sizeof(bytes)));
}

static void
a_receipt_by_a_device_that_was_revoked_before_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned j = store(w, 2);

    (void)hand_over(w, i);
    w->net.now_s = w->now_s + 60;
    net_revoke(&w->net, HUB, REVOKE_STOLEN, w->net.now_s - 30);
    check_none(w);
    w->now_s = w->net.now_s + DAY_S;
    check_one(w, "revoked_device", hand_over(w, j));
}

static void
a_receipt_by_a_device_whose_time_is_over_is_found(void **state)
{
    struct world *w = *state;
    const struct dir_device *d = net_dir_device(&w->net, HUB);
    unsigned i;

    w->now_s = d->not_after_s - 60;
    i = store(w, 1);
    w->now_s = d->not_after_s + DAY_S;
    check_one(w, "expired_device", hand_over(w, i));
}

static void
the_last_device_gone_is_an_end_with_a_statement_behind_it(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned j = store(w, 2);
    struct event ev = later(w, i, EVENT_REFUSED, NULL);
    const struct buf *leaf;

    w->net.now_s = w->now_s;
    net_revoke(&w->net, HUB, REVOKE_LOST, w->now_s);
    leaf = &w->net.leaves[w->net.n_leaves - 1];
    ev.reason = REASON_NO_LIVE_DEVICE;
    (void)log_event(w, &ev, leaf->data, leaf->len);
    check_none(w);
    ev = later(w, j, EVENT_REFUSED, NULL);
    ev.reason = REASON_NO_LIVE_DEVICE;
    check_one(w, "bad_evidence", log_event(w, &ev, leaf->data, leaf->len - 1));
}

static void
an_end_without_any_evidence_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct event ev = later(w, i, EVENT_HANDED_OVER, &w->net.devices[HUB].id);

    check_one(w, "no_evidence", log_event(w, &ev, NULL, 0));
}

/* ---- heads that others saw ---- */

static void
a_head_of_another_history_in_a_receipt_is_a_fork(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_OPENED, REASON_NONE);
    struct head fork;
    struct audit *a;

    r.dlv.root.b[0] ^= 1;
    assert_int_equal(head_sign(&r.dlv, w->key.name, &w->net.log_key), ERR_OK);
    (void)log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.devices[HUB].sign);
    a = audit(w);
    assert_one(a, "fork", 1);
    assert_true(audit_fork(a, &fork));
    assert_memory_equal(&fork.root, &r.dlv.root, 32);
    audit_free(a);
}

static void
a_head_that_is_newer_than_its_receipt_is_a_fork(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_OPENED, REASON_NONE);
    struct head fork;
    struct audit *a;

    r.dlv.size = 50;
    assert_int_equal(head_sign(&r.dlv, w->key.name, &w->net.log_key), ERR_OK);
    (void)log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.devices[HUB].sign);
    a = audit(w);
    assert_true(audit_fork(a, &fork));
    assert_int_equal(fork.size, 50);
    audit_free(a);
}

static void
a_head_that_the_relay_never_signed_is_no_fork(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_OPENED, REASON_NONE);
    struct head fork;
    struct audit *a;

    r.dlv.root.b[0] ^= 1;
    (void)log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.devices[HUB].sign);
    a = audit(w);
    assert_one(a, "bad_head", 1);
    assert_false(audit_fork(a, &fork));
    audit_free(a);
}

static struct receipt
receipt_of(const struct world *w, unsigned index, uint64_t size)
{
    struct receipt r = {
        .event = w->e[index].ev, .index = index, .head = head_at(w, size)};

    memcpy(r.opening, w->e[index].opening, OPENING_LEN);
    return r;
}

static void
a_receipt_whose_event_is_kept_from_us_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned j = store(w, 2);
    struct receipt kept = receipt_of(w, i, 1);
    struct receipt hidden = receipt_of(w, j, 2);
    struct audit *a;

    w->e[j].is_shown = false;
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    audit_receipt(a, &kept);
    assert_none(a);
    audit_receipt(a, &hidden);
    assert_one(a, "missing_event", j);
    assert_true(audit_finding_at(a, 0)->has_packet);
    audit_free(a);
}

static void
an_event_that_was_proved_to_us_and_left_out_is_found(void **state)
{
    struct world *w = *state;
    unsigned end = hand_over(w, store(w, 1));
    struct audit *a;

    a = audit_as(w, net_dir_agency(&w->net, NGO));
    audit_known(a, end, w->e[end].opening, &w->e[end].ev);
    audit_known(a, 50, w->e[end].opening, &w->e[end].ev); /* younger */
    assert_none(a);
    audit_free(a);
    w->e[end].is_shown = false;
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    audit_known(a, end, w->e[end].opening, &w->e[end].ev);
    assert_one(a, "missing_event", end);
    audit_free(a);
}

static void
what_was_erased_since_is_not_missed(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct audit *a;

    w->now_s += 500 * DAY_S;
    erase(w, i);
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    audit_known(a, i, w->e[i].opening, &w->e[i].ev);
    assert_none(a);
    audit_free(a);
}

static void
another_entry_where_ours_was_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned j = store(w, 2);
    struct audit *a = audit_as(w, net_dir_agency(&w->net, NGO));

    audit_known(a, i, w->e[j].opening, &w->e[j].ev);
    assert_one(a, "other_entry", i);
    audit_free(a);
}

static void
a_receipt_of_another_history_is_a_fork(void **state)
{
    struct world *w = *state;
    struct receipt r;
    struct head fork;
    struct audit *a;

    (void)store(w, 1);
    r = receipt_of(w, 0, 1);
    r.head.root.b[5] ^= 1;
    assert_int_equal(head_sign(&r.head, w->key.name, &w->net.log_key), ERR_OK);
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    audit_receipt(a, &r);
    assert_true(audit_fork(a, &fork));
    audit_free(a);
}

/* ---- stories ---- */

static void
a_packet_left_waiting_past_its_end_is_overdue(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);

    w->now_s = w->e[i].ev.not_after + EVENT_SWEEP_S + AUDIT_GRACE_S;
    check_none(w);
    w->now_s++;
    check_one(w, "overdue", i);
}

static void
a_second_end_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);

    (void)hand_over(w, i);
    check_one(w, "sequence", withdraw(w, i));
}

static void
a_packet_stored_twice_is_found(void **state)
{
    struct world *w = *state;

    (void)store(w, 1);
    check_one(w, "stored_twice", store(w, 1));
}

static void
an_early_expiry_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct event ev = later(w, i, EVENT_EXPIRED, NULL);

    check_one(w, "expired_early", log_event(w, &ev, NULL, 0));
}

static void
an_unlisted_actor_is_found(void **state)
{
    struct world *w = *state;
    struct event ev;

    (void)store(w, 1);
    ev = w->e[0].ev;
    ev.packet.b[0] = 99;
    ev.actor.b[0] ^= 1;
    check_one(w, "wrong_device", log_event(w, &ev, NULL, 0));
}

static void
findings_beyond_the_list_are_still_counted(void **state)
{
    struct world *w = *state;
    struct audit_sum s;
    struct audit *a;

    for (unsigned i = 0; i < 600; i++)
        w->e[store(w, i)].opening[0] ^= 1;
    a = audit(w);
    audit_result(a, &s);
    assert_int_equal(s.findings, 1200);
    assert_int_equal(audit_finding_count(a), AUDIT_FINDINGS_MAX);
    assert_null(audit_finding_at(a, AUDIT_FINDINGS_MAX));
    audit_free(a);
}

/* Of one page. */
static enum err
whole_audit(struct world *w, const struct buf *bundle, const struct head *h)
{
    struct audit_row rows[TILE_WIDTH];
    struct audit_line *lines = NULL;
    struct audit *a = start(w, w->auditor);
    enum err rc = ERR_NOMEM;
    size_t n;

    if (a != NULL)
        rc = audit_page(a, bundle->data, bundle->len, w->n, rows,
                        rows_of(w, 0, w->n, rows));
    if (rc == ERR_OK)
        rc = audit_close(a, h);
    if (rc == ERR_OK)
        rc = audit_lines(a, true, &lines, &n);
    free(lines);
    audit_free(a);
    return rc;
}

static void
no_memory_is_an_error_wherever_it_strikes(void **state)
{
    struct world *w = *state;
    struct buf b = {0};
    struct head h;
    enum err rc = ERR_NOMEM;

    all_ends(w);
    w->e[2].is_shown = false;
    h = head_at(w, w->n);
    bundle_of(w, 0, w->n, &b);
    for (unsigned long n = 0; rc == ERR_NOMEM; n++) {
        fail_alloc_at(n);
        rc = whole_audit(w, &b, &h);
        assert_int_equal(fail_alloc_off(), rc == ERR_NOMEM);
    }
    assert_int_equal(rc, ERR_OK);
    buf_clear(&b);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_honest_log_audits_clean),
        T(lines_stand_by_agency_and_by_day),
        T(an_empty_log_audits_clean),
        T(pages_of_a_long_log_join),
        T(a_member_sees_its_own_and_no_more),
        T(a_range_counts_what_it_did_not_see_begin_as_carried),
        T(a_bundle_that_is_cut_or_too_long_stops_the_audit),
        T(entries_without_the_signed_root_stop_the_audit),
        T(a_log_shorter_than_its_head_stops_the_audit),
        T(an_entry_of_unknown_form_is_found),
        T(a_statement_in_the_log_must_be_one_of_the_directory),
        T(a_forged_opening_is_found),
        T(an_opening_of_no_entry_is_found),
        T(an_entry_that_nobody_opens_for_the_auditor_is_found),
        T(entries_hidden_at_either_edge_are_found),
        T(a_hidden_beginning_leaves_an_end_without_one),
        T(erased_entries_are_understood),
        T(what_is_erased_before_its_retention_is_found),
        T(evidence_that_is_not_shown_is_found),
        T(other_evidence_than_the_event_names_is_found),
        T(a_receipt_that_the_device_did_not_sign_is_found),
        T(a_receipt_of_another_packet_is_found),
        T(a_failure_logged_as_hand_over_is_found),
        T(a_receipt_by_the_senders_own_device_is_found),
        T(a_receipt_by_a_device_that_was_revoked_before_is_found),
        T(a_receipt_by_a_device_whose_time_is_over_is_found),
        T(the_last_device_gone_is_an_end_with_a_statement_behind_it),
        T(an_end_without_any_evidence_is_found),
        T(a_head_of_another_history_in_a_receipt_is_a_fork),
        T(a_head_that_is_newer_than_its_receipt_is_a_fork),
        T(a_head_that_the_relay_never_signed_is_no_fork),
        T(a_receipt_whose_event_is_kept_from_us_is_found),
        T(an_event_that_was_proved_to_us_and_left_out_is_found),
        T(what_was_erased_since_is_not_missed),
        T(another_entry_where_ours_was_is_found),
        T(a_receipt_of_another_history_is_a_fork),
        T(a_packet_left_waiting_past_its_end_is_overdue),
        T(a_second_end_is_found),
        T(a_packet_stored_twice_is_found),
        T(an_early_expiry_is_found),
        T(an_unlisted_actor_is_found),
        T(findings_beyond_the_list_are_still_counted),
        T(no_memory_is_an_error_wherever_it_strikes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
