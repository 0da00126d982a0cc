/*
 * app.c - global options, the passphrase and its four ways in, questions.
 */
#include "client/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/vault.h"
#include "common/os.h"
#include "common/text.h"
#include "proto/crypto.h"

enum {
    PASS_MAX = 1024,
    PASS_MIN_NEW = 12, /* bytes; Argon2id does the rest */
    BUSY_WAIT_MS = 2000,
    WAIT_LONG_MS = 10 * 60 * 1000,
};

/* ---- options ---- */

enum global {
    G_HOME,
    G_AS,
    G_PASS_FD,
    G_PAPER_FD,
    G_PASS_FILE,
    G_PASS_COMMAND,
    G_JSON,
    G_YES,
    G_WAIT,
};

static const struct {
    const char *name;
    bool has_value;
} globals[] = {
    [G_HOME] = {"--home", true},
    [G_AS] = {"--as", true},
    [G_PASS_FD] = {"--passphrase-fd", true},
    [G_PAPER_FD] = {"--paper-fd", true},
    [G_PASS_FILE] = {"--passphrase-file", true},
    [G_PASS_COMMAND] = {"--passphrase-command", true},
    [G_JSON] = {"--json", false},
    [G_YES] = {"--yes", false},
    [G_WAIT] = {"--wait", false},
};
enum { GLOBALS = sizeof(globals) / sizeof(globals[0]) };

struct picked {
    const char *home;
};

static enum err
set_fd(struct app *app, enum global g, int *fd, const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || n < 0 || n > 65535)
        return problem_set(&app->problem, P_USAGE, ERR_MALFORMED,
                           "the command is not complete",
                           "%s wants a number, not \"%.20s\"", globals[g].name,
                           text);
    *fd = (int)n;
    os_keep_to_ourselves(*fd);
    return ERR_OK;
}

static enum err
apply(struct app *app, struct picked *p, enum global g, const char *value)
{
    switch (g) {
    case G_HOME:
        p->home = value;
        return ERR_OK;
    case G_AS:
        app->as = value;
        return ERR_OK;
    case G_PASS_FD:
        return set_fd(app, g, &app->pass_fd, value);
    case G_PAPER_FD:
        return set_fd(app, g, &app->paper_fd, value);
    case G_PASS_FILE:
        app->pass_file = value;
        return ERR_OK;
    case G_PASS_COMMAND:
        app->pass_command = value;
        return ERR_OK;
    case G_JSON:
        app->json = true;
        return ERR_OK;
    case G_YES:
        app->yes = true;
        return ERR_OK;
    case G_WAIT:
        app->wait = true;
        return ERR_OK;
    }
    return ERR_UNSUPPORTED;
}

/* Which global ARG is; *VALUE is what stands behind "=", or NULL. */
static int
find_global(const char *arg, const char **value)
{
    size_t len = strcspn(arg, "=");

    *value = arg[len] == '=' ? arg + len + 1 : NULL;
    for (int g = 0; g < GLOBALS; g++)
        if (strlen(globals[g].name) == len &&
            memcmp(globals[g].name, arg, len) == 0)
            return g;
    return -1;
}

static enum err
take_globals(struct app *app, struct picked *p, int *argc, char **argv)
{
    int kept = 0;
    int i = 0;

    while (i < *argc && strcmp(argv[i], "--") != 0) {
        const char *value;
        int g = find_global(argv[i], &value);

        if (g < 0 || (value != NULL && !globals[g].has_value)) {
            argv[kept++] = argv[i++];
            continue;
        }
        if (globals[g].has_value && value == NULL && ++i < *argc &&
            strncmp(argv[i], "--", 2) != 0)
            value = argv[i];
        if (globals[g].has_value && value == NULL)
            return problem_set(&app->problem, P_USAGE, ERR_MALFORMED,
                               "the command is not complete",
                               "%s needs a value behind it", globals[g].name);
        if (apply(app, p, (enum global)g, value) != ERR_OK)
            return ERR_MALFORMED;
        i++;
    }
    while (i < *argc)
        argv[kept++] = argv[i++];
    argv[kept] = NULL;
    *argc = kept;
    return ERR_OK;
}

/* Looked for first, so that a mistake in front of it is told as JSON too. */
static bool
wants_json(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], globals[G_JSON].name) == 0)
            return true;
    return false;
}

static enum err
join(char *out, const char *dir, const char *name)
{
    char tmp[OS_PATH_MAX];
    enum err rc = os_path_join(tmp, sizeof(tmp), dir, name);

    if (rc == ERR_OK)
        memcpy(out, tmp, sizeof(tmp));
    return rc;
}

/* --home, SEALPOST_HOME, or the system's own place; with --as one directory
 * for each person below it. */
