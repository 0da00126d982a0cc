/*
 * notice_tell.c - a notice of non-delivery for scripts and in plain words.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/listing.h"
#include "client/notice.h"
#include "client/story.h"
#include "client/table.h"
#include "common/clock.h"
#include "proto/receipt.h"

static bool
is_here(const struct notice *n)
{
    return n->m.direction == INDEX_OUT || n->m.direction == INDEX_OWN;
}

json_t *
notice_json(const struct desk *d, const struct notice *n)
{
    const char *reason = event_reason_name(n->type, n->reason);
    json_t *j = json_object();

    json_put_hex(j, "notice_id", n->id.b, sizeof(n->id.b));
    json_put_str(j, "type", "non_delivery");
    json_put_hex(j, "packet_id", n->packet.b, sizeof(n->packet.b));
    json_put_str(j, "event", event_name(n->type));
    json_put_str(j, "reason", reason == NULL ? "unknown" : reason);
    json_put_u64(j, "time_ms", n->time_ms);
    json_put_bool(j, "unread", n->is_unread);
    json_put_bool(j, "certificate", n->proof.len > 0);
    if (n->proof.len > 0)
        json_put_u64(j, "index", n->index);
    else
        json_put(j, "index", json_null());
    json_put(j, "packet",
             is_here(n) ? mail_json(d->roster, &n->m) : json_null());
    return j;
}

void
notice_row(struct table *t, const struct desk *d, const struct notice *n)
{
    char when[CLOCK_TEXT_MAX];
    char id[9];
    char peer[256] = "";
    char about[320];
    const char *cells[6] = {
        n->is_unread ? "*!" : "!", id,   show_time(when, n->time_ms),
        "NOT DELIVERED",           peer, about};

    listing_heads(t);
    notice_short(id, n);
    if (is_here(n))
        listing_peer(d->roster, &n->m, peer, sizeof(peer));
    (void)snprintf(about, sizeof(about), "%s: %s", event_name(n->type),
                   n->m.subject[0] != '\0' ? n->m.subject
                                           : "a packet of yours");
    table_row(t, cells);
}

/* ---- in words ---- */

static void
put_name(const struct desk *d, const struct notice *n, struct buf *out)
{
    char name[256];

    roster_mailbox_name(d->roster, &n->m.peer_mailbox, name, sizeof(name));
    show_line(out, name, 120);
}

static const struct {
    uint16_t reason;
    const char *text;
} refusals[] = {
    {REASON_UNDECRYPTABLE, "no machine of that mailbox could open it"},
    {REASON_MALFORMED, "its content was not of the expected form"},
    {REASON_WRONG_MAILBOX, "the desk says that it came to the wrong mailbox"},
    {REASON_CLOSED, "the desk says that it is closed"},
    {REASON_POLICY, "the machines there did not trust it and kept it apart"},
    {REASON_NO_LIVE_DEVICE,
     "the last machine that it was sealed to lost its place in that mailbox"},
};

static void
put_why(const struct notice *n, struct buf *out)
{
    if (n->index == UINT64_MAX) {
        buf_str(out, "It passed its last day on this machine: the relay never "
                     "got it.\n");
        return;
    }
    if (n->type == EVENT_EXPIRED) {
        buf_str(out, n->reason == 0
                         ? "It was never served to any machine there: nobody "
                           "collected it before its last day.\n"
                         : "It was served to a machine there, which never "
                           "confirmed that it had it.\n");
        return;
    }
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].reason == n->reason)
            buf_printf(out, "It was refused: %s.\n", refusals[i].text);
}

static void
put_times(const struct notice *n, struct buf *out)
{
    char at[CLOCK_TEXT_MAX];

    if (is_here(n) && n->m.stored_ms != 0)
        buf_printf(out, "  stored by the relay  %s\n",
                   show_time(at, n->m.stored_ms));
    if (is_here(n) && n->m.warned_ms != 0)
        buf_printf(out, "  you were warned      %s\n",
                   show_time(at, n->m.warned_ms));
    if (is_here(n))
        buf_printf(out, "  its last moment      %s\n",
                   show_time(at, n->m.not_after_s * 1000));
    buf_printf(out, "  %-19s  %s\n", event_name(n->type),
               show_time(at, n->time_ms));
}

static void
put_certificate(const struct notice *n, struct buf *out)
{
    if (n->proof.len == 0) {
        buf_str(out,
                "There is no certificate: the relay knows nothing of it.\n");
        return;
    }
    buf_printf(out,
               "The certificate is entry %" PRIu64 " of the relay's log, under "
               "its signature.\n",
               n->index);
    buf_str(out, n->type == EVENT_EXPIRED
                     ? "It proves that the relay says so, at that time, and "
                       "cannot take it back.  It does not prove that\n"
                       "nobody tried to collect it.\n"
                     : "It proves that the relay logged the refusal; the event "
                       "names what was signed by the other side.\n");
}

void
notice_words(const struct desk *d, const struct notice *n, struct buf *out)
{
    char id[9];

    mail_short(id, &n->packet);
    buf_printf(out, "Packet %s", id);
    if (is_here(n)) {
        if (n->m.subject[0] != '\0') {
            buf_str(out, " \"");
            show_line(out, n->m.subject, 120);
            buf_str(out, "\"");
        }
        buf_str(out, " to ");
        put_name(d, n, out);
    }
    buf_str(out, " did NOT arrive.\n");
    put_why(n, out);
    buf_str(out, "\n");
    put_times(n, out);
    buf_str(out, "\n");
    put_certificate(n, out);
}
