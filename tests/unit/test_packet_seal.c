#include "proto/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/attachment.h"
#include "proto/pad.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/packet_fixture.h"

static void
what_was_sealed_opens_on_every_device(void **state)
{
    struct sealed_packet p = {.hdr = {0}};
    struct opened o = {.text = {0}};
    struct pkt_fixture f;

    (void)state;
    pkt_fixture_init(&f, 3, 2);
    f.draft.in_reply_to.b[0] = 7;
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        pkt_fixture_arrive(&f, &p, i);
        assert_int_equal(pkt_fixture_open(&f, &o), VERDICT_OPENED);
        assert_int_equal(o.cause, CAUSE_NONE);
        assert_true(id_eq(&o.pkt_digest, &p.pkt_digest));
        assert_true(id_eq(&o.opened, &p.opened));
        assert_true(id_eq(&o.prekey, &f.readers[i].prekey.id));
        assert_true(o.inner_is_read);
        assert_int_equal(o.in.in_reply_to.b[0], 7);
        assert_int_equal(o.in.dir.size, 12);
        assert_true(head_is_none(&o.in.dlv));
    }
    opened_clear(&o);
    packet_clear(&p);
    pkt_fixture_clear(&f);
}

static void
parts_and_attachment_keys_arrive(void **state)
{
    struct sealed_packet p = {.hdr = {0}};
    struct opened o = {.text = {0}};
    const struct inner_part *part;
    struct pkt_fixture f;

    (void)state;
    pkt_fixture_init(&f, 1, 2);
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_OK);
    pkt_fixture_arrive(&f, &p, 0);
    assert_int_equal(pkt_fixture_open(&f, &o), VERDICT_OPENED);
    part = inner_part(&o.in, 2);
    assert_non_null(part);
    assert_int_equal(part->len, f.parts[1].len);
    assert_memory_equal(part->bytes, f.parts[1].bytes, part->len);
    part = inner_part(&o.in, 4);
    assert_non_null(part);
    assert_false(part->here);
    assert_true(id_eq(&part->commit, &f.parts[2].commit));
    assert_null(inner_part(&o.in, 3));
    for (size_t i = 0; i < 2; i++) {
        const struct inner_att *att = inner_att(&o.in, &f.atts[i].att.id);

        assert_non_null(att);
        assert_memory_equal(att->key, f.atts[i].att.key, 32);
        assert_int_equal(att->plain_len, f.atts[i].att.plain_len);
    }
    opened_clear(&o);
    packet_clear(&p);
    pkt_fixture_clear(&f);
}

static void
packets_to_two_mailboxes_share_commitments_and_nothing_else(void **state)
{
    struct sealed_packet p[2] = {{.hdr = {0}}, {.hdr = {0}}};
    struct opened o[2] = {{.text = {0}}, {.text = {0}}};
    struct pkt_fixture f;

    (void)state;
    pkt_fixture_init(&f, 1, 1);
    for (unsigned i = 0; i < 2; i++) {
        pkt_fixture_bytes(f.draft.packet.b, 16, "packet", i);
        pkt_fixture_bytes(f.draft.mailbox.b, 16, "mailbox", i);
        f.opener.mailbox = f.draft.mailbox;
        /* The second mailbox may read less. */
        f.parts[1].here = i == 0;
        f.draft.n_atts = i == 0 ? 1 : 0;
        if (i == 1)
            f.parts[1].commit = inner_part(&o[0].in, 2)->commit;
        assert_int_equal(packet_seal(&p[i], &f.draft, NULL), ERR_OK);
        pkt_fixture_arrive(&f, &p[i], 0);
        assert_int_equal(pkt_fixture_open(&f, &o[i]), VERDICT_OPENED);
    }
    for (size_t i = 0; i < 3; i++)
        assert_true(id_eq(&o[0].in.parts[i].commit, &o[1].in.parts[i].commit));
    assert_true(inner_part(&o[0].in, 2)->here);
    assert_false(inner_part(&o[1].in, 2)->here);
    assert_false(id_eq(&o[0].pkt_digest, &o[1].pkt_digest));
    assert_memory_not_equal(p[0].wraps.data, p[1].wraps.data, WRAP_LEN);
    for (size_t i = 0; i < 2; i++) {
        opened_clear(&o[i]);
        packet_clear(&p[i]);
    }
    pkt_fixture_clear(&f);
}

static void
the_same_draft_seals_to_other_bytes_each_time(void **state)
{
    struct sealed_packet a = {.hdr = {0}}, b = {.hdr = {0}};
    struct pkt_fixture f;

    (void)state;
    pkt_fixture_init(&f, 1, 0);
    assert_int_equal(packet_seal(&a, &f.draft, NULL), ERR_OK);
    assert_int_equal(packet_seal(&b, &f.draft, NULL), ERR_OK);
    assert_memory_equal(a.hdr.data, b.hdr.data, a.hdr.len);
    assert_memory_not_equal(a.body.data, b.body.data, a.body.len);
    assert_false(id_eq(&a.pkt_digest, &b.pkt_digest));
    packet_clear(&a);
    packet_clear(&b);
    pkt_fixture_clear(&f);
}

