/*
 * referral_question.c - which questions apply to a document, in order.  They
 * are walked anew each time: an answer may add some and drop others.
 */
#include <stdio.h>
#include <string.h>

#include "client/referral_edit.h"
#include "client/referral_inside.h"

/* Called for each question; false stops the walk. */
typedef bool visit_fn(void *arg, const struct question *q);

struct walk {
    const struct profile *p;
    const json_t *doc;
    visit_fn *visit;
    void *arg;
    size_t index;
};

static bool walk_group(struct walk *w, const struct field *g, const json_t *obj,
                       const char *path);

/* Is KEY one of the fields of which one is needed? */
static bool
is_choice(const struct field *f)
{
    const json_t *one_of = json_object_get(f->parent->def, "one_of");
    const json_t *key;
    size_t i;

    json_array_foreach(one_of, i, key)
    {
        if (strcmp(json_string_value(key), f->key) == 0)
            return true;
    }
    return false;
}

static bool
is_asked(const struct walk *w, const struct field *f, const json_t *obj)
{
    return f->required || is_choice(f) ||
           json_is_true(json_object_get(f->def, "ask")) ||
           profile_when(f->when, w->doc, obj);
}

static bool
ask(struct walk *w, const struct field *f, enum question_kind kind,
    const json_t *v, const char *path)
{
    struct question q = {.field = f, .kind = kind, .index = w->index++};

    (void)snprintf(q.path, sizeof(q.path), "%s", path);
    q.count = json_is_array(v) ? json_array_size(v) : 0;
    q.is_open = is_blank(v);
    return w->visit(w->arg, &q);
}

static bool
walk_list(struct walk *w, const struct field *f, const json_t *v,
          const json_t *obj, const char *path)
{
    const json_t *item;
    char at[192];
    size_t i;

    json_array_foreach(v, i, item)
    {
        (void)snprintf(at, sizeof(at), "%.180s[%u]", path, (unsigned)i + 1);
        if (json_is_object(item) && !walk_group(w, f, item, at))
            return false;
    }
    return !is_asked(w, f, obj) || ask(w, f, QUESTION_MORE, v, path);
}

static bool
walk_field(struct walk *w, const struct field *f, const json_t *obj,
           const char *path)
{
    const json_t *v = json_object_get(obj, f->key);

    if (f->type == VALUE_GROUP && f->is_list)
        return walk_list(w, f, v, obj, path);
    if (f->type == VALUE_GROUP)
        return walk_group(w, f, v, path);
    return !is_asked(w, f, obj) || ask(w, f, QUESTION_VALUE, v, path);
}

static bool
walk_group(struct walk *w, const struct field *g, const json_t *obj,
           const char *path)
{
    char at[192];

    for (size_t i = 0; i < g->child_count; i++) {
        const struct field *f = g->children[i];

        (void)snprintf(at, sizeof(at), "%.150s%s%.40s", path,
                       *path != '\0' ? "." : "", f->key);
        if (!walk_field(w, f, obj, at))
            return false;
    }
    return true;
}

static void
walk(const struct profile *p, const json_t *doc, visit_fn *visit, void *arg)
{
    struct walk w = {p, doc, visit, arg, 0};

    (void)walk_group(&w, profile_root(p), doc, "");
}

/* ---- after, before ---- */

struct search {
    const char *path;
    bool is_past; /* the question at PATH was seen */
    bool has;
    struct question found;
};

static bool
look_after(void *arg, const struct question *q)
{
    struct search *s = arg;
    bool is_it =
        s->is_past && (q->is_open || (q->kind == QUESTION_MORE &&
                                      *s->path != '\0' && q->count > 0));

    if (is_it) {
        s->found = *q;
        s->has = true;
    }
    s->is_past = s->is_past || strcmp(q->path, s->path) == 0;
    return !is_it;
}

bool
question_after(const struct profile *p, const json_t *doc, const char *path,
               struct question *out)
{
    struct search s = {.path = path, .is_past = *path == '\0'};

    walk(p, doc, look_after, &s);
    if (!s.has && !s.is_past) {
        /* The question at PATH does not apply any more: start over. */
        s = (struct search){.path = "", .is_past = true};
        walk(p, doc, look_after, &s);
    }
    if (s.has)
        *out = s.found;
    return s.has;
}

static bool
look_before(void *arg, const struct question *q)
{
    struct search *s = arg;

    if (strcmp(q->path, s->path) == 0)
        return false;
    s->found = *q;
    s->has = true;
    return true;
}

bool
question_before(const struct profile *p, const json_t *doc, const char *path,
                struct question *out)
{
    struct search s = {.path = path};

    walk(p, doc, look_before, &s);
    if (s.has)
        *out = s.found;
    return s.has;
}

/* ---- counting ---- */

struct tally {
    size_t answered;
    size_t total;
};

static bool
tally(void *arg, const struct question *q)
{
    struct tally *t = arg;

    if (is_choice(q->field))
        return true; /* one of them is enough, and none needs all */
    t->total++;
    t->answered += q->is_open ? 0 : 1;
    return true;
}

void
question_count(const struct profile *p, const json_t *doc, size_t *answered,
               size_t *total)
{
    struct tally t = {0};

    walk(p, doc, tally, &t);
    *answered = t.answered;
    *total = t.total;
}
