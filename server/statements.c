#include "server/statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/list.h"
#include "common/log.h"
#include "common/map.h"
#include "proto/invite.h"
#include "server/relay.h"
#include "server/session.h"
#include "server/task.h"

enum {
    WAITING_MAX = 256,
    /* Of one agency; every client holds every leaf for ever.  A mailbox of 255
     * devices is enrolled within it. */
    AGENCY_PER_HOUR = 256,
};

struct waiting {
    struct list_node node;
    struct session *session; /* NULL: nobody waits */
    uint32_t req;
    size_t len;
    uint8_t bytes[];
};

struct statements {
    struct relay *relay;
    struct list queue; /* the first one is under way when BUSY */
    size_t n;
    bool busy;
    struct map added; /* agency -> how many this hour, see count_one */
    uint64_t hour;
};

struct statements *
statements_new(struct relay *r)
{
    struct statements *q = calloc(1, sizeof(*q));
    uint8_t seed[16];

    if (q == NULL)
        return NULL;
    crypto_random(seed, sizeof(seed));
    map_init(&q->added, sizeof(struct agency_id), seed);
    q->relay = r;
    list_init(&q->queue);
    return q;
}

static void
drop_first(struct statements *q)
{
    struct list_node *n = list_pop_front(&q->queue);

    q->n--;
    free(list_entry(n, struct waiting, node));
}

void
statements_free(struct statements *q)
{
    if (q == NULL)
        return;
    while (!list_is_empty(&q->queue))
        drop_first(q);
    map_clear(&q->added);
    free(q);
}

void
statements_forget(struct statements *q, const struct session *s)
{
    for (struct list_node *n = list_first(&q->queue); n != NULL;
         n = list_next(&q->queue, n)) {
        struct waiting *w = list_entry(n, struct waiting, node);

        if (w->session == s)
            w->session = NULL;
    }
}

/* ---- meaning ---- */

static void
ended(struct store_effect *e, const struct device_id *device, uint64_t since)
{
    e->kind = STORE_EFFECT_DEVICE_ENDED;
    e->device = *device;
    e->time_s = since;
}

static void
mailbox_effect(struct store_effect *e, const struct statement *st)
{
    e->kind = STORE_EFFECT_MAILBOX;
    e->agency = st->issuer;
    e->mailbox = st->body.mailbox.mailbox;
    e->on = st->body.mailbox.state == MAILBOX_OPEN;
    e->members = st->body.mailbox.devices;
    e->n_members = st->body.mailbox.n;
}

static void
device_effect(struct store_effect *e, const struct statement *st)
{
    e->kind = STORE_EFFECT_DEVICE;
    e->agency = st->issuer;
    device_id_of(&e->device, &st->body.device.sign_key);
    e->time_s = st->body.device.not_after_s;
}

size_t
statement_effects(const struct directory *dir, const struct statement *st,
                  struct store_effect out[STATEMENT_EFFECTS_MAX])
{
    struct store_effect *e = &out[0];

    (void)dir;
    memset(out, 0, sizeof(*out) * STATEMENT_EFFECTS_MAX);
    switch (st->kind) {
    case STMT_POLICY:
        e->kind = STORE_EFFECT_RETENTION;
        e->days = st->body.policy.retention_days;
        return 1;
    case STMT_ADMIT:
        e->kind = STORE_EFFECT_AGENCY;
        agency_id_of(&e->agency, &st->body.admit.root);
        return 1;
    case STMT_SUSPEND:
        e->kind = STORE_EFFECT_SUSPENDED;
        e->agency = st->body.suspend.agency;
        e->on = st->body.suspend.state == 1;
        return 1;
    case STMT_STOP_DEVICE:
        ended(e, &st->body.stop_device.device, st->body.stop_device.since_s);
        return 1;
    case STMT_REVOKE:
        ended(e, &st->body.revoke.device, st->body.revoke.since_s);
        return 1;
    case STMT_DEVICE:
        device_effect(e, st);
        return 1;
    case STMT_MAILBOX:
        mailbox_effect(e, st);
        return 1;
    default: /* REROOT, CANCEL: the store knows no roots */
        return 0;
    }
}

