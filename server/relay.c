#include "server/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/os.h"
#include "server/blob_file.h"
#include "server/control.h"
#include "server/cosigning.h"
#include "server/http_child.h"
#include "server/forkproof.h"
#include "server/listener.h"
#include "server/mailroom.h"
#include "server/publish.h"
#include "server/ready.h"
#include "server/session.h"
#include "server/statements.h"
#include "server/succession.h"
#include "server/task.h"

enum { STOP_MS = 4000 }; /* of the five seconds that SIGTERM promises */

/* ---- writing ---- */

void
relay_submit(struct relay *r, struct task *t)
{
    enum err rc = r->writer == NULL ? ERR_STATE
                  : !list_is_empty(&r->waiting)
                      ? ERR_FULL
                      : store_thread_submit(r->writer, &t->job);

    if (rc == ERR_OK)
        return;
    if (rc != ERR_FULL) {
        task_free(t); /* stopping for good: nobody is answered */
        return;
    }
    /* The queue is bounded: who brought this is read no more meanwhile. */
    list_push_back(&r->waiting, &t->waiting);
    if (t->session != NULL) {
        t->is_holding = true;
        session_pause(t->session);
    }
}

static void
on_drained(void *arg)
{
    struct relay *r = arg;
    struct list_node *n;

    while ((n = list_first(&r->waiting)) != NULL) {
        struct task *t = list_entry(n, struct task, waiting);

        if (store_thread_submit(r->writer, &t->job) != ERR_OK)
            return;
        list_remove(&t->waiting);
        if (t->is_holding && t->session != NULL)
            session_resume(t->session);
        t->is_holding = false;
    }
}

static void
on_wake(uv_async_t *a)
{
    struct relay *r = a->data;

    store_thread_poll(r->writer);
}

static void
wake(void *arg)
{
    struct relay *r = arg;

    (void)uv_async_send(&r->wake);
}

static void
on_writer_fatal(void *arg, enum err why)
{
    relay_fatal(arg, why, "the outcome of a write is unknown");
}

void
relay_fatal(struct relay *r, enum err why, const char *what)
{
    log_error("stopping: %s: %s", what, err_text(why));
    r->fatal = why;
    uv_stop(&r->loop);
}

/* ---- telling ---- */

static bool
concerns(const struct session *s, const struct store_event *e)
{
    const struct dir_device *d = session_device(s);

    return id_eq(&d->agency->id, &e->sender) ||
           id_eq(&d->agency->id, &e->recipient);
}

static void
push_event(struct relay *r, const struct store_event *e)
{
    struct msg_field row[] = {
        [EVENTS_ROW_INDEX] = msg_u(e->index),
        [EVENTS_ROW_OPENING] = msg_bin(e->opening, sizeof(e->opening)),
        [EVENTS_ROW_EVIDENCE] = msg_bin(e->evidence.data, e->evidence.len),
        [EVENTS_ROW_LEAF_PROOF] =
            msg_bin(e->leaf_proof.data, e->leaf_proof.len),
    };
    struct msg_field list = msg_list(row, 4);
    struct head heads[STORE_LOGS];
    struct buf note = {0};
    struct list_node *n = list_first(&r->sessions);

    store_heads(r->store, heads);
    if (head_to_note(&heads[STORE_DELIVERY],
                     store_vkey(r->store, STORE_DELIVERY), &note) != ERR_OK)
        n = NULL;
    while (n != NULL) {
        struct session *s = session_from_node(n);
        struct msg_field f[] = {
            [EVENTS_ROWS] = msg_list(&list, 1),
            [EVENTS_NEXT] = msg_u(e->index + 1),
            [EVENTS_CHECKPOINT] = msg_bin(note.data, note.len),
        };

        n = list_next(&r->sessions, n);
        if (session_is_mail(s) && !session_device(s)->agency->suspended &&
            concerns(s, e))
            session_push(s, MSG_EVENTS, f, 3);
    }
    buf_clear(&note);
}

void
relay_announce(struct relay *r, const struct store_result *res)
{
    if (res->why != STORE_OK || r->stopping)
        return;
    for (size_t i = 0; i < res->n_events; i++) {
        struct event e;

        if (event_decode(res->events[i].opening + 32, &e) != ERR_OK)
            continue;
        push_event(r, &res->events[i]);
        if (e.type == EVENT_STORED)
            mailroom_wake(r, &e.recipient);
    }
}

void
relay_recheck_sessions(struct relay *r)
{
    struct list_node *n = list_first(&r->sessions);

    while (n != NULL) {
        struct session *s = session_from_node(n);

        n = list_next(&r->sessions, n);
        session_recheck(s);
    }
}

