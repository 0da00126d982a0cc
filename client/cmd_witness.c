/*
 * cmd_witness.c - `sealpost witness init|add|show|run DIR`: one who cosigns the
 * heads of other people's logs.  It needs no vault and is in no network.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/verbs.h"
#include "client/witness_serve.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/log.h"

/* "name+hash+key" as a string that the caller clears. */
static const char *
vkey_text(const struct vkey *key, struct buf *b)
{
    vkey_format(key, b);
    buf_u8(b, 0);
    return buf_status(b) == ERR_OK ? (const char *)b->data : "";
}

static void
tell_key(struct app *app, const struct vkey *key)
{
    struct buf b = {0};
    const char *text = vkey_text(key, &b);

    out_line(app, "%s", text);
    json_put_str(app->result, "vkey", text);
    buf_clear(&b);
}

/* ---- init ---- */

static int
witness_init(struct app *app, int argc, char **argv)
{
    const char *dir = NULL, *name = NULL;
    const struct arg table[] = {{"--name", ARG_TEXT, &name}};
    struct witness_dir *d = NULL;
    struct problem pb = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &dir, 1, &n, &pb);

    if (rc == ERR_OK && (n != 1 || name == NULL))
        rc = args_missing(&pb, "witness init needs a directory and --name "
                               "NAME, as witness.example.org/w1");
    if (rc == ERR_OK)
        rc = witness_dir_create(dir, name, &pb);
    if (rc == ERR_OK)
        rc = witness_dir_open(dir, WITNESS_SIGN, &d, &pb);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    tell_key(app, witness_dir_key(d));
    witness_dir_close(d);
    out_note(app, "This line goes into the policy of everybody who is to trust "
                  "this witness.");
    out_next(app,
             "sealpost witness add %s VKEY, once for each log of a relay: "
             "what `sealpostd vkey delivery` and `... directory` print",
             dir);
    return EXIT_CODE_OK;
}

/* ---- add ---- */

static enum err
parse_log_key(const char *text, struct vkey *out, struct problem *pb)
{
    enum err rc = vkey_parse(out, text, strlen(text));

    if (rc == ERR_OK && out->type != NOTE_ED25519)
        rc = ERR_UNSUPPORTED;
    return rc == ERR_OK
               ? rc
               : problem_set(pb, P_USAGE, rc, "the log was not added",
                             "its key is a line name+hash+key, as `sealpostd "
                             "vkey` prints it");
}

static int
witness_add(struct app *app, int argc, char **argv)
{
    const char *rest[2] = {NULL, NULL};
    struct witness_dir *d = NULL;
    struct problem pb = {0};
    struct vkey key;
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, rest, 2, &n, &pb);

    if (rc == ERR_OK && n != 2)
        rc = args_missing(&pb, "witness add needs the directory and the "
                               "verifier key of a log");
    if (rc == ERR_OK)
        rc = parse_log_key(rest[1], &key, &pb);
    if (rc == ERR_OK)
        rc = witness_dir_open(rest[0], WITNESS_SIGN, &d, &pb);
    if (rc == ERR_OK)
        rc = witness_dir_add(d, &key, &pb);
    witness_dir_close(d);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    out_line(app, "This witness follows %s.", key.name);
    json_put_str(app->result, "origin", key.name);
    out_next(app, "sealpost witness run %s --listen HOST:PORT", rest[0]);
    return EXIT_CODE_OK;
}

/* ---- show ---- */

static void
show_log(struct app *app, const struct witness_log *log, json_t *list)
{
    const struct witness_state *state = &log->state;
    char when[CLOCK_TEXT_MAX] = "";
    json_t *row = json_object();
    struct buf b = {0};

    out_line(app, "\n%s", log->keys[0].name);
    if (state->time_s == 0) {
        out_line(app, "  nothing cosigned yet");
    } else {
        clock_format_utc(when, state->time_s * 1000);
        out_line(app, "  %" PRIu64 " entries, cosigned %s", state->size, when);
    }
    json_put_str(row, "origin", log->keys[0].name);
    for (size_t i = 0; i < log->n_keys; i++) {
        buf_reset(&b);
        out_line(app, "  %s", vkey_text(&log->keys[i], &b));
    }
    json_put_u64(row, "size", state->size);
    json_put_u64(row, "time", state->time_s);
    json_put_hex(row, "root", state->root.b, sizeof(state->root.b));
    (void)json_array_append_new(list, row);
    buf_clear(&b);
}

static int
witness_show(struct app *app, int argc, char **argv)
{
    const char *dir = NULL;
    const struct witness_log *logs;
    struct witness_dir *d = NULL;
    struct problem pb = {0};
    json_t *list;
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, &dir, 1, &n, &pb);

    if (rc == ERR_OK && n != 1)
        rc = args_missing(&pb, "witness show needs the directory");
    if (rc == ERR_OK)
        rc = witness_dir_open(dir, WITNESS_LOOK, &d, &pb);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    tell_key(app, witness_dir_key(d));
    logs = witness_dir_logs(d, &n);
    list = json_array();
    for (size_t i = 0; i < n; i++)
        show_log(app, &logs[i], list);
    json_put(app->result, "logs", list);
    witness_dir_close(d);
    if (n == 0)
        out_next(app, "sealpost witness add %s VKEY", dir);
    return EXIT_CODE_OK;
}

/* ---- run ---- */

static void
on_serving(void *arg, const char *address)
{
    out_line(arg, "http://%s", address);
    (void)fflush(stdout);
}

static int
witness_run(struct app *app, int argc, char **argv)
{
    const char *dir = NULL, *ready = NULL, *level = "info";
    struct witness_serve_options opt = {
        .ready_fd = -1, .serving = on_serving, .arg = app};
    const struct arg table[] = {{"--listen", ARG_TEXT, &opt.listen},
                                {"--ready-fd", ARG_TEXT, &ready},
                                {"--log-level", ARG_TEXT, &level}};
    enum log_level log_level = LOG_LEVEL_INFO;
    struct witness_dir *d = NULL;
    struct problem pb = {0};
    unsigned long fd = 0;
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &dir, 1, &n, &pb);

    if (rc == ERR_OK && (n != 1 || opt.listen == NULL))
        rc = args_missing(&pb, "witness run needs the directory and --listen "
                               "HOST:PORT");
    if (rc == ERR_OK && !log_level_parse(&log_level, level))
        rc = args_missing(&pb, "--log-level is error, warn, info or debug");
    if (rc == ERR_OK && ready != NULL) {
        rc = args_number(ready, "--ready-fd", 1, 1023, &fd, &pb);
        opt.ready_fd = (int)fd;
    }
    log_open(log_level, "sealpost-witness");
    if (rc == ERR_OK)
        rc = witness_dir_open(dir, WITNESS_SIGN, &d, &pb);
    if (rc == ERR_OK)
        rc = witness_serve(d, &opt, &pb);
    witness_dir_close(d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

static const struct verb verbs[] = {
    {"init", witness_init},
    {"add", witness_add},
    {"show", witness_show},
    {"run", witness_run},
};

int
cmd_witness(struct app *app, int argc, char **argv)
{
    return verbs_run(app, "witness", argc, argv, VERBS(verbs));
}
