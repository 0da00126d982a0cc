#include "client/office.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/qr.h"
#include "client/records.h"
#include "client/sync.h"
#include "client/vault.h"
#include "common/clock.h"
#include "common/os.h"
#include "proto/paper.h"

enum { DEADLINE_MS = 20 * 1000, DEVICE_DAYS = 399, PAPER_LINE_MAX = 256 };

static const uint8_t id_zero[VAULT_ID_LEN];

static enum err
connect(struct office *o, struct problem *pb)
{
    struct upstream_options opt = {.deadline_ms = DEADLINE_MS};
    struct buf dir = {0}, dlv = {0};
    enum err rc;

    roster_note(o->roster, LOG_DIRECTORY, &dir);
    roster_note(o->roster, LOG_DELIVERY, &dlv);
    opt.directory_checkpoint = (struct span){dir.data, dir.len};
    opt.delivery_checkpoint = (struct span){dlv.data, dlv.len};
    rc = upstream_open(&o->id, &opt, &o->up, pb);
    buf_clear(&dir);
    buf_clear(&dlv);
    return rc == ERR_OK ? sync_welcome(o->up, o->roster, pb) : rc;
}

/* Offline is a normal state: then the office goes on without a connection. */
static enum err
try_connect(struct office *o, struct problem *pb)
{
    struct problem mine = {0};
    enum err rc = connect(o, &mine);

    if (rc == ERR_OK)
        return rc;
    upstream_close(o->up);
    o->up = NULL;
    if (mine.id == P_UNREACHABLE)
        return ERR_OK;
    *pb = mine;
    return rc;
}

enum err
office_open(struct app *app, enum office_line line, struct office *o,
            struct problem *pb)
{
    enum err rc;

    memset(o, 0, sizeof(*o));
    o->app = app;
    rc = app_unlock(app, pb);
    if (rc == ERR_OK)
        rc = identity_require(app, &o->id, pb);
    if (rc == ERR_OK)
        rc = roster_open(app, &o->id, &o->roster, pb);
    if (rc == ERR_OK && line == OFFICE_ONLINE)
        rc = connect(o, pb);
    if (rc == ERR_OK && (line == OFFICE_EITHER ||
                         (line == OFFICE_OFFLINE &&
                          directory_size(roster_directory(o->roster)) == 0)))
        rc = try_connect(o, pb);
    if (rc != ERR_OK)
        office_close(o);
    return rc;
}

void
office_close(struct office *o)
{
    upstream_close(o->up);
    roster_close(o->roster);
    identity_clear(&o->id);
    memset(o, 0, sizeof(*o));
}

/* ---- beginnings ---- */

enum err
office_vault_cost(struct vault_cost *out, struct problem *pb)
{
    enum err rc = vault_cost_parse(out, getenv("SEALPOST_VAULT_COST"));

    if (rc == ERR_OK)
        return rc;
    return problem_set(pb, P_USAGE, rc, "the vault was not touched",
                       "SEALPOST_VAULT_COST is \"floor\", \"default\" or "
                       "passes x MiB, at least 2x64");
}

static enum err
create_vault(struct app *app, struct problem *pb)
{
    struct buf pass = {0};
    struct vault_secret secret = {.kind = VAULT_PASSPHRASE};
    struct vault_cost cost;
    enum err rc = office_vault_cost(&cost, pb);

    if (rc != ERR_OK)
        return rc;
    rc = app_passphrase(app,
                        "A passphrase for this vault (at least 12 characters; "
                        "four or five words are good): ",
                        true, &pass, pb);
    if (rc == ERR_OK) {
        secret.bytes = pass.data;
        secret.len = pass.len;
        rc = vault_create(&app->vault, app->home, &secret, &cost);
        if (rc != ERR_OK)
            rc = problem_from_err(pb, "the vault was not made", rc);
    }
    buf_clear(&pass);
    return rc;
}

enum err
office_new_vault(struct app *app, struct problem *pb)
{
    struct identity id;
    struct problem none = {0};
    enum err rc = vault_exists(app->home);

    if (rc == ERR_NOTFOUND)
        return create_vault(app, pb);
    rc = app_unlock(app, pb);
    if (rc != ERR_OK)
        return rc;
    rc = identity_load(app, &id, &none);
    if (rc == ERR_NOTFOUND)
        return ERR_OK; /* a vault with drafts, made before joining */
    if (rc != ERR_OK) {
        *pb = none;
        return rc;
    }
    (void)problem_set(pb, P_VAULT_EXISTS, ERR_EXISTS,
                      "somebody is at home here already",
                      "this vault belongs to a device of %s", id.agency_name);
    identity_clear(&id);
    return ERR_EXISTS;
}

