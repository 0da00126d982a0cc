#include "client/posting.h"

#include <inttypes.h>
#include <string.h>

#include "client/outbox.h"
#include "client/shelf.h"
#include "common/clock.h"
#include "common/os.h"
#include "proto/proof.h"

enum { WAIT_MS = 60 * 1000, PAUSE_MS = 1000 };

/* ---- the connection ---- */

enum err
posting_connect(struct desk *d, struct problem *pb)
{
    uint64_t until = clock_mono_ms() + WAIT_MS;
    struct problem mine;
    enum err rc;

    for (;;) {
        mine = (struct problem){0};
        rc = desk_connect(d, false, &mine);
        if (!is_passing(rc) || !d->app->wait || clock_mono_ms() > until)
            break;
        os_sleep_ms(PAUSE_MS);
    }
    if (is_passing(rc) && !d->app->wait) {
        out_note(d->app, "No connection to the relay: %s.", mine.why);
        return ERR_OK;
    }
    if (rc != ERR_OK)
        *pb = mine;
    return rc;
}

/* Sealing a large file takes longer than a silent connection lives. */
static enum err
compose(struct desk *d, const struct compose *c, struct mail *m,
        struct problem *pb)
{
    bool was_online = d->up != NULL;
    enum err rc = compose_check(d, c, pb);
    struct compose fresh = *c;

    if (rc != ERR_OK)
        return rc;
    if (was_online && c->n_files > 0) {
        desk_disconnect(d);
        fresh.was_online = true;
    }
    rc = compose_packet(d, &fresh, m, pb);
    if (rc == ERR_OK && was_online && d->up == NULL)
        rc = posting_connect(d, pb);
    return rc;
}

/* ---- telling ---- */

static json_t *
receipt_json(struct app *app, const struct mail *m)
{
    struct problem none = {0};
    struct buf b = {0};
    json_t *j = NULL;
    struct proof p;
    uint8_t id[16];

    mail_record_id(id, &m->id, m->direction);
    if (shelf_get_raw(app, REC_PROOF, id, &b, &none) == ERR_OK &&
        proof_parse(b.data, b.len, &p) == ERR_OK) {
        struct checkpoint cp;
        struct note note;

        j = json_object();
        json_put_u64(j, "index", p.index);
        if (note_open(p.note, p.note_len, NULL, 0, &note) == ERR_OK &&
            checkpoint_parse(note.text, note.text_len, &cp) == ERR_OK)
            json_put_u64(j, "size", cp.size);
        json_put_u64(j, "time_ms", m->stored_ms);
    }
    buf_clear(&b);
    return j == NULL ? json_null() : j;
}

static void
tell_json(struct desk *d, const struct mail *m)
{
    static const struct packet_id none;
    json_t *out = d->app->result;

    json_put_hex(out, "packet_id", m->id.b, sizeof(m->id.b));
    json_put_str(out, "state", mail_state_name(m->state));
    json_put(out, "receipt", receipt_json(d->app, m));
    json_put_hex(out, "thread", m->thread.b, sizeof(m->thread.b));
    if (id_eq(&m->own_copy, &none))
        json_put(out, "own_copy", json_null());
    else
        json_put_hex(out, "own_copy", m->own_copy.b, sizeof(m->own_copy.b));
    json_put(out, "skipped_devices", outbox_skipped(d, m));
    json_put_u64(out, "expires_ms", m->not_after_s * 1000);
    json_put_u64(out, "alarms", d->count.alarms);
    json_put_bool(out, "escalates", m->is_escalating);
    if (m->waiting[0] == '\0')
        json_put(out, "waiting_for", json_null());
    else
        json_put_str(out, "waiting_for", m->waiting);
}

static void
tell_skipped(struct desk *d)
{
    json_t *list = json_object_get(d->app->result, "skipped_devices");
    json_t *name;
    size_t i;

    json_array_foreach(list, i, name)
    {
        out_note(d->app,
                 "Note: the device \"%s\" has no valid key and cannot read "
                 "it.",
                 json_string_value(name));
    }
}

static void
tell(struct desk *d, const struct mail *m, const char *next)
{
    char to[256];
    char at[CLOCK_TEXT_MAX];
    char id[9];

    tell_json(d, m);
    tell_skipped(d);
    mail_short(id, &m->id);
    roster_mailbox_name(d->roster, &m->peer_mailbox, to, sizeof(to));
    if (m->state == MAIL_QUEUED) {
        out_line(d->app, "Packet %s to %s waits for: %s.", id, to, m->waiting);
        out_note(d->app, "Not yet: it is only on this laptop.");
        out_next(d->app, "sealpost sync");
        return;
    }
    clock_format_local(at, m->stored_ms);
    out_line(d->app,
             "Packet %s to %s: stored by the relay at %s, entry %" PRIu64
             " of its log.",
             id, to, at, m->stored_index);
    if (!roster_is_verified(d->roster, &m->peer_agency))
        out_note(d->app, "Note: nobody here has compared this agency's digits "
                         "by phone yet (`sealpost contacts verify`).");
    out_note(d->app, "You can close the laptop now.");
    if (next != NULL)
        out_next(d->app, "%s", next);
    else
        out_next(d->app, "sealpost status %s", id);
}

enum err
posting_deliver(struct desk *d, struct mail *m, const char *next,
                struct problem *pb)
{
    enum err rc = ERR_OK;

    if (d->up != NULL) {
        rc = outbox_send(d, m, pb);
        /* It is in the vault: the network may come back later. */
        if (is_passing(rc) && !d->app->wait)
            rc = ERR_OK;
    }
    if (rc == ERR_OK || m->state == MAIL_STORED)
        tell(d, m, next);
    else
        tell_json(d, m);
    if (rc != ERR_OK && m->state == MAIL_QUEUED)
        out_note(d->app, "The packet is kept and stays in the outbox.");
    return rc;
}

int
posting_send(struct desk *d, const struct compose *c, const char *next)
{
    struct problem pb = {0};
    struct mail m = {0};
    enum err rc = compose(d, c, &m, &pb);

    if (rc == ERR_OK) {
        rc = posting_deliver(d, &m, next, &pb);
    } else if (m.direction == INDEX_OUT) {
        tell_json(d, &m);
        out_note(d->app, "The packet is kept and stays in the outbox.");
    }
    mail_clear(&m);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(d->app, &pb);
}
