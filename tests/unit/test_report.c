/* The page and the table: what they say, and that strangers' words stay words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "client/report.h"

static const char hostile[] = "<script>\"A&B\"'</script>";

struct scene {
    struct audit_view v;
    struct view_agency agencies[2];
    struct view_day days[3];
    struct view_exception exceptions[1];
    struct view_reason reasons[1];
};

static struct tally
a_tally(uint64_t handed_over, uint64_t expired, uint64_t pending)
{
    return (struct tally){
        .stored = handed_over + expired + pending,
        .handed_over = handed_over,
        .expired = expired,
        .pending = pending,
    };
}

static void
a_day(struct view_day *d, uint32_t day, const char *text, struct tally t)
{
    *d = (struct view_day){.day = day};
    (void)snprintf(d->text, sizeof(d->text), "%s", text);
    d->counts.packets = t;
}

static void
make_scene(struct scene *s)
{
    struct audit_view *v = &s->v;

    memset(s, 0, sizeof(*s));
    (void)snprintf(v->relay, sizeof(v->relay), "relay.demo");
    (void)snprintf(v->auditor, sizeof(v->auditor), "Audit Office");
    v->is_auditor = true;
    v->made_ms = UINT64_C(1795340000000);
    v->to_ms = UINT64_MAX;
    v->total.counts.packets = a_tally(7, 2, 1);
    v->total.times_all = (struct view_times){7, 60000, 7200000, 86400000};
    v->by_class[VIEW_ROUTINE] = v->total;
    v->agencies = s->agencies;
    v->n_agencies = 2;
    (void)snprintf(s->agencies[0].name, sizeof(s->agencies[0].name), "%s",
                   hostile);
    (void)snprintf(s->agencies[1].name, sizeof(s->agencies[1].name),
                   "=cmd|' /C calc'!A0");
    s->agencies[0].class = 2;
    s->agencies[1].class = 1;
    s->agencies[0].sent = v->total;
    s->agencies[1].received = v->total;
    v->days = s->days;
    v->n_days = 3;
    a_day(&s->days[0], 20000, "2024-10-04", a_tally(3, 0, 0));
    a_day(&s->days[1], 20001, "2024-10-05", a_tally(4, 1, 0));
    a_day(&s->days[2], 20003, "2024-10-07", a_tally(0, 1, 1));
    v->reasons = s->reasons;
    v->n_reasons = 1;
    s->reasons[0] = (struct view_reason){5, 0, "expired", "never served", 2};
}

static void
add_exception(struct scene *s, const char *text)
{
    struct view_exception *e = &s->exceptions[0];

    s->v.exceptions = s->exceptions;
    s->v.n_exceptions = s->v.exceptions_total = 1;
    *e = (struct view_exception){
        .index = 12, .sender = 0, .recipient = SIZE_MAX};
    (void)snprintf(e->code, sizeof(e->code), "overdue");
    (void)snprintf(e->text, sizeof(e->text), "%s", text);
}

static char *
html(const struct scene *s, struct buf *out)
{
    assert_int_equal(report_html(&s->v, out), ERR_OK);
    buf_u8(out, 0);
    return (char *)out->data;
}

static void
the_page_says_that_everything_is_accounted_for(void **state)
{
    struct scene s;
    struct buf out = {0};
    const char *page;

    (void)state;
    make_scene(&s);
    page = html(&s, &out);
    assert_non_null(strstr(page, "10 packets, and each is accounted for"));
    assert_non_null(strstr(page, "Nothing was found that should not be."));
    assert_non_null(strstr(page, "What this does <em>not</em> prove"));
    assert_non_null(strstr(page, "No independent witness was asked."));
    buf_clear(&out);
}

static void
the_page_says_when_the_counts_do_not_add_up(void **state)
{
    struct scene s;
    struct buf out = {0};

    (void)state;
    make_scene(&s);
    s.v.total.counts.packets.pending = 0;
    assert_non_null(strstr(html(&s, &out), "the counts do NOT add up"));
    buf_clear(&out);
}

static void
each_exception_is_a_sentence_on_the_page(void **state)
{
    struct scene s;
    struct buf out = {0};
    const char *page;

    (void)state;
    make_scene(&s);
    add_exception(&s, "The packet of <b>Harbour</b> was not settled in time.");
    page = html(&s, &out);
    assert_non_null(strstr(page, "1 thing needs an explanation"));
    assert_non_null(strstr(page, "The packet of &lt;b&gt;Harbour&lt;/b&gt; was "
                                 "not settled in time."));
    buf_clear(&out);
}

static void
strangers_words_are_no_markup(void **state)
{
    struct scene s;
    struct buf out = {0};
    const char *page;

    (void)state;
    make_scene(&s);
    page = html(&s, &out);
    assert_null(strstr(page, "<script"));
    assert_non_null(strstr(page, "&lt;script&gt;&quot;A&amp;B&quot;&#39;"));
    buf_clear(&out);
}

static void
the_page_needs_nothing_from_elsewhere(void **state)
{
    static const char *const loads[] = {"src=",    "href=", "url(",
                                        "@import", "<link", "<iframe"};
    struct scene s;
    struct buf out = {0};
    const char *page;

    (void)state;
    make_scene(&s);
    page = html(&s, &out);
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
        assert_null(strstr(page, loads[i]));
    assert_non_null(strstr(page, "<svg"));
    buf_clear(&out);
}

static void
the_same_view_gives_the_same_bytes(void **state)
{
    struct scene s;
    struct buf a = {0}, b = {0}, c = {0};

    (void)state;
    make_scene(&s);
    (void)html(&s, &a);
    (void)html(&s, &b);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    s.v.made_ms += 60 * 1000; /* a minute later, the same day */
    (void)html(&s, &c);
    assert_int_equal(a.len, c.len);
    assert_memory_equal(a.data, c.data, a.len);
    buf_clear(&a);
    buf_clear(&b);
    buf_clear(&c);
}

