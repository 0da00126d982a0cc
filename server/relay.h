/*
 * relay.h - the relay as a whole: one loop for the network, one thread that
 * writes (store_thread.h), one directory in memory, all sessions.
 *
 *   session --task--> writer: one commit for all that wait --> answers,
 *   pushes to sessions of both agencies, deliveries to the recipient's devices
 *
 * Life: relay_open() ... relay_run() (until SIGTERM, SIGINT or a fatal fault)
 * ... relay_close().  Everything but the store's own work is on the loop.
 */
#ifndef SEALPOST_SERVER_RELAY_H
#define SEALPOST_SERVER_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "common/list.h"
#include "common/map.h"
#include "proto/directory.h"
#include "server/conf.h"
#include "server/keys.h"
#include "server/store.h"
#include "server/store_thread.h"

struct acceptor;
struct control;
struct cosigning;
struct http_child;
struct publish;
struct session;
struct statements;
struct task;

/* Counters since start; for status and metrics. */
struct relay_stats {
    uint64_t accepted, turned_away, handshakes, messages, errors;
    uint64_t delivered, stored;
};

struct relay {
    uv_loop_t loop;
    const char *data_dir;
    struct conf conf;
    struct relay_keys *keys;
    struct store *store;
    struct store_reader *reader; /* the loop's own */
    struct store_thread *writer;
    struct directory *directory;
    struct statements *statements;
    struct acceptor *acceptor;
    struct control *control;
    struct cosigning *cosigning;
    struct publish *publish;
    struct http_child *http; /* NULL: none was asked for */
    struct list sessions;    /* struct session, all states */
    size_t session_count;
    struct list guests; /* those that are no device's, oldest first */
    size_t guest_count;
    struct map mailrooms; /* device id -> its mailbox session */
    struct map addresses; /* address(16) -> sessions from there */
    struct map uploads;   /* blob row(8) -> the transfer that writes its file */
    struct map devices;   /* device id -> its sessions */
    struct map writers;   /* address -> statements over NK this minute */
    uint64_t writers_minute;
    struct list waiting;          /* tasks the writer's queue had no room for */
    uint64_t handshake_credit_ms; /* handshake budget, see listener.c */
    uv_async_t wake;
    uv_timer_t sweep;
    uv_signal_t sigterm, sigint;
    uv_timer_t deadline; /* of stopping */
    bool stopping;
    bool sweeping;
    enum err fatal;
    uint64_t started_ms;
    struct relay_stats stats;
};

struct relay_options {
    const char *data_dir;
    const char *listen;      /* NULL: as configured */
    const char *config_path; /* NULL: none */
    int ready_fd;            /* gets one line "ready HOST:PORT"; -1: none */
    const char *http;        /* HOST:PORT of the public logs; NULL: none */
    const char *admin;       /* HOST:PORT for operators; NULL: none */
    bool http_directory;     /* the directory log too */
};

/* Opens store and directory, listens, writes DIR/run/address.  On failure one
 * sentence for people is in WHY. */
enum err relay_open(struct relay *r, const struct relay_options *opt, char *why,
                    size_t why_len);
/* The loop.  ERR_OK after an orderly stop, else what was fatal. */
enum err relay_run(struct relay *r);
void relay_close(struct relay *r);

/* Begin to stop: sessions get a bye, what is queued is committed and answered,
 * within 5 seconds. */
void relay_stop(struct relay *r);
/* No more promises: log WHY, answer nothing, leave the loop. */
void relay_fatal(struct relay *r, enum err why, const char *what);

/* Lends TASK to the writer, or keeps it until there is room. */
void relay_submit(struct relay *r, struct task *task);
/* Tells everybody concerned what a committed operation did. */
void relay_announce(struct relay *r, const struct store_result *result);
/* Expiry and everything else that time does; also by a timer.  Harmless while
 * one is under way. */
enum err relay_sweep(struct relay *r);
/* After each statement applied: sessions without authority end. */
void relay_recheck_sessions(struct relay *r);

#endif
