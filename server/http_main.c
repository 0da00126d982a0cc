/*
 * http_main.c - sealpostd-http: the public logs over HTTP, the operator's
 * listener, and the errands to the witnesses.  Holds no keys and opens no
 * database: it reads DIR/public and asks DIR/run/control.sock.
 *
 *   options, configuration -> listen -> tell the addresses -> the loop, until
 *   SIGTERM, SIGINT or the end of the relay that started us (--parent-fd)
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "common/log.h"
#include "common/os.h"
#include "common/stream.h"
#include "proto/crypto.h"
#include "server/conf.h"
#include "server/cosign.h"
#include "server/http_admin.h"
#include "server/http_files.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { BIND_TRIES = 30, BIND_PAUSE_MS = 100 };

struct options {
    const char *data_dir, *http, *admin, *config;
    bool directory;
    int ready_fd, parent_fd;
};

struct app {
    struct options o;
    struct conf conf;
    uv_loop_t loop;
    uv_signal_t sigterm, sigint;
    struct stream *parent; /* NULL: none */
    struct http_files files;
    struct http_admin admin;
    struct cosign *cosign;
    bool is_stopping;
};

static const char usage_text[] =
    "usage: sealpostd http --data DIR [options]\n"
    "  --http HOST:PORT    serve DIR/public/delivery under /delivery/\n"
    "  --directory         and DIR/public/directory under /directory/\n"
    "  --admin HOST:PORT   serve /healthz, /readyz and /metrics\n"
    "  --config FILE       the relay's: [http], [witness]\n"
    "  --ready-fd N        gets one line when all of it listens\n";

static int
usage(const char *why)
{
    fprintf(stderr,
            "sealpostd http: %s [E-USAGE]\n  next: see `sealpostd http "
            "--help`\n",
            why);
    return EXIT_USAGE;
}

static int
fail(const char *what, const char *why, const char *next)
{
    fprintf(stderr, "sealpostd http: %s [E-START]\n  why:  %s\n  next: %s\n",
            what, why, next);
    return EXIT_FAILED;
}

/* --- options ---------------------------------------------------------------
 */

static int
parse_fd(const char *text)
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
        {"http", required_argument, NULL, 'h'},
        {"admin", required_argument, NULL, 'a'},
        {"config", required_argument, NULL, 'c'},
        {"directory", no_argument, NULL, 'y'},
        {"ready-fd", required_argument, NULL, 'r'},
        {"parent-fd", required_argument, NULL, 'p'},
        {0},
    };
    int c;

    *o = (struct options){.ready_fd = -1, .parent_fd = -1};
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (c == 'd')
            o->data_dir = optarg;
        else if (c == 'h')
            o->http = optarg;
        else if (c == 'a')
            o->admin = optarg;
        else if (c == 'c')
            o->config = optarg;
        else if (c == 'y')
            o->directory = true;
        else if (c == 'r' && (o->ready_fd = parse_fd(optarg)) >= 0)
            continue;
        else if (c != 'p' || (o->parent_fd = parse_fd(optarg)) < 0)
            return false;
    }
    return optind == argc;
}

/* --- the end ---------------------------------------------------------------
 */

static void
stop(struct app *a)
{
    if (a->is_stopping)
        return;
    a->is_stopping = true;
    http_admin_close(&a->admin);
    http_files_close(&a->files);
    if (a->parent != NULL)
        stream_close(a->parent, ERR_CANCELLED);
    uv_close((uv_handle_t *)&a->sigterm, NULL);
    uv_close((uv_handle_t *)&a->sigint, NULL);
}

static void
on_signal(uv_signal_t *h, int number)
{
    (void)number;
    stop(h->data);
}

/* The relay says nothing on this descriptor; it holds it while it lives. */
static void
on_parent_bytes(void *arg, const uint8_t *bytes, size_t len)
{
    (void)arg;
    (void)bytes;
    (void)len;
}

static void
on_parent_gone(void *arg, enum err why)
{
    struct app *a = arg;

    (void)why;
    a->parent = NULL;
    stop(a);
}

static const struct stream_events parent_events = {
    .bytes = on_parent_bytes,
    .closed = on_parent_gone,
};

/* --- the beginning ---------------------------------------------------------
 */

/* One that the relay started in our place before may still be leaving. */
static bool
may_try_again(const struct app *a, enum err rc, unsigned *tries)
{
    if (rc != ERR_BUSY || a->o.parent_fd < 0 || ++*tries > BIND_TRIES)
        return false;
    os_sleep_ms(BIND_PAUSE_MS);
    return true;
}

static enum err
open_files(struct app *a, const char *host, uint16_t port)
{
    struct http_limits limits = http_limits_default;

    limits.connections_max = (unsigned)a->conf.http_connections;
    limits.connections_per_address_max =
        (unsigned)a->conf.http_connections_per_address;
    limits.requests_per_s = (unsigned)a->conf.http_requests_per_s;
    limits.requests_burst = 4 * limits.requests_per_s;
    limits.body_max = 1; /* nobody posts here */
    a->files.data_dir = a->o.data_dir;
    a->files.directory = a->o.directory;
    return http_files_open(&a->files, &a->loop, host, port, &limits);
}

static enum err
open_admin(struct app *a, const char *host, uint16_t port)
{
    return http_admin_open(&a->admin, &a->loop, host, port, a->o.data_dir,
                           &a->files);
}

typedef enum err open_fn(struct app *a, const char *host, uint16_t port);

