/* Erasure: what is gone is gone from every file, and what was proven stays
 * proven. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sched.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/os.h"
#include "proto/packet.h"
#include "proto/pad.h"
#include "proto/proof.h"
#include "server/blob_file.h"
#include "server/store_inside.h"
#include "tests/lib/scratch.h"
#include "tests/lib/store_fixture.h"

enum {
    PACKETS = 160,
    CANARIES_MAX = 64 * 1024,
    CANARY = 16,
    PATIENCE_MS = 9000
};

static struct fixture fx;

/* ---- canaries: bytes that must not be found afterwards ---- */

struct canary {
    uint8_t bytes[CANARY];
    uint32_t next; /* of the same two first bytes; 0: none */
    const char *what;
};

static struct {
    struct canary *all;
    uint32_t n;
    uint32_t first[65536];
} flock;

static unsigned
bucket(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* Zeros and the like are everywhere. */
static bool
is_telling(const uint8_t *p)
{
    unsigned distinct = 0;

    for (unsigned i = 0; i < CANARY; i++)
        distinct += memchr(p, p[i], i) == NULL;
    return distinct >= 7;
}

static void
watch(const char *what, const uint8_t *bytes, size_t len)
{
    /* every 64 bytes: a trace of half a page shows */
    for (size_t at = 0; at + CANARY <= len; at += 64) {
        struct canary *c;

        if (!is_telling(bytes + at))
            continue;
        assert_true(flock.n + 1 < CANARIES_MAX);
        c = &flock.all[++flock.n];
        memcpy(c->bytes, bytes + at, CANARY);
        c->what = what;
        c->next = flock.first[bucket(c->bytes)];
        flock.first[bucket(c->bytes)] = flock.n;
    }
}

struct hits {
    unsigned n;
    char first[300];
};

static void
search_file(void *arg, const char *path)
{
    struct hits *h = arg;
    struct buf b = {0};
    enum err rc = os_read_file(path, 1 << 28, &b);

    if (rc == ERR_NOTFOUND) /* a file that the housekeeper removed */
        return;
    assert_int_equal(rc, ERR_OK);
    for (size_t at = 0; b.len >= CANARY && at <= b.len - CANARY; at++)
        for (uint32_t i = flock.first[bucket(b.data + at)]; i != 0;
             i = flock.all[i].next) {
            if (memcmp(flock.all[i].bytes, b.data + at, CANARY) != 0)
                continue;
            if (h->n++ == 0)
                (void)snprintf(h->first, sizeof(h->first), "%s in %s at %zu",
                               flock.all[i].what, path, at);
        }
    buf_clear(&b);
}

static struct hits
search(void)
{
    struct hits h = {0};

    scratch_each(fx.dir, search_file, &h);
    return h;
}

/* ---- a past ---- */

struct past {
    struct fx_packet packet[PACKETS];
    struct buf receipt[PACKETS];
    struct head head[PACKETS];
};
static struct past *past;

static enum err
watch_opening(void *arg, const struct store_event_row *row)
{
    (void)arg;
    watch("salt", row->opening, 32);
    watch("event", row->opening + 32, 16); /* what, and when */
    if (row->evidence.len > 0)
        watch("evidence", row->evidence.p, row->evidence.len);
    return ERR_OK;
}

static void
seal_randomly(struct fx_packet *p, unsigned n)
{
    static const size_t sizes[] = {100, 3000, 20000, 90000};

    p->h.body_len = body_len_for(sizes[n % 4]);
    fx_packet_encode(p, n);
    crypto_random(p->wraps.data, p->wraps.len);
    crypto_random(p->body.data, p->body.len);
    packet_digest_of(&p->digest, p->hdr.data, p->hdr.len, p->wraps.data,
                     p->h.n_slots, p->body.data, p->body.len);
    watch("wraps", p->wraps.data, p->wraps.len);
    watch("body", p->body.data,
          p->body.len < 8192 ? p->body.len : 8192); /* some of each */
    watch("body's end", p->body.data + p->body.len - 1024, 1024);
}

static void
store_packet(unsigned n)
{
    struct fx_packet *p = &past->packet[n];
    struct head heads[STORE_LOGS];
    struct store_op op;

    fx_packet_init(&fx, p, n + 1, 24 + n % 48);
    seal_randomly(p, n);
    fx_packet_op(p, &op);
    fx_want(&fx, &op, STORE_OK);
    p->index = op.result.index;
    buf_put(&past->receipt[n], op.result.proof.data, op.result.proof.len);
    store_op_clear(&op);
    store_heads(fx.st, heads);
    past->head[n] = heads[STORE_DELIVERY];
}

/* All the ends a packet can come to. */
static void
end_packet(unsigned n)
{
    const struct fx_packet *p = &past->packet[n];

    switch (n % 6) {
    case 0:
        fx_receipt(&fx, p, 21, OUTCOME_OPENED, STORE_OK);
        fx_receipt(&fx, p, 22, OUTCOME_OPENED, STORE_OK);
        break;
    case 1:
        fx_receipt(&fx, p, 21, OUTCOME_OPENED, STORE_OK);
        break;
    case 2:
        fx_receipt(&fx, p, 21, OUTCOME_CANNOT_OPEN, STORE_OK);
        fx_receipt(&fx, p, 22, OUTCOME_CANNOT_OPEN, STORE_OK);
        break;
    case 3:
        fx_withdraw(&fx, p, STORE_OK);
        break;
    default: /* expires */
        break;
    }
}

static void
make_past(void)
{
    const struct store_scope all = {.to_ms = INT64_MAX};

    for (unsigned n = 0; n < PACKETS; n++) {
        store_packet(n);
        if (n >= 20) /* ends come in another order than beginnings */
            end_packet((n * 7 + 3) % 20 + n - 20);
        fx.now_ms += 60 * 1000;
        if (n % 32 == 0)
            (void)fx_sweep(&fx, 0);
    }
    fx.now_ms += UINT64_C(4) * 24 * 3600 * 1000;
    assert_true(fx_sweep(&fx, EVENT_EXPIRED) > 0);
    assert_int_equal(
        store_audit(fx.rd, &all, 0, INT64_MAX, watch_opening, NULL), ERR_OK);
}

static int
set_up(void **state)
{
    (void)state;
    memset(&fx.config, 0, sizeof(fx.config));
    fx_open(&fx);
    memset(&flock, 0, sizeof(flock));
    flock.all = calloc(CANARIES_MAX, sizeof(*flock.all));
    past = calloc(1, sizeof(*past));
    assert_non_null(flock.all);
    assert_non_null(past);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    for (unsigned n = 0; n < PACKETS; n++) {
        fx_packet_clear(&past->packet[n]);
        buf_clear(&past->receipt[n]);
    }
    free(past);
    free(flock.all);
    fx_close(&fx);
    return 0;
}

/* ---- erasing ---- */

static void
pass_retention(void)
{
    fx.now_ms += (STORE_RETENTION_DAYS + 1) * UINT64_C(24 * 3600 * 1000);
    (void)fx_sweep(&fx, 0);
}

/* Packet by packet, so that pages hold some of each for a while. */
static void
pass_retention_slowly(void)
{
    uint64_t hour = 3600 * 1000;

    fx.now_ms += (STORE_RETENTION_DAYS - 5) * 24 * hour;
    for (unsigned i = 0; i < 6 * 24 * 2; i++) {
        fx.now_ms += hour / 2;
        (void)fx_sweep(&fx, 0);
    }
}

/* The housekeeper empties the write-ahead log beside the commits. */
static void
wait_for_housekeeper(void)
{
    char wal[OS_PATH_MAX];
    uint64_t until = clock_mono_ms() + PATIENCE_MS;
    uint64_t size = 1;

    assert_int_equal(os_path_join(wal, sizeof(wal), fx.dir, "store.db-wal"),
                     ERR_OK);
    while (os_file_size(wal, &size) == ERR_OK && size > 0 &&
           clock_mono_ms() < until)
        (void)sched_yield();
    assert_int_equal(size, 0);
}

static void
nothing_is_left(void)
{
    struct hits h = search();

    if (h.n > 0)
        fail_msg("%u traces, the first: %s", h.n, h.first);
}

static void
no_trace_is_left_in_any_file_while_it_runs(void **state)
{
    (void)state;
    make_past();
    assert_true(search().n > PACKETS); /* they can be found */
    pass_retention_slowly();
    wait_for_housekeeper();
    nothing_is_left();
    /* Nor later, when pages are used again, or after a restart. */
    for (unsigned n = 0; n < 20; n++)
        fx_statement(&fx, "later", NULL, 0);
    nothing_is_left();
    fx_stop(&fx);
    nothing_is_left();
    fx_reopen(&fx);
    nothing_is_left();
    fx_check(&fx);
}

/* The search has teeth. */
static void
without_secure_delete_traces_are_left_and_found(void **state)
{
    (void)state;
    assert_int_equal(db_set_pragma(&fx.st->writer.db, "secure_delete", 0),
                     ERR_OK);
    make_past();
    pass_retention();
    wait_for_housekeeper();
    assert_true(search().n > 0);
}

/* Who reads meanwhile delays it, and does not prevent it. */
static void
a_reader_that_is_slow_does_not_keep_traces(void **state)
{
    struct store_reader *slow;
    struct hits before;

    (void)state;
    make_past();
    assert_int_equal(store_reader_open(fx.st, &slow), ERR_OK);
    assert_int_equal(
        db_exec(&slow->view.db, "BEGIN; SELECT count(*) FROM opening"), ERR_OK);
    pass_retention();
    before = search();
    assert_true(before.n > 0); /* its snapshot is in the files */
    assert_int_equal(db_exec(&slow->view.db, "COMMIT"), ERR_OK);
    store_reader_close(slow);
    wait_for_housekeeper(); /* and nobody has to wake it */
    nothing_is_left();
}

/* ---- what stays ---- */

static void
receipts_proofs_and_heads_outlive_the_openings(void **state)
{
    const struct vkey *key;
    struct head heads[STORE_LOGS];

    (void)state;
    make_past();
    pass_retention();
    key = store_vkey(fx.st, STORE_DELIVERY);
    store_heads(fx.st, heads);
    for (unsigned n = 0; n < PACKETS; n++) {
        const struct fx_packet *p = &past->packet[n];
        const struct head *old = &past->head[n];
        struct hash path[MERKLE_PATH_MAX];
        struct buf again = {0};
        struct receipt r;
        uint64_t index = 0;
        size_t len = 0;

        assert_int_equal(receipt_verify(past->receipt[n].data,
                                        past->receipt[n].len, key, &r),
                         ERR_OK);
        assert_int_equal(r.index, p->index);
        assert_int_equal(store_consistency(fx.rd, STORE_DELIVERY, old->size,
                                           heads[STORE_DELIVERY].size, path,
                                           &len),
                         ERR_OK);
        assert_int_equal(merkle_verify_consistency(
                             old->size, heads[STORE_DELIVERY].size, &old->root,
                             &heads[STORE_DELIVERY].root, path, len),
                         ERR_OK);
        assert_int_equal(store_inclusion(fx.rd, STORE_DELIVERY, p->index,
                                         heads[STORE_DELIVERY].size, path,
                                         &len),
                         ERR_OK);
        /* The relay itself cannot make it again: it says which entry. */
        assert_int_equal(store_stored_receipt(fx.rd, &p->sender, &p->h.packet,
                                              &again, &index),
                         ERR_EXPIRED);
        assert_int_equal(index, p->index);
        buf_clear(&again);
    }
    fx_check(&fx);
}

struct named {
    uint64_t erased;
    uint64_t sealed;
};

static enum err
count_entry(void *arg, uint64_t index, struct span entry)
{
    struct named *n = arg;
    struct entry e;

    (void)index;
    assert_int_equal(entry_decode(entry.p, entry.len, &e), ERR_OK);
    n->erased += e.kind == ENTRY_EVENT;
    n->sealed += e.kind == ENTRY_SEALED;
    return ERR_OK;
}

static void
every_erased_leaf_is_named_once(void **state)
{
    struct named n = {0, 0};
    struct head heads[STORE_LOGS];

    (void)state;
    make_past();
    pass_retention();
    store_heads(fx.st, heads);
    for (uint64_t at = 0; at < heads[STORE_DELIVERY].size; at += 512)
        assert_int_equal(
            store_leaves(fx.rd, STORE_DELIVERY, at, 512, count_entry, &n),
            ERR_OK);
    assert_int_equal(n.erased, n.sealed);
    (void)fx_sweep(&fx, 0); /* an erased entry is never erased itself */
    store_heads(fx.st, heads);
    assert_int_equal(heads[STORE_DELIVERY].size, n.erased + n.sealed);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(no_trace_is_left_in_any_file_while_it_runs),
        CASE(without_secure_delete_traces_are_left_and_found),
        CASE(a_reader_that_is_slow_does_not_keep_traces),
        CASE(receipts_proofs_and_heads_outlive_the_openings),
        CASE(every_erased_leaf_is_named_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
