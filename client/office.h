/*
 * office.h - what administration needs: the vault open, the directory fresh,
 * a connection to the relay, and the keys that sign statements (a registrar's
 * or the agency's root, from the vault or from paper).
 * Life: office_open() ... office_close().
 */
#ifndef SEALPOST_CLIENT_OFFICE_H
#define SEALPOST_CLIENT_OFFICE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/app.h"
#include "client/identity.h"
#include "client/roster.h"
#include "client/upstream.h"
#include "proto/statement.h"

struct office {
    struct app *app;
    struct identity id;
    struct roster *roster;
    struct upstream *up; /* NULL: working offline */
    struct {             /* what office_make() made last and nobody has yet */
        struct agency_id issuer;
        uint64_t seq;
        struct hash prev;
    } ahead;
};

enum office_line {
    OFFICE_ONLINE,
    OFFICE_OFFLINE, /* but with nothing known yet, it asks if it can */
    OFFICE_EITHER,  /* online when the relay can be reached */
};

/* Unlocks, loads, and (online) connects and catches up with the directory. */
enum err office_open(struct app *app, enum office_line line, struct office *o,
                     struct problem *pb);
void office_close(struct office *o);

/* What SEALPOST_VAULT_COST says.  P_USAGE. */
struct vault_cost;
enum err office_vault_cost(struct vault_cost *out, struct problem *pb);
/* A vault for a new identity: opens the one that is here when it has none yet,
 * makes one otherwise.  P_VAULT_EXISTS when somebody lives in it. */
enum err office_new_vault(struct app *app, struct problem *pb);
/* New device keys into ID (device id, sign, transport). */
void office_new_device(struct identity *id);
/* Until when a device enrolled now may work. */
uint64_t office_device_until_s(void);
/* Name, address and pinned key of the relay into ID. */
void office_set_relay(struct identity *id, const char *name,
                      const char *address, const struct dh_key *key);

/* Keys.  The caller wipes OUT. */
enum err office_registrar_key(struct app *app, struct sign_secret *out,
                              struct problem *pb);
/* From the vault (--keep-root), else typed: the paper key of AGENCY's root. */
enum err office_root_key(struct office *o, struct sign_secret *out,
                         struct problem *pb);
/* One secret of 32 bytes in the vault (REC_ROOT, REC_REGISTRAR). */
enum err office_keep_seed(struct app *app, uint8_t kind, const uint8_t seed[32],
                          struct problem *pb);
/* Shows SEED as a paper key, asks one group back (unless --yes or no
 * terminal), which proves that it was written down. */
enum err office_show_paper(struct app *app, const char *title,
                           const uint8_t seed[32], struct problem *pb);
/* A paper key from --paper-fd, else typed (hidden); checks it. */
/* TEXT as a QR code, when stdout is a terminal. */
void office_show_qr(struct app *app, const char *text);
enum err office_ask_paper(struct app *app, const char *prompt, uint8_t seed[32],
                          struct problem *pb);

/* Completes ST (time; seq and prev after the issuer's chain, and after what was
 * made before in this office), builds and signs it with KEY (NULL: leaves it
 * unsigned) into OUT.  What the directory would refuse is refused here, with
 * its reason. */
enum err office_make(struct office *o, struct statement *st,
                     const struct sign_secret *key, struct buf *out,
                     struct problem *pb);
/* STMT_PUT, then catches up, so that the next statement has its chain.  The
 * statement counts when the relay has logged it: that this device is cut off
 * by it is no failure. */
enum err office_put(struct office *o, const struct buf *stmt,
                    struct problem *pb);
/* office_make and office_put. */
enum err office_publish(struct office *o, struct statement *st,
                        const struct sign_secret *key, struct problem *pb);

/* Every statement of a bundle in turn; *COUNT grows with each. */
enum err office_put_bundle(struct office *o, const struct buf *bundle,
                           size_t *count, struct problem *pb);
/* A statement into a bundle.  Sets PB. */
enum err office_bundle_add(struct buf *bundle, const struct buf *stmt,
                           struct problem *pb);

/* Files.  Reading "-" reads standard input. */
enum err office_read_file(const char *path, size_t max, struct buf *out,
                          struct problem *pb);
/* Never over a file that is there; 0600. */
enum err office_write_file(const char *path, const struct buf *bytes,
                           struct problem *pb);

#endif
