#include "client/alert.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/duty.h"
#include "client/table.h"
#include "common/clock.h"

enum { NEXT_MAX = 96 };

bool
alert_comes_before(const struct mail *a, const struct mail *b)
{
    if ((a->class != 0) != (b->class != 0))
        return a->class != 0;
    return a->stored_ms < b->stored_ms;
}

static bool
is_listed(const struct mail *m)
{
    return mail_is_overdue(m) && !mail_is_own_copy(m);
}

const struct mail *
alert_first(const struct mails *mails)
{
    const struct mail *first = NULL;

    for (size_t i = 0; i < mails->n; i++)
        if (is_listed(&mails->items[i]) &&
            (first == NULL || alert_comes_before(&mails->items[i], first)))
            first = &mails->items[i];
    return first;
}

/* Only the machine that sent it can take it back. */
static const char *
next_command(const struct desk *d, const struct mail *m, char out[NEXT_MAX])
{
    struct mailbox_id deputy;
    char id[9];

    mail_short(id, &m->id);
    if (m->direction != INDEX_OUT)
        (void)snprintf(out, NEXT_MAX, "phone them; sealpost status %s", id);
    else if (duty_deputy(d->roster, &m->peer_mailbox, &deputy))
        (void)snprintf(out, NEXT_MAX, "sealpost readdress %s --deputy", id);
    else
        (void)snprintf(out, NEXT_MAX,
                       "phone them, or sealpost readdress %s --to MAILBOX", id);
    return out;
}

void
alert_tell(struct desk *d, const struct mail *m, uint64_t now_ms)
{
    char next[NEXT_MAX];
    char at[CLOCK_TEXT_MAX];
    char span[CLOCK_TEXT_MAX];
    char name[256];
    char id[9];
    struct buf safe = {0};

    mail_short(id, &m->id);
    roster_mailbox_name(d->roster, &m->peer_mailbox, name, sizeof(name));
    show_line(&safe, name, 120);
    clock_format_span(span, now_ms > m->stored_ms ? now_ms - m->stored_ms : 0);
    if (buf_status(&safe) == ERR_OK)
        out_note(d->app,
                 "! %s %s to %.*s has NOT been collected: it waits since %s "
                 "(%s).",
                 m->class != 0 ? "URGENT packet" : "Packet", id, (int)safe.len,
                 (const char *)safe.data, show_time(at, m->stored_ms), span);
    buf_clear(&safe);
    duty_tell(d, &m->peer_mailbox);
    out_note(d->app, "  %-9s %s", "Next:", next_command(d, m, next));
}

json_t *
alert_json(const struct desk *d, const struct mail *m)
{
    json_t *j = json_object();
    char next[NEXT_MAX];

    json_put_hex(j, "packet_id", m->id.b, sizeof(m->id.b));
    json_put_bool(j, "urgent", m->class != 0);
    json_put_u64(j, "since_ms", m->stored_ms);
    json_put_u64(j, "warned_ms", m->warned_ms);
    json_put(j, "to", duty_json(d->roster, &m->peer_mailbox));
    json_put_str(j, "next", next_command(d, m, next));
    return j;
}

/* ---- all of them ---- */

static int
by_urgency(const void *a, const void *b)
{
    const struct mail *const *x = a, *const *y = b;

    return alert_comes_before(*x, *y) ? -1 : alert_comes_before(*y, *x);
}

enum err
alert_tell_all(struct desk *d, struct problem *pb)
{
    uint64_t now_ms = clock_wall_ms();
    json_t *rows = json_array();
    struct mails mails = {0};
    const struct mail **list = NULL;
    size_t n = 0;
    enum err rc = mails_load(d->app, PICK_ANY, &mails, pb);

    if (rc == ERR_OK)
        list = calloc(mails.n + 1, sizeof(*list));
    for (size_t i = 0; list != NULL && i < mails.n; i++)
        if (is_listed(&mails.items[i]))
            list[n++] = &mails.items[i];
    if (n > 1)
        qsort(list, n, sizeof(*list), by_urgency);
    for (size_t i = 0; i < n; i++) {
        alert_tell(d, list[i], now_ms);
        (void)json_array_append_new(rows, alert_json(d, list[i]));
    }
    free(list);
    mails_clear(&mails);
    json_put(d->app->result, "warned", rows);
    return rc;
}
