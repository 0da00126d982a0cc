#include "client/index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/index_impl.h"
#include "tests/lib/fail_alloc.h"

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static struct index *ix;

static int
setup(void **state)
{
    (void)state;
    return index_new(&ix) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    index_free(ix);
    return 0;
}

/* Packet NUMBER: its id starts with that byte, it is that old. */
static struct index_packet
make(uint8_t number, const char *subject)
{
    struct index_packet p = {
        .created_ms = number * UINT64_C(1000),
        .direction = INDEX_IN,
        .subject = subject,
    };

    p.id.b[0] = number;
    p.id.b[15] = 0x11;
    p.peer_agency.b[0] = 0xaa;
    return p;
}

static void
put(const struct index_packet *p, const char *text)
{
    assert_int_equal(index_put_packet(ix, p, text), ERR_OK);
}

/* ---- collecting ---- */

struct found {
    char text[64]; /* first bytes of the ids, in order: "3 1 2" */
    size_t stop_after;
};

static bool
note(struct found *f, uint8_t number)
{
    size_t len = strlen(f->text);

    snprintf(f->text + len, sizeof(f->text) - len, "%s%d", len > 0 ? " " : "",
             number);
    return f->stop_after == 0 || --f->stop_after > 0;
}

static bool
note_packet(void *arg, const struct index_packet *packet)
{
    return note(arg, packet->id.b[0]);
}

static bool
note_thread(void *arg, const struct index_thread *thread)
{
    return note(arg, thread->id.b[0]);
}

static void
expect(const struct index_filter *filter, const char *want)
{
    struct found f = {0};
    size_t count = 99, numbers = want[0] != '\0';

    assert_int_equal(index_list(ix, filter, note_packet, &f), ERR_OK);
    assert_string_equal(f.text, want);
    for (; *want != '\0'; want++)
        numbers += *want == ' ';
    assert_int_equal(index_count(ix, filter, &count), ERR_OK);
    if (filter->limit == 0 && filter->skip == 0)
        assert_int_equal(count, numbers);
}

static void
expect_search(const char *words, const char *want)
{
    const struct index_filter filter = {.search = words};

    expect(&filter, want);
}

static void
expect_threads(const struct index_thread_filter *filter, const char *want)
{
    struct found f = {0};

    assert_int_equal(index_list_threads(ix, filter, note_thread, &f), ERR_OK);
    assert_string_equal(f.text, want);
}

/* ---- packets ---- */

static void
a_packet_comes_back_as_it_was_put(void **state)
{
    struct index_packet p = make(7, "Placement for one, tonight"), got = {0};

    (void)state;
    p.thread.b[3] = 1;
    p.in_reply_to.b[4] = 2;
    p.peer_mailbox.b[5] = 3;
    p.own_mailbox.b[6] = 4;
    p.stored_ms = UINT64_C(1) << 40;
    p.handed_ms = 8;
    p.not_after_s = 9;
    p.type = 10;
    p.state = 4000000000;
    p.is_unread = true;
    put(&p, "text");
    assert_int_equal(index_get(ix, &p.id, 0, &got), ERR_OK);
    assert_string_equal(got.subject, p.subject);
    free((void *)(uintptr_t)got.subject);
    got.subject = p.subject;
    assert_memory_equal(got.id.b, p.id.b, 16);
    assert_memory_equal(got.thread.b, p.thread.b, 16);
    assert_memory_equal(got.in_reply_to.b, p.in_reply_to.b, 16);
    assert_memory_equal(got.peer_agency.b, p.peer_agency.b, 16);
    assert_memory_equal(got.peer_mailbox.b, p.peer_mailbox.b, 16);
    assert_memory_equal(got.own_mailbox.b, p.own_mailbox.b, 16);
    assert_int_equal(got.created_ms, p.created_ms);
    assert_int_equal(got.stored_ms, p.stored_ms);
    assert_int_equal(got.handed_ms, 8);
    assert_int_equal(got.not_after_s, 9);
    assert_int_equal(got.type, 10);
    assert_int_equal(got.state, 4000000000);
    assert_int_equal(got.direction, INDEX_IN);
    assert_true(got.is_unread);
}

