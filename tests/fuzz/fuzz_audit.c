/*
 * The delivery log from a relay that lies.  The first byte says how: by showing
 * other entries, openings or evidence than those under the signed head, or by
 * logging and signing the lie.  Either way: what is signed is what was read;
 * what nobody signed is found; the balance adds up.
 */
#include <string.h>

#include "client/audit.h"
#include "tests/lib/audit_world.h"
#include "tests/lib/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_MAX = 24, ROWS = N_MAX + 8, BUNDLE_MAX = 16 * 1024 };

static struct world *w;
static struct world honest; /* its entries; the rest is borrowed from W */
static unsigned n;

static void
make_log(void)
{
    void *state;

    must(crypto_init() == ERR_OK);
    world_setup(&state);
    w = state;
    all_ends(w);
    (void)expire(w, 7); /* the copy */
    (void)hand_over(w, w->n - 2);
    (void)log_read(w, 2);
    w->now_s += 400 * DAY_S + 3600;
    erase(w, 1);
    erase(w, 2);
    n = w->n;
    must(n <= N_MAX);
    honest = *w;
    check_none(w);
}

/* ---- what the relay says ---- */

struct said {
    struct buf bundle;
    struct audit_row rows[ROWS];
    size_t n_rows;
    struct buf bytes[ROWS]; /* opening, then evidence */
};

static void
point(struct said *s, size_t i)
{
    struct buf *b = &s->bytes[i];

    if (b->len < OPENING_LEN)
        buf_zeros(b, OPENING_LEN - b->len);
    s->rows[i].opening = b->data;
    s->rows[i].evidence =
        (struct span){b->data + OPENING_LEN, b->len - OPENING_LEN};
}

static void
say_truth(struct said *s)
{
    bundle_of(w, 0, n, &s->bundle);
    s->n_rows = rows_of(w, 0, n, s->rows);
    for (size_t i = 0; i < s->n_rows; i++) {
        buf_put(&s->bytes[i], s->rows[i].opening, OPENING_LEN);
        buf_put(&s->bytes[i], s->rows[i].evidence.p, s->rows[i].evidence.len);
        point(s, i);
    }
}

static void
drop_row(struct said *s, size_t i)
{
    buf_clear(&s->bytes[i]);
    for (s->n_rows--; i < s->n_rows; i++) {
        s->rows[i] = s->rows[i + 1];
        s->bytes[i] = s->bytes[i + 1];
    }
    s->bytes[s->n_rows] = (struct buf){0};
}

static void
copy_row(struct said *s, size_t i)
{
    size_t last = s->n_rows;

    if (last == ROWS)
        return;
    s->rows[last].index = s->rows[i].index;
    buf_put(&s->bytes[last], s->bytes[i].data, s->bytes[i].len);
    s->n_rows++;
    point(s, last);
}

static void
swap_rows(struct said *s, size_t i, size_t j)
{
    struct buf b = s->bytes[i];

    s->bytes[i] = s->bytes[j];
    s->bytes[j] = b;
    point(s, i);
    point(s, j);
}

/* One lie.  False at the end of the input. */
static bool
say_lie(struct rd *in, struct said *s)
{
    unsigned what = rd_u8(in) % 6;
    size_t i = rd_u8(in);

    if (in->bad)
        return false;
    if (what == 0)
        return patch_step(in, &s->bundle, BUNDLE_MAX);
    if (s->n_rows == 0)
        return true;
    i %= s->n_rows;
    switch (what) {
    case 1:
        (void)patch_step(in, &s->bytes[i], EVIDENCE_MAX);
        point(s, i);
        break;
    case 2:
        drop_row(s, i);
        break;
    case 3:
        copy_row(s, i);
        break;
    case 4:
        swap_rows(s, i, rd_u8(in) % s->n_rows);
        break;
    default:
        s->rows[i].index = rd_u8(in);
        break;
    }
    return true;
}

/* ---- what the relay logs ---- */

enum { EVIDENCE_AT = OPENING_LEN - 32 }; /* where an opening names it */

static void
fit_evidence(unsigned i)
{
    struct hash h = {{0}};

    if (w->e[i].evidence_len > 0)
        evidence_hash(&h, w->e[i].evidence, w->e[i].evidence_len);
    memcpy(w->e[i].opening + EVIDENCE_AT, h.b, sizeof(h.b));
}

