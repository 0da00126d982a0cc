/*
 * cosigning.c - a note with lines comes in -> the good ones join what is held
 * for that head -> one row of the store -> below the published checkpoint.
 * The newest head of each log is held in memory too, so that two answers of
 * one second do not wait for each other's commit.
 */
#include "server/cosigning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "proto/cosigned.h"
#include "server/policy_file.h"
#include "server/publish.h"
#include "server/relay.h"
#include "server/task.h"

struct held {
    struct buf note;
    struct head head;
};

struct cosigning {
    struct relay *relay;
    struct trust *policy; /* NULL: no witnesses */
    struct held held[STORE_LOGS];
    uint64_t seen_s[NOTE_KEYS_MAX]; /* newest time of each witness */
    uint64_t quorum_time_s[STORE_LOGS];
    uint64_t taken;
};

/* ---- the policy ---- */

/* A policy that does not know our logs would never take anything. */
static enum err
check_policy(const struct trust *t, const struct vkey *log, const char *path,
             char *why, size_t why_len)
{
    enum err rc = cosigned_check_policy(t, log);
    struct buf line = {0};

    if (rc == ERR_TOOBIG)
        (void)snprintf(why, why_len,
                       "%s: the cosignatures of so many witnesses do not fit "
                       "below a checkpoint; use fewer, or shorter key names",
                       path);
    if (rc == ERR_NOTFOUND) {
        vkey_format(log, &line);
        (void)snprintf(why, why_len,
                       "%s does not name this relay's log; add the line: log "
                       "%.*s",
                       path, (int)line.len,
                       line.len == 0 ? "" : (const char *)line.data);
    }
    buf_clear(&line);
    return rc;
}

static void
note_times(struct cosigning *c, enum store_log log, uint64_t verified,
           const uint64_t time_s[NOTE_KEYS_MAX], bool has_quorum,
           uint64_t quorum_time_s)
{
    for (size_t i = 0; i < c->policy->n_witnesses; i++)
        if ((verified >> i & 1) != 0 && time_s[i] > c->seen_s[i])
            c->seen_s[i] = time_s[i];
    if (has_quorum && quorum_time_s > c->quorum_time_s[log])
        c->quorum_time_s[log] = quorum_time_s;
}

/* What the store has, so that a restart does not look like silence. */
static enum err
recall(struct cosigning *c, enum store_log log)
{
    struct buf note = {0};
    static const struct span none;
    struct cosigned was;
    enum err rc = store_cosigned(c->relay->reader, log, 0, &note);

    if (rc == ERR_OK) {
        struct buf again = {0};

        if (cosigned_merge(c->policy, store_vkey(c->relay->store, log),
                           (struct span){note.data, note.len}, none,
                           clock_wall_ms() / 1000, &again, &was) == ERR_OK)
            note_times(c, log, was.verified, was.time_s, was.has_quorum,
                       was.time_s_best);
        buf_clear(&again);
    }
    buf_clear(&note);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static enum err
load(struct cosigning *c, const char *path, char *why, size_t why_len)
{
    enum err rc = policy_file_read(path, &c->policy, why, why_len);

    for (int i = 0; i < STORE_LOGS && rc == ERR_OK; i++)
        rc = check_policy(c->policy,
                          store_vkey(c->relay->store, (enum store_log)i), path,
                          why, why_len);
    for (int i = 0; i < STORE_LOGS && rc == ERR_OK; i++)
        rc = recall(c, (enum store_log)i);
    return rc;
}

enum err
cosigning_open(struct relay *r, const char *policy_path, struct cosigning **out,
               char *why, size_t why_len)
{
    struct cosigning *c = calloc(1, sizeof(*c));
    enum err rc = c == NULL ? ERR_NOMEM : ERR_OK;

    if (rc == ERR_OK) {
        c->relay = r;
        if (policy_path != NULL)
            rc = load(c, policy_path, why, why_len);
    }
    if (rc != ERR_OK) {
        cosigning_close(c);
        return rc;
    }
    if (c->policy != NULL)
        log_info("%zu witnesses in the policy %s", c->policy->n_witnesses,
                 policy_path);
    *out = c;
    return ERR_OK;
}

void
cosigning_close(struct cosigning *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < STORE_LOGS; i++)
        buf_clear(&c->held[i].note);
    trust_free(c->policy);
    free(c);
}

/* ---- heads ---- */

void
cosigning_head(struct relay *r, enum store_log log, struct head *out)
{
    struct head heads[STORE_LOGS];

    if (r->publish != NULL && publish_head(r->publish, log, out))
        return;
    store_heads(r->store, heads);
    *out = heads[log];
}

