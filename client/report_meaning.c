/*
 * report_meaning.c - in plain words: what was checked, what follows from it,
 * and what does not.
 */
#include <inttypes.h>

#include "client/report_inside.h"

static void
item(struct buf *out, uint64_t n, const char *one, const char *many,
     const char *rest)
{
    buf_str(out, "<li>");
    html_count(out, n, one, many);
    buf_printf(out, " %s</li>\n", rest);
}

static void
what_was_checked(struct buf *out, const struct audit_view *v)
{
    const struct view_checked *c = &v->checked;

    buf_str(out, "<h2>What was checked</h2>\n<ul>\n");
    item(out, c->entries, "entry of the relay's log was",
         "entries of the relay's log were",
         "computed again: they are exactly those that the relay has signed.");
    item(out, c->opened, "entry was", "entries were",
         "opened for this audit, and what the relay says of each is what it "
         "had logged.");
    if (c->unseen > 0)
        item(out, c->unseen, "entry is", "entries are",
             "the business of others and stayed closed.");
    if (c->erased > 0)
        item(out, c->erased, "entry says", "entries say",
             "that an older one was erased after the network's retention.");
    item(out, c->evidence, "signature", "signatures",
         "by senders and recipients (never by the relay alone) stand behind "
         "the ends of the packets.");
    item(out, c->heads, "state of the log", "states of the log",
         "that others had seen fit into this one history.");
    if (c->receipts > 0)
        item(out, c->receipts, "receipt", "receipts",
             "held here were looked up in the log.");
    if (c->quota > 0)
        item(out, c->quota, "submission was", "submissions were",
             "refused because a quota was used up; their senders were told, "
             "and they are in no other figure.");
    buf_str(out, "</ul>\n");
}

void
report_meaning(struct buf *out, const struct audit_view *v)
{
    what_was_checked(out, v);
    buf_str(
        out,
        "<h2>What this does <em>not</em> prove</h2>\n<ul>\n"
        "<li>Nothing is said of what any packet holds. Nobody but its sender "
        "and its recipient can read it, and no auditor ever could.</li>\n"
        "<li><b>Handed over</b> means that a machine of the addressed desk "
        "received, opened and signed for a packet. It does not mean that a "
        "person has read it, nor that a case was accepted.</li>\n"
        "<li>What was never given to the relay cannot be in its log: a letter "
        "that was written and not sent, or sent another way.</li>\n"
        "<li>Times are those of the relay's clock. Recipients' signatures "
        "carry times of their own, and false dates that contradict each other "
        "are among the exceptions above.</li>\n");
    if (v->witnessed_s == 0)
        buf_str(out, "<li>No independent witness was asked. Had the relay "
                     "shown one history to us and another one to somebody who "
                     "never compares with us, this audit alone would not tell."
                     "</li>\n");
    if (!v->is_auditor)
        buf_str(out, "<li>This is one agency's own view: it covers what it "
                     "sent and received, nothing else.</li>\n");
    buf_str(out, "</ul>\n");
}
