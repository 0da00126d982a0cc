#include "proto/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "proto/crypto.h"
#include "proto/merkle.h"

static struct event
sample(void)
{
    struct event ev = {
        .type = EVENT_HANDED_OVER,
        .class = 1,
        .size_class = 13,
        .reason = 0x0102,
        .time_ms = 0x1112131415161718,
        .not_after = 0x2122232425262728,
        .ref = 0x3132333435363738,
    };

    memset(ev.packet.b, 0xa1, 16);
    memset(ev.sender.b, 0xa2, 16);
    memset(ev.recipient.b, 0xa3, 16);
    memset(ev.actor.b, 0xa4, 16);
    memset(ev.pkt_digest.b, 0xa5, 32);
    memset(ev.evidence.b, 0xa6, 32);
    return ev;
}

static void
an_event_lies_in_its_160_bytes_as_written_down(void **state)
{
    static const struct {
        size_t at, len;
        uint8_t first;
    } fields[] = {
        {0, 1, 1},      {1, 1, 2},      {2, 1, 1},       {3, 1, 13},
        {4, 2, 1},      {6, 2, 0},      {8, 8, 0x11},    {16, 16, 0xa1},
        {32, 16, 0xa2}, {48, 16, 0xa3}, {64, 16, 0xa4},  {80, 32, 0xa5},
        {112, 8, 0x21}, {120, 8, 0x31}, {128, 32, 0xa6},
    };
    struct event ev = sample(), back;
    uint8_t bytes[EVENT_LEN];
    size_t end = 0;

    (void)state;
    event_encode(&ev, bytes);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        assert_int_equal(fields[i].at, end);
        assert_int_equal(bytes[fields[i].at], fields[i].first);
        end += fields[i].len;
    }
    assert_int_equal(end, EVENT_LEN);
    assert_int_equal(event_decode(bytes, &back), ERR_OK);
    assert_int_equal(back.reason, ev.reason);
    assert_true(back.time_ms == ev.time_ms && back.ref == ev.ref);
    assert_true(event_same_packet(&back, &ev));
    assert_true(id_eq(&back.actor, &ev.actor));
    assert_true(id_eq(&back.evidence, &ev.evidence));
}

static void
bytes_that_mean_nothing_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        enum err want;
    } rows[] = {
        {0, 0, ERR_VERSION},    {0, 2, ERR_VERSION},    {1, 0, ERR_MALFORMED},
        {1, 6, ERR_MALFORMED},  {1, 21, ERR_MALFORMED}, {2, 2, ERR_MALFORMED},
        {3, 64, ERR_MALFORMED}, {6, 1, ERR_MALFORMED},  {7, 1, ERR_MALFORMED},
    };
    struct event ev = sample(), back = {.type = 99};
    uint8_t bytes[EVENT_LEN];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        event_encode(&ev, bytes);
        bytes[rows[i].at] = rows[i].value;
        assert_int_equal(event_decode(bytes, &back), rows[i].want);
        assert_int_equal(back.type, 99);
    }
}

static void
the_table_names_every_type_once(void **state)
{
    unsigned count = 0, finals = 0;

    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        const struct event_info *info = event_info(type);

        if (info == NULL) {
            assert_string_equal(event_name(type), "unknown");
            continue;
        }
        count++;
        finals += info->is_final;
        assert_int_equal(info->type, type);
        assert_ptr_equal(event_by_name(info->name), info);
        assert_string_equal(event_name(type), info->name);
        for (unsigned other = 0; other < type; other++)
            if (event_info(other) != NULL)
                assert_int_not_equal(event_info(other)->letter, info->letter);
        /* Every final event but `expired` names foreign evidence. */
        if (info->is_final)
            assert_int_equal(info->needs_evidence, type != EVENT_EXPIRED);
    }
    assert_int_equal(count, 14);
    assert_int_equal(finals, 4);
    assert_null(event_by_name("accepted"));
    assert_string_equal(packet_state_name(PACKET_WITHDRAWN), "withdrawn");
    assert_string_equal(packet_state_name(PACKET_STATES), "unknown");
}

/* "1, then any of 17 19, then exactly one of 2 3 4 5, then any of
 * 16 17 18 20", written a second time as sets. */
static bool
may_follow(enum packet_state state, unsigned type)
{
    static const char *const allowed[PACKET_STATES] = {
        "\1",           "\21\23\2\3\4\5", "\20\21\22\24",
        "\20\21\22\24", "\20\21\22\24",   "\20\21\22\24"};

    return type != 0 && type < 128 && strchr(allowed[state], (int)type) != NULL;
}