static enum err
find_home(struct app *app, const struct picked *p)
{
    const char *env = getenv("SEALPOST_HOME");
    const char *base = p->home != NULL ? p->home : env;
    char path[OS_PATH_MAX];
    enum err rc;

    if (base != NULL && *base != '\0')
        rc = snprintf(path, sizeof(path), "%s", base) < (int)sizeof(path)
                 ? ERR_OK
                 : ERR_TOOBIG;
    else
        rc = os_data_dir(path, sizeof(path));
    if (rc == ERR_OK && app->as != NULL) {
        if (text_name_check(app->as, 64) != ERR_OK || app->as[0] == '.' ||
            strpbrk(app->as, "/\\") != NULL)
            return problem_set(&app->problem, P_USAGE, ERR_MALFORMED,
                               "that cannot be a person's name here",
                               "--as takes a short name without slashes");
        rc = join(path, path, "as");
        if (rc == ERR_OK)
            rc = join(path, path, app->as);
    }
    if (rc != ERR_OK)
        return problem_from_err(&app->problem, "cannot tell where the vault is",
                                rc);
    app->home = strdup(path);
    return app->home == NULL ? ERR_NOMEM : ERR_OK;
}

enum err
app_init(struct app *app, int *argc, char **argv)
{
    struct picked p = {0};
    enum err rc;

    json_init();
    app->pass_fd = -1;
    app->paper_fd = -1;
    app->pass_file = getenv("SEALPOST_PASSPHRASE_FILE");
    app->pass_command = getenv("SEALPOST_PASSPHRASE_COMMAND");
    app->tty = os_is_tty(2);
    app->result = json_object();
    if (app->result == NULL)
        return ERR_NOMEM;
    json_put_bool(app->result, "ok", 1);
    app->json = wants_json(*argc, argv);
    rc = take_globals(app, &p, argc, argv);
    if (rc == ERR_OK)
        rc = find_home(app, &p);
    return rc;
}

void
app_clear(struct app *app)
{
    struct buf b = {0};
    enum err rc = vault_close(app->vault);

    app->vault = NULL;
    if (rc != ERR_OK)
        out_note(app, "sealpost: closing the vault: %s", err_text(rc));
    if (app->json && app->result != NULL &&
        json_write(&b, app->result, 2) == ERR_OK)
        printf("%.*s\n", (int)b.len, (const char *)b.data);
    buf_clear(&b);
    json_decref(app->result);
    app->result = NULL;
    free(app->home);
    app->home = NULL;
}

/* ---- passphrase ---- */

static enum err
pass_from_file(struct app *app, struct buf *out, struct problem *pb)
{
    uint8_t *nl;
    enum err rc = os_read_file(app->pass_file, PASS_MAX + 1, out);

    if (rc != ERR_OK)
        return problem_set(pb, P_PASSPHRASE, rc,
                           "cannot read the passphrase file", "%s",
                           os_last_error_text());
    nl = out->len == 0 ? NULL : memchr(out->data, '\n', out->len);
    if (nl != NULL)
        out->len = (size_t)(nl - out->data);
    return ERR_OK;
}

static enum err
pass_from_prompt(const char *prompt, bool is_new, struct buf *out,
                 struct problem *pb)
{
    struct buf again = {0};
    enum err rc = os_read_passphrase(prompt, out);

    if (rc == ERR_OK && is_new) {
        rc = os_read_passphrase("The same once more: ", &again);
        if (rc == ERR_OK && (again.len != out->len ||
                             !crypto_equal(again.data, out->data, out->len)))
            rc = problem_set(pb, P_PASSPHRASE, ERR_MALFORMED,
                             "the passphrase was not set",
                             "the two lines you typed differ");
        if (pb->id != P_NONE)
            problem_next(pb, "run the same command again and type the same "
                             "words twice");
        buf_clear(&again);
    }
    if (rc != ERR_OK && pb->id == P_NONE)
        (void)problem_set(pb, P_PASSPHRASE, rc, "no passphrase was given",
                          rc == ERR_NOTFOUND
                              ? "there is no terminal to ask on; use "
                                "--passphrase-fd, --passphrase-file or "
                                "--passphrase-command"
                              : "the prompt was left empty");
    return rc;
}

enum err
app_passphrase(struct app *app, const char *prompt, bool is_new,
               struct buf *out, struct problem *pb)
{
    enum err rc;

