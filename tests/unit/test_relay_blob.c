/* Attachments through a whole relay: up, cut, resumed, down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/os.h"
#include "proto/attachment.h"
#include "server/session.h"
#include "server/transfer.h"
#include "tests/lib/relay_rig.h"

static struct rig rig;
static struct buf blob; /* a bit more than a mebibyte */
static struct hash digest;
static const struct att_id att = {{0x41, 0x54, 0x54}};

static int
set_up(void **state)
{
    uint64_t len = attachment_ct_len(1100000);

    (void)state;
    rig_init(&rig);
    rig_start(&rig, NULL);
    for (uint64_t i = 0; i < len; i++)
        buf_u8(&blob, (uint8_t)(i * 31 + (i >> 9)));
    assert_int_equal(buf_status(&blob), ERR_OK);
    bulk_digest(&digest, blob.data, blob.len);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    buf_clear(&blob);
    rig_stop_and_check(&rig);
    return 0;
}

/* ---- small steps ---- */

static uint32_t
say_put(struct client *c, const struct att_id *id, const struct hash *d)
{
    struct msg_field f[] = {
        [BLOB_PUT_ATT_ID] = msg_bin(id->b, 16),
        [BLOB_PUT_CT_LEN] = msg_u(blob.len),
        [BLOB_PUT_DIGEST] = msg_bin(d->b, 32),
    };

    return client_say(c, MSG_BLOB_PUT, f, 3);
}

static const struct msg *
put(struct client *c)
{
    return client_hear(c, MSG_BLOB_AT, say_put(c, &att, &digest));
}

static void
pour(struct client *c, const struct msg *at, uint64_t from, uint64_t to)
{
    assert_int_equal(link_send_blob(c->link, (uint32_t)at->f[BLOB_AT_HANDLE].u,
                                    from, blob.data + from, to - from,
                                    clock_mono_ms()),
                     ERR_OK);
}

static uint32_t
say_end(struct client *c, const struct msg *at)
{
    struct msg_field f[] = {msg_u(at->f[BLOB_AT_HANDLE].u)};

    return client_say(c, MSG_BLOB_END, f, 1);
}

static void
upload(struct client *c)
{
    const struct msg *at = put(c);

    if (at->f[BLOB_AT_HAVE].u == blob.len)
        return;
    pour(c, at, at->f[BLOB_AT_HAVE].u, blob.len);
    at = client_hear(c, MSG_BLOB_AT, say_end(c, at));
    assert_int_equal(at->f[BLOB_AT_HAVE].u, blob.len);
    assert_int_equal(at->f[BLOB_AT_TOTAL].u, blob.len);
}

static uint32_t
say_get_of(struct client *c, unsigned owner, uint64_t offset, uint64_t len)
{
    struct msg_field f[] = {
        [BLOB_GET_OWNER] = msg_bin(rig.net.agencies[owner].id.b, 16),
        [BLOB_GET_ATT_ID] = msg_bin(att.b, 16),
        [BLOB_GET_OFFSET] = msg_u(offset),
        [BLOB_GET_LEN] = msg_u(len),
    };

    return client_say(c, MSG_BLOB_GET, f, 4);
}

static uint32_t
say_get(struct client *c, uint64_t offset, uint64_t len)
{
    return say_get_of(c, SHELTER, offset, len);
}

static unsigned
error_of(struct client *c, uint32_t req)
{
    return (unsigned)client_hear(c, MSG_ERROR, req)->f[ERROR_CODE].u;
}

static void
download_of(struct client *c, unsigned owner, uint64_t offset, uint64_t len)
{
    const struct msg *at =
        client_hear(c, MSG_BLOB_AT, say_get_of(c, owner, offset, len));

    assert_int_equal(at->f[BLOB_AT_HAVE].u, offset);
    assert_int_equal(at->f[BLOB_AT_TOTAL].u, blob.len);
    RIG_UNTIL(&rig, c->blob.len >= len);
    client_settle(c);
    assert_int_equal(c->blob.len, len);
    assert_int_equal(c->blob_handle, at->f[BLOB_AT_HANDLE].u);
    assert_int_equal(c->blob_first, offset);
    assert_memory_equal(c->blob.data, blob.data + offset, len);
    buf_clear(&c->blob);
}

