/*
 * main.c - sealpostd, the relay: init genesis run check status vkey card
 * succession succeed.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/os.h"
#include "proto/crypto.h"
#include "proto/invite.h"
#include "server/cmd.h"
#include "server/control_ask.h"
#include "server/relay.h"
#include "server/statements.h"

struct options {
    const char *data_dir;
    const char *listen;
    const char *name;
    const char *config;
    const char *out;
    const char *delivery_origin;
    const char *directory_origin;
    const char *http;
    const char *admin;
    bool http_directory;
    int ready_fd;
    bool json;
    bool new_key;
    int argc; /* what is left */
    char **argv;
};

static const char usage_text[] =
    "usage: sealpostd COMMAND --data DIR [options]\n"
    "  init --name NAME [--listen HOST:PORT]  make keys and an empty store,\n"
    "                                         print the relay card\n"
    "  genesis FILE                           found the network\n"
    "  run [--listen HOST:PORT] [--config FILE] [--ready-fd N]\n"
    "    [--http HOST:PORT [--http-directory]] [--admin HOST:PORT]\n"
    "                                         start `http` too\n"
    "  http ...                               serve the public logs, health "
    "and\n"
    "                                         metrics: see http --help\n"
    "  check                                  verify everything stored\n"
    "  status [--json]                        of the relay that runs there\n"
    "  metrics                                the same for Prometheus\n"
    "  vkey delivery|directory                to verify receipts with\n"
    "  card                                   print the relay card again\n"
    "  succession [--new-key] [--delivery-origin NAME]\n"
    "    [--directory-origin NAME] [-o FILE]  ask the registrar for a new "
    "name\n"
    "                                         or key of the logs; also when a\n"
    "                                         restored copy is refused\n"
    "  succeed FILE                           load the registrar's answer\n";

static int
parse_number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    return *text == '\0' || *end != '\0' || n < 0 || n > 65535 ? -1 : (int)n;
}

