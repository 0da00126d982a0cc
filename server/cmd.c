#include "server/cmd.h"

#include <stdio.h>

#include "common/buf.h"
#include "common/os.h"
#include "server/conf.h"
#include "server/forkproof.h"
#include "server/succession.h"

int
cmd_usage(const char *why)
{
    fprintf(stderr, "sealpostd: %s [E-USAGE]\n  next: see `sealpostd help`\n",
            why);
    return EXIT_USAGE;
}

int
cmd_fail(const char *what, const char *code, const char *why, const char *next)
{
    fprintf(stderr, "sealpostd: %s [%s]\n  why:  %s\n  next: %s\n", what, code,
            why, next);
    return EXIT_FAILED;
}

int
cmd_fail_read(const char *what, enum err rc)
{
    return cmd_fail(what, "E-FILE",
                    rc == ERR_TOOBIG || rc == ERR_NOMEM ? err_text(rc)
                                                        : os_last_error_text(),
                    "check the path and its rights");
}

int
cmd_fail_keys(const char *dir, enum err rc)
{
    char why[400];

    (void)snprintf(why, sizeof(why),
                   rc == ERR_NOTFOUND  ? "%s holds no relay"
                   : rc == ERR_REFUSED ? "%s/keys can be read by others"
                                       : "%s/keys cannot be read",
                   dir);
    return cmd_fail("cannot read the relay's keys", "E-KEYS", why,
                    rc == ERR_NOTFOUND  ? "make one with `sealpostd init`"
                    : rc == ERR_REFUSED ? "chmod 600 it"
                                        : "run this as the relay's own user");
}

enum err
cmd_load_keys(const char *dir, struct relay_keys **keys)
{
    enum err rc = succession_settle(dir);

    return rc == ERR_OK ? keys_load(dir, keys) : rc;
}

static int
fail_store(enum err rc, const char *why)
{
    return cmd_fail(
        "cannot open the data directory",
        rc == ERR_BUSY       ? "E-BUSY"
        : rc == ERR_VERSION  ? "E-NEWER"
        : rc == ERR_CONFLICT ? "E-RESTORED"
                             : "E-STORE",
        why[0] != '\0' ? why : err_text(rc),
        rc == ERR_BUSY      ? "stop the relay that runs on it first"
        : rc == ERR_VERSION ? "install the newer sealpostd"
        : rc == ERR_CONFLICT
            ? "use the newest copy of the data directory; if there is none, "
              "`sealpostd succession` asks the registrar for a new name"
            : "check the path, its rights and the disk");
}

static enum err
check_fork(const char *dir, struct store *store, char *why, size_t why_len)
{
    struct store_reader *rd = NULL;
    enum err rc = store_reader_open(store, &rd);

    if (rc == ERR_OK)
        rc = forkproof_check(dir, store, rd, why, why_len);
    store_reader_close(rd);
    return rc;
}

static enum err
open_store(const char *dir, const char *config, enum cmd_guard guard,
           const struct relay_keys *keys, struct store **store, char *why,
           size_t why_len)
{
    struct conf conf = {0};
    struct buf errors = {0};
    struct store_config cfg = {.dir = dir,
                               .past_guard = guard == CMD_PAST_GUARD};
    enum err rc = conf_load(&conf, config, &errors);

    if (rc != ERR_OK && errors.len > 0) /* without its last line feed */
        (void)snprintf(why, why_len, "%.*s", (int)errors.len - 1,
                       (char *)errors.data);
    cfg.guard_path = conf.guard;
    cfg.log_key = &keys->log;
    cfg.directory_origin = keys->directory_origin;
    cfg.delivery_origin = keys->delivery_origin;
    if (rc == ERR_OK)
        rc = store_open(&cfg, store, why, why_len);
    conf_clear(&conf);
    buf_clear(&errors);
    if (rc == ERR_OK && guard == CMD_GUARDED) {
        rc = check_fork(dir, *store, why, why_len);
        if (rc != ERR_OK)
            store_close(*store);
    }
    return rc;
}

int
cmd_open_store(const char *dir, const char *config, enum cmd_guard guard,
               struct relay_keys **keys, struct store **store)
{
    char why[600] = "";
    enum err rc = cmd_load_keys(dir, keys);

    if (rc != ERR_OK)
        return cmd_fail_keys(dir, rc);
    rc = open_store(dir, config, guard, *keys, store, why, sizeof(why));
    if (rc == ERR_OK)
        return EXIT_OK;
    keys_free(*keys);
    return fail_store(rc, why);
}
