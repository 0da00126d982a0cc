/*
 * cmd_evidence.c - `sealpost evidence ID|FILE -o FILE [--disclose N[,N]]
 * [--cosigned]` and `sealpost evidence trim FILE --without N[,N] -o FILE`: one
 * packet's proof in one file, and which of its parts the file shows.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/bundle_tell.h"
#include "client/bundling.h"
#include "client/commands.h"
#include "client/notice.h"
#include "client/office.h"
#include "client/pick.h"
#include "client/profile.h"
#include "client/witnesses.h"
#include "common/os.h"

struct evidence {
    struct app *app;
    const char *from; /* packet, or a bundle's file */
    const char *to;
    uint32_t parts; /* to disclose, or to take out */
    bool is_trim, is_cosigned;
    struct desk d;
    struct mail m;
    struct bundling x;
    struct bundle_proven p;
    struct trust *policy; /* the vault's; NULL: none; owned */
};

/* ---- arguments ---- */

static enum err
one_part(const char *word, size_t len, const char *option, uint32_t *parts,
         struct problem *pb)
{
    char text[32] = "";
    unsigned long n;
    enum err rc = ERR_OK;

    if (len < sizeof(text))
        memcpy(text, word, len);
    n = part_by_name(text);
    if (n == PART_COUNT)
        rc = args_number(text, option, 0, 31, &n, pb);
    if (rc == ERR_OK)
        *parts |= UINT32_C(1) << n;
    return rc;
}

static enum err
parse_parts(const char *text, const char *option, uint32_t *parts,
            struct problem *pb)
{
    enum err rc = ERR_OK;

    while (text != NULL && rc == ERR_OK) {
        const char *comma = strchr(text, ',');
        size_t len = comma == NULL ? strlen(text) : (size_t)(comma - text);

        rc = one_part(text, len, option, parts, pb);
        text = comma == NULL ? NULL : comma + 1;
    }
    return rc;
}

static enum err
parse(int argc, char **argv, struct evidence *e, struct problem *pb)
{
    const char *disclose = NULL, *without = NULL;
    const char *rest[2] = {NULL, NULL};
    const struct arg table[] = {{"-o", ARG_TEXT, &e->to},
                                {"--disclose", ARG_TEXT, &disclose},
                                {"--without", ARG_TEXT, &without},
                                {"--cosigned", ARG_FLAG, &e->is_cosigned}};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), rest, 2, &n, pb);

    if (rc != ERR_OK)
        return rc;
    e->is_trim = n == 2 && strcmp(rest[0], "trim") == 0;
    e->from = rest[e->is_trim ? 1 : 0];
    if (e->from == NULL || e->to == NULL || *e->to == '\0' ||
        (n == 2 && !e->is_trim))
        return args_missing(pb, "evidence needs the ID of a packet (or "
                                "`latest`) or a bundle's FILE, and -o FILE");
    if (e->is_trim && e->is_cosigned)
        return args_missing(pb, "trim only takes parts out");
    if ((without != NULL) != e->is_trim || (e->is_trim && disclose != NULL))
        return args_missing(pb, "parts are taken out with `sealpost evidence "
                                "trim FILE --without PART -o FILE`");
    return parse_parts(e->is_trim ? without : disclose,
                       e->is_trim ? "--without" : "--disclose", &e->parts, pb);
}

/* ---- what to begin with ---- */

static bool
is_bundle_file(const char *path)
{
    struct problem none = {0};
    struct buf b = {0};
    bool yes = os_is_file(path) &&
               office_read_file(path, BUNDLE_LEN_MAX, &b, &none) == ERR_OK &&
               bundle_is(b.data, b.len);

    buf_clear(&b);
    return yes;
}

/* Reads it as a stranger would, and the policy in use here. */
static enum err
judge(struct evidence *e, struct problem *pb)
{
    struct bundle_anchor a = {0};
    struct bundle_fault f;
    enum err rc;

    if (!e->is_trim)
        a.network_id = &e->d.id.network_id;
    a.trust = e->policy;
    bundle_proven_clear(&e->p);
    rc = bundle_judge(&e->x.b, &a, &e->p, &f);
    if (rc == ERR_VERIFY)
        return problem_set(pb, P_VERIFY, rc, "the bundle does not verify",
                           "its %s: %s", bundle_kind_name(f.kind), f.why);
    return problem_from_err(pb, "the bundle was not read", rc);
}

/* The packet that a bundle is about, among ours. */
static enum err
find_packet(struct evidence *e, struct problem *pb)
{
    static const enum index_direction places[] = {INDEX_OUT, INDEX_IN};
    enum err rc = judge(e, pb);

    if (rc != ERR_OK)
        return rc;
    rc = ERR_NOTFOUND;
    for (size_t i = 0; i < 2 && rc == ERR_NOTFOUND; i++)
        rc = mail_load(e->app, &e->p.packet, places[i], &e->m, pb);
    if (rc == ERR_NOTFOUND)
        return problem_set(pb, P_NOT_FOUND, rc, "nothing can be disclosed",
                           "the packet of this bundle is not in this vault");
    return rc;
}

/* A notice's id stands for the packet that did not arrive. */
static enum err
find_named(struct evidence *e, struct problem *pb)
{
    struct problem none = {0};
    struct notice n = {0};
    enum err rc = pick_sent_first(e->app, e->from, &e->m, pb);

    if (rc != ERR_NOTFOUND || notice_find(e->app, e->from, &n, &none) != ERR_OK)
        return rc;
    if (n.m.direction != 0) {
        e->m = n.m;
        n.m = (struct mail){0};
        *pb = (struct problem){0};
        rc = ERR_OK;
    }
    notice_clear(&n);
    return rc;
}

