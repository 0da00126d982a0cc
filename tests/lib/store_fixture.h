/*
 * store_fixture.h - a store in a scratch directory with a small network in it:
 * agency 1 (devices 11, 12, mailbox 101) sends, agency 2 (devices 21, 22, 23,
 * mailbox 102) receives.  Packets are well-formed but not sealed: the store
 * could not tell.  Ids are numbers spread over their bytes.
 */
#ifndef SEALPOST_TESTS_STORE_FIXTURE_H
#define SEALPOST_TESTS_STORE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "proto/header.h"
#include "proto/receipt.h"
#include "server/store.h"

struct fixture {
    char *dir;
    struct store_config config;
    struct sign_secret log_key;
    struct store *st;
    struct store_reader *rd;
    uint64_t now_ms;
    uint64_t dir_size;
    unsigned alarms;
    char alarm[512]; /* the last one */
};

/* All of it, or a store without a network. */
void fx_open(struct fixture *fx);
void fx_open_empty(struct fixture *fx);
void fx_close(struct fixture *fx);
/* What they open a store with, for DIR (borrowed); for fx_try_open(). */
void fx_config(struct fixture *fx, const char *dir);
/* Closes the store and opens it again; fx_try_open gives the error. */
void fx_reopen(struct fixture *fx);
void fx_stop(struct fixture *fx);
enum err fx_try_open(struct fixture *fx, char why[512]);
void fx_network(struct fixture *fx);

struct agency_id fx_agency(unsigned n);
struct device_id fx_device(unsigned n);
struct mailbox_id fx_mailbox(unsigned n);
struct prekey_id fx_prekey(unsigned device);
struct packet_id fx_packet_id(unsigned n);
struct att_id fx_att(unsigned n);

/* One operation in a batch of its own at fx->now_ms. */
enum err fx_apply(struct fixture *fx, struct store_op *op);
/* The same, and its answer is WHY. */
void fx_want(struct fixture *fx, struct store_op *op, enum store_why why);
/* A statement (some bytes that hold TAG) with its effects, applied. */
void fx_statement(struct fixture *fx, const char *tag,
                  const struct store_effect *effects, size_t n);

struct fx_packet {
    struct header h;
    struct agency_id sender;
    struct device_id device;
    struct buf hdr, wraps, body;
    struct hash digest;
    uint64_t index; /* once stored */
};
/* Packet N of agency 1 to mailbox 102, slots 21 and 22, lives LIFE_H hours.
 * Change .h and call fx_packet_encode again for others. */
void fx_packet_init(struct fixture *fx, struct fx_packet *p, unsigned n,
                    unsigned life_h);
void fx_packet_encode(struct fx_packet *p, unsigned seed);
void fx_packet_clear(struct fx_packet *p);
void fx_packet_op(const struct fx_packet *p, struct store_op *op);
/* Stores it; sets .index. */
void fx_store(struct fixture *fx, struct fx_packet *p);

/* RCPT by a device of the recipient; a WDRW by the sender's. */
void fx_rcpt(const struct fx_packet *p, unsigned device,
             enum rcpt_outcome outcome, uint8_t out[RCPT_LEN]);
void fx_wdrw(const struct fx_packet *p, uint8_t out[WDRW_LEN]);
/* Applies one and wants WHY; the event's type (0 when refused). */
unsigned fx_receipt(struct fixture *fx, const struct fx_packet *p,
                    unsigned device, enum rcpt_outcome outcome,
                    enum store_why why);
unsigned fx_withdraw(struct fixture *fx, const struct fx_packet *p,
                     enum store_why why);
/* Sweeps until nothing is left to do; how many events of TYPE it made. */
unsigned fx_sweep(struct fixture *fx, unsigned type);

/* Of agency 1 as sender, own copies apart. */
struct store_counts fx_counts(struct fixture *fx);
/* store_check() finds nothing and the balance holds. */
void fx_check(struct fixture *fx);

#endif