static void
lists_of_a_draft_come_in_any_order(void **state)
{
    struct sealed_packet p = {.hdr = {0}};
    struct opened o = {.text = {0}};
    struct packet_recipient first;
    struct inner_part meta;
    struct pkt_fixture f;

    (void)state;
    pkt_fixture_init(&f, 3, 3);
    first = f.recipients[0];
    f.recipients[0] = f.recipients[2];
    f.recipients[2] = first;
    meta = f.parts[0];
    f.parts[0] = f.parts[2];
    f.parts[2] = meta;
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        pkt_fixture_arrive(&f, &p, i);
        assert_int_equal(pkt_fixture_open(&f, &o), VERDICT_OPENED);
    }
    assert_int_equal(o.in.parts[0].number, INNER_PART_META);
    opened_clear(&o);
    packet_clear(&p);
    pkt_fixture_clear(&f);
}

static void
a_recipient_with_an_invalid_prekey_is_named(void **state)
{
    struct sealed_packet p = {.hdr = {0}};
    size_t bad = 99;
    struct pkt_fixture f;

    (void)state;
    pkt_fixture_init(&f, 3, 0);
    /* Coefficients above the modulus of ML-KEM. */
    memset(f.recipients[1].key.b, 0xff, 1184);
    assert_int_equal(packet_seal(&p, &f.draft, &bad), ERR_VERIFY);
    assert_int_equal(bad, 1);
    assert_null(p.hdr.data);
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_VERIFY);
    pkt_fixture_clear(&f);
}

/* ---- what a draft may not say ---- */

static void
no_recipient(struct packet_draft *d)
{
    d->n_recipients = 0;
}
static void
no_part(struct packet_draft *d)
{
    d->n_parts = 0;
}
static void
no_meta(struct packet_draft *d)
{
    d->parts++;
    d->n_parts--;
}
static void
half_an_hour(struct packet_draft *d)
{
    d->not_after += 1800;
}
static void
unknown_class(struct packet_draft *d)
{
    d->class = 2;
}
static void
too_many_parts(struct packet_draft *d)
{
    d->n_parts = INNER_PARTS_MAX + 1;
}
static void
too_many_atts(struct packet_draft *d)
{
    d->n_atts = HEADER_ATTS_MAX + 1;
}
static void
too_many_recipients(struct packet_draft *d)
{
    d->n_recipients = HEADER_SLOTS_MAX + 1;
}

static void
drafts_outside_the_rules_are_refused(void **state)
{
    static void (*const spoil[])(struct packet_draft *) = {
        no_recipient,  no_part,        no_meta,       half_an_hour,
        unknown_class, too_many_parts, too_many_atts, too_many_recipients};
    struct sealed_packet p = {.hdr = {0}};
    struct pkt_fixture f;

    (void)state;
    pkt_fixture_init(&f, 2, 1);
    for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
        struct packet_draft d = f.draft;

        spoil[i](&d);
        assert_int_equal(packet_seal(&p, &d, NULL), ERR_MALFORMED);
        assert_null(p.hdr.data);
    }
    pkt_fixture_clear(&f);
}

static void
doubles_in_a_draft_are_refused(void **state)
{
    struct sealed_packet p = {.hdr = {0}};
    struct pkt_fixture f;

    (void)state;
    pkt_fixture_init(&f, 2, 2);
    f.atts[1].att.id = f.atts[0].att.id;
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_MALFORMED);
    f.draft.n_atts = 1;
    f.recipients[1].device = f.recipients[0].device;
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_MALFORMED);
    f.draft.n_recipients = 1;
    f.parts[2].number = f.parts[1].number;
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_MALFORMED);
    f.parts[2].number = 9;
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_OK);
    packet_clear(&p);
    pkt_fixture_clear(&f);
}

static void
an_attachment_is_at_most_64_gib_and_of_a_part_that_is_here(void **state)
{
    struct sealed_packet p = {.hdr = {0}};
    struct pkt_fixture f;

    (void)state;
    pkt_fixture_init(&f, 1, 1);
    f.atts[0].att.plain_len = ATTACHMENT_PLAIN_MAX + 1;
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_MALFORMED);
    f.atts[0].att.plain_len = ATTACHMENT_PLAIN_MAX;
    f.atts[0].att.part = 4; /* withheld */
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_MALFORMED);
    f.atts[0].att.part = 5; /* not listed */
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_MALFORMED);
    f.atts[0].att.part = 0;
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_OK);
    packet_clear(&p);
    pkt_fixture_clear(&f);
}

