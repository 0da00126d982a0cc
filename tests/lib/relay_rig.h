/*
 * relay_rig.h - a whole relay in this process, on a loopback port and a
 * scratch directory, and clients that speak to it with link.h over real
 * sockets.  The relay's loop and all clients are turned by rig_turn(), in the
 * test's own thread.  Anything unexpected fails the test; so does a relay that
 * lets nothing happen for ten seconds.
 *
 * Life: rig_init() ... change rig->net ... rig_start() ... clients ...
 *       rig_stop() or rig_stop_and_check().
 *
 *   agency  0 shelter  non_statutory  device 0      mailbox 0
 *           1 hub      statutory      devices 1, 2  mailbox 1
 *           2 auditor  auditor        device 3
 *           3 office   registrar      device 4
 *           4 church   partner        device 5
 */
#ifndef SEALPOST_TESTS_RELAY_RIG_H
#define SEALPOST_TESTS_RELAY_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "proto/header.h"
#include "proto/link.h"
#include "proto/msg.h"
#include "proto/receipt.h"
#include "server/relay.h"
#include "tests/lib/net.h"

enum { RIG_CLIENTS = 80, RIG_HEARD = 2048, RIG_STRANGER = -1 };
enum { SHELTER, HUB, AUDITOR, OFFICE, CHURCH };

struct client;

struct rig {
    char *dir;
    char *config; /* path, or NULL */
    struct net net;
    struct relay relay;
    bool running;
    uint16_t port;
    struct client *clients[RIG_CLIENTS];
    struct prekey_id prekeys[NET_MAX]; /* by device, once put */
    unsigned turns;                    /* since rig_start */
};

void rig_init(struct rig *rig);
/* CONF: text of a configuration, or NULL.  rig_open gives relay_open's word. */
enum err rig_open(struct rig *rig, const char *conf, char why[512]);
void rig_start(struct rig *rig, const char *conf);
/* Stops the relay in order, closes all clients, removes the directory. */
void rig_stop(struct rig *rig);
/* The same, and the store verifies. */
void rig_stop_and_check(struct rig *rig);
/* Only the relay; rig_start() goes on with the same directory. */
void rig_halt(struct rig *rig);
/* One turn of the relay's loop and of every client. */
void rig_turn(struct rig *rig);
#define RIG_UNTIL(rig, condition)                                              \
    do {                                                                       \
        while (!(condition))                                                   \
            rig_turn(rig);                                                     \
    } while (0)
/* Logs the network's newest leaf through the registrar's session C. */
void rig_log_newest(struct rig *rig, struct client *c);

/* ---- clients ---- */

struct heard {
    uint8_t *bytes;
    struct msg m;
    bool taken;
};

struct client {
    struct rig *rig;
    int fd; /* -1: closed */
    struct link *link;
    bool ready;
    bool is_deaf;     /* reads nothing */
    bool is_careless; /* takes blob records in any order and forgets them */
    int bye;          /* the code, or -1 */
    uint32_t next_req;
    struct buf out; /* queued for the socket */
    size_t n_heard;
    struct heard heard[RIG_HEARD];
    struct buf blob; /* bytes of blob records, in order */
    uint32_t blob_handle;
    uint64_t blob_first, blob_next;
    size_t raw_bytes; /* received, of whatever kind */
};

/* A connection only: bytes by hand. */
struct client *client_raw(struct rig *rig);
void client_raw_send(struct client *c, const void *bytes, size_t len);
/* Connects; the handshake is done when this returns. */
struct client *client_open(struct rig *rig, int device);
/* The same, and WELCOME both ways. */
struct client *client_greet(struct rig *rig, int device, unsigned mail);
/* Begins to connect, for tests that turn the loop themselves. */
struct client *client_begin(struct rig *rig, int device);
void client_close(struct client *c);
/* Until the relay has closed the connection; the bye code or -1. */
int client_end(struct client *c);

/* Sends a question (or WELCOME, which has REQ 0); gives its number. */
uint32_t client_say(struct client *c, enum msg_type type,
                    const struct msg_field *f, unsigned n);
void client_say_bytes(struct client *c, const void *bytes, size_t len);
/* The first one not yet taken of that type and REQ, if it has come. */
const struct msg *client_take(struct client *c, enum msg_type type,
                              uint32_t req);
/* Waits for it. */
const struct msg *client_hear(struct client *c, enum msg_type type,
                              uint32_t req);
/* Say and hear. */
const struct msg *client_ask(struct client *c, enum msg_type type,
                             const struct msg_field *f, unsigned n);
/* The same, but an ERROR must come; gives its code. */
unsigned client_ask_error(struct client *c, enum msg_type type,
                          const struct msg_field *f, unsigned n);
/* How many of a type came and were not taken. */
size_t client_count(const struct client *c, enum msg_type type);
/* Everything that the relay would push now has come: a question and its
 * answer. */
void client_settle(struct client *c);

/* ---- what clients say ---- */

/* Puts one prekey of the client's device and remembers it. */
void client_put_prekey(struct client *c, unsigned device);

/* A packet that no relay can tell from a sealed one. */
struct parcel {
    struct header h;
    struct buf hdr, wraps, body;
    struct hash digest;
};
/* Number N to MAILBOX, slots for DEVICES. */
void parcel_make(struct rig *rig, struct parcel *p, unsigned n,
                 unsigned mailbox, const unsigned *devices, size_t n_devices);
/* After a change of p->h; SEED changes wraps and body. */
void parcel_encode(struct parcel *p, unsigned seed);
void parcel_clear(struct parcel *p);
uint32_t client_say_send(struct client *c, const struct parcel *p);
/* Sends it and hears LOGGED. */
const struct msg *client_send(struct client *c, const struct parcel *p);
/* A receipt of DEVICE for a DELIVER. */
void rcpt_for(struct rig *rig, unsigned device, const struct msg *deliver,
              enum rcpt_outcome outcome, uint8_t out[RCPT_LEN]);
const struct msg *client_receipt(struct client *c, unsigned device,
                                 const struct msg *deliver,
                                 enum rcpt_outcome outcome);
/* A stranger's request to join as NAME; the keys come from the net. */
void rig_join_request(struct rig *rig, struct buf *out, const char *name,
                      struct net_device *device);

#endif
