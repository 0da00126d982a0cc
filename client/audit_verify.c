/*
 * audit_verify.c - signatures in batches, each a piece of work for the pool.
 *
 *   audit_verify() fills a batch -> pool_put() -> check_all() anywhere
 *   -> settle() by the owner, in the order of the log
 *
 * The owner gives each batch all that it needs, so that no worker looks into
 * the audit.
 */
#include "client/audit_inside.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, PEAKS = 24 };

struct check {
    uint64_t index;
    struct event ev;
    struct sign_key key;
    uint8_t bytes[RCPT_LEN];
    size_t len;
    bool has_head;
    struct head head;
    /* Of the log at the head's size, the lowest first; 0: nothing to fold. */
    struct hash peaks[PEAKS];
    unsigned n_peaks;
    bool holds;       /* out */
    struct hash root; /* out */
};

struct verify_batch {
    struct pool_piece piece; /* first */
    struct verify_batch *next;
    size_t n;
    struct check checks[BATCH];
};

/* ---- anywhere ---- */

static void
fold_peaks(struct check *c)
{
    c->root = c->peaks[0];
    for (unsigned i = 1; i < c->n_peaks; i++)
        merkle_node(&c->peaks[i], &c->root, &c->root);
}

/* The last bytes are the signature over all before it. */
static bool
is_signed(const struct check *c)
{
    size_t len = c->len - sizeof(struct sig);
    struct sig sig;

    memcpy(sig.b, c->bytes + len, sizeof(sig.b));
    return verify_raw(&sig, &c->key, c->bytes, len) == ERR_OK;
}

static void
check_all(struct pool_piece *piece)
{
    struct verify_batch *b = (struct verify_batch *)(void *)piece;

    for (size_t i = 0; i < b->n; i++) {
        struct check *c = &b->checks[i];

        c->holds = is_signed(c);
        if (c->n_peaks > 0)
            fold_peaks(c);
    }
}

/* ---- by the owner ---- */

static enum err
settle_head(struct audit *a, const struct check *c)
{
    if (c->n_peaks > 0)
        a->roots[c->head.size % ROOTS_KNOWN] =
            (struct audit_root){c->head.size, c->root};
    if (!audit_head(a, c->index, &c->ev, &c->head) || c->head.size == 0)
        return ERR_OK;
    return audit_mark(a, MARK_HEADED, c->index);
}

static enum err
settle(struct audit *a, const struct check *c)
{
    enum err rc = ERR_OK;

    if (!c->holds) {
        audit_find(a, "bad_evidence", c->index, &c->ev,
                   "the %s behind \"%s\" is not signed by that device",
                   c->len == RCPT_LEN ? "receipt" : "withdrawal",
                   event_name(c->ev.type));
        return ERR_OK;
    }
    if (c->has_head)
        rc = settle_head(a, c);
    a->sum.evidence++;
    return rc == ERR_OK ? audit_mark(a, MARK_PROVEN, c->index) : rc;
}

/* The oldest batches that are done. */
static enum err
settle_done(struct audit *a)
{
    enum err rc = ERR_OK;

    while (rc == ERR_OK && a->first != NULL &&
           atomic_load_explicit(&a->first->piece.done, memory_order_acquire)) {
        struct verify_batch *b = a->first;

        for (size_t i = 0; i < b->n && rc == ERR_OK; i++)
            rc = settle(a, &b->checks[i]);
        a->first = b->next;
        if (a->first == NULL)
            a->last = NULL;
        free(b);
    }
    return rc;
}

static void
put(struct audit *a)
{
    struct verify_batch *b = a->filling;

    a->filling = NULL;
    b->piece.work = check_all;
    if (a->last == NULL)
        a->first = b;
    else
        a->last->next = b;
    a->last = b;
    pool_put(a->pool, &b->piece);
}

/* It was computed, or is being computed in a batch that is settled earlier. */
static bool
is_known(struct audit *a, uint64_t size)
{
    size_t place = size % ROOTS_KNOWN;

    if (a->roots[place].size == size || a->asked[place] == size)
        return true;
    a->asked[place] = size;
    return false;
}

/* What the root at HEAD's size is folded from, when nobody knows it yet. */
static void
copy_peaks(struct audit *a, uint64_t index, const struct head *head,
           struct check *c)
{
    struct merkle_peaks peaks;

    if (head->size == 0 || head->size > index || is_known(a, head->size) ||
        logtree_peaks_at(&a->tree, head->size, &peaks) != ERR_OK)
        return;
    for (unsigned level = 0; level < 64; level++) {
        if ((head->size >> level & 1) == 0)
            continue;
        if (c->n_peaks == PEAKS) {
            c->n_peaks = 0; /* too many: the owner will fold them */
            return;
        }
        c->peaks[c->n_peaks++] = peaks.peak[level];
    }
}

enum err
audit_verify(struct audit *a, uint64_t index, const struct event *ev,
             struct span bytes, const struct sign_key *key,
             const struct head *head)
{
    struct check *c;

    if (a->filling == NULL)
        a->filling = calloc(1, sizeof(*a->filling));
    if (a->filling == NULL)
        return ERR_NOMEM;
    c = &a->filling->checks[a->filling->n++];
    c->index = index;
    c->ev = *ev;
    c->key = *key;
    memcpy(c->bytes, bytes.p, bytes.len);
    c->len = bytes.len;
    c->has_head = head != NULL;
    if (head != NULL) {
        c->head = *head;
        copy_peaks(a, index, head, c);
    }
    if (a->filling->n < BATCH)
        return ERR_OK;
    put(a);
    return settle_done(a);
}

enum err
audit_verify_end(struct audit *a)
{
    if (a->filling != NULL)
        put(a);
    pool_finish(a->pool);
    return settle_done(a);
}

void
audit_verify_clear(struct audit *a)
{
    pool_free(a->pool);
    free(a->filling);
    while (a->first != NULL) {
        struct verify_batch *b = a->first;

        a->first = b->next;
        free(b);
    }
}