    if (app->pass_fd >= 0)
        rc = os_read_fd_line(app->pass_fd, PASS_MAX, out);
    else if (app->pass_file != NULL && *app->pass_file != '\0')
        rc = pass_from_file(app, out, pb);
    else if (app->pass_command != NULL && *app->pass_command != '\0')
        rc = os_run_passphrase_command(app->pass_command, PASS_MAX, out);
    else
        rc = pass_from_prompt(prompt, is_new, out, pb);
    if (rc != ERR_OK)
        return pb->id != P_NONE
                   ? rc
                   : problem_set(pb, P_PASSPHRASE, rc,
                                 "no passphrase was given",
                                 "the descriptor or command gave no line");
    if (out->len == 0 || (is_new && out->len < PASS_MIN_NEW)) {
        if (is_new)
            problem_next(pb, "run the same command again with a longer one");
        return problem_set(pb, P_PASSPHRASE, ERR_LOCKED,
                           "the passphrase is too short",
                           "a new one needs at least %d characters; four or "
                           "five words are good",
                           PASS_MIN_NEW);
    }
    return ERR_OK;
}

static enum err
unlock_problem(struct app *app, enum vault_slot_kind kind, enum err rc,
               struct problem *pb)
{
    static const char what[] = "the vault does not open";

    switch (rc) {
    case ERR_NOTFOUND:
        return problem_set(pb, P_NO_IDENTITY, rc, "there is no vault here yet",
                           "%s holds none", app->home);
    case ERR_LOCKED:
        if (kind == VAULT_PAPER)
            return problem_set(pb, P_PAPER_KEY, rc, what,
                               "this paper key is not one of this vault's");
        return problem_set(pb, P_PASSPHRASE, rc, what,
                           "the passphrase is not the one it was closed with");
    case ERR_BUSY:
        return problem_set(pb, P_VAULT_BUSY, rc, what,
                           "another sealpost command is using it");
    case ERR_VERSION:
        return problem_set(pb, P_VAULT_NEWER, rc, what,
                           "a newer version of sealpost made it");
    case ERR_VERIFY:
        return problem_set(pb, P_VAULT_DAMAGED, rc, what,
                           "it is damaged, or older than when it was last "
                           "closed");
    case ERR_REFUSED:
        return problem_set(pb, P_VAULT_DAMAGED, rc, what,
                           "its passphrase check is weaker or costlier than "
                           "this program allows");
    default:
        return problem_from_err(pb, what, rc);
    }
}

enum err
app_unlock_with(struct app *app, const struct vault_secret *secret,
                struct problem *pb)
{
    enum err rc = vault_open(&app->vault, app->home, secret,
                             app->wait ? WAIT_LONG_MS : BUSY_WAIT_MS);

    return rc == ERR_OK ? rc : unlock_problem(app, secret->kind, rc, pb);
}

enum err
app_unlock(struct app *app, struct problem *pb)
{
    struct buf pass = {0};
    struct vault_secret secret = {.kind = VAULT_PASSPHRASE};
    enum err rc;

    if (app->vault != NULL)
        return ERR_OK;
    rc = vault_exists(app->home);
    if (rc != ERR_OK)
        return unlock_problem(app, VAULT_PASSPHRASE, rc, pb);
    rc = app_passphrase(app, "Passphrase: ", false, &pass, pb);
    if (rc == ERR_OK) {
        secret.bytes = pass.data;
        secret.len = pass.len;
        rc = app_unlock_with(app, &secret, pb);
    }
    buf_clear(&pass);
    return rc;
}

/* ---- questions ---- */

enum err
app_ask(struct app *app, const char *question, char *out, size_t max,
        struct problem *pb)
{
    struct buf line = {0};
    enum err rc;

    (void)app;
    (void)fprintf(stderr, "%s", question);
    (void)fflush(stderr);
    rc = os_read_fd_line(0, max - 1, &line);
    if (rc == ERR_OK && line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (rc == ERR_OK) {
        if (line.len > 0)
            memcpy(out, line.data, line.len);
        out[line.len] = '\0';
    } else {
        (void)problem_set(pb, P_NEEDS_YES, rc, "no answer was given", "%s",
                          rc == ERR_TOOBIG ? "the line is too long"
                                           : "the input ended");
    }
    buf_clear(&line);
    return rc;
}

enum err
app_confirm(struct app *app, const char *question, bool *yes,
            struct problem *pb)
{
    char answer[16] = "";
    char prompt[320];
    enum err rc;

    *yes = app->yes;
    if (app->yes)
        return ERR_OK;
    if (!os_is_tty(0))
        return problem_set(pb, P_NEEDS_YES, ERR_STATE,
                           "this needs a yes from you", "%s", question);
    (void)snprintf(prompt, sizeof(prompt), "%s [y/N] ", question);
    rc = app_ask(app, prompt, answer, sizeof(answer), pb);
    *yes = rc == ERR_OK && (answer[0] == 'y' || answer[0] == 'Y');
    return rc;
}