static void
download(struct client *c, uint64_t offset, uint64_t len)
{
    download_of(c, SHELTER, offset, len);
}

/* A packet to the hub's device 1 that lists the attachment. */
static void
send_with_blob(struct client *from)
{
    static const unsigned device = 1;
    struct client *hub = client_greet(&rig, 1, 0);
    struct parcel p;

    client_put_prekey(hub, 1);
    client_close(hub);
    parcel_make(&rig, &p, 1, 1, &device, 1);
    p.h.n_atts = 1;
    p.h.atts[0] =
        (struct header_att){.id = att, .ct_len = blob.len, .digest = digest};
    parcel_encode(&p, 1);
    (void)client_send(from, &p);
    parcel_clear(&p);
}

/* ---- both ways ---- */

static void
an_attachment_goes_up_and_down_in_any_piece(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    struct client *to;

    (void)state;
    upload(from);
    send_with_blob(from);
    to = client_greet(&rig, 1, 1);
    (void)client_hear(to, MSG_DELIVER, 0);
    download(to, 0, blob.len);
    download(to, 70000, 1);
    download(to, TRANSFER_CHUNK - 1, TRANSFER_CHUNK + 2);
    download(to, blob.len - 5, 5);
    assert_int_equal(error_of(to, say_get(to, blob.len - 5, 6)), PERR_BLOB);
    assert_int_equal(error_of(to, say_get(to, blob.len, UINT64_C(1) << 35)),
                     PERR_BLOB);
}

static void
only_its_owner_and_its_addressees_may_read_it(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    struct client *church = client_greet(&rig, 5, 0);
    struct client *two = client_greet(&rig, 2, 0);

    (void)state;
    upload(from);
    send_with_blob(from);
    download(from, 0, 100);
    assert_int_equal(error_of(church, say_get(church, 0, 1)), PERR_BLOB);
    assert_int_equal(error_of(two, say_get(two, 0, 1)), PERR_BLOB);
}

/* Other bytes than before, and the same again with the next call. */
static void
invert(void)
{
    for (size_t i = 0; i < blob.len; i++)
        blob.data[i] ^= 0xff;
    bulk_digest(&digest, blob.data, blob.len);
}

/* Whoever got an attachment knows its att_id, and may use it again. */
static void
two_agencies_may_use_one_att_id_for_different_bytes(void **state)
{
    struct client *shelter = client_greet(&rig, 0, 0);
    struct client *church = client_greet(&rig, 5, 0);
    struct client *to;

    (void)state;
    upload(shelter);
    invert();
    upload(church);
    send_with_blob(church);
    to = client_greet(&rig, 1, 1);
    (void)client_hear(to, MSG_DELIVER, 0);
    download_of(to, CHURCH, 0, blob.len);
    /* The church's packet opens nothing of the shelter's. */
    assert_int_equal(error_of(to, say_get_of(to, SHELTER, 0, 1)), PERR_BLOB);
    assert_int_equal(error_of(church, say_get_of(church, SHELTER, 0, 1)),
                     PERR_BLOB);
    client_close(to);
    invert();
    send_with_blob(shelter);
    to = client_greet(&rig, 1, 1);
    (void)client_hear(to, MSG_DELIVER, 0);
    download_of(to, SHELTER, 0, blob.len);
    invert();
    download_of(to, CHURCH, 0, blob.len);
    download_of(church, CHURCH, 0, blob.len);
}

static void
a_complete_attachment_is_not_sent_again(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    struct hash other = {{1}};
    const struct msg *at;

    (void)state;
    upload(from);
    at = put(from);
    assert_int_equal(at->f[BLOB_AT_HAVE].u, blob.len);
    assert_int_equal(error_of(from, say_put(from, &att, &other)),
                     PERR_CONFLICT);
}

/* ---- cut and resumed ---- */

