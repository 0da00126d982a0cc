/*
 * cosign.c - one errand for each witness and log.
 *
 *   RESTS --due--> ASKED --200--> lines to the relay, rests until the head
 *     ^              |            changes or `again` is over
 *     |              +--409--> asked again at once, with the proof from the
 *     |              |         size that the witness has
 *     +--- backs off-+--- anything else: away, or wrong
 */
#include "server/cosign_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/policy_file.h"

enum {
    CONFLICTS_MAX = 3, /* 409 in a row, then the witness makes no sense */
};

/* ---- asking a witness ---- */

static const struct trust_witness *
witness_of(const struct errand *e)
{
    return &e->c->policy->witness[e->witness];
}

uint64_t
cosign_wait_ms(unsigned failures)
{
    uint64_t ms = (uint64_t)COSIGN_BACK_OFF_MS << (failures < 8 ? failures : 8);

    return ms < COSIGN_BACK_OFF_MAX_MS ? ms : COSIGN_BACK_OFF_MAX_MS;
}

static void
back_off(struct errand *e, const char *why)
{
    e->due_ms = clock_mono_ms() + cosign_wait_ms(e->failures);
    if (e->failures++ == 0)
        log_warn("witness %s, %s log: %s", witness_of(e)->name,
                 cosign_log_names[e->log], why);
    e->conflicts = 0;
}

static void on_answer(void *arg, enum err rc, unsigned status,
                      const struct buf *body);

static enum err
post(struct errand *e, const struct buf *body)
{
    struct http_post p = {
        .body = body->data,
        .body_len = body->len,
        .answer_max = WITNESS_ANSWER_MAX,
        .deadline_ms = e->c->deadline_ms,
        .done = on_answer,
        .arg = e,
    };
    char url[TRUST_URL_MAX + 32];

    (void)snprintf(url, sizeof(url), "%s/add-checkpoint", witness_of(e)->url);
    p.url = url;
    return http_client_post(e->c->http, &p);
}

/* The newest head, and the proof from what the witness has. */
static void
begin(struct errand *e)
{
    const struct target *t = &e->c->targets[e->log];
    struct witness_request req = {.old = e->known};
    struct buf body = {0};
    enum err rc = ERR_OK;

    if (e->known > t->head.size) {
        e->known = 0; /* and next time it may say so again */
        back_off(e, "it has seen a longer log than this relay has");
        return;
    }
    e->head = t->head;
    buf_reset(&e->note);
    buf_put(&e->note, t->note.data, t->note.len);
    rc = buf_status(&e->note);
    req.note = (const char *)e->note.data;
    req.note_len = e->note.len;
    if (rc == ERR_OK && e->known > 0 && e->known < t->head.size)
        rc = cosign_ask_proof(e, t->head.size, &req);
    if (rc == ERR_OK)
        rc = witness_request_format(&req, &body);
    if (rc == ERR_OK)
        rc = post(e, &body);
    buf_clear(&body);
    e->is_asked = rc == ERR_OK;
    if (rc != ERR_OK)
        back_off(e, err_text(rc));
}

static bool
is_due(const struct errand *e, uint64_t now_ms)
{
    const struct target *t = &e->c->targets[e->log];

    if (e->is_asked || t->head.size == 0 || now_ms < e->due_ms)
        return false;
    return e->done.size != t->head.size ||
           !id_eq(&e->done.root, &t->head.root) ||
           now_ms - e->done_ms >= e->c->again_ms;
}

/* ---- its answer ---- */

static void
on_cosigned(struct errand *e, const struct buf *body)
{
    struct note parts;
    uint64_t time_s;
    enum err rc = note_open(e->note.data, e->note.len, NULL, 0, &parts);

    buf_reset(&e->lines);
    if (rc == ERR_OK)
        rc = witness_answer_lines(parts.text, parts.text_len, body->data,
                                  body->len, &e->c->policy->keys[e->witness],
                                  &e->lines, &time_s);
    if (rc != ERR_OK) {
        buf_reset(&e->lines);
        back_off(e, "its answer is no cosignature under its key");
        return;
    }
    if (e->failures > 0)
        log_info("witness %s, %s log: cosigns again", witness_of(e)->name,
                 cosign_log_names[e->log]);
    e->failures = 0;
    e->conflicts = 0;
    e->known = e->head.size;
    e->done = e->head;
    e->done_ms = clock_mono_ms();
}

