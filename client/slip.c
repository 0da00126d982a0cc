#include "client/slip.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/table.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/text.h"

enum { INDENT = 4 };

/* ---- writing ---- */

static void
paragraph(struct buf *out, const char *text)
{
    text_wrap(out, text, SLIP_WIDTH, 0);
    buf_str(out, "\n\n");
}

static void
row(struct buf *out, const char *label, const char *value)
{
    struct buf safe = {0};

    show_line(&safe, value, SLIP_WIDTH - 16);
    buf_printf(out, "  %-12s  %.*s\n", label, (int)safe.len,
               safe.len == 0 ? "" : (const char *)safe.data);
    buf_clear(&safe);
}

static void
time_row(struct buf *out, const char *label, uint64_t ms)
{
    char local[CLOCK_TEXT_MAX];
    char utc[CLOCK_TEXT_MAX];
    char text[2 * CLOCK_TEXT_MAX + 4];

    clock_format_local(local, ms);
    clock_format_utc(utc, ms);
    (void)snprintf(text, sizeof(text), "%s (%s)", local, utc);
    row(out, label, text);
}

/* ---- what became of it ---- */

static void
ended(const struct slip *s, struct buf *out)
{
    switch (s->m->state) {
    case MAIL_HANDED_OVER:
        paragraph(out,
                  "It was collected: a machine of the desk named above opened "
                  "it and signed for it.  Nobody else can sign in its place.");
        time_row(out, "collected at", s->m->final_ms);
        row(out, "by the desk", s->to);
        break;
    case MAIL_WITHDRAWN:
        paragraph(out, "It was withdrawn by the sender before anybody had "
                       "collected it.");
        time_row(out, "withdrawn at", s->m->final_ms);
        break;
    case MAIL_EXPIRED:
        paragraph(out, "It was NOT collected in time and has expired.  It did "
                       "not arrive.");
        time_row(out, "expired at", s->m->final_ms);
        break;
    case MAIL_REFUSED:
        paragraph(out, "The desk's machines could NOT open it.  It did not "
                       "arrive.");
        time_row(out, "refused at", s->m->final_ms);
        break;
    default:
        paragraph(out, "It has not been collected yet.  It waits, sealed, "
                       "until the desk collects it or the time below.");
        time_row(out, "waits until", s->m->not_after_s * 1000);
        break;
    }
    if (s->collected_index != UINT64_MAX) {
        char text[48];

        (void)snprintf(text, sizeof(text), "%" PRIu64 " of the relay's log",
                       s->collected_index);
        row(out, "entry", text);
    }
    buf_str(out, "\n");
}

static void
stored(const struct slip *s, struct buf *out)
{
    char text[96];

    if (s->stored_ms == 0) {
        paragraph(out, s->m->state == MAIL_QUEUED
                           ? "It has NOT been sent yet: it waits on the "
                             "sender's machine."
                           : "It was NEVER sent: it never left the sender's "
                             "machine.");
        return;
    }
    paragraph(out, "The relay has stored it and written this into its log, "
                   "which can only grow:");
    time_row(out, "stored at", s->stored_ms);
    (void)snprintf(text, sizeof(text), "%" PRIu64 " of the relay's log",
                   s->stored_index);
    row(out, "entry", text);
    row(out, "receipt",
        s->log_size == 0 ? "not in this vault"
        : s->is_verified ? "checked when this page was made: it holds"
                         : "does NOT verify under the relay's key");
    buf_str(out, "\n");
    ended(s, out);
}

/* ---- how to check ---- */

static void
how_to_check(const struct slip *s, const char *id, struct buf *out)
{
    char line[160];

    buf_str(out, "How to check this\n\n");
    paragraph(out, "This page itself proves nothing.  The receipt does: a "
                   "small file that the relay has signed.  Whoever sent the "
                   "packet can make it:");
    (void)snprintf(line, sizeof(line),
                   "    sealpost receipt %s -o receipt.txt\n\n", id);
    buf_str(out, line);
    paragraph(out, "Anybody can check that file, on any machine, without "
                   "network and without seeing the case:");
    buf_str(out, "    sealpost verify receipt.txt --vkey relay.vkey\n\n");
    if (s->vkey[0] == '\0')
        return;
    paragraph(out, "relay.vkey is a file with this one line, which the relay's "
                   "operator publishes (compare it):");
    /* Unfolded and unindented: it is copied into the file as it stands. */
    buf_printf(out, "%s\n\n", s->vkey);
}

enum err
slip_page(const struct slip *s, struct buf *out)
{
    char id[33];

    hex_encode(id, s->m->id.b, sizeof(s->m->id.b));
    buf_str(out, "DELIVERY SLIP\n=============\n\n");
    row(out, "packet", id);
    row(out, "from", s->from_agency);
    row(out, "to", s->to);
    row(out, "relay", s->relay);
    time_row(out, "written at", s->m->created_ms);
    buf_str(out, "\n");
    stored(s, out);
    how_to_check(s, id, out);
    paragraph(out, "The packet is sealed: the relay that carried it cannot "
                   "read it.  This page says what became of its delivery, not "
                   "what was decided about the case.");
    time_row(out, "page made", s->made_ms);
    return buf_status(out);
}