/* What is held for the head of FRESH; nothing is fine. */
static enum err
held_for(struct cosigning *c, enum store_log log, const struct head *head,
         struct buf *out)
{
    const struct held *h = &c->held[log];
    enum err rc;

    if (h->note.len > 0 && h->head.size == head->size) {
        buf_put(out, h->note.data, h->note.len);
        return buf_status(out);
    }
    rc = store_cosigned_at(c->relay->reader, log, head->size, out);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* ---- keeping ---- */

static void
on_kept(struct task *t)
{
    const struct store_result *res = &t->job.op.result;

    if (res->why != STORE_OK)
        log_warn("cosignatures were not kept: %s", store_why_text(res->why));
}

static enum err
keep(struct cosigning *c, enum store_log log, const struct buf *note,
     const struct cosigned *what)
{
    struct task *t =
        task_new(c->relay, NULL, 0, STORE_OP_COSIGNED, NULL, 0, on_kept);

    if (t != NULL)
        t->extra = malloc(note->len);
    if (t == NULL || t->extra == NULL) {
        task_free(t);
        return ERR_NOMEM;
    }
    memcpy(t->extra, note->data, note->len);
    t->job.op.cosigned = (struct store_cosigned_op){
        .log = log,
        .size = what->head.size,
        .time_s = what->time_s_best,
        .has_quorum = what->has_quorum,
        .note = {t->extra, note->len},
    };
    relay_submit(c->relay, t);
    return ERR_OK;
}

static void
hold(struct held *h, const struct buf *note, const struct cosigned *what)
{
    if (what->head.size < h->head.size)
        return;
    buf_reset(&h->note);
    buf_put(&h->note, note->data, note->len);
    if (buf_status(&h->note) != ERR_OK)
        buf_clear(&h->note);
    h->head = what->head;
}

static void
publish(struct relay *r, enum store_log log, const struct buf *note,
        const struct cosigned *what)
{
    /* Another beat may have come since: then its own lines will. */
    if (r->publish != NULL)
        (void)publish_cosigned(r->publish, log, &what->head,
                               note->data + what->lines_at,
                               note->len - what->lines_at);
}

static enum err
take_merged(struct cosigning *c, enum store_log log, const struct buf *note,
            const struct cosigned *what)
{
    enum err rc;

    if (what->taken == 0)
        return ERR_OK;
    rc = keep(c, log, note, what);
    if (rc != ERR_OK)
        return rc;
    hold(&c->held[log], note, what);
    publish(c->relay, log, note, what);
    note_times(c, log, what->verified, what->time_s, what->has_quorum,
               what->time_s_best);
    c->taken += what->taken;
    return ERR_OK;
}

enum err
cosigning_take(struct cosigning *c, enum store_log log, struct span note,
               unsigned *taken)
{
    const struct vkey *key = store_vkey(c->relay->store, log);
    struct buf held = {0}, out = {0};
    struct cosigned what;
    struct head head;
    enum err rc = c->policy == NULL ? ERR_UNSUPPORTED : ERR_OK;

    if (rc == ERR_OK)
        rc = head_from_note(note.p, note.len, key, NULL, 0, &head, NULL);
    if (rc == ERR_OK)
        rc = held_for(c, log, &head, &held);
    if (rc == ERR_OK)
        rc = cosigned_merge(c->policy, key, note,
                            (struct span){held.data, held.len},
                            clock_wall_ms() / 1000, &out, &what);
    if (rc == ERR_OK)
        rc = take_merged(c, log, &out, &what);
    if (rc == ERR_OK)
        *taken = what.taken;
    buf_clear(&held);
    buf_clear(&out);
    return rc;
}

bool
cosigning_stats(const struct cosigning *c, struct cosigning_stats *out)
{
    uint64_t now_s = clock_wall_ms() / 1000;
    uint64_t away_s;

    if (c == NULL || c->policy == NULL)
        return false;
    away_s = c->relay->conf.witness_again_ms / 1000 + COSIGNING_LATE_S;
    *out =
        (struct cosigning_stats){.witnesses = (unsigned)c->policy->n_witnesses,
                                 .cosignatures = c->taken};
    for (size_t i = 0; i < c->policy->n_witnesses; i++)
        out->reachable += c->seen_s[i] != 0 && c->seen_s[i] + away_s >= now_s;
    memcpy(out->quorum_time_s, c->quorum_time_s, sizeof(out->quorum_time_s));
    return true;
}