/* ---- the sweep ---- */

static void
on_swept(struct task *t)
{
    struct relay *r = t->relay;

    r->sweeping = false;
    relay_recheck_sessions(r); /* devices expire by time alone */
    statements_finish_joins(r);
    if (t->job.op.result.why == STORE_OK && t->job.op.result.more)
        (void)relay_sweep(r);
}

enum err
relay_sweep(struct relay *r)
{
    struct task *t;

    if (r->sweeping || r->stopping)
        return ERR_OK;
    t = task_new(r, NULL, 0, STORE_OP_SWEEP, NULL, 0, on_swept);
    if (t == NULL)
        return ERR_NOMEM;
    r->sweeping = true;
    relay_submit(r, t);
    return ERR_OK;
}

static void
on_sweep_timer(uv_timer_t *timer)
{
    (void)relay_sweep(timer->data);
}

/* ---- life ---- */

static void
on_alarm(void *arg, const char *what)
{
    (void)arg;
    log_error("store: %s", what);
}

/* The directory decides who may do what: it must be the one that was signed,
 * leaf by leaf. */
static enum err
check_directory(const struct relay *r, char *why, size_t why_len)
{
    struct hash root;
    struct head head;
    enum err rc = store_head(r->reader, STORE_DIRECTORY, &head);

    if (rc != ERR_OK)
        return rc;
    if (directory_size(r->directory) == head.size &&
        directory_root_at(r->directory, head.size, &root) == ERR_OK &&
        id_eq(&root, &head.root))
        return ERR_OK;
    (void)snprintf(why, why_len,
                   "the directory log is damaged: `sealpostd check --data %s` "
                   "tells where",
                   r->data_dir);
    return ERR_VERIFY;
}

static enum err
open_store(struct relay *r, char *why, size_t why_len)
{
    struct store_config cfg = {
        .dir = r->data_dir,
        .guard_path = r->conf.guard,
        .log_key = &r->keys->log,
        .directory_origin = r->keys->directory_origin,
        .delivery_origin = r->keys->delivery_origin,
        .pending_packets_max = r->conf.pending_packets_max,
        .pending_bytes_max = r->conf.pending_bytes_max,
        .page_count_max = (uint32_t)r->conf.page_count_max,
        .warn = {.urgent_ms = r->conf.warn_urgent_ms,
                 .routine_ms = r->conf.warn_routine_ms},
        .alarm = on_alarm,
    };
    enum err rc =
        warn_parse_offset(r->conf.warn_utc_offset, &cfg.warn.utc_offset_min);

    if (rc == ERR_OK)
        rc = store_open(&cfg, &r->store, why, why_len);
    if (rc == ERR_OK)
        rc = store_reader_open(r->store, &r->reader);
    if (rc == ERR_OK)
        rc = forkproof_check(r->data_dir, r->store, r->reader, why, why_len);
    if (rc == ERR_OK)
        rc = statements_load(r->reader, &r->directory);
    if (rc == ERR_OK && directory_policy(r->directory) == NULL) {
        (void)snprintf(why, why_len,
                       "this relay has no network yet: load the registrar's "
                       "file with `sealpostd genesis FILE --data %s`",
                       r->data_dir);
        rc = ERR_STATE;
    }
    return rc == ERR_OK ? check_directory(r, why, why_len) : rc;
}

static enum err
open_writer(struct relay *r)
{
    struct store_thread_options opt = {
        .wake = wake,
        .drained = on_drained,
        .fatal = on_writer_fatal,
        .arg = r,
    };
    enum err rc = store_thread_open(r->store, &opt, &r->writer);

    if (rc == ERR_OK && (r->statements = statements_new(r)) == NULL)
        rc = ERR_NOMEM;
    return rc;
}

static enum err
open_publish(struct relay *r, char *why, size_t why_len)
{
    struct publish_options opt = {
        .data_dir = r->data_dir,
        .beat_ms = r->conf.beat_ms,
        .files_of = {[STORE_DELIVERY] = r->conf.publish_delivery,
                     [STORE_DIRECTORY] = r->conf.publish_directory},
    };

    return publish_open(&r->loop, r->store, &opt, &r->publish, why, why_len);
}

static void
on_signal(uv_signal_t *h, int number)
{
    (void)number;
    log_info("stopping");
    relay_stop(h->data);
}

