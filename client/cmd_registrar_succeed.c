/*
 * cmd_registrar_succeed.c - `sealpost registrar succeed CARD -o FILE`: the
 * registrars let the relay's logs go on under another name or key (PROTOCOL.md
 * section 14.9).  FILE holds every directory leaf that this machine knows, so
 * that a restored relay gets back what it lacks, and the POLICY last.
 *
 * A relay may hold leaves that this machine has not seen, and cannot be asked
 * while it is stopped: --directory FILE is what it wrote beside the card.
 *
 *   k = 1:  registrar succeed CARD -o FILE
 *   else:   registrar succeed CARD --export POLICY, registrar sign on each
 *           machine, registrar succeed CARD --signed SIGNED -o FILE
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/cmd_registrar.h"
#include "client/delivery.h"
#include "common/clock.h"
#include "common/os.h"
#include "proto/succession.h"

/* A directory of a million leaves, and room to spare. */
enum { LEAVES_FILE_MAX = 1 << 30 };

static const char what[] = "nothing was signed";

struct succeed {
    const char *card_path, *out, *export, *signed_path, *directory_path;
    struct succession_card card;
    struct directory *dir; /* ours, and what --directory adds */
    struct buf bundle;     /* its leaves */
    struct buf policy;     /* the statement */
};

static enum err
parse(int argc, char **argv, struct succeed *s, struct problem *pb)
{
    const struct arg table[] = {
        {"-o", ARG_TEXT, &s->out},
        {"--export", ARG_TEXT, &s->export},
        {"--signed", ARG_TEXT, &s->signed_path},
        {"--directory", ARG_TEXT, &s->directory_path},
    };
    const char *path;
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &s->card_path, 1, &n, pb);

    if (rc == ERR_OK && (n != 1 || (s->out == NULL) == (s->export == NULL)))
        return args_missing(pb, "registrar succeed needs the relay's CARD and "
                                "-o FILE, or --export FILE to have others "
                                "sign first");
    path = s->out != NULL ? s->out : s->export;
    if (rc == ERR_OK && os_exists(path))
        rc = problem_set(pb, P_FILE_EXISTS, ERR_EXISTS, what,
                         "%.200s is there already", path);
    return rc;
}

static enum err
read_card(struct succeed *s, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = office_read_file(s->card_path, LIMIT_RELAY_CARD, &b, pb);

    if (rc == ERR_OK) {
        rc = succession_card_parse(&s->card, (const char *)b.data, b.len);
        if (rc != ERR_OK)
            (void)problem_set(pb, P_FILE, rc, "the card was not read",
                              rc == ERR_VERIFY
                                  ? "its check does not fit: it was changed or "
                                    "cut on the way"
                                  : "there is no succession card in %.200s",
                              s->card_path);
    }
    buf_clear(&b);
    return rc;
}

/* ---- the directory ---- */

static enum err
add_leaf(struct succeed *s, const uint8_t *leaf, size_t len)
{
    enum err rc = directory_apply(s->dir, leaf, len, NULL);

    return rc == ERR_OK ? stmt_bundle_add(&s->bundle, leaf, len) : rc;
}

static enum err
take_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len)
{
    (void)index;
    return add_leaf(arg, leaf, len);
}

/* What the file has beyond ours; whether it is right the card's root says. */
static enum err
add_file(struct succeed *s, const struct buf *file)
{
    uint64_t have = directory_size(s->dir);
    struct stmt_bundle b;
    const uint8_t *leaf;
    uint64_t i = 0;
    size_t len;
    enum err rc = stmt_bundle_open(&b, file->data, file->len);

    for (; rc == ERR_OK && stmt_bundle_next(&b, &leaf, &len); i++)
        if (i >= have)
            rc = add_leaf(s, leaf, len);
    return rc;
}

static enum err
gather(struct office *o, struct succeed *s, struct problem *pb)
{
    struct buf file = {0};
    enum err rc;

    s->dir = directory_new(&o->id.network_id);
    if (s->dir == NULL)
        return problem_from_err(pb, what, ERR_NOMEM);
    stmt_bundle_start(&s->bundle);
    rc = roster_each_leaf(o->roster, take_leaf, s, pb);
    if (rc == ERR_OK && s->directory_path != NULL) {
        rc = office_read_file(s->directory_path, LEAVES_FILE_MAX, &file, pb);
        if (rc == ERR_OK && add_file(s, &file) != ERR_OK)
            rc = problem_set(pb, P_FILE, ERR_MALFORMED, what,
                             "%.200s holds no statements", s->directory_path);
    }
    buf_clear(&file);
    return rc;
}

