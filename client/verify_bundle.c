#include "client/verify_bundle.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/args.h"
#include "client/profile.h"

static const char what[] = "the evidence does not verify";

/* "an entry of the directory (4)": what people call the pieces. */
static const char *
piece_name(unsigned kind)
{
    static const char *const names[BUNDLE_KINDS] = {
        [BUNDLE_HEADER] = "the packet's header",
        [BUNDLE_SEAL] = "the hashes of wraps and body",
        [BUNDLE_LISTS] = "the sender's lists and signature",
        [BUNDLE_PARTS] = "a disclosed part",
        [BUNDLE_DIRECTORY] = "the directory's statements",
        [BUNDLE_EVENTS] = "the relay's receipts",
        [BUNDLE_COSIGNED] = "the cosigned receipts",
    };

    if (kind == BUNDLE_ANCHOR)
        return "what you trust";
    return kind == 0 || kind >= BUNDLE_KINDS ? "the file" : names[kind];
}

static enum err
fault_problem(const struct bundle_fault *f, struct problem *pb)
{
    char row[32] = "";

    if (f->has_row)
        (void)snprintf(row, sizeof(row), " (%s %" PRIu64 ")",
                       f->kind == BUNDLE_PARTS ? "part" : "entry", f->row);
    return problem_set(pb, P_VERIFY, ERR_VERIFY, what, "%s%s: %s",
                       piece_name(f->kind), row, f->why);
}

static enum err
parse(const struct buf *bytes, struct bundle *b, struct problem *pb)
{
    unsigned where = 0;
    enum err rc = bundle_parse(b, bytes->data, bytes->len, &where);

    if (rc == ERR_MALFORMED)
        return problem_set(pb, P_VERIFY, rc, what,
                           "the file is cut, changed or not in order, at or "
                           "behind %s",
                           where == 0 ? "its beginning" : piece_name(where));
    return problem_from_err(pb, what, rc);
}

/* Two directories that one relay has signed hold the same at each place. */
static enum err
check_directory(const struct bundle *b, const struct directory *dir,
                struct bundle_fault *f)
{
    for (size_t i = 0; dir != NULL && i < b->n_leaves; i++) {
        const struct bundle_leaf *l = &b->leaves[i];
        struct hash leaf;

        merkle_leaf(l->statement.p, l->statement.len, &leaf);
        if (l->index >= directory_size(dir) ||
            id_eq(&leaf, directory_leaf_hash(dir, l->index)))
            continue;
        *f = (struct bundle_fault){
            .kind = BUNDLE_DIRECTORY,
            .has_row = true,
            .row = l->index,
            .why = "your own directory, which the same relay signed, holds "
                   "another statement there: it has shown two histories"};
        return ERR_VERIFY;
    }
    return ERR_OK;
}

/* With a policy that was named every receipt needs its quorum. */
static enum err
check_quorum(const struct bundle_proven *p, const struct trust *t,
             struct problem *pb)
{
    if (t == NULL || t->quorum == QUORUM_NONE)
        return ERR_OK;
    for (size_t i = 0; i < p->n_fates; i++)
        if (!p->fates[i].witnessed.quorum) {
            problem_next(pb, "have it made again with `sealpost evidence ID "
                             "--cosigned -o FILE`");
            return problem_set(
                pb, P_QUORUM, ERR_VERIFY, "too few witnesses have seen it",
                "no head that holds \"%s\" (entry %" PRIu64
                ") has the policy's quorum in this file",
                event_name(p->fates[i].event.type), p->fates[i].index);
        }
    return ERR_OK;
}

/* ---- what was disclosed ---- */

static void
show(struct app *app, const struct bundle_part *p, bool is_signed)
{
    const char *name = p->number < PART_COUNT ? part_name(p->number) : "";
    json_t *j = json_object();

    out_line(app, "\nPart %u%s%s, %s:\n", p->number, *name == '\0' ? "" : " ",
             name,
             is_signed ? "as the sender signed it"
                       : "which NOBODY signed who can be checked");
    out_safe(app, p->bytes.p, p->bytes.len, true);
    out_line(app, "%s", "");
    json_put_u64(j, "part", p->number);
    json_put_bool(j, "signed", is_signed);
    json_put_text(j, "text", p->bytes.p, p->bytes.len);
    json_put(app->result, "shown", j);
}

static enum err
show_part(struct app *app, const struct bundle *b, bool is_signed,
          const char *text, struct problem *pb)
{
    unsigned long n;
    enum err rc = ERR_OK;

    if (text == NULL)
        return ERR_OK;
    n = part_by_name(text);
    if (n == PART_COUNT)
        rc = args_number(text, "--part", 0, 255, &n, pb);
    if (rc != ERR_OK)
        return rc;
    for (size_t i = 0; i < b->n_parts; i++)
        if (b->parts[i].number == n) {
            show(app, &b->parts[i], is_signed);
            return ERR_OK;
        }
    return problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND,
                       "the part cannot be shown",
                       "part %lu is not disclosed in this file", n);
}

enum err
verify_bundle(struct app *app, const struct buf *bytes,
              const struct bundle_anchor *a, const struct bundle_reader *r,
              const char *part, struct problem *pb)
{
    struct bundle_proven p = {0};
    struct bundle_fault f = {0};
    struct bundle b = {0};
    enum err rc = parse(bytes, &b, pb);

    if (rc != ERR_OK)
        return rc;
    rc = bundle_judge(&b, a, &p, &f);
    if (rc == ERR_OK)
        rc = check_directory(&b, r->dir, &f);
    if (rc == ERR_VERIFY)
        (void)fault_problem(&f, pb);
    if (rc == ERR_OK) {
        rc = check_quorum(&p, r->is_own ? NULL : a->trust, pb);
        bundle_tell(app, &p, r);
    }
    if (rc == ERR_OK)
        rc = show_part(app, &b, p.is_signed, part, pb);
    bundle_proven_clear(&p);
    bundle_clear(&b);
    return problem_from_err(pb, what, rc);
}