static void
open_handles(struct relay *r)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&r->wake, (uv_handle_t *)&r->sweep,
                              (uv_handle_t *)&r->deadline,
                              (uv_handle_t *)&r->sigterm,
                              (uv_handle_t *)&r->sigint};

    (void)uv_async_init(&r->loop, &r->wake, on_wake);
    (void)uv_timer_init(&r->loop, &r->sweep);
    (void)uv_timer_init(&r->loop, &r->deadline);
    (void)uv_signal_init(&r->loop, &r->sigterm);
    (void)uv_signal_init(&r->loop, &r->sigint);
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
        handles[i]->data = r;
}

static enum err
listen_at(struct relay *r, const char *address, char *bound, size_t cap,
          char *why, size_t why_len)
{
    char host[256];
    uint16_t port = 0;
    enum err rc = address_split(address, host, sizeof(host), &port);

    if (rc != ERR_OK) {
        (void)snprintf(why, why_len, "\"%s\" is not HOST:PORT", address);
        return rc;
    }
    rc = listener_open(r, host, port, &port);
    if (rc == ERR_OK)
        (void)snprintf(bound, cap, strchr(host, ':') ? "[%s]:%u" : "%s:%u",
                       host, port);
    else
        (void)snprintf(why, why_len, "cannot listen on %s: %s", address,
                       rc == ERR_BUSY ? "another program uses that port"
                                      : err_text(rc));
    return rc;
}

/* Nothing when neither address is asked for. */
static enum err
open_http(struct relay *r, const struct relay_options *opt, char *why,
          size_t why_len)
{
    struct http_child_options o = {
        .data_dir = r->data_dir,
        .config = opt->config_path,
        .http = opt->http,
        .admin = opt->admin,
        .directory = opt->http_directory,
    };

    if (opt->http == NULL && opt->admin == NULL)
        return ERR_OK;
    os_keep_to_ourselves(opt->ready_fd);
    return http_child_open(&r->loop, &o, &r->http, why, why_len);
}

static enum err
open_network(struct relay *r, const struct relay_options *opt, char *why,
             size_t why_len)
{
    char path[OS_PATH_MAX];
    char bound[300];
    enum err rc = os_path_join(path, sizeof(path), r->data_dir, "run");

    if (rc == ERR_OK)
        rc = os_mkdirs(path, 0700);
    if (rc == ERR_OK)
        rc = control_open(r, &r->control);
    if (rc != ERR_OK) {
        (void)snprintf(why, why_len, "cannot open the control socket: %s",
                       err_text(rc));
        return rc;
    }
    rc = listen_at(r, opt->listen != NULL ? opt->listen : r->conf.listen, bound,
                   sizeof(bound), why, why_len);
    if (rc == ERR_OK)
        rc = open_http(r, opt, why, why_len);
    if (rc == ERR_OK)
        rc = ready_tell(r->data_dir, bound,
                        r->http != NULL ? http_child_addresses(r->http) : "",
                        opt->ready_fd);
    if (rc == ERR_OK)
        log_info("listening on %s", bound);
    return rc;
}

static void
init_maps(struct relay *r)
{
    uint8_t seed[16];

    crypto_random(seed, sizeof(seed));
    map_init(&r->mailrooms, 16, seed);
    map_init(&r->addresses, 16, seed);
    map_init(&r->uploads, 8, seed);
    map_init(&r->devices, 16, seed);
    map_init(&r->writers, 16, seed);
    list_init(&r->sessions);
    list_init(&r->guests);
    list_init(&r->waiting);
}