static bool
text_is(struct text_ref a, const char *b)
{
    return strlen(b) == a.len && memcmp(a.p, b, a.len) == 0;
}

/* ---- one statement ---- */

static void start_next(struct statements *q);

static void
answer_error(struct waiting *w, enum perr code, const char *detail)
{
    if (w->session != NULL)
        session_error(w->session, w->req, code, detail);
}

static void
push_leaf(struct relay *r, uint64_t index, const uint8_t *bytes, size_t len,
          const struct buf *note)
{
    struct msg_field leaf = msg_bin(bytes, len);
    struct msg_field f[] = {
        [DIR_FROM] = msg_u(index),
        [DIR_LEAVES] = msg_list(&leaf, 1),
        [DIR_CHECKPOINT] = msg_bin(note->data, note->len),
    };

    for (struct list_node *n = list_first(&r->sessions); n != NULL;) {
        struct session *s = session_from_node(n);

        n = list_next(&r->sessions, n);
        if (session_is_mail(s))
            session_push(s, MSG_DIR, f, 3);
    }
}

/* The agency asked to join with a device and a mailbox of its own: they follow
 * its ADMIT. */
static enum err
queue_join(void *arg, const struct store_join *join)
{
    struct relay *r = arg;
    const struct dir_agency *a = directory_agency(r->directory, &join->agency);
    struct join_request req;
    enum err rc = join_request_parse(&req, join->request.p, join->request.len);

    if (rc == ERR_OK && a->n_devices == 0)
        rc = statements_put(r, NULL, 0, req.device.p, req.device.len);
    if (rc == ERR_OK && a->n_mailboxes == 0)
        rc = statements_put(r, NULL, 0, req.mailbox.p, req.mailbox.len);
    return rc;
}

static void
finish_join(struct relay *r, const struct agency_id *agency)
{
    const struct dir_agency *a = directory_agency(r->directory, agency);

    if (a != NULL && (a->n_devices == 0 || a->n_mailboxes == 0))
        (void)store_join_by_agency(r->reader, agency, queue_join, r);
}

void
statements_finish_joins(struct relay *r)
{
    const struct dir_agency *a;

    if (r->statements->n > 0)
        return; /* they may be among those that wait: the next sweep looks */
    for (size_t i = 0; (a = directory_agency_nth(r->directory, i)) != NULL; i++)
        finish_join(r, &a->id);
}

static void
tell(struct statements *q, struct waiting *w, uint64_t index)
{
    struct relay *r = q->relay;
    struct head heads[STORE_LOGS];
    struct buf note = {0};

    store_heads(r->store, heads);
    if (head_to_note(&heads[STORE_DIRECTORY],
                     store_vkey(r->store, STORE_DIRECTORY), &note) == ERR_OK) {
        struct msg_field f[] = {
            [STMT_INDEX] = msg_u(index),
            [STMT_CHECKPOINT] = msg_bin(note.data, note.len),
        };
        if (w->session != NULL)
            session_send(w->session, MSG_STMT, w->req, f, 2);
        push_leaf(r, index, w->bytes, w->len, &note);
    }
    buf_clear(&note);
}

static void
on_logged(struct task *t)
{
    struct statements *q = t->relay->statements;
    struct waiting *w = list_entry(list_first(&q->queue), struct waiting, node);
    const struct store_result *res = &t->job.op.result;
    struct dir_finding finding = {0};

    if (res->why != STORE_OK) {
        answer_error(w, res->why == STORE_WHY_DISK ? PERR_DISK : PERR_STMT,
                     store_why_text(res->why));
    } else if (directory_apply(t->relay->directory, w->bytes, w->len,
                               &finding) != ERR_OK) {
        relay_fatal(t->relay, ERR_NOMEM, "the directory does not fit memory");
        return;
    } else {
        tell(q, w, res->index);
        relay_recheck_sessions(t->relay);
    }
    drop_first(q);
    q->busy = false; /* only now: what follows may queue more */
    if (finding.kind == STMT_ADMIT)
        finish_join(t->relay, &finding.agency);
    start_next(q);
}

