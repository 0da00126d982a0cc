/*
 * cosign_relay.c - what the collector asks the relay, and what it brings it:
 * one line each on the control socket (control_log.h).
 */
#include "server/cosign_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "proto/lines.h"
#include "server/control_ask.h"
#include "server/control_log.h"

/* Bytes of a note that fit a control line as base64. */
enum { PORTION_MAX = CONTROL_LINE_MAX * 3 / 4 - 64 };

const char *const cosign_log_names[STORE_LOGS] = {
    [STORE_DIRECTORY] = "directory",
    [STORE_DELIVERY] = "delivery",
};

static enum err
ask(struct cosign *c, const char *question, struct buf *answer)
{
    enum err rc = control_ask(c->data_dir, question, answer);

    if (rc == ERR_OK && answer->len >= 6 &&
        memcmp(answer->data, "error=", 6) == 0)
        rc = ERR_REFUSED;
    return rc;
}

static void
tell_relay_away(struct cosign *c, enum err rc)
{
    bool is_away = rc != ERR_OK && rc != ERR_REFUSED;

    if (is_away && !c->is_relay_away)
        log_warn("the relay does not answer: %s", err_text(rc));
    else if (!is_away && c->is_relay_away)
        log_info("the relay answers again");
    c->is_relay_away = is_away;
}

/* An empty log has no head to be cosigned: the relay says so, that is all. */
void
cosign_refresh_target(struct cosign *c, enum store_log log)
{
    struct target *t = &c->targets[log];
    struct buf answer = {0};
    struct trusted judged;
    char line[64];
    enum err rc;

    (void)snprintf(line, sizeof(line), "checkpoint %s", cosign_log_names[log]);
    rc = ask(c, line, &answer);
    tell_relay_away(c, rc);
    if (rc == ERR_OK)
        rc = trust_checkpoint(c->policy, answer.data, answer.len, &judged);
    if (rc == ERR_OK) {
        buf_clear(&t->note);
        t->note = answer;
        t->head = judged.head;
        return;
    }
    buf_clear(&answer);
}

/* "n=K" and K lines. */
static enum err
read_proof(const struct buf *answer, struct witness_request *req)
{
    struct rd r = rd_from(answer->data, answer->len);
    struct line line;
    uint64_t n;

    if (!line_next(&r, &line) || !line_skip(&line, "n=") ||
        line_u64(&line, &n) != ERR_OK || n > WITNESS_PROOF_MAX)
        return ERR_MALFORMED;
    for (req->n = 0; req->n < n; req->n++)
        if (!line_next(&r, &line) ||
            line_b64(&line, req->path[req->n].b, 32) != ERR_OK)
            return ERR_MALFORMED;
    return r.left == 0 ? ERR_OK : ERR_MALFORMED;
}

enum err
cosign_ask_proof(struct errand *e, uint64_t size, struct witness_request *req)
{
    struct buf answer = {0};
    char line[96];
    enum err rc;

    (void)snprintf(line, sizeof(line), "consistency %s %" PRIu64 " %" PRIu64,
                   cosign_log_names[e->log], req->old, size);
    rc = ask(e->c, line, &answer);
    if (rc == ERR_OK)
        rc = read_proof(&answer, req);
    buf_clear(&answer);
    return rc;
}

/* ---- lines to the relay ---- */

/* The witnesses are asked again, for nothing was kept; but not on every beat
 * when the relay goes on refusing, as one without a policy does. */
static void
on_refused(struct cosign *c, enum store_log log, const char *why)
{
    uint64_t due_ms = clock_mono_ms() + cosign_wait_ms(c->refusals[log]);

    if (c->refusals[log]++ == 0)
        log_warn("the relay does not take cosignatures of the %s log: %.*s",
                 cosign_log_names[log], (int)strcspn(why, "\n"), why);
    for (size_t i = 0; i < c->n_errands; i++) {
        struct errand *e = &c->errands[i];

        if (e->log != log)
            continue;
        e->done = (struct head){0};
        e->due_ms = e->due_ms > due_ms ? e->due_ms : due_ms;
    }
}

static void
hand_over(struct cosign *c, enum store_log log, const struct buf *note)
{
    struct buf answer = {0}, line = {0};
    char *b64 = malloc(note->len / 3 * 4 + 5);
    enum err rc = b64 == NULL ? ERR_NOMEM : ERR_OK;

    if (rc == ERR_OK) {
        b64_encode(b64, note->data, note->len);
        buf_printf(&line, "cosign %s %s", cosign_log_names[log], b64);
        rc = buf_status(&line);
    }
    if (rc == ERR_OK)
        rc = ask(c, (const char *)line.data, &answer);
    buf_u8(&answer, 0);
    if (rc == ERR_OK)
        c->refusals[log] = 0;
    else
        on_refused(c, log,
                   rc == ERR_REFUSED && buf_status(&answer) == ERR_OK
                       ? (const char *)answer.data
                       : err_text(rc));
    free(b64);
    buf_clear(&line);
    buf_clear(&answer);
}

/* All lines that came for the head of FIRST, in as few portions as fit. */
static void
hand_over_like(struct cosign *c, const struct errand *first)
{
    struct buf note = {0}, head = {0};
    struct head like = first->head;
    enum store_log log = first->log;

    buf_put(&head, first->note.data, first->note.len);
    for (size_t i = 0; i < c->n_errands; i++) {
        struct errand *e = &c->errands[i];

        if (e->lines.len == 0 || e->log != log || e->head.size != like.size)
            continue;
        if (note.len > 0 && note.len + e->lines.len > PORTION_MAX) {
            hand_over(c, log, &note);
            buf_reset(&note);
        }
        if (note.len == 0)
            buf_put(&note, head.data, head.len);
        buf_put(&note, e->lines.data, e->lines.len);
        buf_reset(&e->lines);
    }
    if (buf_status(&note) == ERR_OK && note.len > 0)
        hand_over(c, log, &note);
    buf_clear(&note);
    buf_clear(&head);
}

void
cosign_hand_over(struct cosign *c)
{
    for (size_t i = 0; i < c->n_errands; i++)
        if (c->errands[i].lines.len > 0)
            hand_over_like(c, &c->errands[i]);
}