static bool
parse_options(struct options *o, int argc, char **argv)
{
    static const struct option longs[] = {
        {"data", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'},
        {"name", required_argument, NULL, 'n'},
        {"config", required_argument, NULL, 'c'},
        {"ready-fd", required_argument, NULL, 'r'},
        {"http", required_argument, NULL, 'h'},
        {"admin", required_argument, NULL, 'a'},
        {"http-directory", no_argument, NULL, 'y'},
        {"json", no_argument, NULL, 'j'},
        {"new-key", no_argument, NULL, 'k'},
        {"delivery-origin", required_argument, NULL, 'D'},
        {"directory-origin", required_argument, NULL, 'I'},
        {0},
    };
    int c;

    *o = (struct options){.ready_fd = -1};
    while ((c = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
        if (c == 'd')
            o->data_dir = optarg;
        else if (c == 'l')
            o->listen = optarg;
        else if (c == 'n')
            o->name = optarg;
        else if (c == 'c')
            o->config = optarg;
        else if (c == 'j')
            o->json = true;
        else if (c == 'o')
            o->out = optarg;
        else if (c == 'k')
            o->new_key = true;
        else if (c == 'D')
            o->delivery_origin = optarg;
        else if (c == 'I')
            o->directory_origin = optarg;
        else if (c == 'h')
            o->http = optarg;
        else if (c == 'a')
            o->admin = optarg;
        else if (c == 'y')
            o->http_directory = true;
        else if (c != 'r' || (o->ready_fd = parse_number(optarg)) < 0)
            return false;
    }
    o->argc = argc - optind;
    o->argv = argv + optind;
    return true;
}

static int
print_card(const struct options *o)
{
    struct relay_keys *keys;
    struct relay_card card;
    struct buf out = {0};
    enum err rc = cmd_load_keys(o->data_dir, &keys);

    if (rc != ERR_OK)
        return cmd_fail_keys(o->data_dir, rc);
    keys_card(keys, o->listen == NULL ? "" : o->listen, &card);
    rc = relay_card_make(&out, &card);
    if (rc == ERR_OK)
        (void)fwrite(out.data, 1, out.len, stdout);
    buf_clear(&out);
    keys_free(keys);
    return rc == ERR_OK ? EXIT_OK
                        : cmd_fail("cannot print the card", "E-CARD",
                                   err_text(rc), "give --listen as HOST:PORT");
}

static int
open_plain_store(const struct options *o, struct relay_keys **keys,
                 struct store **store)
{
    return cmd_open_store(o->data_dir, o->config, CMD_GUARDED, keys, store);
}

static int
cmd_init(const struct options *o)
{
    struct relay_keys *keys;
    struct store *store;
    enum err rc;
    int code;

    if (o->name == NULL)
        return cmd_usage(
            "init needs --name NAME, for example relay.example.org");
    rc = os_mkdirs(o->data_dir, 0700);
    if (rc == ERR_OK)
        rc = keys_create(o->data_dir, o->name);
    if (rc != ERR_OK)
        return cmd_fail(
            "cannot make a relay there", "E-INIT",
            rc == ERR_EXISTS      ? "that directory holds one already"
            : rc == ERR_MALFORMED ? "a name is visible ASCII without + "
                                    "or spaces, 64 characters at most"
                                  : err_text(rc),
            rc == ERR_EXISTS ? "use it, or name an empty directory"
                             : "check --name, the path and its rights");
    code = open_plain_store(o, &keys, &store);
    if (code != EXIT_OK)
        return code;
    store_close(store);
    keys_free(keys);
    code = print_card(o);
    if (code == EXIT_OK)
        fprintf(stderr,
                "Next: give this card to the registrar, who runs\n"
                "  sealpost registrar init --relay-card FILE --name NAME "
                "--country CC -o genesis.spost\n"
                "and load the answer with\n"
                "  sealpostd genesis genesis.spost --data %s\n",
                o->data_dir);
    return code;
}

/* The founding policy must be about this relay: its name, keys and logs. */
static enum err
genesis_fits(const void *file, size_t len, const struct relay_keys *keys,
             char *why, size_t why_len)
{
    struct stmt_bundle b;
    struct statement st;
    struct dh_key transport;
    const struct stmt_policy *p = &st.body.policy;
    const uint8_t *bytes;
    size_t n;

    dh_public(&transport, &keys->transport);
    if (stmt_bundle_open(&b, file, len) != ERR_OK ||
        !stmt_bundle_next(&b, &bytes, &n) ||
        stmt_parse(&st, bytes, n) != ERR_OK || st.kind != STMT_POLICY) {
        (void)snprintf(why, why_len, "this is not a genesis file");
        return ERR_MALFORMED;
    }
    if (id_eq(&p->relay_key, &transport) &&
        id_eq(&p->log_key, &keys->log.pub) &&
        p->relay_name.len == strlen(keys->name) &&
        memcmp(p->relay_name.p, keys->name, p->relay_name.len) == 0)
        return ERR_OK;
    (void)snprintf(why, why_len, "it was made for another relay");
    return ERR_CONFLICT;
}

static enum err
load_genesis(struct store *store, const struct relay_keys *keys,
             const struct buf *file, char *why, size_t why_len)
{
    struct store_reader *rd = NULL;
    struct directory *dir = NULL;
    enum err rc = store_reader_open(store, &rd);

    if (rc == ERR_OK)
        rc = statements_load(rd, &dir);
    if (rc == ERR_OK && directory_size(dir) > 0) {
        (void)snprintf(why, why_len, "this relay has a network already");
        rc = ERR_EXISTS;
    }
    if (rc == ERR_OK)
        rc = genesis_fits(file->data, file->len, keys, why, why_len);
    if (rc == ERR_OK)
        rc =
            statements_genesis(store, dir, file->data, file->len, why, why_len);
    directory_free(dir);
    store_reader_close(rd);
    return rc;
}

static int
cmd_genesis(const struct options *o)
{
    struct relay_keys *keys;
    struct store *store;
    struct buf file = {0};
    char why[400] = "";
    enum err rc;
    int code;

    if (o->argc != 2)
        return cmd_usage("genesis needs one FILE, made by the registrar");
    rc = os_read_file(o->argv[1], 1 << 20, &file);
    if (rc != ERR_OK)
        return cmd_fail_read("cannot read the genesis file", rc);
    code = open_plain_store(o, &keys, &store);
    if (code == EXIT_OK) {
        rc = load_genesis(store, keys, &file, why, sizeof(why));
        store_close(store);
        keys_free(keys);
        if (rc != ERR_OK)
            code =
                cmd_fail("the network was not founded", "E-GENESIS",
                         why[0] != '\0' ? why : err_text(rc),
                         "ask the registrar to make the file from this relay's "
                         "card");
    }
    buf_clear(&file);
    if (code == EXIT_OK)
        fprintf(stderr,
                "The network is founded.\nNext: sealpostd run --data "
                "%s\n",
                o->data_dir);
    return code;
}

static int
cmd_run(const struct options *o)
{
    struct relay_options opt = {
        .data_dir = o->data_dir,
        .listen = o->listen,
        .config_path = o->config,
        .ready_fd = o->ready_fd,
        .http = o->http,
        .admin = o->admin,
        .http_directory = o->http_directory,
    };
    static struct relay r;
    char why[1024];
    size_t len;
    enum err rc;

    (void)os_raise_fd_limit();
    rc = relay_open(&r, &opt, why, sizeof(why));
    len = strlen(why);
    while (len > 0 && why[len - 1] == '\n')
        why[--len] = '\0';
    if (rc != ERR_OK)
        /* Nothing was promised yet: the process simply ends. */
        return cmd_fail(
            "the relay does not start",
            rc == ERR_BUSY       ? "E-BUSY"
            : rc == ERR_VERSION  ? "E-NEWER"
            : rc == ERR_CONFLICT ? "E-RESTORED"
                                 : "E-START",
            why,
            rc == ERR_CONFLICT
                ? "use the newest copy of the data directory; if there "
                  "is none, `sealpostd succession` asks the registrar "
                  "for a new name"
                : "mend that and start it again; nothing was changed");
    rc = relay_run(&r);
    relay_close(&r);
    return rc == ERR_OK ? EXIT_OK : EXIT_FAILED;
}

static void
say_finding(void *arg, const char *what)
{
    (void)arg;
    printf("%s\n", what);
}

static int
cmd_check(const struct options *o)
{
    struct relay_keys *keys;
    struct store *store;
    unsigned findings = 0;
    enum err rc;
    int code = open_plain_store(o, &keys, &store);

    if (code != EXIT_OK)
        return code;
    rc = store_check(store, say_finding, NULL, &findings);
    store_close(store);
    keys_free(keys);
    if (rc != ERR_OK)
        return cmd_fail("the check did not finish", "E-STORE", err_text(rc),
                        "check the disk and run it again");
    if (findings > 0) {
        fprintf(stderr,
                "sealpostd: %u finding%s [E-CHECK]\n  why:  what is stored is "
                "not what was promised\n  next: keep a copy of the directory "
                "and call the registrar\n",
                findings, findings == 1 ? "" : "s");
        return EXIT_FINDINGS;
    }
    printf("Everything verifies.\n");
    return EXIT_OK;
}

/* key=value lines as one JSON object. */
static void
print_json(const struct buf *b)
{
    const char *p = (const char *)b->data;
    const char *end = p + b->len;
    const char *sep = "{";

    while (p < end) {
        const char *eq = memchr(p, '=', (size_t)(end - p));
        const char *nl = memchr(p, '\n', (size_t)(end - p));

        if (eq == NULL || nl == NULL || eq > nl)
            break;
        printf("%s\"%.*s\":%.*s", sep, (int)(eq - p), p, (int)(nl - eq - 1),
               eq + 1);
        sep = ",";
        p = nl + 1;
    }
    printf("}\n");
}

static int
ask(const struct options *o, const char *question)
{
    struct buf answer = {0};
    enum err rc = control_ask(o->data_dir, question, &answer);

    if (rc != ERR_OK)
        return cmd_fail("no relay answers there", "E-NOT-RUNNING", err_text(rc),
                        "start it with `sealpostd run --data DIR`");
    if (o->json)
        print_json(&answer);
    else
        (void)fwrite(answer.data, 1, answer.len, stdout);
    buf_clear(&answer);
    return EXIT_OK;
}

static int
cmd_status(const struct options *o)
{
    return ask(o, "status");
}

static int
cmd_metrics(const struct options *o)
{
    return ask(o, "metrics");
}

static int
cmd_sweep(const struct options *o)
{
    return ask(o, "sweep");
}

static int
cmd_vkey(const struct options *o)
{
    struct relay_keys *keys;
    struct vkey vk;
    struct buf out = {0};
    bool directory = o->argc == 2 && strcmp(o->argv[1], "directory") == 0;
    enum err rc;

    if (!directory && (o->argc != 2 || strcmp(o->argv[1], "delivery") != 0))
        return cmd_usage("vkey needs one of: delivery, directory");
    rc = cmd_load_keys(o->data_dir, &keys);
    if (rc != ERR_OK)
        return cmd_fail_keys(o->data_dir, rc);
    rc = vkey_make(&vk,
                   directory ? keys->directory_origin : keys->delivery_origin,
                   NOTE_ED25519, &keys->log.pub);
    if (rc == ERR_OK)
        vkey_format(&vk, &out);
    printf("%.*s\n", (int)out.len, out.len > 0 ? (char *)out.data : "");
    buf_clear(&out);
    keys_free(keys);
    return rc == ERR_OK ? EXIT_OK : EXIT_FAILED;
}

static int
run_succession(const struct options *o)
{
    const struct cmd_succession s = {
        .dir = o->data_dir,
        .config = o->config,
        .out = o->out,
        .new_key = o->new_key,
        .delivery_origin = o->delivery_origin,
        .directory_origin = o->directory_origin,
    };

    return cmd_succession(&s);
}

static int
run_succeed(const struct options *o)
{
    if (o->argc != 2)
        return cmd_usage("succeed needs one FILE, made by the registrar");
    return cmd_succeed(o->data_dir, o->config, o->argv[1]);
}

static const struct {
    const char *name;
    int (*run)(const struct options *o);
} commands[] = {
    {"init", cmd_init},       {"genesis", cmd_genesis},
    {"run", cmd_run},         {"check", cmd_check},
    {"status", cmd_status},   {"metrics", cmd_metrics},
    {"sweep", cmd_sweep},     {"vkey", cmd_vkey},
    {"card", print_card},     {"succession", run_succession},
    {"succeed", run_succeed},
};

/* The program that speaks HTTP is another one: this one holds the key. */
static int
become_http(char **argv)
{
    char path[OS_PATH_MAX] = "sealpostd-http";
    enum err rc = os_beside(path, sizeof(path), "sealpostd-http");

    if (rc == ERR_OK)
        rc = os_become(path, argv);
    (void)rc;
    return cmd_fail("cannot run the HTTP process", "E-HTTP",
                    os_last_error_text(),
                    "install sealpostd-http beside sealpostd");
}

int
main(int argc, char **argv)
{
    struct options o;

    if (argc > 1 && strcmp(argv[1], "http") == 0)
        return become_http(argv + 1);
    os_no_core_dumps();
    os_ignore_signals();
    os_private_files();
    if (crypto_init() != ERR_OK)
        return cmd_fail("cannot start", "E-RANDOM",
                        "the system gives no random numbers",
                        "mend the system");
    if (!parse_options(&o, argc, argv))
        return cmd_usage("an option is not known or lacks its value");
    if (o.argc < 1 || strcmp(o.argv[0], "help") == 0) {
        printf("%s", usage_text);
        return o.argc < 1 ? EXIT_USAGE : EXIT_OK;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(o.argv[0], commands[i].name) == 0)
            return o.data_dir == NULL ? cmd_usage("--data DIR is missing")
                                      : commands[i].run(&o);
    return cmd_usage("there is no such command");
}
