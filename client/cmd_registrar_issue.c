/*
 * cmd_registrar_issue.c - `sealpost registrar suspend, resume, stop-device`,
 * and sign and import: with --export the key may stay on another machine.
 */
#include <string.h>

#include "client/args.h"
#include "client/cmd_registrar.h"
#include "client/lookup.h"
#include "common/clock.h"

/* ---- statements of the registrar ---- */

enum err
registrar_issue(struct office *o, struct statement *st, const char *export,
                struct problem *pb)
{
    struct sign_secret key;
    struct buf bundle = {0};
    struct buf b = {0};
    enum err rc;

    if (!directory_registrar_id(roster_directory(o->roster), &st->issuer))
        return problem_set(pb, P_STATE, ERR_STATE, "nothing was issued",
                           "this vault has no directory yet");
    if (export == NULL) {
        rc = office_registrar_key(o->app, &key, pb);
        if (rc == ERR_OK)
            rc = office_publish(o, st, &key, pb);
        crypto_wipe(&key, sizeof(key));
        return rc;
    }
    rc = office_make(o, st, NULL, &b, pb);
    stmt_bundle_start(&bundle);
    if (rc == ERR_OK)
        rc = stmt_bundle_add(&bundle, b.data, b.len);
    if (rc == ERR_OK)
        rc = office_write_file(export, &bundle, pb);
    buf_clear(&b);
    buf_clear(&bundle);
    return rc;
}

int
registrar_told(struct app *app, enum err rc, struct problem *pb,
               const char *export, const char *done)
{
    if (rc != ERR_OK)
        return app_fail(app, pb);
    json_put_str(app->result, "state",
                 export == NULL ? "published" : "unsigned");
    if (export == NULL) {
        out_line(app, "%s", done);
        out_next(app, "sealpost contacts");
        return EXIT_CODE_OK;
    }
    out_line(app, "Written unsigned to %s.", export);
    out_next(app,
             "where the registrar's key is: sealpost registrar sign %s -o "
             "signed.spost; here: sealpost registrar import signed.spost",
             export);
    return EXIT_CODE_OK;
}

/* A device of whatever agency, by its id or the first digits of it. */
static enum err
find_device(const struct directory *dir, const char *text,
            struct device_id *out, struct problem *pb)
{
    const struct dir_device *found = NULL;
    const struct dir_agency *a;

    for (size_t i = 0; (a = directory_agency_nth(dir, i)) != NULL; i++) {
        const struct dir_device *d = NULL;
        struct problem none = {0};

        if (lookup_device(a, text, clock_wall_ms() / 1000, &d, &none) != ERR_OK)
            continue;
        if (found != NULL)
            return problem_set(pb, P_AMBIGUOUS, ERR_CONFLICT,
                               "several devices fit",
                               "%s and %s both have one; give its id",
                               found->agency->name, a->name);
        found = d;
    }
    if (found != NULL) {
        *out = found->id;
        return ERR_OK;
    }
    (void)problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND, "there is no such device",
                      "no device in the directory has an id or label "
                      "\"%.80s\"",
                      text);
    problem_next(pb, "`sealpost contacts --agency NAME --json` lists them");
    return ERR_NOTFOUND;
}

static enum err
fill_target(struct office *o, struct statement *st, const char *target,
            struct problem *pb)
{
    const struct directory *dir = roster_directory(o->roster);
    const struct dir_agency *a;
    enum err rc;

    if (st->kind == STMT_STOP_DEVICE) {
        st->body.stop_device.since_s = clock_wall_ms() / 1000;
        return find_device(dir, target, &st->body.stop_device.device, pb);
    }
    rc = lookup_agency(dir, target, &a, pb);
    if (rc == ERR_OK)
        st->body.suspend.agency = a->id;
    return rc;
}

static int
issue_about(struct app *app, int argc, char **argv, struct statement *st,
            const char *done)
{
    const char *export = NULL;
    const char *target = NULL;
    const struct arg table[] = {{"--export", ARG_TEXT, &export}};
    struct problem pb = {0};
    struct office o = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &target, 1, &n, &pb);

    if (rc == ERR_OK && n != 1)
        rc = args_missing(&pb, "%s needs %s", argv[0],
                          st->kind == STMT_SUSPEND ? "an agency"
                                                   : "a device's id");
    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = fill_target(&o, st, target, &pb);
    if (rc == ERR_OK)
        rc = registrar_issue(&o, st, export, &pb);
    office_close(&o);
    return registrar_told(app, rc, &pb, export, done);
}