void
office_new_device(struct identity *id)
{
    uint8_t seed[32];

    crypto_random(seed, sizeof(seed));
    sign_keypair_from_seed(&id->sign, seed);
    crypto_wipe(seed, sizeof(seed));
    crypto_random(id->transport.b, sizeof(id->transport.b));
    device_id_of(&id->device, &id->sign.pub);
}

uint64_t
office_device_until_s(void)
{
    return clock_wall_ms() / 1000 + (uint64_t)DEVICE_DAYS * 24 * 60 * 60;
}

void
office_set_relay(struct identity *id, const char *name, const char *address,
                 const struct dh_key *key)
{
    (void)snprintf(id->relay_name, sizeof(id->relay_name), "%s", name);
    (void)snprintf(id->relay_address, sizeof(id->relay_address), "%s", address);
    id->relay_key = *key;
}

/* ---- keys ---- */

static enum err
seed_key(struct app *app, uint8_t kind, struct sign_secret *out)
{
    struct buf b = {0};
    enum err rc = vault_get(app->vault, kind, id_zero, &b);

    if (rc == ERR_OK && b.len != 32)
        rc = ERR_VERIFY;
    if (rc == ERR_OK)
        sign_keypair_from_seed(out, b.data);
    buf_clear(&b);
    return rc;
}

enum err
office_registrar_key(struct app *app, struct sign_secret *out,
                     struct problem *pb)
{
    enum err rc = seed_key(app, REC_REGISTRAR, out);

    if (rc == ERR_NOTFOUND)
        return problem_set(pb, P_POLICY, ERR_REFUSED,
                           "only the registrar can do that",
                           "this vault holds no registrar key");
    return problem_from_err(pb, "cannot read the registrar key", rc);
}

enum err
office_ask_paper(struct app *app, const char *prompt, uint8_t seed[32],
                 struct problem *pb)
{
    struct buf typed = {0};
    enum err rc = app->paper_fd >= 0
                      ? os_read_fd_line(app->paper_fd, PAPER_LINE_MAX, &typed)
                      : os_read_passphrase(prompt, &typed);

    if (rc == ERR_OK) {
        buf_u8(&typed, 0);
        rc = buf_status(&typed);
    }
    if (rc == ERR_OK)
        rc = paper_decode(seed, (const char *)typed.data);
    buf_clear(&typed);
    if (rc == ERR_OK)
        return rc;
    if (rc != ERR_VERIFY && rc != ERR_MALFORMED)
        problem_next(pb, "run it again in a terminal, or with --paper-fd N");
    return problem_set(pb, P_PAPER_KEY, rc, "the paper key was not read", "%s",
                       rc == ERR_VERIFY ? "the check group does not fit: one "
                                          "group is mistyped"
                       : rc == ERR_MALFORMED
                           ? "it has 14 groups of 4 letters and digits"
                           : "there is no terminal to type it on; --paper-fd N "
                             "takes it from a descriptor");
}

static bool
is_root(const struct office *o, const struct sign_key *key)
{
    const struct dir_agency *a =
        directory_agency(roster_directory(o->roster), &o->id.agency);

    return a == NULL ||
           id_eq(directory_root_now(a, clock_wall_ms() / 1000), key);
}

enum err
office_root_key(struct office *o, struct sign_secret *out, struct problem *pb)
{
    uint8_t seed[32];
    enum err rc = seed_key(o->app, REC_ROOT, out);

    if (rc == ERR_OK && is_root(o, &out->pub))
        return ERR_OK;
    if (rc != ERR_OK && rc != ERR_NOTFOUND)
        return problem_from_err(pb, "cannot read the agency's root", rc);
    out_note(o->app,
             "This needs the agency's root: the paper key of %s that was "
             "printed when it joined, or for its new root.",
             o->id.agency_name);
    rc = office_ask_paper(o->app, "Paper key: ", seed, pb);
    if (rc != ERR_OK)
        return rc;
    sign_keypair_from_seed(out, seed);
    crypto_wipe(seed, sizeof(seed));
    if (is_root(o, &out->pub))
        return ERR_OK;
    crypto_wipe(out, sizeof(*out));
    return problem_set(pb, P_PAPER_KEY, ERR_VERIFY,
                       "that is not this agency's root",
                       "the key is well formed, but belongs to another agency "
                       "or an older root");
}