static void
a_packet_is_changed_in_place(void **state)
{
    struct index_packet p = make(7, "old"), got = {0};
    struct packet_id none = {{1}};

    (void)state;
    put(&p, NULL);
    assert_int_equal(index_set_state(ix, &p.id, INDEX_IN, 5), ERR_OK);
    assert_int_equal(index_set_times(ix, &p.id, INDEX_IN, 11, 0), ERR_OK);
    assert_int_equal(index_set_times(ix, &p.id, INDEX_IN, 0, 12), ERR_OK);
    assert_int_equal(index_set_unread(ix, &p.id, INDEX_IN, true), ERR_OK);
    assert_int_equal(index_get(ix, &p.id, 0, &got), ERR_OK);
    assert_int_equal(got.state, 5);
    assert_int_equal(got.stored_ms, 11);
    assert_int_equal(got.handed_ms, 12);
    assert_true(got.is_unread);
    index_packet_clear(&got);
    assert_int_equal(index_set_state(ix, &p.id, INDEX_OUT, 5), ERR_NOTFOUND);
    assert_int_equal(index_set_times(ix, &none, INDEX_IN, 1, 1), ERR_NOTFOUND);
    assert_int_equal(index_set_unread(ix, &none, INDEX_IN, 1), ERR_NOTFOUND);
    assert_int_equal(index_delete_packet(ix, &p.id, INDEX_IN), ERR_OK);
    assert_int_equal(index_delete_packet(ix, &p.id, INDEX_IN), ERR_OK);
    assert_int_equal(index_get(ix, &p.id, 0, &got), ERR_NOTFOUND);
}

static void
a_replaced_packets_words_are_forgotten(void **state)
{
    struct index_packet p = make(7, "heron");

    (void)state;
    put(&p, "pelican");
    p.subject = "stork";
    put(&p, "crane");
    expect_search("heron", "");
    expect_search("pelican", "");
    expect_search("stork crane", "7");
    assert_int_equal(index_delete_packet(ix, &p.id, INDEX_IN), ERR_OK);
    expect_search("stork", "");
    p.id.b[0] = 8;
    p.subject = "ibis";
    put(&p, NULL);
    expect_search("stork", "");
    expect_search("ibis", "8");
}

static void
one_name_for_two_agencies_is_a_conflict(void **state)
{
    struct index_packet p = make(7, "one"), got = {0};

    (void)state;
    put(&p, NULL);
    p.peer_agency.b[0] = 0xbb;
    assert_int_equal(index_put_packet(ix, &p, NULL), ERR_CONFLICT);
    /* But one may write to a mailbox of one's own. */
    p.direction = INDEX_OUT;
    put(&p, NULL);
    assert_int_equal(index_get(ix, &p.id, INDEX_BIT(INDEX_OUT), &got), ERR_OK);
    assert_int_equal(got.peer_agency.b[0], 0xbb);
    index_packet_clear(&got);
    assert_int_equal(index_get(ix, &p.id, 0, &got), ERR_OK);
    assert_int_equal(got.peer_agency.b[0], 0xaa);
    index_packet_clear(&got);
}

/* ---- lists ---- */