/* The same statement again, perhaps after a lost answer: it is there. */
static void
answer_known(struct statements *q, struct waiting *w)
{
    struct relay *r = q->relay;
    uint64_t size = directory_size(r->directory);
    struct hash leaf;

    merkle_leaf(w->bytes, w->len, &leaf);
    while (size-- > 0)
        if (id_eq(directory_leaf_hash(r->directory, size), &leaf))
            break;
    tell(q, w, size);
}

/* Counts are the map's values themselves, pointers that are never followed. */
static enum err
count_one(struct statements *q, const struct agency_id *agency)
{
    uint64_t hour = clock_mono_ms() / 3600000;
    uintptr_t n;

    if (hour != q->hour) {
        map_clear(&q->added);
        q->hour = hour;
    }
    n = (uintptr_t)map_find(&q->added, agency->b);
    if (n >= AGENCY_PER_HOUR)
        return ERR_BUSY;
    (void)map_remove(&q->added, agency->b);
    return map_insert(&q->added, agency->b, (void *)(n + 1));
}

static enum err
submit(struct statements *q, struct waiting *w)
{
    struct task *t =
        task_new(q->relay, NULL, 0, STORE_OP_STATEMENT, NULL, 0, on_logged);
    struct statement st;
    struct store_effect *effects;
    struct store_statement_op *op;
    enum err rc = ERR_OK;

    if (t == NULL)
        return ERR_NOMEM;
    effects = calloc(STATEMENT_EFFECTS_MAX, sizeof(*effects));
    if (effects == NULL || stmt_parse(&st, w->bytes, w->len) != ERR_OK) {
        free(effects);
        task_free(t);
        return ERR_NOMEM;
    }
    t->extra = effects;
    if (st.kind >= STMT_DEVICE)
        rc = count_one(q, &st.issuer);
    if (rc != ERR_OK) {
        task_free(t);
        return rc;
    }
    op = &t->job.op.statement;
    op->stmt = (struct span){w->bytes, w->len};
    op->index = directory_size(q->relay->directory);
    op->effects = effects;
    op->n_effects = statement_effects(q->relay->directory, &st, effects);
    op->in_delivery_log = st.kind == STMT_POLICY;
    q->busy = true;
    relay_submit(q->relay, t);
    return ERR_OK;
}

/* A POLICY that names another log or relay than this one: the log must change
 * with it, which only `sealpostd succeed` does (PROTOCOL.md section 14.9). */
static bool
is_of_another_relay(const struct directory *dir, const struct waiting *w)
{
    const struct dir_policy *now = directory_policy(dir);
    const struct stmt_policy *p;
    struct statement st;

    if (now == NULL || stmt_parse(&st, w->bytes, w->len) != ERR_OK ||
        st.kind != STMT_POLICY)
        return false;
    p = &st.body.policy;
    return !id_eq(&p->log_key, &now->log_key) ||
           !id_eq(&p->relay_key, &now->relay_key) ||
           !text_is(p->relay_name, now->relay_name) ||
           !text_is(p->delivery_origin, now->delivery_origin) ||
           !text_is(p->directory_origin, now->directory_origin);
}

static bool
try_first(struct statements *q)
{
    struct waiting *w = list_entry(list_first(&q->queue), struct waiting, node);
    struct dir_finding finding = {0};
    enum err rc = directory_check(q->relay->directory, w->bytes, w->len,
                                  clock_wall_ms() / 1000, &finding);

    if (rc == ERR_OK && is_of_another_relay(q->relay->directory, w)) {
        answer_error(w, PERR_STMT,
                     "a policy that changes the log's name or key, or the "
                     "relay's, is loaded by its operator: stop the relay, then "
                     "`sealpostd succeed`");
        return false;
    }
    if (rc == ERR_OK)
        rc = submit(q, w);
    if (rc == ERR_OK)
        return true;
    if (rc == ERR_EXISTS)
        answer_known(q, w);
    else if (rc == ERR_NOMEM)
        answer_error(w, PERR_BUSY, "no memory");
    else if (rc == ERR_BUSY)
        answer_error(w, PERR_RATE, "256 an hour from one agency");
    else
        answer_error(w, PERR_STMT, dir_code_text(finding.code));
    return false;
}