static enum err
gather(struct evidence *e, struct problem *pb)
{
    struct problem none = {0};
    enum err rc = find_named(e, &none);

    if (rc != ERR_OK && os_exists(e->from))
        return problem_set(pb, P_FILE, ERR_MALFORMED,
                           "the bundle cannot be read",
                           "%.200s is no evidence bundle", e->from);
    if (rc != ERR_OK)
        *pb = none;
    return rc == ERR_OK ? bundling_gather(&e->d, &e->m, &e->x, pb) : rc;
}

static enum err
open_vault(struct evidence *e, struct problem *pb)
{
    enum err rc = desk_open(e->app, e->is_cosigned ? DESK_ONLINE : DESK_OFFLINE,
                            &e->d, pb);

    if (rc == ERR_OK && e->is_cosigned)
        rc = desk_connect(&e->d, false, pb);
    if (rc == ERR_OK)
        rc = witnesses_alone(e->app, &e->policy, pb);
    return rc == ERR_NOTFOUND && pb->id == P_NONE ? ERR_OK : rc;
}

static enum err
begin(struct evidence *e, struct problem *pb)
{
    bool is_file = e->is_trim || is_bundle_file(e->from);
    enum err rc = ERR_OK;

    if (is_file)
        rc = bundling_read(e->from, &e->x, pb);
    if (rc != ERR_OK || e->is_trim)
        return rc;
    rc = open_vault(e, pb);
    if (rc == ERR_OK && is_file)
        rc = find_packet(e, pb);
    else if (rc == ERR_OK)
        rc = gather(e, pb);
    if (rc == ERR_OK && e->is_cosigned)
        rc = bundling_cosigned(&e->d, &e->x, pb);
    return rc;
}

/* ---- content leaves the vault ---- */

static void
name_parts(uint32_t parts, char *out, size_t max)
{
    size_t at = 0;

    out[0] = '\0';
    for (unsigned n = 0; n < 32 && at < max; n++) {
        const char *word = n < PART_COUNT ? part_name(n) : NULL;
        int len;

        if ((parts & UINT32_C(1) << n) == 0)
            continue;
        len = snprintf(out + at, max - at, "%s%u%s%s%s", at == 0 ? "" : ", ", n,
                       word == NULL ? "" : " (", word == NULL ? "" : word,
                       word == NULL ? "" : ")");
        at += len < 0 ? 0 : (size_t)len;
    }
}

static enum err
confirm(struct evidence *e, struct problem *pb)
{
    char names[200];
    char question[320];
    bool yes = false;
    enum err rc;

    if (e->is_trim || e->parts == 0)
        return ERR_OK;
    name_parts(e->parts, names, sizeof(names));
    (void)snprintf(question, sizeof(question),
                   "The file will show part %s in the clear, to whoever has "
                   "it.  Disclose?",
                   names);
    rc = app_confirm(e->app, question, &yes, pb);
    if (rc == ERR_OK && !yes)
        rc = problem_set(pb, P_NEEDS_YES, ERR_CANCELLED, "nothing was written",
                         "the part stays undisclosed");
    return rc;
}

static enum err
change_parts(struct evidence *e, struct problem *pb)
{
    if (e->is_trim)
        return bundling_trim(&e->x, e->parts, pb);
    return bundling_disclose(e->app, &e->m, &e->x, e->parts, pb);
}

/* ---- the file ---- */

static enum err
write_file(struct evidence *e, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = bundle_format(&e->x.b, &b);

    rc = rc == ERR_OK ? office_write_file(e->to, &b, pb)
                      : problem_from_err(pb, "the bundle was not written", rc);
    if (rc == ERR_OK)
        json_put_u64(e->app->result, "bytes", b.len);
    buf_clear(&b);
    return rc;
}

static void
tell(struct evidence *e)
{
    struct bundle_reader r = {.basis = BASIS_ITSELF};

    if (!e->is_trim) {
        r.basis = BASIS_VAULT;
        r.dir = roster_directory(e->d.roster);
        r.trust = e->policy;
        r.is_own = true;
    }
    bundle_tell(e->app, &e->p, &r);
    json_put_text(e->app->result, "file", e->to, strlen(e->to));
    if (e->p.disclosed == 0)
        out_note(e->app, "\nThe file names agencies, machines and times, and "
                         "shows nothing of the content.");
    else
        out_note(e->app, "\nThe file shows content IN THE CLEAR: it is as "
                         "secret as the case.");
    out_next(e->app, "sealpost verify %s", e->to);
}

int
cmd_evidence(struct app *app, int argc, char **argv)
{
    struct evidence e = {.app = app};
    struct problem pb = {0};
    enum err rc = parse(argc, argv, &e, &pb);

    if (rc == ERR_OK)
        rc = begin(&e, &pb);
    if (rc == ERR_OK)
        rc = confirm(&e, &pb);
    if (rc == ERR_OK)
        rc = change_parts(&e, &pb);
    if (rc == ERR_OK)
        rc = judge(&e, &pb);
    if (rc == ERR_OK)
        rc = write_file(&e, &pb);
    if (rc == ERR_OK)
        tell(&e);
    bundle_proven_clear(&e.p);
    trust_free(e.policy);
    bundling_clear(&e.x);
    mail_clear(&e.m);
    desk_close(&e.d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
