#include "server/mailroom.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/relay.h"
#include "server/session.h"
#include "server/task.h"

enum { UNSENT_MAX = 256 * 1024 }; /* bytes; beyond it the client is slow */

static void
on_noted(struct task *t)
{
    (void)t;
}

/* Senders may ask when a mailbox was last collected (COLLECTED_GET). */
static void
note_collected(struct session *s)
{
    struct relay *r = session_relay(s);
    struct task *t =
        task_new(r, NULL, 0, STORE_OP_COLLECTED, NULL, 0, on_noted);

    if (t == NULL)
        return;
    t->job.op.collected.device = session_device(s)->id;
    relay_submit(r, t);
}

void
mailroom_open(struct session *s)
{
    struct relay *r = session_relay(s);
    const struct dir_device *d = session_device(s);
    struct session *old = map_remove(&r->mailrooms, d->id.b);

    if (old != NULL)
        session_close(old, BYE_SUPERSEDED, ERR_CANCELLED);
    if (map_insert(&r->mailrooms, d->id.b, s) != ERR_OK) {
        session_close(s, BYE_STOPPING, ERR_NOMEM);
        return;
    }
    note_collected(s);
    mailroom_pump(s);
}

void
mailroom_close(struct session *s)
{
    (void)map_remove(&session_relay(s)->mailrooms, session_device(s)->id.b);
    note_collected(s);
}

bool
mailroom_is_attended(struct relay *r, const struct dir_mailbox *mb)
{
    const struct dir_device *live[LIMIT_MAILBOX_DEVICES];
    size_t n =
        directory_live_devices(r->directory, mb, clock_wall_ms() / 1000, live);

    for (size_t i = 0; i < n; i++)
        if (map_find(&r->mailrooms, live[i]->id.b) != NULL)
            return true;
    return false;
}

static void
on_seen(struct task *t)
{
    (void)t;
}

/* Remember that it was served: `expired` will say so (PROTOCOL.md
 * section 14.4). */
static void
mark_seen(struct session *s, uint64_t cursor)
{
    struct relay *r = session_relay(s);
    struct task *t = task_new(r, NULL, 0, STORE_OP_SEEN, NULL, 0, on_seen);

    if (t == NULL)
        return;
    t->job.op.seen.device = session_device(s)->id;
    t->job.op.seen.cursor = cursor;
    relay_submit(r, t);
}

static void
deliver(struct session *s, const struct store_delivery *d)
{
    struct mailroom *mr = session_mailroom(s);
    struct msg_field f[] = {
        [DELIVER_SENDER] = msg_bin(d->sender.b, sizeof(d->sender.b)),
        [DELIVER_HDR] = msg_bin(d->hdr.data, d->hdr.len),
        [DELIVER_SLOT] = msg_u(d->slot),
        [DELIVER_WRAP] = msg_bin(d->wrap.data, d->wrap.len),
        [DELIVER_WRAP_HASHES] =
            msg_bin(d->wrap_hashes.data, d->wrap_hashes.len),
        [DELIVER_BODY] = msg_bin(d->body.data, d->body.len),
        [DELIVER_STORED_PROOF] =
            msg_bin(d->stored_proof.data, d->stored_proof.len),
    };

    mr->unacked[mr->n++] = d->packet;
    session_relay(s)->stats.delivered++;
    session_send(s, MSG_DELIVER, 0, f, 7);
    mark_seen(s, d->cursor);
}

void
mailroom_pump(struct session *s)
{
    struct mailroom *mr = session_mailroom(s);
    struct relay *r = session_relay(s);
    const struct dir_device *dev = session_device(s);

    while (session_is_mail(s) && !dev->agency->suspended && !r->stopping &&
           mr->n < LIMIT_UNACKED_DELIVER && session_unsent(s) < UNSENT_MAX) {
        struct store_delivery d = {0};
        enum err rc = store_next_packet(r->reader, &dev->id, mr->cursor,
                                        clock_wall_ms() / 1000, &d);

        /* A damaged packet is passed over: the alarm was raised, and it
         * must not keep the good ones behind it. */
        if (rc == ERR_OK || rc == ERR_VERIFY)
            mr->cursor = d.cursor;
        if (rc == ERR_OK)
            deliver(s, &d);
        store_delivery_clear(&d);
        if (rc == ERR_NOTFOUND)
            break;
        if (rc != ERR_OK && rc != ERR_VERIFY) {
            log_error("deliver: read: %s", err_text(rc));
            session_close(s, BYE_STOPPING, rc);
        }
    }
}

void
mailroom_receipted(struct session *s, const uint8_t *packet)
{
    struct mailroom *mr = session_mailroom(s);

    for (unsigned i = 0; i < mr->n; i++) {
        if (memcmp(mr->unacked[i].b, packet, 16) != 0)
            continue;
        mr->unacked[i] = mr->unacked[--mr->n];
        break;
    }
    mailroom_pump(s);
}

void
mailroom_wake(struct relay *r, const struct mailbox_id *mailbox)
{
    const struct dir_device *live[LIMIT_MAILBOX_DEVICES];
    const struct dir_mailbox *mb = directory_mailbox(r->directory, mailbox);
    size_t n;

    if (mb == NULL)
        return;
    n = directory_live_devices(r->directory, mb, clock_wall_ms() / 1000, live);
    for (size_t i = 0; i < n; i++) {
        struct session *s = map_find(&r->mailrooms, live[i]->id.b);

        if (s != NULL)
            mailroom_pump(s);
    }
}
