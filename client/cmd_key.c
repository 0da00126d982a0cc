/*
 * cmd_key.c - `sealpost key ...`: what opens this vault.  Not to be confused
 * with the agency's root, which decides who belongs to the agency.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/office.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "client/verbs.h"
#include "common/clock.h"

/* ---- shared ---- */

static enum err
no_arguments(int argc, char **argv, struct problem *pb)
{
    size_t n;

    return args_parse(argc, argv, NULL, 0, NULL, 0, &n, pb);
}

static const char *
kind_name(enum vault_slot_kind kind)
{
    return kind == VAULT_PAPER ? "paper key" : "passphrase";
}

/* How many slots of KIND; *FIRST gets the first one's place. */
static size_t
count_slots(const struct vault *v, enum vault_slot_kind kind, size_t *first)
{
    struct vault_slot_info info;
    size_t n = 0;

    for (size_t i = 0; vault_slot_get(v, i, &info) == ERR_OK; i++)
        if (info.kind == kind && n++ == 0)
            *first = i;
    return n;
}

/* ---- backup ---- */

static enum err
add_paper(struct app *app, const uint8_t seed[VAULT_PAPER_LEN],
          struct problem *pb)
{
    struct vault_secret secret = {VAULT_PAPER, seed, VAULT_PAPER_LEN};
    json_t *j;
    enum err rc = vault_slot_add(app->vault, &secret, NULL);

    if (rc == ERR_TOOBIG) {
        (void)problem_set(pb, P_STATE, rc, "there is no room for another key",
                          "this vault opens with %zu already",
                          vault_slot_count(app->vault));
        problem_next(pb, "sealpost key list, then sealpost key remove N");
        return rc;
    }
    if (rc == ERR_OK)
        rc = shelf_begin(app, pb);
    if (rc != ERR_OK)
        return shelf_problem(rc, pb);
    j = json_object();
    json_put_u64(j, "made_ms", clock_wall_ms());
    shelf_put(app, REC_KEY_BACKUP, shelf_one, j);
    json_decref(j);
    return shelf_end(app, ERR_OK, pb);
}

static int
key_backup(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    uint8_t seed[VAULT_PAPER_LEN];
    enum err rc = no_arguments(argc, argv, &pb);

    if (rc == ERR_OK)
        rc = app_unlock(app, &pb);
    crypto_random(seed, sizeof(seed));
    if (rc == ERR_OK)
        rc = office_show_paper(app,
                               "The paper key of this vault: it opens the "
                               "vault when the passphrase is forgotten.",
                               seed, &pb);
    if (rc == ERR_OK)
        rc = add_paper(app, seed, &pb);
    crypto_wipe(seed, sizeof(seed));
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    out_note(app, "Keep it apart from the machine: together they open the "
                  "vault.");
    out_next(app, "sealpost key list");
    return EXIT_CODE_OK;
}

/* ---- passphrase, recover ---- */

/* PASS in the place of the passphrase that is there, or beside the paper. */
static enum err
set_passphrase(struct app *app, const struct buf *pass, struct problem *pb)
{
    struct vault_secret secret = {VAULT_PASSPHRASE, pass->data, pass->len};
    struct vault_cost cost;
    size_t at = 0;
    enum err rc = office_vault_cost(&cost, pb);

    if (rc != ERR_OK)
        return rc;
    if (count_slots(app->vault, VAULT_PASSPHRASE, &at) > 0)
        rc = vault_slot_change(app->vault, at, &secret, &cost);
    else
        rc = vault_slot_add(app->vault, &secret, &cost);
    return shelf_problem(rc, pb);
}

static int
passphrase_set(struct app *app, enum err rc, const struct problem *pb)
{
    if (rc != ERR_OK)
        return app_fail(app, pb);
    out_line(app, "The new passphrase is set.");
    out_note(app, "Old copies of the vault still open with the old one.");
    out_next(app, "sealpost key list");
    return EXIT_CODE_OK;
}

/* The global options carry the old passphrase, so the new one has ways of its
 * own; without them it is typed. */
static enum err
ask_new(const char *fd, const char *file, struct buf *out, struct problem *pb)
{
    struct app ask = {.pass_fd = -1, .pass_file = file};
    unsigned long n;
    enum err rc = ERR_OK;

    if (fd != NULL) {
        rc = args_number(fd, "--new-passphrase-fd", 0, 65535, &n, pb);
        ask.pass_fd = rc == ERR_OK ? (int)n : -1;
    }
    return rc == ERR_OK
               ? app_passphrase(&ask, "The new passphrase: ", true, out, pb)
               : rc;
}

static int
key_passphrase(struct app *app, int argc, char **argv)
{
    const char *fd = NULL;
    const char *file = NULL;
    const struct arg table[] = {
        {"--new-passphrase-fd", ARG_TEXT, &fd},
        {"--new-passphrase-file", ARG_TEXT, &file},
    };
    struct problem pb = {0};
    struct buf pass = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, &pb);

    if (rc == ERR_OK)
        rc = app_unlock(app, &pb);
    if (rc == ERR_OK)
        rc = ask_new(fd, file, &pass, &pb);
    if (rc == ERR_OK)
        rc = set_passphrase(app, &pass, &pb);
    buf_clear(&pass);
    return passphrase_set(app, rc, &pb);
}

