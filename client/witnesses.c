#include "client/witnesses.h"

#include <inttypes.h>
#include <string.h>

#include "client/freshness.h"
#include "client/shelf.h"
#include "client/sync.h"
#include "common/clock.h"
#include "proto/limits.h"

/* ---- the policy ---- */

static enum err
parse(const struct buf *bytes, const char *name, struct trust **out,
      struct problem *pb)
{
    struct trust_error error = {0};
    enum err rc = trust_parse(bytes->data, bytes->len, out, &error);

    if (rc == ERR_OK || rc == ERR_NOMEM)
        return problem_from_err(pb, "the policy cannot be read", rc);
    if (error.line > 0)
        return problem_set(pb, P_TRUST, rc, "the policy cannot be used",
                           "%.80s, line %u: %s", name, error.line,
                           error.message);
    return problem_set(pb, P_TRUST, rc, "the policy cannot be used",
                       "%.80s: %s", name, error.message);
}

enum err
witnesses_policy(struct app *app, struct trust **out, struct problem *pb)
{
    struct buf bytes = {0};
    enum err rc = shelf_get_raw(app, REC_TRUST, shelf_one, &bytes, pb);

    if (rc == ERR_OK)
        rc = parse(&bytes, "the policy in the vault", out, pb);
    buf_clear(&bytes);
    return rc;
}

enum err
witnesses_alone(struct app *app, struct trust **out, struct problem *pb)
{
    enum err rc = witnesses_policy(app, out, pb);

    if (rc == ERR_OK)
        (*out)->n_logs = 0;
    return rc;
}

bool
witnesses_know_log(const struct trust *t, const struct roster *r, unsigned log)
{
    struct vkey key;

    if (roster_vkey(r, log, &key) != ERR_OK)
        return false;
    for (size_t i = 0; i < t->n_logs; i++)
        if (strcmp(t->logs[i].name, key.name) == 0 &&
            id_eq(&t->logs[i].pub, &key.pub))
            return true;
    return false;
}

/* A policy for another network would accept nothing, and say nothing. */
static enum err
check_logs(const struct trust *t, const struct roster *r, const char *name,
           struct problem *pb)
{
    struct buf line = {0};
    struct vkey key;
    unsigned log = LOG_DIRECTORY;

    if (witnesses_know_log(t, r, LOG_DIRECTORY))
        log = LOG_DELIVERY;
    if (witnesses_know_log(t, r, log))
        return ERR_OK;
    if (roster_vkey(r, log, &key) != ERR_OK)
        return problem_set(pb, P_STATE, ERR_STATE, "the policy cannot be used",
                           "the directory of this network is not here yet");
    vkey_format(&key, &line);
    (void)problem_set(pb, P_TRUST, ERR_NOTFOUND, "the policy cannot be used",
                      "%.80s does not name this network's %s log, %.*s", name,
                      log == LOG_DIRECTORY ? "directory" : "delivery",
                      (int)line.len,
                      line.len == 0 ? "" : (const char *)line.data);
    buf_clear(&line);
    problem_next(pb, "ask your registrar for this network's policy");
    return ERR_NOTFOUND;
}

enum err
witnesses_use(struct roster *r, const struct buf *bytes, const char *name,
              struct problem *pb)
{
    struct app *app = roster_app(r);
    struct trust *t = NULL;
    enum err rc = parse(bytes, name, &t, pb);

    if (rc == ERR_OK)
        rc = check_logs(t, r, name, pb);
    trust_free(t);
    if (rc == ERR_OK)
        rc = shelf_begin(app, pb);
    if (rc != ERR_OK)
        return rc;
    shelf_put_raw(app, REC_TRUST, shelf_one, bytes->data, bytes->len);
    return shelf_end(app, ERR_OK, pb);
}

static void
log_record(uint8_t id[16], unsigned log)
{
    shelf_number(id, log);
}

