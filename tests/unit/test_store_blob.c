#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/os.h"
#include "server/blob_file.h"
#include "tests/lib/scratch.h"
#include "tests/lib/store_fixture.h"

enum { HOUR_MS = 3600 * 1000, CT_LEN = 56 + 65536 + 16 * 5, STEP = 10000 };

static struct fixture fx;
static uint8_t bytes[CT_LEN];
static struct hash digest;

static int
set_up(void **state)
{
    size_t i;

    (void)state;
    memset(&fx.config, 0, sizeof(fx.config));
    fx_open(&fx);
    for (i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 13 + (i >> 9));
    bulk_digest(&digest, bytes, sizeof(bytes));
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fx_check(&fx);
    fx_close(&fx);
    return 0;
}

static struct store_result
begin(unsigned n, enum store_why why)
{
    struct store_op op = {.kind = STORE_OP_BLOB_BEGIN};

    op.blob_begin.owner = fx_agency(1);
    op.blob_begin.att = fx_att(n);
    op.blob_begin.ct_len = sizeof(bytes);
    op.blob_begin.digest = digest;
    fx_want(&fx, &op, why);
    return op.result;
}

static struct store_blob
info(unsigned n)
{
    struct agency_id owner = fx_agency(1);
    struct att_id att = fx_att(n);
    struct store_blob b;

    assert_int_equal(store_blob_info(fx.rd, &owner, &att, &b), ERR_OK);
    return b;
}

static void
progress(const struct store_blob *b, uint64_t have)
{
    struct store_op op = {.kind = STORE_OP_BLOB_PROGRESS};

    op.blob_progress.blob = b->blob;
    op.blob_progress.have = have;
    fx_want(&fx, &op, STORE_OK);
    assert_int_equal(op.result.have, have);
}

static void
complete(const struct store_blob *b, const struct hash *d, enum store_why why)
{
    struct store_op op = {.kind = STORE_OP_BLOB_COMPLETE};

    op.blob_complete.blob = b->blob;
    op.blob_complete.digest = *d;
    fx_want(&fx, &op, why);
}

/* Writes [at, to) and tells the store. */
static void
upload(unsigned n, uint64_t to)
{
    struct store_blob b = info(n);
    struct blob_upload *up;
    uint64_t have = 0;

    assert_int_equal(blob_upload_open(fx.st, &b, &up), ERR_OK);
    while (blob_upload_at(up) < to) {
        uint64_t at = blob_upload_at(up);
        size_t len = to - at < STEP ? (size_t)(to - at) : STEP;

        assert_int_equal(blob_upload_write(up, at, bytes + at, len), ERR_OK);
    }
    assert_int_equal(blob_upload_sync(up, &have), ERR_OK);
    assert_int_equal(have, to);
    progress(&b, have);
    if (to == sizeof(bytes)) {
        struct hash d;

        assert_int_equal(blob_upload_digest(up, &d), ERR_OK);
        complete(&b, &d, STORE_OK);
    }
    blob_upload_close(up);
}

static void
with_att(struct fx_packet *p, unsigned n)
{
    p->h.n_atts = 1;
    p->h.atts[0].id = fx_att(n);
    p->h.atts[0].ct_len = sizeof(bytes);
    p->h.atts[0].digest = digest;
    fx_packet_encode(p, n);
}

static enum err
readable_of(unsigned owner, unsigned device, unsigned agency,
            struct store_blob *b)
{
    struct device_id d = fx_device(device);
    struct agency_id a = fx_agency(agency);
    struct agency_id o = fx_agency(owner);
    struct att_id att = fx_att(1);

    return store_blob_readable(fx.rd, &d, &a, &o, &att, fx.now_ms / 1000, b);
}

static enum err
readable(unsigned device, unsigned agency, struct store_blob *b)
{
    return readable_of(1, device, agency, b);
}

/* Files below blobs/, after the housekeeper had its turn. */
static void
count_file(void *arg, const char *path)
{
    *(unsigned *)arg += strstr(path, "/blobs/") != NULL;
}

static unsigned
files(void)
{
    unsigned n = 0;

    fx_reopen(&fx);
    scratch_each(fx.dir, count_file, &n);
    return n;
}

