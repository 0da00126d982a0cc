#include "client/succession_keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/app.h"
#include "client/delivery.h"
#include "client/roster_inside.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "common/clock.h"

static const char waiting[] = "relay, which was restored";

/* A lost event that matters afterwards: a withdrawal that has to be said
 * again. */
struct lost_event {
    uint64_t index;
    uint8_t type;
    struct packet_id packet;
};

struct keeping {
    struct roster *r;
    struct app *app;
    const struct succession_loss *loss;
    struct lost_event *events;
    size_t n, cap;
};

/* ---- what is there ---- */

static enum err
note_event(struct keeping *k, const struct kept_event *e)
{
    if (k->n == k->cap) {
        size_t cap = k->cap == 0 ? 64 : 2 * k->cap;
        struct lost_event *more = realloc(k->events, cap * sizeof(*more));

        if (more == NULL)
            return ERR_NOMEM;
        k->events = more;
        k->cap = cap;
    }
    k->events[k->n++] = (struct lost_event){
        .index = e->index, .type = e->event.type, .packet = e->event.packet};
    return ERR_OK;
}

static enum err
find_events(struct keeping *k, struct succession_loss *loss, struct problem *pb)
{
    size_t pos = 0;
    enum err rc;

    do {
        struct kept_event e = {0};

        rc = delivery_next(k->app, &pos, &e, pb);
        if (rc == ERR_OK && e.index >= loss->from) {
            if (loss->since_ms == 0 || e.event.time_ms < loss->since_ms)
                loss->since_ms = e.event.time_ms;
            rc = problem_from_err(pb, "the events do not fit",
                                  note_event(k, &e));
        }
        kept_event_clear(&e);
    } while (rc == ERR_OK);
    loss->events = (unsigned)k->n;
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static bool
was_lost(const struct keeping *k, const struct packet_id *id, uint8_t type)
{
    for (size_t i = 0; i < k->n; i++)
        if (k->events[i].type == type && id_eq(&k->events[i].packet, id))
            return true;
    return false;
}

/* ---- (T) ---- */

static enum err
move(struct keeping *k, enum record_kind kind, const uint8_t from[16],
     enum succession_record what, uint64_t index, struct problem *pb)
{
    struct buf b = {0};
    uint8_t to[16];
    enum err rc = shelf_get_raw(k->app, kind, from, &b, pb);

    if (rc == ERR_OK) {
        succession_record_id(to, k->loss->policy, what, index);
        shelf_put_raw(k->app, REC_SUCCESSION, to, b.data, b.len);
        shelf_drop(k->app, kind, from);
    }
    buf_clear(&b);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static enum err
move_events(struct keeping *k, struct problem *pb)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < k->n && rc == ERR_OK; i++) {
        uint8_t id[16];

        shelf_number(id, k->events[i].index);
        rc = move(k, REC_EVENT, id, SUCCESSION_EVENT, k->events[i].index, pb);
    }
    return rc;
}

/* Its bytes are here and it had not come to an end: it goes again. */
static enum err
queue_again(struct keeping *k, struct mail *m, struct problem *pb)
{
    uint8_t id[16];
    enum err rc;

    mail_record_id(id, &m->id, m->direction);
    shelf_drop(k->app, REC_REFRESHED, id); /* made from the receipt again */
    rc = move(k, REC_PROOF, id, SUCCESSION_PROOF, m->stored_index, pb);
    m->state = MAIL_QUEUED;
    m->stored_ms = m->stored_index = 0;
    m->again_ms = clock_wall_ms();
    (void)snprintf(m->waiting, sizeof(m->waiting), "%s", waiting);
    mail_put(k->app, m);
    return rc;
}

static enum err
adapt(struct keeping *k, struct mail *m, struct succession_loss *loss,
      struct problem *pb)
{
    bool is_lost = m->stored_ms != 0 && m->stored_index >= loss->from;

    if (m->direction != INDEX_OUT)
        return ERR_OK;
    if (is_lost && (loss->since_ms == 0 || m->stored_ms < loss->since_ms))
        loss->since_ms = m->stored_ms;
    if (is_lost && m->state == MAIL_STORED && m->is_sealed) {
        loss->again++;
        return queue_again(k, m, pb);
    }
    if (is_lost) {
        loss->ended++;
        m->lost_policy = loss->policy;
        mail_put(k->app, m);
    } else if (m->state == MAIL_WITHDRAWN && m->stored_ms != 0 &&
               was_lost(k, &m->id, EVENT_WITHDRAWN)) {
        m->again_ms = clock_wall_ms();
        mail_put(k->app, m);
    }
    return ERR_OK;
}

static enum err
adapt_mails(struct keeping *k, struct succession_loss *loss, struct problem *pb)
{
    size_t pos = 0;
    enum err rc;

    do {
        struct mail m = {0};

        rc = mail_next(k->app, &pos, &m, pb);
        if (rc == ERR_OK)
            rc = adapt(k, &m, loss, pb);
        mail_clear(&m);
    } while (rc == ERR_OK);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static void
put_note(struct keeping *k, const struct era *was, const struct head *ours)
{
    const struct succession_loss *l = k->loss;
    struct buf note = {0};
    uint8_t id[16];
    json_t *j = json_object();

    succession_record_id(id, l->policy, SUCCESSION_NOTE, 0);
    json_put_u64(j, "policy", l->policy);
    json_put_u64(j, "from", l->from);
    json_put_str(j, "old_origin", was->key.name);
    json_put_u64(j, "old_size", ours->size);
    if (head_to_note(ours, &was->key, &note) == ERR_OK)
        json_put_text(j, "old_head", note.data, note.len);
    json_put_u64(j, "events", l->events);
    json_put_u64(j, "since_ms", l->since_ms);
    json_put_u64(j, "again", l->again);
    json_put_u64(j, "ended", l->ended);
    json_put_u64(j, "seen_ms", clock_wall_ms());
    shelf_put(k->app, REC_SUCCESSION, id, j);
    json_decref(j);
    buf_clear(&note);
}

static enum err
write_all(struct keeping *k, const struct era *was, const struct head *ours,
          const struct head heads[2], struct succession_loss *loss,
          struct problem *pb)
{
    enum err rc = shelf_begin(k->app, pb);

    if (rc != ERR_OK)
        return rc;
    if (ours->size > loss->from) {
        rc = move_events(k, pb);
        if (rc == ERR_OK)
            rc = adapt_mails(k, loss, pb);
    }
    put_note(k, was, ours);
    roster_heads_put(k->r, heads, k->r->synced_ms);
    return shelf_end(k->app, rc, pb);
}

enum err
succession_keep(struct roster *r, const struct era *was,
                const struct head *ours, const struct head *theirs,
                struct succession_loss *loss, struct problem *pb)
{
    struct keeping k = {.r = r, .app = r->app, .loss = loss};
    struct head heads[2] = {r->heads[0], r->heads[1]};
    enum err rc = ERR_OK;

    heads[LOG_DELIVERY] = *theirs;
    if (ours->size > loss->from)
        rc = find_events(&k, loss, pb);
    if (rc == ERR_OK)
        rc = write_all(&k, was, ours, heads, loss, pb);
    if (rc == ERR_OK)
        memcpy(r->heads, heads, sizeof(r->heads));
    free(k.events);
    return rc;
}