enum err
witnesses_forget(struct app *app, struct problem *pb)
{
    struct buf bytes = {0};
    uint8_t id[16];
    enum err rc = shelf_get_raw(app, REC_TRUST, shelf_one, &bytes, pb);

    buf_clear(&bytes);
    if (rc == ERR_OK)
        rc = shelf_begin(app, pb);
    if (rc != ERR_OK)
        return rc;
    shelf_drop(app, REC_TRUST, shelf_one);
    for (unsigned log = LOG_DIRECTORY; log <= LOG_DELIVERY; log++) {
        log_record(id, log);
        shelf_drop(app, REC_COSIGNED, id);
    }
    return shelf_end(app, ERR_OK, pb);
}

/* ---- heads ---- */

enum err
witnesses_judge(const struct roster *r, const struct trust *t, unsigned log,
                struct span note, struct trusted *out)
{
    struct trusted judged;
    struct vkey key;

    if (roster_vkey(r, log, &key) != ERR_OK ||
        trust_checkpoint(t, note.p, note.len, &judged) != ERR_OK ||
        strcmp(judged.log->name, key.name) != 0 ||
        !id_eq(&judged.log->pub, &key.pub) || !judged.quorum)
        return ERR_VERIFY;
    *out = judged;
    return ERR_OK;
}

enum err
witnesses_newest(const struct roster *r, const struct trust *t, unsigned log,
                 struct trusted *out, struct problem *pb)
{
    struct buf note = {0};
    uint8_t id[16];
    enum err rc;

    log_record(id, log);
    rc = shelf_get_raw(roster_app(r), REC_COSIGNED, id, &note, pb);
    if (rc == ERR_OK &&
        witnesses_judge(r, t, log, (struct span){note.data, note.len}, out) !=
            ERR_OK)
        rc = ERR_NOTFOUND; /* of another policy, or another era */
    buf_clear(&note);
    return rc;
}

/* ---- from the relay ---- */

/* Onto NOTE; ERR_NOTFOUND without a problem: the relay has none. */
static enum err
ask_newest(struct upstream *u, unsigned log, struct buf *note,
           struct problem *pb)
{
    struct msg_field f[] = {
        [COSIGNED_GET_LOG] = msg_u(log),
        [COSIGNED_GET_SIZE] = msg_u(0),
    };
    const struct msg *m;
    struct problem ask = {0};
    unsigned wire = PERR_NONE;
    enum err rc =
        upstream_call(u, MSG_COSIGNED_GET, f, 2, MSG_COSIGNED, &m, &wire, &ask);

    if (wire == PERR_NOTFOUND)
        return ERR_NOTFOUND;
    if (rc != ERR_OK) {
        *pb = ask;
        return rc;
    }
    buf_put(note, m->f[COSIGNED_CHECKPOINT].p, m->f[COSIGNED_CHECKPOINT].len);
    return problem_from_err(pb, "a head does not fit", buf_status(note));
}

/* Leaves that others have seen, and we not: a relay that goes on showing an
 * old directory is found out here. */
static enum err
join_directory(struct desk *d, const struct head *head, struct problem *pb)
{
    enum err rc = ERR_OK;

    if (head->size > roster_directory_head(d->roster)->size)
        rc = sync_directory(d->up, d->roster, pb);
    if (rc != ERR_OK)
        return rc;
    if (head->size > roster_directory_head(d->roster)->size)
        return problem_set(
            pb, P_HIDDEN, ERR_VERIFY, "the relay hides a part of the directory",
            "witnesses have cosigned %" PRIu64 " entries; it gives us %" PRIu64,
            head->size, roster_directory_head(d->roster)->size);
    return sync_foreign_head(d->up, d->roster, LOG_DIRECTORY, head, pb);
}

static enum err
join(struct desk *d, unsigned log, const struct buf *note,
     const struct head *head, struct problem *pb)
{
    struct span bytes = {note->data, note->len};

    return log == LOG_DIRECTORY
               ? join_directory(d, head, pb)
               : sync_delivery_head(d->up, d->roster, bytes, pb);
}