static void
lists_are_filtered_and_ordered(void **state)
{
    struct thread_id thread = {{9}};
    struct agency_id agency = {{0xcc}};
    struct mailbox_id mailbox = {{0xdd}};
    struct packet_id parent = {{1}};
    struct index_packet p;

    (void)state;
    for (uint8_t i = 1; i <= 6; i++) {
        p = make(i, "subject");
        p.direction = i % 2 == 0 ? INDEX_OUT : INDEX_IN;
        p.state = i == 6 ? 40 : i;
        p.type = i == 3 ? 33 : 2;
        p.is_unread = i > 4;
        if (i == 2 || i == 5)
            p.thread = thread;
        if (i == 3)
            p.peer_agency = agency;
        if (i == 4)
            p.peer_mailbox = mailbox;
        if (i == 5)
            p.own_mailbox = mailbox;
        if (i == 6)
            p.in_reply_to = parent;
        put(&p, NULL);
    }
    expect(&(struct index_filter){0}, "6 5 4 3 2 1");
    expect(&(struct index_filter){.order = INDEX_OLDEST_FIRST}, "1 2 3 4 5 6");
    expect(&(struct index_filter){.directions = INDEX_BIT(INDEX_OUT)}, "6 4 2");
    expect(&(struct index_filter){.states = INDEX_BIT(1) | INDEX_BIT(4)},
           "4 1");
    expect(&(struct index_filter){.states = INDEX_BIT(8)}, "");
    expect(&(struct index_filter){.types = INDEX_BIT(2)}, "6 5 4 2 1");
    expect(&(struct index_filter){.types = INDEX_BIT(1)}, "");
    expect(&(struct index_filter){.only_unread = true}, "6 5");
    expect(&(struct index_filter){.thread = &thread}, "5 2");
    expect(&(struct index_filter){.agency = &agency}, "3");
    expect(&(struct index_filter){.mailbox = &mailbox}, "5 4");
    expect(&(struct index_filter){.in_reply_to = &parent}, "6");
    expect(
        &(struct index_filter){.created_from_ms = 2000, .created_to_ms = 4000},
        "3 2");
    expect(&(struct index_filter){.limit = 2, .skip = 1}, "5 4");
    expect(&(struct index_filter){.id_prefix = "0"}, "6 5 4 3 2 1");
    expect(&(struct index_filter){.id_prefix = "03-00"}, "3");
    expect(&(struct index_filter){.thread = &thread, .only_unread = true}, "5");
}

static void
a_list_stops_when_told(void **state)
{
    struct found f = {.stop_after = 2};

    (void)state;
    for (uint8_t i = 1; i <= 4; i++) {
        struct index_packet p = make(i, "");

        put(&p, NULL);
    }
    assert_int_equal(index_list(ix, &(struct index_filter){0}, note_packet, &f),
                     ERR_OK);
    assert_string_equal(f.text, "4 3");
    expect(&(struct index_filter){0}, "4 3 2 1");
}

/* ---- search ---- */

static void
search_finds_words_beginnings_and_phrases(void **state)
{
    struct index_packet p = make(1, "Unterkunft f\xc3\xbcr Frau K.");

    (void)state;
    put(&p, "She was seen at the blue door in L\xc3\xbctzowstra\xc3\x9f"
            "e, with a child.");
    p = make(2, "Advice");
    put(&p, "The door is blue; nobody was seen. NEAR OR AND NOT");
    expect_search("blue door", "2 1");
    expect_search("\"blue door\"", "1");
    expect_search("BLUE", "2 1");
    expect_search("unterk", "1");
    expect_search("unterk child", ""); /* only the last may be a beginning */
    expect_search("child unterk", "1");
    expect_search("fur frau", "1");
    expect_search("l\xc3\xbctzow", "1");
    expect_search("nobody -seen", "2");
    expect_search("blue absent", "");
    expect_search("blue \xe2\x80\x94", "2 1");
    expect(&(struct index_filter){.search = "door", .id_prefix = "02"}, "2");
}

static void
no_search_is_a_program(void **state)
{
    static const char *const typed[] = {
        "\"",      "\"\"",     "*",        "blue*",     "(blue",
        "blue)",   "NEAR",     "AND",      "subject:x", "{a b}:",
        "^blue",   "blue + x", "'; DROP",  "\"blue",    "a\"b\"c",
        "-- x",    "\x01",     "\xff\xfe", "\xc3",      "col : x",
        "NOT NOT", "blue\"",   "\"a\"*",   "x'00'",     "?1"};
    struct index_packet p = make(1, "blue");

    (void)state;
    put(&p, NULL);
    for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
        const struct index_filter filter = {.search = typed[i]};
        size_t count;

        assert_int_equal(index_count(ix, &filter, &count), ERR_OK);
    }
    expect_search("", "");
    expect_search(" . - ", "");
    expect_search("blue - *", "1");
    expect_search("\"blue", "1");
    expect_search("BLUE*", "1");
}

