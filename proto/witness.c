#include "proto/witness.h"

#include <inttypes.h>
#include <string.h>

#include "common/bytes.h"
#include "common/text.h"
#include "proto/lines.h"

/* ---- the request ---- */

enum err
witness_request_format(const struct witness_request *req, struct buf *out)
{
    char b64[B64_LEN(32) + 1];

    if (req->n > WITNESS_PROOF_MAX)
        return ERR_TOOBIG;
    buf_printf(out, "old %" PRIu64 "\n", req->old);
    for (size_t i = 0; i < req->n; i++) {
        b64_encode(b64, req->path[i].b, sizeof(req->path[i].b));
        buf_printf(out, "%s\n", b64);
    }
    buf_u8(out, '\n');
    buf_put(out, req->note, req->note_len);
    return buf_status(out);
}

/* Hash lines up to the empty line. */
static enum err
parse_path(struct rd *r, struct witness_request *req)
{
    struct line line;

    while (line_next(r, &line)) {
        if (line.len == 0)
            return ERR_OK;
        if (req->n == WITNESS_PROOF_MAX ||
            line_b64(&line, req->path[req->n].b, 32) != ERR_OK)
            return ERR_MALFORMED;
        req->n++;
    }
    return ERR_MALFORMED;
}

enum err
witness_request_parse(const void *bytes, size_t len,
                      struct witness_request *out)
{
    struct rd r = rd_from(bytes, len);
    struct witness_request req = {0};
    struct line line;

    if (len > WITNESS_REQUEST_MAX)
        return ERR_TOOBIG;
    if (!line_next(&r, &line) || !line_skip(&line, "old ") ||
        line_u64(&line, &req.old) != ERR_OK)
        return ERR_MALFORMED;
    if (parse_path(&r, &req) != ERR_OK || r.left == 0)
        return ERR_MALFORMED;
    req.note = (const char *)r.p;
    req.note_len = r.left;
    *out = req;
    return ERR_OK;
}

/* ---- the witness ---- */

static const struct {
    unsigned status;
    const char *text;
} answers[] = {
#define WITNESS_ROW(id, status, text) [id] = {status, text},
    WITNESS_TABLE(WITNESS_ROW)
#undef WITNESS_ROW
};

unsigned
witness_status(enum witness_why why)
{
    return answers[why].status;
}

const char *
witness_text(enum witness_why why)
{
    return answers[why].text;
}

/* The log whose origin is the first line of TEXT. */
static bool
find_log(const struct note *note, const struct witness_log *logs, size_t n_logs,
         size_t *out)
{
    struct rd r = rd_from(note->text, note->text_len);
    struct line origin;

    if (!line_next(&r, &origin))
        return false;
    for (size_t i = 0; i < n_logs; i++)
        if (line_is(&origin, logs[i].keys[0].name)) {
            *out = i;
            return true;
        }
    return false;
}

/* The head under the first of the log's keys that has signed it. */
static enum witness_why
check_signature(const struct witness_log *log, struct witness_judgement *j)
{
    struct note note;

    if (note_open(j->req.note, j->req.note_len, log->keys, log->n_keys,
                  &note) != ERR_OK)
        return WITNESS_UNSIGNED;
    for (size_t i = 0; i < log->n_keys; i++)
        if (note.verified >> i & 1 &&
            head_from_note(j->req.note, j->req.note_len, &log->keys[i], NULL, 0,
                           &j->head, NULL) == ERR_OK) {
            j->key = i;
            return WITNESS_OK;
        }
    return WITNESS_UNSIGNED;
}

/* Form, origin and signature: sets LOG, CP and HEAD. */
static enum witness_why
open_request(const void *body, size_t len, const struct witness_log *logs,
             size_t n_logs, struct witness_judgement *j)
{
    struct note note;

    if (witness_request_parse(body, len, &j->req) != ERR_OK ||
        !text_is_utf8(j->req.note, j->req.note_len) ||
        note_open(j->req.note, j->req.note_len, NULL, 0, &note) != ERR_OK)
        return WITNESS_MALFORMED;
    if (!find_log(&note, logs, n_logs, &j->log))
        return WITNESS_UNKNOWN;
    if (checkpoint_parse(note.text, note.text_len, &j->cp) != ERR_OK)
        return WITNESS_MALFORMED;
    return check_signature(&logs[j->log], j);
}