enum err
office_keep_seed(struct app *app, uint8_t kind, const uint8_t seed[32],
                 struct problem *pb)
{
    enum err rc = vault_begin(app->vault);

    if (rc == ERR_OK)
        rc = vault_put(app->vault, kind, id_zero, seed, 32);
    if (rc == ERR_OK)
        rc = vault_commit(app->vault);
    else
        vault_abort(app->vault);
    return problem_from_err(pb, "cannot write to the vault", rc);
}

static void
print_paper(struct app *app, const char *title, const char *text)
{
    out_line(app,
             "\n%s\nWrite these 14 groups on paper and lock it away. They "
             "are shown once.\n",
             title);
    for (int g = 0; g < PAPER_GROUPS; g++)
        if (!app->json)
            printf("  %2d %.4s%s", g + 1, text + g * 5,
                   g % 5 == 4 || g + 1 == PAPER_GROUPS ? "\n" : "");
    out_line(app, "%s", "");
    office_show_qr(app, text);
}

void
office_show_qr(struct app *app, const char *text)
{
    struct buf b = {0};

    /* For a camera: nobody scans a file. */
    if (!app->json && os_is_tty(1) && qr_draw(&b, text) == ERR_OK)
        out_line(app, "%.*s", (int)b.len, (const char *)b.data);
    buf_clear(&b);
}

enum err
office_show_paper(struct app *app, const char *title, const uint8_t seed[32],
                  struct problem *pb)
{
    char text[PAPER_TEXT_LEN + 1];
    char typed[16] = "";
    char question[80];
    uint8_t r;
    enum err rc = ERR_OK;

    paper_encode(text, seed);
    print_paper(app, title, text);
    if (app->json)
        json_put_str(app->result, "paper_key", text);
    crypto_wipe(text, sizeof(text));
    if (app->yes || !os_is_tty(0))
        return ERR_OK;
    crypto_random(&r, 1);
    (void)snprintf(question, sizeof(question),
                   "Type group %d from your paper: ", r % PAPER_GROUPS + 1);
    for (int tries = 0; rc == ERR_OK && tries < 3; tries++) {
        rc = app_ask(app, question, typed, sizeof(typed), pb);
        if (rc == ERR_OK && paper_group_is(seed, r % PAPER_GROUPS + 1u, typed))
            return ERR_OK;
        if (rc == ERR_OK)
            out_note(app, "That is not group %d.", r % PAPER_GROUPS + 1);
    }
    return problem_set(pb, P_PAPER_KEY, ERR_VERIFY,
                       "the paper was not confirmed",
                       "the group you typed is not the one shown");
}

/* ---- statements ---- */

/* The place of ST in its issuer's chain.  AHEAD: behind a statement that the
 * directory does not have yet. */
static enum err
place(struct office *o, struct statement *st, bool *ahead)
{
    enum err rc = directory_chain(roster_directory(o->roster), &st->issuer,
                                  &st->seq, &st->prev);

    *ahead = rc == ERR_OK && id_eq(&o->ahead.issuer, &st->issuer) &&
             o->ahead.seq > st->seq;
    if (*ahead) {
        st->seq = o->ahead.seq;
        st->prev = o->ahead.prev;
    }
    return rc;
}

static enum err
remember(struct office *o, const struct buf *stmt)
{
    struct statement st;
    enum err rc = stmt_parse(&st, stmt->data, stmt->len);

    if (rc != ERR_OK)
        return rc;
    o->ahead.issuer = st.issuer;
    o->ahead.seq = st.seq + 1;
    stmt_hash(&o->ahead.prev, &st);
    return ERR_OK;
}

static enum err
check(struct office *o, const struct buf *stmt, struct problem *pb)
{
    struct dir_finding f = {0};
    enum err rc = directory_check(roster_directory(o->roster), stmt->data,
                                  stmt->len, clock_wall_ms() / 1000, &f);

    if (rc == ERR_OK || rc == ERR_EXISTS)
        return ERR_OK;
    if (rc == ERR_NOMEM)
        return problem_from_err(pb, "the statement was not made", rc);
    (void)problem_set(pb, P_POLICY, rc, "the directory would not take that",
                      "%s", dir_code_text(f.code));
    problem_next(pb, "`sealpost contacts` and `sealpost agency show` say how "
                     "things are");
    return rc;
}