/* ---- threads ---- */

static void
threads_are_counted_from_packets(void **state)
{
    struct index_packet p;

    (void)state;
    for (uint8_t i = 1; i <= 5; i++) {
        p = make(i, i == 4 ? "" : "word");
        p.thread.b[0] = i <= 4 ? 1 : 2;
        p.is_unread = i == 2;
        put(&p, i == 5 ? "pelican" : NULL);
    }
    p = make(6, "in no thread");
    put(&p, NULL);
    assert_int_equal(
        index_put_thread(ix, &(struct thread_id){{1}}, "Heron", 3, 500),
        ERR_OK);
    assert_int_equal(index_put_thread(ix, &(struct thread_id){{3}}, NULL, 0, 0),
                     ERR_OK);
    expect_threads(&(struct index_thread_filter){0}, "2 1 3");
    expect_threads(&(struct index_thread_filter){.order = INDEX_OLDEST_FIRST},
                   "3 1 2");
    expect_threads(&(struct index_thread_filter){.only_unread = true}, "1");
    expect_threads(&(struct index_thread_filter){.statuses = INDEX_BIT(3)},
                   "1");
    expect_threads(&(struct index_thread_filter){.statuses = INDEX_BIT(0)},
                   "2 3");
    expect_threads(&(struct index_thread_filter){.due_before_s = 500}, "");
    expect_threads(&(struct index_thread_filter){.due_before_s = 501}, "1");
    expect_threads(&(struct index_thread_filter){.search = "heron"}, "1");
    expect_threads(&(struct index_thread_filter){.search = "pelican"}, "2");
    expect_threads(&(struct index_thread_filter){.id_prefix = "02"}, "2");
    expect_threads(&(struct index_thread_filter){.limit = 1}, "2");
    assert_int_equal(
        index_put_thread(ix, &(struct thread_id){{1}}, "Stork", 4, 0), ERR_OK);
    expect_threads(&(struct index_thread_filter){.search = "heron"}, "");
    expect_threads(&(struct index_thread_filter){.search = "sto"}, "1");
    expect_threads(&(struct index_thread_filter){.statuses = INDEX_BIT(4)},
                   "1");
}

static bool
check_thread(void *arg, const struct index_thread *thread)
{
    (void)arg;
    assert_string_equal(thread->label, "Heron");
    assert_string_equal(thread->subject, "third");
    assert_int_equal(thread->status, 3);
    assert_int_equal(thread->due_s, 500);
    assert_int_equal(thread->packet_count, 4);
    assert_int_equal(thread->unread_count, 2);
    assert_int_equal(thread->last_ms, 4000);
    assert_int_equal(thread->peer_agency.b[0], 4);
    return true;
}

static void
a_thread_shows_its_newest_packet(void **state)
{
    (void)state;
    for (uint8_t i = 1; i <= 4; i++) {
        struct index_packet p = make(i, i == 3 ? "third" : i < 3 ? "x" : "");

        p.thread.b[0] = 1;
        p.is_unread = i < 3;
        p.peer_agency.b[0] = i;
        put(&p, NULL);
    }
    assert_int_equal(
        index_put_thread(ix, &(struct thread_id){{1}}, "Heron", 3, 500),
        ERR_OK);
    assert_int_equal(index_list_threads(ix, &(struct index_thread_filter){0},
                                        check_thread, NULL),
                     ERR_OK);
}

/* ---- names ---- */

