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

enum { BATCH = 64 };

struct check {
    uint64_t index;
    struct event ev;
    struct sign_key key;
    uint8_t bytes[RCPT_LEN];
    size_t len;
    bool has_head, has_peaks;
    struct head head;
    struct merkle_peaks peaks; /* of the log at the head's size */
    enum err signature;        /* out */
    struct hash root;          /* out */
};

struct verify_batch {
    struct pool_piece piece; /* first */
    struct verify_batch *next;
    size_t n;
    struct check checks[BATCH];
};

/* ---- anywhere ---- */

static void
check_one(struct check *c)
{
    c->signature = c->len == RCPT_LEN ? rcpt_verify(c->bytes, &c->key)
                                      : wdrw_verify(c->bytes, &c->key);
    if (c->has_peaks)
        merkle_root(&c->peaks, &c->root);
}

static void
check_all(struct pool_piece *piece)
{
    struct verify_batch *b = (struct verify_batch *)(void *)piece;

    for (size_t i = 0; i < b->n; i++)
        check_one(&b->checks[i]);
}

/* ---- by the owner ---- */

static struct head *
known_root(struct audit *a, uint64_t size)
{
    return &a->known_root[size % ROOTS_KNOWN];
}

static enum err
settle_head(struct audit *a, const struct check *c)
{
    if (c->has_peaks)
        *known_root(a, c->head.size) =
            (struct head){.size = c->head.size, .root = c->root};
    if (!audit_head(a, c->index, &c->ev, &c->head) || c->head.size == 0)
        return ERR_OK;
    return audit_mark(a, MARK_HEADED, c->index);
}

static enum err
settle(struct audit *a, const struct check *c)
{
    enum err rc = ERR_OK;

    if (c->signature == ERR_NOMEM)
        return ERR_NOMEM;
    if (c->signature != ERR_OK) {
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

static bool
is_known(struct audit *a, const struct head *head)
{
    const struct head *known = known_root(a, head->size);

    return known->size == head->size && id_eq(&known->root, &head->root);
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
        c->has_peaks =
            head->size > 0 && head->size <= index && !is_known(a, head) &&
            logtree_peaks_at(&a->tree, head->size, &c->peaks) == ERR_OK;
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
