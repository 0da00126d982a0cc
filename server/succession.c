#include "server/succession.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "proto/merkle.h"
#include "server/statements.h"

struct words {
    char *text;
    size_t len;
};

static enum err say(const struct words *why, enum err rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static enum err
say(const struct words *why, enum err rc, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why->text, why->len, fmt, ap);
    va_end(ap);
    return rc;
}

/* ---- settle ---- */

static bool
belongs(const struct relay_keys *k, const struct store_identity *id)
{
    return id_eq(&k->log.pub, &id->log_key) &&
           strcmp(k->delivery_origin, id->origin[STORE_DELIVERY]) == 0 &&
           strcmp(k->directory_origin, id->origin[STORE_DIRECTORY]) == 0;
}

enum err
succession_settle(const char *dir)
{
    struct relay_keys *next = NULL;
    struct store_identity id;
    enum err rc = keys_load_next(dir, &next);

    if (rc != ERR_OK)
        return rc == ERR_NOTFOUND ? ERR_OK : rc;
    rc = store_identity(dir, &id);
    if (rc == ERR_OK && belongs(next, &id))
        rc = keys_take_next(dir);
    keys_free(next);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* ---- ask ---- */

static enum err
name_log(char out[LIMIT_ORIGIN + 1], const char *wish, const char *now,
         const struct words *why)
{
    if (wish == NULL)
        return succession_origin(now, out) == ERR_OK
                   ? ERR_OK
                   : say(why, ERR_MALFORMED, "%s is too long to be counted on",
                         now);
    if (!text_is_name(text_ref(wish), LIMIT_ORIGIN))
        return say(why, ERR_MALFORMED,
                   "an origin is visible ASCII without + or spaces, %d "
                   "characters at most",
                   LIMIT_ORIGIN);
    (void)snprintf(out, LIMIT_ORIGIN + 1, "%s", wish);
    return ERR_OK;
}

static enum err
make_next(const struct relay_keys *now, const struct succession_wish *wish,
          struct relay_keys *next, const struct words *why)
{
    uint8_t seed[32];
    enum err rc;

    *next = *now;
    if (wish->new_key) {
        crypto_random(seed, sizeof(seed));
        sign_keypair_from_seed(&next->log, seed);
        crypto_wipe(seed, sizeof(seed));
    }
    rc = name_log(next->delivery_origin, wish->delivery_origin,
                  now->delivery_origin, why);
    if (rc == ERR_OK)
        rc = name_log(next->directory_origin, wish->directory_origin,
                      now->directory_origin, why);
    if (rc != ERR_OK)
        return rc;
    if (strcmp(next->delivery_origin, next->directory_origin) == 0)
        return say(why, ERR_MALFORMED, "the two logs need two names");
    if (!wish->new_key &&
        (strcmp(next->delivery_origin, now->delivery_origin) == 0 ||
         strcmp(next->directory_origin, now->directory_origin) == 0))
        return say(why, ERR_MALFORMED,
                   "with the same key both logs need a new name");
    return ERR_OK;
}

static void
fill_card(const struct relay_keys *next, const struct head heads[STORE_LOGS],
          struct succession_card *card)
{
    *card = (struct succession_card){
        .log_key = next->log.pub,
        .delivery_size = heads[STORE_DELIVERY].size,
        .delivery_root = heads[STORE_DELIVERY].root,
        .directory_size = heads[STORE_DIRECTORY].size,
        .directory_root = heads[STORE_DIRECTORY].root,
    };
    memcpy(card->name, next->name, sizeof(card->name));
    memcpy(card->delivery_origin, next->delivery_origin,
           sizeof(card->delivery_origin));
    memcpy(card->directory_origin, next->directory_origin,
           sizeof(card->directory_origin));
}

enum err
succession_ask(const char *dir, struct store *st, const struct relay_keys *keys,
               const struct succession_wish *wish, struct succession_card *card,
               char *why, size_t why_len)
{
    const struct words words = {why, why_len};
    struct relay_keys *next = crypto_secret_new(sizeof(*next));
    struct head heads[STORE_LOGS];
    enum err rc;

    if (next == NULL)
        return say(&words, ERR_NOMEM, "out of memory");
    store_heads(st, heads);
    rc = heads[STORE_DELIVERY].size == 0
             ? say(&words, ERR_STATE, "this relay has no network yet")
             : make_next(keys, wish, next, &words);
    if (rc == ERR_OK) {
        rc = keys_save_next(dir, next);
        if (rc != ERR_OK)
            say(&words, rc, "cannot write %s/keys.next: %s", dir, err_text(rc));
    }
    if (rc == ERR_OK)
        fill_card(next, heads, card);
    keys_free(next);
    return rc;
}

static enum err
add_to_bundle(void *arg, uint64_t index, struct span leaf)
{
    (void)index;
    return stmt_bundle_add(arg, leaf.p, leaf.len);
}

enum err
succession_leaves(struct store *st, struct buf *out)
{
    enum { PAGE = 512 };
    struct head heads[STORE_LOGS];
    struct store_reader *rd = NULL;
    enum err rc = store_reader_open(st, &rd);

    store_heads(st, heads);
    stmt_bundle_start(out);
    for (uint64_t i = 0; rc == ERR_OK && i < heads[STORE_DIRECTORY].size;
         i += PAGE)
        rc = store_leaves(rd, STORE_DIRECTORY, i, PAGE, add_to_bundle, out);
    store_reader_close(rd);
    return rc == ERR_OK ? buf_status(out) : rc;
}

/* ---- load ---- */

/* One leaf that the store lacks, and what it means. */
struct leaf {
    struct statement st;
    struct store_effect effects[STATEMENT_EFFECTS_MAX];
    struct store_op op;
};

struct load {
    struct words why;
    struct store *store;
    const struct relay_keys *next;
    struct directory *dir;
    struct head heads[STORE_LOGS];
    uint64_t now_ms;
    struct span *leaves; /* of the file; the last is the POLICY */
    size_t n;
    struct leaf *missing; /* the POLICY is among them */
    struct store_op **ops;
    size_t n_missing;
};

static void
load_clear(struct load *l)
{
    for (size_t i = 0; i < l->n_missing; i++)
        store_op_clear(&l->missing[i].op);
    directory_free(l->dir);
    free(l->leaves);
    free(l->missing);
    free(l->ops);
}

static enum err
read_file(struct load *l, const void *file, size_t len)
{
    struct stmt_bundle b;
    const uint8_t *bytes;
    size_t n, cap = 0;

    if (stmt_bundle_open(&b, file, len) != ERR_OK)
        return say(&l->why, ERR_MALFORMED, "the file holds no statements");
    while (stmt_bundle_next(&b, &bytes, &n)) {
        if (l->n == cap) {
            struct span *more;

            cap = cap == 0 ? 256 : 2 * cap;
            more = realloc(l->leaves, cap * sizeof(*more));
            if (more == NULL)
                return say(&l->why, ERR_NOMEM, "out of memory");
            l->leaves = more;
        }
        l->leaves[l->n++] = (struct span){bytes, n};
    }
    return l->n > 1 ? ERR_OK
                    : say(&l->why, ERR_MALFORMED,
                          "the file holds no directory and no policy");
}

static enum err
read_directory(struct load *l)
{
    struct store_reader *rd = NULL;
    enum err rc = store_reader_open(l->store, &rd);

    if (rc == ERR_OK)
        rc = statements_load(rd, &l->dir);
    store_reader_close(rd);
    return rc == ERR_OK ? rc
                        : say(&l->why, rc, "the directory cannot be read: %s",
                              err_text(rc));
}

static bool
is_our_leaf(const struct load *l, uint64_t i)
{
    struct hash leaf;

    merkle_leaf(l->leaves[i].p, l->leaves[i].len, &leaf);
    return id_eq(&leaf, directory_leaf_hash(l->dir, i));
}

/* The file's directory begins with ours; the POLICY is not in it yet. */
static enum err
compare_leaves(struct load *l)
{
    uint64_t ours = directory_size(l->dir);
    uint64_t theirs = l->n - 1;

    for (uint64_t i = 0; i < ours && i < theirs; i++)
        if (!is_our_leaf(l, i))
            return say(&l->why, ERR_CONFLICT,
                       "the file is about another directory: entry %" PRIu64
                       " is not this relay's",
                       i);
    if (theirs >= ours)
        return ERR_OK;
    if (is_our_leaf(l, theirs))
        return say(&l->why, ERR_EXISTS, "this succession was made already");
    return say(&l->why, ERR_CONFLICT,
               "this relay's directory has %" PRIu64
               " entries, the file knows %" PRIu64,
               ours, theirs);
}

/* The statement takes its place as the next leaf of the directory. */
static enum err
add_leaf(struct load *l, struct span bytes, bool is_policy)
{
    struct leaf *x = &l->missing[l->n_missing];
    struct dir_finding finding = {0};
    enum err rc = stmt_parse(&x->st, bytes.p, bytes.len);

    if (rc != ERR_OK)
        return say(&l->why, rc, "a statement in the file is not well formed");
    x->op.kind = STORE_OP_STATEMENT;
    x->op.now_ms = l->now_ms;
    x->op.statement.stmt = bytes;
    x->op.statement.index = directory_size(l->dir);
    x->op.statement.effects = x->effects;
    rc = directory_apply(l->dir, bytes.p, bytes.len, &finding);
    if (rc != ERR_OK)
        return say(&l->why, rc, "out of memory");
    if (finding.effect == DIR_APPLIED)
        x->op.statement.n_effects =
            statement_effects(l->dir, &x->st, x->effects);
    x->op.statement.in_delivery_log = finding.effect == DIR_APPLIED &&
                                      x->st.kind == STMT_POLICY && !is_policy;
    l->ops[l->n_missing++] = &x->op;
    return ERR_OK;
}

static bool
same_text(struct text_ref a, const char *b)
{
    return strlen(b) == a.len && memcmp(a.p, b, a.len) == 0;
}

/* What the POLICY says of this relay and of its log. */
static enum err
check_words(struct load *l, const struct stmt_policy *p)
{
    const struct head *h = &l->heads[STORE_DELIVERY];
    struct dh_key transport;

    dh_public(&transport, &l->next->transport);
    if (!same_text(p->relay_name, l->next->name) ||
        !id_eq(&p->relay_key, &transport))
        return say(&l->why, ERR_CONFLICT, "it was made for another relay");
    if (!id_eq(&p->log_key, &l->next->log.pub) ||
        !same_text(p->delivery_origin, l->next->delivery_origin) ||
        !same_text(p->directory_origin, l->next->directory_origin))
        return say(&l->why, ERR_CONFLICT,
                   "it announces another key or other names than the last "
                   "card asked for");
    if (p->old_size != h->size || !id_eq(&p->old_root, &h->root))
        return say(&l->why, ERR_CONFLICT,
                   "it continues a log of %" PRIu64
                   " entries, and this data directory has %" PRIu64 "%s",
                   p->old_size, h->size,
                   p->old_size == h->size ? " of another history" : "");
    return ERR_OK;
}

static enum err
check_policy(struct load *l, struct span bytes)
{
    struct dir_finding finding = {0};
    struct statement st;
    enum err rc = stmt_parse(&st, bytes.p, bytes.len);

    if (rc != ERR_OK || st.kind != STMT_POLICY)
        return say(&l->why, ERR_MALFORMED,
                   "the file does not end with a policy");
    rc = check_words(l, &st.body.policy);
    if (rc != ERR_OK)
        return rc;
    rc =
        directory_check(l->dir, bytes.p, bytes.len, l->now_ms / 1000, &finding);
    return rc == ERR_OK ? rc
                        : say(&l->why, rc, "the policy has no effect: %s",
                              dir_code_text(finding.code));
}

static enum err
add_missing(struct load *l)
{
    size_t from = (size_t)directory_size(l->dir);
    size_t count = l->n - from;
    enum err rc = ERR_OK;

    l->missing = calloc(count, sizeof(*l->missing));
    l->ops = calloc(count, sizeof(struct store_op *));
    if (l->missing == NULL || l->ops == NULL)
        return say(&l->why, ERR_NOMEM, "out of memory");
    for (size_t i = from; i + 1 < l->n && rc == ERR_OK; i++)
        rc = add_leaf(l, l->leaves[i], false);
    if (rc == ERR_OK)
        rc = check_policy(l, l->leaves[l->n - 1]);
    return rc == ERR_OK ? add_leaf(l, l->leaves[l->n - 1], true) : rc;
}

static enum err
commit(struct load *l)
{
    struct store_succession s = {
        .policy = l->leaves[l->n - 1],
        .old_size = l->heads[STORE_DELIVERY].size,
        .old_root = l->heads[STORE_DELIVERY].root,
        .ops = l->ops,
        .n = l->n_missing,
    };
    enum err rc;

    s.next.log_key = l->next->log.pub;
    (void)snprintf(s.next.origin[STORE_DELIVERY],
                   sizeof(s.next.origin[STORE_DELIVERY]), "%s",
                   l->next->delivery_origin);
    (void)snprintf(s.next.origin[STORE_DIRECTORY],
                   sizeof(s.next.origin[STORE_DIRECTORY]), "%s",
                   l->next->directory_origin);
    rc = store_succeed(l->store, &s);
    return rc == ERR_OK
               ? rc
               : say(&l->why, rc, "cannot be stored: %s", err_text(rc));
}

enum err
succession_load(const char *dir, struct store *st, const void *file, size_t len,
                struct succession_done *out, char *why, size_t why_len)
{
    struct load l = {
        .why = {why, why_len}, .store = st, .now_ms = clock_wall_ms()};
    struct relay_keys *next = NULL;
    enum err rc = read_file(&l, file, len);

    if (rc == ERR_OK)
        rc = read_directory(&l);
    if (rc == ERR_OK)
        rc = compare_leaves(&l);
    if (rc == ERR_OK && (rc = keys_load_next(dir, &next)) != ERR_OK)
        say(&l.why, rc, "no succession was asked for here");
    if (rc == ERR_OK) {
        l.next = next;
        store_heads(st, l.heads);
        rc = add_missing(&l);
    }
    if (rc == ERR_OK)
        rc = commit(&l);
    if (rc == ERR_OK) {
        *out = (struct succession_done){.leaves = l.n_missing - 1,
                                        .policy = l.n - 1,
                                        .delivery_size =
                                            l.heads[STORE_DELIVERY].size};
        memcpy(out->delivery_origin, next->delivery_origin,
               sizeof(out->delivery_origin));
    }
    keys_free(next);
    load_clear(&l);
    return rc;
}
