/*
 * The tables of proto/PROTOCOL.md say what the code's tables say.  Below a line
 * "<!-- table: NAME -->" the first columns of each row are compared with what
 * is made here from the code; columns behind them are for people.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "proto/directory.h"
#include "proto/event.h"
#include "proto/limits.h"
#include "proto/link.h"
#include "proto/msg.h"
#include "proto/packet.h"
#include "proto/packet_type.h"
#include "proto/prekey.h"
#include "proto/receipt.h"
#include "proto/record.h"
#include "proto/statement.h"

#define DOCUMENT "proto/PROTOCOL.md"

static const char *
yes(bool b)
{
    return b ? "yes" : "no";
}

/* ---- messages ---- */

#define FOR_EACH_SPEC(s)                                                       \
    for (unsigned row = 0; ((s) = msg_spec_at(row)) != NULL; row++)

static void
render_messages(struct buf *b)
{
    static const char *const turns[] = {
        [MSG_ASKS] = "asks",
        [MSG_ANSWERS] = "answers",
        [MSG_PUSHES] = "pushes",
        [MSG_EITHER] = "answers or pushes",
    };
    const struct msg_spec *s;

    FOR_EACH_SPEC(s)
    {
        buf_printf(b, "| %u | %s | %s | %s | ", s->type, s->name,
                   s->from == MSG_FROM_CLIENT ? "client" : "relay",
                   turns[s->turn]);
        for (unsigned c = 0; c <= CLASS_REGISTRAR; c++)
            if (s->may & 1u << c)
                buf_printf(b, "%s ",
                           c == 0 ? "NK" : agency_class_name((uint8_t)c));
        if (s->answer != 0)
            buf_printf(b, "| %s |\n",
                       msg_spec_of(MSG_FROM_RELAY, s->answer)->name);
        else
            buf_str(b, "| |\n");
    }
}

static void
render_kind(struct buf *b, const struct msg_field_spec *f)
{
    static const char *const kinds[] = {
        [MSG_UINT] = "uint",
        [MSG_BIN] = "bin",
        [MSG_STR] = "str",
        [MSG_LIST] = "list",
    };

    buf_str(b, kinds[f->kind]);
    if (f->kind == MSG_UINT && f->max == UINT64_MAX)
        buf_str(b, "");
    else if (f->min == f->max)
        buf_printf(b, " %llu", (unsigned long long)f->min);
    else
        buf_printf(b, " %llu..%llu", (unsigned long long)f->min,
                   (unsigned long long)f->max);
    if (f->step > 1)
        buf_printf(b, " by %u", f->step);
    if (f->nil_ok)
        buf_str(b, " or nil");
    if (f->kind == MSG_LIST && f->item_n == 0) {
        buf_str(b, " of ");
        render_kind(b, f->item);
    } else if (f->kind == MSG_LIST) {
        buf_printf(b, " of rows of %u", f->item_n);
    }
}

static void
render_field(struct buf *b, const struct msg_spec *s, const char *of,
             const struct msg_field_spec *f)
{
    const char *side = "";

    if (s->type == MSG_WELCOME)
        side = s->from == MSG_FROM_CLIENT ? " (client)" : " (relay)";
    buf_printf(b, "| %s%s | %s%s | ", s->name, side, of, f->name);
    render_kind(b, f);
    buf_str(b, " |\n");
    for (unsigned i = 0; i < f->item_n; i++) {
        char prefix[32];

        (void)snprintf(prefix, sizeof(prefix), "%s.", f->name);
        render_field(b, s, prefix, &f->item[i]);
    }
}

static void
render_fields(struct buf *b)
{
    const struct msg_spec *s;

    FOR_EACH_SPEC(s)
    for (unsigned i = 0; i < s->n; i++)
        render_field(b, s, "", &s->f[i]);
}

static void
render_errors(struct buf *b)
{
    for (unsigned n = 1; n < PERR_END; n++) {
        const struct perr_row *row = perr_row(n);

        buf_printf(b, "| %u | %s | %s | %s | %s |\n", row->number, row->name,
                   yes(row->is_retryable), row->what, row->todo);
    }
}

static void
render_byes(struct buf *b)
{
    for (unsigned n = 1; n < BYE_END; n++)
        buf_printf(b, "| %u | %s | %s |\n", n, bye_name(n), bye_text(n));
}

static void
render_join_states(struct buf *b)
{
    static const char *const names[] = {
        [JOIN_UNKNOWN] = "unknown",
        [JOIN_WAITING] = "waiting",
        [JOIN_ADMITTED] = "admitted",
        [JOIN_REFUSED] = "refused",
    };

    for (unsigned n = 0; n <= JOIN_REFUSED; n++)
        buf_printf(b, "| %u | %s |\n", n, names[n]);
}

/* ---- the channel ---- */

static void
render_record_kinds(struct buf *b)
{
    static const char *const names[] = {
        [RECORD_IDLE] = "idle", [RECORD_LAST] = "last", [RECORD_PART] = "part",
        [RECORD_BLOB] = "blob", [RECORD_BYE] = "bye",
    };

    for (unsigned n = 0; n < RECORD_KINDS; n++)
        buf_printf(b, "| %u | %s |\n", n, names[n]);
}