static enum err
open_with_paper(struct app *app, struct problem *pb)
{
    uint8_t seed[VAULT_PAPER_LEN];
    struct vault_secret secret = {VAULT_PAPER, seed, sizeof(seed)};
    enum err rc = office_ask_paper(
        app,
        "Paper key of this vault (all 14 groups in one line; it is not "
        "shown): ",
        seed, pb);

    if (rc == ERR_OK)
        rc = app_unlock_with(app, &secret, pb);
    crypto_wipe(seed, sizeof(seed));
    return rc;
}

static int
key_recover(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    struct buf pass = {0};
    enum err rc = no_arguments(argc, argv, &pb);

    if (rc == ERR_OK)
        rc = open_with_paper(app, &pb);
    if (rc == ERR_OK)
        rc = app_passphrase(app, "The new passphrase: ", true, &pass, &pb);
    if (rc == ERR_OK)
        rc = set_passphrase(app, &pass, &pb);
    buf_clear(&pass);
    return passphrase_set(app, rc, &pb);
}

/* ---- list, remove ---- */

static void
show_slot(struct app *app, size_t i, const struct vault_slot_info *info,
          json_t *list)
{
    json_t *row = json_object();

    json_put_u64(row, "number", i + 1);
    json_put_str(row, "kind",
                 info->kind == VAULT_PAPER ? "paper" : "passphrase");
    json_put_u64(row, "passes", info->cost.ops);
    json_put_u64(row, "memory", info->cost.mem);
    (void)json_array_append_new(list, row);
    if (info->kind == VAULT_PAPER)
        out_line(app, "  %zu  %s", i + 1, kind_name(info->kind));
    else
        out_line(app, "  %zu  %s  (Argon2id, %u passes over %" PRIu64 " MiB)",
                 i + 1, kind_name(info->kind), info->cost.ops,
                 info->cost.mem >> 20);
}

static void
list_slots(struct app *app)
{
    json_t *list = json_array();
    struct vault_slot_info info;
    size_t first;

    for (size_t i = 0; vault_slot_get(app->vault, i, &info) == ERR_OK; i++)
        show_slot(app, i, &info, list);
    json_put(app->result, "keys", list);
    if (count_slots(app->vault, VAULT_PAPER, &first) > 0) {
        out_next(app, "sealpost");
        return;
    }
    out_note(app, "Without a paper key a forgotten passphrase loses "
                  "everything in this vault.");
    out_next(app, "sealpost key backup");
}

static int
key_list(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    enum err rc = no_arguments(argc, argv, &pb);

    if (rc == ERR_OK)
        rc = app_unlock(app, &pb);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    list_slots(app);
    return EXIT_CODE_OK;
}

static enum err
remove_slot(struct app *app, size_t at, struct problem *pb)
{
    struct vault_slot_info info;
    char question[120];
    bool yes = false;
    size_t first;
    enum err rc = vault_slot_get(app->vault, at, &info);

    if (rc != ERR_OK)
        return args_missing(pb, "there is no key %zu", at + 1);
    if (info.kind == VAULT_PASSPHRASE &&
        count_slots(app->vault, VAULT_PASSPHRASE, &first) == 1) {
        (void)problem_set(pb, P_POLICY, ERR_REFUSED,
                          "the last passphrase stays",
                          "without one the vault opens by paper only");
        problem_next(pb, "to change it: sealpost key passphrase");
        return ERR_REFUSED;
    }
    (void)snprintf(question, sizeof(question),
                   "Remove key %zu (%s)?  It will not open this vault again.",
                   at + 1, kind_name(info.kind));
    rc = app_confirm(app, question, &yes, pb);
    if (rc == ERR_OK && !yes)
        rc = problem_set(pb, P_NEEDS_YES, ERR_CANCELLED, "nothing was removed",
                         "you did not say yes");
    return rc == ERR_OK ? shelf_problem(vault_slot_remove(app->vault, at), pb)
                        : rc;
}

static int
key_remove(struct app *app, int argc, char **argv)
{
    const char *text = NULL;
    struct problem pb = {0};
    unsigned long number = 0;
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, &text, 1, &n, &pb);

    if (rc == ERR_OK && n != 1)
        rc = args_missing(&pb, "key remove needs the key's number in `sealpost "
                               "key list`");
    if (rc == ERR_OK)
        rc = args_number(text, "the key", 1, VAULT_SLOTS_MAX, &number, &pb);
    if (rc == ERR_OK)
        rc = app_unlock(app, &pb);
    if (rc == ERR_OK)
        rc = remove_slot(app, number - 1, &pb);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    out_line(app, "Key %lu is removed.", number);
    list_slots(app);
    return EXIT_CODE_OK;
}

/* ---- the table ---- */

static const struct verb verbs[] = {
    {"backup", key_backup},         {"recover", key_recover},
    {"passphrase", key_passphrase}, {"list", key_list},
    {"remove", key_remove},
};

int
cmd_key(struct app *app, int argc, char **argv)
{
    return verbs_run(app, "key", argc, argv, VERBS(verbs));
}