static void
a_beginning_names_one_packet_or_none(void **state)
{
    static const struct {
        const char *hex;
        enum err rc;
        size_t matches;
    } cases[] = {
        {"2", ERR_OK, 1},
        {"20-00", ERR_OK, 1},
        {"20000000000000000000000000000011", ERR_OK, 1},
        {"1", ERR_CONFLICT, 2},
        {"1a", ERR_OK, 1},
        {"1A", ERR_OK, 1},
        {"3", ERR_NOTFOUND, 99},
        {"", ERR_MALFORMED, 99},
        {"-", ERR_MALFORMED, 99},
        {"2g", ERR_MALFORMED, 99},
        {"200000000000000000000000000000110", ERR_MALFORMED, 99},
    };
    struct index_packet p = make(0x1a, "");
    struct thread_id thread;

    (void)state;
    p.thread.b[0] = 5;
    put(&p, NULL);
    p.direction = INDEX_OUT;
    put(&p, NULL);
    p = make(0x1b, "");
    put(&p, NULL);
    p = make(0x20, "");
    put(&p, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct packet_id id;
        size_t matches = 99;

        assert_int_equal(index_find_packet(ix, cases[i].hex, 0, &id, &matches),
                         cases[i].rc);
        assert_int_equal(matches, cases[i].matches);
    }
    assert_int_equal(index_find_thread(ix, "05", &thread, NULL), ERR_OK);
    assert_int_equal(thread.b[0], 5);
    assert_int_equal(index_find_thread(ix, "0", &thread, NULL), ERR_OK);
    assert_int_equal(index_find_thread(ix, "6", &thread, NULL), ERR_NOTFOUND);
}

/* ---- the rest ---- */

static void
nothing_is_written_to_a_disk(void **state)
{
    (void)state;
    assert_string_equal(sqlite3_db_filename(ix->db, "main"), "");
    assert_int_equal(index_begin(ix), ERR_OK);
    for (unsigned i = 0; i < 2000; i++) {
        struct index_packet p = make((uint8_t)i, "a subject to sort by");

        p.id.b[1] = (uint8_t)(i >> 8);
        put(&p, "words enough to merge some segments");
    }
    assert_int_equal(index_commit(ix), ERR_OK);
    for (int file = 0; file < 2; file++) {
        sqlite3_stmt *s;

        assert_int_equal(sqlite3_prepare_v2(ix->db,
                                            file == 0 ? "PRAGMA temp_store"
                                                      : "PRAGMA secure_delete",
                                            -1, &s, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(s, 0), file == 0 ? 2 : 1);
        sqlite3_finalize(s);
    }
}

static void
every_failed_allocation_is_told(void **state)
{
    (void)state;
    for (unsigned long n = 0;; n++) {
        struct index_packet p = make(1, "heron"), got = {0};
        struct index *mine = NULL;
        size_t count = 0;
        enum err rc;

        fail_alloc_at(n);
        rc = index_new(&mine);
        if (rc == ERR_OK)
            rc = index_put_packet(mine, &p, "text");
        if (rc == ERR_OK)
            rc = index_count(mine, &(struct index_filter){.search = "text"},
                             &count);
        if (rc == ERR_OK)
            rc = index_get(mine, &p.id, 0, &got);
        index_packet_clear(&got);
        index_free(mine);
        if (!fail_alloc_off()) {
            assert_int_equal(rc, ERR_OK);
            assert_int_equal(count, 1);
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_packet_comes_back_as_it_was_put),
        test(a_packet_is_changed_in_place),
        test(a_replaced_packets_words_are_forgotten),
        test(one_name_for_two_agencies_is_a_conflict),
        test(lists_are_filtered_and_ordered),
        test(a_list_stops_when_told),
        test(search_finds_words_beginnings_and_phrases),
        test(no_search_is_a_program),
        test(threads_are_counted_from_packets),
        test(a_thread_shows_its_newest_packet),
        test(a_beginning_names_one_packet_or_none),
        test(nothing_is_written_to_a_disk),
        test(every_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
