/*
 * cmd_watch.c - `sealpost watch`: stay connected, take what comes.
 *
 *   connect -> everything -> [ let the vault go, wait, take it again, what was
 *   pushed ]... -> connection gone -> pause (longer each time, jittered)
 *
 * Between events the vault is free for other commands.  --exec gets the names
 * of the event and the packet, never content.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/alert.h"
#include "client/args.h"
#include "client/commands.h"
#include "client/exchange.h"
#include "client/mail.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/os.h"
#include "common/text.h"

enum {
    WAIT_MS = 60 * 1000,       /* then a look at the clock and the vault */
    ROUND_MS = 15 * 60 * 1000, /* everything again this often */
    PAUSE_MIN_MS = 1000,
    PAUSE_MAX_MS = 5 * 60 * 1000,
    VAULT_WAIT_MS = 10 * 60 * 1000,
    DAY_MS = 24 * 3600 * 1000,
};

/* Told while the vault is held, run when it is free: CMD may be another
 * sealpost. */
struct occasion {
    struct occasion *next;
    char event[24];
    char id[33];
};

struct watch {
    struct app *app;
    struct desk d;
    const char *exec;
    bool once;
    struct occasion *first, **end;
    uint64_t epoch_ms; /* when the vault last changed its epoch */
    uint64_t round_ms;
};

/* ---- what happened ---- */

/* " from Harbour Light: what it is about", when it is a packet that came.  The
 * subject is content: for eyes at a terminal, not for a journal's file. */
static void
describe(struct watch *w, const struct packet_id *id, struct buf *out)
{
    struct problem none = {0};
    struct mail m = {0};
    char name[130];

    if (mail_load(w->app, id, INDEX_IN, &m, &none) == ERR_OK) {
        roster_agency_name(w->d.roster, &m.peer_agency, name, sizeof(name));
        buf_str(out, " from ");
        text_show(out, name, strlen(name), TEXT_ONE_LINE);
        if (os_is_tty(1)) {
            buf_str(out, ": ");
            text_show(out, m.subject, strlen(m.subject), TEXT_ONE_LINE);
        }
    }
    mail_clear(&m);
    buf_u8(out, 0);
}

static void
tell_warned(struct watch *w, const struct packet_id *id)
{
    struct problem none = {0};
    struct mail m = {0};

    if (mail_load(w->app, id, INDEX_OUT, &m, &none) == ERR_OK ||
        mail_load(w->app, id, INDEX_OWN, &m, &none) == ERR_OK)
        alert_tell(&w->d, &m, clock_wall_ms());
    mail_clear(&m);
}

static void
on_happened(void *arg, const char *event, const struct packet_id *id)
{
    struct watch *w = arg;
    struct occasion *o = calloc(1, sizeof(*o));
    struct buf about = {0};
    char at[CLOCK_TEXT_MAX];

    if (o == NULL)
        return;
    (void)snprintf(o->event, sizeof(o->event), "%s", event);
    hex_encode(o->id, id->b, sizeof(id->b));
    clock_format_local(at, clock_wall_ms());
    describe(w, id, &about);
    out_line(w->app, "%s  %s %s%s", at, o->event, o->id,
             about.data == NULL ? "" : (const char *)about.data);
    (void)fflush(stdout);
    buf_clear(&about);
    if (strcmp(event, "warned") == 0)
        tell_warned(w, id);
    *w->end = o;
    w->end = &o->next;
}

static void
run_occasions(struct watch *w)
{
    struct occasion *o;

    while ((o = w->first) != NULL) {
        const char *args[] = {o->event, o->id};

        if (w->exec != NULL && os_run_command(w->exec, args, 2) != ERR_OK)
            out_note(w->app, "The command of --exec failed for: %s.", o->event);
        w->first = o->next;
        free(o);
    }
    w->end = &w->first;
}

/* ---- the vault, shared ---- */

static enum err
let_go(struct watch *w, struct problem *pb)
{
    uint64_t now = clock_mono_ms();
    enum err rc;

    if (now - w->epoch_ms > DAY_MS) {
        (void)vault_epoch(w->app->vault);
        w->epoch_ms = now;
    }
    rc = vault_release(w->app->vault);
    if (rc == ERR_OK)
        run_occasions(w);
    return problem_from_err(pb, "the vault cannot be shared", rc);
}