int
registrar_suspend(struct app *app, int argc, char **argv)
{
    struct statement st = {.kind = STMT_SUSPEND};

    st.body.suspend.state = 1;
    return issue_about(app, argc, argv, &st,
                       "Suspended: nothing is handed to them any more.");
}

int
registrar_resume(struct app *app, int argc, char **argv)
{
    struct statement st = {.kind = STMT_SUSPEND};

    return issue_about(app, argc, argv, &st, "The suspension is lifted.");
}

int
registrar_stop(struct app *app, int argc, char **argv)
{
    struct statement st = {.kind = STMT_STOP_DEVICE};

    return issue_about(app, argc, argv, &st,
                       "Stopped: the device gets nothing any more.");
}

/* ---- the key on another machine ---- */

static enum err
sign_one(struct app *app, const struct sign_secret *key, const uint8_t *bytes,
         size_t len, struct buf *out)
{
    const struct stmt_kind_info *info;
    struct statement st;
    struct buf b = {0};
    enum err rc = stmt_parse(&st, bytes, len);

    if (rc != ERR_OK)
        return rc;
    info = stmt_kind_info(st.kind);
    out_line(app, "  signing: %s", info == NULL ? "unknown kind" : info->what);
    buf_put(&b, bytes, len);
    rc = stmt_sign(&b, key);
    if (rc == ERR_OK)
        rc = stmt_bundle_add(out, b.data, b.len);
    buf_clear(&b);
    return rc;
}

static enum err
sign_bundle(struct app *app, const struct buf *in, struct buf *out,
            struct problem *pb)
{
    struct sign_secret key = {0};
    struct stmt_bundle bundle;
    const uint8_t *bytes;
    size_t len;
    enum err rc = stmt_bundle_open(&bundle, in->data, in->len);

    if (rc != ERR_OK)
        return problem_set(pb, P_FILE, rc, "nothing was signed",
                           "the file holds no statements");
    rc = office_registrar_key(app, &key, pb);
    stmt_bundle_start(out);
    while (rc == ERR_OK && stmt_bundle_next(&bundle, &bytes, &len))
        rc = sign_one(app, &key, bytes, len, out);
    crypto_wipe(&key, sizeof(key));
    if (rc == ERR_OK)
        return rc;
    return problem_set(pb, P_FILE, rc, "nothing was signed",
                       rc == ERR_EXISTS ? "this key has signed already"
                                        : "a statement in the file is not "
                                          "well formed");
}

int
registrar_sign(struct app *app, int argc, char **argv)
{
    const char *out = NULL;
    const char *path = NULL;
    const struct arg table[] = {{"-o", ARG_TEXT, &out}};
    struct problem pb = {0};
    struct buf in = {0};
    struct buf signed_ = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &path, 1, &n, &pb);

    if (rc == ERR_OK && (n != 1 || out == NULL))
        rc = args_missing(&pb, "registrar sign needs FILE and -o FILE");
    if (rc == ERR_OK)
        rc = office_read_file(path, 1 << 20, &in, &pb);
    if (rc == ERR_OK)
        rc = app_unlock(app, &pb);
    if (rc == ERR_OK)
        rc = sign_bundle(app, &in, &signed_, &pb);
    if (rc == ERR_OK)
        rc = office_write_file(out, &signed_, &pb);
    buf_clear(&in);
    buf_clear(&signed_);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    out_next(app,
             "on a machine with a connection: sealpost registrar import "
             "%s",
             out);
    return EXIT_CODE_OK;
}

int
registrar_import(struct app *app, int argc, char **argv)
{
    const char *path = NULL;
    struct problem pb = {0};
    struct office o = {0};
    struct buf in = {0};
    size_t count = 0;
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, &path, 1, &n, &pb);

    if (rc == ERR_OK && n != 1)
        rc = args_missing(&pb, "registrar import needs a FILE");
    if (rc == ERR_OK)
        rc = office_read_file(path, 1 << 20, &in, &pb);
    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = office_put_bundle(&o, &in, &count, &pb);
    buf_clear(&in);
    office_close(&o);
    json_put_u64(app->result, "published", count);
    return registrar_told(app, rc, &pb, NULL, "Published.");
}