static void
an_upload_goes_on_where_the_connection_broke(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    uint64_t have, half = 600000;
    const struct msg *at = put(from);

    (void)state;
    assert_int_equal(at->f[BLOB_AT_HAVE].u, 0);
    pour(from, at, 0, half);
    client_settle(from); /* all of it has been read */
    client_close(from);
    from = client_greet(&rig, 0, 0);
    at = put(from);
    have = at->f[BLOB_AT_HAVE].u;
    assert_int_equal(have, half);
    upload(from);
    download(from, 0, blob.len);
    send_with_blob(from);
}

static void
all_bytes_without_an_end_make_a_whole_attachment(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    const struct msg *at = put(from);

    (void)state;
    pour(from, at, 0, blob.len);
    client_settle(from);
    client_close(from);
    from = client_greet(&rig, 0, 0);
    at = put(from);
    assert_int_equal(at->f[BLOB_AT_HAVE].u, blob.len);
    send_with_blob(from);
    download(from, 0, blob.len);
}

static void
a_client_that_comes_back_takes_its_upload_over(void **state)
{
    struct client *dead = client_greet(&rig, 0, 0);
    struct client *from = client_greet(&rig, 0, 0);
    const struct msg *old = put(dead), *at;
    uint64_t half = 300000;

    (void)state;
    pour(dead, old, 0, half);
    client_settle(dead);
    at = put(from);
    assert_int_equal(at->f[BLOB_AT_HAVE].u, half);
    pour(dead, old, half, blob.len); /* nobody listens any more */
    assert_int_equal(error_of(dead, say_end(dead, old)), PERR_BLOB);
    pour(from, at, half, blob.len);
    (void)client_hear(from, MSG_BLOB_AT, say_end(from, at));
    download(from, 0, blob.len);
}

/* The connection breaks after some turns, behind END, and is made anew. */
static void
an_end_whose_answer_is_lost_leaves_a_whole_attachment(void **state)
{
    bool done = false;

    for (unsigned turns = 0; !done; turns++) {
        struct client *from = client_greet(&rig, 0, 0);
        const struct msg *at = put(from);
        uint32_t req;

        pour(from, at, 0, blob.len);
        req = say_end(from, at);
        for (unsigned i = 0; i < turns && !done; i++) {
            rig_turn(&rig);
            done = client_take(from, MSG_BLOB_AT, req) != NULL;
        }
        client_close(from);
        from = client_greet(&rig, 0, 0);
        upload(from);
        send_with_blob(from);
        download(from, 0, blob.len);
        assert_true(turns < 500);
        if (!done) {
            (void)tear_down(state);
            (void)set_up(state);
        }
    }
}

static void
an_upload_survives_a_stop_at_any_turn(void **state)
{
    bool done = false;

    (void)state;
    for (unsigned turns = 0; !done; turns++) {
        struct client *from = client_greet(&rig, 0, 0);
        const struct msg *at = put(from);
        uint32_t req;

        done = at->f[BLOB_AT_HAVE].u == blob.len;
        if (!done) {
            pour(from, at, at->f[BLOB_AT_HAVE].u, blob.len);
            req = say_end(from, at);
            for (unsigned i = 0; i < turns && !done; i++) {
                rig_turn(&rig);
                done = client_take(from, MSG_BLOB_AT, req) != NULL;
            }
        }
        rig_halt(&rig);
        rig_start(&rig, NULL);
        assert_true(turns < 500);
    }
    send_with_blob(client_greet(&rig, 0, 0));
}

static void
a_download_may_be_left_at_any_turn(void **state)
{
    bool done = false;

    (void)state;
    upload(client_greet(&rig, 0, 0));
    for (unsigned turns = 0; !done; turns++) {
        struct client *c = client_greet(&rig, 0, 0);

        (void)say_get(c, 0, blob.len);
        for (unsigned i = 0; i < turns && !done; i++) {
            rig_turn(&rig);
            done = c->blob.len == blob.len;
        }
        client_close(c);
        RIG_UNTIL(&rig, rig.relay.session_count <= 1);
        assert_true(turns < 2000);
    }
}

/* ---- what goes wrong ---- */