/* ---- does the card fit what this machine has seen? ---- */

static enum err
judge_directory(const struct succeed *s, struct problem *pb)
{
    const struct succession_card *c = &s->card;
    const struct directory *dir = s->dir;
    struct hash root;

    if (directory_policy(dir) == NULL)
        return problem_set(pb, P_STATE, ERR_STATE, what,
                           "this vault has no directory yet");
    if (strcmp(directory_policy(dir)->relay_name, c->name) != 0)
        return problem_set(pb, P_POLICY, ERR_REFUSED, what,
                           "the card is of %s, and your relay is %s", c->name,
                           directory_policy(dir)->relay_name);
    if (c->directory_size > directory_size(dir)) {
        problem_next(pb, "have the file that `sealpostd succession` wrote "
                         "beside the card, and give it with --directory");
        return problem_set(pb, P_STATE, ERR_STATE, what,
                           "the relay's directory has %" PRIu64
                           " entries, and this machine knows %" PRIu64
                           " only: its policy would not fit",
                           c->directory_size, directory_size(dir));
    }
    if (directory_root_at(dir, c->directory_size, &root) != ERR_OK ||
        !id_eq(&root, &c->directory_root))
        return problem_set(pb, P_VERIFY, ERR_VERIFY, what,
                           "the card's directory is not this network's: its "
                           "%" PRIu64 " entries have another root",
                           c->directory_size);
    return ERR_OK;
}

static enum err
judge_delivery(const struct office *o, const struct succession_card *c,
               struct problem *pb)
{
    const struct head *h = roster_delivery_head(o->roster);

    if (h->size == c->delivery_size && !id_eq(&h->root, &c->delivery_root))
        return problem_set(pb, P_VERIFY, ERR_VERIFY, what,
                           "the card's delivery log is another history: with "
                           "%" PRIu64 " entries this machine has seen another "
                           "root",
                           h->size);
    return ERR_OK;
}

/* ---- what is lost ---- */

/* Our agency's own events beyond the card: how many, and since when. */
static enum err
count_lost(struct app *app, uint64_t from, uint64_t *n, uint64_t *since_ms,
           struct problem *pb)
{
    size_t pos = 0;
    enum err rc;

    *n = *since_ms = 0;
    do {
        struct kept_event e = {0};

        rc = delivery_next(app, &pos, &e, pb);
        if (rc == ERR_OK && e.index >= from) {
            *n += 1;
            if (*since_ms == 0 || e.event.time_ms < *since_ms)
                *since_ms = e.event.time_ms;
        }
        kept_event_clear(&e);
    } while (rc == ERR_OK);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static enum err
tell_gap(const struct office *o, const struct succession_card *c,
         struct problem *pb)
{
    const struct head *h = roster_delivery_head(o->roster);
    uint64_t lost = h->size > c->delivery_size ? h->size - c->delivery_size : 0;
    uint64_t ours = 0, since_ms = 0;
    char when[CLOCK_TEXT_MAX];
    enum err rc = count_lost(o->app, c->delivery_size, &ours, &since_ms, pb);

