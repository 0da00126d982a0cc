/* Attachments in the vault: made here, come down, swept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/blobs.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "common/os.h"
#include "proto/attachment.h"
#include "tests/lib/desk_fixture.h"
#include "tests/lib/lying_relay.h"
#include "tests/lib/vault_fixture.h"

enum { PLAIN_LEN = 3000 };

static struct problem pb;
static uint8_t *blobs[2]; /* as they lie at the relay */

static int
setup(void **state)
{
    if (desk_fixture_setup(state) != 0)
        return -1;
    relay_begin();
    memset(&pb, 0, sizeof(pb));
    return 0;
}

static int
teardown(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        free(blobs[i]);
        blobs[i] = NULL;
    }
    relay_end();
    return desk_fixture_teardown(state);
}

/* Number N at the relay: PLAIN_LEN bytes of FILL, sealed under KEY. */
static struct mail_att
at_the_relay(size_t n, const struct agency_id *owner, const struct att_id *id,
             uint8_t fill, const uint8_t key[32])
{
    uint64_t len = attachment_ct_len(PLAIN_LEN);
    struct mail_att att = {
        .owner = *owner, .id = *id, .size = PLAIN_LEN, .ct_len = len};
    uint8_t plain[CHUNKED_PLAIN_LEN];
    struct attachment a;
    uint8_t *to = calloc(1, len);

    assert_non_null(to);
    memset(plain, fill, PLAIN_LEN);
    assert_int_equal(attachment_seal_init(&a, key, id, PLAIN_LEN, NULL, to),
                     ERR_OK);
    assert_int_equal(a.chunks, 1);
    assert_int_equal(
        attachment_seal_chunk(&a, 0, plain, to + chunked_offset(0)), ERR_OK);
    attachment_clear(&a);
    bulk_digest(&att.digest, to, len);
    blobs[n] = to;
    relay.blobs[relay.n_blobs++] = (struct relay_blob){*owner, *id, {to, len}};
    return att;
}

static void
assert_opens_as(const struct mail_att *att, const uint8_t key[32], uint8_t fill)
{
    uint8_t want[PLAIN_LEN], got[PLAIN_LEN];
    char path[OS_PATH_MAX];
    int fd = -1;

    memset(want, fill, sizeof(want));
    assert_int_equal(os_path_join(path, sizeof(path), fx.scratch, "out"),
                     ERR_OK);
    assert_int_equal(os_open(&fd, path, OS_CREATE, 0600), ERR_OK);
    assert_int_equal(os_truncate(fd, 0), ERR_OK);
    assert_int_equal(blob_open_to(&df.app, att, key, fd, &pb), ERR_OK);
    assert_int_equal(os_pread(fd, got, sizeof(got), 0), ERR_OK);
    assert_memory_equal(got, want, sizeof(got));
    os_close(&fd);
}

/* A third agency that knows an att_id sends other bytes under it, before or
 * after the honest packet. */
static void
one_att_id_of_two_agencies_is_two_attachments(void **state)
{
    static const struct att_id id = {{0x41, 0x54, 0x54}};
    static const struct agency_id third = {{3}};
    static const uint8_t key[2][32] = {{1}, {2}};
    struct mail_att att[2];

    (void)state;
    att[0] = at_the_relay(0, &third, &id, 'x', key[0]);
    att[1] = at_the_relay(1, &df.net.agencies[THEY].id, &id, 'y', key[1]);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(blob_download(&df.d, &att[i], key[i], &pb), ERR_OK);
    assert_int_equal(vault_count(df.app.vault, REC_BLOB), 2);
    assert_opens_as(&att[0], key[0], 'x');
    assert_opens_as(&att[1], key[1], 'y');
    /* What came is there: nothing is fetched again, nor from elsewhere. */
    relay.n_blobs = 0;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(blob_download(&df.d, &att[i], key[i], &pb), ERR_OK);
    blob_forget(&df.app, &third, &id);
    assert_int_equal(vault_count(df.app.vault, REC_BLOB), 1);
    assert_opens_as(&att[1], key[1], 'y');
}

static void
keep_mail(const struct mail_att *att)
{
    struct mail m = {.id = {{9}}, .direction = INDEX_IN, .state = MAIL_STORED};

    assert_int_equal(mail_atts(&m, 1), ERR_OK);
    m.atts[0] = *att;
    assert_int_equal(mail_save(&df.app, &m, &pb), ERR_OK);
    mail_clear(&m);
}

/* Sealed here, so no download waits to be resumed. */
static struct mail_att
sealed(const struct agency_id *owner, const char *path)
{
    struct packet_att a = {0};
    char name[256];

    assert_int_equal(blob_seal(&df.app, owner, path, &a, name, &pb), ERR_OK);
    return (struct mail_att){.owner = *owner, .id = a.att.id};
}

static void
the_sweep_keeps_what_a_packet_of_that_agency_lists(void **state)
{
    static const struct agency_id third = {{3}};
    const struct agency_id *we = &df.net.agencies[WE].id;
    char path[OS_PATH_MAX];
    struct mail_att att;

    (void)state;
    assert_int_equal(os_path_join(path, sizeof(path), fx.scratch, "in"),
                     ERR_OK);
    assert_int_equal(os_write_file_atomic(path, "some text", 9, 0600), ERR_OK);
    att = sealed(we, path);
    keep_mail(&att);
    assert_int_equal(blobs_sweep(&df.app, &pb), ERR_OK);
    assert_int_equal(vault_count(df.app.vault, REC_BLOB), 1);
    att.owner = third;
    keep_mail(&att);
    assert_int_equal(blobs_sweep(&df.app, &pb), ERR_OK);
    assert_int_equal(vault_count(df.app.vault, REC_BLOB), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_att_id_of_two_agencies_is_two_attachments),
        TEST(the_sweep_keeps_what_a_packet_of_that_agency_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