/* Length of INNER beside the bytes of the fixture's second part. */
static size_t
rest_of_inner(const struct pkt_fixture *f)
{
    return INNER_FIXED_LEN + 1 + 3 * 34 + 2 * (4 + 32) + f->parts[0].len + 2 +
           57 * f->draft.n_atts + 64;
}

static void
the_largest_packet_opens_and_one_byte_more_is_refused(void **state)
{
    struct sealed_packet p = {.hdr = {0}};
    struct opened o = {.text = {0}};
    struct pkt_fixture f;
    uint8_t *bytes;

    (void)state;
    pkt_fixture_init(&f, HEADER_SLOTS_MAX, HEADER_ATTS_MAX);
    bytes = calloc(1, INNER_LEN_MAX);
    assert_non_null(bytes);
    bytes[1000] = 42;
    f.parts[1].bytes = bytes;
    f.parts[1].len = INNER_LEN_MAX - rest_of_inner(&f) + 1;
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_TOOBIG);
    f.parts[1].len--;
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_OK);
    assert_int_equal(p.hdr.len, HEADER_LEN_MAX);
    assert_int_equal(p.wraps.len, HEADER_SLOTS_MAX * WRAP_LEN);
    assert_int_equal(p.body.len, LIMIT_BODY);
    for (size_t i = 0; i < HEADER_SLOTS_MAX; i += 85) {
        pkt_fixture_arrive(&f, &p, i);
        assert_int_equal(pkt_fixture_open(&f, &o), VERDICT_OPENED);
        assert_int_equal(o.inner_len, INNER_LEN_MAX);
        assert_int_equal(inner_part(&o.in, 2)->bytes[1000], 42);
    }
    opened_clear(&o);
    packet_clear(&p);
    free(bytes);
    pkt_fixture_clear(&f);
}

static void
sixteen_parts_fit(void **state)
{
    struct inner_part parts[INNER_PARTS_MAX] = {{0}};
    struct sealed_packet p = {.hdr = {0}};
    struct opened o = {.text = {0}};
    struct pkt_fixture f;

    (void)state;
    pkt_fixture_init(&f, 1, 0);
    for (unsigned i = 0; i < INNER_PARTS_MAX; i++) {
        parts[i].number = (uint8_t)(i * 17);
        parts[i].here = i % 2 == 0;
    }
    f.draft.parts = parts;
    f.draft.n_parts = INNER_PARTS_MAX;
    assert_int_equal(packet_seal(&p, &f.draft, NULL), ERR_OK);
    pkt_fixture_arrive(&f, &p, 0);
    assert_int_equal(pkt_fixture_open(&f, &o), VERDICT_OPENED);
    assert_int_equal(o.in.n_parts, INNER_PARTS_MAX);
    assert_int_equal(inner_part(&o.in, 255)->here, false);
    opened_clear(&o);
    packet_clear(&p);
    pkt_fixture_clear(&f);
}

static void
running_out_of_memory_leaves_nothing_half_made(void **state)
{
    struct pkt_fixture f;
    unsigned long n = 0;

    (void)state;
    pkt_fixture_init(&f, 2, 1);
    for (;; n++) {
        struct sealed_packet p = {.hdr = {0}};
        struct opened o = {.text = {0}};
        enum err rc;

        fail_alloc_at(n);
        rc = packet_seal(&p, &f.draft, NULL);
        if (rc == ERR_OK) {
            pkt_fixture_arrive(&f, &p, 1);
            rc = packet_open(&o, &f.arrival, &f.opener);
        } else {
            assert_null(p.hdr.data);
        }
        opened_clear(&o);
        packet_clear(&p);
        if (!fail_alloc_off()) {
            assert_int_equal(rc, ERR_OK);
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
    }
    assert_true(n > 5);
    pkt_fixture_clear(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens_on_every_device),
        cmocka_unit_test(parts_and_attachment_keys_arrive),
        cmocka_unit_test(
            packets_to_two_mailboxes_share_commitments_and_nothing_else),
        cmocka_unit_test(the_same_draft_seals_to_other_bytes_each_time),
        cmocka_unit_test(lists_of_a_draft_come_in_any_order),
        cmocka_unit_test(a_recipient_with_an_invalid_prekey_is_named),
        cmocka_unit_test(drafts_outside_the_rules_are_refused),
        cmocka_unit_test(doubles_in_a_draft_are_refused),
        cmocka_unit_test(
            an_attachment_is_at_most_64_gib_and_of_a_part_that_is_here),
        cmocka_unit_test(the_largest_packet_opens_and_one_byte_more_is_refused),
        cmocka_unit_test(sixteen_parts_fit),
        cmocka_unit_test(running_out_of_memory_leaves_nothing_half_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
