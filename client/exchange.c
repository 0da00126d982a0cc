#include "client/exchange.h"

#include "client/blobs.h"
#include "client/delivery.h"
#include "client/inbox.h"
#include "client/outbox.h"
#include "client/prekeys.h"
#include "client/readdress.h"
#include "client/sync.h"
#include "common/clock.h"

/* Traffic that never stops must not keep a sync from ending. */
enum { ROUNDS_MAX = 10000 };

/* Auditors have no mail: they may not send, and have no keys to be sent to. */
static bool
has_mail(const struct desk *d)
{
    const struct dir_agency *us =
        directory_agency(roster_directory(d->roster), &d->id.agency);

    return us != NULL && us->class != CLASS_AUDITOR;
}

/* When a warning or a loss came since the last look, packets that escalate by
 * themselves go on; what that brings into the log is fetched too. */
static enum err
act_on_news(struct desk *d, struct problem *pb)
{
    unsigned news = d->count.warned + d->count.undelivered;
    enum err rc;

    if (news == d->acted_on)
        return ERR_OK;
    d->acted_on = news;
    rc = readdress_all(d, pb);
    d->events_due = true;
    return rc;
}

/* The answer to a question arrives behind everything pushed before it: when a
 * round brought nothing new there is nothing more. */
enum err
exchange_pushed(struct desk *d, struct problem *pb)
{
    enum err rc = ERR_OK;

    for (int i = 0; i < ROUNDS_MAX && rc == ERR_OK; i++) {
        if (d->directory_due) {
            d->directory_due = false;
            rc = sync_directory(d->up, d->roster, pb);
        }
        if (rc == ERR_OK)
            rc = inbox_take_all(d, pb);
        if (rc == ERR_OK)
            rc = delivery_fetch(d, pb);
        if (rc == ERR_OK)
            rc = act_on_news(d, pb);
        if (d->first == NULL && !d->events_due && !d->directory_due)
            break;
    }
    return rc;
}

static enum err
tell_alarms(const struct desk *d, struct problem *pb)
{
    if (d->count.alarms == 0)
        return ERR_OK;
    (void)problem_set(pb, P_VERIFY, ERR_VERIFY,
                      "the relay showed something that cannot be right",
                      "%u alarm%s; everything that is right was done",
                      d->count.alarms, d->count.alarms == 1 ? "" : "s");
    problem_next(pb, "`sealpost quarantine` shows what, for your registrar");
    return ERR_VERIFY;
}

enum err
exchange_all(struct desk *d, struct problem *pb)
{
    enum err rc = ERR_OK;

    if (has_mail(d)) {
        rc = prekeys_refresh(d->app, &d->id, d->up, pb);
        if (rc == ERR_OK)
            rc = outbox_flush(d, pb);
    }
    if (rc == ERR_OK)
        rc = exchange_pushed(d, pb);
    if (rc == ERR_OK)
        rc = delivery_check_receipts(d, pb);
    if (rc == ERR_OK)
        rc = readdress_all(d, pb);
    if (rc == ERR_OK)
        rc = blobs_sweep(d->app, pb);
    if (rc == ERR_OK)
        rc = roster_set_synced(d->roster, clock_wall_ms(), pb);
    return rc == ERR_OK ? tell_alarms(d, pb) : rc;
}