static void
an_upload_goes_on_where_it_was_synced(void **state)
{
    struct blob_upload *up;
    struct store_blob b;
    struct hash d;

    (void)state;
    assert_int_equal(begin(1, STORE_OK).have, 0);
    upload(1, 30000);
    /* More is written, nobody is told, the process dies. */
    b = info(1);
    assert_int_equal(blob_upload_open(fx.st, &b, &up), ERR_OK);
    assert_int_equal(blob_upload_write(up, 30000, "other bytes", 11), ERR_OK);
    blob_upload_close(up);
    fx_reopen(&fx);
    assert_int_equal(begin(1, STORE_OK).have, 30000);
    b = info(1);
    assert_int_equal(b.have, 30000);
    assert_false(b.complete);
    assert_int_equal(blob_upload_open(fx.st, &b, &up), ERR_OK);
    assert_int_equal(blob_upload_write(up, 30001, bytes, 1), ERR_STATE);
    assert_int_equal(blob_upload_write(up, 30000, bytes, sizeof(bytes)),
                     ERR_TOOBIG);
    assert_int_equal(blob_upload_digest(up, &d), ERR_STATE);
    blob_upload_close(up);
    upload(1, sizeof(bytes));
    assert_true(info(1).complete);
    assert_int_equal(begin(1, STORE_OK).have, sizeof(bytes));
}

static void
a_packet_needs_its_attachments_complete(void **state)
{
    struct fx_packet p;
    struct store_blob b;
    struct blob_download *down;
    struct store_op op;
    uint8_t got[100];

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    with_att(&p, 1);
    fx_packet_op(&p, &op);
    fx_want(&fx, &op, STORE_WHY_BLOB);
    begin(1, STORE_OK);
    upload(1, 5000);
    fx_want(&fx, &op, STORE_WHY_BLOB);
    upload(1, sizeof(bytes));
    assert_int_equal(readable(21, 2, &b), ERR_NOTFOUND);
    fx_store(&fx, &p);
    assert_int_equal(readable(21, 2, &b), ERR_OK);
    assert_int_equal(readable(23, 2, &b), ERR_NOTFOUND); /* has no slot */
    assert_int_equal(readable_of(2, 21, 2, &b), ERR_NOTFOUND);
    assert_int_equal(readable_of(3, 21, 2, &b), ERR_NOTFOUND);
    assert_int_equal(readable(12, 1, &b), ERR_OK); /* the owner's */
    assert_int_equal(blob_download_open(fx.st, &b, &down), ERR_OK);
    assert_int_equal(blob_download_read(down, 40000, got, 100), ERR_OK);
    assert_memory_equal(got, bytes + 40000, 100);
    assert_int_equal(blob_download_read(down, sizeof(bytes) - 99, got, 100),
                     ERR_TOOBIG);
    blob_download_close(down);
    store_op_clear(&op);
    fx_packet_clear(&p);
}

static void
wrong_bytes_start_again(void **state)
{
    struct store_blob b;
    struct hash wrong = {{1}};

    (void)state;
    begin(1, STORE_OK);
    upload(1, 20000);
    b = info(1);
    complete(&b, &wrong, STORE_WHY_BLOB);
    assert_int_equal(begin(1, STORE_OK).have, 0);
    digest.b[0] ^= 1; /* announced otherwise than before */
    begin(1, STORE_WHY_CONFLICT);
    digest.b[0] ^= 1;
    upload(1, sizeof(bytes));
    assert_true(info(1).complete);
}

static void
what_no_packet_names_dies_after_two_days(void **state)
{
    struct agency_id owner = fx_agency(1);
    struct att_id att = fx_att(1);
    struct store_counts counts;
    struct store_blob b;

    (void)state;
    begin(1, STORE_OK);
    upload(1, sizeof(bytes));
    fx.now_ms += 48 * UINT64_C(1) * HOUR_MS - 1000;
    fx_sweep(&fx, 0);
    assert_int_equal(files(), 1);
    assert_int_equal(store_counts(fx.rd, &counts), ERR_OK);
    assert_int_equal(counts.blobs, 1);
    assert_int_equal(counts.blob_bytes, sizeof(bytes));
    fx.now_ms += 1000;
    fx_sweep(&fx, 0);
    assert_int_equal(store_counts(fx.rd, &counts), ERR_OK);
    assert_int_equal(counts.blobs, 0);
    assert_int_equal(counts.blob_bytes, 0);
    assert_int_equal(store_blob_info(fx.rd, &owner, &att, &b), ERR_NOTFOUND);
    assert_int_equal(files(), 0);
}

