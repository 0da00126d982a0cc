#include "client/draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/app.h"
#include "client/records.h"
#include "tests/lib/scratch.h"
#include "tests/lib/vault_fixture.h"

static const char story[] = "The lamp above the third door was always green.";

static struct app
app_here(void)
{
    struct app app = {.vault = fx.v};

    return app;
}

static json_t *
referral(const char *text)
{
    json_t *doc = json_object();

    json_put_str(doc, "type", "referral");
    json_put_str(doc, "survivor_comment", text);
    return doc;
}

/* A saved draft whose id starts with FIRST and SECOND. */
static struct draft
saved(uint8_t first, uint8_t second)
{
    struct app app = app_here();
    struct problem pb = {0};
    struct draft d;

    draft_new(&d, referral(story));
    d.id[0] = first;
    d.id[1] = second;
    assert_int_equal(draft_save(&app, &d, &pb), ERR_OK);
    return d;
}

static void
a_draft_comes_back_as_it_was_saved(void **state)
{
    struct draft d = saved(0xab, 0xcd);
    struct app app = app_here();
    struct problem pb = {0};
    struct draft back = {0};
    char hex[DRAFT_HEX_LEN];

    (void)state;
    snprintf(d.cursor, sizeof(d.cursor), "episode[2].from");
    assert_int_equal(draft_save(&app, &d, &pb), ERR_OK);
    fixture_crash();
    assert_int_equal(fixture_open(), ERR_OK);
    app = app_here();
    draft_hex(&d, hex);
    assert_int_equal(strlen(hex), 32);
    assert_int_equal(draft_load(&app, hex, &back, &pb), ERR_OK);
    assert_memory_equal(back.id, d.id, sizeof(d.id));
    assert_true(json_equal(back.doc, d.doc));
    assert_string_equal(back.cursor, "episode[2].from");
    assert_int_equal(back.created_ms, d.created_ms);
    assert_int_equal(back.changed_ms, d.changed_ms);
    draft_clear(&back);
    draft_clear(&d);
}

static void
a_draft_is_found_by_the_beginning_of_its_id(void **state)
{
    struct draft one = saved(0xab, 0xcd);
    struct draft two = saved(0xab, 0xce);
    struct draft same = saved(0xab, 0xce);
    struct app app = app_here();
    struct problem pb = {0};
    struct draft back = {0};

    (void)state;
    assert_int_equal(draft_load(&app, "abcd", &back, &pb), ERR_OK);
    assert_memory_equal(back.id, one.id, sizeof(one.id));
    draft_clear(&back);
    assert_int_equal(draft_load(&app, "abce", &back, &pb), ERR_CONFLICT);
    assert_int_equal(pb.id, P_AMBIGUOUS);
    assert_string_equal(pb.why, "2 ids start with \"abce\"");
    memset(&pb, 0, sizeof(pb));
    assert_int_equal(draft_load(&app, "abc", &back, &pb), ERR_NOTFOUND);
    assert_int_equal(pb.id, P_NOT_FOUND);
    memset(&pb, 0, sizeof(pb));
    assert_int_equal(draft_load(&app, "1234", &back, &pb), ERR_NOTFOUND);
    assert_string_equal(pb.why, "no draft's id starts with \"1234\"");
    draft_clear(&one);
    draft_clear(&two);
    draft_clear(&same);
}

static void
drafts_are_listed_oldest_first(void **state)
{
    struct draft one = saved(0x01, 0x01);
    struct draft two = saved(0x00, 0x02);
    struct app app = app_here();
    struct problem pb = {0};
    struct draft d = {0};
    size_t pos = 0;

    (void)state;
    assert_int_equal(draft_save(&app, &one, &pb), ERR_OK);
    assert_int_equal(draft_next(&app, &pos, &d, &pb), ERR_OK);
    assert_memory_equal(d.id, one.id, sizeof(d.id));
    draft_clear(&d);
    assert_int_equal(draft_next(&app, &pos, &d, &pb), ERR_OK);
    assert_memory_equal(d.id, two.id, sizeof(d.id));
    draft_clear(&d);
    assert_int_equal(draft_next(&app, &pos, &d, &pb), ERR_NOTFOUND);
    assert_int_equal(pb.id, P_NONE);
    draft_clear(&one);
    draft_clear(&two);
}

static void
nothing_of_a_draft_lies_on_the_disk_in_clear(void **state)
{
    struct draft d = saved(0x01, 0x01);

    (void)state;
    assert_false(scratch_contains(fx.scratch, story, sizeof(story) - 1));
    assert_false(scratch_contains(fx.scratch, "referral", 8));
    fixture_reopen();
    assert_false(scratch_contains(fx.scratch, story, sizeof(story) - 1));
    draft_clear(&d);
}

static void
a_deleted_draft_is_shredded_at_once(void **state)
{
    struct draft d = saved(0x01, 0x01);
    struct app app = app_here();
    struct problem pb = {0};
    struct vault_info before;
    struct vault_info after;
    struct draft back = {0};
    char hex[DRAFT_HEX_LEN];

    (void)state;
    draft_hex(&d, hex);
    vault_stat(fx.v, &before);
    assert_int_equal(draft_delete(&app, d.id, &pb), ERR_OK);
    vault_stat(fx.v, &after);
    /* A new epoch: the old keyring, with the key, is gone. */
    assert_true(after.epoch > before.epoch);
    assert_false(after.shred_pending);
    assert_int_equal(vault_count(fx.v, REC_DRAFT), 0);
    assert_int_equal(draft_load(&app, hex, &back, &pb), ERR_NOTFOUND);
    draft_clear(&d);
}

static void
a_record_that_is_no_draft_is_called_damaged(void **state)
{
    static const uint8_t id[VAULT_ID_LEN] = {0xde, 0xad};
    struct app app = app_here();
    struct problem pb = {0};
    struct draft d = {0};

    (void)state;
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_put(fx.v, REC_DRAFT, id, "{\"v\":1}", 7), ERR_OK);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
    assert_int_equal(draft_load(&app, "dead", &d, &pb), ERR_VERIFY);
    assert_int_equal(pb.id, P_VAULT_DAMAGED);
}

int
main(void)
{
#define ON_A_VAULT(f)                                                          \
    cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        ON_A_VAULT(a_draft_comes_back_as_it_was_saved),
        ON_A_VAULT(a_draft_is_found_by_the_beginning_of_its_id),
        ON_A_VAULT(drafts_are_listed_oldest_first),
        ON_A_VAULT(nothing_of_a_draft_lies_on_the_disk_in_clear),
        ON_A_VAULT(a_deleted_draft_is_shredded_at_once),
        ON_A_VAULT(a_record_that_is_no_draft_is_called_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
