#include "client/table.h"

#include <stdio.h>
#include <string.h>

#include "common/os.h"
#include "common/text.h"

enum { GAP = 2, CELL_MAX = 60, LAST_MIN = 20 };

/* ---- small things ---- */

const char *
show_time(char out[CLOCK_TEXT_MAX], uint64_t ms)
{
    out[0] = '\0';
    if (ms != 0) {
        clock_format_local(out, ms);
        out[sizeof("2026-11-22 07:30") - 1] = '\0';
    }
    return out;
}

const char *
show_size(char out[32], uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    double v = (double)bytes;
    size_t u = 0;

    for (; v >= 1024 && u < 3; u++)
        v /= 1024;
    (void)snprintf(out, 32, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
    return out;
}

const char *
show_words(char out[32], const char *name)
{
    (void)snprintf(out, 32, "%s", name);
    for (char *p = out; *p != '\0'; p++)
        if (*p == '_')
            *p = ' ';
    return out;
}

/* Bytes of TEXT that fit into COLUMNS. */
static size_t
fitting(const char *text, size_t len, size_t columns)
{
    size_t end = len;

    while (end > 0 && text_width(text, end) > columns)
        do
            end--;
        while (end > 0 && ((uint8_t)text[end] & 0xc0) == 0x80);
    return end;
}

void
show_line(struct buf *out, const char *text, size_t columns)
{
    struct buf safe = {0};
    const char *p;

    text_show(&safe, text, strlen(text), TEXT_ONE_LINE);
    p = (const char *)safe.data;
    if (safe.len > 0 && text_width(p, safe.len) > columns) {
        buf_put(out, p, fitting(p, safe.len, columns - 3));
        buf_str(out, "...");
    } else {
        buf_put(out, p, safe.len);
    }
    buf_clear(&safe);
}

/* ---- the table ---- */

void
table_row(struct table *t, const char *const *cells)
{
    for (size_t i = 0; i < t->columns; i++) {
        size_t start = t->text.len;
        size_t width;

        show_line(&t->text, cells[i] == NULL ? "" : cells[i],
                  i + 1 == t->columns ? SIZE_MAX : CELL_MAX);
        if (t->text.failed)
            return;
        width = t->text.len == start
                    ? 0
                    : text_width((const char *)t->text.data + start,
                                 t->text.len - start);
        if (width > t->widths[i])
            t->widths[i] = width;
        buf_u8(&t->text, 0);
    }
}

static void
pad(struct buf *out, const char *cell, size_t width)
{
    size_t have = text_width(cell, strlen(cell));

    buf_str(out, cell);
    for (; have < width + GAP; have++)
        buf_u8(out, ' ');
}

/* The last column gets what the terminal has left. */
static void
print_line(struct app *app, const struct table *t, const char *const *cells)
{
    struct buf line = {0};
    size_t used = 0;

    for (size_t i = 0; i + 1 < t->columns; i++) {
        pad(&line, cells[i], t->widths[i]);
        used += t->widths[i] + GAP;
    }
    if (os_is_tty(1)) {
        size_t all = os_term_width(1);

        show_line(&line, cells[t->columns - 1],
                  all > used + LAST_MIN ? all - used : LAST_MIN);
    } else {
        buf_str(&line, cells[t->columns - 1]);
    }
    while (line.len > 0 && line.data[line.len - 1] == ' ')
        line.len--;
    out_line(app, "%.*s", (int)line.len,
             line.len == 0 ? "" : (const char *)line.data);
    buf_clear(&line);
}

static void
widen_for_heads(struct table *t)
{
    for (size_t i = 0; i < t->columns; i++)
        if (strlen(t->heads[i]) > t->widths[i])
            t->widths[i] = strlen(t->heads[i]);
}

void
table_print(struct app *app, struct table *t)
{
    const char *p = (const char *)t->text.data;
    const char *end = p + t->text.len;

    if (!app->json && !t->text.failed && t->text.len > 0) {
        if (t->heads[0] != NULL) {
            widen_for_heads(t);
            print_line(app, t, t->heads);
        }
        while (p < end) {
            const char *cells[TABLE_COLUMNS_MAX];

            for (size_t i = 0; i < t->columns; i++, p += strlen(p) + 1)
                cells[i] = p;
            print_line(app, t, cells);
        }
    }
    buf_clear(&t->text);
}
