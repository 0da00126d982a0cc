/*
 * cmd_succession.c - `sealpostd succession` asks for a new name or key of the
 * logs, `sealpostd succeed FILE` takes the registrar's answer.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/os.h"
#include "server/cmd.h"
#include "server/succession.h"

/* Some hundred thousand leaves: all of it lies in memory. */
enum { FILE_MAX_LEN = 128 << 20 };

static enum err
write_new(const char *path, const struct buf *b)
{
    return os_exists(path) ? ERR_EXISTS
                           : os_write_file_atomic(path, b->data, b->len, 0644);
}

/* CARD, and CARD.directory for a registrar who has not seen all of it. */
static int
write_card(const struct succession_card *card, struct store *st,
           const char *out)
{
    struct buf b = {0}, leaves = {0};
    char path[OS_PATH_MAX];
    enum err rc = succession_card_make(&b, card);

    if (rc == ERR_OK && out == NULL)
        (void)fwrite(b.data, 1, b.len, stdout);
    if (rc == ERR_OK && out != NULL) {
        (void)snprintf(path, sizeof(path), "%s.directory", out);
        rc = succession_leaves(st, &leaves);
        if (rc == ERR_OK)
            rc = write_new(path, &leaves);
        if (rc == ERR_OK)
            rc = write_new(out, &b);
    }
    buf_clear(&b);
    buf_clear(&leaves);
    return rc == ERR_OK
               ? EXIT_OK
               : cmd_fail("the card was not written", "E-FILE",
                          rc == ERR_EXISTS ? "that file is there already"
                                           : err_text(rc),
                          "name another file with -o");
}

int
cmd_succession(const struct cmd_succession *o)
{
    const struct succession_wish wish = {
        .new_key = o->new_key,
        .delivery_origin = o->delivery_origin,
        .directory_origin = o->directory_origin,
    };
    struct succession_card card;
    struct relay_keys *keys;
    struct store *store;
    char why[400] = "";
    enum err rc;
    int code = cmd_open_store(o->dir, o->config, CMD_PAST_GUARD, &keys, &store);

    if (code != EXIT_OK)
        return code;
    rc = succession_ask(o->dir, store, keys, &wish, &card, why, sizeof(why));
    if (rc == ERR_OK)
        code = write_card(&card, store, o->out);
    store_close(store);
    keys_free(keys);
    if (rc != ERR_OK)
        return cmd_fail("no succession was prepared", "E-SUCCESSION", why,
                        rc == ERR_STATE
                            ? "load the registrar's file with `sealpostd "
                              "genesis` first"
                            : "see --new-key, --delivery-origin and "
                              "--directory-origin");
    if (code == EXIT_OK)
        fprintf(stderr,
                "Leave the relay stopped: the card is about exactly what it "
                "has now.\n"
                "Next: give the card and the file CARD.directory (-o writes "
                "it beside the card)\n"
                "to the registrar, who runs\n"
                "  sealpost registrar succeed CARD --directory CARD.directory "
                "-o succession.spost\n"
                "and load the answer with\n"
                "  sealpostd succeed succession.spost --data %s\n",
                o->dir);
    return code;
}

static int
fail_load(enum err rc, const char *why)
{
    return cmd_fail(
        "the log keeps its name and key", "E-SUCCESSION", why,
        rc == ERR_NOTFOUND ? "begin with `sealpostd succession`"
        : rc == ERR_CONFLICT || rc == ERR_REFUSED
            ? "make a new card with `sealpostd succession` and have it signed"
        : rc == ERR_VERIFY
            ? "have enough registrars sign it: `sealpost registrar sign`"
            : "use the file that `sealpost registrar succeed` wrote");
}

/* The new names are in force; whoever opens the store now signs with them. */
static int
finish(const char *dir, const char *config, const struct succession_done *done)
{
    struct relay_keys *keys;
    struct store *store;
    int code = cmd_open_store(dir, config, CMD_GUARDED, &keys, &store);

    if (code != EXIT_OK)
        return code;
    store_close(store);
    keys_free(keys);
    if (done == NULL) {
        fprintf(stderr, "This succession was made already.\n");
    } else {
        fprintf(stderr,
                "The log goes on as %s from entry %" PRIu64 "; the policy is "
                "entry %" PRIu64 " of the directory.\n",
                done->delivery_origin, done->delivery_size, done->policy);
        if (done->leaves > 0)
            fprintf(stderr,
                    "%" PRIu64 " entr%s of the directory %s put back.\n",
                    done->leaves, done->leaves == 1 ? "y" : "ies",
                    done->leaves == 1 ? "was" : "were");
    }
    fprintf(stderr, "Next: sealpostd run --data %s\n", dir);
    return EXIT_OK;
}

int
cmd_succeed(const char *dir, const char *config, const char *file)
{
    struct succession_done done;
    struct relay_keys *keys;
    struct store *store;
    struct buf b = {0};
    char why[400] = "";
    enum err rc = os_read_file(file, FILE_MAX_LEN, &b);
    int code;

    if (rc != ERR_OK)
        return cmd_fail_read("cannot read the succession file", rc);
    code = cmd_open_store(dir, config, CMD_PAST_GUARD, &keys, &store);
    if (code != EXIT_OK) {
        buf_clear(&b);
        return code;
    }
    rc = succession_load(dir, store, b.data, b.len, &done, why, sizeof(why));
    store_close(store);
    keys_free(keys);
    buf_clear(&b);
    if (rc != ERR_OK && rc != ERR_EXISTS)
        return fail_load(rc, why);
    return finish(dir, config, rc == ERR_OK ? &done : NULL);
}
