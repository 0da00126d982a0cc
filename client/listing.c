#include "client/listing.h"

#include <stdio.h>
#include <string.h>

#include "client/table.h"
#include "proto/packet_type.h"

#define DAY_MS UINT64_C(86400000)

bool
listing_is_to_answer(const struct mail *m, enum thread_state s)
{
    return m->direction == INDEX_IN && thread_opens(m) &&
           (s == THREAD_STORED || s == THREAD_DELIVERED);
}

bool
listing_is_current(const struct mail *m, enum thread_state s, uint64_t now_ms)
{
    if (m->is_unread || listing_is_to_answer(m, s))
        return true;
    if (m->direction == INDEX_OUT &&
        (m->state == MAIL_QUEUED || m->state == MAIL_STORED))
        return true;
    return mail_when_ms(m) + LISTING_RECENT_DAYS * DAY_MS > now_ms;
}

json_t *
listing_json(const struct desk *d, const struct mail *m, enum thread_state s)
{
    static const struct packet_id none;
    json_t *j = mail_json(d->roster, m);

    json_put_str(j, "case_state", thread_state_name(s));
    json_put_str(j, "task", thread_state_task(s));
    json_put_str(j, "answer", m->answer);
    if (id_eq(&m->own_copy, &none))
        json_put(j, "own_copy", json_null());
    else
        json_put_hex(j, "own_copy", m->own_copy.b, sizeof(m->own_copy.b));
    return j;
}

const char *
listing_state(const struct mail *m, enum thread_state s, char out[64])
{
    char words[32];

    if (listing_is_to_answer(m, s))
        (void)snprintf(out, 64, "to answer");
    else if (thread_opens(m) && s >= THREAD_ACKNOWLEDGED && s <= THREAD_CLOSED)
        (void)snprintf(out, 64, "%s", thread_state_name(s));
    else if (mail_is_overdue(m))
        (void)snprintf(out, 64, "NOT COLLECTED");
    else if (m->direction == INDEX_IN)
        (void)snprintf(out, 64, "%s", m->is_unread ? "unread" : "read");
    else if (m->state == MAIL_QUEUED && m->waiting[0] != '\0')
        (void)snprintf(out, 64, "queued: %.50s", m->waiting);
    else
        (void)snprintf(out, 64, "%s",
                       show_words(words, mail_state_name(m->state)));
    return out;
}

const char *
listing_type(const struct mail *m)
{
    const char *name = packet_type_name(m->type);

    return name == NULL ? "unknown" : name;
}

void
listing_peer(const struct roster *r, const struct mail *m, char *out,
             size_t max)
{
    static const struct mailbox_id none;

    if (id_eq(&m->peer_mailbox, &none))
        roster_agency_name(r, &m->peer_agency, out, max);
    else
        roster_mailbox_name(r, &m->peer_mailbox, out, max);
}

void
listing_heads(struct table *t)
{
    static const char *const heads[] = {"",      "ID",   "WHEN",
                                        "STATE", "WITH", "WHAT"};

    t->columns = 6;
    memcpy(t->heads, heads, sizeof(heads));
}

void
listing_row(struct table *t, const struct desk *d, const struct mail *m,
            enum thread_state s)
{
    char when[CLOCK_TEXT_MAX];
    char state[64];
    char id[9];
    char peer[256];
    char what[320];
    const char *cells[6] = {m->class != 0  ? (m->is_unread ? "*!" : "!")
                            : m->is_unread ? "*"
                                           : "",
                            id,
                            show_time(when, mail_when_ms(m)),
                            listing_state(m, s, state),
                            peer,
                            what};

    listing_heads(t);
    mail_short(id, &m->id);
    listing_peer(d->roster, m, peer, sizeof(peer));
    if (m->subject[0] != '\0')
        (void)snprintf(what, sizeof(what), "%s%s", m->subject,
                       m->n_atts > 0 ? " [files]" : "");
    else
        (void)show_words(what, listing_type(m));
    table_row(t, cells);
}