static void
start_next(struct statements *q)
{
    while (!q->busy && !list_is_empty(&q->queue) && !try_first(q))
        drop_first(q);
}

enum err
statements_put(struct relay *r, struct session *s, uint32_t req,
               const void *bytes, size_t len)
{
    struct statements *q = r->statements;
    struct waiting *w;

    if (q->n >= WAITING_MAX)
        return ERR_FULL;
    w = calloc(1, sizeof(*w) + len);
    if (w == NULL)
        return ERR_NOMEM;
    w->session = s;
    w->req = req;
    w->len = len;
    memcpy(w->bytes, bytes, len);
    list_push_back(&q->queue, &w->node);
    q->n++;
    start_next(q);
    return ERR_OK;
}

/* ---- start ---- */

static enum err
apply_leaf(void *arg, uint64_t index, struct span leaf)
{
    (void)index;
    return directory_apply(arg, leaf.p, leaf.len, NULL);
}

enum err
statements_load(struct store_reader *rd, struct directory **out)
{
    struct directory *dir = directory_new(NULL);
    enum err rc = dir == NULL ? ERR_NOMEM : ERR_OK;
    uint64_t before;

    while (rc == ERR_OK) {
        before = directory_size(dir);
        rc = store_leaves(rd, STORE_DIRECTORY, before, 512, apply_leaf, dir);
        if (rc == ERR_OK && directory_size(dir) == before)
            break;
    }
    if (rc != ERR_OK) {
        directory_free(dir);
        return rc;
    }
    *out = dir;
    return ERR_OK;
}

static enum err
genesis_one(struct store *store, struct directory *dir, const uint8_t *bytes,
            size_t len, char *why, size_t why_len)
{
    struct store_effect effects[STATEMENT_EFFECTS_MAX];
    struct dir_finding finding = {0};
    struct statement st;
    struct store_op op = {.kind = STORE_OP_STATEMENT,
                          .now_ms = clock_wall_ms()};
    struct store_op *ops[] = {&op};
    enum err rc = directory_check(dir, bytes, len, op.now_ms / 1000, &finding);

    if (rc != ERR_OK) {
        (void)snprintf(why, why_len, "statement %llu: %s",
                       (unsigned long long)directory_size(dir),
                       dir_code_text(finding.code));
        return rc;
    }
    rc = stmt_parse(&st, bytes, len);
    op.statement.stmt = (struct span){bytes, len};
    op.statement.index = directory_size(dir);
    op.statement.effects = effects;
    op.statement.n_effects = statement_effects(dir, &st, effects);
    op.statement.in_delivery_log = st.kind == STMT_POLICY;
    if (rc == ERR_OK)
        rc = store_apply(store, ops, 1);
    if (rc == ERR_OK && op.result.why != STORE_OK)
        rc = ERR_STATE;
    if (rc == ERR_OK)
        rc = directory_apply(dir, bytes, len, NULL);
    if (rc != ERR_OK)
        (void)snprintf(why, why_len, "cannot be stored: %s", err_text(rc));
    store_op_clear(&op);
    return rc;
}

enum err
statements_genesis(struct store *store, struct directory *dir,
                   const void *bundle, size_t len, char *why, size_t why_len)
{
    struct stmt_bundle b;
    const uint8_t *bytes;
    size_t n;
    enum err rc = stmt_bundle_open(&b, bundle, len);

    if (rc != ERR_OK)
        (void)snprintf(why, why_len, "this is not a genesis file");
    while (rc == ERR_OK && stmt_bundle_next(&b, &bytes, &n))
        rc = genesis_one(store, dir, bytes, n, why, why_len);
    return rc;
}