enum err
office_make(struct office *o, struct statement *st,
            const struct sign_secret *key, struct buf *out, struct problem *pb)
{
    bool ahead = false;
    enum err rc;

    st->time_s = clock_wall_ms() / 1000;
    rc = place(o, st, &ahead);
    if (rc == ERR_OK)
        rc = stmt_build(out, st);
    if (rc == ERR_OK && key != NULL)
        rc = stmt_sign(out, key);
    if (rc == ERR_OK && key != NULL && !ahead) {
        rc = check(o, out, pb);
        if (rc != ERR_OK)
            return rc;
    }
    if (rc == ERR_OK)
        rc = remember(o, out);
    if (rc == ERR_OK)
        return rc;
    return problem_set(pb, P_USAGE, rc, "the statement was not made",
                       rc == ERR_NOTFOUND
                           ? "its issuer is not in the directory"
                           : "a name, label or text in it is too long or has "
                             "characters that names may not have");
}

enum err
office_put(struct office *o, const struct buf *stmt, struct problem *pb)
{
    struct msg_field f[] = {
        [STMT_PUT_STMT] = msg_bin(stmt->data, stmt->len),
    };
    struct problem after = {0};
    const struct msg *answer;
    enum err rc =
        upstream_call(o->up, MSG_STMT_PUT, f, 1, MSG_STMT, &answer, NULL, pb);

    if (rc != ERR_OK)
        return rc;
    rc = sync_directory(o->up, o->roster, &after);
    if (rc == ERR_OK || after.id == P_UNREACHABLE || after.id == P_DEVICE)
        return ERR_OK;
    *pb = after;
    return rc;
}

enum err
office_publish(struct office *o, struct statement *st,
               const struct sign_secret *key, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = office_make(o, st, key, &b, pb);

    if (rc == ERR_OK)
        rc = office_put(o, &b, pb);
    buf_clear(&b);
    return rc;
}

enum err
office_bundle_add(struct buf *bundle, const struct buf *stmt,
                  struct problem *pb)
{
    return problem_from_err(pb, "the file was not written",
                            stmt_bundle_add(bundle, stmt->data, stmt->len));
}

enum err
office_put_bundle(struct office *o, const struct buf *in, size_t *count,
                  struct problem *pb)
{
    struct stmt_bundle bundle;
    const uint8_t *bytes;
    size_t len;
    enum err rc = stmt_bundle_open(&bundle, in->data, in->len);

    if (rc != ERR_OK)
        return problem_set(pb, P_FILE, rc, "nothing was published",
                           "the file holds no statements");
    while (rc == ERR_OK && stmt_bundle_next(&bundle, &bytes, &len)) {
        struct buf b = {0};

        buf_put(&b, bytes, len);
        rc = buf_status(&b);
        if (rc == ERR_OK)
            rc = office_put(o, &b, pb);
        buf_clear(&b);
        *count += rc == ERR_OK;
    }
    return rc;
}

/* ---- files ---- */

enum err
office_read_file(const char *path, size_t max, struct buf *out,
                 struct problem *pb)
{
    enum err rc = strcmp(path, "-") == 0 ? os_read_all(0, max, out)
                                         : os_read_file(path, max, out);

    if (rc == ERR_OK)
        return rc;
    return problem_set(pb, P_FILE, rc, "cannot read the file", "%.200s: %s",
                       path,
                       rc == ERR_TOOBIG ? err_text(rc) : os_last_error_text());
}

enum err
office_write_file(const char *path, const struct buf *bytes, struct problem *pb)
{
    int fd = -1;
    enum err rc = os_create_exclusive(&fd, path, 0600);

    if (rc == ERR_OK)
        rc = os_write_all(fd, bytes->data, bytes->len);
    if (rc == ERR_OK)
        rc = os_fdatasync(fd);
    os_close(&fd);
    if (rc == ERR_OK)
        return rc;
    return problem_set(pb, rc == ERR_EXISTS ? P_FILE_EXISTS : P_FILE, rc,
                       "cannot write the file", "%.200s: %s", path,
                       rc == ERR_EXISTS ? "it is there already"
                                        : os_last_error_text());
}