static bool
is_empty_root(const struct hash *root)
{
    struct hash empty;

    sha256(&empty, "", 0);
    return id_eq(root, &empty);
}

static enum witness_evidence
weigh(const struct witness_state *has, const struct checkpoint *cp)
{
    if (cp->size == 0 && !is_empty_root(&cp->root))
        return WITNESS_EVIDENCE_FORK;
    if (has->time_s != 0 && cp->size == has->size &&
        !id_eq(&cp->root, &has->root))
        return WITNESS_EVIDENCE_FORK;
    return WITNESS_EVIDENCE_NONE;
}

/* What is asked for against what was cosigned last. */
static enum witness_why
check_growth(const struct witness_state *has, const struct witness_request *req,
             const struct checkpoint *cp)
{
    if (req->old > cp->size)
        return WITNESS_BACKWARDS;
    if (req->old != has->size)
        return WITNESS_CONFLICT;
    if (cp->size == 0 && !is_empty_root(&cp->root))
        return WITNESS_BAD_EMPTY;
    if (req->old == 0)
        return req->n == 0 ? WITNESS_OK : WITNESS_BAD_PROOF;
    if (req->old == cp->size && !id_eq(&cp->root, &has->root))
        return WITNESS_FORK;
    return merkle_verify_consistency(has->size, cp->size, &has->root, &cp->root,
                                     req->path, req->n) == ERR_OK
               ? WITNESS_OK
               : WITNESS_BAD_PROOF;
}

/* A cosignature says "as of this time it is the largest": so later ones never
 * carry an earlier time. */
static enum witness_why
next_state(const struct witness_state *has, const struct checkpoint *cp,
           uint64_t now_s, struct witness_state *next)
{
    if (now_s == 0 || now_s > INT64_MAX)
        return WITNESS_CLOCK;
    if (now_s < has->time_s && has->time_s - now_s > WITNESS_CLOCK_BACK_S)
        return WITNESS_CLOCK;
    next->size = cp->size;
    next->root = cp->root;
    next->time_s = now_s > has->time_s ? now_s : has->time_s;
    return WITNESS_OK;
}

void
witness_judge(const void *body, size_t len, const struct witness_log *logs,
              size_t n_logs, uint64_t now_s, struct witness_judgement *out)
{
    struct witness_judgement j = {0};
    const struct witness_state *has;

    j.why = open_request(body, len, logs, n_logs, &j);
    if (j.why == WITNESS_OK) {
        has = &logs[j.log].state;
        j.size = has->size;
        j.evidence = weigh(has, &j.cp);
        j.why = check_growth(has, &j.req, &j.cp);
        if (j.why == WITNESS_OK)
            j.why = next_state(has, &j.cp, now_s, &j.next);
        else if (j.why == WITNESS_BAD_PROOF &&
                 j.evidence == WITNESS_EVIDENCE_NONE)
            j.evidence = WITNESS_EVIDENCE_SUSPECT;
    }
    *out = j;
}

enum err
witness_cosign(const struct witness_judgement *j, const struct vkey *key,
               const struct sign_secret *secret, struct buf *out)
{
    struct cosignature cosig;
    struct buf text = {0};
    enum err rc = checkpoint_text(&j->cp, &text);

    if (j->why != WITNESS_OK || key->type != NOTE_COSIGNATURE ||
        !id_eq(&key->pub, &secret->pub))
        rc = ERR_STATE;
    if (rc == ERR_OK)
        rc = cosignature_sign((const char *)text.data, text.len, j->next.time_s,
                              secret, &cosig);
    if (rc == ERR_OK) {
        cosignature_line(key, &cosig, out);
        rc = buf_status(out);
    }
    buf_clear(&text);
    return rc;
}

void
witness_size_format(uint64_t size, struct buf *out)
{
    buf_printf(out, "%" PRIu64 "\n", size);
}