static void
render_record_sizes(struct buf *b)
{
    for (unsigned wire = 0; wire <= 65535; wire++)
        if (record_is_len(wire))
            buf_printf(b, "| %u | %u | %u |\n", wire - 16 - 4, wire - 16, wire);
}

static void
render_times(struct buf *b)
{
    static const struct {
        const char *name;
        long s;
    } times[] = {
        {"handshake", LINK_HANDSHAKE_MS / 1000},
        {"idle, earliest", LINK_IDLE_MIN_MS / 1000},
        {"idle, latest", LINK_IDLE_MAX_MS / 1000},
        {"silence", LINK_SILENCE_MS / 1000},
        {"session age", LINK_AGE_MAX_MS / 1000},
        {"session age, client's jitter", LINK_AGE_EARLY_MS / 1000},
        {"session age over NK", LINK_NK_AGE_MAX_MS / 1000},
        {"sweep behind not_after", EVENT_SWEEP_S},
        {"step of COLLECTED", COLLECTED_STEP_S},
        {"packet life", PACKET_LIFE_MAX_S},
        {"created ahead of now", PACKET_AHEAD_MAX_S},
        {"step of not_after", HEADER_NOT_AFTER_STEP_S},
        {"prekey renewed", PREKEY_RENEW_S},
        {"prekey old", PREKEY_WARN_S},
        {"prekey valid", PREKEY_VALID_S},
        {"prekey starts ahead of now", PREKEY_SKEW_S},
        {"prekey seed kept, superseded", PREKEY_KEEP_SUPERSEDED_S},
        {"prekey seed kept, expired", PREKEY_KEEP_EXPIRED_S},
    };

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        buf_printf(b, "| %s | %ld |\n", times[i].name, times[i].s);
}

