#include "proto/cosigned.h"

#include <string.h>

#include "proto/witness.h"

enum {
    /* "— " name " " B64(keyid(4) || time(8) || signature(64)) "\n" */
    LINE_MARK = 4,
    LINE_REST = 1 + 104 + 1,
};

/* What stands below the text of a note. */
static struct span
lines_of(struct span note, const struct note *parts)
{
    const char *lines = parts->text + parts->text_len + 1;
    const char *end = (const char *)note.p + note.len;

    return (struct span){lines, (size_t)(end - lines)};
}

/* The newest good line of KEY among LINES; TIME_S is 0 when there is none. */
static void
best_line(const struct note *text, struct span lines, const struct vkey *key,
          uint64_t now_s, struct buf *line, uint64_t *time_s)
{
    uint64_t t = 0;

    buf_reset(line);
    if (lines.len == 0 ||
        witness_answer_lines(text->text, text->text_len, lines.p, lines.len,
                             key, line, &t) != ERR_OK ||
        (t > now_s && t - now_s > COSIGNED_AHEAD_S))
        t = 0;
    *time_s = t;
}

static void
sum_up(const struct trust *t, struct cosigned *c)
{
    uint64_t newest = 0;

    for (size_t i = 0; i < t->n_witnesses; i++)
        if (c->time_s[i] > newest)
            newest = c->time_s[i];
    c->has_quorum = c->verified != 0 && trust_satisfied(t, c->verified);
    c->time_s_best = newest;
    (void)trust_quorum_time(t, c->verified, c->time_s, &c->time_s_best);
}

struct merge {
    const struct trust *t;
    struct note text;
    struct span fresh, held; /* signature lines */
    uint64_t now_s;
    struct buf a, b; /* the line of one witness from each */
};

static enum err
put_lines(struct merge *m, struct buf *out, struct cosigned *c)
{
    for (size_t i = 0; i < m->t->n_witnesses; i++) {
        uint64_t fresh_s, held_s;
        const struct buf *line;

        best_line(&m->text, m->fresh, &m->t->keys[i], m->now_s, &m->a,
                  &fresh_s);
        best_line(&m->text, m->held, &m->t->keys[i], m->now_s, &m->b, &held_s);
        if (fresh_s == 0 && held_s == 0)
            continue;
        line = fresh_s > held_s ? &m->a : &m->b;
        buf_put(out, line->data, line->len);
        c->taken += fresh_s > held_s;
        c->time_s[i] = fresh_s > held_s ? fresh_s : held_s;
        c->verified |= UINT64_C(1) << i;
    }
    sum_up(m->t, c);
    return buf_status(out);
}

static enum err
open_both(struct merge *m, const struct vkey *log, struct span fresh,
          struct span held, struct head *head)
{
    struct note old;
    enum err rc = head_from_note(fresh.p, fresh.len, log, NULL, 0, head, NULL);

    if (rc == ERR_OK)
        rc = note_open(fresh.p, fresh.len, NULL, 0, &m->text);
    if (rc != ERR_OK)
        return rc;
    m->fresh = lines_of(fresh, &m->text);
    if (held.len == 0)
        return ERR_OK;
    if (note_open(held.p, held.len, NULL, 0, &old) != ERR_OK ||
        old.text_len != m->text.text_len ||
        memcmp(old.text, m->text.text, old.text_len) != 0)
        return ERR_CONFLICT;
    m->held = lines_of(held, &old);
    return ERR_OK;
}

enum err
cosigned_merge(const struct trust *t, const struct vkey *log, struct span fresh,
               struct span held, uint64_t now_s, struct buf *out,
               struct cosigned *what)
{
    struct merge m = {.t = t, .now_s = now_s};
    struct cosigned c = {0};
    struct buf note = {0};
    enum err rc = open_both(&m, log, fresh, held, &c.head);

    if (rc == ERR_OK)
        rc = head_to_note(&c.head, log, &note);
    c.lines_at = note.len;
    if (rc == ERR_OK)
        rc = put_lines(&m, &note, &c);
    if (rc == ERR_OK) {
        buf_put(out, note.data, note.len);
        rc = buf_status(out);
    }
    if (rc == ERR_OK)
        *what = c;
    buf_clear(&note);
    buf_clear(&m.a);
    buf_clear(&m.b);
    return rc;
}

enum err
cosigned_check_policy(const struct trust *t, const struct vkey *log)
{
    size_t len = 0;

    for (size_t i = 0; i < t->n_witnesses; i++)
        len += LINE_MARK + strlen(t->keys[i].name) + LINE_REST;
    if (len > COSIGNED_LINES_MAX)
        return ERR_TOOBIG;
    for (size_t i = 0; i < t->n_logs; i++)
        if (strcmp(t->logs[i].name, log->name) == 0 &&
            id_eq(&t->logs[i].pub, &log->pub))
            return ERR_OK;
    return ERR_NOTFOUND;
}