static void
other_bytes_than_announced_are_dropped_and_may_come_again(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    const struct msg *at = put(from);

    (void)state;
    blob.data[77] ^= 1;
    pour(from, at, 0, blob.len);
    assert_int_equal(error_of(from, say_end(from, at)), PERR_BLOB);
    blob.data[77] ^= 1;
    at = put(from);
    assert_int_equal(at->f[BLOB_AT_HAVE].u, 0);
    pour(from, at, 0, blob.len);
    (void)client_hear(from, MSG_BLOB_AT, say_end(from, at));
}

static void
an_end_too_early_is_an_error_and_a_gap_ends_the_session(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    const struct msg *at = put(from);

    (void)state;
    pour(from, at, 0, 1000);
    assert_int_equal(error_of(from, say_end(from, at)), PERR_BLOB);
    assert_int_equal(error_of(from, say_end(from, at)), PERR_BLOB);
    at = put(from);
    pour(from, at, at->f[BLOB_AT_HAVE].u + 1, 2000);
    assert_int_equal(client_end(from), BYE_PROTOCOL);
}

/* END while a worker holds the bytes: what it holds outlives the failure. */
static void
an_end_too_early_may_come_at_any_turn(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    const struct msg *at;

    (void)state;
    for (unsigned turns = 0; turns < 3; turns++) {
        at = put(from);
        pour(from, at, at->f[BLOB_AT_HAVE].u, blob.len - 1);
        for (unsigned i = 0; i < turns; i++)
            rig_turn(&rig);
        assert_int_equal(error_of(from, say_end(from, at)), PERR_BLOB);
    }
    upload(from);
    download(from, 0, blob.len);
}

static void
bytes_beyond_the_end_end_the_session(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    const struct msg *at = put(from);

    (void)state;
    pour(from, at, 0, blob.len);
    assert_int_equal(link_send_blob(from->link,
                                    (uint32_t)at->f[BLOB_AT_HANDLE].u, blob.len,
                                    "x", 1, clock_mono_ms()),
                     ERR_OK);
    assert_int_equal(client_end(from), BYE_PROTOCOL);
}

static void
a_session_moves_four_attachments_at_a_time(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    struct att_id id = {{0}};

    (void)state;
    for (uint8_t i = 0; i < TRANSFERS_MAX; i++) {
        id.b[0] = i;
        (void)client_hear(from, MSG_BLOB_AT, say_put(from, &id, &digest));
    }
    id.b[0] = TRANSFERS_MAX;
    assert_int_equal(error_of(from, say_put(from, &id, &digest)), PERR_BUSY);
    client_settle(from);
}

static void
a_download_that_nobody_reads_waits(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    struct session *s;

    (void)state;
    upload(from);
    s = session_from_node(list_first(&rig.relay.sessions));
    from->is_deaf = from->is_careless = true;
    for (int i = 0; i < TRANSFERS_MAX; i++)
        (void)say_get(from, 0, blob.len);
    while (session_unsent(s) == 0)
        rig_turn(&rig);
    from->is_deaf = false;
    while (client_count(from, MSG_BLOB_AT) < TRANSFERS_MAX) {
        assert_true(session_unsent(s) < 3 * 1024 * 1024);
        rig_turn(&rig);
    }
    client_close(from);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_attachment_goes_up_and_down_in_any_piece),
        T(only_its_owner_and_its_addressees_may_read_it),
        T(two_agencies_may_use_one_att_id_for_different_bytes),
        T(a_complete_attachment_is_not_sent_again),
        T(an_upload_goes_on_where_the_connection_broke),
        T(all_bytes_without_an_end_make_a_whole_attachment),
        T(a_client_that_comes_back_takes_its_upload_over),
        T(an_end_whose_answer_is_lost_leaves_a_whole_attachment),
        T(an_upload_survives_a_stop_at_any_turn),
        T(a_download_may_be_left_at_any_turn),
        T(other_bytes_than_announced_are_dropped_and_may_come_again),
        T(an_end_too_early_is_an_error_and_a_gap_ends_the_session),
        T(an_end_too_early_may_come_at_any_turn),
        T(bytes_beyond_the_end_end_the_session),
        T(a_session_moves_four_attachments_at_a_time),
        T(a_download_that_nobody_reads_waits),
    };

    os_ignore_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
