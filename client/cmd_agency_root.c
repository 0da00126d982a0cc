/*
 * cmd_agency_root.c - `sealpost agency new-root` and `cancel`: another root for
 * an agency whose paper was lost or seen.  The registrar announces it, it takes
 * hold days later, and until then the old root may cancel.
 */
#include <string.h>

#include "client/args.h"
#include "client/cmd_agency.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/os.h"
#include "proto/fingerprint.h"

enum { NEW_ROOT_S = 7 * 24 * 60 * 60 }; /* 72 h, and time for the registrar */

/* ---- new-root ---- */

static enum err
make_reroot(const struct office *o, const struct sign_secret *key,
            uint64_t effective_s, struct buf *bundle, struct problem *pb)
{
    struct statement st = {.kind = STMT_REROOT};
    struct buf b = {0};
    enum err rc;

    (void)directory_registrar_id(roster_directory(o->roster), &st.issuer);
    st.time_s = clock_wall_ms() / 1000;
    st.body.reroot.agency = o->id.agency;
    st.body.reroot.root = key->pub;
    st.body.reroot.effective_s = effective_s;
    rc = stmt_pop_make(&st, key, &o->id.network_id);
    if (rc == ERR_OK)
        rc = stmt_build(&b, &st);
    stmt_bundle_start(bundle);
    if (rc == ERR_OK)
        rc = office_bundle_add(bundle, &b, pb);
    buf_clear(&b);
    return problem_from_err(pb, "the new root was not made", rc);
}

static void
tell(struct office *o, const struct dir_agency *a,
     const struct sign_secret *key, uint64_t effective_s, const char *path)
{
    char digits[FINGERPRINT_LEN + 1];
    char when[CLOCK_TEXT_MAX];

    fingerprint(digits, &o->id.network_id, &key->pub, a->name);
    clock_format_local(when, effective_s * 1000);
    out_line(o->app,
             "The registrar has to sign %s.  The new root takes hold at %s.\n"
             "Read these new digits out to the registrar over the phone:\n\n"
             "    %s\n",
             path, when, digits);
    json_put_str(o->app->result, "file", path);
    json_put_str(o->app->result, "digits", digits);
    json_put_u64(o->app->result, "effective_ms", effective_s * 1000);
    out_next(o->app, "the registrar: sealpost registrar reroot %s", path);
}

static enum err
new_root(struct office *o, const char *path, struct problem *pb)
{
    uint64_t effective_s = clock_wall_ms() / 1000 + NEW_ROOT_S;
    const struct dir_agency *a;
    struct sign_secret key;
    struct buf bundle = {0};
    uint8_t seed[32];
    enum err rc = agency_own(o, &a, pb);

    crypto_random(seed, sizeof(seed));
    sign_keypair_from_seed(&key, seed);
    if (rc == ERR_OK)
        rc =
            office_show_paper(o->app, "The new root of your agency.", seed, pb);
    if (rc == ERR_OK)
        rc = make_reroot(o, &key, effective_s, &bundle, pb);
    if (rc == ERR_OK)
        rc = office_write_file(path, &bundle, pb);
    if (rc == ERR_OK)
        tell(o, a, &key, effective_s, path);
    crypto_wipe(seed, sizeof(seed));
    crypto_wipe(&key, sizeof(key));
    buf_clear(&bundle);
    return rc;
}

int
agency_new_root(struct app *app, int argc, char **argv)
{
    const char *out = NULL;
    const struct arg table[] = {{"-o", ARG_TEXT, &out}};
    struct problem pb = {0};
    struct office o = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, &pb);

    if (rc == ERR_OK && out == NULL)
        rc = args_missing(&pb, "agency new-root needs -o FILE");
    if (rc == ERR_OK && os_exists(out))
        rc = problem_set(&pb, P_FILE_EXISTS, ERR_EXISTS, "no root was made",
                         "%.200s is there already", out);
    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_OFFLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = new_root(&o, out, &pb);
    office_close(&o);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

/* ---- cancel ---- */

static enum err
cancel(struct office *o, const char *typed, struct problem *pb)
{
    struct statement st = {.kind = STMT_CANCEL, .issuer = o->id.agency};
    const struct dir_agency *a;
    enum err rc = agency_own(o, &a, pb);

    if (rc != ERR_OK)
        return rc;
    if (!a->reroot.pending) {
        (void)problem_set(pb, P_STATE, ERR_STATE, "there is nothing to cancel",
                          "no new root is announced for %s", a->name);
        problem_next(pb, "sealpost agency show");
        return ERR_STATE;
    }
    st.body.cancel.statement = a->reroot.statement;
    if (typed != NULL &&
        hex_decode(st.body.cancel.statement.b, 32, typed) != ERR_OK)
        return args_missing(pb, "the statement's hash has 64 hexadecimal "
                                "digits; `sealpost agency show --json` has it");
    rc = agency_confirm(o->app, "Keep the old root and drop the new one?",
                        "nothing was cancelled", pb);
    return rc == ERR_OK ? agency_publish(o, &st, pb) : rc;
}

int
agency_cancel(struct app *app, int argc, char **argv)
{
    const char *hash = NULL;
    struct problem pb = {0};
    struct office o = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, &hash, 1, &n, &pb);

    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = cancel(&o, hash, &pb);
    office_close(&o);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    out_line(app, "Cancelled: the root stays as it is.");
    json_put_str(app->result, "state", "cancelled");
    out_next(app, "phone the registrar and ask who announced the new root");
    return EXIT_CODE_OK;
}