static void
exactly_the_legal_events_may_follow(void **state)
{
    (void)state;
    for (unsigned from = 0; from < PACKET_STATES; from++)
        for (unsigned type = 0; type < 256; type++) {
            enum packet_state next = PACKET_STATES;
            enum err rc = event_next((enum packet_state)from, type, &next);

            if (!may_follow((enum packet_state)from, type)) {
                assert_int_equal(rc, ERR_STATE);
                assert_int_equal(next, PACKET_STATES);
                continue;
            }
            assert_int_equal(rc, ERR_OK);
            assert_int_equal(next, type <= 5 ? type : from);
        }
    assert_int_equal(event_next(PACKET_STATES, EVENT_STORED, NULL), ERR_STATE);
}

static void
sequences_are_checked_as_a_whole(void **state)
{
    static const struct {
        uint8_t types[6];
        enum err want;
        enum packet_state end;
    } rows[] = {
        {{1}, ERR_OK, PACKET_PENDING},
        {{1, 17, 19, 19, 2}, ERR_OK, PACKET_HANDED_OVER},
        {{1, 3, 18, 20}, ERR_OK, PACKET_REFUSED},
        {{1, 5, 18, 16, 17}, ERR_OK, PACKET_EXPIRED},
        {{1, 4}, ERR_OK, PACKET_WITHDRAWN},
        {{1, 1}, ERR_STATE, 0},
        {{2}, ERR_STATE, 0},
        {{1, 2, 5}, ERR_STATE, 0},
        {{1, 16}, ERR_STATE, 0},
        {{1, 2, 19}, ERR_STATE, 0},
        {{1, 34}, ERR_STATE, 0},
        {{1, 48}, ERR_STATE, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct event events[6];
        enum packet_state end = PACKET_STATES;
        size_t n = 0;

        for (; n < 6 && rows[i].types[n] != 0; n++) {
            events[n] = sample();
            events[n].type = rows[i].types[n];
        }
        assert_int_equal(event_check_sequence(events, n, &end), rows[i].want);
        if (rows[i].want == ERR_OK)
            assert_int_equal(end, rows[i].end);
        else
            assert_int_equal(end, PACKET_STATES);
        assert_int_equal(event_check_sequence(events, n, NULL), rows[i].want);
    }
}

static void
a_sequence_is_about_one_packet_only(void **state)
{
    (void)state;
    for (int field = 0; field < 5; field++) {
        struct event events[2] = {sample(), sample()};

        events[0].type = EVENT_STORED;
        assert_int_equal(event_check_sequence(events, 2, NULL), ERR_OK);
        if (field == 0)
            events[1].packet.b[3] ^= 1;
        if (field == 1)
            events[1].sender.b[3] ^= 1;
        if (field == 2)
            events[1].recipient.b[3] ^= 1;
        if (field == 3)
            events[1].pkt_digest.b[3] ^= 1;
        if (field == 4)
            events[1].not_after++;
        assert_int_equal(event_check_sequence(events, 2, NULL), ERR_CONFLICT);
    }
}

static void
an_opening_opens_its_sealed_entry_and_no_other(void **state)
{
    static const char domain[] = "sealpost/1/event";
    struct event ev = sample(), back;
    uint8_t salt[32], opening[OPENING_LEN], entry[SEALED_ENTRY_LEN];
    uint8_t hashed[sizeof(domain) + OPENING_LEN];
    struct hash want, leaf;

    (void)state;
    memset(salt, 0x5a, sizeof(salt));
    opening_make(salt, &ev, opening);
    sealed_entry(opening, entry);
    memcpy(hashed, domain, sizeof(domain));
    memcpy(hashed + sizeof(domain), opening, OPENING_LEN);
    sha256(&want, hashed, sizeof(hashed));
    assert_int_equal(entry[0], 1);
    assert_int_equal(entry[1], 1);
    assert_memory_equal(entry + 2, want.b, 32);
    merkle_leaf(entry, sizeof(entry), &want);
    opening_leaf(opening, &leaf);
    assert_memory_equal(leaf.b, want.b, 32);

    assert_int_equal(
        opening_verify(entry, sizeof(entry), opening, OPENING_LEN, &back),
        ERR_OK);
    assert_true(event_same_packet(&back, &ev));
    assert_int_equal(
        opening_verify(entry, sizeof(entry), opening, OPENING_LEN - 1, &back),
        ERR_MALFORMED);
    assert_int_equal(
        opening_verify(entry, sizeof(entry) - 1, opening, OPENING_LEN, &back),
        ERR_VERIFY);
    opening[0] ^= 1;
    assert_int_equal(
        opening_verify(entry, sizeof(entry), opening, OPENING_LEN, &back),
        ERR_VERIFY);
}

static void
entries_are_told_apart(void **state)
{
    uint8_t sealed[SEALED_ENTRY_LEN] = {1, 1, 0xcc};
    uint8_t erased[PUBLIC_EVENT_LEN];
    struct entry e;

    (void)state;
    assert_int_equal(entry_decode(sealed, sizeof(sealed), &e), ERR_OK);
    assert_int_equal(e.kind, ENTRY_SEALED);
    assert_int_equal(e.commitment.b[0], 0xcc);
    erased_entry(77, 12345, erased);
    assert_int_equal(entry_decode(erased, sizeof(erased), &e), ERR_OK);
    assert_int_equal(e.kind, ENTRY_EVENT);
    assert_int_equal(e.event.type, EVENT_ERASED);
    assert_int_equal(e.event.ref, 12345);
    assert_int_equal(e.event.time_ms, 77);
    assert_int_equal(entry_decode("\1\3policy", 8, &e), ERR_OK);
    assert_int_equal(e.kind, ENTRY_STATEMENT);
    assert_int_equal(e.statement_len, 6);
    assert_memory_equal(e.statement, "policy", 6);
}

static void
malformed_entries_are_refused(void **state)
{
    uint8_t sealed[SEALED_ENTRY_LEN + 1] = {1, 1};
    uint8_t erased[PUBLIC_EVENT_LEN + 1] = {0};
    struct entry e;

    (void)state;
    for (size_t len = 0; len <= sizeof(sealed); len++)
        if (len != SEALED_ENTRY_LEN)
            assert_int_equal(entry_decode(sealed, len, &e), ERR_MALFORMED);
    assert_int_equal(entry_decode("\2\1", 2, &e), ERR_VERSION);
    assert_int_equal(entry_decode("\1\4xx", 4, &e), ERR_MALFORMED);
    assert_int_equal(entry_decode("\1\3", 2, &e), ERR_MALFORMED);
    erased_entry(77, 12345, erased);
    assert_int_equal(entry_decode(erased, sizeof(erased), &e), ERR_MALFORMED);
    /* A public event that would name a packet, and one of another type. */
    erased[2 + 16] = 1;
    assert_int_equal(entry_decode(erased, PUBLIC_EVENT_LEN, &e), ERR_MALFORMED);
    erased[2 + 16] = 0;
    erased[2 + 1] = EVENT_ADMIN;
    assert_int_equal(entry_decode(erased, PUBLIC_EVENT_LEN, &e), ERR_MALFORMED);
}

static void
size_classes_are_whole_logarithms(void **state)
{
    (void)state;
    assert_int_equal(event_size_class(0), 0);
    assert_int_equal(event_size_class(1), 0);
    assert_int_equal(event_size_class(2), 1);
    assert_int_equal(event_size_class(4095), 11);
    assert_int_equal(event_size_class(4096), 12);
    assert_int_equal(event_size_class(UINT64_MAX), 63);
}

/* ---- reasons ---- */

static void
a_reason_is_of_delivery_and_fits_its_event(void **state)
{
    static const struct {
        uint8_t type;
        const char *legal; /* numbers below 20 that may stand there */
    } table[] = {
        {EVENT_STORED, "0"},
        {EVENT_HANDED_OVER, "0"},
        {EVENT_REFUSED, "1 2 3 4 5 16"},
        {EVENT_WITHDRAWN, "0 3 5 6 7"},
        {EVENT_EXPIRED, "0 1"},
        {EVENT_DEVICE_RECEIPT, "0"},
        {EVENT_DEVICE_REFUSED, "1 2 3 4 5"},
        {EVENT_LATE_RECEIPT, "0 1 2 3 4 5"},
        {EVENT_WARNED, "0"},
        {EVENT_READDRESSED, "0"},
        {EVENT_QUOTA_REFUSED, "0"},
        {EVENT_AUDITOR_READ, "0"},
        {EVENT_ADMIN, "0"},
        {EVENT_ERASED, "0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct buf got = {0};

        for (unsigned reason = 0; reason <= UINT16_MAX; reason++) {
            bool legal = event_reason_is_legal(table[i].type, reason);

            assert_int_equal(legal,
                             event_reason_name(table[i].type, reason) != NULL);
            if (legal)
                buf_printf(&got, "%s%u", got.len > 0 ? " " : "", reason);
        }
        buf_u8(&got, 0);
        assert_string_equal((char *)got.data, table[i].legal);
        buf_clear(&got);
    }
    assert_string_equal(event_reason_name(EVENT_EXPIRED, 1),
                        "served_without_receipt");
    assert_string_equal(event_reason_name(EVENT_REFUSED, 1), "undecryptable");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_lies_in_its_160_bytes_as_written_down),
        cmocka_unit_test(bytes_that_mean_nothing_are_refused),
        cmocka_unit_test(the_table_names_every_type_once),
        cmocka_unit_test(exactly_the_legal_events_may_follow),
        cmocka_unit_test(sequences_are_checked_as_a_whole),
        cmocka_unit_test(a_sequence_is_about_one_packet_only),
        cmocka_unit_test(an_opening_opens_its_sealed_entry_and_no_other),
        cmocka_unit_test(entries_are_told_apart),
        cmocka_unit_test(malformed_entries_are_refused),
        cmocka_unit_test(size_classes_are_whole_logarithms),
        cmocka_unit_test(a_reason_is_of_delivery_and_fits_its_event),
    };

    return crypto_init() != ERR_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