static void
years_of_days_fit_into_one_drawing(void **state)
{
    static struct view_day many[3000];
    struct scene s;
    struct buf out = {0};
    size_t bars = 0;

    (void)state;
    make_scene(&s);
    for (uint32_t i = 0; i < 3000; i++)
        a_day(&many[i], 18000 + i, "2020-01-01", a_tally(i % 7 + 1, 0, 0));
    s.v.days = many;
    s.v.n_days = 3000;
    for (const char *p = html(&s, &out); (p = strstr(p, "<rect")) != NULL; p++)
        bars++;
    assert_true(bars > 20 && bars < 110);
    buf_clear(&out);
}

static void
an_empty_log_makes_a_page_too(void **state)
{
    struct audit_view v = {.to_ms = UINT64_MAX};
    struct buf out = {0};

    (void)state;
    assert_int_equal(report_html(&v, &out), ERR_OK);
    buf_u8(&out, 0);
    assert_non_null(strstr((char *)out.data, "0 packets"));
    buf_clear(&out);
}

/* ---- rows ---- */

static char *
csv(const struct scene *s, struct buf *out)
{
    assert_int_equal(report_csv(&s->v, out), ERR_OK);
    buf_u8(out, 0);
    return (char *)out->data;
}

static void
every_row_has_as_many_cells_as_the_header(void **state)
{
    struct scene s;
    struct buf out = {0};
    bool is_quoted = false;
    unsigned cells = 1, header = 0;

    (void)state;
    make_scene(&s);
    add_exception(&s, "one, with \"quotes\" and, commas");
    for (const char *p = csv(&s, &out); *p != '\0'; p++) {
        if (*p == '"')
            is_quoted = !is_quoted;
        else if (*p == ',' && !is_quoted)
            cells++;
        else if (*p == '\n') {
            header = header == 0 ? cells : header;
            assert_int_equal(cells, header);
            assert_int_equal(p[-1], '\r');
            cells = 1;
        }
    }
    assert_int_equal(header, 11);
    buf_clear(&out);
}

static void
a_name_is_no_formula(void **state)
{
    struct scene s;
    struct buf out = {0};
    const char *table;

    (void)state;
    make_scene(&s);
    table = csv(&s, &out);
    assert_null(strstr(table, "\"=cmd"));
    assert_non_null(strstr(table, "\"'=cmd"));
    buf_clear(&out);
}

static void
the_rows_hold_the_figures(void **state)
{
    struct scene s;
    struct buf out = {0};
    const char *table;

    (void)state;
    make_scene(&s);
    table = csv(&s, &out);
    assert_non_null(strstr(table, "\"total\",\"\",\"\",\"\",\"\",\"\",\"\",\"\""
                                  ",\"\",\"handed_over\",7\r\n"));
    assert_non_null(strstr(table, "\"median_ms\",60000\r\n"));
    assert_non_null(strstr(table, "\"day\",\"\",\"\",\"\",\"\",\"2024-10-05\","
                                  "\"\",\"\",\"\",\"expired\",1\r\n"));
    buf_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_says_that_everything_is_accounted_for),
        cmocka_unit_test(the_page_says_when_the_counts_do_not_add_up),
        cmocka_unit_test(each_exception_is_a_sentence_on_the_page),
        cmocka_unit_test(strangers_words_are_no_markup),
        cmocka_unit_test(the_page_needs_nothing_from_elsewhere),
        cmocka_unit_test(the_same_view_gives_the_same_bytes),
        cmocka_unit_test(years_of_days_fit_into_one_drawing),
        cmocka_unit_test(an_empty_log_makes_a_page_too),
        cmocka_unit_test(every_row_has_as_many_cells_as_the_header),
        cmocka_unit_test(a_name_is_no_formula),
        cmocka_unit_test(the_rows_hold_the_figures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