/* Other bytes in the event, other evidence, with a hash that fits. */
static void
log_lie(struct rd *in, unsigned i)
{
    struct buf opening = {0}, evidence = {0};
    unsigned what = rd_u8(in);

    buf_put(&opening, w->e[i].opening, OPENING_LEN);
    buf_put(&evidence, w->e[i].evidence, w->e[i].evidence_len);
    if (what & 1)
        (void)patch_step(in, &opening, OPENING_LEN);
    if (what & 2)
        (void)patch_step(in, &evidence, EVIDENCE_MAX);
    if (opening.len < OPENING_LEN)
        buf_zeros(&opening, OPENING_LEN - opening.len);
    memcpy(w->e[i].opening, opening.data, OPENING_LEN);
    if (evidence.len > 0)
        memcpy(w->e[i].evidence, evidence.data, evidence.len);
    w->e[i].evidence_len = evidence.len;
    if ((what & 4) == 0)
        fit_evidence(i);
    buf_clear(&opening);
    buf_clear(&evidence);
}

static void
log_lies(struct rd *in)
{
    while (in->left >= 6) {
        unsigned i = rd_u8(in) % n;

        if (honest.e[i].entry_len == SEALED_ENTRY_LEN)
            log_lie(in, i);
    }
    logtree_clear(&w->tree);
    for (unsigned i = 0; i < n; i++) {
        if (w->e[i].entry_len == SEALED_ENTRY_LEN)
            sealed_entry(w->e[i].opening, w->e[i].entry);
        must(logtree_append(&w->tree, w->e[i].entry, w->e[i].entry_len) ==
             ERR_OK);
    }
}

/* ---- what must be ---- */

static void
check_sums(const struct audit *a)
{
    struct audit_sum sum;

    audit_result(a, &sum);
    must(sum.entries == n && sum.opened <= n && sum.evidence <= n);
    must(audit_balance(a) == NULL || balance_conserved(audit_balance(a)));
    must(tally_conserved(&sum.total.packets));
    must(tally_conserved(&sum.total.own_copies));
    for (size_t i = 0; i < audit_finding_count(a); i++) {
        const struct audit_finding *f = audit_finding_at(a, i);

        must(memchr(f->code, 0, sizeof(f->code)) != NULL && f->code[0] != 0);
        must(memchr(f->text, 0, sizeof(f->text)) != NULL);
    }
}

static void
check_entries(const struct audit *a)
{
    struct hash leaf, was;

    must(audit_size(a) == n);
    for (uint64_t i = 0; i < n; i++) {
        must(audit_leaf(a, i, &leaf) == ERR_OK);
        must(logtree_leaf_at(&w->tree, i, &was) == ERR_OK);
        must(id_eq(&leaf, &was));
    }
}

/* Without a finding every opening and every piece of evidence was the one. */
static void
check_rows(const struct said *s)
{
    struct audit_row was[ROWS];

    must(s->n_rows == rows_of(w, 0, n, was));
    for (size_t i = 0; i < s->n_rows; i++) {
        must(s->rows[i].index == was[i].index);
        must(memcmp(s->rows[i].opening, was[i].opening, OPENING_LEN) == 0);
        must(s->rows[i].evidence.len == was[i].evidence.len);
        must(was[i].evidence.len == 0 ||
             memcmp(s->rows[i].evidence.p, was[i].evidence.p,
                    was[i].evidence.len) == 0);
    }
}

/* Without a finding every end that needs somebody's word has the very bytes
 * that a device signed. */
static void
check_signed(void)
{
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *e = w->e[i].evidence;
        bool is_known = w->e[i].evidence_len == 0 || !w->e[i].is_shown;

        for (unsigned j = 0; j < n && !is_known; j++)
            is_known =
                w->e[i].evidence_len == honest.e[j].evidence_len &&
                memcmp(e, honest.e[j].evidence, w->e[i].evidence_len) == 0;
        must(is_known);
    }
}

static void
audit_it(const struct said *s, bool is_logged)
{
    struct audit *a = start(w, w->auditor);
    struct head h = head_at(w, n);

    must(a != NULL);
    if (audit_page(a, s->bundle.data, s->bundle.len, n, s->rows, s->n_rows) ==
            ERR_OK &&
        audit_close(a, &h) == ERR_OK) {
        check_entries(a);
        must(audit_finish(a) == ERR_OK);
        check_sums(a);
        if (audit_finding_count(a) == 0 && is_logged)
            check_signed();
        else if (audit_finding_count(a) == 0)
            check_rows(s);
    } else {
        must(!is_logged);
    }
    audit_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd in = rd_from(data, size);
    struct said s = {0};
    bool is_logged;

    if (w == NULL)
        make_log();
    memcpy(w->e, honest.e, sizeof(w->e[0]) * n);
    is_logged = rd_u8(&in) & 1;
    if (is_logged)
        log_lies(&in);
    say_truth(&s);
    if (!is_logged)
        while (say_lie(&in, &s))
            ;
    audit_it(&s, is_logged);
    if (is_logged) {
        memcpy(w->e, honest.e, sizeof(w->e[0]) * n);
        log_lies(&(struct rd){0});
    }
    buf_clear(&s.bundle);
    for (size_t i = 0; i < ROWS; i++)
        buf_clear(&s.bytes[i]);
    return 0;
}