enum err
relay_open(struct relay *r, const struct relay_options *opt, char *why,
           size_t why_len)
{
    struct buf errors = {0};
    enum log_level level = LOG_LEVEL_INFO;
    enum err rc;

    memset(r, 0, sizeof(*r));
    why[0] = '\0';
    r->data_dir = opt->data_dir;
    r->started_ms = clock_mono_ms();
    init_maps(r);
    (void)uv_loop_init(&r->loop);
    open_handles(r);
    rc = conf_load(&r->conf, opt->config_path, &errors);
    if (rc != ERR_OK) {
        (void)snprintf(why, why_len, "%.*s", (int)errors.len,
                       errors.len > 0 ? (char *)errors.data : "");
    } else if (!log_level_parse(&level, r->conf.log_level)) {
        (void)snprintf(why, why_len, "log level: error, warn, info or debug");
        rc = ERR_MALFORMED;
    }
    buf_clear(&errors);
    log_open(level, "sealpostd");
    if (opt->http_directory)
        r->conf.publish_directory = true;
    if (rc == ERR_OK && (rc = succession_settle(r->data_dir)) != ERR_OK)
        (void)snprintf(why, why_len, "cannot finish the succession in %s: %s",
                       r->data_dir, err_text(rc));
    if (rc == ERR_OK && (rc = keys_load(r->data_dir, &r->keys)) != ERR_OK)
        (void)snprintf(why, why_len,
                       rc == ERR_NOTFOUND
                           ? "%s holds no relay: make one with `sealpostd init`"
                       : rc == ERR_REFUSED
                           ? "%s/keys can be read by others: chmod 600 it"
                           : "%s/keys cannot be read",
                       r->data_dir);
    if (rc == ERR_OK)
        rc = open_store(r, why, why_len);
    if (rc == ERR_OK)
        rc = open_writer(r);
    if (rc == ERR_OK)
        rc = cosigning_open(r, r->conf.witness_policy, &r->cosigning, why,
                            why_len);
    if (rc == ERR_OK)
        rc = open_publish(r, why, why_len);
    if (rc == ERR_OK)
        rc = open_network(r, opt, why, why_len);
    if (rc != ERR_OK && why[0] == '\0')
        (void)snprintf(why, why_len, "%s", err_text(rc));
    return rc;
}

enum err
relay_run(struct relay *r)
{
    (void)uv_signal_start(&r->sigterm, on_signal, SIGTERM);
    (void)uv_signal_start(&r->sigint, on_signal, SIGINT);
    (void)uv_timer_start(&r->sweep, on_sweep_timer, r->conf.sweep_ms,
                         r->conf.sweep_ms);
    statements_finish_joins(r);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    return r->fatal;
}

static void
on_stop_deadline(uv_timer_t *t)
{
    uv_stop(t->loop);
}

static void
close_handles(struct relay *r)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&r->sweep,
                              (uv_handle_t *)&r->sigterm,
                              (uv_handle_t *)&r->sigint};

    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
        if (!uv_is_closing(handles[i]))
            uv_close(handles[i], NULL);
}

void
relay_stop(struct relay *r)
{
    struct list_node *n;

    if (r->stopping)
        return;
    /* What was taken before this moment is still committed and answered. */
    r->stopping = true;
    listener_close(r);
    control_close(r->control);
    r->control = NULL;
    publish_close(r->publish);
    r->publish = NULL;
    http_child_close(r->http);
    r->http = NULL;
    close_handles(r);
    blob_files_stop(r->store);
    (void)uv_timer_start(&r->deadline, on_stop_deadline, STOP_MS, 0);
    uv_unref((uv_handle_t *)&r->deadline);
    store_thread_close(r->writer);
    r->writer = NULL;
    uv_close((uv_handle_t *)&r->wake, NULL);
    for (n = list_first(&r->sessions); n != NULL;) {
        struct session *s = session_from_node(n);

        n = list_next(&r->sessions, n);
        session_close(s, BYE_STOPPING, ERR_CANCELLED);
    }
}

/* What had no time to stop ends here: sessions without their last bytes, and
 * jobs on workers, which use the store until they are done (a chunk each).
 * After a fault the process ends with all of it open. */
static void
close_loop(struct relay *r)
{
    struct list_node *n;

    if (r->fatal != ERR_OK)
        return;
    for (n = list_first(&r->sessions); n != NULL;
         n = list_next(&r->sessions, n))
        session_drop(session_from_node(n), ERR_TIMEOUT);
    close_handles(r);
    if (!uv_is_closing((uv_handle_t *)&r->wake))
        uv_close((uv_handle_t *)&r->wake, NULL);
    uv_close((uv_handle_t *)&r->deadline, NULL);
    listener_close(r);
    control_close(r->control);
    publish_close(r->publish);
    http_child_close(r->http);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&r->loop);
}

void
relay_close(struct relay *r)
{
    struct list_node *n;

    if (r->writer != NULL && r->fatal == ERR_OK) {
        store_thread_close(r->writer);
        r->writer = NULL;
    }
    while ((n = list_first(&r->waiting)) != NULL)
        task_free(list_entry(n, struct task, waiting));
    close_loop(r);
    cosigning_close(r->cosigning);
    statements_free(r->statements);
    if (r->fatal == ERR_OK) {
        store_reader_close(r->reader);
        store_close(r->store);
    }
    directory_free(r->directory);
    map_clear(&r->mailrooms);
    map_clear(&r->addresses);
    map_clear(&r->uploads);
    map_clear(&r->devices);
    map_clear(&r->writers);
    keys_free(r->keys);
    conf_clear(&r->conf);
}