static void
render_limits(struct buf *b)
{
#define ROW(name, value, unit, reason)                                         \
    buf_printf(b, "| %s | %llu | %s | %s |\n", &(#name)[strlen("LIMIT_")],     \
               (unsigned long long)(value), unit, reason);
    LIMITS_WIRE(ROW)
    LIMITS_PACKET(ROW)
    LIMITS_BIG(ROW)
    LIMITS_DIRECTORY(ROW)
    LIMITS_JOINING(ROW)
    LIMITS_EVIDENCE(ROW)
    LIMITS_TIME(ROW)
#undef ROW
}

/* ---- packets, receipts, events ---- */

static void
render_packet_types(struct buf *b)
{
    for (unsigned n = 0; n < 256; n++) {
        if (packet_type_name(n) == NULL)
            continue;
        buf_printf(b, "| %u | %s | ", n, packet_type_name(n));
        for (unsigned c = 1; c <= CLASS_REGISTRAR; c++)
            if (packet_type_may_send(n, c))
                buf_printf(b, "%s ", agency_class_name((uint8_t)c));
        buf_str(b, "|\n");
    }
}

static void
render_outcomes(struct buf *b)
{
    for (unsigned n = 0; n < 256; n++)
        if (outcome_name(n) != NULL)
            buf_printf(b, "| %u | %s |\n", n, outcome_name(n));
}

static void
render_reasons(struct buf *b)
{
#define ROW(number, symbol, name, in_rcpt, in_wdrw)                            \
    buf_printf(b, "| %d | %s | %s | %s |\n", number, name, yes(in_rcpt),       \
               yes(in_wdrw));
    DELIVERY_REASONS(ROW)
#undef ROW
}

static void
render_causes(struct buf *b)
{
#define ROW(symbol, step, reason, text)                                        \
    if (step > 0)                                                              \
        buf_printf(b, "| %d | %s | %s |\n", step, text,                        \
                   delivery_reason_name(REASON_##reason));
    PACKET_CAUSES(ROW)
#undef ROW
}

static void
render_events(struct buf *b)
{
    for (unsigned n = 0; n < 256; n++) {
        const struct event_info *e = event_info(n);

        if (e != NULL)
            buf_printf(b, "| %u | %s | %s | %s | %s |\n", n, e->name,
                       yes(e->is_final), yes(e->needs_evidence),
                       yes(e->is_public));
    }
}

static void
render_sequences(struct buf *b)
{
    for (unsigned st = 0; st < PACKET_STATES; st++)
        for (unsigned n = 0; n < 256; n++) {
            enum packet_state next;

            if (event_next((enum packet_state)st, n, &next) == ERR_OK)
                buf_printf(b, "| %s | %s | %s |\n",
                           packet_state_name((enum packet_state)st),
                           event_name(n), packet_state_name(next));
        }
}

/* ---- the directory ---- */

static void
render_statements(struct buf *b)
{
    for (unsigned n = 0; n < 256; n++) {
        const struct stmt_kind_info *k = stmt_kind_info((uint8_t)n);

        if (k != NULL)
            buf_printf(b, "| %u | %s | %s |\n", n, k->name,
                       k->by == STMT_BY_REGISTRAR ? "registrar" : "agency");
    }
}

static void
render_classes(struct buf *b)
{
    for (unsigned n = 0; n < 256; n++)
        if (agency_class_name((uint8_t)n) != NULL)
            buf_printf(b, "| %u | %s |\n", n, agency_class_name((uint8_t)n));
}

static void
render_revoke_reasons(struct buf *b)
{
    for (unsigned n = 0; n < 256; n++)
        if (revoke_reason_name((uint8_t)n) != NULL)
            buf_printf(b, "| %u | %s |\n", n, revoke_reason_name((uint8_t)n));
}

static void
render_findings(struct buf *b)
{
    for (unsigned n = 1; n < DIR_CODE_COUNT; n++)
        buf_printf(b, "| %s | %s |\n", dir_code_name((enum dir_code)n),
                   dir_code_text((enum dir_code)n));
}

/* ---- comparing ---- */

static const struct {
    const char *name;
    void (*render)(struct buf *b);
} tables[] = {
    {"messages", render_messages},
    {"fields", render_fields},
    {"errors", render_errors},
    {"byes", render_byes},
    {"join-states", render_join_states},
    {"record-kinds", render_record_kinds},
    {"record-sizes", render_record_sizes},
    {"times", render_times},
    {"limits", render_limits},
    {"packet-types", render_packet_types},
    {"outcomes", render_outcomes},
    {"reasons", render_reasons},
    {"causes", render_causes},
    {"events", render_events},
    {"sequences", render_sequences},
    {"statements", render_statements},
    {"classes", render_classes},
    {"revoke-reasons", render_revoke_reasons},
    {"findings", render_findings},
};
enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static char *
read_document(struct buf *b)
{
    FILE *f = fopen(DOCUMENT, "rb");
    char part[4096];
    size_t n;

    assert_non_null(f);
    while ((n = fread(part, 1, sizeof(part), f)) > 0)
        buf_put(b, part, n);
    fclose(f);
    buf_u8(b, 0);
    assert_int_equal(buf_status(b), ERR_OK);
    return (char *)b->data;
}

/* The first row of the table behind its marker, heads skipped; or NULL. */
static const char *
find_table(const char *text, const char *name)
{
    char marker[64];
    const char *p;

    (void)snprintf(marker, sizeof(marker), "<!-- table: %s -->\n", name);
    p = strstr(text, marker);
    if (p == NULL)
        return NULL;
    p += strlen(marker);
    for (int head = 0; head < 2 && p != NULL; head++) {
        p = strchr(p, '\n');
        p = p == NULL ? NULL : p + 1;
    }
    return p;
}

/* Runs of spaces, here or there, are one space or none before a bar. */
static bool
same_row(const char *doc, const char *want, size_t want_len)
{
    const char *end = want + want_len;

    while (want < end) {
        while (*doc == ' ')
            doc++;
        while (want < end && *want == ' ')
            want++;
        if (want == end)
            break;
        if (*doc != *want)
            return false;
        doc++;
        want++;
    }
    return true;
}

static void
compare(const char *text, const char *name, const struct buf *want)
{
    const char *doc = find_table(text, name);
    const char *p = (const char *)want->data, *end = p + want->len;

    if (doc == NULL)
        fail_msg("%s has no table %s", DOCUMENT, name);
    for (; p < end; p = strchr(p, '\n') + 1) {
        int len = (int)(strchr(p, '\n') - p);

        if (!same_row(doc, p, (size_t)len))
            fail_msg("table %s: the code says\n%.*s\nand %s says\n%.*s", name,
                     len, p, DOCUMENT, (int)strcspn(doc, "\n"), doc);
        doc += strcspn(doc, "\n");
        doc += *doc == '\n';
    }
    if (*doc == '|')
        fail_msg("table %s has rows the code does not know:\n%.*s", name,
                 (int)strcspn(doc, "\n"), doc);
}

static void
the_document_says_what_the_code_says(void **state)
{
    struct buf doc = {0};
    const char *text = read_document(&doc);

    (void)state;
    for (size_t i = 0; i < TABLES; i++) {
        struct buf want = {0};

        tables[i].render(&want);
        assert_int_equal(buf_status(&want), ERR_OK);
        assert_true(want.len > 0);
        compare(text, tables[i].name, &want);
        buf_clear(&want);
    }
    buf_clear(&doc);
}

static void
every_table_of_the_document_is_compared(void **state)
{
    struct buf doc = {0};
    const char *p = read_document(&doc);
    unsigned n = 0;

    (void)state;
    while ((p = strstr(p, "\n<!-- table: ")) != NULL) {
        p++;
        n++;
    }
    assert_int_equal(n, TABLES);
    buf_clear(&doc);
}

static void
another_number_in_the_document_would_be_seen(void **state)
{
    (void)state;
    assert_true(same_row("| 1  | a |more", "| 1 | a |", 9));
    assert_false(same_row("| 2  | a |more", "| 1 | a |", 9));
    assert_false(same_row("| 1  | ab |more", "| 1 | a |", 9));
    assert_false(same_row("", "| 1 | a |", 9));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_says_what_the_code_says),
        cmocka_unit_test(every_table_of_the_document_is_compared),
        cmocka_unit_test(another_number_in_the_document_would_be_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