static void
attachments_live_as_long_as_the_last_packet(void **state)
{
    struct fx_packet p, q;

    (void)state;
    begin(1, STORE_OK);
    upload(1, sizeof(bytes));
    fx_packet_init(&fx, &p, 1, 24 * 5);
    fx_packet_init(&fx, &q, 2, 24 * 5);
    with_att(&p, 1);
    with_att(&q, 1);
    fx_store(&fx, &p);
    fx_store(&fx, &q);
    fx.now_ms += HOUR_MS; /* and not until the two days are over */
    fx_receipt(&fx, &p, 21, OUTCOME_OPENED, STORE_OK);
    fx_receipt(&fx, &p, 22, OUTCOME_OPENED, STORE_OK);
    fx_sweep(&fx, 0);
    assert_int_equal(files(), 1);
    fx_receipt(&fx, &q, 21, OUTCOME_OPENED, STORE_OK);
    fx_receipt(&fx, &q, 22, OUTCOME_OPENED, STORE_OK);
    fx_sweep(&fx, 0);
    assert_int_equal(files(), 0);
    fx_packet_clear(&p);
    fx_packet_clear(&q);
}

static void
attachments_of_expired_packets_wait_a_week(void **state)
{
    struct fx_packet p;

    (void)state;
    begin(1, STORE_OK);
    upload(1, sizeof(bytes));
    fx_packet_init(&fx, &p, 1, 24);
    with_att(&p, 1);
    fx_store(&fx, &p);
    fx.now_ms += 72 * UINT64_C(1) * HOUR_MS;
    assert_int_equal(fx_sweep(&fx, EVENT_EXPIRED), 1);
    assert_int_equal(files(), 1);
    fx.now_ms += STORE_BLOB_KEEP_S * UINT64_C(1000) - 1000;
    fx_sweep(&fx, 0);
    assert_int_equal(files(), 1);
    fx.now_ms += 1000;
    fx_sweep(&fx, 0);
    assert_int_equal(files(), 0);
    fx_packet_clear(&p);
}

static void
uploads_count_against_the_quota(void **state)
{
    struct fx_packet p;
    struct store_op op;

    (void)state;
    fx.config.pending_bytes_max = 2 * sizeof(bytes) - 1;
    fx_reopen(&fx);
    begin(1, STORE_OK);
    begin(2, STORE_WHY_QUOTA);
    fx.config.pending_bytes_max = sizeof(bytes) + 1000;
    fx_reopen(&fx);
    fx_packet_init(&fx, &p, 1, 24);
    fx_packet_op(&p, &op);
    fx_want(&fx, &op, STORE_WHY_QUOTA);
    fx.now_ms += 48 * UINT64_C(1) * HOUR_MS;
    fx_sweep(&fx, 0); /* the upload died */
    fx_packet_clear(&p);
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    store_op_clear(&op);
    fx_packet_clear(&p);
}

static void
leftovers_of_a_crash_are_swept_at_the_start(void **state)
{
    char path[OS_PATH_MAX];

    (void)state;
    assert_int_equal(
        os_path_join(path, sizeof(path), fx.dir, "blobs/77/0000000000000077"),
        ERR_OK);
    assert_int_equal(os_write_file_atomic(path, "x", 1, 0600), ERR_OK);
    assert_int_equal(files(), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_upload_goes_on_where_it_was_synced),
        CASE(a_packet_needs_its_attachments_complete),
        CASE(wrong_bytes_start_again),
        CASE(what_no_packet_names_dies_after_two_days),
        CASE(attachments_live_as_long_as_the_last_packet),
        CASE(attachments_of_expired_packets_wait_a_week),
        CASE(uploads_count_against_the_quota),
        CASE(leftovers_of_a_crash_are_swept_at_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
