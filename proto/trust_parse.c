#include "proto/trust.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/lines.h"

/* One line of the file on its way into the policy. */
struct parser {
    struct trust *t;
    struct trust_error error;
    bool has_quorum;
};

/* What a name stands for. */
struct member {
    bool is_group;
    size_t i;
};

static enum err refuse(struct parser *p, enum err rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets the sentence and gives RC.  Names of others may hold any byte. */
static enum err
refuse(struct parser *p, enum err rc, const char *fmt, ...)
{
    char *m = p->error.message;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(m, sizeof(p->error.message), fmt, ap);
    va_end(ap);
    for (; *m != '\0'; m++)
        if (*m < ' ' || *m > '~')
            *m = '?';
    return rc;
}

/* ---- words ---- */

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the next word off LINE; false at its end. */
static bool
next_word(struct line *line, struct line *word)
{
    while (line->len > 0 && is_blank(line->text[0])) {
        line->text++;
        line->len--;
    }
    *word = *line;
    word->len = 0;
    while (line->len > 0 && !is_blank(line->text[0])) {
        word->len++;
        line->text++;
        line->len--;
    }
    return word->len > 0;
}

/* %.*s of a word, short enough for a sentence. */
#define SHOWN(word) ((int)((word)->len < 60 ? (word)->len : 60)), (word)->text

static bool
find_name(const struct trust *t, const struct line *name, struct member *out)
{
    for (size_t i = 0; i < t->n_witnesses; i++)
        if (line_is(name, t->witness[i].name)) {
            *out = (struct member){false, i};
            return true;
        }
    for (size_t i = 0; i < t->n_groups; i++)
        if (line_is(name, t->group[i].name)) {
            *out = (struct member){true, i};
            return true;
        }
    return false;
}

static enum err
new_name(struct parser *p, struct line *line, char out[NOTE_NAME_MAX + 1])
{
    struct member taken;
    struct line name;

    if (!next_word(line, &name))
        return refuse(p, ERR_MALFORMED, "a name is missing");
    if (line_is(&name, "none"))
        return refuse(p, ERR_MALFORMED,
                      "none is a name with a meaning of its "
                      "own");
    if (name.len > NOTE_NAME_MAX)
        return refuse(p, ERR_TOOBIG, "the name is longer than %d bytes",
                      NOTE_NAME_MAX);
    if (find_name(p->t, &name, &taken))
        return refuse(p, ERR_MALFORMED, "there is a %s %.*s already",
                      taken.is_group ? "group" : "witness", SHOWN(&name));
    memcpy(out, name.text, name.len);
    out[name.len] = '\0';
    return ERR_OK;
}

static enum err
no_more(struct parser *p, struct line *line)
{
    struct line word;

    if (next_word(line, &word))
        return refuse(p, ERR_MALFORMED, "%.*s is one word too many",
                      SHOWN(&word));
    return ERR_OK;
}

/* The verifier key, then an URL when there is one, then the end. */
static enum err
key_and_url(struct parser *p, struct line *line, uint8_t type, struct vkey *key,
            char url[TRUST_URL_MAX + 1])
{
    bool is_log = type == NOTE_ED25519;
    struct line word;
    enum err rc;

    if (!next_word(line, &word))
        return refuse(p, ERR_MALFORMED, "the verifier key is missing");
    rc = vkey_parse(key, word.text, word.len);
    if (rc != ERR_OK)
        return refuse(p, rc,
                      "this is not a verifier key (name+hash+key): it "
                      "is cut, changed, or of a kind not known here");
    if (key->type != type)
        return refuse(p, ERR_UNSUPPORTED,
                      is_log
                          ? "this is a witness's key, and a log's (type 01) is "
                            "needed here"
                          : "this is a log's key, and a witness's (type 04) is "
                            "needed here");
    url[0] = '\0';
    if (!next_word(line, &word))
        return ERR_OK;
    while (word.len > 0 && word.text[word.len - 1] == '/')
        word.len--;
    if (word.len > TRUST_URL_MAX)
        return refuse(p, ERR_TOOBIG, "the URL is longer than %d bytes",
                      TRUST_URL_MAX);
    memcpy(url, word.text, word.len);
    url[word.len] = '\0';
    return no_more(p, line);
}

static bool
has_key(const struct vkey *keys, size_t n, const struct vkey *key)
{
    for (size_t i = 0; i < n; i++)
        if (id_eq(&keys[i].pub, &key->pub))
            return true;
    return false;
}

/* A relay signs both its logs with one key: the origin tells them apart. */
static bool
has_log(const struct trust *t, const struct vkey *log)
{
    for (size_t i = 0; i < t->n_logs; i++)
        if (id_eq(&t->logs[i].pub, &log->pub) &&
            strcmp(t->logs[i].name, log->name) == 0)
            return true;
    return false;
}

/* ---- lines ---- */

static enum err
parse_log(struct parser *p, struct line *line)
{
    struct trust *t = p->t;
    enum err rc;

    if (t->n_logs == TRUST_LOGS_MAX)
        return refuse(p, ERR_TOOBIG, "more than %d logs", TRUST_LOGS_MAX);
    rc = key_and_url(p, line, NOTE_ED25519, &t->logs[t->n_logs],
                     t->log_url[t->n_logs]);
    if (rc != ERR_OK)
        return rc;
    if (has_log(t, &t->logs[t->n_logs]))
        return refuse(p, ERR_MALFORMED, "this log stands above already");
    t->n_logs++;
    return ERR_OK;
}

static enum err
parse_witness(struct parser *p, struct line *line)
{
    struct trust *t = p->t;
    size_t i = t->n_witnesses;
    enum err rc;

    if (i == TRUST_WITNESSES_MAX)
        return refuse(p, ERR_TOOBIG, "more than %d witnesses",
                      TRUST_WITNESSES_MAX);
    rc = new_name(p, line, t->witness[i].name);
    if (rc == ERR_OK)
        rc = key_and_url(p, line, NOTE_COSIGNATURE, &t->keys[i],
                         t->witness[i].url);
    if (rc != ERR_OK)
        return rc;
    if (has_key(t->keys, i, &t->keys[i]))
        return refuse(p, ERR_MALFORMED, "a witness with this key stands above");
    t->n_witnesses++;
    return ERR_OK;
}

/* One member of the group that is being read. */
static enum err
add_member(struct parser *p, const struct line *name)
{
    struct trust *t = p->t;
    struct member m;
    uint8_t *in;

    if (!find_name(t, name, &m))
        return refuse(p, ERR_MALFORMED, "no line above this one defines %.*s",
                      SHOWN(name));
    in = m.is_group ? &t->group_in[m.i] : &t->witness_in[m.i];
    if (*in != 0)
        return refuse(p, ERR_MALFORMED,
                      "%.*s is a member already, and can be one only once",
                      SHOWN(name));
    *in = (uint8_t)(t->n_groups + 1);
    t->group[t->n_groups].n_members++;
    return ERR_OK;
}

/* `any`, `all` or a number; N members stand behind it. */
static enum err
parse_need(struct parser *p, const struct line *word, unsigned n, unsigned *out)
{
    uint64_t k;

    if (line_is(word, "any"))
        k = 1;
    else if (line_is(word, "all"))
        k = n;
    else if (line_u64(word, &k) != ERR_OK)
        return refuse(p, ERR_MALFORMED,
                      "%.*s is neither any, all, nor a number", SHOWN(word));
    if (n == 0)
        return refuse(p, ERR_MALFORMED, "the group has no members");
    if (k < 1 || k > n)
        return refuse(p, ERR_MALFORMED, "%.*s of %u members is not possible",
                      SHOWN(word), n);
    *out = (unsigned)k;
    return ERR_OK;
}

static enum err
parse_group(struct parser *p, struct line *line)
{
    struct trust *t = p->t;
    struct trust_group *group = &t->group[t->n_groups];
    struct line need, word;
    enum err rc;

    if (t->n_groups == TRUST_GROUPS_MAX)
        return refuse(p, ERR_TOOBIG, "more than %d groups", TRUST_GROUPS_MAX);
    rc = new_name(p, line, group->name);
    if (rc != ERR_OK)
        return rc;
    if (!next_word(line, &need))
        return refuse(p, ERR_MALFORMED, "any, all or a number is missing");
    while (rc == ERR_OK && next_word(line, &word))
        rc = add_member(p, &word);
    if (rc == ERR_OK)
        rc = parse_need(p, &need, group->n_members, &group->need);
    if (rc == ERR_OK)
        t->n_groups++;
    return rc;
}

static enum err
parse_quorum(struct parser *p, struct line *line)
{
    struct trust *t = p->t;
    struct line name;
    struct member m;

    if (p->has_quorum)
        return refuse(p, ERR_MALFORMED, "there is a quorum line already");
    if (!next_word(line, &name))
        return refuse(p, ERR_MALFORMED, "a name, or none, is missing");
    p->has_quorum = true;
    if (line_is(&name, "none"))
        return no_more(p, line);
    if (!find_name(t, &name, &m))
        return refuse(p, ERR_MALFORMED, "no line above this one defines %.*s",
                      SHOWN(&name));
    t->quorum = m.is_group ? QUORUM_GROUP : QUORUM_WITNESS;
    t->quorum_index = m.i;
    return no_more(p, line);
}

static const struct {
    const char *word;
    enum err (*parse)(struct parser *p, struct line *line);
} kinds[] = {
    {"log", parse_log},
    {"witness", parse_witness},
    {"group", parse_group},
    {"quorum", parse_quorum},
};

static enum err
parse_line(struct parser *p, struct line line)
{
    struct line word;

    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = (uint8_t)line.text[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return refuse(p, ERR_MALFORMED,
                          c == '\r' ? "the line ends as on Windows: save the "
                                      "file with plain line feeds"
                                    : "there is a control character in it");
    }
    if (!next_word(&line, &word) || word.text[0] == '#')
        return ERR_OK;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (line_is(&word, kinds[i].word))
            return kinds[i].parse(p, &line);
    return refuse(p, ERR_MALFORMED,
                  "%.*s is none of log, witness, group, quorum", SHOWN(&word));
}

static enum err
parse_file(struct parser *p, const void *bytes, size_t len)
{
    struct rd r = rd_from(bytes, len);
    struct line line;
    enum err rc;

    if (len > TRUST_FILE_MAX)
        return refuse(p, ERR_TOOBIG, "it is longer than %d bytes",
                      TRUST_FILE_MAX);
    while (line_next(&r, &line)) {
        p->error.line++;
        rc = parse_line(p, line);
        if (rc != ERR_OK)
            return rc;
    }
    p->error.line++;
    if (r.left != 0)
        return refuse(p, ERR_MALFORMED,
                      "the last line has no line feed: the "
                      "file may be cut");
    p->error.line = 0;
    if (!p->has_quorum)
        return refuse(p, ERR_MALFORMED, "it has no quorum line");
    return ERR_OK;
}

enum err
trust_parse(const void *bytes, size_t len, struct trust **out,
            struct trust_error *error)
{
    struct parser p = {.t = calloc(1, sizeof(*p.t))};
    enum err rc;

    if (p.t == NULL)
        return ERR_NOMEM;
    rc = parse_file(&p, bytes, len);
    if (rc != ERR_OK) {
        if (error != NULL)
            *error = p.error;
        trust_free(p.t);
        return rc;
    }
    *out = p.t;
    return ERR_OK;
}

void
trust_free(struct trust *t)
{
    free(t);
}