/* It has another size than we thought: from there, at once. */
static void
on_conflict(struct errand *e, const struct buf *body)
{
    uint64_t size;

    if (witness_answer_size(body->data, body->len, &size) != ERR_OK) {
        back_off(e, "its answer names no size");
        return;
    }
    if (++e->conflicts > CONFLICTS_MAX) {
        back_off(e, "it changes its mind about the size it has");
        return;
    }
    e->known = size;
    begin(e);
}

static void
on_refused(struct errand *e, unsigned status)
{
    char why[64];

    (void)snprintf(why, sizeof(why), "it answers %u", status);
    if (status == 422)
        log_error("witness %s refuses the %s log: it does not follow from what "
                  "the witness has seen",
                  witness_of(e)->name, cosign_log_names[e->log]);
    back_off(e, why);
}

static void
on_answer(void *arg, enum err rc, unsigned status, const struct buf *body)
{
    struct errand *e = arg;

    e->is_asked = false;
    if (rc == ERR_CANCELLED)
        return;
    if (rc != ERR_OK)
        back_off(e, err_text(rc));
    else if (status == 200)
        on_cosigned(e, body);
    else if (status == 409)
        on_conflict(e, body);
    else
        on_refused(e, status);
}

/* ---- the thread ---- */

static void
beat(struct cosign *c)
{
    uint64_t now_ms;

    for (int i = 0; i < STORE_LOGS; i++)
        cosign_refresh_target(c, (enum store_log)i);
    now_ms = clock_mono_ms();
    for (size_t i = 0; i < c->n_errands && !c->is_relay_away; i++)
        if (is_due(&c->errands[i], now_ms))
            begin(&c->errands[i]);
}

static void *
run(void *arg)
{
    struct cosign *c = arg;
    uint64_t next_ms = clock_mono_ms();

    while (!c->stop) {
        uint64_t now_ms = clock_mono_ms();

        if (now_ms >= next_ms) {
            beat(c);
            next_ms = clock_mono_ms() + c->beat_ms;
            continue;
        }
        http_client_poll(c->http, (unsigned)(next_ms - now_ms));
        cosign_hand_over(c);
    }
    return NULL;
}

/* ---- life ---- */

static enum err
make_errands(struct cosign *c)
{
    c->errands =
        calloc(STORE_LOGS * c->policy->n_witnesses + 1, sizeof(*c->errands));
    if (c->errands == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < c->policy->n_witnesses; i++) {
        if (c->policy->witness[i].url[0] == '\0')
            continue;
        for (int k = 0; k < STORE_LOGS; k++)
            c->errands[c->n_errands++] = (struct errand){
                .c = c, .witness = (unsigned)i, .log = (enum store_log)k};
    }
    return ERR_OK;
}

enum err
cosign_open(const struct cosign_options *opt, struct cosign **out, char *why,
            size_t why_len)
{
    struct cosign *c = calloc(1, sizeof(*c));
    enum err rc = c == NULL ? ERR_NOMEM : ERR_OK;

    if (rc == ERR_OK) {
        c->beat_ms = opt->beat_ms;
        c->again_ms = opt->again_ms;
        c->deadline_ms = opt->deadline_ms;
        (void)snprintf(c->data_dir, sizeof(c->data_dir), "%s", opt->data_dir);
        rc = policy_file_read(opt->policy_path, &c->policy, why, why_len);
    }
    if (rc == ERR_OK)
        rc = make_errands(c);
    if (rc == ERR_OK)
        rc = http_client_open(&c->http);
    if (rc == ERR_OK && pthread_create(&c->thread, NULL, run, c) != 0)
        rc = ERR_NOMEM;
    if (rc != ERR_OK) {
        cosign_close(c);
        return rc;
    }
    c->is_running = true;
    log_info("asking %zu witnesses", c->n_errands / STORE_LOGS);
    *out = c;
    return ERR_OK;
}

void
cosign_close(struct cosign *c)
{
    if (c == NULL)
        return;
    c->stop = true;
    if (c->is_running) {
        http_client_wake(c->http);
        (void)pthread_join(c->thread, NULL);
    }
    http_client_close(c->http);
    for (size_t i = 0; i < c->n_errands; i++) {
        buf_clear(&c->errands[i].note);
        buf_clear(&c->errands[i].lines);
    }
    for (int i = 0; i < STORE_LOGS; i++)
        buf_clear(&c->targets[i].note);
    free(c->errands);
    trust_free(c->policy);
    free(c);
}