/* Listens on TEXT when it is given; BOUND gets the address with its port. */
static int
listen_at(struct app *a, const char *text, open_fn *open,
          struct http_server *const *server, char bound[ADDRESS_MAX])
{
    char host[256], why[400];
    uint16_t port = 0;
    unsigned tries = 0;
    enum err rc;

    bound[0] = '\0';
    if (text == NULL)
        return EXIT_OK;
    if (address_split(text, host, sizeof(host), &port) != ERR_OK) {
        (void)snprintf(why, sizeof(why), "\"%s\" is not HOST:PORT", text);
        return usage(why);
    }
    do
        rc = open(a, host, port);
    while (may_try_again(a, rc, &tries));
    if (rc == ERR_OK) {
        (void)snprintf(bound, ADDRESS_MAX,
                       strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
                       http_server_port(*server));
        return EXIT_OK;
    }
    (void)snprintf(why, sizeof(why), "%s: %s", text,
                   rc == ERR_BUSY ? "another program uses that port"
                                  : err_text(rc));
    return fail("cannot listen", why, "choose another address");
}

/* "ready http=127.0.0.1:8080 admin=127.0.0.1:9090\n", what there is of it. */
static enum err
tell_addresses(const struct app *a, const char *http, const char *admin)
{
    const int fds[] = {a->o.ready_fd, a->o.parent_fd};
    char line[2 * ADDRESS_MAX + 32];
    enum err rc = ERR_OK;
    int n = snprintf(line, sizeof(line), "ready%s%s%s%s\n",
                     http[0] != '\0' ? " http=" : "", http,
                     admin[0] != '\0' ? " admin=" : "", admin);

    for (size_t i = 0; i < 2 && rc == ERR_OK; i++)
        if (fds[i] >= 0)
            rc = os_write_all(fds[i], line, (size_t)n);
    printf("%s", line);
    (void)fflush(stdout);
    log_info("%.*s", n - 1, line);
    return rc;
}

static int
open_cosign(struct app *a)
{
    const struct cosign_options opt = {
        .data_dir = a->o.data_dir,
        .policy_path = a->conf.witness_policy,
        .beat_ms = a->conf.beat_ms,
        .again_ms = a->conf.witness_again_ms,
        .deadline_ms = a->conf.witness_deadline_ms,
    };
    char why[400] = "";

    if (a->conf.witness_policy == NULL ||
        cosign_open(&opt, &a->cosign, why, sizeof(why)) == ERR_OK)
        return EXIT_OK;
    return fail("the witnesses cannot be asked", why,
                "mend the policy file that [witness] names");
}

static int
open_all(struct app *a)
{
    char http[ADDRESS_MAX], admin[ADDRESS_MAX];
    int code = listen_at(a, a->o.http, open_files, &a->files.server, http);

    if (code == EXIT_OK)
        code = listen_at(a, a->o.admin, open_admin, &a->admin.server, admin);
    if (code == EXIT_OK)
        code = open_cosign(a);
    if (code != EXIT_OK)
        return code;
    if (tell_addresses(a, http, admin) != ERR_OK)
        return fail("cannot say that it is ready", os_last_error_text(),
                    "check --ready-fd");
    if (a->o.parent_fd >= 0)
        a->parent = stream_open(&a->loop, a->o.parent_fd, &parent_events, a);
    return EXIT_OK;
}

static int
load_conf(struct app *a)
{
    struct buf errors = {0};
    enum log_level level = LOG_LEVEL_INFO;
    int code = EXIT_OK;

    if (conf_load(&a->conf, a->o.config, &errors) != ERR_OK) {
        buf_u8(&errors, 0);
        code = fail("cannot read the configuration",
                    errors.data == NULL ? "out of memory"
                                        : (const char *)errors.data,
                    "mend that and start it again");
    } else {
        (void)log_level_parse(&level, a->conf.log_level);
        log_open(level, "sealpostd-http");
        if (a->o.http == NULL && a->o.admin == NULL &&
            a->conf.witness_policy == NULL)
            code = usage("nothing to do: give --http or --admin, or name a "
                         "policy in [witness] of --config");
    }
    buf_clear(&errors);
    return code;
}

static void
open_signals(struct app *a)
{
    (void)uv_signal_init(&a->loop, &a->sigterm);
    (void)uv_signal_init(&a->loop, &a->sigint);
    a->sigterm.data = a->sigint.data = a;
    (void)uv_signal_start(&a->sigterm, on_signal, SIGTERM);
    (void)uv_signal_start(&a->sigint, on_signal, SIGINT);
}

static int
run(struct app *a)
{
    int code = load_conf(a);

    if (code != EXIT_OK) {
        conf_clear(&a->conf);
        return code;
    }
    (void)uv_loop_init(&a->loop);
    open_signals(a);
    code = open_all(a);
    if (code != EXIT_OK)
        stop(a);
    (void)uv_run(&a->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&a->loop);
    cosign_close(a->cosign);
    conf_clear(&a->conf);
    return code;
}

int
main(int argc, char **argv)
{
    static struct app a;

    os_no_core_dumps();
    os_ignore_signals();
    os_private_files();
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        printf("%s", usage_text);
        return EXIT_OK;
    }
    if (!parse_options(&a.o, argc, argv))
        return usage("an option is not known or lacks its value");
    if (a.o.data_dir == NULL)
        return usage("--data DIR is missing");
    if (crypto_init() != ERR_OK)
        return fail("cannot start", "the system gives no random numbers",
                    "mend the system");
    (void)os_raise_fd_limit();
    return run(&a);
}