    json_put_u64(o->app->result, "lost_entries", lost);
    json_put_u64(o->app->result, "lost_own_events", ours);
    if (rc != ERR_OK)
        return rc;
    if (lost == 0) {
        out_line(o->app, "This machine has seen nothing that the relay lacks.");
        return ERR_OK;
    }
    out_line(o->app,
             "LOST in the restore: at least %" PRIu64 " entries of the "
             "delivery log (%" PRIu64 " to %" PRIu64 ").",
             lost, c->delivery_size, h->size - 1);
    if (ours > 0) {
        clock_format_local(when, since_ms);
        out_line(o->app, "%" PRIu64 " of them are your own, since %s.", ours,
                 when);
    }
    out_line(o->app, "Agencies that come online send again what had not "
                     "arrived; receipts that people hold stay valid.");
    return ERR_OK;
}

static enum err
tell(const struct office *o, const struct succeed *s, struct problem *pb)
{
    const struct succession_card *c = &s->card;
    const struct directory *dir = s->dir;
    const struct dir_policy *p = directory_policy(dir);
    uint64_t back = directory_size(dir) - c->directory_size;
    char check[10];
    enum err rc = problem_from_err(pb, what, succession_card_check(check, c));

    if (rc != ERR_OK)
        return rc;
    out_line(o->app,
             "The logs of %s shall go on under another name%s.\n"
             "  delivery   %s\n          -> %s from entry %" PRIu64 " on\n"
             "  directory  %s\n          -> %s\n"
             "  check      %s",
             c->name, id_eq(&p->log_key, &c->log_key) ? "" : " and key",
             p->delivery_origin, c->delivery_origin, c->delivery_size,
             p->directory_origin, c->directory_origin, check);
    if (back > 0)
        out_line(o->app, "  put back   %" PRIu64 " entr%s of the directory",
                 back, back == 1 ? "y" : "ies");
    json_put_str(o->app->result, "check", check);
    json_put_u64(o->app->result, "old_size", c->delivery_size);
    json_put_u64(o->app->result, "leaves_put_back", back);
    return tell_gap(o, c, pb);
}

static enum err
ask(struct app *app, const struct succession_card *c, struct problem *pb)
{
    char question[160], check[10];
    bool yes = false;
    enum err rc = problem_from_err(pb, what, succession_card_check(check, c));

    (void)snprintf(question, sizeof(question),
                   "Did the relay's operator read you the check %s, and shall "
                   "it be so?",
                   check);
    if (rc == ERR_OK)
        rc = app_confirm(app, question, &yes, pb);
    if (rc == ERR_OK && !yes)
        rc = problem_set(pb, P_NEEDS_YES, ERR_CANCELLED, what,
                         "it was not confirmed");
    return rc;
}

/* ---- the POLICY ---- */

static void
fill(struct statement *st, const struct directory *dir,
     const struct succession_card *c)
{
    const struct dir_policy *p = directory_policy(dir);

    st->kind = STMT_POLICY;
    (void)directory_registrar_id(dir, &st->issuer);
    st->body.policy = (struct stmt_policy){
        .min_suite = p->min_suite,
        .k = p->k,
        .n = p->n,
        .keys = p->keys,
        .relay_name = text_ref(p->relay_name),
        .relay_key = p->relay_key,
        .log_key = c->log_key,
        .delivery_origin = text_ref(c->delivery_origin),
        .directory_origin = text_ref(c->directory_origin),
        .old_size = c->delivery_size,
        .old_root = c->delivery_root,
        .retention_days = p->retention_days,
    };
}

static enum err
sign(struct office *o, struct succeed *s, struct problem *pb)
{
    struct dir_finding f = {0};
    struct sign_secret key;
    enum err rc;

    if (directory_policy(s->dir)->k > 1) {
        problem_next(pb, "--export FILE, then `sealpost registrar sign` where "
                         "each key is, then --signed FILE -o FILE");
        return problem_set(pb, P_POLICY, ERR_REFUSED, what,
                           "%u registrars must sign this",
                           directory_policy(s->dir)->k);
    }
    rc = office_registrar_key(o->app, &key, pb);
    if (rc == ERR_OK)
        rc = problem_from_err(pb, what, stmt_sign(&s->policy, &key));
    crypto_wipe(&key, sizeof(key));
    if (rc == ERR_OK && directory_check(s->dir, s->policy.data, s->policy.len,
                                        clock_wall_ms() / 1000, &f) != ERR_OK)
        rc = problem_set(pb, P_POLICY, ERR_REFUSED, what, "%s",
                         dir_code_text(f.code));
    return rc;
}

static enum err
make_policy(struct office *o, struct succeed *s, struct problem *pb)
{
    struct statement st = {0};
    enum err rc;

    fill(&st, s->dir, &s->card);
    st.time_s = clock_wall_ms() / 1000;
    rc = directory_chain(s->dir, &st.issuer, &st.seq, &st.prev);
    if (rc == ERR_OK)
        rc = stmt_build(&s->policy, &st);
    rc = problem_from_err(pb, what, rc);
    return rc == ERR_OK && s->export == NULL ? sign(o, s, pb) : rc;
}

/* Is it the one that the card asks for?  Whether it counts the directory
 * says. */
static bool
fits(const struct stmt_policy *p, const struct succession_card *c)
{
    return p->old_size == c->delivery_size &&
           id_eq(&p->old_root, &c->delivery_root) &&
           id_eq(&p->log_key, &c->log_key) &&
           p->delivery_origin.len == strlen(c->delivery_origin) &&
           memcmp(p->delivery_origin.p, c->delivery_origin,
                  p->delivery_origin.len) == 0 &&
           p->directory_origin.len == strlen(c->directory_origin) &&
           memcmp(p->directory_origin.p, c->directory_origin,
                  p->directory_origin.len) == 0;
}

static enum err
take_signed(struct succeed *s, const struct buf *file, struct problem *pb)
{
    struct dir_finding f = {0};
    struct stmt_bundle b;
    struct statement st;
    const uint8_t *bytes;
    size_t len;
    enum err rc;

    if (stmt_bundle_open(&b, file->data, file->len) != ERR_OK ||
        !stmt_bundle_next(&b, &bytes, &len) ||
        stmt_parse(&st, bytes, len) != ERR_OK || st.kind != STMT_POLICY ||
        b.left > 0)
        return problem_set(pb, P_FILE, ERR_MALFORMED, what,
                           "%.200s holds no policy of `--export`",
                           s->signed_path);
    if (!fits(&st.body.policy, &s->card))
        return problem_set(pb, P_FILE, ERR_CONFLICT, what,
                           "the policy in %.200s is not about this card",
                           s->signed_path);
    rc = directory_check(s->dir, bytes, len, clock_wall_ms() / 1000, &f);
    if (rc != ERR_OK)
        return problem_set(pb, P_POLICY, rc, what, "%s", dir_code_text(f.code));
    buf_put(&s->policy, bytes, len);
    return problem_from_err(pb, what, buf_status(&s->policy));
}

static enum err
read_signed(struct succeed *s, struct problem *pb)
{
    struct buf file = {0};
    enum err rc = office_read_file(s->signed_path, 1 << 20, &file, pb);

    if (rc == ERR_OK)
        rc = take_signed(s, &file, pb);
    buf_clear(&file);
    return rc;
}

/* ---- all of it ---- */

static enum err
write_out(struct succeed *s, struct problem *pb)
{
    struct buf alone = {0};
    struct buf *out = s->export != NULL ? &alone : &s->bundle;
    enum err rc;

    if (s->export != NULL)
        stmt_bundle_start(&alone);
    rc = office_bundle_add(out, &s->policy, pb);
    if (rc == ERR_OK)
        rc = office_write_file(s->export != NULL ? s->export : s->out, out, pb);
    buf_clear(&alone);
    return rc;
}

static enum err
succeed(struct office *o, struct succeed *s, struct problem *pb)
{
    enum err rc = gather(o, s, pb);

    if (rc == ERR_OK)
        rc = judge_directory(s, pb);
    if (rc == ERR_OK)
        rc = judge_delivery(o, &s->card, pb);
    if (rc == ERR_OK)
        rc = tell(o, s, pb);
    if (rc == ERR_OK)
        rc = ask(o->app, &s->card, pb);
    if (rc == ERR_OK)
        rc =
            s->signed_path != NULL ? read_signed(s, pb) : make_policy(o, s, pb);
    return rc == ERR_OK ? write_out(s, pb) : rc;
}

int
registrar_succeed(struct app *app, int argc, char **argv)
{
    struct succeed s = {0};
    struct problem pb = {0};
    struct office o = {0};
    enum err rc = parse(argc, argv, &s, &pb);

    if (rc == ERR_OK)
        rc = read_card(&s, &pb);
    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_OFFLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = succeed(&o, &s, &pb);
    buf_clear(&s.policy);
    buf_clear(&s.bundle);
    directory_free(s.dir);
    office_close(&o);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    json_put_str(app->result, "file", s.export != NULL ? s.export : s.out);
    if (s.export != NULL)
        out_next(app,
                 "where each registrar's key is: sealpost registrar sign %s -o "
                 "signed.spost; then here: sealpost registrar succeed %s "
                 "--signed signed.spost -o succession.spost",
                 s.export, s.card_path);
    else
        out_next(app,
                 "give %s to the relay's operator: sealpostd succeed %s "
                 "--data DIR",
                 s.out, s.out);
    return EXIT_CODE_OK;
}