/* However long it takes: a colleague's interview has the vault for an hour. */
static enum err
take_again(struct watch *w, struct problem *pb)
{
    bool changed = false;
    enum err rc;

    do
        rc = vault_reacquire(w->app->vault, VAULT_WAIT_MS, &changed);
    while (rc == ERR_BUSY);
    if (rc != ERR_OK)
        return problem_from_err(pb, "the vault is not to be had", rc);
    return changed ? desk_reload(&w->d, pb) : ERR_OK;
}

/* ---- connected ---- */

static enum err
wait_and_take(struct watch *w, unsigned *bye, struct problem *pb)
{
    enum err waited;
    enum err rc = let_go(w, pb);

    if (rc != ERR_OK)
        return rc;
    waited = upstream_wait(w->d.up, WAIT_MS, bye);
    rc = take_again(w, pb);
    if (rc != ERR_OK)
        return rc;
    if (waited == ERR_CLOSED)
        return problem_set(pb, P_UNREACHABLE, ERR_CLOSED,
                           "the connection to the relay ended", "%s",
                           bye_text(*bye));
    if (clock_mono_ms() - w->round_ms > ROUND_MS) {
        w->round_ms = clock_mono_ms();
        return exchange_all(&w->d, pb);
    }
    return waited == ERR_OK ? exchange_pushed(&w->d, pb) : ERR_OK;
}

/* What ends a session but not the watching. */
static bool
goes_on(const struct watch *w, enum err rc, const struct problem *pb)
{
    return !w->once && (is_passing(rc) || pb->id == P_UNREACHABLE ||
                        pb->id == P_VAULT_BUSY || pb->id == P_RELAY_ERROR);
}

static enum err
session(struct watch *w, unsigned *bye, struct problem *pb)
{
    enum err rc = desk_connect(&w->d, true, pb);

    if (rc == ERR_OK) {
        out_note(w->app, "Connected to %s.", w->d.id.relay_name);
        w->round_ms = clock_mono_ms();
        rc = exchange_all(&w->d, pb);
    }
    while (rc == ERR_OK && !w->once)
        rc = wait_and_take(w, bye, pb);
    desk_disconnect(&w->d);
    return rc;
}

/* ---- between connections ---- */

static uint64_t
jittered(uint64_t ms)
{
    uint16_t r;

    crypto_random(&r, sizeof(r));
    return ms / 2 + ms / 2 * r / UINT16_MAX;
}

static enum err
pause_a_while(struct watch *w, uint64_t *pause_ms, struct problem *pb)
{
    enum err rc = let_go(w, pb);

    if (rc != ERR_OK)
        return rc;
    os_sleep_ms((uint32_t)jittered(*pause_ms));
    *pause_ms = *pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : *pause_ms * 2;
    return take_again(w, pb);
}

static enum err
watch(struct watch *w, struct problem *pb)
{
    uint64_t pause_ms = PAUSE_MIN_MS;
    enum err rc;

    for (;;) {
        uint64_t began = clock_mono_ms();
        struct problem mine = {0};
        unsigned bye = 0;

        rc = session(w, &bye, &mine);
        if (rc == ERR_OK || !goes_on(w, rc, &mine)) {
            *pb = mine;
            return rc;
        }
        out_note(w->app, "%s: %s.", mine.what, mine.why);
        if (clock_mono_ms() - began > PAUSE_MAX_MS)
            pause_ms = PAUSE_MIN_MS;
        rc = pause_a_while(w, &pause_ms, pb);
        if (rc != ERR_OK)
            return rc;
    }
}

int
cmd_watch(struct app *app, int argc, char **argv)
{
    struct watch w = {.app = app, .epoch_ms = clock_mono_ms()};
    const struct arg table[] = {
        {"--exec", ARG_TEXT, &w.exec},
        {"--once", ARG_FLAG, &w.once},
    };
    struct problem pb = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, &pb);

    if (rc == ERR_OK)
        rc = desk_open(app, DESK_ONLINE, &w.d, &pb);
    if (rc == ERR_OK) {
        w.d.happened = on_happened;
        w.d.happened_arg = &w;
        w.end = &w.first;
        rc = watch(&w, &pb);
    }
    if (rc == ERR_OK) {
        json_put_u64(app->result, "received", w.d.count.received);
        json_put_u64(app->result, "sent", w.d.count.sent);
        out_next(app, "sealpost inbox");
    }
    desk_close(&w.d);
    if (w.first != NULL && let_go(&w, &pb) != ERR_OK)
        rc = ERR_STATE;
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
