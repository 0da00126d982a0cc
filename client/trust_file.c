#include "client/trust_file.h"

#include <string.h>

#include "client/office.h"
#include "common/clock.h"
#include "common/text.h"
#include "proto/proof.h"

/* ---- reading ---- */

static enum err
refuse(struct problem *pb, enum err rc, const char *path,
       const struct trust_error *error)
{
    static const char what[] = "the policy cannot be used";

    if (rc == ERR_NOMEM)
        return problem_from_err(pb, what, rc);
    if (error->line > 0)
        return problem_set(pb, P_TRUST, rc, what, "%.120s, line %u: %s", path,
                           error->line, error->message);
    return problem_set(pb, P_TRUST, rc, what, "%.120s: %s", path,
                       error->message);
}

enum err
trust_file_read(const char *path, struct trust **out, struct problem *pb)
{
    struct trust_error error = {0};
    struct buf b = {0};
    enum err rc = office_read_file(path, TRUST_FILE_MAX, &b, pb);

    if (rc == ERR_OK) {
        rc = trust_parse(b.data, b.len, out, &error);
        if (rc != ERR_OK)
            (void)refuse(pb, rc, path, &error);
    }
    buf_clear(&b);
    return rc;
}

/* ---- judging ---- */

static const char *
why_not(enum err rc)
{
    if (rc == ERR_MALFORMED)
        return "the file is cut or changed, or it is no receipt";
    if (rc == ERR_NOTFOUND)
        return "it is of a log that the policy does not name";
    return "it was changed, or a log or witness of the policy did not sign "
           "what stands there under its name";
}

enum err
trust_file_judge(const struct trust *t, const struct buf *proof,
                 struct trusted *out, struct problem *pb)
{
    struct proof p;
    enum err rc = proof_parse(proof->data, proof->len, &p);

    if (rc == ERR_OK)
        rc = trust_checkpoint(t, p.note, p.note_len, out);
    if (rc != ERR_OK)
        (void)problem_set(pb, P_VERIFY, rc, "the receipt does not verify", "%s",
                          why_not(rc));
    return rc;
}

enum err
trust_file_witnesses(const struct trust *t, const struct buf *proof,
                     const struct vkey *log, struct trusted *out,
                     struct problem *pb)
{
    struct trusted judged = {.log = log};
    struct proof p;
    struct note note;
    enum err rc = proof_parse(proof->data, proof->len, &p);

    if (rc == ERR_OK)
        rc = head_from_note(p.note, p.note_len, log, t->keys, t->n_witnesses,
                            &judged.head, &note);
    if (rc != ERR_OK)
        return problem_set(pb, P_VERIFY, rc, "the receipt does not verify",
                           "%s", why_not(rc));
    judged.verified = note.verified;
    memcpy(judged.time_s, note.time_s, sizeof(judged.time_s));
    judged.quorum = trust_satisfied(t, note.verified);
    (void)trust_quorum_time(t, note.verified, note.time_s,
                            &judged.quorum_time_s);
    *out = judged;
    return ERR_OK;
}

/* ---- telling ---- */

/* Names in a policy may hold any byte: safe for a terminal, and terminated. */
static const char *
shown(struct buf *b, const char *name)
{
    buf_reset(b);
    text_show(b, name, strlen(name), TEXT_ONE_LINE);
    buf_u8(b, 0);
    return buf_status(b) == ERR_OK ? (const char *)b->data : "?";
}

static const char *
quorum_name(const struct trust *t)
{
    return t->quorum == QUORUM_WITNESS ? t->witness[t->quorum_index].name
                                       : t->group[t->quorum_index].name;
}

static json_t *
tell_witness(struct app *app, const struct trust *t, size_t i,
             const struct trusted *judged)
{
    bool has = judged->verified >> i & 1;
    const char *name = t->witness[i].name;
    char when[CLOCK_TEXT_MAX] = "";
    json_t *row = json_object();
    struct buf b = {0};

    clock_format_utc(when, judged->time_s[i] * 1000);
    out_line(app, "  %s  %s (%s)%s%s", has ? "yes" : "no ", shown(&b, name),
             t->keys[i].name, has ? ", on " : "", has ? when : "");
    json_put_text(row, "name", name, strlen(name));
    json_put_str(row, "key_name", t->keys[i].name);
    json_put_bool(row, "cosigned", has);
    if (has)
        json_put_u64(row, "time", judged->time_s[i]);
    buf_clear(&b);
    return row;
}

static void
tell_quorum(struct app *app, const struct trust *t,
            const struct trusted *judged)
{
    char when[CLOCK_TEXT_MAX];
    struct buf b = {0};

    clock_format_utc(when, judged->quorum_time_s * 1000);
    if (t->quorum == QUORUM_NONE)
        out_line(app, "The policy asks for no witness: this is the relay's "
                      "word alone.");
    else if (judged->quorum)
        out_line(app,
                 "The quorum %s holds: on %s enough of them had seen this "
                 "very history.",
                 shown(&b, quorum_name(t)), when);
    buf_clear(&b);
    json_put_bool(app->result, "quorum", judged->quorum);
    if (judged->quorum_time_s != 0)
        json_put_u64(app->result, "quorum_time", judged->quorum_time_s);
}

void
trust_file_tell(struct app *app, const struct trust *t,
                const struct trusted *judged)
{
    json_t *list = json_array();

    if (t->n_witnesses > 0)
        out_line(app, "\nCosigned by these witnesses of the policy:");
    for (size_t i = 0; i < t->n_witnesses; i++)
        (void)json_array_append_new(list, tell_witness(app, t, i, judged));
    json_put(app->result, "witnesses", list);
    tell_quorum(app, t, judged);
}

enum err
trust_file_quorum(const struct trust *t, const struct trusted *judged,
                  struct problem *pb)
{
    struct buf b = {0};
    unsigned n = 0;

    if (judged->quorum)
        return ERR_OK;
    for (size_t i = 0; i < t->n_witnesses; i++)
        if (judged->verified >> i & 1)
            n++;
    (void)problem_set(pb, P_QUORUM, ERR_VERIFY,
                      "too few witnesses have seen it",
                      "%u of the policy's %zu witnesses cosigned this head, "
                      "and that does not make its quorum %.60s",
                      n, t->n_witnesses, shown(&b, quorum_name(t)));
    buf_clear(&b);
    return ERR_VERIFY;
}
