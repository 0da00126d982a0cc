/*
 * The book of the last audit with changes in it (tests/lib/patch.h): one that
 * opens is what a writer would write, holds the very entries of the signed
 * head, and an audit that goes on from it comes to an end that adds up.
 */
#include <string.h>

#include "client/audit_book.h"
#include "tests/lib/audit_world.h"
#include "tests/lib/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    BOOK_MAX = 64 * 1024,
    /* The size of the directory: a book may be of an earlier one. */
    DIR_SIZE_AT = 4 + 2 + 32 + 32 + 8 + 8,
};

static struct world *w;
static struct buf real;
static unsigned real_n; /* entries in it; the world has more */

static enum err
put(void *arg, const void *bytes, size_t len)
{
    buf_put(arg, bytes, len);
    return buf_status(arg);
}

static enum err
get(void *arg, void *bytes, size_t len)
{
    struct rd *r = arg;

    if (len > r->left)
        return ERR_MALFORMED;
    rd_copy(r, bytes, len);
    return ERR_OK;
}

static void
write_book(const struct audit *a, const struct head *h, struct buf *out)
{
    const struct book_sink sink = {put, out};

    must(audit_book_write(a, h, &sink) == ERR_OK);
}

/* Honest packets, a forged receipt, an entry that is hidden, a reader. */
static void
make_book(void)
{
    struct audit *a;
    struct head h;
    void *state;

    must(crypto_init() == ERR_OK);
    world_setup(&state);
    w = state;
    all_ends(w);
    w->e[2].evidence[3] ^= 1;
    w->e[store(w, 30)].is_shown = false;
    (void)log_read(w, 0);
    real_n = w->n;
    h = head_at(w, real_n);
    a = start(w, w->auditor);
    must(feed(w, a) == ERR_OK && audit_close(a, &h) == ERR_OK);
    write_book(a, &h, &real);
    audit_free(a);
    (void)hand_over(w, store(w, 40));
    erase(w, 0);
}

static void
check_again(const struct audit *a, const struct head *head,
            const struct buf *book)
{
    struct buf again = {0};

    write_book(a, head, &again);
    must(again.len == book->len);
    memcpy(again.data + DIR_SIZE_AT, book->data + DIR_SIZE_AT, 8);
    must(memcmp(again.data, book->data, again.len) == 0);
    buf_clear(&again);
}

static void
check_entries(const struct audit *a, const struct head *head)
{
    struct hash root, leaf, was;

    must(audit_size(a) == head->size && head->size <= real_n);
    must(logtree_root_at(&w->tree, head->size, &root) == ERR_OK);
    must(id_eq(&root, &head->root));
    for (uint64_t i = 0; i < head->size; i++) {
        must(audit_leaf(a, i, &leaf) == ERR_OK);
        must(logtree_leaf_at(&w->tree, i, &was) == ERR_OK);
        must(id_eq(&leaf, &was));
    }
}

static void
go_on(struct audit *a)
{
    struct head h = head_at(w, w->n);
    struct audit_sum sum;

    must(feed(w, a) == ERR_OK);
    must(audit_close(a, &h) == ERR_OK);
    must(audit_finish(a) == ERR_OK);
    audit_result(a, &sum);
    must(sum.entries == w->n && sum.opened <= w->n);
    must(audit_balance(a) == NULL || balance_conserved(audit_balance(a)));
    for (size_t i = 0; i < audit_finding_count(a); i++)
        must(memchr(audit_finding_at(a, i)->text, 0, 200) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd input = rd_from(data, size), from;
    const struct book_source source = {get, &from};
    enum book_fit fit = BOOK_NONE;
    struct audit *a = NULL;
    struct audit_options o;
    struct buf book = {0};
    struct head head;
    bool is_changed;
    enum err rc;

    if (w == NULL)
        make_book();
    o = world_options(w, w->auditor);
    buf_put(&book, real.data, real.len);
    is_changed = patch_apply(&input, &book, BOOK_MAX);
    from = rd_from(book.data, book.len);
    rc = audit_book_open(&o, &source, &a, &head, &fit);
    must(is_changed || rc == ERR_OK);
    must(rc == ERR_OK ? fit == BOOK_FITS : rc == ERR_STATE && fit > BOOK_FITS);
    if (rc == ERR_OK) {
        book.len -= from.left;
        check_again(a, &head, &book);
        check_entries(a, &head);
        go_on(a);
    }
    audit_free(a);
    buf_clear(&book);
    return 0;
}