/* What it says about now: words from far ahead of our clock say nothing, and
 * must neither push out a word that counts nor bar the way to later ones. */
static uint64_t
fresh_at(const struct trust *t, const struct trusted *judged)
{
    struct freshness f;

    freshness_judge(t, judged, 0, clock_wall_ms(), &f);
    return f.at_ms;
}

static enum err
keep(const struct roster *r, const struct trust *t, unsigned log,
     const struct buf *note, const struct trusted *judged, struct problem *pb)
{
    struct app *app = roster_app(r);
    struct trusted before;
    uint8_t id[16];
    enum err rc = witnesses_newest(r, t, log, &before, pb);

    if (rc == ERR_OK && fresh_at(t, &before) >= fresh_at(t, judged))
        return ERR_OK;
    if (rc == ERR_OK || rc == ERR_NOTFOUND)
        rc = shelf_begin(app, pb);
    if (rc != ERR_OK)
        return rc;
    log_record(id, log);
    shelf_put_raw(app, REC_COSIGNED, id, note->data, note->len);
    return shelf_end(app, ERR_OK, pb);
}

/* Witnesses that still sign an old directory, long after we were shown the new
 * one: the relay keeps it from them, and so from everybody who trusts them. */
static enum err
check_shown(struct desk *d, const struct trust *t, const struct trusted *judged,
            struct problem *pb)
{
    enum { PATIENCE_MS = 3600 * 1000 }; /* beats, back-off, clocks */
    uint64_t ours = roster_directory_head(d->roster)->size;
    uint64_t grown_ms = roster_grown_ms(d->roster);

    if (judged->head.size >= ours || grown_ms == 0 ||
        fresh_at(t, judged) < grown_ms + PATIENCE_MS)
        return ERR_OK;
    return problem_set(pb, P_HIDDEN, ERR_VERIFY,
                       "the relay hides a part of the directory from the "
                       "witnesses",
                       "they have cosigned %" PRIu64
                       " entries; it showed us %" PRIu64 " more than an hour "
                       "before",
                       judged->head.size, ours);
}

static enum err
fetch(struct desk *d, const struct trust *t, unsigned log, struct problem *pb)
{
    struct buf note = {0};
    struct trusted judged;
    struct vkey key;
    struct head head;
    enum err rc = ask_newest(d->up, log, &note, pb);

    if (rc == ERR_OK && (roster_vkey(d->roster, log, &key) != ERR_OK ||
                         head_from_note(note.data, note.len, &key, NULL, 0,
                                        &head, NULL) != ERR_OK))
        rc = problem_set(pb, P_ORIGIN, ERR_VERIFY,
                         "a cosigned head of the relay's log does not verify",
                         "it is not signed by the key of the policy");
    if (rc == ERR_OK)
        rc = join(d, log, &note, &head, pb);
    /* Too few witnesses, or a bad line: it does not count, and ages. */
    if (rc == ERR_OK &&
        witnesses_judge(d->roster, t, log, (struct span){note.data, note.len},
                        &judged) == ERR_OK) {
        if (log == LOG_DIRECTORY)
            rc = check_shown(d, t, &judged, pb);
        if (rc == ERR_OK)
            rc = keep(d->roster, t, log, &note, &judged, pb);
    }
    buf_clear(&note);
    return rc == ERR_NOTFOUND && pb->id == P_NONE ? ERR_OK : rc;
}

enum err
witnesses_fetch(struct desk *d, struct problem *pb)
{
    struct trust *t = NULL;
    enum err rc = witnesses_policy(d->app, &t, pb);

    if (rc == ERR_OK)
        rc = fetch(d, t, LOG_DIRECTORY, pb);
    if (rc == ERR_OK)
        rc = fetch(d, t, LOG_DELIVERY, pb);
    trust_free(t);
    return rc == ERR_NOTFOUND && pb->id == P_NONE ? ERR_OK : rc;
}
